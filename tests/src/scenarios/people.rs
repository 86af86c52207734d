//! One run of each way in which a question to a person can go.

use serde_json::{Value, json};
use workflows::saga::Action;

use super::{Scenario, ended, stuck_at};
use crate::orders;
use crate::world::{Order, World};

/// A worker that does not wait long before it asks, and tries on often.
pub const QUICK: [&str; 4] =
    ["--undo-patience=2s", "--second-look=200ms", "--asked-retry-first=700ms", "--asked-retry-longest=700ms"];

/// Those of questions.
pub(super) const QUESTIONS: &[Scenario] = &[
    scenario!("asked-and-tried-on-until-it-went-through", _world => {
        let (world, _worker) = World::apart(&QUICK).await?;
        let order = stuck_at(&world, "payments.refund").await?;
        world.shop.mend().await?;
        ended(order).await?
    }),
    scenario!("asked-and-done-by-hand-after-hands-off", world => {
        let order = stuck_at(world, "payments.refund").await?;
        answered(&order, "process-payment", Action::HandsOff).await?;
        world.shop.mend().await?;
        answered(&order, "process-payment", Action::DoneByHand).await?;
        ended(order).await?
    }),
    scenario!("asked-about-what-was-refused", world => {
        let refused = [refuses("shipments.create"), refuses("payments.refund")];
        world.shop.faults(json!(refused)).await?;
        let order = world.start(&orders::order()).await?;
        order.until("asks", |p| !p.questions.is_empty()).await?;
        answered(&order, "process-payment", Action::Leave).await?;
        ended(order).await?
    }),
    scenario!("shop-refuses-to-hear-of-a-paid-order-and-is-told", world => {
        let order = untold(world).await?;
        world.shop.mend().await?;
        answered(&order, "update-order-status", Action::Retry).await?;
        ended(order).await?
    }),
    scenario!("shop-refuses-to-hear-of-a-paid-order-and-it-is-left", world => {
        let order = untold(world).await?;
        answered(&order, "update-order-status", Action::Leave).await?;
        ended(order).await?
    }),
    scenario!("canceled-by-temporal-while-it-asks", world => {
        let order = stuck_at(world, "payments.refund").await?;
        order.temporal_cancel().await?;
        answered(&order, "process-payment", Action::DoneByHand).await?;
        ended(order).await?
    }),
];

fn refuses(operation: &str) -> Value {
    json!({ "operation": operation, "kind": "status", "status": 422 })
}

/// A paid order with a label of which the shop does not want to hear.
async fn untold(world: &World) -> anyhow::Result<Order<'_>> {
    world.shop.faults(json!([refuses("orders.update")])).await?;
    let order = world.start(&orders::order()).await?;
    order.until("asks", |p| !p.questions.is_empty()).await?;
    Ok(order)
}

async fn answered(order: &Order<'_>, question: &str, action: Action) -> anyhow::Result<()> {
    order.answer(question, action, "looked at").await.map(drop).map_err(anyhow::Error::msg)
}
