//! The input of a sync: the seed's `ERPSyncConfig`, with a reference in place of the credentials.

use std::time::Duration;

use contracts::erp::{Entity, Source, UnknownFields};
use contracts::money::Currency;
use contracts::values::IntegrationId;
use jiff::Timestamp;
use mapping::Rules;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::input::parsed::{at_most, currency, moment, span};
use crate::input::people::{words, yes_or_no};
use crate::input::{Checked, Fields, Problem, Refusal, id, opaque, refuse, text};

/// The input of a sync. Times are spans of workflow time.
#[derive(Clone, Debug, PartialEq)]
pub struct ErpSyncConfig {
    /// `integration_id`, `erp_endpoint`, `credentials_ref`: where the data comes from.
    pub source: Source,
    /// `sync_entities`: what is synchronised, in the order in which it is written.
    pub entities: Vec<Entity>,
    /// `last_sync_timestamp`: where to begin when the shop remembers no earlier sync.
    pub begin: Option<Timestamp>,
    /// `mapping_rules`: as JSON text, checked ([`mapping`]); `None`: names are the same on both sides.
    pub rules: Option<String>,
    /// `currency`: of amounts, which the ERP sends without (default VND).
    pub currency: Currency,
    /// `max_invalid`: records that may be invalid before nothing is written at all.
    pub max_invalid: MaxInvalid,
    /// `lookback`: how far before the newest change known an incremental read begins again (default 15 min). A record
    /// that the ERP commits late, or stamps with a clock that is behind, must be younger than this.
    pub lookback: Duration,
    /// `unknown_fields`: `ignore` (default), `warn` or `stop`.
    pub unknown_fields: UnknownFields,
    /// `deletions`: what becomes of products that are gone at the source (default: nothing).
    pub deletions: Deletions,
    /// `limits`: what a run may change before a person is asked.
    pub limits: Limits,
    /// `approval_deadline`: how long a person has to answer (default 24 h).
    pub approval_deadline: Duration,
    /// `page_size`: records a page (default 500, at most 500).
    pub page_size: u32,
    /// `batches_per_run`: activities that read, 20 pages each, before the run writes what it has and goes on as a new
    /// run, exactly there (default and most 400: four million records of 500 a page).
    pub batches_per_run: u32,
    /// `resume`: where the run before this one stopped reading; the process's own.
    pub resume: Option<Resume>,
    /// `full`: read everything, not only what changed.
    pub full: bool,
    /// `since`: read again what changed since then, whatever the watermark says (`quarantine retry` does).
    pub since: Option<Timestamp>,
    /// `dry_run`: say what would be written, and write nothing.
    pub dry_run: bool,
    /// `rewind`: put watermarks back, and do nothing else (`starter erp rewind` does).
    pub rewind: Option<Rewind>,
}

/// The records that may be invalid before nothing is written at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MaxInvalid {
    /// Of each entity one in twenty, and twenty at least: one bad record costs itself.
    #[default]
    Share,
    /// So many in all; `none` is 0, the seed's strictness.
    Count(u32),
}

impl MaxInvalid {
    /// How many of so many records of one entity.
    pub(super) fn of(self, read: u64) -> u64 {
        match self {
            Self::Share => (read / 20).max(20),
            Self::Count(count) => count.into(),
        }
    }
}

/// Watermarks to put back: the next sync reads again what changed since then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewind {
    /// `entity`: whose.
    pub entity: Entity,
    /// `to`: where to, by the source's clock.
    pub to: Timestamp,
}

impl ErpSyncConfig {
    /// Records that the runs before this one have left out of the shop.
    pub(super) fn earlier_runs(&self) -> EarlierRuns {
        self.resume.as_ref().map_or_else(EarlierRuns::default, |resume| resume.earlier_runs)
    }
}

/// Where a read goes on that was too long for one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Resume {
    /// `entity`: of what; those before it are done.
    pub entity: Entity,
    /// `cursor`: the ERP's.
    pub cursor: String,
    /// `since`: where that read began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// `read`: records that it has read so far.
    pub read: u32,
    /// `newest`: the newest change that it has read so far, where pages come in no order of change: the watermark waits
    /// for the end of the read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest: Option<Timestamp>,
    /// `earlier_runs`: records that the runs so far have left out of the shop.
    #[serde(skip_serializing_if = "EarlierRuns::is_empty")]
    pub earlier_runs: EarlierRuns,
}

/// Records that the earlier runs of one sync have left out of the shop. A sync that was too long for one run ends in
/// its last run, and only that one's result is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EarlierRuns {
    /// `failed`: refused by the shop.
    pub failed: u32,
    /// `quarantined`: not written because they are invalid.
    pub quarantined: u32,
}

impl EarlierRuns {
    /// Whether they left nothing out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The same for people; `None` where there is nothing to say.
    pub(super) fn note(self) -> Option<String> {
        let Self { failed, quarantined } = self;
        let left_out = format!("{failed} refused by the shop, {quarantined} quarantined as invalid");
        (!self.is_empty()).then(|| format!("records that earlier runs of this sync left out: {left_out}"))
    }
}

/// The treatment of products that are gone at the source. A read of what changed does not show them, so the keys of
/// everything are read now and then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deletions {
    /// `action: ignore`: nobody looks for them.
    #[default]
    Ignore,
    /// `action: deactivate`: they are taken out of sale.
    Deactivate {
        /// `every`: how long after a scan the next one is due (default 24 h); a full sync has one in any case.
        every: Duration,
    },
}

/// Limits of the changes that a run makes without asking a person. Shares are in percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `stock_to_zero_percent`: of the levels in stock that may fall to zero (default 50).
    pub stock_to_zero: u32,
    /// `price_change_percent`: by which one price may rise or fall (default 50).
    pub price_change: u32,
    /// `prices_to_zero`: prices that may become zero (default 0).
    pub prices_to_zero: u32,
    /// `fewer_records_percent`: by which a full read may find fewer records than the one before (default 30).
    pub fewer_records: u32,
    /// `deactivate_percent`: of the products on sale that came from this ERP, which may be taken out of sale because
    /// they are gone (default 10).
    pub deactivate: u32,
    /// `refused`: records that the shop may refuse before the run stops (default: any number; they are tried again).
    pub refused: Option<u32>,
}

impl Default for Limits {
    fn default() -> Self {
        let refused = None;
        Self {
            stock_to_zero: 50,
            price_change: 50,
            prices_to_zero: 0,
            fewer_records: 30,
            deactivate: 10,
            refused,
        }
    }
}

const MINUTES: u64 = 60;

impl Checked for ErpSyncConfig {
    fn read(fields: &Fields<'_>) -> Option<Self> {
        let integration_id: Option<IntegrationId> = fields.required("integration_id", id);
        let endpoint = fields.required("erp_endpoint", endpoint);
        fields.forbidden(
            "credentials",
            "would stand in the run's history for everybody to read",
            "take user and password out (and change them, if they were sent), give them to the worker as \
             SUN_ERP_CREDENTIALS_ERP_001 and name them here: \"credentials_ref\": \"env:ERP_001\"",
        );
        let credentials_ref = fields.required("credentials_ref", credentials_ref);
        let entities = fields.required("sync_entities", entities);
        let begin = fields.optional("last_sync_timestamp", moment);
        let rules = fields.parsed("mapping_rules", rules);
        let currency = fields.optional("currency", currency).unwrap_or(Currency::VND);
        let max_invalid = fields.optional("max_invalid", max_invalid).unwrap_or_default();
        let lookback = fields.optional("lookback", span).unwrap_or(Duration::from_secs(15 * MINUTES));
        let unknown_fields = fields.optional("unknown_fields", unknown_fields).unwrap_or_default();
        let deletions = fields.maybe_nested("deletions", deletions).unwrap_or_default();
        if let (Deletions::Deactivate { .. }, Some(entities)) = (deletions, &entities) {
            check_deletions(fields, entities, rules.as_deref());
        }
        let limits = fields.maybe_nested("limits", limits).unwrap_or_default();
        let deadline = fields.optional("approval_deadline", span);
        let page_size = fields.optional("page_size", crate::input::count(500)).unwrap_or(500);
        let batches_per_run = fields.optional("batches_per_run", crate::input::count(400)).unwrap_or(400);
        let resume = fields.maybe_nested("resume", resume);
        let full = fields.optional("full", yes_or_no).unwrap_or(false);
        let since = fields.optional("since", moment);
        if full && since.is_some() {
            fields.problem("since", "is given beside full, which reads everything", "keep one of them");
        }
        let dry_run = fields.optional("dry_run", yes_or_no).unwrap_or(false);
        let rewind = fields.maybe_nested("rewind", rewind);
        if rewind.is_some() && (full || since.is_some() || dry_run) {
            let problem = "is given beside full, since or dry_run, and only puts watermarks back";
            fields.problem("rewind", problem, "leave the others out, and start a sync afterwards");
        }
        Some(Self {
            source: Source {
                integration_id: integration_id?,
                endpoint: endpoint?,
                credentials_ref: credentials_ref?,
            },
            entities: entities?,
            begin,
            rules,
            currency,
            max_invalid,
            lookback,
            unknown_fields,
            deletions,
            limits,
            approval_deadline: deadline.unwrap_or(Duration::from_secs(24 * 60 * MINUTES)),
            page_size,
            batches_per_run,
            resume,
            full,
            since,
            dry_run,
            rewind,
        })
    }
}

fn max_invalid(value: &RawValue) -> Result<MaxInvalid, Refusal> {
    match text(10)(value) {
        Ok(word) if word == "none" => Ok(MaxInvalid::Count(0)),
        Ok(_) => refuse("is not known", "write a number, or \"none\""),
        Err(_) => at_most(1_000_000)(value).map(MaxInvalid::Count),
    }
}

fn rewind(fields: &Fields<'_>) -> Option<Rewind> {
    let entity = fields.required("entity", entity);
    let to = fields.required("to", moment);
    Some(Rewind { entity: entity?, to: to? })
}

fn resume(fields: &Fields<'_>) -> Option<Resume> {
    let entity = fields.required("entity", entity);
    let cursor = fields.required("cursor", opaque(10_000));
    let since = fields.optional("since", moment);
    let read = fields.required("read", at_most(u32::MAX));
    let newest = fields.optional("newest", moment);
    let earlier_runs = fields.maybe_nested("earlier_runs", earlier_runs).unwrap_or_default();
    Some(Resume { entity: entity?, cursor: cursor?, since, read: read?, newest, earlier_runs })
}

fn earlier_runs(fields: &Fields<'_>) -> Option<EarlierRuns> {
    let count = |name| fields.optional(name, at_most(u32::MAX)).unwrap_or(0);
    Some(EarlierRuns { failed: count("failed"), quarantined: count("quarantined") })
}

fn entity(value: &RawValue) -> Result<Entity, Refusal> {
    let name = text(40)(value)?;
    let known = || format!("known: {}", Entity::ALL.map(Entity::name).join(", "));
    Entity::from_name(&name).map_or_else(|| refuse("is no entity", known()), Ok)
}

fn limits(fields: &Fields<'_>) -> Option<Limits> {
    let usual = Limits::default();
    Some(Limits {
        stock_to_zero: fields.optional("stock_to_zero_percent", at_most(100)).unwrap_or(usual.stock_to_zero),
        price_change: fields
            .optional("price_change_percent", at_most(1_000_000))
            .unwrap_or(usual.price_change),
        prices_to_zero: fields.optional("prices_to_zero", at_most(1_000_000)).unwrap_or(usual.prices_to_zero),
        fewer_records: fields.optional("fewer_records_percent", at_most(100)).unwrap_or(usual.fewer_records),
        deactivate: fields.optional("deactivate_percent", at_most(100)).unwrap_or(usual.deactivate),
        refused: fields.optional("refused", at_most(1_000_000)),
    })
}

fn deletions(fields: &Fields<'_>) -> Option<Deletions> {
    let deactivates = fields.required("action", action);
    let every = fields.optional("every", span).unwrap_or(Duration::from_secs(24 * 60 * MINUTES));
    Some(if deactivates? { Deletions::Deactivate { every } } else { Deletions::Ignore })
}

fn action(value: &RawValue) -> Result<bool, Refusal> {
    match text(20)(value)?.as_str() {
        "ignore" => Ok(false),
        "deactivate" => Ok(true),
        _ => refuse("is not known", "write ignore or deactivate"),
    }
}

/// Only a read of keys shows that a product is gone, so keys must say which products there are.
fn check_deletions(fields: &Fields<'_>, entities: &[Entity], rules: Option<&str>) {
    if !entities.contains(&Entity::Products) {
        let problem = "deactivates products, and this sync has none";
        fields.problem("deletions.action", problem, "add products to sync_entities, or write ignore");
    }
    let rules = Rules::parse(rules.unwrap_or("{}"));
    if rules.is_ok_and(|rules| rules.sku_field().is_none()) {
        fields.problem(
            "deletions.action",
            "needs the SKU to be the ERP's key, and product_sku is made of several fields, or of none",
            "make product_sku of one field, or write ignore",
        );
    }
}

/// Whether the worker knows the place is the worker's list; here only that it is a place, without a secret in it.
fn endpoint(value: &RawValue) -> Result<String, Refusal> {
    let text = text(500)(value)?;
    let Some((scheme, rest)) = text.split_once("://") else {
        return refuse("is not an address", "write it as https://erp.example.com/api");
    };
    if !matches!(scheme, "http" | "https" | "file" | "s3") || rest.is_empty() || rest.contains(' ') {
        return refuse("is not an address", "write it as https://erp.example.com/api");
    }
    if rest.split('/').next().is_some_and(|host| host.contains('@')) {
        return refuse("holds credentials", "take them out; credentials_ref names them");
    }
    Ok(text)
}

fn credentials_ref(value: &RawValue) -> Result<String, Refusal> {
    let text = text(100)(value)?;
    let is_name = |name: &str| {
        let of_a_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        !name.is_empty() && name.chars().all(of_a_name) && !name.starts_with('.')
    };
    match text.split_once(':') {
        Some(("env" | "file", name)) if is_name(name) => Ok(text),
        // Not repeated: it may be the secret itself.
        _ => refuse("names no credential", "write \"env:ERP_001\" or \"file:erp-001.json\""),
    }
}

fn entities(value: &RawValue) -> Result<Vec<Entity>, Refusal> {
    let known = || Entity::ALL.map(Entity::name).join(", ");
    let names = words(10, 40)(value)?;
    let named: Option<Vec<Entity>> = names.iter().map(|name| Entity::from_name(name)).collect();
    match named {
        None => refuse("holds a name that is no entity", format!("known: {}", known())),
        Some(named) if named.is_empty() => refuse("is empty", format!("name one of {}", known())),
        Some(mut named) => {
            named.sort_unstable();
            named.dedup();
            Ok(named)
        }
    }
}

fn rules(json: &str) -> Result<String, Vec<Problem>> {
    Rules::parse(json).map(|_| json.to_owned())
}

fn unknown_fields(value: &RawValue) -> Result<UnknownFields, Refusal> {
    match text(20)(value)?.as_str() {
        "ignore" => Ok(UnknownFields::Ignore),
        "warn" => Ok(UnknownFields::Warn),
        "stop" => Ok(UnknownFields::Stop),
        _ => refuse("is not known", "write ignore, warn or stop"),
    }
}

#[cfg(test)]
mod tests;
