//! The promises about what the shop says of an order: it is what happened to the order.
//!
//! That an order is confirmed is said last, when goods are sold and labelled, so a confirmed order is judged at any
//! moment. An open one is judged only when its run is over: until then it is open rightly. How it is paid makes no
//! difference: an order that is paid at the door, or costs nothing, is sold, labelled and told as any other. A parcel
//! that was collected has a live label.

use super::NET_MONEY;
use crate::money::Major;
use crate::shop::Shop;

/// The shop calls the order confirmed, and not all of its goods are sold.
pub(super) fn confirmed_without_its_sale(shop: &Shop<'_>) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT order_id, variant_id, ordered, coalesce(sold, 0)
               FROM (SELECT order_id, variant_id, sum(quantity) AS ordered
                     FROM order_lines JOIN orders USING (order_id)
                     WHERE status = 'confirmed' GROUP BY order_id, variant_id)
                    LEFT JOIN (SELECT order_id, variant_id, sum(quantity) AS sold FROM reservations
                               WHERE status = 'confirmed' GROUP BY order_id, variant_id)
                    USING (order_id, variant_id)
               WHERE coalesce(sold, 0) < ordered";
    shop.list(sql, [], |row| {
        let (order, variant): (String, String) = (row.get(0)?, row.get(1)?);
        let (ordered, sold): (i64, i64) = (row.get(2)?, row.get(3)?);
        Ok(format!("confirmed without its sale: of order {order} {sold} of {ordered} {variant} are sold"))
    })
}

/// The shop calls the order confirmed, and no parcel of it can be sent.
pub(super) fn confirmed_without_a_label(shop: &Shop<'_>) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT order_id FROM orders
               WHERE status = 'confirmed' AND order_id NOT IN (
                   SELECT order_id FROM shipments WHERE status <> 'voided')";
    shop.list(sql, [], |row| {
        let order: String = row.get(0)?;
        Ok(format!("confirmed without a label: order {order} has no live label"))
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
