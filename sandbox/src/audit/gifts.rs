//! The promises of onboarding: each customer is given everything once, or nothing.

use crate::shop::Shop;

/// A grant that was taken back does not count.
pub(super) fn points_twice(shop: &Shop<'_>) -> rusqlite::Result<Vec<String>> {
    shop.list(
        "SELECT customer_id, count(*), group_concat(grant_id || ' by key ' || coalesce(idempotency_key, 'none'), ', ')
         FROM grants WHERE grant_id NOT IN (SELECT grant_id FROM reversals)
         GROUP BY customer_id HAVING count(*) > 1",
        [],
        |row| {
            let (customer, count): (String, i64) = (row.get(0)?, row.get(1)?);
            let grants: String = row.get(2)?;
            Ok(format!("double points: customer {customer} was given welcome points {count} times ({grants})"))
        },
    )
}

pub(super) fn reversed_too_much(shop: &Shop<'_>) -> rusqlite::Result<Vec<String>> {
    shop.list(
        "SELECT grants.grant_id, grants.points, sum(reversals.points)
         FROM reversals JOIN grants USING (grant_id)
         GROUP BY grants.grant_id HAVING sum(reversals.points) > grants.points",
        [],
        |row| {
            let (grant, given, back): (String, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(format!("points reversed exceed those given: {grant} gave {given}, {back} were taken back"))
        },
    )
}

pub(super) fn coupon_twice(shop: &Shop<'_>) -> rusqlite::Result<Vec<String>> {
    shop.list(
        "SELECT customer_id, count(*), group_concat(coupon_id || ' by key ' || coalesce(idempotency_key, 'none'), ', ')
         FROM coupons WHERE status = 'active' GROUP BY customer_id HAVING count(*) > 1",
        [],
        |row| {
            let (customer, count): (String, i64) = (row.get(0)?, row.get(1)?);
            let coupons: String = row.get(2)?;
            Ok(format!("double coupon: customer {customer} has {count} live ones ({coupons})"))
        },
    )
}

pub(super) fn given_though_undone(shop: &Shop<'_>) -> rusqlite::Result<Vec<String>> {
    shop.list(
        "SELECT customer_id, grant_id FROM customers JOIN grants USING (customer_id)
         WHERE status = 'incomplete_onboarding' AND grant_id NOT IN (SELECT grant_id FROM reversals)
         UNION ALL
         SELECT customer_id, coupon_id FROM customers JOIN coupons USING (customer_id)
         WHERE customers.status = 'incomplete_onboarding' AND coupons.status = 'active'",
        [],
        |row| {
            let (customer, gift): (String, String) = (row.get(0)?, row.get(1)?);
            Ok(format!("undone and given: customer {customer} is incomplete, yet {gift} stands"))
        },
    )
}

/// Whatever its words: a customer is welcomed once.
pub(super) fn onboarding_mail_twice(shop: &Shop<'_>) -> rusqlite::Result<Vec<String>> {
    shop.list(
        "SELECT subject, count(*), group_concat(coalesce(idempotency_key, 'no key'), ', ') FROM outbox
         WHERE channel = 'email' AND subject IN ('welcome', 'onboarding_tips', 'product_recommendations')
         GROUP BY recipient, subject HAVING count(*) > 1 AND count(DISTINCT message) > 1",
        [],
        |row| {
            let (template, count, keys): (String, i64, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(format!("duplicate message: a customer got the mail {template} {count} times (keys {keys})"))
        },
    )
}
