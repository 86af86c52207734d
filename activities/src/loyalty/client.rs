//! The wire: `/loyalty/accounts`, `/loyalty/points/reverse`, `/coupons`, `/coupons/revoke`.

use contracts::loyalty::{Coupon, CreateCoupon, GrantRef, LoyaltyAccount, OpenAccount, Tier};
use contracts::values::{CustomerId, IdempotencyKey};
use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::http::{Api, CallError};

/// Accounts and points.
pub(super) struct Accounts {
    api: Api,
}

/// Coupons.
pub(super) struct Coupons {
    api: Api,
}

#[derive(Serialize)]
struct OpenBody<'a> {
    customer_id: &'a str,
    tier: Tier,
    welcome_bonus_points: u32,
}

#[derive(Deserialize)]
struct AccountBody {
    #[serde(default, alias = "id")]
    account_id: Option<String>,
    #[serde(default)]
    tier: Option<String>,
    points: u64,
    #[serde(default)]
    reversed: bool,
    #[serde(default)]
    idempotency_key: Option<String>,
    #[serde(default)]
    customer_id: Option<String>,
}

#[derive(Serialize)]
struct CouponBody<'a> {
    code: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    value: u32,
    usage_limit: u32,
    customer_id: &'a str,
    expiry_date: &'a str,
}

#[derive(Deserialize)]
struct CouponAnswer {
    code: String,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    idempotency_key: Option<String>,
}

/// An undo: of whatever was given to the customer under the key.
#[derive(Serialize)]
struct UndoBody<'a> {
    customer_id: &'a str,
    idempotency_key: &'a str,
    reason: &'static str,
}

#[derive(Deserialize)]
struct UndoAnswer {
    outcome: String,
    #[serde(default)]
    barred: bool,
}

/// The outcome of an undo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Undone {
    /// Taken back, or barred for good.
    Done,
    /// There is nothing under the key, and it was not barred.
    NothingThere,
}

const CODE_TAKEN: [&str; 2] = ["COUPON_CODE_TAKEN", "DUPLICATE_CODE"];
/// The code for a customer who has an account already, opened by somebody else.
const ACCOUNT_EXISTS: &str = "LOYALTY_ACCOUNT_EXISTS";

impl Accounts {
    pub(super) fn new(api: Api) -> Self {
        Self { api }
    }

    pub(super) async fn open(&self, account: &OpenAccount) -> Result<LoyaltyAccount, CallError> {
        let body = OpenBody {
            customer_id: account.customer_id.as_str(),
            tier: account.tier,
            welcome_bonus_points: account.welcome_bonus_points,
        };
        let path = ["loyalty", "accounts"];
        let opened: Result<AccountBody, _> =
            self.api.send(Method::POST, &path, Some(&account.key), &body).await;
        opened.map(LoyaltyAccount::from).map_err(|error| self.api.of_conflict(error, &[ACCOUNT_EXISTS]))
    }

    /// The account whose welcome points were given under a key and still stand.
    pub(super) async fn find(&self, key: &IdempotencyKey) -> Result<Option<LoyaltyAccount>, CallError> {
        let query = [("idempotency_key", key.as_str())];
        let found: Vec<AccountBody> = self.api.get(&["loyalty", "accounts"], &query).await?;
        let found = self.api.only_under(key, found, |account| account.idempotency_key.as_deref())?;
        Ok(found.into_iter().find(|account| !account.reversed).map(LoyaltyAccount::from))
    }

    /// The customer's account, whoever opened it, if it stands.
    pub(super) async fn of(&self, customer: &CustomerId) -> Result<Option<LoyaltyAccount>, CallError> {
        let query = [("customer_id", customer.as_str())];
        let found: Vec<AccountBody> = self.api.get(&["loyalty", "accounts"], &query).await?;
        let found = self
            .api
            .only_of("customer", customer.as_str(), found, |account| account.customer_id.as_deref())?;
        Ok(found.into_iter().find(|account| !account.reversed).map(LoyaltyAccount::from))
    }

    pub(super) async fn reverse(&self, grant: &GrantRef) -> Result<Undone, CallError> {
        undo(&self.api, &["loyalty", "points", "reverse"], grant, "reversed").await
    }
}

impl Coupons {
    pub(super) fn new(api: Api) -> Self {
        Self { api }
    }

    pub(super) async fn create(&self, coupon: &CreateCoupon) -> Result<Coupon, CallError> {
        let body = CouponBody {
            code: &coupon.code,
            kind: "percentage",
            value: coupon.percent,
            usage_limit: coupon.usage_limit,
            customer_id: coupon.customer_id.as_str(),
            expiry_date: &coupon.expires_at,
        };
        let answer = self.api.send(Method::POST, &["coupons"], Some(&coupon.key), &body).await;
        match answer {
            Ok(CouponAnswer { code, .. }) => Ok(Coupon::Created { code }),
            Err(error) if error.refusal().is_some_and(|r| CODE_TAKEN.contains(&r.code.as_str())) => {
                Ok(Coupon::CodeTaken)
            }
            Err(error) => Err(self.api.of_conflict(error, &[])),
        }
    }

    /// The coupon made under a key, unless it was revoked.
    pub(super) async fn find(&self, key: &IdempotencyKey) -> Result<Option<Coupon>, CallError> {
        let query = [("idempotency_key", key.as_str())];
        let found: Vec<CouponAnswer> = self.api.get(&["coupons"], &query).await?;
        let found = self.api.only_under(key, found, |coupon| coupon.idempotency_key.as_deref())?;
        for CouponAnswer { code, status, .. } in found {
            match status.as_deref() {
                None | Some("active") => return Ok(Some(Coupon::Created { code })),
                Some("revoked") => {}
                Some(status) => return Err(self.api.new_word("a coupon in a state", status)),
            }
        }
        Ok(None)
    }

    pub(super) async fn revoke(&self, grant: &GrantRef) -> Result<Undone, CallError> {
        undo(&self.api, &["coupons", "revoke"], grant, "revoked").await
    }
}

/// Takes back what was given under a key, and bars the key. Without a key of its own: a stored answer must not hide
/// what was given since.
async fn undo(api: &Api, path: &[&str], grant: &GrantRef, done: &str) -> Result<Undone, CallError> {
    let body = UndoBody {
        customer_id: grant.customer_id.as_str(),
        idempotency_key: grant.key.as_str(),
        reason: "the customer was not onboarded",
    };
    let answer: UndoAnswer = api.send(Method::POST, path, None, &body).await?;
    match answer.outcome.as_str() {
        outcome if outcome == done => Ok(Undone::Done),
        "nothing" if answer.barred => Ok(Undone::Done),
        "nothing" => Ok(Undone::NothingThere),
        outcome => Err(api.new_word("an undo with an outcome", outcome)),
    }
}

impl From<AccountBody> for LoyaltyAccount {
    fn from(body: AccountBody) -> Self {
        Self {
            account_id: body.account_id,
            tier: body.tier.unwrap_or_else(|| "bronze".to_owned()),
            points: body.points,
        }
    }
}
