//! The commerce platform: its verdict on an order, the order's state, the sale.

use activities::commerce::CommerceActivities;
use contracts::commerce::{
    Commerce, OrderCheck, OrderCompleted, OrderProblem, OrderStatus, OrderValidation, PaymentStatus,
    ShippingStatus, UpdateOrder, ValidateOrder,
};
use contracts::failure::{NEW_WORD, REFUSED};
use contracts::money::{Currency, Money};
use contracts::values::{CustomerId, ProductId, VariantId};
use reqwest::Method;
use serde_json::{Value, json};

use crate::TestResult;
use crate::peer::{Answer, Peer, answer};
use crate::samples::{LAPTOP, PRICE, dong, items, key, order_id, update, validate};
use crate::shop::Shop;
use crate::temporal::{FIRST, SECOND, Temporal};

async fn open() -> TestResult<(Shop, Temporal)> {
    let shop = Shop::open().await?;
    let temporal = Temporal::with(CommerceActivities::new(shop.api()?)).await?;
    Ok((shop, temporal))
}

/// The platform's answer about an order that it does not know.
fn unknown() -> Answer {
    answer(404, "", r#"{"error": {"code": "RESOURCE_NOT_FOUND"}}"#)
}

/// The platform's refusals, as (check, field).
async fn refused(temporal: &Temporal, input: &ValidateOrder) -> TestResult<Vec<(String, String)>> {
    match temporal.run(Commerce::validate_order, FIRST, input).await? {
        Ok(OrderValidation::Invalid { problems, .. }) => {
            Ok(problems.into_iter().map(|problem| (problem.check, problem.field)).collect())
        }
        other => Err(format!("{other:?}").into()),
    }
}

pub(crate) fn sale() -> TestResult<OrderCompleted> {
    Ok(OrderCompleted {
        key: key("update-analytics"),
        order_id: order_id()?,
        customer_id: CustomerId::new("CUSTOMER-001")?,
        revenue: dong(PRICE),
        items: items()?,
    })
}

#[tokio::test]
async fn an_order_in_order_may_go_ahead() -> TestResult {
    let (shop, temporal) = open().await?;
    // The first question makes it known.
    for (attempt, was_known) in [(FIRST, false), (SECOND, true)] {
        let verdict = temporal.run(Commerce::validate_order, attempt, &validate()?).await?;
        assert_eq!(verdict, Ok(OrderValidation::Valid { was_known }));
    }
    assert_eq!(shop.get("/api/v1/orders/ORDER-001").await?["data"]["status"], "pending");
    Ok(())
}

#[tokio::test]
async fn cents_reach_the_platform_as_they_are() -> TestResult {
    let (_shop, temporal) = open().await?;
    let dollars = |cents| Money::from_minor_units(cents, Currency::USD);
    let mut input = validate()?;
    let shirt = &mut input.items[0];
    (shirt.product_id, shirt.variant_id) = (ProductId::new("TSHIRT-001")?, VariantId::new("TSHIRT-001-M")?);
    (shirt.price, shirt.quantity) = (dollars(1_999).into(), 3);
    (input.total, input.shipping_fee) = (dollars(5_997 + 10 + 20 - 30), dollars(10));
    (input.tax, input.discount) = (dollars(20), dollars(30));
    let verdict = temporal.run(Commerce::validate_order, FIRST, &input).await?;
    assert_eq!(verdict, Ok(OrderValidation::Valid { was_known: false }));
    Ok(())
}

#[tokio::test]
async fn each_reason_of_the_platform_comes_back_with_its_check() -> TestResult {
    let (_shop, temporal) = open().await?;
    let mut input = validate()?;
    input.items[0].price = dong(1).into();
    input.shipping_address.country = "Atlantis".to_owned();
    let found = refused(&temporal, &input).await?;
    let checks: Vec<&str> = found.iter().map(|(check, _)| check.as_str()).collect();
    assert!(checks.contains(&"pricing_accuracy") && checks.contains(&"shipping_address"), "{found:?}");
    assert!(found.contains(&("pricing_accuracy".to_owned(), "items[0].price".to_owned())), "{found:?}");
    input.checks = vec![OrderCheck::ShippingAddress];
    let found = refused(&temporal, &input).await?;
    assert_eq!(found.len(), 1, "only the checks asked for: {found:?}");
    Ok(())
}

#[tokio::test]
async fn reasons_are_read_in_each_shape_and_there_is_always_one() -> TestResult {
    let problem = |check: &str, field: &str, message: &str, variant: Option<&str>| OrderProblem {
        check: check.to_owned(),
        field: field.to_owned(),
        message: message.to_owned(),
        variant_id: variant.map(str::to_owned),
    };
    for (errors, problems) in [
        (json!(["blocked"]), vec![problem("unnamed", "order", "blocked", None)]),
        (json!([]), vec![problem("unnamed", "order", "no reason given", None)]),
        (json!([{}]), vec![problem("unnamed", "unnamed", "", None)]),
        (
            json!([{ "check": "a", "field": "b", "message": "c", "variant_id": LAPTOP, "product_id": "x" }, "d"]),
            vec![problem("a", "b", "c", Some(LAPTOP)), problem("unnamed", "order", "d", None)],
        ),
    ] {
        let verdict = json!({ "success": true, "data": { "is_valid": false, "errors": errors } });
        let peer = Peer::start([unknown(), answer(200, "", &verdict.to_string())]).await?;
        let temporal = Temporal::with(CommerceActivities::new(peer.api()?)).await?;
        let verdict = temporal.run(Commerce::validate_order, FIRST, &validate()?).await?;
        assert_eq!(verdict, Ok(OrderValidation::Invalid { problems, was_known: false }));
    }
    Ok(())
}

#[tokio::test]
async fn the_card_token_is_no_business_of_the_platforms() -> TestResult {
    let peer = Peer::start([unknown(), answer(200, "", r#"{"data": {"is_valid": true}}"#)]).await?;
    let temporal = Temporal::with(CommerceActivities::new(peer.api()?)).await?;
    let verdict = temporal.run(Commerce::validate_order, FIRST, &validate()?).await?;
    assert_eq!(verdict, Ok(OrderValidation::Valid { was_known: false }));
    let request = &peer.received()[1];
    assert_eq!(request.line, "POST /api/v1/orders/ORDER-001/validate");
    let body: serde_json::Value = serde_json::from_str(&request.body)?;
    assert_eq!(body["payment_method"], json!({ "type": "credit_card" }));
    Ok(())
}

#[tokio::test]
async fn an_order_is_confirmed_with_its_tracking_number() -> TestResult {
    let (shop, temporal) = open().await?;
    assert!(temporal.run(Commerce::validate_order, FIRST, &validate()?).await?.is_ok());
    let input = UpdateOrder {
        payment_status: Some(PaymentStatus::Paid),
        shipping_status: Some(ShippingStatus::Pending),
        tracking_number: Some("SUN-1".to_owned()),
        ..update(OrderStatus::Confirmed)?
    };
    for attempt in [FIRST, SECOND] {
        assert_eq!(temporal.run(Commerce::update_order, attempt, &input).await?, Ok(()));
    }
    let order = shop.get("/api/v1/orders/ORDER-001").await?["data"].clone();
    let known = ["status", "payment_status", "shipping_status", "tracking_number"].map(|name| &order[name]);
    assert_eq!(known, ["confirmed", "paid", "pending", "SUN-1"]);
    Ok(())
}

/// A number that was used before: nothing of the older order is touched, and nothing of the new one begins.
#[tokio::test]
async fn a_number_that_is_another_orders_may_not_go_ahead() -> TestResult {
    let (shop, temporal) = open().await?;
    assert!(temporal.run(Commerce::validate_order, FIRST, &validate()?).await?.is_ok());
    let verdict = async |input: &ValidateOrder| -> TestResult<String> {
        match temporal.run(Commerce::validate_order, FIRST, input).await? {
            Ok(OrderValidation::Invalid { problems, .. }) => Ok(problems[0].check.clone()),
            other => Err(format!("{other:?}").into()),
        }
    };
    let stranger = ValidateOrder { customer_id: CustomerId::new("CUSTOMER-777")?, ..validate()? };
    assert_eq!(verdict(&stranger).await?, "another_customers");
    for status in ["confirmed", "shipped", "delivered", "failed", "refunded"] {
        shop.ask(Method::PUT, "/api/v1/orders/ORDER-001", json!({ "status": status })).await?;
        assert_eq!(verdict(&validate()?).await?, format!("held_as_{status}"));
    }
    // An order without an account is nobody else's.
    for customer in ["null", "\"CUSTOMER-001\""] {
        let guest = format!(r#"{{"data": {{"customer_id": {customer}, "status": "awaiting_payment"}}}}"#);
        let valid = answer(200, "", r#"{"data": {"is_valid": true}}"#);
        let peer = Peer::start([answer(200, "", &guest), valid]).await?;
        let temporal = Temporal::with(CommerceActivities::new(peer.api()?)).await?;
        let verdict = temporal.run(Commerce::validate_order, FIRST, &validate()?).await?;
        assert_eq!(verdict, Ok(OrderValidation::Valid { was_known: true }), "{customer}");
    }
    let odd = r#"{"data": {"customer_id": "CUSTOMER-001", "status": "on_hold"}}"#;
    let peer = Peer::start([answer(200, "", odd)]).await?;
    let temporal = Temporal::with(CommerceActivities::new(peer.api()?)).await?;
    let failed = temporal.run(Commerce::validate_order, FIRST, &validate()?).await?.err().ok_or("valid")?;
    assert_eq!((failed.kind.as_str(), failed.is_final), (NEW_WORD, false));
    assert!(failed.message.contains("on_hold"), "{}", failed.message);
    Ok(())
}

/// A run that has begun nothing writes its end over its own customer's open order, and over nothing else.
#[tokio::test]
async fn an_end_is_written_over_an_open_order_of_ones_own_only() -> TestResult {
    let (shop, temporal) = open().await?;
    let of = |customer: &str| -> TestResult<UpdateOrder> {
        Ok(UpdateOrder { only_over: Some(CustomerId::new(customer)?), ..update(OrderStatus::Failed)? })
    };
    let told = async |input: &UpdateOrder| temporal.run(Commerce::update_order, FIRST, input).await;
    let status = async || -> TestResult<Value> {
        Ok(shop.get("/api/v1/orders/ORDER-001").await?["data"]["status"].clone())
    };
    assert_eq!(told(&of("CUSTOMER-001")?).await?, Ok(()), "the platform never knew it");
    assert!(temporal.run(Commerce::validate_order, FIRST, &validate()?).await?.is_ok());
    assert_eq!(told(&of("CUSTOMER-777")?).await?, Ok(()));
    assert_eq!(status().await?, "pending");
    assert_eq!(told(&of("CUSTOMER-001")?).await?, Ok(()));
    assert_eq!(status().await?, "failed");
    shop.ask(Method::PUT, "/api/v1/orders/ORDER-001", json!({ "status": "shipped" })).await?;
    assert_eq!(told(&of("CUSTOMER-001")?).await?, Ok(()));
    assert_eq!(status().await?, "shipped");
    Ok(())
}

/// The shop agreed to the order: that it knows none now is not the end of the matter.
#[tokio::test]
async fn an_order_that_is_gone_is_not_told_of_its_end_in_silence() -> TestResult {
    let (_shop, temporal) = open().await?;
    for (status, is_final) in [(OrderStatus::Failed, false), (OrderStatus::Confirmed, true)] {
        let refused = temporal.run(Commerce::update_order, FIRST, &update(status)?).await?;
        let refused = refused.err().ok_or("told")?;
        assert_eq!((refused.kind.as_str(), refused.is_final), (REFUSED, is_final), "{status:?}");
        assert_eq!(refused.message, "shop refused: 404 RESOURCE_NOT_FOUND");
    }
    Ok(())
}

/// The reply to the first attempt was lost, and the shop has gone on since.
#[tokio::test]
async fn a_repeated_word_to_the_shop_writes_over_nothing_that_came_after_it() -> TestResult {
    let (shop, temporal) = open().await?;
    assert!(temporal.run(Commerce::validate_order, FIRST, &validate()?).await?.is_ok());
    let confirmed =
        UpdateOrder { shipping_status: Some(ShippingStatus::Pending), ..update(OrderStatus::Confirmed)? };
    for (end, now, kept) in [
        (&confirmed, "shipped", "shipped"),
        // The parcel is under way, whatever somebody made of the order.
        (&confirmed, "cancelled", "confirmed"),
        (&update(OrderStatus::Failed)?, "pending", "failed"),
        (&update(OrderStatus::Failed)?, "refunded", "refunded"),
    ] {
        shop.ask(Method::PUT, "/api/v1/orders/ORDER-001", json!({ "status": now })).await?;
        assert_eq!(temporal.run(Commerce::update_order, SECOND, end).await?, Ok(()));
        let order = &shop.get("/api/v1/orders/ORDER-001").await?["data"];
        assert_eq!(order["status"], kept, "{:?} over {now}", end.status);
    }
    Ok(())
}

/// A stored 500 would be repeated for ever, and the shop would never hear of a paid order.
#[tokio::test]
async fn the_word_to_the_shop_goes_without_a_key() -> TestResult {
    let held = |status: &str| answer(200, "", &json!({ "data": { "status": status } }).to_string());
    let peer = Peer::start([held("pending"), held("confirmed")]).await?;
    let temporal = Temporal::with(CommerceActivities::new(peer.api()?)).await?;
    let told = temporal.run(Commerce::update_order, FIRST, &update(OrderStatus::Confirmed)?).await?;
    assert_eq!(told, Ok(()));
    assert_eq!(peer.received()[1].header("idempotency-key"), None);
    assert_eq!(peer.received().len(), 2);
    Ok(())
}

/// An answer that does not say so is not a sign that the shop holds the order as told.
#[tokio::test]
async fn a_word_that_the_shop_does_not_repeat_is_looked_for() -> TestResult {
    let held = |status: &str| answer(200, "", &json!({ "data": { "status": status } }).to_string());
    for silent in
        ["{}", r#"{"success": true}"#, r#"{"status": "ok"}"#, r#"{"data": {"status": 200}}"#, "null"]
    {
        for (told, now, words) in [
            (OrderStatus::Confirmed, "confirmed", None),
            (OrderStatus::Confirmed, "shipped", None),
            (OrderStatus::Cancelled, "cancelled", None),
            (OrderStatus::Confirmed, "pending", Some("the order is held as pending")),
            (OrderStatus::Confirmed, "cancelled", Some("the order is held as cancelled")),
            (OrderStatus::Failed, "awaiting_payment", Some("the order is held as awaiting_payment")),
            (OrderStatus::Failed, "parked", Some("does not know: \"parked\"")),
        ] {
            let peer = Peer::start([held("pending"), answer(200, "", silent), held(now)]).await?;
            let temporal = Temporal::with(CommerceActivities::new(peer.api()?)).await?;
            let outcome = temporal.run(Commerce::update_order, FIRST, &update(told)?).await?;
            match (outcome, words) {
                (Ok(()), None) => {}
                (Err(failed), Some(words)) if failed.message.contains(words) && !failed.is_final => {}
                (outcome, _) => return Err(format!("{silent}, {told:?} and {now}: {outcome:?}").into()),
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_sale_is_counted_once_line_by_line() -> TestResult {
    let (shop, temporal) = open().await?;
    for attempt in [FIRST, SECOND] {
        assert_eq!(temporal.run(Commerce::track_order_completed, attempt, &sale()?).await?, Ok(()));
    }
    assert_eq!(shop.total("events").await?, 1);
    let peer = Peer::start([answer(201, "", "")]).await?;
    let temporal = Temporal::with(CommerceActivities::new(peer.api()?)).await?;
    let mut two = sale()?;
    two.items[0].quantity = 2;
    assert_eq!(temporal.run(Commerce::track_order_completed, FIRST, &two).await?, Ok(()));
    let golden = json!({
        "event_type": "order_completed",
        "customer_id": "CUSTOMER-001",
        "order_id": "ORDER-001",
        "revenue": PRICE,
        "currency": "VND",
        "items": [{ "product_id": "LAPTOP-001", "quantity": 2, "revenue": 2 * PRICE }]
    });
    assert_eq!(serde_json::from_str::<serde_json::Value>(&peer.received()[0].body)?, golden);
    Ok(())
}
