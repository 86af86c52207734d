//! Points and coupons: given once per key, taken back once, never given after that.

use std::time::Duration;

use activities::customers::{CustomerActivities, Pseudonyms};
use activities::loyalty::LoyaltyActivities;
use contracts::failure::{NEW_WORD, NOTHING_YET, OUTCOME_UNKNOWN};
use contracts::loyalty::{
    Coupon, CreateCoupon, GrantRef, Loyalty, LoyaltyAccount, Member, OpenAccount, Tier,
};
use contracts::values::{CustomerId, IdempotencyKey};
use serde_json::{Value, json};

use crate::TestResult;
use crate::customers::created;
use crate::peer::{Peer, answer};
use crate::shop::Shop;
use crate::temporal::{Attempt, FIRST, RESET, SECOND, Temporal};

const SECOND_LOOK: Duration = Duration::from_secs(20);

/// A shop with a customer.
async fn open() -> TestResult<(Shop, Temporal, CustomerId)> {
    let shop = Shop::open().await?;
    let customers = CustomerActivities::new(shop.api()?, Pseudonyms::default(), SECOND_LOOK);
    let customer = created(&Temporal::with(customers).await?, "a").await?;
    let temporal = Temporal::with(LoyaltyActivities::new(shop.api()?, shop.api()?, SECOND_LOOK)).await?;
    Ok((shop, temporal, customer.customer_id))
}

fn grant(customer_id: &CustomerId, step: &str) -> GrantRef {
    GrantRef { key: IdempotencyKey::new("a", step), customer_id: customer_id.clone() }
}

pub(crate) fn opening(customer_id: &CustomerId) -> OpenAccount {
    let GrantRef { key, customer_id } = grant(customer_id, "setup-loyalty");
    OpenAccount { key, customer_id, tier: Tier::Bronze, welcome_bonus_points: 100 }
}

pub(crate) fn coupon(customer_id: &CustomerId, step: &str) -> CreateCoupon {
    let GrantRef { key, customer_id } = grant(customer_id, step);
    CreateCoupon {
        key,
        code: "WELCOME123456".to_owned(),
        customer_id,
        percent: 10,
        usage_limit: 1,
        expires_at: "2999-01-01T00:00:00Z".to_owned(),
    }
}

#[tokio::test]
async fn points_are_given_once_and_taken_back_once() -> TestResult {
    let (shop, temporal, customer) = open().await?;
    let given = grant(&customer, "setup-loyalty");
    assert_eq!(temporal.run(Loyalty::find_account, FIRST, &given).await?, Ok(None));
    let mut accounts: Vec<LoyaltyAccount> = Vec::new();
    for attempt in [FIRST, FIRST, SECOND] {
        let opened = temporal.run(Loyalty::open_account, attempt, &opening(&customer)).await?;
        accounts.push(opened.map_err(|failed| format!("{failed:?}"))?);
    }
    assert!(accounts.iter().all(|account| account == &accounts[0] && account.points == 100), "{accounts:?}");
    assert_eq!(shop.total("points").await?, 100);
    for attempt in [FIRST, SECOND, FIRST] {
        assert_eq!(temporal.run(Loyalty::reverse_points, attempt, &given).await?, Ok(()));
    }
    assert_eq!(shop.total("reversed_points").await?, 100);
    assert_eq!(temporal.run(Loyalty::find_account, FIRST, &given).await?, Ok(None), "taken back");
    let late = temporal.run(Loyalty::open_account, FIRST, &opening(&customer)).await?.err();
    assert_eq!(late.map(|failed| failed.message).as_deref(), Some("shop refused: 409 KEY_UNDONE"));
    shop.audit().await
}

#[tokio::test]
async fn a_second_attempt_looks_before_it_gives_again() -> TestResult {
    let (shop, temporal, customer) = open().await?;
    shop.switch(json!({ "dedupe": "off" })).await?;
    shop.fault("loyalty.create", "malformed", json!({})).await?;
    let lost =
        temporal.run(Loyalty::open_account, FIRST, &opening(&customer)).await?.err().ok_or("opened")?;
    assert_eq!((lost.kind.as_str(), lost.is_final), (OUTCOME_UNKNOWN, false));
    for again in [SECOND, RESET] {
        let found = temporal.run(Loyalty::open_account, again, &opening(&customer)).await?;
        assert!(found.is_ok_and(|account| account.points == 100));
    }
    shop.fault("coupons.create", "malformed", json!({})).await?;
    let request = coupon(&customer, "coupon");
    let lost = temporal.run(Loyalty::create_coupon, FIRST, &request).await?.err().ok_or("made")?;
    assert_eq!((lost.kind.as_str(), lost.is_final), (OUTCOME_UNKNOWN, false));
    for again in [SECOND, RESET] {
        let found = temporal.run(Loyalty::create_coupon, again, &request).await?;
        assert_eq!(found, Ok(Coupon::Created { code: request.code.clone() }));
    }
    assert_eq!((shop.total("points").await?, shop.total("coupons").await?), (100, 1));
    shop.audit().await
}

#[tokio::test]
async fn a_code_that_is_taken_is_an_outcome_and_ones_own_is_none() -> TestResult {
    let (shop, temporal, customer) = open().await?;
    let own = Ok(Coupon::Created { code: "WELCOME123456".to_owned() });
    let request = coupon(&customer, "coupon");
    for attempt in [FIRST, SECOND] {
        assert_eq!(temporal.run(Loyalty::create_coupon, attempt, &request).await?, own);
    }
    let other = temporal.run(Loyalty::create_coupon, FIRST, &coupon(&customer, "other")).await?;
    assert_eq!(other, Ok(Coupon::CodeTaken));
    let given = grant(&customer, "coupon");
    for attempt in [FIRST, SECOND] {
        assert_eq!(temporal.run(Loyalty::revoke_coupon, attempt, &given).await?, Ok(()));
    }
    assert_eq!(temporal.run(Loyalty::find_coupon, FIRST, &given).await?, Ok(None), "revoked");
    assert_eq!((shop.total("coupons").await?, shop.total("revoked_coupons").await?), (1, 1));
    shop.audit().await
}

#[tokio::test]
async fn an_undo_that_finds_nothing_looks_again_unless_the_key_is_barred() -> TestResult {
    let (shop, temporal, customer) = open().await?;
    shop.switch(json!({ "tombstones": false })).await?;
    let late = Attempt { scheduled: SECOND_LOOK, ..SECOND };
    let given = grant(&customer, "setup-loyalty");
    let points = temporal.run(Loyalty::reverse_points, FIRST, &given).await?.err().ok_or("believed")?;
    let coupon = temporal.run(Loyalty::revoke_coupon, FIRST, &given).await?.err().ok_or("believed")?;
    for first in [points, coupon] {
        assert_eq!((first.kind.as_str(), first.is_final), (NOTHING_YET, false));
        assert_eq!(first.next_retry_delay, Some(SECOND_LOOK));
    }
    assert_eq!(temporal.run(Loyalty::reverse_points, late, &given).await?, Ok(()));
    assert_eq!(temporal.run(Loyalty::revoke_coupon, late, &given).await?, Ok(()));
    shop.switch(json!({ "tombstones": true })).await?;
    assert_eq!(temporal.run(Loyalty::reverse_points, FIRST, &given).await?, Ok(()));
    Ok(())
}

/// Neither "taken back" nor "nothing there".
#[tokio::test]
async fn a_word_that_nobody_knows_is_named_and_not_guessed() -> TestResult {
    let customer = CustomerId::new("CUSTOMER-001")?;
    let given = grant(&customer, "setup-loyalty");
    for (said, named) in [
        (json!({ "outcome": "pending_review" }), "does not know: \"pending_review\""),
        (json!({ "outcome": "revoked_in_part", "barred": true }), "does not know: \"revoked_in_part\""),
        (json!({}), "an answer of another shape (Data error, line 1, column 2)"),
    ] {
        let peer = Peer::start([answer(200, "", &json!({ "data": said }).to_string())]).await?;
        let activities = LoyaltyActivities::new(peer.api()?, peer.api()?, SECOND_LOOK);
        let temporal = Temporal::with(activities).await?;
        let points = temporal.run(Loyalty::reverse_points, FIRST, &given).await?.err().ok_or("believed")?;
        let coupon = temporal.run(Loyalty::revoke_coupon, FIRST, &given).await?.err().ok_or("believed")?;
        for failed in [points, coupon] {
            let kind = if named.starts_with("does not know") { NEW_WORD } else { OUTCOME_UNKNOWN };
            assert_eq!((failed.kind.as_str(), failed.is_final), (kind, false), "{said}");
            assert!(failed.message.ends_with(named), "{}", failed.message);
        }
    }
    let key = grant(&customer, "coupon").key;
    let paused = json!({ "code": "WELCOME123456", "status": "paused", "idempotency_key": key.as_str() });
    let listed = json!({ "data": [paused] }).to_string();
    let peer = Peer::start([answer(200, "", &listed)]).await?;
    let temporal = Temporal::with(LoyaltyActivities::new(peer.api()?, peer.api()?, SECOND_LOOK)).await?;
    let found = temporal.run(Loyalty::create_coupon, SECOND, &coupon(&customer, "coupon")).await?;
    let failed = found.err().ok_or("guessed")?;
    assert!(
        failed.message.ends_with("a coupon in a state that this version does not know: \"paused\""),
        "{failed:?}"
    );
    Ok(())
}

/// A system that passes over a filter it does not know answers with everybody's.
#[tokio::test]
async fn what_is_somebody_elses_is_not_taken_for_ours() -> TestResult {
    let customer = CustomerId::new("CUSTOMER-001")?;
    let given = grant(&customer, "setup-loyalty");
    let account = |customer: &str, key: &str| json!({ "account_id": "A", "customer_id": customer, "points": 100, "idempotency_key": key });
    let (theirs, ours) = (account("CUSTOMER-777", "b/x"), account("CUSTOMER-001", given.key.as_str()));
    let nameless = json!({ "account_id": "A", "points": 100, "code": "C" });
    let coupon = |key: &str| json!({ "code": "C", "idempotency_key": key });
    let loyalty = async |listed: Value| -> TestResult<(Peer, Temporal)> {
        let peer = Peer::start([answer(200, "", &json!({ "data": listed }).to_string())]).await?;
        let activities = LoyaltyActivities::new(peer.api()?, peer.api()?, SECOND_LOOK);
        Ok((peer, Temporal::with(activities).await?))
    };
    for (listed, is_found) in [(json!([theirs]), false), (json!([theirs, ours]), true)] {
        let (_peer, temporal) = loyalty(listed).await?;
        let found = temporal.run(Loyalty::find_account, FIRST, &given).await?;
        assert_eq!(found.map(|found| found.is_some()), Ok(is_found));
        let member = Member { customer_id: customer.clone() };
        let found = temporal.run(Loyalty::account_of, FIRST, &member).await?;
        assert_eq!(found.map(|found| found.is_some()), Ok(is_found));
    }
    for (listed, is_found) in
        [(json!([coupon("b/x")]), false), (json!([coupon("b/x"), coupon(given.key.as_str())]), true)]
    {
        let (_peer, temporal) = loyalty(listed).await?;
        let found = temporal.run(Loyalty::find_coupon, FIRST, &given).await?;
        assert_eq!(found.map(|found| found.is_some()), Ok(is_found));
    }
    let (_peer, temporal) = loyalty(json!([nameless])).await?;
    let account = temporal.run(Loyalty::find_account, FIRST, &given).await?.err().ok_or("believed")?;
    let coupon = temporal.run(Loyalty::find_coupon, FIRST, &given).await?.err().ok_or("believed")?;
    for failed in [account, coupon] {
        assert!(failed.message.contains("names no idempotency key"), "{failed:?}");
    }
    Ok(())
}
