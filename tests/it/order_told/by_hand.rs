//! The deeds of others meanwhile: the shop and the mail answer, somebody gives the money back at the provider.

use serde_json::json;
use tests::world::{Order, World};
use workflows::report::{Progress, StepStatus};

/// A reply that was lost is asked for again: waits until shop and mail have answered about the invitation.
pub(super) async fn has_answers(order: &Order<'_>) -> anyhow::Result<()> {
    let are_there = |p: &Progress| {
        let parts = p.steps.iter().flat_map(|step| &step.parts);
        let mut of_invitation = parts.filter(|part| part.part == "awaiting_payment");
        of_invitation.all(|part| part.status != StepStatus::Running)
    };
    order.until("has invited", are_there).await.map(drop)
}

pub(super) async fn refund_by_hand(world: &World, order: &Order<'_>) -> anyhow::Result<()> {
    let key = format!("order/{}/process-payment", order.order_id);
    let payments = world.shop.ask(&format!("payments?idempotency_key={key}"), None).await?;
    let payment = payments[0]["payment_id"].as_str().unwrap_or_default().to_owned();
    let body = json!({ "amount": 25_000_000, "currency": "VND", "reason": "its reply may be lost" });
    if let Ok(refunded) = world.shop.ask(&format!("payments/{payment}/refund"), Some(&body)).await {
        anyhow::ensure!(!refunded.is_null(), "not refunded");
    }
    Ok(())
}
