//! Pages from the ERP become rows to write: mapped, checked, compared with the shop.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use contracts::bulk::{Causes, count_cause};
use contracts::erp::{QuarantinedRow, Record, StageCounts, StagePages, Staged, StagedRow, UnknownFields};
use contracts::money::Currency;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use jiff::Timestamp;
use mapping::{Defect, DefectKind, EntityMapping, Rules, SourceRecord, Unseen};
use serde_json::value::to_raw_value;
use store::Store;
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use text::Problem;

use super::connector::{Erp, PageAsk, Sourced};
use super::deletions::ledger::Ledger;
use super::shop::Shop;
use super::{compare, give_up};
use crate::bulk::{self, Checked, Compared, Page, Pages, Reading, Trouble, Unfit, patiently};

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
        newest: None,
        left_out: Causes::new(),
        left_lying: Mutex::default(),
    };
    let pages = Pages {
        cursor: input.cursor.as_deref(),
        at_most: input.pages,
        folder: &input.folder,
        quarantine: &input.quarantine,
    };
    let rows = bulk::stage(ctx, store, &mut records, &pages).await?;
    let Records { unknown, unseen, counts, newest, left_out, left_lying, .. } = records;
    let left_lying = left_lying.into_inner().unwrap_or_else(PoisonError::into_inner);
    let is_warned_of = input.unknown_fields == UnknownFields::Warn;
    Ok(Staged {
        batch: rows.batch,
        quarantined: rows.quarantined,
        next: rows.next,
        newest,
        counts: StageCounts { superseded: rows.superseded, ..counts },
        causes: rows.causes,
        left_out,
        left_lying: left_lying.into_iter().take(UNKNOWN_MAX).collect(),
        unknown_fields: unknown.into_iter().take(UNKNOWN_MAX).filter(|_| is_warned_of).collect(),
        unseen_fields: unseen.problems().iter().take(UNKNOWN_MAX).map(Problem::what).collect(),
    })
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
    newest: Option<Timestamp>,
    left_out: Causes,
    /// Pages are read while others are checked.
    left_lying: Mutex<BTreeSet<String>>,
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
            together: u64::from(self.input.pages) * u64::from(self.input.page_size),
        };
        async move {
            let page = patiently(self.ctx, || self.erp.page(&ask)).await?;
            for left in &page.left_lying {
                tracing::warn!(
                    integration = self.input.source.integration_id.as_str(),
                    "a file is left lying: {left}"
                );
            }
            self.left_lying.lock().unwrap_or_else(PoisonError::into_inner).extend(page.left_lying);
            Ok(Page { records: page.records, next: page.next })
        }
        .boxed()
    }

    fn check(&mut self, source: Sourced) -> Result<Checked<Self::Fit>, Trouble> {
        self.counts.read += 1;
        self.newest = self.newest.max(Some(source.changed_at));
        if !source.is_row {
            self.unseen.note(&source.fields);
        }
        let mapped = readable(&source)
            .and_then(|()| self.check_columns(&source))
            .and_then(|()| self.check_fields(&source.fields))
            .and_then(|()| self.mapping.apply(&source.fields));
        match mapped {
            Ok((record, left_out)) => {
                for defect in left_out {
                    count_cause(&mut self.left_out, &defect.cause());
                }
                Ok(Checked::Fit { key: record.key(), fit: (source.changed_at, record) })
            }
            Err(defect) => self.reject(&source, &defect),
        }
    }

    fn compare(&mut self, mut fit: Vec<Self::Fit>) -> BoxFuture<'_, Result<Compared<StagedRow>, Trouble>> {
        async move {
            let existing = patiently(self.ctx, || self.shop.look_up(self.input.entity, &fit)).await?;
            if self.input.revive {
                self.ledger.revive(&mut fit, &existing).await?;
            }
            let mut rows = Vec::new();
            for record in fit {
                let existing = existing.get(&record.1.key());
                let limit = self.input.price_change_percent;
                rows.extend(compare::compare(record, existing, limit, &mut self.counts));
            }
            Ok(Compared { rows, unfit: Vec::new() })
        }
        .boxed()
    }
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
            key: None,
            record: to_raw_value(&source.fields)?,
        };
        Ok(Checked::Unfit(Unfit { cause, line: to_raw_value(&row)? }))
    }
}
