//! The promises about what the shop says of an order, each broken once and reported.

use reqwest::Method;
use serde_json::{Value, json};

use crate::audit::fulfil;
use crate::harness::{LAPTOP, Shop, order, shipment, text};

const MOUSE: &str = "MOUSE-001-BLACK";

/// The violations when the orders whose numbers begin so have ended.
async fn when_ended(shop: &Shop, prefix: &str) -> Vec<String> {
    let audit = shop.get(&format!("/_sandbox/audit?ended={prefix}")).await;
    serde_json::from_value(audit["violations"].clone()).expect("texts")
}

/// An order of one laptop and two mice.
fn two_lines() -> Value {
    let mut order = order();
    let mice = json!({
        "product_id": "MOUSE-001", "variant_id": MOUSE, "product_name": "Mouse", "quantity": 2, "price": 500_000,
    });
    order["items"].as_array_mut().expect("a list").push(mice);
    order["total_amount"] = json!(26_000_000);
    order
}

/// An order that is sold and labelled. It costs nothing, or is paid at the door.
async fn sell(shop: &Shop, order_id: &str, is_free: bool) {
    let (mut order, mut parcel) = (order(), shipment(order_id));
    if is_free {
        order["discount"] = order["total_amount"].clone();
        order["total_amount"] = json!(0);
    } else {
        order["payment_method"]["type"] = json!("cash_on_delivery");
        parcel["cash_on_delivery"] = json!({ "amount": 25_000_000, "currency": "VND" });
    }
    assert_eq!(shop.validate(order_id, order).await["is_valid"], true);
    shop.reserve(order_id, LAPTOP, 1).send().await.data(200);
    shop.confirm(order_id, LAPTOP, 1).send().await.data(200);
    shop.post("/shipments", parcel).send().await.data(201);
}

#[tokio::test]
async fn a_confirmed_order_is_sold_and_labelled() {
    let shop = Shop::open().await;
    assert_eq!(shop.validate("ORDER-001", two_lines()).await["is_valid"], true);
    shop.reserve("ORDER-001", LAPTOP, 1).send().await.data(200);
    shop.confirm("ORDER-001", LAPTOP, 1).send().await.data(200);
    let mut payment = crate::harness::payment("ORDER-001", "t");
    payment["amount"] = json!(26_000_000);
    shop.post("/payments", payment).send().await.data(201);
    shop.set_status("ORDER-001", "confirmed").send().await.data(200);
    let expected = [
        "confirmed without its sale: of order ORDER-001 0 of 2 MOUSE-001-BLACK are sold",
        "confirmed without a label: order ORDER-001 has no live label",
    ];
    assert_eq!(shop.violations().await, expected, "at any moment");
    let label = shop.ship("ORDER-001").send().await.data(201);
    shop.reserve("ORDER-001", MOUSE, 2).send().await.data(200);
    assert_eq!(shop.violations().await.len(), 2, "a hold is not a sale, and is open still");
    shop.confirm("ORDER-001", MOUSE, 2).send().await.data(200);
    assert_eq!(shop.violations().await, [""; 0]);
    let void = format!("/shipments/{}/cancel", text(&label["shipment_id"]));
    shop.ask(Method::POST, &void).send().await.data(200);
    assert_eq!(shop.violations().await, expected[1..], "a label that was voided is none");
}

/// Somebody in the shop goes on with an order that nobody paid for, sold or labelled.
#[tokio::test]
async fn an_order_that_the_shop_goes_on_with_is_paid_sold_and_labelled() {
    let shop = Shop::open().await;
    shop.place("ORDER-001").await;
    for state in ["processing", "shipped", "delivered"] {
        shop.set_status("ORDER-001", state).send().await.data(200);
        let violations = shop.violations().await;
        let kinds: Vec<_> = violations.iter().filter_map(|violation| violation.split(':').next()).collect();
        let wanted = ["its money", "its sale", "a label"].map(|lack| format!("{state} without {lack}"));
        assert_eq!(kinds, wanted, "{violations:?}");
    }
}

#[tokio::test]
async fn goods_that_went_back_are_not_sold() {
    let shop = Shop::open().await;
    fulfil(&shop, "ORDER-001").await;
    let back = json!({ "items": [{ "variant_id": LAPTOP, "quantity": 1 }], "reference_id": "ORDER-001" });
    shop.post("/inventory/restock", back).send().await.data(200);
    let expected = format!("confirmed without its sale: of order ORDER-001 0 of 1 {LAPTOP} are sold");
    assert_eq!(shop.violations().await, [expected]);
}

#[tokio::test]
async fn what_is_paid_and_labelled_is_told_before_the_run_is_over() {
    let shop = Shop::open().await;
    let payment_id = fulfil(&shop, "ORDER-001").await;
    assert_eq!(when_ended(&shop, "ORDER-001").await, [""; 0]);
    shop.set_status("ORDER-001", "pending").send().await.data(200);
    assert_eq!(shop.violations().await, [""; 0], "the run may be about to tell");
    assert_eq!(when_ended(&shop, "ORDER-002").await, [""; 0], "another order has ended");
    let said = |order: &str, money: &str, label: &str| {
        format!(
            "paid and labelled, unheard: order {order} is over, {money} and the label {label} is live, yet the shop \
             holds it as pending"
        )
    };
    let label = text(&shop.get("/shipments?order_id=ORDER-001").await["data"][0]["shipment_id"]).to_owned();
    let unheard = said("ORDER-001", "25000000 VND are captured", &label);
    assert_eq!(when_ended(&shop, "ORDER-001").await, std::slice::from_ref(&unheard));
    // A parcel that was collected is as live as one that lies there.
    shop.put("/_sandbox/shipments/ORDER-001", json!({ "status": "in_transit" })).send().await.ok(200);
    assert_eq!(when_ended(&shop, "").await, [unheard], "of all orders");
    // The money is gone, so it is another promise that is broken, beside the one about the label.
    shop.refund(&payment_id, 25_000_000).send().await.data(200);
    let left = when_ended(&shop, "ORDER-").await;
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(left[0].starts_with("shipped without money"), "{left:?}");
    assert_eq!(left[1], "ended and held open: order ORDER-001 is over, yet the shop holds it as pending");

    for (is_free, money) in [(true, "it costs nothing"), (false, "it is paid at the door")] {
        let shop = Shop::open().await;
        sell(&shop, "ORDER-001", is_free).await;
        let label =
            text(&shop.get("/shipments?order_id=ORDER-001").await["data"][0]["shipment_id"]).to_owned();
        assert_eq!(when_ended(&shop, "ORDER-").await, [said("ORDER-001", money, &label)]);
        shop.set_status("ORDER-001", "confirmed").send().await.data(200);
        assert_eq!(when_ended(&shop, "ORDER-").await, [""; 0]);
    }
}

#[tokio::test]
async fn an_order_that_has_ended_is_not_held_open() {
    let shop = Shop::open().await;
    shop.place("ORDER-001").await;
    shop.place("OTHER-001").await;
    assert_eq!(shop.violations().await, [""; 0], "as long as nobody says that it has ended");
    let expected = "ended and held open: order ORDER-001 is over, yet the shop holds it as pending";
    assert_eq!(when_ended(&shop, "ORDER-").await, [expected]);
    for ended in ["failed", "cancelled", "expired"] {
        shop.set_status("ORDER-001", ended).send().await.data(200);
        assert_eq!(when_ended(&shop, "ORDER-").await, [""; 0], "{ended}");
    }
    let refused = shop.ask(Method::GET, "/_sandbox/audit?end=ORDER-").send().await;
    refused.refused(400, "VALIDATION_ERROR");
}

/// The shop was told of the money of an order that ended early what happened to it.
#[tokio::test]
async fn the_money_of_an_order_that_ended_is_told_as_the_ledger_has_it() {
    let wrong = |told: &str, is: &str| {
        format!(
            "money told wrongly: order ORDER-001 is failed, and the shop was told {told} of its money, which is {is}"
        )
    };
    let shop = Shop::open().await;
    shop.place("ORDER-001").await;
    shop.set_status("ORDER-001", "failed").send().await.data(200);
    let tell = async |told: &str| {
        let word = json!({ "payment_status": told });
        shop.put("/orders/ORDER-001", word).send().await.data(200);
    };
    assert_eq!(when_ended(&shop, "").await, [""; 0], "nothing needs to be said of no money");
    tell("paid").await;
    assert_eq!(when_ended(&shop, "").await, [wrong("paid", "unpaid")]);
    assert_eq!(shop.violations().await, [""; 0], "the run may be about to tell");
    assert_eq!(when_ended(&shop, "ORDER-002").await, [""; 0], "another order has ended");
    let mut transfer = crate::harness::payment("ORDER-001", "t");
    transfer["payment_method"] = json!({ "type": "bank_transfer" });
    let payment = shop.post("/payments", transfer).key("k1").send().await.data(201);
    tell("unpaid").await;
    assert_eq!(when_ended(&shop, "").await, [wrong("unpaid", "pending")]);
    let void = json!({ "order_id": "ORDER-001", "idempotency_key": "k1" });
    shop.post("/payments/void", void).send().await.data(200);
    assert_eq!(when_ended(&shop, "").await, [wrong("unpaid", "voided")]);
    tell("voided").await;
    assert_eq!(when_ended(&shop, "").await, [""; 0]);
    let late = json!({ "outcome": "paid", "force": true });
    shop.post("/_sandbox/payments/ORDER-001/settle", late).send().await.ok(200);
    shop.refund(text(&payment["payment_id"]), 1_000_000).send().await.data(200);
    let left = when_ended(&shop, "").await;
    assert!(left.contains(&wrong("voided", "partially_refunded")), "{left:?}");
    shop.refund(text(&payment["payment_id"]), 24_000_000).send().await.data(200);
    assert_eq!(when_ended(&shop, "").await, [wrong("voided", "refunded")]);
    tell("refunded").await;
    assert_eq!(when_ended(&shop, "").await, [""; 0]);
    let another = json!({ "payment_status": "refunded", "payment_id": "pi_1" });
    shop.put("/orders/ORDER-001", another).send().await.data(200);
    assert_eq!(when_ended(&shop, "").await.len(), 1, "that is not its payment");

    // Paid at another provider, whose books are not here.
    let shop = Shop::open().await;
    shop.place("ORDER-001").await;
    let elsewhere = json!({ "status": "failed", "payment_status": "refunded", "payment_id": "pi_1" });
    shop.put("/orders/ORDER-001", elsewhere).send().await.data(200);
    assert_eq!(when_ended(&shop, "").await, [""; 0]);
}
