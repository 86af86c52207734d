//! Price runs: what histories of open runs hold.

use contracts::objects::ObjectRef;
use contracts::prices::{
    AppliedPrices, ApplyPrices, Moment, PriceAction, PriceBatch, PriceChecks, PriceList, PriceOutcome,
    Prices, RevertAction, RevertPrices, StagePrices,
};
use contracts::values::{PriceBatchId, ProductId};
use serde_json::json;
use temporalio_common::ActivityDefinition as _;

use crate::TestResult;
use crate::pinned::pinned;
use crate::samples::{KEY, dong, dong_json, key};

fn list() -> ObjectRef {
    ObjectRef { key: "runs/prices/b/r/1.jsonl".to_owned(), bytes: 7, sha256: "ab".to_owned() }
}

fn list_json() -> serde_json::Value {
    json!({ "key": "runs/prices/b/r/1.jsonl", "bytes": 7, "sha256": "ab" })
}

#[test]
fn names_and_words_stay() -> TestResult {
    for (name, recorded) in [
        (Prices::stage.name(), "prices.stage"),
        (Prices::apply.name(), "prices.apply"),
        (Prices::join.name(), "prices.join"),
        (Prices::notify.name(), "prices.notify"),
        (Prices::mail_team.name(), "prices.mail_team"),
        (Prices::revert.name(), "prices.revert"),
        (Prices::export.name(), "prices.export"),
    ] {
        assert_eq!(name, recorded);
    }
    for action in [PriceAction::Applied, PriceAction::Unchanged, PriceAction::Conflict, PriceAction::Failed] {
        assert_eq!(serde_json::to_value(action)?, json!(action.name()));
    }
    for action in [RevertAction::Restored, RevertAction::ChangedSince, RevertAction::Failed] {
        assert_eq!(serde_json::to_value(action)?, json!(action.name()));
    }
    Ok(())
}

#[test]
fn a_list_is_staged_and_written_by_reference() -> TestResult {
    let stage = StagePrices {
        batch_id: PriceBatchId::new("b")?,
        list: PriceList::Listed(list()),
        checks: PriceChecks {
            currency: "VND".to_owned(),
            zone: Some("Asia/Ho_Chi_Minh".to_owned()),
            max_change_percent: Some(5),
            jump_percent: 50,
            max_backdate_seconds: Some(60),
            allow_below_cost: false,
        },
        terms: "[]".to_owned(),
        now: "2026-06-01T00:00:00Z".parse()?,
        batch_size: 100,
        folder: "runs/prices/b/r".to_owned(),
        dry_run: false,
    };
    let golden = json!({
        "batch_id": "b", "list": { "listed": list_json() },
        "checks": { "currency": "VND", "zone": "Asia/Ho_Chi_Minh", "max_change_percent": 5, "jump_percent": 50,
            "max_backdate_seconds": 60, "allow_below_cost": false },
        "terms": "[]", "now": "2026-06-01T00:00:00Z", "batch_size": 100, "folder": "runs/prices/b/r",
    });
    assert_eq!(serde_json::to_value(&stage)?, golden);
    assert_eq!(serde_json::from_value::<StagePrices>(golden)?, stage);
    let apply = ApplyPrices {
        key: key(),
        batch_id: PriceBatchId::new("b")?,
        list: list(),
        moment: 1,
        from: 200,
        ahead: std::iter::once(210..220).collect(),
        open: vec![PriceBatch { batch_number: 6, success: true, processed_count: 4, failed_count: 3 }],
        batches_before: 3,
        batch_size: 100,
        parallel: 1,
        delay_ms: 1_000,
        rate: None,
        pace_due: None,
        force: false,
        at_most_ms: 60_000,
        due: None,
        now: "2026-06-01T00:00:00Z".parse()?,
        is_inline: true,
    };
    let golden = json!({
        "key": KEY, "batch_id": "b", "list": list_json(), "moment": 1, "from": 200,
        "ahead": [{ "start": 210, "end": 220 }],
        "open": [{ "batch_number": 6, "success": true, "processed_count": 4, "failed_count": 3 }],
        "batches_before": 3, "batch_size": 100, "parallel": 1, "delay_ms": 1_000, "force": false,
        "at_most_ms": 60_000, "now": "2026-06-01T00:00:00Z", "is_inline": true,
    });
    assert_eq!(serde_json::from_value::<ApplyPrices>(golden)?, apply);
    let moment = Moment { at: Some("2026-06-01T00:00:00Z".parse()?), rows: 2, list: list() };
    let golden = json!({ "at": "2026-06-01T00:00:00Z", "rows": 2, "list": list_json() });
    pinned(&moment, &golden, &["/at"])
}

#[test]
fn outcomes_are_the_seeds_and_more() -> TestResult {
    let outcome = PriceOutcome {
        line: 7,
        sku: ProductId::new("MUG-1")?,
        variant: None,
        success: false,
        action: PriceAction::Conflict,
        old_price: dong(5),
        new_price: dong(6),
        product_id: None,
        error: Some("PRICE_CONFLICT".to_owned()),
        late_seconds: None,
    };
    let golden = json!({
        "line": 7, "sku": "MUG-1", "success": false, "action": "conflict", "old_price": dong_json("5"),
        "new_price": dong_json("6"), "error": "PRICE_CONFLICT",
    });
    pinned(&outcome, &golden, &["/error"])?;
    // An answer of a worker before this one may lack anything.
    assert_eq!(serde_json::from_str::<AppliedPrices>("{}")?, AppliedPrices::default());
    let revert = RevertPrices {
        key: key(),
        batch_id: PriceBatchId::new("b")?,
        by_its_own_run: true,
        dry_run: false,
        rate: None,
    };
    assert_eq!(serde_json::from_str::<RevertPrices>(&serde_json::to_string(&revert)?)?, revert);
    Ok(())
}
