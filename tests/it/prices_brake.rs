//! A price run that would do something strange asks a person before its first write; a receipt is consent.

use serde_json::{Value, json};
use tests::matrix::is;
use tests::prices::PriceWorld;
use workflows::saga::AnswerOutcome;

/// Ten times too cheap.
fn strange() -> Value {
    json!([{ "sku": "MOUSE-001", "new_price": 50_000 }, { "sku": "KEYBOARD-001", "new_price": 1_100_000 }])
}

#[tokio::test]
async fn a_strange_list_waits_for_a_person_who_sees_the_figures_of_the_preview() -> anyhow::Result<()> {
    let world = PriceWorld::new().await?;
    let dry = world.run(strange(), json!({ "dry_run": true })).await?.completed()?;
    let limits = [
        "1 price would change by more than 50 %",
        "the prices that change would sum up to 1150000 VND in place of 1700000 VND (limit 30 %)",
    ];
    assert_eq!(dry.limits_exceeded, limits);
    let run = world.start(strange(), json!({})).await?;
    let asked = run.asks().await?;
    is("writes before the answer", &world.changes().await?, &0)?;
    let question = &asked.questions[0];
    is("reason", &question.reason, &limits.join("; "))?;
    for fact in &question.facts {
        let note = format!("{}: {}", fact.name, fact.value);
        assert!(dry.report.notes.contains(&note), "the preview does not say {note}: {:?}", dry.report.notes);
    }
    assert!(question.facts.iter().any(|fact| fact.value.contains("MOUSE-001: 500000 to 50000 VND")));
    assert_eq!(run.decide(true, "a clearance").await, Ok(AnswerOutcome::Approved));
    is("applied", &run.ended().await?.completed()?.summary.applied, &2)
}

#[tokio::test]
async fn what_is_rejected_or_never_answered_is_not_written() -> anyhow::Result<()> {
    let world = PriceWorld::new().await?;
    let run = world.start(strange(), json!({})).await?;
    run.asks().await?;
    assert_eq!(run.decide(false, "a typing error").await, Ok(AnswerOutcome::Rejected));
    let result = run.ended().await?.completed()?;
    assert_eq!((result.success, result.outcome.as_str()), (false, "cancelled"));
    let result = world.run(strange(), json!({ "approval_deadline": "1s" })).await?.completed()?;
    assert_eq!((result.success, result.outcome.as_str()), (false, "expired"));
    is("changes", &world.changes().await?, &0)
}

#[tokio::test]
async fn a_receipt_is_consent_to_what_was_seen_and_to_nothing_else() -> anyhow::Result<()> {
    let world = PriceWorld::new().await?;
    let dry = world.run(strange(), json!({ "dry_run": true })).await?.completed()?;
    is("changes of a dry run", &world.changes().await?, &0)?;
    let receipt = dry.receipt.unwrap_or_default();

    let other = json!([{ "sku": "MOUSE-001", "new_price": 40_000 }]);
    let (message, _) = world.run(other, json!({ "approve": receipt })).await?.failed_as("ReceiptRefused")?;
    assert!(message.contains("of another list or other terms"), "{message}");
    let terms = json!({ "approve": receipt, "limits": { "price_change_percent": 99 } });
    world.run(strange(), terms).await?.failed_as("ReceiptRefused")?;
    is("changes", &world.changes().await?, &0)?;

    // The shop has moved: it asks again, although the list is the same.
    world.set("KEYBOARD-001", "KEYBOARD-001-US", 1_150_000).await?;
    let run = world.start(strange(), json!({ "approve": receipt })).await?;
    let asked = run.asks().await?;
    assert!(asked.questions[0].reason.contains("the shop has moved since the dry run"), "{asked:?}");
    run.decide(false, "look again").await.map_err(anyhow::Error::msg)?;
    run.ended().await?.completed()?;
    world.set("KEYBOARD-001", "KEYBOARD-001-US", 1_200_000).await?;

    let result = world.run(strange(), json!({ "approve": receipt })).await?.completed()?;
    is("applied without a question", &result.summary.applied, &2)
}

#[tokio::test]
async fn a_price_below_cost_is_wrong_or_asks() -> anyhow::Result<()> {
    let world = PriceWorld::new().await?;
    world.fill(2).await?;
    let rows = tests::prices::dearer(&world, 2).await?;
    let price = rows[0]["old_price"].as_i64().unwrap_or_default();
    let cheap = json!([{ "sku": rows[0]["sku"], "new_price": price * 55 / 100 }]);
    let (message, _) = world.run(cheap.clone(), json!({})).await?.failed_as("RowsInvalid")?;
    assert!(message.contains("new_price: is below the product's cost"), "{message}");
    let run = world.start(cheap, json!({ "allow_below_cost": true })).await?;
    let asked = run.asks().await?;
    assert!(asked.questions[0].reason.contains("1 price would be below cost (limit 0)"), "{asked:?}");
    run.decide(false, "no").await.map_err(anyhow::Error::msg)?;
    run.ended().await?.completed().map(drop)
}
