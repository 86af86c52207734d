//! The loyalty programme.

use contracts::loyalty::{Coupon, CreateCoupon, GrantRef, LoyaltyAccount, Member, OpenAccount, Tier};
use serde_json::json;

use crate::TestResult;
use crate::pinned::pinned;
use crate::samples::{KEY, customer_id, key};

#[test]
fn a_loyalty_account_stays() -> TestResult {
    let input = OpenAccount {
        key: key(),
        customer_id: customer_id()?,
        tier: Tier::Bronze,
        welcome_bonus_points: 100,
    };
    let golden = json!({
        "key": KEY, "customer_id": "CUSTOMER-001", "tier": "bronze", "welcome_bonus_points": 100
    });
    pinned(&input, &golden, &[])?;
    let account =
        LoyaltyAccount { account_id: Some("loy_1".to_owned()), tier: "bronze".to_owned(), points: 100 };
    let golden = json!({ "account_id": "loy_1", "tier": "bronze", "points": 100 });
    pinned(&account, &golden, &["/account_id"])?;
    let grant = GrantRef { key: key(), customer_id: customer_id()? };
    pinned(&grant, &json!({ "key": KEY, "customer_id": "CUSTOMER-001" }), &[])
}

#[test]
fn the_question_for_a_members_account_stays() -> TestResult {
    let id = customer_id()?;
    let golden = json!({ "customer_id": id.as_str() });
    pinned(&Member { customer_id: id }, &golden, &[])
}

#[test]
fn a_coupon_stays() -> TestResult {
    let input = CreateCoupon {
        key: key(),
        code: "WELCOME123456".to_owned(),
        customer_id: customer_id()?,
        percent: 10,
        usage_limit: 1,
        expires_at: "2026-03-31T00:00:00Z".to_owned(),
    };
    let golden = json!({
        "key": KEY,
        "code": "WELCOME123456",
        "customer_id": "CUSTOMER-001",
        "percent": 10,
        "usage_limit": 1,
        "expires_at": "2026-03-31T00:00:00Z"
    });
    pinned(&input, &golden, &[])?;
    let created = Coupon::Created { code: "WELCOME123456".to_owned() };
    pinned(&created, &json!({ "result": "created", "code": "WELCOME123456" }), &[])?;
    pinned(&Coupon::CodeTaken, &json!({ "result": "code_taken" }), &[])
}
