//! Orders to place.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

/// The seed's ORDER-001, as the README's sample has it.
pub const SAMPLE: &str = include_str!("../../starter/samples/order.json");

/// The sample under another id, so that runs do not meet.
///
/// # Panics
/// When the sample is not JSON.
#[must_use]
pub fn order() -> Value {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    #[expect(clippy::expect_used, reason = "a broken sample must fail every test loudly")]
    let mut order: Value = serde_json::from_str(SAMPLE).expect("starter/samples/order.json is JSON");
    let (run, n) = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    order["order_id"] = json!(format!("TEST-{run}-{n}"));
    order
}

/// The sample, paid with another card.
#[must_use]
pub fn paid_with(token: &str) -> Value {
    let mut order = order();
    order["payment_method"]["card_token"] = json!(token);
    order
}

/// The sample, paid in another way.
#[must_use]
pub fn paid_by(kind: &str) -> Value {
    let mut order = order();
    order["payment_method"] = json!({ "type": kind });
    order
}

/// The sample with a second line.
#[must_use]
pub fn two_lines() -> Value {
    let mut order = order();
    if let Some(items) = order["items"].as_array_mut() {
        items.push(json!({
            "product_id": "MOUSE-001", "product_name": "Gaming Mouse", "variant_id": "MOUSE-001-BLACK",
            "quantity": 2, "price": 500_000
        }));
    }
    order["total_amount"] = json!(26_000_000);
    order
}

/// The order's number.
#[must_use]
pub fn id(order: &Value) -> String {
    order["order_id"].as_str().unwrap_or_default().to_owned()
}
