//! The promises about what the shop says of an order: it is what happened to the order.
//!
//! That an order is confirmed is said last, when goods are sold and labelled, so a confirmed order is judged at any
//! moment; so is one that the shop has gone on with since, or instead (`processing`, `shipped`, `delivered`). An open
//! one, and the money of one that ended early, are judged only when its run is over: until then there may be more to
//! tell. How it is paid makes no difference: an order that is paid at the door, or costs nothing, is sold, labelled and
//! told as any other. A parcel that was collected has a live label.

use super::NET_MONEY;
use crate::money::Major;
use crate::shop::Shop;

/// The states of an order that the shop packs and sends.
pub(super) const CONFIRMED: &str = "orders.status IN ('confirmed', 'processing', 'shipped', 'delivered')";

/// The shop calls the order confirmed, or has gone on with it, and not all of its goods are sold.
pub(super) fn confirmed_without_its_sale(shop: &Shop<'_>) -> rusqlite::Result<Vec<String>> {
    let sql = format!(
        "SELECT order_id, variant_id, ordered, coalesce(sold, 0), state
         FROM (SELECT order_id, variant_id, sum(quantity) AS ordered, orders.status AS state
               FROM order_lines JOIN orders USING (order_id)
               WHERE {CONFIRMED} GROUP BY order_id, variant_id)
              LEFT JOIN (SELECT order_id, variant_id, sum(quantity) AS sold FROM reservations
                         WHERE status = 'confirmed' GROUP BY order_id, variant_id)
              USING (order_id, variant_id)
         WHERE coalesce(sold, 0) < ordered"
    );
    shop.list(&sql, [], |row| {
        let (order, variant): (String, String) = (row.get(0)?, row.get(1)?);
        let (ordered, sold, state): (i64, i64, String) = (row.get(2)?, row.get(3)?, row.get(4)?);
        Ok(format!("{state} without its sale: of order {order} {sold} of {ordered} {variant} are sold"))
    })
}

/// The shop calls the order confirmed, or has gone on with it, and no parcel of it can be sent.
pub(super) fn confirmed_without_a_label(shop: &Shop<'_>) -> rusqlite::Result<Vec<String>> {
    let sql = format!(
        "SELECT order_id, status FROM orders
         WHERE {CONFIRMED} AND order_id NOT IN (SELECT order_id FROM shipments WHERE status <> 'voided')"
    );
    shop.list(&sql, [], |row| {
        let (order, state): (String, String) = (row.get(0)?, row.get(1)?);
        Ok(format!("{state} without a label: order {order} has no live label"))
    })
}

/// The orders whose numbers begin with `prefix` have ended, and the shop still waits for them. With a label and its
/// money the order is to be sent, and nobody packs it.
pub(super) fn held_open(shop: &Shop<'_>, prefix: &str) -> rusqlite::Result<Vec<String>> {
    // Of several rows max() chooses the one whose currency is read beside it.
    let sql = format!(
        "SELECT order_id, orders.status, labels, net, paid.currency, payment_type, total
         FROM orders
              LEFT JOIN (SELECT order_id, group_concat(shipment_id, ', ') AS labels FROM shipments
                         WHERE status <> 'voided' GROUP BY order_id) USING (order_id)
              LEFT JOIN (SELECT order_id, currency, max(net) AS net FROM {NET_MONEY}
                         WHERE net > 0 GROUP BY order_id) AS paid USING (order_id)
         WHERE orders.status IN ('pending', 'awaiting_payment') AND substr(order_id, 1, length(?1)) = ?1
         ORDER BY order_id"
    );
    shop.list(&sql, [prefix], |row| {
        let (order, status): (String, String) = (row.get(0)?, row.get(1)?);
        let money = match (row.get::<_, Option<i64>>(3)?, row.get::<_, Option<String>>(4)?) {
            (Some(net), Some(currency)) => {
                Some(format!("{} {currency} are captured", Major::new(net, &currency)))
            }
            _ if row.get::<_, i64>(6)? == 0 => Some("it costs nothing".to_owned()),
            _ if row.get::<_, String>(5)? == "cash_on_delivery" => Some("it is paid at the door".to_owned()),
            _ => None,
        };
        Ok(match (row.get::<_, Option<String>>(2)?, money) {
            (Some(labels), Some(money)) => format!(
                "paid and labelled, unheard: order {order} is over, {money} and the label {labels} is live, \
                 yet the shop holds it as {status}"
            ),
            _ => format!("ended and held open: order {order} is over, yet the shop holds it as {status}"),
        })
    })
}

/// The orders whose numbers begin with `prefix` have ended without being fulfilled, and the shop was told of their
/// money
/// what the ledger does not say. Of an order without any money it need not be told; the money of another provider is
/// not
/// in this ledger.
pub(super) fn money_told_wrongly(shop: &Shop<'_>, prefix: &str) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT order_id, orders.status, payment_status, sum(captured), sum(refunded),
                      sum(payments.status = 'requires_action'), sum(payments.status = 'voided'),
                      orders.payment_id IS NULL OR sum(payments.payment_id = orders.payment_id)
               FROM orders LEFT JOIN payments USING (order_id)
               WHERE orders.status IN ('failed', 'cancelled', 'expired') AND substr(order_id, 1, length(?1)) = ?1
               GROUP BY order_id
               HAVING count(payments.payment_id) > 0 OR orders.payment_id IS NULL
               ORDER BY order_id";
    let told_wrongly = shop.list(sql, [prefix], |row| {
        let (order, status): (String, String) = (row.get(0)?, row.get(1)?);
        let told: Option<String> = row.get(2)?;
        let sum = |column: usize| row.get::<_, Option<i64>>(column).map(Option::unwrap_or_default);
        let (captured, refunded, open, voided) = (sum(3)?, sum(4)?, sum(5)?, sum(6)?);
        let is = match (captured, refunded) {
            (0, _) if open > 0 => "pending",
            (0, _) if voided > 0 => "voided",
            (0, _) => "unpaid",
            (_, 0) => "paid",
            (captured, refunded) if refunded < captured => "partially_refunded",
            _ => "refunded",
        };
        let is_named = row.get::<_, Option<bool>>(7)?.unwrap_or_default();
        let is_right = told.as_deref().map_or(captured == 0, |told| told == is) && is_named;
        let told = told.unwrap_or_else(|| "nothing".to_owned());
        let of = if is_named { "its money" } else { "the money of a payment that is not its own" };
        Ok((!is_right).then(|| {
            format!(
                "money told wrongly: order {order} is {status}, and the shop was told {told} of {of}, which is {is}"
            )
        }))
    })?;
    Ok(told_wrongly.into_iter().flatten().collect())
}
