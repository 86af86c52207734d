//! The table in `activities::http`: what came back, what it is called, and what Temporal does with it.

use std::time::Duration;

use activities::http::{Api, ApiError, CallError, Credential, Endpoint, Names};
use contracts::failure::{NEW_WORD, OUTCOME_UNKNOWN, REFUSED, SETTING, UNAVAILABLE};
use contracts::values::IdempotencyKey;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use temporalio_sdk::activities::ActivityError;
use tokio::net::TcpListener;

use crate::TestResult;
use crate::peer::{Answer, BYTES_MAX, Peer, TOKEN, answer, api, install_tls, response};

/// Words of a provider about a customer; no failure may repeat it.
const PERSONAL: &str = "customer@example.com";

/// The part of an answer that is read.
#[derive(Debug, PartialEq, Deserialize)]
struct Thing {
    n: u32,
}

/// The failure that Temporal is told: type, whether it is final, when to try again.
type Told = (&'static str, bool, Option<Duration>);

const FINAL: bool = true;
const RETRIED: bool = false;

async fn call(answers: Answer) -> TestResult<Result<Thing, CallError>> {
    let peer = Peer::start([answers]).await?;
    let outcome = ask(&peer.api()?).await;
    assert_eq!(peer.received().len(), 1, "an adapter has no retries of its own");
    Ok(outcome)
}

async fn ask(api: &Api) -> Result<Thing, CallError> {
    let key = IdempotencyKey::new("order/ORDER-001", "step");
    api.send(Method::POST, &["things", PERSONAL], Some(&key), &json!({ "to": PERSONAL })).await
}

async fn failed(answer: Answer) -> TestResult<CallError> {
    call(answer).await?.err().ok_or_else(|| "an answer was read out of it".into())
}

/// Turns the error into a failure, and looks that neither says what it must not.
fn told(error: CallError) -> TestResult<Told> {
    let text = format!("{error} {error:?}");
    let ActivityError::Application(failure) = error.into_failure() else {
        return Err("not an application failure".into());
    };
    for secret in [PERSONAL, TOKEN, "http:", "127.0.0.1", "/api/"] {
        assert!(!failure.to_string().contains(secret), "{secret} is in {failure}");
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
    let known = [NEW_WORD, OUTCOME_UNKNOWN, REFUSED, SETTING, UNAVAILABLE];
    let kind = known.into_iter().find(|kind| Some(*kind) == failure.type_name()).ok_or("an unknown type")?;
    Ok((kind, failure.is_non_retryable(), failure.next_retry_delay()))
}

#[tokio::test]
async fn where_nothing_listens_nothing_happened() -> TestResult {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}", listener.local_addr()?);
    drop(listener);
    let error = ask(&api(&base, Duration::from_secs(10))?).await.err().ok_or("answered")?;
    assert!(matches!(error, CallError::NotSent { system: "peer", .. }), "{error:?}");
    assert_eq!(told(error)?, (UNAVAILABLE, RETRIED, None));
    Ok(())
}

#[tokio::test]
async fn a_system_that_is_busy_is_asked_again_when_it_says() -> TestResult {
    let seconds = |n| Some(Duration::from_secs(n));
    for (header, after) in [
        ("", None),
        ("retry-after: 7\r\n", seconds(7)),
        ("Retry-After:  7 \r\n", seconds(7)),
        ("retry-after: 0\r\n", seconds(0)),
        ("retry-after: 300\r\n", seconds(300)),
        // Nobody waits for hours because a header says so.
        ("retry-after: 86400\r\n", seconds(300)),
        ("retry-after: -1\r\n", None),
        ("retry-after: Wed, 21 Oct 2020 07:28:00 GMT\r\n", seconds(0)),
    ] {
        let error = failed(answer(429, header, PERSONAL)).await?;
        assert_eq!(error, CallError::PutOff { system: "peer", way: String::new(), after }, "{header}");
        // Temporal takes a delay of nothing for "never again".
        let delay = after.filter(|after| !after.is_zero());
        assert_eq!(told(error)?, (UNAVAILABLE, RETRIED, delay));
    }
    Ok(())
}

#[tokio::test]
async fn after_a_server_error_nobody_knows_what_happened() -> TestResult {
    for status in [500, 502, 503, 504, 408] {
        for header in ["", "idempotent-replayed: false\r\n"] {
            let error = failed(answer(status, header, PERSONAL)).await?;
            let why = format!("HTTP {status}");
            assert_eq!(error, CallError::Unknown { system: "peer", why });
            assert_eq!(told(error)?, (OUTCOME_UNKNOWN, RETRIED, None));
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_server_error_that_is_replayed_is_not_asked_for_again() -> TestResult {
    for header in ["Idempotent-Replayed: true\r\n", "idempotent-replayed: TRUE\r\n"] {
        let error = failed(answer(500, header, PERSONAL)).await?;
        assert!(matches!(error, CallError::UnknownForGood { .. }), "{error:?}");
        assert_eq!(told(error)?, (OUTCOME_UNKNOWN, FINAL, None));
    }
    Ok(())
}

#[tokio::test]
async fn a_refusal_is_final_in_each_shape_the_platform_writes() -> TestResult {
    let details = json!({ "email": [PERSONAL] });
    let envelope = json!({ "success": false,
        "error": { "code": "VALIDATION_ERROR", "message": PERSONAL, "details": details } });
    let error_alone =
        json!({ "error": { "code": "VALIDATION_ERROR", "message": PERSONAL }, "details": details });
    let text = json!({ "success": false, "error": "VALIDATION_ERROR", "errors": details });
    let flat = json!({ "code": "VALIDATION_ERROR", "message": PERSONAL, "details": details });
    for status in [400, 404, 405, 409, 422] {
        for body in [&envelope, &error_alone, &text, &flat] {
            // S1: a byte-order mark does not make it somebody else's.
            let marked = failed(answer(status, "", &format!("\u{feff}{body}"))).await?;
            let error = failed(answer(status, "", &body.to_string())).await?;
            assert_eq!(marked, error, "{body}");
            let refusal = error.refusal().ok_or("not a refusal")?;
            let known = (refusal.status, refusal.code.as_str(), &refusal.details);
            assert_eq!(known, (status, "VALIDATION_ERROR", &details), "{body}");
            // The details are for the adapter; what leaves it is told without them.
            let ActivityError::Application(failure) = error.into_failure() else {
                return Err("not an application failure".into());
            };
            assert_eq!(failure.to_string(), format!("peer refused: {status} VALIDATION_ERROR"));
            assert_eq!((failure.type_name(), failure.is_non_retryable()), (Some(REFUSED), FINAL));
        }
    }
    Ok(())
}

/// A setting of the worker is not a verdict on the order: the next worker has the right one.
#[tokio::test]
async fn what_a_setting_mends_is_asked_again_and_names_the_setting() -> TestResult {
    let own = "{\"error\": {\"code\": \"TOKEN_EXPIRED\"}}";
    let page = "<html>customer@example.com</html>";
    for (status, body, said) in [
        (401, own, "peer does not accept our credentials (401): the worker needs a valid PEER_TOKEN"),
        (401, page, "peer does not accept our credentials (401): the worker needs a valid PEER_TOKEN"),
        (
            403,
            own,
            "peer does not let us do that (403): look at the rights of PEER_TOKEN, and whether PEER_URL is",
        ),
        (
            403,
            page,
            "peer does not let us do that (403): look at the rights of PEER_TOKEN, and whether PEER_URL is",
        ),
        (404, page, "peer has nothing at that path (404): is PEER_URL the API's own address?"),
        (404, "", "peer has nothing at that path (404): is PEER_URL the API's own address?"),
        (404, "{\"message\": \"no Route\"}", "peer has nothing at that path (404): is PEER_URL"),
        (405, page, "peer has nothing at that path (405): is PEER_URL the API's own address?"),
        (
            404,
            r#"{"success": false, "error": "Not Found"}"#,
            "peer has nothing at that path (404): is PEER_URL",
        ),
        (404, r#"{"error": {}}"#, "peer has nothing at that path (404): is PEER_URL the API's own address?"),
        (405, r#"{"errors": []}"#, "peer has nothing at that path (405): is PEER_URL the API's own address?"),
    ] {
        let error = failed(answer(status, "", body)).await?;
        assert!(error.to_string().starts_with(said), "{status}: {error}");
        assert_eq!(told(error)?, (SETTING, RETRIED, None), "{status} {body}");
    }
    Ok(())
}

/// A proxy's page, a captive portal, a gateway: none of them refuses an order.
#[tokio::test]
async fn what_is_not_in_the_apis_own_words_refuses_nothing() -> TestResult {
    for body in [
        "",
        "<html>log in, customer@example.com</html>",
        "[]",
        "{}",
        "null",
        "{\"error\": null}",
        "{\"error\": \"Not Found\", \"status\": 400}",
        "{\"message\": \"customer@example.com\"}",
        "{\"success\": true, \"data\": {\"n\": 7}}",
    ] {
        for status in [400, 402, 407, 409, 411, 413, 422, 451] {
            let error = failed(answer(status, "", body)).await?;
            let said = format!(
                "peer gave no usable answer: HTTP {status} without the API's own words: does something before it answer, \
                 and is PEER_URL right?"
            );
            assert_eq!(error.to_string(), said, "{body}");
            assert_eq!(told(error)?, (OUTCOME_UNKNOWN, RETRIED, None), "{status} {body}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_refusal_without_a_code_has_none_made_up() -> TestResult {
    let sentence = format!("{{\"success\": false, \"error\": \"no such customer {PERSONAL}\"}}");
    let long = format!("{{\"error\": {{\"code\": \"{}\"}}}}", "X".repeat(61));
    let message = json!({ "message": PERSONAL, "errors": { "email": [PERSONAL] } }).to_string();
    for body in [
        "{\"success\": false}",
        "{\"error\": {}}",
        &sentence,
        &long,
        "{\"error\": {\"code\": \"customer@example.com\"}}",
        "{\"error\": {\"code\": \"4242424242424242\"}}",
        "{\"error\": {\"code\": \"+84901234567\"}}",
        &message,
    ] {
        let error = failed(answer(422, "", body)).await?;
        let refusal = error.refusal().ok_or("not a refusal")?;
        assert_eq!((refusal.status, refusal.code.as_str()), (422, "UNSPECIFIED"), "{body}");
        assert_eq!(error.to_string(), "peer refused: 422 UNSPECIFIED");
        let ActivityError::Application(failure) = error.into_failure() else {
            return Err("not an application failure".into());
        };
        assert_eq!(failure.to_string(), "peer refused: 422 UNSPECIFIED");
    }
    Ok(())
}

#[tokio::test]
async fn a_refusal_under_status_200_is_a_refusal() -> TestResult {
    for body in [
        r#"{"success": false, "error": {"code": "NOT_TODAY"}}"#,
        r#"{"success":false,"data":{"n":1},"error":"NOT_TODAY"}"#,
    ] {
        let error = failed(answer(200, "", body)).await?;
        assert_eq!(error.refusal().map(|r| (r.status, r.code.as_str())), Some((200, "NOT_TODAY")));
        assert_eq!(told(error)?, (REFUSED, FINAL, None));
    }
    Ok(())
}

#[tokio::test]
async fn an_answer_is_read_from_data_or_from_the_top() -> TestResult {
    for body in [
        r#"{"success": true, "data": {"n": 7}}"#,
        r#"{"data": {"n": 7, "added_later": []}, "pagination": {}}"#,
        r#"{"n": 7}"#,
        r#" {"success": true, "n": 7, "message": "fine"} "#,
        // S1
        "\u{feff}{\"n\": 7}",
    ] {
        for status in [200, 201, 202] {
            assert_eq!(call(answer(status, "", body)).await?, Ok(Thing { n: 7 }), "{body}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn success_without_a_body_is_success_for_whoever_needs_none() -> TestResult {
    for status in [200, 202, 204] {
        let bare = Answer::Bytes(format!("HTTP/1.1 {status} Words\r\nconnection: close\r\n\r\n"));
        for empty in [bare, answer(status, "", "null")] {
            let peer = Peer::start([empty.clone()]).await?;
            let nothing: Option<Thing> = peer.api()?.get(&["things"], &[]).await?;
            assert_eq!(nothing, None);
            let error = failed(empty).await?;
            assert_eq!(told(error)?, (OUTCOME_UNKNOWN, RETRIED, None), "a body was needed");
        }
    }
    Ok(())
}

#[tokio::test]
async fn what_is_no_usable_answer_leaves_the_outcome_unknown() -> TestResult {
    for body in [
        "<html>welcome, customer@example.com</html>",
        "{\"data\": {\"n\":",
        "{\"n\": \"customer@example.com\"}",
        "{\"data\": {\"customer@example.com\": 1}}",
        "{\"success\": true}",
        "[]",
        "\"customer@example.com\"",
    ] {
        let error = failed(answer(200, "", body)).await?;
        assert!(matches!(error, CallError::Unknown { .. }), "{body}: {error:?}");
        assert_eq!(told(error)?, (OUTCOME_UNKNOWN, RETRIED, None));
    }
    Ok(())
}

#[tokio::test]
async fn an_answer_larger_than_the_limit_is_not_read_to_its_end() -> TestResult {
    let thing = |bytes: usize| format!("{{\"n\": 7{}}}", " ".repeat(bytes - 8));
    assert_eq!(call(answer(200, "", &thing(BYTES_MAX))).await?, Ok(Thing { n: 7 }));
    let body = thing(BYTES_MAX + 1);
    let chunked = format!(
        "HTTP/1.1 200 Words\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    );
    // Never ends: whoever reads on is still reading when the test is given up.
    let endless = format!("HTTP/1.1 200 Words\r\ncontent-length: 99999999\r\n\r\n{body}");
    for large in [answer(200, "", &body), Answer::Bytes(chunked), Answer::Stall(endless)] {
        let error = failed(large).await?;
        assert_eq!(error, CallError::TooLarge { system: "peer", bytes: BYTES_MAX, way: String::new() });
        assert_eq!(told(error)?, (OUTCOME_UNKNOWN, RETRIED, None));
    }
    Ok(())
}

#[tokio::test]
async fn silence_leaves_the_outcome_unknown_once_the_time_is_up() -> TestResult {
    let headers_only = "HTTP/1.1 200 Words\r\ncontent-length: 8\r\n\r\n";
    for silence in ["", "HTTP/1.1 200", headers_only] {
        let peer = Peer::start([Answer::Stall(silence.to_owned())]).await?;
        let error = ask(&peer.api_within(Duration::from_millis(500))?).await.err().ok_or("answered")?;
        assert_eq!(error, CallError::Unknown { system: "peer", why: "nothing within 500ms".to_owned() });
        assert_eq!(told(error)?, (OUTCOME_UNKNOWN, RETRIED, None));
        assert_eq!(peer.received().len(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn a_connection_that_breaks_leaves_the_outcome_unknown() -> TestResult {
    let cut = response(200, "", "{\"n\": 7}");
    let half = cut.len() - 3;
    for broken in ["", "HTTP/1.1 200", &cut[..half], "this is not HTTP\r\n\r\n"] {
        let error = failed(Answer::Bytes(broken.to_owned())).await?;
        assert!(matches!(error, CallError::Unknown { .. }), "{broken}: {error:?}");
        assert_eq!(told(error)?, (OUTCOME_UNKNOWN, RETRIED, None));
    }
    Ok(())
}

#[tokio::test]
async fn a_redirect_refuses_nothing_and_is_never_followed() -> TestResult {
    let elsewhere = Peer::start([answer(200, "", "{\"n\": 7}")]).await?;
    for status in [301, 302, 303, 307, 308] {
        let error = failed(answer(status, &format!("location: {}\r\n", elsewhere.base), "")).await?;
        let said = format!(
            "peer gave no usable answer: HTTP {status} leads elsewhere: does something before the API answer, and is \
             PEER_URL right?"
        );
        assert_eq!(error.to_string(), said);
        assert_eq!(told(error)?, (OUTCOME_UNKNOWN, RETRIED, None));
    }
    assert!(elsewhere.received().is_empty(), "the request, its key and its token went elsewhere");
    Ok(())
}

#[test]
fn a_token_that_cannot_be_sent_is_refused_without_being_shown() -> TestResult {
    install_tls();
    let endpoint = Endpoint {
        system: "payment",
        base: "http://127.0.0.1/".parse()?,
        version: "v1".to_owned(),
        token: Some(Credential::new(format!("{TOKEN}\n"))),
        timeout: Duration::from_secs(1),
        response_bytes_max: BYTES_MAX,
        names: Names::of("PEER_URL", "PEER_TOKEN"),
    };
    assert!(!format!("{endpoint:?}").contains(TOKEN), "{endpoint:?}");
    let error = Api::new(endpoint).err().ok_or("taken")?;
    assert!(matches!(error, ApiError::Token("payment")), "{error:?}");
    assert!(!error.to_string().contains(TOKEN), "{error}");
    Ok(())
}

#[tokio::test]
async fn health_is_an_answer_of_any_shape() -> TestResult {
    let peer = Peer::start([answer(200, "", "{\"status\": \"ok\"}"), answer(503, "", "")]).await?;
    let api = peer.api()?;
    assert_eq!(api.health().await, Ok(()));
    assert!(matches!(api.health().await, Err(CallError::Unknown { .. })));
    assert_eq!(peer.received()[0].line, "GET /api/v1/health");
    Ok(())
}
