//! A path that is not there is no answer about the thing that was asked for: look-ups for which "not there" has a
//! meaning take it from the API's own code alone.

use std::collections::BTreeMap;
use std::time::Duration;

use activities::customers::{CustomerActivities, Pseudonyms};
use activities::erp::ErpActivities;
use activities::erp::connector::Connectors;
use activities::erp::credentials::Credentials;
use contracts::customers::{Customers, KeptBack, MailVerdict, MayMail, Unsubscribe};
use contracts::erp::{Erp, SyncState};
use contracts::failure::SETTING;
use contracts::values::{CustomerId, IdempotencyKey, IntegrationId, Recipient};
use pseudonym::RefKey;
use store::Store;

use crate::TestResult;
use crate::peer::{Answer, Peer, answer};
use crate::temporal::{FIRST, Failed, Temporal};

const LIMIT: Duration = Duration::from_secs(10);

/// Answers about the path: a page, nothing, and error objects that have no code.
fn about_the_path() -> Vec<Answer> {
    [
        (404, "<html>404 Not Found</html>"),
        (405, ""),
        (404, r#"{"error": {}}"#),
        (404, r#"{"error": {"message": "no such route"}}"#),
        (404, r#"{"success": false, "error": "Not Found"}"#),
        (404, r#"{"code": "Not Found"}"#),
        (405, r#"{"errors": []}"#),
    ]
    .map(|(status, body)| answer(status, "", body))
    .to_vec()
}

fn about_the_thing(code: &str) -> Answer {
    answer(404, "", &format!("{{\"error\": {{\"code\": \"{code}\"}}}}"))
}

fn is_a_setting(failed: Option<Failed>) -> TestResult {
    let failed = failed.ok_or("a path that is not there is taken for an answer")?;
    assert_eq!((failed.kind.as_str(), failed.is_final), (SETTING, false), "{failed:?}");
    assert!(failed.message.contains("PEER_URL"), "{failed:?}");
    Ok(())
}

async fn customers(answer: Answer) -> TestResult<(Peer, Temporal)> {
    let peer = Peer::start([answer]).await?;
    let key = RefKey::new("a key for tests only")?;
    let pseudonyms =
        Pseudonyms { key: Some(key), unsubscribe: Some("https://shop.example.com/bye".parse()?) };
    let temporal = Temporal::with(CustomerActivities::new(peer.api()?, pseudonyms, LIMIT)).await?;
    Ok((peer, temporal))
}

#[tokio::test]
async fn a_customer_is_unknown_by_the_platforms_own_code_alone() -> TestResult {
    let email = Recipient::new("lan@example.com");
    let customer_id = CustomerId::new("cus_1")?;
    let customer_ref = RefKey::new("a key for tests only")?.customer_ref(&email);
    let now = "2026-03-01T05:00:00Z".to_owned();
    let may_mail = MayMail { customer_id: customer_id.clone(), customer_ref, now };
    let unsubscribe = Unsubscribe { key: IdempotencyKey::new("a", "tell-platform"), customer_id };
    for answer in about_the_path() {
        let (_peer, temporal) = customers(answer.clone()).await?;
        is_a_setting(temporal.run(Customers::may_mail, FIRST, &may_mail).await?.err())?;
        let (_peer, temporal) = customers(answer).await?;
        is_a_setting(temporal.run(Customers::unsubscribe, FIRST, &unsubscribe).await?.err())?;
    }
    let (_peer, temporal) = customers(about_the_thing("RESOURCE_NOT_FOUND")).await?;
    let kept = MailVerdict::Keep { reason: KeptBack::NoCustomer };
    assert_eq!(temporal.run(Customers::may_mail, FIRST, &may_mail).await?, Ok(kept));
    let (_peer, temporal) = customers(about_the_thing("CUSTOMER_NOT_FOUND")).await?;
    assert_eq!(temporal.run(Customers::unsubscribe, FIRST, &unsubscribe).await?, Ok(()));
    Ok(())
}

/// How far the shop says that an integration is.
async fn state(answer: Answer) -> TestResult<Result<SyncState, Failed>> {
    let peer = Peer::start([answer]).await?;
    let connectors = Connectors::new(Credentials { named: BTreeMap::new(), folder: None }, LIMIT);
    let folder = std::env::temp_dir().join(format!("sunflow-paths-{}", std::process::id()));
    let store = Store::open(&folder.display().to_string())?;
    let temporal = Temporal::with(ErpActivities::new(connectors, peer.api()?, store)).await?;
    temporal.run(Erp::load_state, FIRST, &IntegrationId::new("ERP")?).await
}

/// An integration at its beginning is read from its first record on: nobody wants that of a wrong URL.
#[tokio::test]
async fn an_integration_is_at_its_beginning_by_the_shops_own_code_alone() -> TestResult {
    for answer in about_the_path() {
        is_a_setting(state(answer).await?.err())?;
    }
    for code in ["INTEGRATION_NOT_FOUND", "RESOURCE_NOT_FOUND"] {
        assert_eq!(state(about_the_thing(code)).await?, Ok(SyncState::default()), "{code}");
    }
    Ok(())
}
