//! Reading the shop's books after chaos: what happened twice, what did not happen, what is left over.
//!
//! Three sources that know nothing of each other: the sandbox's audit, its log of effects by key, and the stock.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Kind, Placed};
use crate::shop::Shop;

pub(super) const LAPTOP: &str = "LAPTOP-001-16GB-512GB";
pub(super) const MOUSE: &str = "MOUSE-001-BLACK";
pub(super) const STOCK: i64 = 10_000_000;
/// Of the second line of `orders::two_lines`.
const MICE_PER_ORDER: i64 = 2;

/// The effects of a fulfilled order, each exactly once.
const FULFILLED: [&str; 9] = [
    "inventory.reserve",
    "payments.create",
    "inventory.confirm",
    "shipments.create",
    "orders.update",
    "notifications.email",
    "notifications.sms",
    "notifications.push",
    "events.track",
];
/// The effects that a declined order may leave behind, each at most once per key: the hold and its release, the refused
/// charge, the bar of its key, the word to the shop, and the one to the customer.
const DECLINED: [&str; 6] = [
    "inventory.reserve",
    "inventory.release",
    "payments.create",
    "payments.void",
    "orders.update",
    "notifications.email",
];
/// The effects that a declined order must have had.
const DECLINED_AT_LEAST: [&str; 4] =
    ["inventory.reserve", "inventory.release", "orders.update", "notifications.email"];

/// Every fault of the books, in sentences.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Effects that happened more than once.
    pub duplicates: Vec<String>,
    /// Effects that should have happened and did not.
    pub lost: Vec<String>,
    /// Effects that should have been undone, or never begun; whatever the audit objects to.
    pub leaked: Vec<String>,
}

impl Findings {
    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.duplicates.iter().chain(&self.lost).chain(&self.leaked).map(String::as_str)
    }
}

/// Effects per order and operation: how many there were per key.
type Effects = BTreeMap<String, BTreeMap<String, Vec<usize>>>;

/// Reads everything.
pub async fn read(shop: &Shop, placed: &[Placed]) -> anyhow::Result<Findings> {
    let mut findings = Findings::default();
    let violations = shop.violations().await?;
    findings.leaked.extend(violations.iter().map(|violation| format!("audit: {violation}")));
    let audit = shop.get("audit").await?;
    if audit["totals"]["holds"] != 0 {
        findings.leaked.push(format!("{} holds are open", audit["totals"]["holds"]));
    }
    let effects = effects(&shop.get("effects").await?);
    compare(&effects, placed, &mut findings);
    let (laptops, mice) = sold(placed);
    for (variant, sold) in [(LAPTOP, laptops), (MOUSE, mice)] {
        let on_hand = shop.stock(variant).await?;
        if on_hand != (STOCK - sold, 0) {
            let (there, held) = on_hand;
            findings.leaked.push(format!("{variant}: {there} there and {held} held, {sold} sold of {STOCK}"));
        }
    }
    Ok(findings)
}

fn sold(placed: &[Placed]) -> (i64, i64) {
    let fulfilled = placed.iter().filter(|placed| placed.objection.is_none());
    fulfilled.fold((0, 0), |(laptops, mice), placed| match placed.kind {
        Kind::Plain => (laptops + 1, mice),
        Kind::TwoLines => (laptops + 1, mice + MICE_PER_ORDER),
        Kind::Declined => (laptops, mice),
    })
}

/// The log has one line per key, and one more for each further effect under it.
fn effects(log: &Value) -> Effects {
    let mut by_key: BTreeMap<(String, String, String), usize> = BTreeMap::new();
    for line in log.as_array().into_iter().flatten() {
        if line["effect"] == "none" {
            continue;
        }
        let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        // Every key begins with the workflow id, which holds the order's number; an SMS names no order.
        let key = text("idempotency_key");
        let order = key.split('/').nth(1).map_or_else(|| text("order_id"), str::to_owned);
        *by_key.entry((order, text("operation"), key)).or_default() += 1;
    }
    let mut effects = Effects::new();
    for ((order, operation, _key), count) in by_key {
        effects.entry(order).or_default().entry(operation).or_default().push(count);
    }
    effects
}

fn compare(effects: &Effects, placed: &[Placed], findings: &mut Findings) {
    let none = BTreeMap::new();
    for Placed { order_id, kind, .. } in placed {
        let effects = effects.get(order_id).unwrap_or(&none);
        let (may, must): (&[&str], &[&str]) = match kind {
            Kind::Plain | Kind::TwoLines => (&FULFILLED, &FULFILLED),
            Kind::Declined => (&DECLINED, &DECLINED_AT_LEAST),
        };
        for (operation, per_key) in effects {
            if per_key.iter().any(|count| *count > 1) {
                findings.duplicates.push(format!("{order_id}: {operation} happened more than once"));
            }
            // A fulfilled order has one key per operation; an undo has one per variant.
            if *kind != Kind::Declined && per_key.len() > 1 {
                findings.duplicates.push(format!("{order_id}: {operation} under {} keys", per_key.len()));
            }
            if !may.contains(&operation.as_str()) {
                findings.leaked.push(format!("{order_id} ({kind:?}): {operation} happened"));
            }
        }
        for operation in must.iter().filter(|operation| !effects.contains_key(**operation)) {
            findings.lost.push(format!("{order_id}: {operation} never happened"));
        }
    }
    let known: Vec<&str> = placed.iter().map(|placed| placed.order_id.as_str()).collect();
    for order in effects.keys().filter(|order| !known.contains(&order.as_str())) {
        findings.leaked.push(format!("effects of an order that nobody placed: {order}"));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    fn placed(kind: Kind) -> Vec<Placed> {
        vec![Placed { order_id: "A".to_owned(), kind, objection: None, took: Duration::ZERO }]
    }

    fn line(operation: &str) -> Value {
        let key = format!("order/A/{operation}");
        json!({ "operation": operation, "idempotency_key": key, "effect": "done", "order_id": null })
    }

    fn found(log: Vec<Value>, kind: Kind) -> Findings {
        let mut findings = Findings::default();
        compare(&effects(&Value::Array(log)), &placed(kind), &mut findings);
        findings
    }

    #[test]
    fn a_fulfilled_order_has_each_effect_once() {
        let log: Vec<Value> = FULFILLED.map(line).to_vec();
        assert_eq!(found(log, Kind::Plain), Findings::default());
    }

    #[test]
    fn twice_missing_and_left_over_are_told_apart() {
        let mut log: Vec<Value> = FULFILLED.map(line).to_vec();
        log.push(line("payments.create"));
        log.push(line("payments.refund"));
        log.retain(|line| line["operation"] != "notifications.sms");
        let findings = found(log, Kind::TwoLines);
        assert_eq!(findings.duplicates, ["A: payments.create happened more than once"]);
        assert_eq!(findings.lost, ["A: notifications.sms never happened"]);
        assert_eq!(findings.leaked, ["A (TwoLines): payments.refund happened"]);
    }

    #[test]
    fn a_declined_order_that_ships_leaks() {
        let log: Vec<Value> = ["inventory.reserve", "inventory.release", "orders.update", "shipments.create"]
            .map(line)
            .to_vec();
        assert_eq!(found(log, Kind::Declined).leaked, ["A (Declined): shipments.create happened"]);
    }
}
