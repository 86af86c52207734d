use serde_json::{Value, json};

use super::*;
use crate::input::{Problem, Unchecked};

const SAMPLE: &str = include_str!("../../../../starter/samples/erp.json");

fn check(text: &str) -> Result<ErpSyncConfig, Vec<Problem>> {
    Unchecked::from_json(text).expect("JSON").check_strictly()
}

fn with(changes: Value) -> Result<ErpSyncConfig, Vec<Problem>> {
    let mut input: Value = serde_json::from_str(SAMPLE).expect("JSON");
    for (name, value) in changes.as_object().expect("an object") {
        input[name] = value.clone();
    }
    check(&input.to_string())
}

#[test]
fn the_seeds_config_is_right_and_careful() {
    let config = check(SAMPLE).expect("right");
    assert_eq!(config.entities, [Entity::Products, Entity::Inventory, Entity::Customers]);
    assert_eq!((config.max_invalid, config.full, config.dry_run), (MaxInvalid::Share, false, false));
    assert_eq!(config.lookback, Duration::from_secs(900));
    assert_eq!(config.limits, Limits::default());
    assert_eq!(config.currency, Currency::VND);
    assert_eq!((config.deletions, config.limits.deactivate), (Deletions::Ignore, 10));
}

#[test]
fn credentials_in_the_input_are_refused_and_not_repeated() {
    let problems = with(json!({ "credentials": { "username": "api_user", "password": "hunter2" } }));
    let problems = problems.expect_err("refused");
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0].field, "credentials");
    assert!(problems[0].fix.contains("SUN_ERP_CREDENTIALS_ERP_001"));
    assert!(!problems[0].to_string().contains("hunter2"));
}

#[test]
fn a_mistake_in_the_rules_is_named_with_line_and_column() {
    let text = SAMPLE.replace("\"item_code\"", "{\"from\": \"item_code\", \"faktor\": 2}");
    let problems = check(&text).expect_err("refused");
    assert_eq!(problems.len(), 1, "{problems:?}");
    let line = text.lines().position(|line| line.contains("faktor")).expect("there") + 1;
    let column = text.lines().nth(line - 1).expect("there").find("2}").expect("there") + 1;
    let said =
        format!("mapping_rules.product_sku faktor: is not a key of rules (line {line}, column {column})");
    assert_eq!(problems[0].what(), said);
}

#[test]
fn every_wrong_field_is_named() {
    let problems = with(json!({
        "integration_id": "a/b", "erp_endpoint": "https://user:pw@erp.example.com", "credentials_ref": "hunter2",
        "sync_entities": ["products", "prices"], "last_sync_timestamp": "yesterday", "currency": "XX",
        "max_invalid": -1, "lookback": "0s", "unknown_fields": "maybe",
        "deletions": { "action": "delete", "every": "often", "then": "nothing" }, "limits": { "stock_to_zero_percent": 101 },
        "approval_deadline": "soon", "page_size": 501, "full": "yes", "dry_run": 1, "mapping": {}
    }));
    let problems = problems.expect_err("refused");
    let fields: Vec<&str> = problems.iter().map(|problem| problem.field.as_str()).collect();
    let wanted = [
        "integration_id",
        "erp_endpoint",
        "credentials_ref",
        "sync_entities",
        "last_sync_timestamp",
        "currency",
        "max_invalid",
        "lookback",
        "unknown_fields",
        "deletions.action",
        "deletions.every",
        "limits.stock_to_zero_percent",
        "approval_deadline",
        "page_size",
        "full",
        "dry_run",
        "deletions.then",
        "mapping",
    ];
    assert_eq!(fields, wanted);
    let said = problems.iter().map(ToString::to_string).collect::<String>();
    assert!(!said.contains("hunter2") && !said.contains("user:pw"), "{said}");
}

#[test]
fn entities_are_written_in_an_order_that_works_whatever_the_input_says() {
    let config = with(json!({ "sync_entities": ["inventory", "products", "inventory"] })).expect("right");
    assert_eq!(config.entities, [Entity::Products, Entity::Inventory]);
}

#[test]
fn since_and_full_exclude_each_other() {
    let problems = with(json!({ "full": true, "since": "2026-01-01T00:00:00Z" })).expect_err("refused");
    assert_eq!(problems[0].field, "since");
}

#[test]
fn deletions_are_looked_for_once_a_day_unless_said_otherwise() {
    let day = Duration::from_secs(24 * 60 * 60);
    for (given, wanted) in [
        (json!({ "action": "ignore" }), Deletions::Ignore),
        (json!({ "action": "ignore", "every": "1h" }), Deletions::Ignore),
        (json!({ "action": "deactivate" }), Deletions::Deactivate { every: day }),
        (json!({ "action": "deactivate", "every": "168h" }), Deletions::Deactivate { every: 7 * day }),
    ] {
        assert_eq!(with(json!({ "deletions": given })).expect("right").deletions, wanted);
    }
    let problems = with(json!({ "deletions": {} })).expect_err("refused");
    assert_eq!(problems[0].field, "deletions.action");
}

#[test]
fn deletions_need_products_whose_sku_is_the_erps_key() {
    let problem = |changes: Value| {
        let problems = with(changes).expect_err("refused");
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].field, "deletions.action");
        problems[0].problem.clone()
    };
    let deactivate = json!({ "action": "deactivate" });
    let without = problem(json!({ "sync_entities": ["inventory"], "deletions": deactivate }));
    assert_eq!(without, "deactivates products, and this sync has none");
    let rules =
        json!({ "product_sku": { "from": ["brand", "code"] }, "product_name": "n", "product_price": "p" });
    let joined = problem(json!({ "mapping_rules": rules, "deletions": deactivate }));
    assert!(joined.contains("product_sku is made of several fields"), "{joined}");
}
