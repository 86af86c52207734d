//! Syncs with an ERP: what starting one means, how one is named, and what its result is worth.

use std::path::Path;
use std::str::FromStr;

use contracts::erp::{Entity, SyncReport};
use contracts::values::IntegrationId;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};
use workflows::erp_sync::{
    self, EarlierRuns, ErpSyncConfig, dry_run_id, rewind_id, search_attributes, workflow_id,
};

use super::name::{Looks, Name};
use super::plan::Plan;
use crate::terminal::exit::{Exit, Failure};
use crate::terminal::input::{self, InputError, InputText, check};

/// Checks a sync's input and says what would be started.
pub(crate) fn plan(json: &str) -> Result<Plan, InputError> {
    let config: ErpSyncConfig = check(json)?;
    let integration = &config.source.integration_id;
    let entities: Vec<&str> = config.entities.iter().map(|entity| entity.name()).collect();
    let (workflow_id, kind) = match (&config.rewind, config.dry_run) {
        (Some(_), _) => (rewind_id(integration), "Rewind of the sync"),
        (None, true) => (dry_run_id(integration), "Dry run of the sync"),
        (None, false) => (workflow_id(integration), "Sync"),
    };
    let entities = match &config.rewind {
        Some(back) => vec![back.entity.name()],
        None => entities,
    };
    let what = if let Some(back) = &config.rewind {
        format!("nothing; the watermark goes back to {}", back.to)
    } else {
        what_of(&config)
    };
    Ok(Plan {
        workflow_id,
        summary: format!("{kind} with {integration}: {}", entities.join(", ")),
        attributes: search_attributes(integration).into(),
        facts: vec![
            ("integration", integration.to_string()),
            ("endpoint", config.source.endpoint.clone()),
            ("entities", entities.join(", ")),
            ("reads", what),
        ],
    })
}

fn what_of(config: &ErpSyncConfig) -> String {
    match (config.full, config.since) {
        (true, _) => "everything".to_owned(),
        (false, Some(since)) => format!("what changed since {since}"),
        (false, None) => "what changed since the last time".to_owned(),
    }
}

/// The input with a field more. At its end, so that the places of mistakes stay where they are; a field that is there
/// already stays, and is named as given twice unless it says the same.
pub(crate) fn with(text: InputText, name: &str, value: &str) -> InputText {
    let InputText { name: file, json } = text;
    let fields = serde_json::from_str::<Map<String, Value>>(&json).unwrap_or_default();
    let says_so = fields.get(name) == serde_json::from_str(value).ok().as_ref();
    let json = match json.rfind('}') {
        Some(end) if !says_so => {
            let comma = if json[..end].trim_end().ends_with('{') { "" } else { "," };
            format!("{}{comma}\"{name}\":{value}{}", &json[..end], &json[end..])
        }
        _ => json,
    };
    InputText { name: file, json }
}

/// The input of a sync that reads again what changed since then, and its integration.
pub(crate) fn since(text: InputText, since: Timestamp) -> InputText {
    with(text, "since", &format!("\"{since}\""))
}

/// The input of a run that puts a watermark back.
pub(crate) fn rewind(text: InputText, entity: Entity, to: Timestamp) -> InputText {
    with(text, "rewind", &format!("{{\"entity\":\"{}\",\"to\":\"{to}\"}}", entity.name()))
}

/// The input in a file, which must be one of this integration.
pub(crate) fn input_of(
    file: &Path,
    integration: &IntegrationId,
) -> Result<(InputText, ErpSyncConfig), Failure> {
    let text = input::read(file)?;
    let config: ErpSyncConfig = check(&text.json).map_err(|error| input::refused(&text.name, &error))?;
    if config.source.integration_id != *integration {
        return Err(Failure::new(Exit::Usage, format!("{} is not of {integration}", text.name))
            .fix("give the input of this integration; nothing was started"));
    }
    Ok((text, config))
}

/// The parts of a result that are about its rows.
#[derive(Deserialize)]
struct Said {
    report: SyncReport,
    #[serde(default)]
    dry_run: bool,
    #[serde(default)]
    limits_exceeded: Vec<String>,
    #[serde(default)]
    earlier_runs: EarlierRuns,
}

/// The exit code of a sync that reached its end: some of its rows may not be in the shop. A result that cannot be read
/// is worth nothing: its rows may be anywhere.
pub(crate) fn worth(result: &Value) -> Exit {
    let Ok(said) = Said::deserialize(result) else { return Exit::Failed };
    let counts = said.report.summary.entities.values();
    let refused_here = counts.map(|counts| counts.failed + counts.quarantined).any(|rows| rows > 0);
    if said.dry_run && !said.limits_exceeded.is_empty() {
        return Exit::WouldAsk;
    }
    if refused_here || !said.earlier_runs.is_empty() { Exit::RowsFailed } else { Exit::Ok }
}

/// Names a sync: an integration, or a workflow id.
#[derive(Clone, Debug)]
pub(crate) struct SyncRef(String);

impl Name for SyncRef {
    const NOUN: &'static str = "erp";
    const PLACE: &'static str = "SYNC";
    const HELP: &'static str = "Integration (erp-001), or workflow id of a scheduled run";
    const LOOKS: Looks = Looks {
        status: "Show where a sync stands, without waiting",
        watch: "Follow a sync's steps to its end, then print the result",
        result: "Wait for a sync's end and print the result",
    };

    fn workflow_id(&self) -> Result<String, InputError> {
        Ok(self.0.clone())
    }
}

impl FromStr for SyncRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.strip_prefix(erp_sync::ID_PREFIX).unwrap_or(text);
        // A schedule adds `-2026-01-01T00:00:00Z` to the integration's id, and a dry run `/dry-run`.
        let (id, _slot) = name.split_once(['/', ':']).unwrap_or((name, ""));
        integration(id).map(|_| Self(format!("{}{name}", erp_sync::ID_PREFIX)))
    }
}

/// An integration's id, as it is typed.
pub(crate) fn integration(text: &str) -> Result<IntegrationId, String> {
    IntegrationId::new(text).map_err(|problem| format!("an integration's id {problem}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SAMPLE: &str = include_str!("../../samples/erp.json");

    #[test]
    fn a_flag_becomes_a_field_at_the_end() -> Result<(), InputError> {
        let text = InputText { name: "erp.json".to_owned(), json: SAMPLE.to_owned() };
        let plan = plan(&with(with(text, "full", "true"), "dry_run", "true").json)?;
        assert_eq!(plan.workflow_id, "erp/erp-001/dry-run");
        let twice = InputText { name: String::new(), json: "{\"full\": true}".to_owned() };
        assert_eq!(with(twice, "full", "true").json, "{\"full\": true}");
        let empty = InputText { name: String::new(), json: "{}".to_owned() };
        assert_eq!(with(empty, "full", "true").json, "{\"full\":true}");
        Ok(())
    }

    #[test]
    fn the_sample_is_the_seeds_and_is_right() -> Result<(), InputError> {
        let plan = plan(SAMPLE)?;
        assert_eq!(plan.workflow_id, "erp/erp-001");
        assert_eq!(plan.summary, "Sync with erp-001: products, inventory, customers");
        Ok(())
    }

    #[test]
    fn a_result_is_worth_what_became_of_its_rows() {
        let result = |failed: u64, quarantined: u64, dry_run: bool, limits: &[&str]| {
            let counts = json!({ "read": 9, "failed": failed, "quarantined": quarantined });
            let six = ["products_processed", "products_created", "products_updated", "products_failed"];
            let mut summary =
                json!({ "inventory_updated": 0, "inventory_failed": 0, "entities": { "products": counts } });
            for name in six {
                summary[name] = json!(0);
            }
            json!({
                "report": {
                    "sync_id": "erp/erp-001/r", "timestamp": "2026-11-23T03:00:00Z", "duration": 1,
                    "summary": summary, "details": {},
                },
                "dry_run": dry_run,
                "limits_exceeded": limits,
            })
        };
        assert_eq!(worth(&result(0, 0, false, &[])), Exit::Ok);
        assert_eq!(worth(&result(1, 0, false, &[])), Exit::RowsFailed);
        assert_eq!(worth(&result(0, 1, false, &[])), Exit::RowsFailed);
        assert_eq!(worth(&result(0, 1, true, &[])), Exit::RowsFailed);
        assert_eq!(worth(&result(0, 1, true, &["1 price would be zero"])), Exit::WouldAsk);
        let mut chain = result(0, 0, false, &[]);
        chain["earlier_runs"] = json!({ "quarantined": 1 });
        assert_eq!(worth(&chain), Exit::RowsFailed);
        chain["earlier_runs"] = json!({ "failed": 1 });
        assert_eq!(worth(&chain), Exit::RowsFailed);
        assert_eq!(worth(&json!({ "success": true, "report": "another program's" })), Exit::Failed);
        // A person was asked, and let it go on.
        assert_eq!(worth(&result(0, 0, false, &["1 price would be zero"])), Exit::Ok);
    }

    #[test]
    fn a_sync_is_named_by_its_integration_or_its_workflow_id() {
        let named = |text: &str| text.parse::<SyncRef>().map(|sync| sync.0);
        assert_eq!(named("erp-001").as_deref(), Ok("erp/erp-001"));
        assert_eq!(
            named("erp/erp-001-2026-01-01T00:00:00Z").as_deref(),
            Ok("erp/erp-001-2026-01-01T00:00:00Z")
        );
        let scheduled = Ok("erp/erp-001-2026-01-01T00:00:00Z");
        assert_eq!(named("erp-001-2026-01-01T00:00:00Z").as_deref(), scheduled);
        assert_eq!(named("erp-001/dry-run").as_deref(), Ok("erp/erp-001/dry-run"));
        assert!(named("erp/").is_err());
        assert!(named("a b").is_err());
    }
}
