//! Promises about mails: what they tell the customer is so.

use crate::shop::Shop;

/// A refund that nobody made, or an end that the order did not have. Refunds of an order without a payment here are
/// made elsewhere, by another provider.
pub(super) fn told_what_is_not_so(shop: &Shop<'_>) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT outbox.order_id, subject, coalesce(status, 'not known') FROM outbox LEFT JOIN orders USING (order_id)
               WHERE channel = 'email'
                 AND (subject = 'order_refunded'
                          AND (SELECT max(refunded) FROM payments WHERE payments.order_id = outbox.order_id) = 0
                      OR subject IN ('order_declined', 'order_expired', 'order_cancelled')
                          AND status IN ('confirmed', 'processing', 'shipped', 'delivered'))";
    shop.list(sql, [], |row| {
        let (order, mail, status): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(format!(
            "told what is not so: the customer of order {order}, which is {status}, got the mail {mail}"
        ))
    })
}
