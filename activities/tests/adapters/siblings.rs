//! The table of `activities::http` holds for every API that is spoken to, each with its own words and settings.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use activities::erp::ErpActivities;
use activities::erp::connector::Connectors;
use activities::erp::credentials::{Credentials, ErpCredential};
use activities::http::Credential;
use activities::notification::NotificationActivities;
use activities::notification::sms::twilio::{Twilio, TwilioEndpoint};
use activities::payment::PaymentActivities;
use activities::payment::stripe::{StripeEndpoint, open};
use contracts::erp::{Authentication, Erp, Source};
use contracts::failure::{NEW_WORD, OUTCOME_UNKNOWN, REFUSED, SETTING};
use contracts::notification::{Delivery, Notifications};
use contracts::payment::Payments;
use contracts::values::IntegrationId;
use messages::Texts;
use serde_json::json;
use store::Store;

use crate::TestResult;
use crate::notification::sms;
use crate::peer::{Answer, BYTES_MAX, Peer, TOKEN, answer};
use crate::samples::charge;
use crate::temporal::{FIRST, Failed, SECOND, Temporal};

const LIMIT: Duration = Duration::from_secs(10);
const PAGE: &str = "<html>please log in</html>";

/// An answer, and what Temporal is told of it.
type Row = (u16, &'static str, &'static str, bool, &'static str);

fn is_as_told(failed: &Failed, (status, body, kind, is_final, words): Row) {
    assert_eq!((failed.kind.as_str(), failed.is_final), (kind, is_final), "{status} {body}: {failed:?}");
    assert!(failed.message.contains(words), "{status} {body}: {}", failed.message);
    assert!(!failed.message.contains(TOKEN) && !failed.message.contains("please"), "{}", failed.message);
}

#[tokio::test]
async fn stripe_refuses_in_its_own_words_only() -> TestResult {
    for row in [
        (401, PAGE, SETTING, false, "(401): the worker needs a valid SUN_STRIPE_SECRET_KEY"),
        (403, PAGE, SETTING, false, "(403): look at the rights of SUN_STRIPE_SECRET_KEY"),
        (404, PAGE, SETTING, false, "(404): is SUN_STRIPE_API_URL the API's own address?"),
        (405, "", SETTING, false, "(405): is SUN_STRIPE_API_URL the API's own address?"),
        // Stripe itself, about a path that it does not have.
        (
            404,
            r#"{"error": {"type": "invalid_request_error"}}"#,
            SETTING,
            false,
            "is SUN_STRIPE_API_URL the API's own",
        ),
        (404, r#"{"error": {}}"#, SETTING, false, "is SUN_STRIPE_API_URL the API's own address?"),
        (
            400,
            r#"{"error": {"type": "invalid_request_error"}}"#,
            REFUSED,
            true,
            "refused: 400 invalid_request_error",
        ),
        (302, PAGE, OUTCOME_UNKNOWN, false, "HTTP 302 leads elsewhere"),
        (400, PAGE, OUTCOME_UNKNOWN, false, "HTTP 400 without the API's own words"),
        (402, "{}", OUTCOME_UNKNOWN, false, "HTTP 402 without the API's own words"),
        (409, r#"{"error": {"type": "idempotency_error"}}"#, OUTCOME_UNKNOWN, false, "under way"),
        (400, r#"{"error": {"code": "parameter_missing"}}"#, REFUSED, true, "refused: 400 parameter_missing"),
        (404, r#"{"error": {"code": "resource_missing"}}"#, REFUSED, true, "refused: 404 resource_missing"),
    ] {
        let peer = Peer::start([answer(row.0, "", row.1)]).await?;
        let provider = open(StripeEndpoint {
            base: peer.base.parse()?,
            secret_key: Credential::new(TOKEN),
            return_url: None,
            timeout: LIMIT,
            response_bytes_max: BYTES_MAX,
        })?;
        let temporal = Temporal::with(PaymentActivities::new(provider, LIMIT)).await?;
        let charged = temporal.run(Payments::charge, FIRST, &charge("pm_1")?).await?;
        is_as_told(&charged.err().ok_or("charged")?, row);
    }
    Ok(())
}

/// Sends an SMS through a Twilio that gives these answers.
async fn sent(answers: Vec<Answer>) -> TestResult<Result<Delivery, Failed>> {
    let peer = Peer::start(answers).await?;
    by_twilio(&peer, LIMIT).await?.run(Notifications::send_sms, FIRST, &sms()?).await
}

async fn by_twilio(peer: &Peer, timeout: Duration) -> TestResult<Temporal> {
    let twilio = Twilio::new(TwilioEndpoint {
        base: peer.base.parse()?,
        account_sid: "AC1".to_owned(),
        auth_token: Credential::new(TOKEN),
        from: "+14155550100".to_owned(),
        timeout,
        response_bytes_max: BYTES_MAX,
    })?;
    let activities = NotificationActivities::new(peer.api()?, Texts::load()?).with_sms(Arc::new(twilio));
    Temporal::with(activities).await
}

/// A Twilio that takes the SMS, never answers and does not list it.
#[tokio::test]
async fn an_sms_that_nobody_answers_for_is_sent_twice_at_most() -> TestResult {
    let nothing = answer(200, "", r#"{"messages": []}"#);
    let silence = Answer::Stall(String::new());
    let peer = Peer::start([nothing.clone(), silence.clone(), nothing.clone(), silence, nothing]).await?;
    let temporal = by_twilio(&peer, Duration::from_millis(500)).await?;
    for attempt in [FIRST, SECOND] {
        let failed = temporal.run(Notifications::send_sms, attempt, &sms()?).await?.err().ok_or("sent")?;
        assert_eq!((failed.kind.as_str(), failed.is_final), (OUTCOME_UNKNOWN, false), "{failed:?}");
    }
    for _ in 0..3 {
        let ended = temporal.run(Notifications::send_sms, SECOND, &sms()?).await?;
        assert_eq!(ended, Ok(Delivery::Refused { code: "no_reply".to_owned() }));
    }
    let posted = peer.received().iter().filter(|request| request.line.starts_with("POST")).count();
    assert_eq!(posted, 2);
    Ok(())
}

#[tokio::test]
async fn twilio_refuses_in_its_own_words_only() -> TestResult {
    let nothing = || answer(200, "", r#"{"messages": []}"#);
    for row in [
        (401, PAGE, SETTING, false, "needs a valid SUN_TWILIO_ACCOUNT_SID and SUN_TWILIO_AUTH_TOKEN"),
        (403, PAGE, SETTING, false, "(403): look at the rights of SUN_TWILIO_ACCOUNT_SID"),
        (404, PAGE, SETTING, false, "(404): is SUN_TWILIO_API_URL the API's own address?"),
        (
            404,
            r#"{"code": 404, "message": "Not Found"}"#,
            SETTING,
            false,
            "is SUN_TWILIO_API_URL the API's own address?",
        ),
        (400, r#"{"code": 400}"#, OUTCOME_UNKNOWN, false, "HTTP 400 without the API's own words"),
        (404, r#"{"code": 20404}"#, SETTING, false, "correct SUN_TWILIO_ACCOUNT_SID"),
        (400, r#"{"code": 99999}"#, SETTING, false, "refuses: code 99999, see twilio.com/docs/errors/99999"),
        (400, PAGE, OUTCOME_UNKNOWN, false, "HTTP 400 without the API's own words"),
        (307, "", OUTCOME_UNKNOWN, false, "is SUN_TWILIO_API_URL right?"),
    ] {
        // The look before sending meets it, and so does the sending.
        for answers in [vec![answer(row.0, "", row.1)], vec![nothing(), answer(row.0, "", row.1)]] {
            is_as_told(&sent(answers).await?.err().ok_or("sent")?, row);
        }
    }
    let refused = sent(vec![nothing(), answer(400, "", r#"{"code": 21211}"#)]).await?;
    assert_eq!(refused, Ok(Delivery::Refused { code: "21211".to_owned() }));
    Ok(())
}

#[tokio::test]
async fn an_sms_in_a_direction_that_nobody_knows_is_named() -> TestResult {
    let text = "Order ORDER-001 is confirmed. Tracking number: SUN-1";
    let listed = |direction: &str| {
        let message = json!({ "sid": "SM1", "body": text, "direction": direction });
        answer(200, "", &json!({ "messages": [message] }).to_string())
    };
    let ours = sent(vec![listed("outbound-api")]).await?;
    assert_eq!(ours, Ok(Delivery::Accepted { message_id: Some("SM1".to_owned()) }));
    let theirs = sent(vec![listed("inbound"), answer(201, "", r#"{"sid": "SM2"}"#)]).await?;
    assert_eq!(theirs, Ok(Delivery::Accepted { message_id: Some("SM2".to_owned()) }));
    let failed = sent(vec![listed("sideways")]).await?.err().ok_or("guessed")?;
    assert_eq!((failed.kind.as_str(), failed.is_final), (NEW_WORD, false));
    assert!(failed.message.ends_with("that this version does not know: \"sideways\""), "{}", failed.message);
    Ok(())
}

/// A message that did not reach anybody keeps none from being sent; of a word that nobody knows it cannot be said.
#[tokio::test]
async fn an_sms_that_failed_is_sent_again() -> TestResult {
    let text = "Order ORDER-001 is confirmed. Tracking number: SUN-1";
    let listed = |status: &str| {
        let message = json!({ "sid": "SM1", "body": text, "status": status });
        answer(200, "", &json!({ "messages": [message] }).to_string())
    };
    let on_its_way = sent(vec![listed("queued")]).await?;
    assert_eq!(on_its_way, Ok(Delivery::Accepted { message_id: Some("SM1".to_owned()) }));
    for status in ["failed", "undelivered", "canceled"] {
        let again = sent(vec![listed(status), answer(201, "", r#"{"sid": "SM2"}"#)]).await?;
        assert_eq!(again, Ok(Delivery::Accepted { message_id: Some("SM2".to_owned()) }), "{status}");
    }
    let unknown = sent(vec![listed("teleported")]).await?.err().ok_or("guessed")?;
    assert_eq!((unknown.kind.as_str(), unknown.is_final), (NEW_WORD, false));
    Ok(())
}

/// Logs in to an ERP of this kind that gives this answer.
async fn logged_in(connector: &str, answer: Answer) -> TestResult<Result<Authentication, Failed>> {
    let peer = Peer::start([answer]).await?;
    let endpoint = format!("{}erp", peer.base);
    let json = json!({ "username": "u", "password": TOKEN, "endpoints": [endpoint], "connector": connector });
    let credential = ErpCredential::parse("SUN_ERP_CREDENTIALS_ERP", &json.to_string())?;
    let named = BTreeMap::from([("ERP".to_owned(), credential)]);
    let connectors = Connectors::new(Credentials { named, folder: None }, LIMIT);
    let folder = std::env::temp_dir().join(format!("sunflow-siblings-{}", std::process::id()));
    let activities = ErpActivities::new(connectors, peer.api()?, Store::open(&folder.display().to_string())?);
    let source = Source {
        integration_id: IntegrationId::new("ERP")?,
        endpoint,
        credentials_ref: "env:ERP".to_owned(),
    };
    Temporal::with(activities).await?.run(Erp::authenticate, FIRST, &source).await
}

#[tokio::test]
async fn erps_refuse_in_their_own_words_only() -> TestResult {
    for connector in ["rest", "tryton"] {
        for row in [
            (403, PAGE, SETTING, false, "(403): look at the rights of"),
            (404, PAGE, SETTING, false, "erp has nothing at that path (404): is erp_endpoint the API's own"),
            (405, "", SETTING, false, "erp has nothing at that path (405): is erp_endpoint the API's own"),
            (302, PAGE, OUTCOME_UNKNOWN, false, "is erp_endpoint right?"),
            (422, PAGE, OUTCOME_UNKNOWN, false, "HTTP 422 without the API's own words"),
        ] {
            let outcome = logged_in(connector, answer(row.0, "", row.1)).await?;
            is_as_told(&outcome.err().ok_or("let in")?, row);
        }
        // About user and password: a person has to correct them, and the sync says so. A 403 may be a firewall's.
        let outcome = logged_in(connector, answer(401, "", PAGE)).await?;
        let Ok(Authentication::Refused { reason }) = outcome else { return Err("not refused".into()) };
        assert!(reason.contains("refuses user and password of env:ERP"), "{reason}");
    }
    let row = (404, r#"{"error": {}}"#, SETTING, false, "(404): is erp_endpoint the API's own address?");
    is_as_told(&logged_in("rest", answer(row.0, "", row.1)).await?.err().ok_or("let in")?, row);
    let own = answer(422, "", r#"{"error": {"code": "TENANT_CLOSED"}}"#);
    let failed = logged_in("rest", own).await?.err().ok_or("let in")?;
    assert_eq!((failed.kind.as_str(), failed.is_final), (REFUSED, true));
    assert_eq!(failed.message, "erp refused: 422 TENANT_CLOSED");
    Ok(())
}
