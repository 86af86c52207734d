//! Catalogues: what starting a setup means, how one is named, and what its result is worth.

use std::str::FromStr;

use contracts::catalog::paths::shown;
use contracts::values::CatalogId;
use serde_json::Value;
use workflows::catalog_setup::{self, CatalogSetupData, search_attributes, workflow_id};

use super::name::{Looks, Name, Stoppable};
use super::plan::Plan;
use crate::terminal::exit::Exit;
use crate::terminal::input::{InputError, check};

/// Wrong rows that a plan names.
const WRONG_SHOWN: usize = 10;

/// Checks a catalogue and says what would be started.
pub(crate) fn plan(json: &str) -> Result<Plan, InputError> {
    let data: CatalogSetupData = check(json)?;
    let counts = format!(
        "{} categories, {} pictures, {} products, {} pricing rules",
        data.categories.len(),
        data.images.count(),
        data.products.count(),
        data.rules.len()
    );
    let kind = if data.dry_run { "Dry run of catalogue" } else { "Catalogue" };
    let categories: Vec<String> =
        data.categories.iter().take(20).map(|category| shown(&category.path)).collect();
    let wrong = data.wrong.iter().take(WRONG_SHOWN).map(|row| {
        let key = row.key.as_deref().map(|key| format!(" ({key})")).unwrap_or_default();
        format!("{} {}{key}: {}", row.kind.name(), row.row, row.problems.join("; "))
    });
    let wrong: Vec<String> = wrong.collect();
    Ok(Plan {
        workflow_id: workflow_id(&data.catalog_id),
        summary: format!("{kind} {}: {counts}", data.catalog_id),
        attributes: search_attributes(&data.catalog_id).into(),
        facts: vec![
            ("catalogue", data.catalog_id.to_string()),
            ("rows", counts),
            ("categories", categories.join(", ")),
            ("wrong rows", if wrong.is_empty() { "none".to_owned() } else { wrong.join("\n") }),
        ],
    })
}

/// The exit code of a setup that reached its end: some of its rows may not be in the shop. A result that cannot be read
/// is worth nothing.
pub(crate) fn worth(result: &Value) -> Exit {
    let Some(failed) = result["failed_rows"].as_u64() else { return Exit::Failed };
    let would_ask = result["limits_exceeded"].as_array().is_some_and(|limits| !limits.is_empty());
    match (result["dry_run"].as_bool(), failed) {
        (Some(true), _) if would_ask => Exit::WouldAsk,
        (_, 0) => Exit::Ok,
        _ => Exit::RowsFailed,
    }
}

/// Names a setup: a catalogue, or a workflow id.
#[derive(Clone, Debug)]
pub(crate) struct CatalogRef(String);

impl Name for CatalogRef {
    const NOUN: &'static str = "catalog";
    const PLACE: &'static str = "CATALOG";
    const HELP: &'static str = "Catalogue (spring), or workflow id (catalog/spring)";
    const LOOKS: Looks = Looks {
        status: "Show where a setup stands, without waiting",
        watch: "Follow a setup's steps to its end, then print the result",
        result: "Wait for a setup's end and print the result",
    };

    fn workflow_id(&self) -> Result<String, InputError> {
        Ok(self.0.clone())
    }
}

impl Stoppable for CatalogRef {
    const UPDATE: &'static str = "cancel_setup";
    const CANCEL: &'static str = "Cancel a setup: what was written stays, unless --undo takes it back";
}

impl FromStr for CatalogRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.strip_prefix(catalog_setup::ID_PREFIX).unwrap_or(text);
        // A schedule adds to the catalogue's id: `-2026-01-01T00:00:00Z`.
        let (id, _slot) = name.split_once(':').unwrap_or((name, ""));
        catalog(id).map(|_| Self(format!("{}{name}", catalog_setup::ID_PREFIX)))
    }
}

/// A catalogue's id, as it is typed.
pub(crate) fn catalog(text: &str) -> Result<CatalogId, String> {
    CatalogId::new(text).map_err(|problem| format!("a catalogue's id {problem}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_result_is_worth_what_became_of_its_rows() {
        let result = |failed: u64, dry_run: bool, limits: &[&str]| {
            worth(&json!({ "failed_rows": failed, "dry_run": dry_run, "limits_exceeded": limits }))
        };
        assert_eq!(result(0, false, &[]), Exit::Ok);
        assert_eq!(result(1, false, &[]), Exit::RowsFailed);
        assert_eq!(result(1, true, &["1 prices would be zero"]), Exit::WouldAsk);
        // A person was asked, and let it go on.
        assert_eq!(result(0, false, &["1 prices would be zero"]), Exit::Ok);
        assert_eq!(worth(&json!({ "success": true })), Exit::Failed);
    }

    #[test]
    fn a_setup_is_named_by_its_catalogue_or_its_workflow_id() {
        let named = |text: &str| text.parse::<CatalogRef>().map(|name| name.0);
        for text in ["spring", "catalog/spring"] {
            assert_eq!(named(text).as_deref(), Ok("catalog/spring"));
        }
        let slot = "catalog/spring-2026-01-01T00:00:00Z";
        assert_eq!(named(slot).as_deref(), Ok(slot));
        assert!(named("catalog/").is_err() && named("a b").is_err());
    }
}
