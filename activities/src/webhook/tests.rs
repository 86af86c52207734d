use super::*;
use crate::payment::{platform, stripe};

/// Signed by another implementation (Python's `hmac`), at 1700000000, with the secrets `whsec_test` and
/// `whsec_other`.
const BODY: &[u8] = br#"{"id":"evt_1","type":"payment_intent.succeeded","data":{"object":{"metadata":{"order_id":"ORDER-001"}}}}"#;
const SIGNATURE: &str = "64e6ba75daf87a33b8f62e1f2ae8e116ebf640e2cc4a8245f1cadc13339f9cbd";
const OTHER_SIGNATURE: &str = "58bc2337d814bc28f4fc7149a96303d444e1c4bac0cc1f9c4f1626c8b50bb2e3";
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
        let body = format!(
            r#"{{"id":"evt_4","type":"{kind}","data":{{"object":{{"metadata":{{"order_id":"ORDER-001"}}}}}}}}"#
        );
        let event = read(&signed(body.as_bytes()), body.as_bytes(), at(SIGNED_AT));
        assert_eq!(event.map(|event| event.order_id.is_some()), Ok(is_news), "{kind}");
    }
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
