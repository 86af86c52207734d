//! Price runs: what starting one means, how one is named, and what its result is worth.

use std::str::FromStr;

use contracts::prices::PriceList;
use contracts::values::PriceBatchId;
use serde::Deserialize;
use serde_json::Value;
use temporalio_common::search_attributes::SearchAttributeUpdate;
use workflows::bulk_price_update::{
    self, BulkPriceUpdateData, BulkUpdateResult, OnInvalid, dry_run_id, workflow_id,
};
use workflows::price_export::{self, PriceExportData};
use workflows::price_revert::{self, PriceRevertData, PriceRevertResult};
use workflows::search_attributes::{SOURCE, STAGE, Stage};

use super::name::{Looks, Name, Stoppable};
use super::plan::Plan;
use crate::terminal::exit::Exit;
use crate::terminal::input::{InputError, check};

/// Checks a run's input and says what would be started.
pub(crate) fn plan(json: &str) -> Result<Plan, InputError> {
    let data: BulkPriceUpdateData = check(json)?;
    let (workflow_id, kind) = match data.dry_run {
        true => (dry_run_id(&data.batch_id), "Dry run of prices"),
        false => (workflow_id(&data.batch_id), "Prices"),
    };
    let rows = match &data.list {
        PriceList::Inline(_) => "in the input".to_owned(),
        PriceList::Listed(list) => list.key.clone(),
    };
    let wrong = match data.on_invalid {
        OnInvalid::StopOnInvalid => "nothing is written",
        OnInvalid::KeepGoodRows => "the others are written",
    };
    Ok(Plan {
        workflow_id,
        summary: format!("{kind} {}", data.batch_id),
        attributes: attributes(&data.batch_id),
        facts: vec![
            ("batch", data.batch_id.to_string()),
            ("rows", rows),
            ("wrong rows", wrong.to_owned()),
            ("batch size", data.batch_size.to_string()),
        ],
    })
}

/// Checks a revert's input and says what would be started.
pub(crate) fn plan_revert(json: &str) -> Result<Plan, InputError> {
    let data: PriceRevertData = check(json)?;
    let (workflow_id, kind) = match data.dry_run {
        true => (price_revert::dry_run_id(&data.batch_id), "Dry run of the revert of prices"),
        false => (price_revert::workflow_id(&data.batch_id), "Revert of prices"),
    };
    Ok(Plan {
        workflow_id,
        summary: format!("{kind} {}", data.batch_id),
        attributes: attributes(&data.batch_id),
        facts: vec![("batch", data.batch_id.to_string())],
    })
}

/// Checks an export's input and says what would be started. Exports may run side by side: each has a name of its own.
pub(crate) fn plan_export(json: &str) -> Result<Plan, InputError> {
    let data: PriceExportData = check(json)?;
    let key = format!("{}-{}", jiff::Timestamp::now().as_microsecond(), std::process::id());
    Ok(Plan {
        workflow_id: price_export::workflow_id(&key),
        summary: "Export of prices".to_owned(),
        attributes: Vec::new(),
        facts: vec![("category", data.category.unwrap_or_else(|| "all".to_owned()))],
    })
}

fn attributes(batch: &PriceBatchId) -> Vec<SearchAttributeUpdate> {
    vec![SOURCE.value_set(batch.to_string()), STAGE.value_set(Stage::Processing.name().to_owned())]
}

/// Says what a run is worth that reached its end. A result that cannot be read is worth nothing: its rows may be
/// anywhere.
pub(crate) fn worth(result: &Value) -> Exit {
    let Ok(said) = BulkUpdateResult::deserialize(result) else { return Exit::Failed };
    if said.dry_run && !said.limits_exceeded.is_empty() {
        return Exit::WouldAsk;
    }
    let has_failed = said.summary.failed_updates > 0 || said.invalid_rows.count > 0;
    if has_failed { Exit::RowsFailed } else { Exit::Ok }
}

/// Says what a revert is worth: some prices may have stayed.
pub(crate) fn revert_worth(result: &Value) -> Exit {
    let Ok(said) = PriceRevertResult::deserialize(result) else { return Exit::Failed };
    if said.failed + said.changed_since > 0 { Exit::RowsFailed } else { Exit::Ok }
}

/// Names a run: a batch's id, or a workflow id.
#[derive(Clone, Debug)]
pub(crate) struct BatchRef(String);

impl Name for BatchRef {
    const NOUN: &'static str = "prices";
    const PLACE: &'static str = "BATCH";
    const HELP: &'static str = "Batch id, or workflow id (prices/b-1/revert)";
    const LOOKS: Looks = Looks {
        status: "Show where a price run stands, without waiting",
        watch: "Follow a price run to its end, then print the result",
        result: "Wait for a price run's end and print the result",
    };

    fn workflow_id(&self) -> Result<String, InputError> {
        Ok(self.0.clone())
    }
}

impl Stoppable for BatchRef {
    const UPDATE: &'static str = "cancel";
    const CANCEL: &'static str = "End a price run behind the batch in hand";
}

impl FromStr for BatchRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.strip_prefix(bulk_price_update::ID_PREFIX).unwrap_or(text);
        let (id, rest) = name.split_once('/').unwrap_or((name, ""));
        match rest {
            "" | "dry-run" | "revert" | "revert/dry-run" => {
                batch(id).map(|_| Self(format!("{}{name}", bulk_price_update::ID_PREFIX)))
            }
            _ => Err("is no run of prices".to_owned()),
        }
    }
}

/// A batch's id, as it is typed.
pub(crate) fn batch(text: &str) -> Result<PriceBatchId, String> {
    PriceBatchId::new(text).map_err(|problem| format!("a batch's id {problem}"))
}

#[cfg(test)]
mod tests {
    use text::Problem;

    use super::*;

    #[test]
    fn a_run_is_named_by_its_batch_or_its_workflow_id() {
        let named = |text: &str| text.parse::<BatchRef>().map(|batch| batch.0);
        for text in ["b-1", "prices/b-1"] {
            assert_eq!(named(text).as_deref(), Ok("prices/b-1"));
        }
        assert_eq!(named("b-1/revert").as_deref(), Ok("prices/b-1/revert"));
        assert!(named("b 1").is_err() && named("b-1/other").is_err());
    }

    #[test]
    fn a_revert_that_left_a_price_is_7() {
        let worth = |changed_since: u64, failed: u64| {
            revert_worth(
                &serde_json::json!({ "success": true, "workflow_id": "prices/b/revert", "batch_id": "b",
                "restored": 1, "changed_since": changed_since, "failed": failed, "rows": [], "dry_run": false,
                "outcome": "completed", "report": { "steps": [] } }),
            )
        };
        assert_eq!(worth(0, 0), Exit::Ok);
        assert_eq!((worth(1, 0), worth(0, 1)), (Exit::RowsFailed, Exit::RowsFailed));
        assert_eq!(revert_worth(&serde_json::json!({ "success": true })), Exit::Failed);
    }

    #[test]
    fn a_zone_that_nobody_knows_is_named() {
        let json = r#"{"batch_id": "b", "updates": [{}], "zone": "Asia/Nowhere"}"#;
        let Err(InputError::Fields(problems)) = plan(json) else { panic!("planned") };
        assert_eq!(
            problems.iter().map(Problem::what).collect::<Vec<_>>(),
            ["zone is not a time zone (line 1, column 44)"]
        );
        let json = r#"{"batch_id": "b", "updates": [{}], "dry_run": true}"#;
        assert_eq!(plan(json).map(|plan| plan.workflow_id).ok().as_deref(), Some("prices/b/dry-run"));
    }
}
