//! Pages from the ERP become rows to write: mapped, checked, compared with the shop.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, PoisonError};

use contracts::bulk::{Causes, count_cause};
use contracts::erp::{QuarantinedRow, Record, StageCounts, StagePages, Staged, StagedRow, UnknownFields};
use contracts::money::Currency;
use contracts::objects::ObjectRef;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use jiff::Timestamp;
use mapping::{Defect, DefectKind, EntityMapping, Rules, SourceRecord, Unseen};
use serde_json::value::to_raw_value;
use store::{LinesWriter, Store};
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use text::Problem;

use super::connector::{Erp, PageAsk, Sourced};
use super::course::{Moments, Turns};
use super::deletions::ledger::Ledger;
use super::refused::Refused;
use super::shop::Shop;
use super::{compare, give_up, looking, shown};
use crate::bulk::{self, Checked, Compared, Page, Pages, Reading, Trouble, Unfit, persistently};
use crate::effect::alive;

/// Fields without a rule, or files left lying, that a result lists.
const UNKNOWN_MAX: usize = 50;

pub(super) async fn stage(
    ctx: &ActivityContext,
    erp: &dyn Erp,
    shop: &Shop,
    store: &Store,
    input: &StagePages,
) -> Result<Staged, ActivityError> {
    let rules = Rules::parse(input.rules.as_deref().unwrap_or("{}"));
    let rules = rules.map_err(|_| give_up("the mapping rules were not checked before the run".to_owned()))?;
    let currency = Currency::from_code(&input.currency)
        .ok_or_else(|| give_up("the currency was not checked before the run".to_owned()))?;
    let mapping = rules.of(input.entity, currency);
    let ledger = Ledger::of(store, &input.source.integration_id, input.entity);
    let moments = Moments::new(input.ahead_seconds);
    let refused = Refused::of(store, &input.source.integration_id, input.entity);
    let refused = alive(ctx, refused.keys()).await.map_err(Trouble::into_failure)?;
    let refused_before = refused.len() as u64;
    let mut records = Records {
        ctx,
        erp,
        shop,
        ledger,
        input,
        unseen: mapping.unseen(),
        mapping,
        unknown: BTreeSet::new(),
        counts: StageCounts::default(),
        moments,
        left_out: Causes::new(),
        left_lying: Mutex::default(),
        refused,
        again: BTreeSet::new(),
        turns: Mutex::new(Turns::of(erp.stamps())),
    };
    let pages = Pages {
        cursor: input.cursor.as_deref(),
        at_most: input.pages,
        folder: &input.folder,
        quarantine: &input.quarantine,
    };
    let rows = bulk::stage(ctx, store, &mut records, &pages).await?;
    let Records { unknown, unseen, counts, moments, left_out, left_lying, again, .. } = records;
    let again = alive(ctx, list_of(store, &input.folder, again)).await.map_err(Trouble::into_failure)?;
    let left_lying = left_lying.into_inner().unwrap_or_else(PoisonError::into_inner);
    let is_warned_of = input.unknown_fields == UnknownFields::Warn;
    Ok(Staged {
        batch: rows.batch,
        quarantined: rows.quarantined,
        next: rows.next,
        is_cut: rows.is_cut,
        newest: moments.newest,
        is_disordered: moments.is_disordered,
        counts: StageCounts { superseded: rows.superseded, ahead: moments.count, ..counts },
        ahead: moments.ahead,
        causes: rows.causes,
        left_out,
        refused_before,
        again,
        left_lying: left_lying.into_iter().take(UNKNOWN_MAX).collect(),
        unknown_fields: unknown.into_iter().take(UNKNOWN_MAX).filter(|_| is_warned_of).collect(),
        unseen_fields: unseen.problems().iter().take(UNKNOWN_MAX).map(Problem::what).collect(),
    })
}

async fn list_of(store: &Store, folder: &str, keys: BTreeSet<String>) -> Result<Option<ObjectRef>, Trouble> {
    let mut list = LinesWriter::default();
    for key in &keys {
        list.push(key)?;
    }
    Ok(list.put(store, folder).await?)
}

/// The records of an ERP on their way to the shop.
struct Records<'r> {
    ctx: &'r ActivityContext,
    erp: &'r dyn Erp,
    shop: &'r Shop,
    ledger: Ledger<'r>,
    input: &'r StagePages,
    mapping: EntityMapping<'r>,
    unknown: BTreeSet<String>,
    /// Of records that name their fields themselves.
    unseen: Unseen<'r>,
    counts: StageCounts,
    moments: Moments,
    left_out: Causes,
    /// Pages are read while others are checked.
    left_lying: Mutex<BTreeSet<String>>,
    turns: Mutex<Turns>,
    /// Keys that the shop refused in earlier runs.
    refused: HashSet<String>,
    /// Those among them that were read again.
    again: BTreeSet<String>,
}

impl Reading for Records<'_> {
    type Record = Sourced;
    type Fit = (Timestamp, Record);
    type Row = StagedRow;

    fn page<'a>(&'a self, cursor: Option<&'a str>) -> BoxFuture<'a, Result<Page<Sourced>, Trouble>> {
        let ask = PageAsk {
            entity: self.input.entity,
            since: self.input.since,
            cursor,
            limit: self.input.page_size,
            settled: self.input.settled,
            is_dry: self.input.dry_run,
            together: u64::from(self.input.pages) * u64::from(self.input.page_size),
        };
        async move {
            let mut page = persistently(self.ctx, || self.erp.page(&ask)).await?;
            page.next = self.turns.lock().unwrap_or_else(PoisonError::into_inner).next(
                cursor,
                page.next,
                page.records.is_empty(),
            )?;
            for left in &page.left_lying {
                tracing::warn!(
                    integration = self.input.source.integration_id.as_str(),
                    "a file is left lying: {left}"
                );
            }
            self.left_lying.lock().unwrap_or_else(PoisonError::into_inner).extend(page.left_lying);
            Ok(Page { records: page.records, next: page.next, is_cut: page.is_cut })
        }
        .boxed()
    }

    fn check(&mut self, source: Sourced) -> Result<Checked<Self::Fit>, Trouble> {
        self.counts.read += 1;
        if !source.is_row {
            self.unseen.note(&source.fields);
        }
        let is_ahead = !source.is_undated && self.moments.is_ahead(source.changed_at);
        let mapped = readable(&source)
            .and_then(|()| self.check_columns(&source))
            .and_then(|()| self.check_fields(&source.fields))
            .and_then(|()| self.mapping.apply(&source.fields));
        match mapped {
            Ok((record, left_out)) => {
                if is_ahead {
                    self.moments.name(&shown(&record), source.changed_at);
                }
                for defect in left_out {
                    count_cause(&mut self.left_out, &defect.cause());
                }
                let key = record.key();
                if self.refused.contains(&key) {
                    self.again.insert(key.clone());
                }
                Ok(Checked::Fit { key, fit: (source.changed_at, record) })
            }
            Err(defect) => self.reject(&source, &defect),
        }
    }

    fn compare(&mut self, mut fit: Vec<Self::Fit>) -> BoxFuture<'_, Result<Compared<StagedRow>, Trouble>> {
        async move {
            let looked = looking::look_up(self.ctx, self.shop, self.input.entity, &fit).await?;
            if self.input.revive {
                self.ledger.revive(&mut fit, &looked.existing).await?;
            }
            let (mut rows, mut unfit) = (Vec::new(), Vec::new());
            for record in fit {
                let key = record.1.key();
                if let Some(cause) = looked.unfit(&key) {
                    self.counts.invalid += 1;
                    unfit.push(self.turned_away(record, cause)?);
                    continue;
                }
                let limit = self.input.price_change_percent;
                rows.extend(compare::compare(record, looked.existing.get(&key), limit, &mut self.counts));
            }
            Ok(Compared { rows, unfit })
        }
        .boxed()
    }
}

/// The ERP's own id of a record that has no key yet, by which somebody finds it there.
fn id_of(fields: &SourceRecord) -> Option<String> {
    let id = fields.get("id")?.get();
    let text = serde_json::from_str::<String>(id).ok();
    let number = || serde_json::from_str::<serde_json::Number>(id).is_ok().then(|| id.to_owned());
    text.or_else(number).filter(|id| !id.contains('@') && id.len() <= 100)
}

fn readable(source: &Sourced) -> Result<(), Defect> {
    match &source.unreadable {
        Some(problem) => Err(Defect {
            kind: DefectKind::Unmapped,
            field: problem.field.clone(),
            problem: problem.problem.clone(),
            fix: Some(problem.fix.clone()),
        }),
        None => Ok(()),
    }
}

impl Records<'_> {
    /// A rule that reads a column which a file does not have is a slip, of the rules or of whoever exports: each of its
    /// records would lose the field, silently where the shop can do without.
    fn check_columns(&self, source: &Sourced) -> Result<(), Defect> {
        if !source.is_row {
            return Ok(());
        }
        let missing = self.mapping.missing(|column| source.fields.contains_key(column));
        missing.into_iter().next().map_or(Ok(()), Err)
    }

    fn check_fields(&mut self, source: &SourceRecord) -> Result<(), Defect> {
        if self.input.unknown_fields == UnknownFields::Ignore {
            return Ok(());
        }
        let unknown = self.mapping.unknown_fields(source);
        match (self.input.unknown_fields, unknown.first()) {
            (UnknownFields::Stop, Some(field)) => Err(Defect {
                kind: DefectKind::Unmapped,
                field: (*field).to_owned(),
                problem: "is a field that no rule asks for".to_owned(),
                fix: None,
            }),
            _ => {
                self.unknown.extend(unknown.into_iter().take(UNKNOWN_MAX).map(str::to_owned));
                Ok(())
            }
        }
    }

    fn reject<F>(&mut self, source: &Sourced, defect: &Defect) -> Result<Checked<F>, Trouble> {
        match defect.kind {
            DefectKind::Unmapped => self.counts.unmapped += 1,
            DefectKind::Invalid => self.counts.invalid += 1,
        }
        // Many records share a cause; each has a place of its own.
        let cause = defect.cause();
        let place = source.unreadable.as_ref().and_then(|problem| problem.at.as_ref());
        let row = QuarantinedRow {
            entity: self.input.entity,
            cause: place.map_or(cause.clone(), |place| format!("{cause} ({place})")),
            changed_at: source.changed_at,
            key: id_of(&source.fields),
            record: to_raw_value(&source.fields)?,
        };
        Ok(Checked::Unfit(Unfit { cause, line: to_raw_value(&row)? }))
    }

    /// A record that can be used, and that the shop cannot be asked about.
    fn turned_away(&self, (changed_at, record): (Timestamp, Record), cause: &str) -> Result<Unfit, Trouble> {
        let row = QuarantinedRow {
            entity: self.input.entity,
            cause: cause.to_owned(),
            changed_at,
            key: Some(record.key()),
            record: to_raw_value(&record)?,
        };
        Ok(Unfit { cause: cause.to_owned(), line: to_raw_value(&row)? })
    }
}
