use super::*;
use crate::payment::{platform, stripe};

/// Signed by another implementation (Python's `hmac`), at 1700000000, with the secrets `whsec_test` and
/// `whsec_other`.
const BODY: &[u8] = br#"{"id":"evt_1","type":"payment_intent.succeeded","data":{"object":{"id":"pi_1","metadata":{"order_id":"ORDER-001","idempotency_key":"order/ORDER-001/process-payment"}}}}"#;
const SIGNATURE: &str = "628eb0ea61cb4fde1719cd409996684e3fd52e88703fe53398b3a12a1fb1a588";
const OTHER_SIGNATURE: &str = "9fbabf533fc46b356a2ba839f721a2278c638f93a5f09c349bd4e7861b5d385f";
const PLATFORM_BODY: &[u8] = br#"{"id":"evt_2","type":"payment.settled","data":{"order_id":"ORDER-002"}}"#;
const PLATFORM_SIGNATURE: &str = "d16b4f77c699a05b9ad43b29f2f263799f7a7ee51fb676469b5f0b9ccfb2e5ec";
const SIGNED_AT: u64 = 1_700_000_000;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn secret() -> Credential {
    Credential::new("whsec_test")
}

fn read(header: &str, body: &[u8], now: SystemTime) -> Result<PaymentEvent, WebhookError> {
    stripe::webhook::verify_and_read(header, body, &secret(), now)
}

fn header(signature: &str) -> String {
    format!("t={SIGNED_AT},v1={signature}")
}

fn id(text: &str) -> EventId {
    EventId::new(text).expect("an id")
}

fn paid() -> PaymentEvent {
    PaymentEvent {
        event_id: id("evt_1"),
        order_id: OrderId::new("ORDER-001").ok(),
        payment_id: Some("pi_1".to_owned()),
        kind: "payment_intent.succeeded".to_owned(),
    }
}

/// A header for a body of the test's own, at `SIGNED_AT`.
fn signed(body: &[u8]) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(b"whsec_test").expect("HMAC takes any key");
    let mac = mac.chain_update(SIGNED_AT.to_string()).chain_update(".").chain_update(body);
    let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    header(&hex)
}

#[test]
fn what_the_provider_signed_is_read() {
    assert_eq!(read(&header(SIGNATURE), BODY, at(SIGNED_AT + 1)), Ok(paid()));
    let header = header(PLATFORM_SIGNATURE);
    let event = platform::webhook::verify_and_read(&header, PLATFORM_BODY, &secret(), at(SIGNED_AT));
    let settled = PaymentEvent {
        event_id: id("evt_2"),
        order_id: OrderId::new("ORDER-002").ok(),
        payment_id: None,
        kind: "payment.settled".to_owned(),
    };
    assert_eq!(event, Ok(settled));
}

#[test]
fn what_another_secret_signed_is_refused() {
    assert_eq!(read(&header(OTHER_SIGNATURE), BODY, at(SIGNED_AT)), Err(WebhookError::Signature));
    let nobody =
        stripe::webhook::verify_and_read(&header(SIGNATURE), BODY, &Credential::new(""), at(SIGNED_AT));
    assert_eq!(nobody, Err(WebhookError::NoSecret));
}

#[test]
fn a_body_or_time_that_was_changed_is_refused() {
    for i in 0..BODY.len() {
        let mut body = BODY.to_vec();
        body[i] ^= 1;
        assert_eq!(read(&header(SIGNATURE), &body, at(SIGNED_AT)), Err(WebhookError::Signature), "byte {i}");
    }
    let later = format!("t={},v1={SIGNATURE}", SIGNED_AT + 1);
    assert_eq!(read(&later, BODY, at(SIGNED_AT)), Err(WebhookError::Signature));
}

#[test]
fn five_minutes_are_tolerated_and_a_second_more_is_not() {
    for (now, answer) in [
        (SIGNED_AT + 300, Ok(paid())),
        (SIGNED_AT + 301, Err(WebhookError::Time)),
        (SIGNED_AT - 300, Ok(paid())),
        (SIGNED_AT - 301, Err(WebhookError::Time)),
    ] {
        assert_eq!(read(&header(SIGNATURE), BODY, at(now)), answer, "{now}");
    }
}

#[test]
fn one_good_signature_of_several_is_enough() {
    let while_rolled = format!("t={SIGNED_AT},v1={OTHER_SIGNATURE},v1={SIGNATURE},v0=00");
    assert_eq!(read(&while_rolled, BODY, at(SIGNED_AT)), Ok(paid()));
    let none = format!("t={SIGNED_AT},v1={OTHER_SIGNATURE},v1={OTHER_SIGNATURE}");
    assert_eq!(read(&none, BODY, at(SIGNED_AT)), Err(WebhookError::Signature));
    let only_v0 = format!("t={SIGNED_AT},v0={SIGNATURE}");
    assert_eq!(read(&only_v0, BODY, at(SIGNED_AT)), Err(WebhookError::Header));
}

#[test]
fn a_header_with_missing_or_odd_parts_is_refused() {
    for odd in [
        String::new(),
        "t".to_owned(),
        format!("t={SIGNED_AT}"),
        format!("v1={SIGNATURE}"),
        format!("t=,v1={SIGNATURE}"),
        format!("t=soon,v1={SIGNATURE}"),
        format!("t=+{SIGNED_AT},v1={SIGNATURE}"),
        format!("t={SIGNED_AT},t={SIGNED_AT},v1={SIGNATURE}"),
        format!("t={SIGNED_AT},v1="),
        format!("t={SIGNED_AT},v1={}", &SIGNATURE[1..]),
        format!("t={SIGNED_AT},v1={SIGNATURE}00"),
        format!("t={SIGNED_AT},v1={}", SIGNATURE.replace('6', "g")),
    ] {
        assert_eq!(read(&odd, BODY, at(SIGNED_AT)), Err(WebhookError::Header), "{odd:?}");
    }
}

#[test]
fn a_time_beyond_all_clocks_is_refused_without_panic() {
    let far = "99999999999999999999";
    let mac = Hmac::<Sha256>::new_from_slice(b"whsec_test").expect("HMAC takes any key");
    let mac = mac.chain_update(far).chain_update(".").chain_update(BODY);
    let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(read(&format!("t={far},v1={hex}"), BODY, at(SIGNED_AT)), Err(WebhookError::Header));
}

#[test]
fn an_event_of_somebody_elses_payment_names_no_order() {
    for body in [
        &br#"{"id":"evt_3","type":"charge.succeeded","data":{"object":{"metadata":{}}}}"#[..],
        br#"{"id":"evt_3","type":"charge.succeeded","data":{"object":{"metadata":{"order_id":"a b/c"}}}}"#,
        br#"{"id":"evt_3","type":"charge.succeeded","data":{"object":{"metadata":null}}}"#,
        br#"{"id":"evt_3","type":"charge.succeeded"}"#,
    ] {
        let event = read(&signed(body), body, at(SIGNED_AT));
        assert_eq!(event.map(|event| (event.event_id, event.order_id)), Ok((id("evt_3"), None)));
    }
}

#[test]
fn what_is_no_event_is_refused() {
    for body in [&b""[..], b"[]", b"{}", br#"{"id":" ","type":"t"}"#, br#"{"id":"e","type":""}"#] {
        assert_eq!(read(&signed(body), body, at(SIGNED_AT)), Err(WebhookError::Body));
    }
}

/// It is signed and about our order: an id that does not fit does not make us pass over it.
#[test]
fn an_id_that_does_not_fit_has_one_that_stands_for_it() {
    let read_id = |id: &str| {
        let body = format!(r#"{{"id":"{id}","type":"payment_intent.succeeded"}}"#);
        read(&signed(body.as_bytes()), body.as_bytes(), at(SIGNED_AT)).map(|event| event.event_id.to_string())
    };
    let long = "e".repeat(201);
    for odd in ["a/b+c=", "a b", long.as_str()] {
        let stands = read_id(odd).expect("an event");
        assert!(stands.starts_with("sha256-") && stands.len() == 71, "{stands}");
        assert_eq!(read_id(odd), Ok(stands));
    }
    assert_ne!(read_id("a/b"), read_id("a/c"));
}

/// Our own deeds (a refund, a void) come back as events, and so does each charge of an intent.
#[test]
fn only_what_brings_news_of_a_payment_names_its_order() {
    for (kind, is_news) in [
        ("payment_intent.succeeded", true),
        ("payment_intent.payment_failed", true),
        ("payment_intent.canceled", true),
        ("payment_intent.processing", true),
        ("payment_intent.of_tomorrow", true),
        ("payment_intent.created", false),
        ("payment_intent.requires_action", false),
        ("charge.succeeded", false),
        ("charge.refunded", false),
        ("refund.created", false),
        ("refund.updated", false),
    ] {
        for (key, is_ours) in [(r#","idempotency_key":"k""#, true), ("", false)] {
            let metadata = format!(r#""metadata":{{"order_id":"ORDER-001"{key}}}"#);
            let body = format!(r#"{{"id":"evt_4","type":"{kind}","data":{{"object":{{{metadata}}}}}}}"#);
            let event = read(&signed(body.as_bytes()), body.as_bytes(), at(SIGNED_AT));
            let names_it = event.map(|event| event.order_id.is_some());
            assert_eq!(names_it, Ok(is_news && is_ours), "{kind}, of an intent that we made: {is_ours}");
        }
    }
}

/// At the platform as well; there an event in a word that nobody knows makes the order look for itself.
#[test]
fn our_own_refunds_and_voids_at_the_platform_are_no_news() {
    for (kind, is_news) in [
        ("payment.settled", true),
        ("payment.failed", true),
        ("payment.refund_failed", true),
        ("of_tomorrow", true),
        ("payment.created", false),
        ("payment.requires_action", false),
        ("payment.partially_refunded", false),
        ("payment.refunded", false),
        ("payment.voided", false),
    ] {
        let body = format!(r#"{{"id":"evt_6","type":"{kind}","data":{{"order_id":"ORDER-001"}}}}"#);
        let event = platform_event(&body);
        assert_eq!(event.map(|event| event.order_id.is_some()), Ok(is_news), "{kind}");
    }
}

fn platform_event(body: &str) -> Result<PaymentEvent, WebhookError> {
    let (body, now) = (body.as_bytes(), at(SIGNED_AT));
    platform::webhook::verify_and_read(&signed(body), body, &secret(), now)
}

/// One that cannot be an id is none: it would become part of a path. The event is news all the same.
#[test]
fn the_payments_id_is_read_where_it_is_one() {
    let long = format!(r#""{}""#, "p".repeat(256));
    for (id, expected) in [
        (r#""pay_1""#, Some("pay_1")),
        (r#""a/b""#, Some("a/b")),
        (r#""..""#, None),
        (r#""""#, None),
        (r#""a b""#, None),
        ("7", None),
        ("null", None),
        (long.as_str(), None),
    ] {
        let body = format!(
            r#"{{"id":"evt_7","type":"payment.settled","data":{{"order_id":"ORDER-001","payment_id":{id}}}}}"#
        );
        let event = platform_event(&body).expect("an event");
        assert!(event.order_id.is_some(), "{id}");
        assert_eq!(event.payment_id.as_deref(), expected, "{id}");
    }
    let refund = br#"{"id":"evt_8","type":"refund.failed","data":{"object":{"id":"re_1","payment_intent":"pi_1","status":"failed","metadata":{"order_id":"ORDER-001"}}}}"#;
    let event = read(&signed(refund), refund, at(SIGNED_AT)).expect("an event");
    assert_eq!(event.payment_id.as_deref(), Some("pi_1"), "the payment, not the refund");
}

#[test]
fn a_refund_brings_news_when_it_failed() {
    for (kind, status, is_news) in [
        ("refund.failed", "failed", true),
        ("charge.refund.updated", "failed", true),
        ("refund.updated", "canceled", true),
        ("refund.updated", "succeeded", false),
        ("charge.refund.updated", "pending", false),
        ("refund.created", "failed", false),
    ] {
        let body = format!(
            r#"{{"id":"evt_5","type":"{kind}","data":{{"object":{{"status":"{status}","metadata":{{"order_id":"ORDER-001"}}}}}}}}"#
        );
        let event = read(&signed(body.as_bytes()), body.as_bytes(), at(SIGNED_AT));
        assert_eq!(event.map(|event| event.order_id.is_some()), Ok(is_news), "{kind} {status}");
    }
}
