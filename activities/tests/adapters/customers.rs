//! The platform's customers: one account per key, and what may be mailed when.

use std::time::Duration;

use activities::customers::{CustomerActivities, Pseudonyms};
use contracts::customers::{
    AccountRef, CheckRef, CreateCustomer, Customer, Customers, KeptBack, MailVerdict, MayMail, Recommend,
    RegisteredAddress, Registration, Unsubscribe,
};
use contracts::failure::{NEW_WORD, NOTHING_YET, OUTCOME_UNKNOWN, REFUSED};
use contracts::values::{CustomerId, CustomerRef, IdempotencyKey, Recipient};
use pseudonym::RefKey;
use reqwest::Method;
use serde_json::json;

use crate::TestResult;
use crate::peer::{Peer, answer};
use crate::shop::Shop;
use crate::temporal::{Attempt, FIRST, SECOND, Temporal};

const SECOND_LOOK: Duration = Duration::from_secs(20);
const LATE: Attempt = Attempt { scheduled: SECOND_LOOK, ..SECOND };
const ADDRESS: &str = "newcustomer@example.com";

fn ref_key() -> TestResult<RefKey> {
    Ok(RefKey::new("a key for tests only")?)
}

async fn open() -> TestResult<(Shop, Temporal)> {
    let shop = Shop::open().await?;
    let pseudonyms =
        Pseudonyms { key: Some(ref_key()?), unsubscribe: Some("https://shop.example.com/bye".parse()?) };
    let temporal = Temporal::with(CustomerActivities::new(shop.api()?, pseudonyms, SECOND_LOOK)).await?;
    Ok((shop, temporal))
}

pub(crate) fn registration(run: &str) -> CreateCustomer {
    CreateCustomer {
        key: IdempotencyKey::new(run, "create-customer"),
        email: Recipient::new(ADDRESS),
        first_name: "Nguyen".to_owned(),
        last_name: "Van A".to_owned(),
        phone: Some(Recipient::new("+84901234567")),
        date_of_birth: Some("1990-01-01".to_owned()),
        preferences: None,
        marketing_consent: true,
    }
}

fn account(run: &str) -> AccountRef {
    AccountRef { key: IdempotencyKey::new(run, "create-customer") }
}

pub(crate) async fn created(temporal: &Temporal, run: &str) -> TestResult<Customer> {
    match temporal.run(Customers::create, FIRST, &registration(run)).await? {
        Ok(Registration::Created(customer)) => Ok(customer),
        other => Err(format!("{other:?}").into()),
    }
}

#[tokio::test]
async fn an_account_is_opened_once_and_found_by_its_key() -> TestResult {
    let (shop, temporal) = open().await?;
    assert_eq!(temporal.run(Customers::find, FIRST, &account("a")).await?, Ok(None));
    let customer = created(&temporal, "a").await?;
    assert_eq!(customer.email.reveal(), ADDRESS);
    for attempt in [FIRST, SECOND] {
        let again = temporal.run(Customers::create, attempt, &registration("a")).await?;
        assert_eq!(again, Ok(Registration::Created(customer.clone())));
    }
    let found = Some(Registration::Created(customer));
    assert_eq!(temporal.run(Customers::find, FIRST, &account("a")).await?, Ok(found));
    assert_eq!(shop.total("customers").await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_registered_address_is_an_outcome_and_ones_own_is_none() -> TestResult {
    let (shop, temporal) = open().await?;
    created(&temporal, "a").await?;
    let other = temporal.run(Customers::create, FIRST, &registration("b")).await?;
    assert_eq!(other, Ok(Registration::AlreadyRegistered));
    // A shop that ignores keys says the same about our own account: it is looked up.
    shop.switch(json!({ "dedupe": "off" })).await?;
    let own = temporal.run(Customers::create, FIRST, &registration("a")).await?;
    assert!(matches!(own, Ok(Registration::Created(_))), "{own:?}");
    shop.fault("customers.create", "status", json!({ "status": 422 })).await?;
    let refused = temporal.run(Customers::create, FIRST, &registration("c")).await?;
    assert_eq!(refused, Ok(Registration::Refused { code: "UNPROCESSABLE".to_owned() }));
    Ok(())
}

#[tokio::test]
async fn a_lost_reply_is_unknown_and_the_second_attempt_finds_the_account() -> TestResult {
    let (shop, temporal) = open().await?;
    shop.switch(json!({ "dedupe": "off" })).await?;
    shop.fault("customers.create", "malformed", json!({})).await?;
    let lost = temporal.run(Customers::create, FIRST, &registration("a")).await?.err().ok_or("created")?;
    assert_eq!((lost.kind.as_str(), lost.is_final), (OUTCOME_UNKNOWN, false));
    assert!(!lost.message.contains('@'), "{}", lost.message);
    let found = temporal.run(Customers::create, SECOND, &registration("a")).await?;
    assert!(matches!(found, Ok(Registration::Created(_))), "{found:?}");
    assert_eq!(shop.total("customers").await?, 1);
    Ok(())
}

#[tokio::test]
async fn an_undo_marks_the_account_and_looks_twice_for_one_that_is_not_there() -> TestResult {
    let (shop, temporal) = open().await?;
    created(&temporal, "a").await?;
    let nothing = temporal.run(Customers::mark_incomplete, FIRST, &account("b")).await?.err();
    let nothing = nothing.ok_or("believed at once")?;
    assert_eq!((nothing.kind.as_str(), nothing.next_retry_delay), (NOTHING_YET, Some(SECOND_LOOK)));
    assert_eq!(temporal.run(Customers::mark_incomplete, LATE, &account("b")).await?, Ok(()));
    assert_eq!(shop.get("/_sandbox/audit").await?["totals"]["incomplete_customers"], json!(null));
    for attempt in [FIRST, SECOND] {
        assert_eq!(temporal.run(Customers::mark_incomplete, attempt, &account("a")).await?, Ok(()));
    }
    assert_eq!(shop.total("incomplete_customers").await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_pseudonym_is_checked_and_without_the_key_nothing_is_guessed() -> TestResult {
    let (shop, temporal) = open().await?;
    let email = Recipient::new(ADDRESS);
    let right = CheckRef { customer_ref: ref_key()?.customer_ref(&email), email: email.clone() };
    let wrong = CheckRef { customer_ref: CustomerRef::new("0123456789abcdef")?, email };
    assert_eq!(temporal.run(Customers::check_ref, FIRST, &right).await?, Ok(true));
    assert_eq!(temporal.run(Customers::check_ref, FIRST, &wrong).await?, Ok(false));
    let keyless = CustomerActivities::new(shop.api()?, Pseudonyms::default(), SECOND_LOOK);
    let keyless = Temporal::with(keyless).await?;
    let failed = keyless.run(Customers::check_ref, FIRST, &right).await?.err().ok_or("guessed")?;
    assert_eq!((failed.kind.as_str(), failed.is_final), (REFUSED, true));
    assert!(failed.message.contains("SUN_REF_KEY"), "{}", failed.message);
    Ok(())
}

#[tokio::test]
async fn whether_a_mail_may_be_sent_is_asked_of_the_platform_for_the_asked_moment() -> TestResult {
    let (shop, temporal) = open().await?;
    let customer = created(&temporal, "a").await?;
    let customer_ref = ref_key()?.customer_ref(&customer.email);
    let at = |now: &str| MayMail {
        customer_id: customer.customer_id.clone(),
        customer_ref: customer_ref.clone(),
        now: now.to_owned(),
    };
    let path = format!("/_sandbox/customers/{}", customer.customer_id);
    let token = ref_key()?.unsubscribe_token(&customer_ref, &customer.customer_id);
    let id = &customer.customer_id;
    let send = MailVerdict::Send {
        unsubscribe_url: Some(format!("https://shop.example.com/bye/{customer_ref}/{id}/{token}")),
        email: Some(Recipient::new(ADDRESS)),
        note: None,
    };
    let night = at("2026-03-01T15:00:00Z");
    assert_eq!(temporal.run(Customers::may_mail, FIRST, &night).await?, Ok(send.clone()));
    let quiet = json!({ "quiet_hours": { "from": "21:00", "until": "08:00" } });
    shop.ask(Method::PUT, &path, quiet).await?;
    let wait = MailVerdict::Wait { until: "2026-03-02T01:00:00Z".to_owned() };
    assert_eq!(temporal.run(Customers::may_mail, FIRST, &night).await?, Ok(wait));
    let noon = at("2026-03-01T05:00:00Z");
    assert_eq!(temporal.run(Customers::may_mail, FIRST, &noon).await?, Ok(send));

    shop.ask(Method::PUT, &path, json!({ "time_zone": "Asia/Atlantis" })).await?;
    let wait = MailVerdict::Wait { until: "2026-03-01T08:00:00Z".to_owned() };
    assert_eq!(temporal.run(Customers::may_mail, FIRST, &noon).await?, Ok(wait), "as in the shop's own zone");
    let day = temporal.run(Customers::may_mail, FIRST, &at("2026-03-01T12:00:00Z")).await?;
    let note = match &day {
        Ok(MailVerdict::Send { note: Some(note), .. }) => note,
        other => return Err(format!("{other:?}").into()),
    };
    assert!(note.contains("time zone is not known") && !note.contains("Atlantis"), "{note}");
    shop.ask(Method::PUT, &path, json!({ "email": "corrected@example.com" })).await?;
    let corrected = temporal.run(Customers::may_mail, FIRST, &at("2026-03-01T12:00:00Z")).await?;
    let is_told = matches!(&corrected, Ok(MailVerdict::Send { email: Some(email), .. })
        if email.reveal() == "corrected@example.com");
    assert!(is_told, "{corrected:?}");
    let unsubscribe = Unsubscribe {
        key: IdempotencyKey::new("a", "tell-platform"),
        customer_id: customer.customer_id.clone(),
    };
    for attempt in [FIRST, SECOND] {
        assert_eq!(temporal.run(Customers::unsubscribe, attempt, &unsubscribe).await?, Ok(()));
    }
    let kept = MailVerdict::Keep { reason: KeptBack::Unsubscribed };
    assert_eq!(temporal.run(Customers::may_mail, FIRST, &noon).await?, Ok(kept));

    let nobody = CustomerId::new("cus_nobody")?;
    let gone = MayMail { customer_id: nobody.clone(), ..noon };
    let kept = MailVerdict::Keep { reason: KeptBack::NoCustomer };
    assert_eq!(temporal.run(Customers::may_mail, FIRST, &gone).await?, Ok(kept));
    let unsubscribe = Unsubscribe { customer_id: nobody, ..unsubscribe };
    let unsubscribe = Unsubscribe { key: IdempotencyKey::new("b", "tell-platform"), ..unsubscribe };
    assert_eq!(temporal.run(Customers::unsubscribe, FIRST, &unsubscribe).await?, Ok(()));
    Ok(())
}

#[tokio::test]
async fn recommendations_have_exact_prices_and_no_more_than_were_asked_for() -> TestResult {
    let (_shop, temporal) = open().await?;
    let customer = created(&temporal, "a").await?;
    let wish = Recommend { customer_id: customer.customer_id, limit: 6 };
    let products = temporal.run(Customers::recommend, FIRST, &wish).await?;
    let products = products.map_err(|failed| format!("{failed:?}"))?;
    assert_eq!(products.len(), 6);
    let shirt = products.iter().find(|product| product.product_id.as_str() == "TSHIRT-001");
    assert_eq!(
        shirt.and_then(|shirt| shirt.price).map(|price| price.to_string()).as_deref(),
        Some("19.99 USD")
    );
    Ok(())
}

/// M1, M5 and M8
#[tokio::test]
async fn one_mailbox_is_one_customer_and_one_name_is_enough() -> TestResult {
    let (shop, temporal) = open().await?;
    let of = |run: &str, address: &str| CreateCustomer {
        email: Recipient::new(address),
        first_name: "Suharto".to_owned(),
        last_name: String::new(),
        ..registration(run)
    };
    let first = temporal.run(Customers::create, FIRST, &of("a", "lan@thử.example.com")).await?;
    let Ok(Registration::Created(customer)) = first else { return Err(format!("{first:?}").into()) };
    assert_eq!(customer.email.reveal(), "lan@xn--th-yct.example.com");
    let again = temporal.run(Customers::create, FIRST, &of("b", "lan@xn--th-yct.example.com")).await?;
    assert_eq!(again, Ok(Registration::AlreadyRegistered));
    let named = temporal.run(Customers::create, FIRST, &of("c", "Lan <lan@example.com>")).await?;
    assert_eq!(named, Ok(Registration::Refused { code: "INVALID_EMAIL".to_owned() }));
    assert_eq!(shop.total("customers").await?, 1);
    Ok(())
}

/// Neither a customer like any other nor nobody.
#[tokio::test]
async fn an_account_in_a_state_that_nobody_knows_is_named() -> TestResult {
    for (status, is_found) in [("active", Some(true)), ("closed", Some(false)), ("frozen", None)] {
        let account = json!({ "customer_id": "C1", "email": ADDRESS, "first_name": "Lan", "status": status });
        let peer = Peer::start([answer(200, "", &json!({ "data": [account] }).to_string())]).await?;
        let activities = CustomerActivities::new(peer.api()?, Pseudonyms::default(), SECOND_LOOK);
        let asked = RegisteredAddress { email: Recipient::new(ADDRESS) };
        match Temporal::with(activities).await?.run(Customers::find_registered, FIRST, &asked).await? {
            Ok(found) => assert_eq!(Some(found.is_some()), is_found, "{status}"),
            Err(failed) => {
                assert_eq!(is_found, None, "{status}: {}", failed.message);
                assert_eq!((failed.kind.as_str(), failed.is_final), (NEW_WORD, false));
                assert!(failed.message.ends_with("does not know: \"frozen\""), "{}", failed.message);
            }
        }
    }
    Ok(())
}

/// A platform that passes over a filter it does not know answers with everybody's accounts.
#[tokio::test]
async fn an_account_under_another_key_or_of_another_address_is_a_strangers() -> TestResult {
    let body = |id: &str, email: &str, key: &str| json!({ "customer_id": id, "email": email, "idempotency_key": key });
    let (ours, other) = (account("a").key, account("b").key);
    let stranger = body("C1", "somebody@example.com", other.as_str());
    let own = body("C2", "NewCustomer@Example.COM", ours.as_str());
    for (listed, found) in
        [(json!([stranger]), None), (json!([stranger, own]), Some("C2")), (json!([]), None)]
    {
        let peer = Peer::start([answer(200, "", &json!({ "data": listed }).to_string())]).await?;
        let activities = CustomerActivities::new(peer.api()?, Pseudonyms::default(), SECOND_LOOK);
        let temporal = Temporal::with(activities).await?;
        let by_key = temporal.run(Customers::find, FIRST, &account("a")).await?;
        let Ok(by_key) = by_key else { return Err(format!("{by_key:?}").into()) };
        let id = |customer: &Customer| customer.customer_id.as_str().to_owned();
        let by_key = by_key.and_then(|found| match found {
            Registration::Created(customer) => Some(id(&customer)),
            Registration::AlreadyRegistered | Registration::Refused { .. } => None,
        });
        assert_eq!(by_key.as_deref(), found, "by key: {listed}");
        let asked = RegisteredAddress { email: Recipient::new(ADDRESS) };
        let by_address = temporal.run(Customers::find_registered, FIRST, &asked).await?;
        let Ok(by_address) = by_address else { return Err(format!("{by_address:?}").into()) };
        assert_eq!(by_address.as_ref().map(id).as_deref(), found, "by address: {listed}");
        // An undo marks nobody else's account.
        let undone = temporal.run(Customers::mark_incomplete, LATE, &account("a")).await?;
        assert_eq!(undone, Ok(()), "{listed}");
        let marked = peer.received().into_iter().filter(|request| request.line.starts_with("PUT")).count();
        assert_eq!(marked, usize::from(found.is_some()), "{listed}");
    }
    let unnamed = json!({ "data": [{ "customer_id": "C1", "email": ADDRESS }] }).to_string();
    let peer = Peer::start([answer(200, "", &unnamed)]).await?;
    let activities = CustomerActivities::new(peer.api()?, Pseudonyms::default(), SECOND_LOOK);
    let failed = Temporal::with(activities).await?.run(Customers::find, FIRST, &account("a")).await?;
    let failed = failed.err().ok_or("a customer without a key was believed")?;
    assert!(failed.message.contains("names no idempotency key"), "{}", failed.message);
    Ok(())
}

#[tokio::test]
async fn marketing_without_a_way_out_is_kept_back() -> TestResult {
    let allowed = json!({ "data": { "status": "active", "marketing_consent": true } }).to_string();
    let question = MayMail {
        customer_id: CustomerId::new("C1")?,
        customer_ref: ref_key()?.customer_ref(&Recipient::new(ADDRESS)),
        now: "2026-03-02T01:00:00Z".to_owned(),
    };
    let url = Some("https://shop.example.com/bye".parse()?);
    let key = Some(ref_key()?);
    for (key, unsubscribe, has_way_out) in [
        (key.clone(), url.clone(), true),
        (key.clone(), None, false),
        (None, url, false),
        (None, None, false),
    ] {
        let peer = Peer::start([answer(200, "", &allowed)]).await?;
        let pseudonyms = Pseudonyms { key, unsubscribe };
        let activities = CustomerActivities::new(peer.api()?, pseudonyms, SECOND_LOOK);
        let verdict = Temporal::with(activities).await?.run(Customers::may_mail, FIRST, &question).await?;
        let kept = Ok(MailVerdict::Keep { reason: KeptBack::NoWayOut });
        assert_eq!(verdict == kept, !has_way_out, "{verdict:?}");
    }
    Ok(())
}
