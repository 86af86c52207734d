//! The audit: totals of what happened, and every broken promise in a sentence.

mod catalog;
mod gifts;
mod leftovers;
mod mails;
mod orders;
mod parcels;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::money::Major;
use crate::shop::Shop;
use orders::CONFIRMED;

/// The whole audit.
#[derive(Debug, Serialize)]
pub(crate) struct Audit {
    ok: bool,
    violations: Vec<String>,
    totals: Totals,
}

#[derive(Debug, Serialize)]
struct Totals {
    charges: i64,
    refunds: i64,
    /// Captured less refunded, in minor units; currencies never captured are absent.
    net_money: BTreeMap<String, i64>,
    /// Open now; the other numbers are of all that was ever made.
    holds: i64,
    shipments: i64,
    voided_shipments: i64,
    mails: i64,
    sms: i64,
    pushes: i64,
    events: i64,
    /// Notes to the team; absent while there are none, as the counts below.
    #[serde(skip_serializing_if = "is_zero")]
    notes: i64,
    /// The counts below are absent while they are 0.
    #[serde(skip_serializing_if = "is_zero")]
    customers: i64,
    #[serde(skip_serializing_if = "is_zero")]
    incomplete_customers: i64,
    /// Given less taken back.
    #[serde(skip_serializing_if = "is_zero")]
    points: i64,
    #[serde(skip_serializing_if = "is_zero")]
    reversed_points: i64,
    #[serde(skip_serializing_if = "is_zero")]
    coupons: i64,
    #[serde(skip_serializing_if = "is_zero")]
    revoked_coupons: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
fn is_zero(count: &i64) -> bool {
    *count == 0
}

/// Captured less refunded per order and currency, and how much of what was captured nobody had asked for: a customer
/// who makes a transfer may send more, or other money.
const NET_MONEY: &str = "(SELECT order_id, currency, sum(captured - refunded) AS net,
          sum(CASE WHEN currency <> asked_in THEN captured ELSE max(captured - asked, 0) END) AS unasked
      FROM payments GROUP BY order_id, currency)";

/// One promise: a query that finds the orders, variants or keys that break it, and the sentence about each.
type Promise = fn(&Shop<'_>) -> rusqlite::Result<Vec<String>>;

const PROMISES: [Promise; 29] = [
    charged_twice,
    charged_too_much,
    hold_leaked,
    stock_does_not_add_up,
    levels_do_not_add_up,
    holds_do_not_add_up,
    refunds_do_not_add_up,
    message_sent_twice,
    mails::told_what_is_not_so,
    paid_though_undone,
    shipped_though_undone,
    confirmed_without_money,
    orders::confirmed_without_its_sale,
    orders::confirmed_without_a_label,
    shipped_without_money,
    parcels::labelled_twice,
    parcels::handed_over_for_nothing,
    gifts::points_twice,
    gifts::reversed_too_much,
    gifts::coupon_twice,
    gifts::given_though_undone,
    gifts::onboarding_mail_twice,
    catalog::price_is_not_its_ledgers,
    catalog::ledger_has_a_gap,
    catalog::product_without_its_category,
    catalog::category_without_its_parent,
    catalog::picture_that_is_gone,
    catalog::rule_that_points_nowhere,
    catalog::variant_without_its_product,
];

/// The runs that are over, as the caller says. The books do not show it, and a run that is under way may still do, or
/// undo, what these promises ask for.
#[derive(Default)]
pub(crate) struct Over<'a> {
    /// The beginning of the keys of runs that were rolled back: nothing of them may be left.
    pub(crate) rolled_back: Option<&'a str>,
    /// The beginning of the numbers of orders that have ended, whichever way: the shop may hold none of them open.
    pub(crate) ended: Option<&'a str>,
}

/// Checks every promise.
pub(crate) fn audit(shop: &Shop<'_>, over: &Over<'_>) -> rusqlite::Result<Audit> {
    let mut violations = Vec::new();
    for promise in PROMISES {
        violations.extend(promise(shop)?);
    }
    if let Some(prefix) = over.rolled_back {
        violations.extend(leftovers::of(shop, prefix)?);
    }
    if let Some(prefix) = over.ended {
        violations.extend(orders::held_open(shop, prefix)?);
        violations.extend(orders::money_told_wrongly(shop, prefix)?);
    }
    Ok(Audit { ok: violations.is_empty(), violations, totals: totals(shop)? })
}

fn totals(shop: &Shop<'_>) -> rusqlite::Result<Totals> {
    let count = |sql: &str| shop.number(sql, []);
    let net_money = shop.list(
        "SELECT currency, sum(captured - refunded) FROM payments GROUP BY currency HAVING sum(captured) > 0",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok(Totals {
        charges: count("SELECT count(*) FROM payments WHERE captured > 0")?,
        refunds: count("SELECT count(*) FROM refunds")?,
        net_money: net_money.into_iter().collect(),
        holds: count("SELECT count(*) FROM reservations WHERE status = 'held'")?,
        shipments: count("SELECT count(*) FROM shipments")?,
        voided_shipments: count("SELECT count(*) FROM shipments WHERE status = 'voided'")?,
        mails: count("SELECT count(*) FROM outbox WHERE channel = 'email'")?,
        sms: count("SELECT count(*) FROM outbox WHERE channel = 'sms'")?,
        pushes: count("SELECT count(*) FROM outbox WHERE channel = 'push'")?,
        events: count("SELECT count(*) FROM events")?,
        notes: count("SELECT count(*) FROM outbox WHERE channel = 'team'")?,
        customers: count("SELECT count(*) FROM customers")?,
        incomplete_customers: count("SELECT count(*) FROM customers WHERE status = 'incomplete_onboarding'")?,
        points: count(
            "SELECT (SELECT coalesce(sum(points), 0) FROM grants)
                  - (SELECT coalesce(sum(points), 0) FROM reversals)",
        )?,
        reversed_points: count("SELECT sum(points) FROM reversals")?,
        coupons: count("SELECT count(*) FROM coupons")?,
        revoked_coupons: count("SELECT count(*) FROM coupons WHERE status = 'revoked'")?,
    })
}

/// A charge that was refunded in full is undone and does not count.
fn charged_twice(shop: &Shop<'_>) -> rusqlite::Result<Vec<String>> {
    shop.list(
        "SELECT order_id, count(*),
                group_concat(payment_id || ' by key ' || coalesce(idempotency_key, 'none'), ', ')
         FROM payments
         WHERE captured > refunded GROUP BY order_id HAVING count(*) > 1",
        [],
        |row| {
            let (order, count, payments) =
                (row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?);
            Ok(format!("double charge: order {order} has {count} captured payments ({payments})"))
        },
    )
}

fn charged_too_much(shop: &Shop<'_>) -> rusqlite::Result<Vec<String>> {
    let sql = format!(
        "SELECT order_id, paid.currency, net, orders.total, orders.currency
         FROM {NET_MONEY} AS paid JOIN orders USING (order_id)
         WHERE net - unasked > CASE WHEN paid.currency = orders.currency THEN total ELSE 0 END"
    );
    shop.list(&sql, [], |row| {
        let (order, paid_in, due_in): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(4)?);
        let (net, total) = (Major::new(row.get(2)?, &paid_in), Major::new(row.get(3)?, &due_in));
        Ok(format!("overcharge: order {order} of {total} {due_in} has {net} {paid_in} captured"))
    })
}

fn hold_leaked(shop: &Shop<'_>) -> rusqlite::Result<Vec<String>> {
    shop.list(
        "SELECT reservations.quantity, variant_id, orders.order_id, orders.status, reservation_id
         FROM reservations JOIN orders ON orders.order_id = reservations.order_id
         WHERE reservations.status = 'held'
           AND orders.status IN ('confirmed', 'failed', 'cancelled', 'expired')",
        [],
        |row| {
            let (quantity, variant): (i64, String) = (row.get(0)?, row.get(1)?);
            let (order, status, id): (String, String, String) = (row.get(2)?, row.get(3)?, row.get(4)?);
            Ok(format!(
                "leaked hold: {id} still holds {quantity} {variant} for order {order}, which is {status}"
            ))
        },
    )
}

fn stock_does_not_add_up(shop: &Shop<'_>) -> rusqlite::Result<Vec<String>> {
    shop.list(
        "SELECT variant_id, on_hand, due FROM (
             SELECT variant_id, on_hand,
                 (SELECT coalesce(sum(delta), 0) FROM adjustments
                  WHERE adjustments.variant_id = variants.variant_id)
                 - (SELECT coalesce(sum(quantity), 0) FROM reservations
                    WHERE reservations.variant_id = variants.variant_id AND status = 'confirmed') AS due
             FROM variants)
         WHERE on_hand <> due OR on_hand < 0",
        [],
        |row| {
            let (variant, on_hand, due): (String, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(format!("stock does not add up: {variant} has {on_hand} on hand, its ledger says {due}"))
        },
    )
}

fn levels_do_not_add_up(shop: &Shop<'_>) -> rusqlite::Result<Vec<String>> {
    shop.list(
        "SELECT variant_id, on_hand, coalesce(sum(quantity), 0)
         FROM variants LEFT JOIN levels USING (variant_id)
         GROUP BY variant_id HAVING on_hand <> coalesce(sum(quantity), 0) OR min(quantity) < 0",
        [],
        |row| {
            let (variant, on_hand, lying): (String, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(format!("levels do not add up: {variant} has {on_hand} on hand, its locations have {lying}"))
        },
    )
}

fn holds_do_not_add_up(shop: &Shop<'_>) -> rusqlite::Result<Vec<String>> {
    shop.list(
        "SELECT variant_id, held, open, on_hand FROM (
             SELECT variant_id, held, on_hand,
                 (SELECT coalesce(sum(quantity), 0) FROM reservations
                  WHERE reservations.variant_id = variants.variant_id AND status = 'held') AS open
             FROM variants)
         WHERE held <> open OR held > on_hand OR held < 0",
        [],
        |row| {
            let (variant, held): (String, i64) = (row.get(0)?, row.get(1)?);
            let (open, on_hand): (i64, i64) = (row.get(2)?, row.get(3)?);
            Ok(format!(
                "holds do not add up: {variant} counts {held} held, its open holds are {open}, \
                 {on_hand} are on hand"
            ))
        },
    )
}

fn refunds_do_not_add_up(shop: &Shop<'_>) -> rusqlite::Result<Vec<String>> {
    shop.list(
        "SELECT payment_id, order_id, captured, refunded, made, currency FROM (
             SELECT *, (SELECT coalesce(sum(refunds.amount), 0) FROM refunds
                        WHERE refunds.payment_id = payments.payment_id) AS made
             FROM payments)
         WHERE made > captured OR made <> refunded",
        [],
        |row| {
            let (payment, order, currency): (String, String, String) =
                (row.get(0)?, row.get(1)?, row.get(5)?);
            let captured = Major::new(row.get(2)?, &currency);
            let (noted, made) = (Major::new(row.get(3)?, &currency), Major::new(row.get(4)?, &currency));
            Ok(format!(
                "refunds exceed captures: payment {payment} of order {order} captured {captured} {currency}, \
                 has {made} refunded and {noted} noted"
            ))
        },
    )
}

/// A mail is the same by order, template and recipient; an SMS by its text; a push by order and title.
/// Without an order the whole message decides, or of a mail its text: what else it holds differs with the moment.
fn message_sent_twice(shop: &Shop<'_>) -> rusqlite::Result<Vec<String>> {
    shop.list(
        "SELECT channel, order_id, CASE WHEN channel = 'email' THEN subject END, count(*),
                group_concat(coalesce(idempotency_key, 'no key'), ', ')
         FROM outbox
         GROUP BY channel, order_id, recipient, subject, CASE WHEN order_id IS NULL THEN coalesce(message ->> '$.text', message) END
         HAVING count(*) > 1",
        [],
        |row| {
            let (channel, order): (String, Option<String>) = (row.get(0)?, row.get(1)?);
            let (template, count): (Option<String>, i64) = (row.get(2)?, row.get(3)?);
            let keys: String = row.get(4)?;
            let order = order.map_or_else(|| "no order".to_owned(), |order| format!("order {order}"));
            let template = template.map(|template| format!(" {template}")).unwrap_or_default();
            Ok(format!(
                "duplicate message: {channel}{template} for {order} was sent {count} times (keys {keys})"
            ))
        },
    )
}

fn paid_though_undone(shop: &Shop<'_>) -> rusqlite::Result<Vec<String>> {
    let sql = format!(
        "SELECT order_id, status, net, paid.currency FROM {NET_MONEY} AS paid JOIN orders USING (order_id)
         WHERE status IN ('failed', 'cancelled', 'expired') AND net > 0"
    );
    shop.list(&sql, [], |row| {
        let (order, status, currency): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(3)?);
        let net = Major::new(row.get(2)?, &currency);
        Ok(format!("undone and paid: order {order} is {status}, yet {net} {currency} are captured"))
    })
}

fn shipped_though_undone(shop: &Shop<'_>) -> rusqlite::Result<Vec<String>> {
    shop.list(
        "SELECT order_id, orders.status, shipment_id FROM shipments JOIN orders USING (order_id)
         WHERE orders.status IN ('failed', 'cancelled', 'expired') AND shipments.status <> 'voided'",
        [],
        |row| {
            let (order, status, shipment): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(format!("undone and shipped: order {order} is {status}, yet its label {shipment} is live"))
        },
    )
}

fn confirmed_without_money(shop: &Shop<'_>) -> rusqlite::Result<Vec<String>> {
    let sql = format!(
        "SELECT order_id, total, orders.currency, coalesce(net, 0), status
         FROM orders LEFT JOIN {NET_MONEY} AS paid USING (order_id, currency)
         WHERE {CONFIRMED} AND payment_type <> 'cash_on_delivery' AND coalesce(net, 0) < total"
    );
    shop.list(&sql, [], |row| {
        let (order, currency): (String, String) = (row.get(0)?, row.get(2)?);
        let (total, net) = (Major::new(row.get(1)?, &currency), Major::new(row.get(3)?, &currency));
        let state: String = row.get(4)?;
        Ok(format!("{state} without its money: order {order} of {total} {currency} has {net} captured"))
    })
}

/// An order the shop does not know must at least have brought some money.
fn shipped_without_money(shop: &Shop<'_>) -> rusqlite::Result<Vec<String>> {
    let sql = format!(
        "SELECT shipment_id, shipments.order_id FROM shipments LEFT JOIN orders USING (order_id)
         WHERE shipments.status <> 'voided'
           AND coalesce(payment_type, '') <> 'cash_on_delivery'
           AND coalesce(total, 1) > 0
           AND NOT EXISTS (
               SELECT 1 FROM {NET_MONEY} AS paid WHERE paid.order_id = shipments.order_id
                 AND net >= coalesce(total, 1) AND paid.currency = coalesce(orders.currency, paid.currency))"
    );
    shop.list(&sql, [], |row| {
        let (shipment, order): (String, String) = (row.get(0)?, row.get(1)?);
        Ok(format!("shipped without money: label {shipment} of order {order} is live, the order is not paid"))
    })
}
