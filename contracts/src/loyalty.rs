//! The loyalty programme: accounts with points, and welcome coupons.

#![expect(
    missing_docs,
    clippy::unimplemented,
    reason = "activity_definitions wants this body and generates markers without docs; everything else has them"
)]

use serde::{Deserialize, Serialize};
use temporalio_macros::activity_definitions;

use crate::values::{CustomerId, IdempotencyKey};

/// The loyalty programme's activities.
pub struct Loyalty;

#[activity_definitions]
impl Loyalty {
    /// Opens a loyalty account with its welcome points, once per key.
    #[activity(name = "loyalty.open_account")]
    pub fn open_account(input: OpenAccount) -> LoyaltyAccount {
        unimplemented!()
    }

    /// Looks for the account opened under a key; `None` when there is none.
    #[activity(name = "loyalty.find_account")]
    pub fn find_account(input: GrantRef) -> Option<LoyaltyAccount> {
        unimplemented!()
    }

    /// Looks for a customer's account, whoever opened it; `None` when there is none.
    #[activity(name = "loyalty.account_of")]
    pub fn account_of(input: Member) -> Option<LoyaltyAccount> {
        unimplemented!()
    }

    /// Undoes [`Loyalty::open_account`]: takes the welcome points back. Nothing there is success.
    #[activity(name = "loyalty.reverse_points")]
    pub fn reverse_points(input: GrantRef) {
        unimplemented!()
    }

    /// Makes a coupon, once per key. A code that is taken is a value.
    #[activity(name = "loyalty.create_coupon")]
    pub fn create_coupon(input: CreateCoupon) -> Coupon {
        unimplemented!()
    }

    /// Looks for the coupon made under a key; `None` when there is none.
    #[activity(name = "loyalty.find_coupon")]
    pub fn find_coupon(input: GrantRef) -> Option<Coupon> {
        unimplemented!()
    }

    /// Undoes [`Loyalty::create_coupon`]. Nothing there is success.
    #[activity(name = "loyalty.revoke_coupon")]
    pub fn revoke_coupon(input: GrantRef) {
        unimplemented!()
    }
}

/// The generated markers that an implementation points at.
pub mod defs {
    pub use super::loyalty::*;
}

/// A request for a loyalty account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenAccount {
    /// Names the account and its welcome points.
    pub key: IdempotencyKey,
    /// The customer.
    pub customer_id: CustomerId,
    /// Where the customer begins.
    pub tier: Tier,
    /// Points to begin with.
    pub welcome_bonus_points: u32,
}

/// Names a customer to the programme.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The customer.
    pub customer_id: CustomerId,
}

/// The tiers that processes give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Where everybody begins.
    Bronze,
}

/// A loyalty account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoyaltyAccount {
    /// The programme's id of the account, if it gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// The tier, in the programme's words.
    pub tier: String,
    /// Points on it.
    pub points: u64,
}

/// Names what was given under a key: points, a coupon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantRef {
    /// The gift's key.
    pub key: IdempotencyKey,
    /// The customer who got it.
    pub customer_id: CustomerId,
}

/// A request for a coupon: percent off, for one customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateCoupon {
    /// Names the coupon.
    pub key: IdempotencyKey,
    /// The code that the customer types.
    pub code: String,
    /// The only customer who can use it.
    pub customer_id: CustomerId,
    /// Percent off, 1 to 100.
    pub percent: u32,
    /// How often it can be used.
    pub usage_limit: u32,
    /// The end of its validity, RFC 3339.
    pub expires_at: String,
}

/// The outcome of a request for a coupon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Coupon {
    /// It can be used.
    Created {
        /// The code that the customer types.
        code: String,
    },
    /// The code belongs to another coupon.
    CodeTaken,
}
