//! A whole order, every activity run twice, and every undo run twice: the shop's books show each effect once.

use std::time::Duration;

use activities::commerce::CommerceActivities;
use activities::inventory::{InventoryActivities, Lines};
use activities::notification::NotificationActivities;
use activities::payment::PaymentActivities;
use activities::shipping::ShippingActivities;
use contracts::commerce::{Commerce, OrderStatus};
use contracts::inventory::{ConfirmStock, Inventory, ReleaseStock, ReserveStock};
use contracts::notification::Notifications;
use contracts::payment::Payments;
use contracts::shipping::Shipping;
use messages::Texts;
use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use temporalio_common::ActivityDefinition;

use crate::TestResult;
use crate::commerce::sale;
use crate::notification::{email, push, sms};
use crate::samples::{
    LAPTOP, PRICE, charge, key, label_of_order, order_id, parcel, reverse, stock_line, update, validate,
};
use crate::shop::Shop;
use crate::temporal::{Attempt, FIRST, SECOND, Temporal};

/// An undo that finds its work done already believes it at once.
const SECOND_LOOK: Duration = Duration::ZERO;
const LATER: Attempt = Attempt { scheduled: Duration::from_secs(60), ..SECOND };

/// Runs an activity twice as a first attempt, as after a reply that Temporal lost, and once as a second.
async fn again<A>(temporal: &Temporal, activity: impl Fn() -> A, input: A::Input) -> TestResult
where
    A: ActivityDefinition,
    A::Input: Serialize,
    A::Output: DeserializeOwned,
{
    for attempt in [FIRST, FIRST, LATER] {
        let outcome = temporal.run(activity(), attempt, &input).await?;
        outcome.map_err(|failed| format!("{}: {failed:?}", activity().name()))?;
    }
    Ok(())
}

#[tokio::test]
async fn every_activity_and_every_undo_leaves_one_effect_however_often_it_runs() -> TestResult {
    for generation in [Lines::Batch, Lines::OneByOne] {
        let shop = Shop::open().await?;
        let commerce = Temporal::with(CommerceActivities::new(shop.api()?)).await?;
        let inventory =
            Temporal::with(InventoryActivities::new(shop.api()?, generation, SECOND_LOOK)).await?;
        let payment = Temporal::with(PaymentActivities::new(shop.api()?, SECOND_LOOK)).await?;
        let shipping = Temporal::with(ShippingActivities::new(shop.api()?, SECOND_LOOK)).await?;
        let messages = Temporal::with(NotificationActivities::new(shop.api()?, Texts::load()?)).await?;
        let lines = || TestResult::Ok(vec![stock_line("LAPTOP-001", LAPTOP, 1)?]);
        let back = |step| {
            let (order_id, lines) = (order_id()?, lines()?);
            TestResult::Ok(ReleaseStock { key: key(step), order_id, lines, is_answered: false, sold: vec![] })
        };
        let (reserve, confirm) = (
            ReserveStock {
                key: key("reserve-inventory"),
                order_id: order_id()?,
                lines: lines()?,
                expires_at: "2999-01-01T00:00:00Z".to_owned(),
            },
            ConfirmStock {
                key: key("confirm-inventory"),
                order_id: order_id()?,
                lines: lines()?,
                holds: vec![],
                may_be_sold: false,
            },
        );

        again(&commerce, || Commerce::validate_order, validate()?).await?;
        again(&inventory, || Inventory::reserve, reserve).await?;
        again(&payment, || Payments::charge, charge("card_token_123")?).await?;
        again(&inventory, || Inventory::confirm, confirm).await?;
        again(&shipping, || Shipping::create_shipment, parcel()?).await?;
        again(&commerce, || Commerce::update_order, update(OrderStatus::Confirmed)?).await?;
        again(&messages, || Notifications::send_email, email()?).await?;
        again(&messages, || Notifications::send_sms, sms()?).await?;
        again(&messages, || Notifications::send_push, push()?).await?;
        again(&commerce, || Commerce::track_order_completed, sale()?).await?;
        shop.audit().await?;
        assert_eq!((shop.stock(LAPTOP).await?, shop.money().await?), ((49, 0), PRICE));
        for total in ["charges", "shipments", "mails", "sms", "pushes", "events"] {
            assert_eq!(shop.total(total).await?, 1, "{total}");
        }

        again(&shipping, || Shipping::void_shipment, label_of_order()?).await?;
        again(&inventory, || Inventory::restock, back("confirm-inventory")?).await?;
        again(&payment, || Payments::reverse, reverse()?).await?;
        again(&inventory, || Inventory::release, back("reserve-inventory")?).await?;
        // A shop that goes on with an order is not told in silence that it has ended.
        shop.ask(Method::PUT, "/api/v1/orders/ORDER-001", json!({ "status": "pending" })).await?;
        let mut ended = update(OrderStatus::Failed)?;
        ended.key = key("update-order");
        again(&commerce, || Commerce::update_order, ended).await?;
        shop.audit().await?;
        assert_eq!((shop.stock(LAPTOP).await?, shop.money().await?), ((50, 0), 0));
        for total in ["charges", "refunds", "shipments", "voided_shipments"] {
            assert_eq!(shop.total(total).await?, 1, "{total}");
        }
    }
    Ok(())
}
