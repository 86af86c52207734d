//! Pages from the ERP become rows to write: read, mapped, checked, compared with the shop. Nothing is written to the
//! shop, so an attempt that is repeated begins anew.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use contracts::erp::{QuarantinedRow, Record, StagePages, Staged, UnknownFields};
use contracts::money::Currency;
use jiff::Timestamp;
use mapping::{Defect, DefectKind, EntityMapping, Rules, SourceRecord};
use serde_json::value::to_raw_value;
use store::{LinesWriter, Store};
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use super::connector::{Erp, PageAsk, Sourced};
use super::deletions::ledger::Ledger;
use super::shop::Shop;
use super::{Trouble, compare, give_up};
use crate::walk::{Walk, patiently};

/// Records that the shop is asked about at once.
const LOOK_UP_MAX: usize = 500;
/// Kinds of defects that a result lists.
const CAUSES_MAX: usize = 50;

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
    let mut pages = Pages::new(input, rules.of(input.entity, currency));
    let mut walk: Walk<'_, u32> = Walk::resume(ctx);
    let mut cursor = input.cursor.clone();
    for page in 1..=input.pages {
        let ask = PageAsk {
            entity: input.entity,
            since: input.since,
            cursor: cursor.as_deref(),
            limit: input.page_size,
            settled: input.settled,
            together: u64::from(input.pages) * u64::from(input.page_size),
        };
        let read =
            walk.alive(patiently(ctx, || erp.page(&ask))).await.map_err(|error| error.into_failure())?;
        for record in read.records {
            pages.add(record)?;
        }
        cursor = read.next;
        walk.advance(page).await?;
        if cursor.is_none() {
            break;
        }
    }
    pages.staged.next = cursor;
    let done = pages.finish(ctx, shop, store);
    walk.alive(done).await.map_err(Trouble::into_failure)
}

/// What some pages came to so far.
struct Pages<'i> {
    input: &'i StagePages,
    mapping: EntityMapping<'i>,
    /// In the order in which they came; a later one of the same key replaces an earlier one.
    records: Vec<Option<(Timestamp, Record)>>,
    place_of: HashMap<String, usize>,
    quarantine: LinesWriter,
    unknown: BTreeSet<String>,
    staged: Staged,
}

impl<'i> Pages<'i> {
    fn new(input: &'i StagePages, mapping: EntityMapping<'i>) -> Self {
        Self {
            input,
            mapping,
            records: Vec::new(),
            place_of: HashMap::new(),
            quarantine: LinesWriter::default(),
            unknown: BTreeSet::new(),
            staged: Staged::default(),
        }
    }

    fn add(&mut self, source: Sourced) -> Result<(), ActivityError> {
        let Sourced { changed_at, fields } = &source;
        self.staged.counts.read += 1;
        self.staged.newest = self.staged.newest.max(Some(*changed_at));
        let mapped = self.check_fields(fields).and_then(|()| self.mapping.apply(fields));
        let record = match mapped {
            Ok(record) => record,
            Err(defect) => return self.reject(&source, &defect),
        };
        let place = self.records.len();
        if let Some(earlier) = self.place_of.insert(record.key(), place) {
            self.records[earlier] = None;
            self.staged.counts.superseded += 1;
        }
        self.records.push(Some((*changed_at, record)));
        Ok(())
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
            }),
            _ => {
                self.unknown.extend(unknown.into_iter().take(CAUSES_MAX).map(str::to_owned));
                Ok(())
            }
        }
    }

    fn reject(&mut self, source: &Sourced, defect: &Defect) -> Result<(), ActivityError> {
        match defect.kind {
            DefectKind::Unmapped => self.staged.counts.unmapped += 1,
            DefectKind::Invalid => self.staged.counts.invalid += 1,
        }
        let cause = defect.cause();
        count(&mut self.staged.causes, &cause);
        let record = to_raw_value(&source.fields).map_err(|error| give_up(error.to_string()))?;
        let row = QuarantinedRow {
            entity: self.input.entity,
            cause,
            changed_at: source.changed_at,
            key: None,
            record,
        };
        self.quarantine.push(&row).map_err(|error| give_up(error.to_string()))
    }

    /// Compares with the shop and puts what is to be written into the store.
    async fn finish(mut self, ctx: &ActivityContext, shop: &Shop, store: &Store) -> Result<Staged, Trouble> {
        let mut rows = LinesWriter::default();
        let ledger = Ledger::of(store, &self.input.source.integration_id, self.input.entity);
        let mut records = self.records.into_iter().flatten().peekable();
        while records.peek().is_some() {
            let mut asked: Vec<(Timestamp, Record)> = records.by_ref().take(LOOK_UP_MAX).collect();
            let existing = patiently(ctx, || shop.look_up(self.input.entity, &asked)).await?;
            if self.input.revive {
                ledger.revive(&mut asked, &existing).await?;
            }
            for record in asked {
                let existing = existing.get(&record.1.key());
                let limit = self.input.price_change_percent;
                if let Some(row) = compare::compare(record, existing, limit, &mut self.staged.counts) {
                    rows.push(&row).map_err(unwritable)?;
                }
            }
        }
        self.staged.batch = rows.put(store, &self.input.folder).await?;
        self.staged.quarantined = self.quarantine.put(store, &self.input.quarantine).await?;
        if self.input.unknown_fields == UnknownFields::Warn {
            self.staged.unknown_fields = self.unknown.into_iter().take(CAUSES_MAX).collect();
        }
        Ok(self.staged)
    }
}

/// Counts a cause; beyond the limit only those known already.
pub(super) fn count(causes: &mut BTreeMap<String, u64>, cause: &str) {
    if causes.len() < CAUSES_MAX || causes.contains_key(cause) {
        *causes.entry(cause.to_owned()).or_default() += 1;
    }
}

pub(super) fn unwritable(error: serde_json::Error) -> Trouble {
    Trouble::Store(store::StoreError::Damaged { key: "(new)".to_owned(), why: error.to_string() })
}
