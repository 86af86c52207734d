//! Promises about parcels: one for one order, and none for nothing.

use crate::money::Major;
use crate::shop::Shop;

/// Two live labels are two parcels.
pub(super) fn labelled_twice(shop: &Shop<'_>) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT order_id, count(*), group_concat(shipment_id, ', ') FROM shipments
               WHERE status <> 'voided' GROUP BY order_id HAVING count(*) > 1";
    shop.list(sql, [], |row| {
        let (order, count, labels): (String, i64, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(format!("labelled twice: order {order} has {count} live labels ({labels})"))
    })
}

/// The carrier hands over a parcel that is to be paid at the door, and collects too little, nothing, or other money.
pub(super) fn handed_over_for_nothing(shop: &Shop<'_>) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT shipment_id, order_id, total, currency, collects, collects_in
               FROM shipments JOIN orders USING (order_id)
               WHERE shipments.status <> 'voided' AND payment_type = 'cash_on_delivery' AND total > 0
                 AND (collects IS NOT total OR collects_in IS NOT currency)";
    shop.list(sql, [], |row| {
        let (label, order, currency): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(3)?);
        let total = Major::new(row.get(2)?, &currency);
        let collects = match (row.get::<_, Option<i64>>(4)?, row.get::<_, Option<String>>(5)?) {
            (Some(minor), Some(currency)) => format!("{} {currency}", Major::new(minor, &currency)),
            _ => "nothing".to_owned(),
        };
        Ok(format!(
            "handed over for nothing: label {label} of order {order} collects {collects} of {total} {currency}"
        ))
    })
}
