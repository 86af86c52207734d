//! One click in a marketing mail, through the worker's door.

use std::time::{Duration, Instant};

use contracts::customers::KeptBack;
use contracts::values::CustomerId;
use jiff::{SignedDuration, Timestamp};
use pseudonym::RefKey;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use temporalio_client::WorkflowGetResultOptions;
use tests::customers::{self, REF_KEY, customer_ref};
use tests::processes::free_port;
use tests::servers::{self, Durable};
use tests::world::{LIMIT, WorkerProcess, World};
use workflows::follow_up_emails::Fate;
use workflows::unsubscription::{self, Unsubscription};

const FORM: &str = "application/x-www-form-urlencoded";
const ONE_CLICK: &str = "List-Unsubscribe=One-Click";

/// A shop with one customer, and a worker whose door is open.
struct Door {
    world: World,
    worker: WorkerProcess,
    url: String,
    registration: Value,
    customer_id: CustomerId,
}

impl Door {
    async fn open() -> anyhow::Result<Self> {
        Self::on(&servers::dev_server()?).await
    }

    async fn on(temporal: &str) -> anyhow::Result<Self> {
        let world = World::without_worker(temporal).await?;
        let port = free_port()?;
        let url = format!("http://127.0.0.1:{port}/unsubscribe");
        let worker = world.spawn_worker(&[
            &format!("--webhook-listen=127.0.0.1:{port}"),
            &format!("--unsubscribe-url={url}"),
            "--follow-up-tips=2s",
            "--follow-up-recommendations=1h",
        ])?;
        let registration = customers::registration();
        let customer_id = world.open_account(&registration).await?;
        let until = Instant::now() + LIMIT;
        while reqwest::get(&url).await.is_err() {
            anyhow::ensure!(Instant::now() < until, "the door never opened");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(Self { world, worker, url, registration, customer_id })
    }

    /// The customer's own link, made as whoever knows the key makes it.
    fn link(&self) -> anyhow::Result<String> {
        self.link_of(&self.customer_id)
    }

    /// The same for another account of the same address.
    fn link_of(&self, account: &CustomerId) -> anyhow::Result<String> {
        let customer = customer_ref(&self.registration)?;
        let token = RefKey::new(REF_KEY)?.unsubscribe_token(&customer, account);
        Ok(format!("{}/{customer}/{account}/{token}", self.url))
    }

    async fn ask(&self, method: Method, link: &str, kind: &str, body: &str) -> anyhow::Result<Response> {
        let request = reqwest::Client::new().request(method, link).header(CONTENT_TYPE, kind);
        Ok(request.body(body.to_owned()).send().await?)
    }

    async fn click(&self, link: &str) -> anyhow::Result<u16> {
        Ok(self.ask(Method::POST, link, FORM, ONE_CLICK).await?.status().as_u16())
    }

    async fn is_unsubscribed(&self) -> anyhow::Result<bool> {
        Ok(self.world.only_customer().await?["mail"]["unsubscribed"] == json!(true))
    }

    /// Waits until the platform knows it.
    async fn reaches_the_platform(&self) -> anyhow::Result<()> {
        let until = Instant::now() + LIMIT;
        while !self.is_unsubscribed().await? {
            anyhow::ensure!(Instant::now() < until, "the platform never heard of it");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Waits until the run of the customer's click has ended.
    async fn has_ended(&self) -> anyhow::Result<()> {
        let id = unsubscription::workflow_id(&customer_ref(&self.registration)?, &self.customer_id);
        let run = self.world.client.get_workflow_handle::<Unsubscription>(id);
        run.get_result(WorkflowGetResultOptions::default()).await?;
        Ok(())
    }

    async fn is_under_way(&self) -> anyhow::Result<bool> {
        let id = unsubscription::workflow_id(&customer_ref(&self.registration)?, &self.customer_id);
        Ok(self.world.attach_run(&id).cost().await.is_ok())
    }
}

/// The link of the mail itself, as a mail provider finds it.
fn link_in(mail: &Value) -> String {
    let header = mail["message"]["headers"]["List-Unsubscribe"].as_str().unwrap_or_default();
    header.trim_matches(['<', '>']).to_owned()
}

#[tokio::test]
async fn one_click_on_the_link_of_a_mail_ends_the_series_and_reaches_the_platform() -> anyhow::Result<()> {
    let door = Door::open().await?;
    let series = door.world.follow_up(&door.registration, &door.customer_id, Timestamp::now()).await?;
    series.until("has sent the first mail", |p| p.steps_completed == 1).await?;
    let outbox = door.world.shop.get("outbox").await?;
    let link = link_in(&outbox[0]);
    assert_eq!(link, door.link()?);
    let parts =
        "--B\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--B--\r\n";
    let answer = door.ask(Method::POST, &link, "multipart/form-data; boundary=B", parts).await?;
    assert_eq!((answer.status().as_u16(), answer.headers().get("cache-control").is_some()), (200, true));
    let result = series.ended().await?.completed()?;
    assert_eq!(result.ended_by, Some(KeptBack::Unsubscribed));
    assert_eq!(result.mails[1].fate, Fate::KeptBack { reason: KeptBack::Unsubscribed });
    door.reaches_the_platform().await?;
    // Again and again: nothing more happens, and nobody is told otherwise.
    for _ in 0..5 {
        assert_eq!(door.click(&link).await?, 200);
    }
    assert_eq!(door.world.mailed().await?, ["onboarding_tips"]);
    door.world.shop.clean().await?;
    Ok(())
}

#[tokio::test]
async fn a_click_before_or_after_the_series_holds_later_mails_back() -> anyhow::Result<()> {
    let door = Door::open().await?;
    assert_eq!(door.click(&door.link()?).await?, 200);
    door.reaches_the_platform().await?;
    // A series that begins later, and whose first mail is due: it asks, and is told.
    let long_ago = Timestamp::now() - SignedDuration::from_hours(1);
    let series = door.world.follow_up(&door.registration, &door.customer_id, long_ago).await?;
    let result = series.ended().await?.completed()?;
    assert_eq!(result.ended_by, Some(KeptBack::Unsubscribed));
    assert!(door.world.mailed().await?.is_empty());
    // The customer has wanted mails again meanwhile; the series has ended: a new click counts again.
    let path = format!("customers/{}", door.customer_id);
    door.world.shop.put(&path, json!({ "unsubscribed": false })).await?;
    assert_eq!(door.click(&door.link()?).await?, 200);
    door.reaches_the_platform().await
}

#[tokio::test]
async fn a_scanner_that_follows_the_link_unsubscribes_nobody_and_the_button_does() -> anyhow::Result<()> {
    let door = Door::open().await?;
    let link = door.link()?;
    for method in [Method::GET, Method::HEAD] {
        let page = door.ask(method, &link, "", "").await?;
        assert_eq!(page.status().as_u16(), 200);
        assert_eq!(page.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
        assert_eq!(page.headers()["x-robots-tag"], "noindex");
        let html = page.text().await?;
        assert!(html.is_empty() || html.contains(r#"<form method="post">"#), "{html}");
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!door.is_unsubscribed().await? && !door.is_under_way().await?);
    // The form on the page sends this, to the page's own address.
    assert_eq!(door.click(&link).await?, 200);
    door.reaches_the_platform().await
}

#[tokio::test]
async fn who_has_no_right_token_changes_nothing() -> anyhow::Result<()> {
    let door = Door::open().await?;
    let link = door.link()?;
    let mut stranger = customers::registration();
    stranger["email"] = json!("somebody@example.com");
    let (customer, stranger) = (customer_ref(&door.registration)?, customer_ref(&stranger)?);
    let (start, token) = link.rsplit_once('/').unwrap_or_default();
    for wrong in [
        format!("{start}/{}", "0".repeat(32)),
        format!("{start}/{}", &token[1..]),
        format!("{start}/"),
        format!("{start}//{token}"),
        format!("{start}/{token}/more"),
        link.replace(customer.as_str(), stranger.as_str()),
        link.replace(door.customer_id.as_str(), "cus_000999"),
        link.replace(customer.as_str(), "somebody%40example.com"),
        door.url.clone(),
    ] {
        assert_eq!(door.click(&wrong).await?, 404, "{wrong}");
        assert_eq!(reqwest::get(&wrong).await?.status().as_u16(), 404, "{wrong}");
    }
    assert_eq!(door.ask(Method::PUT, &link, FORM, ONE_CLICK).await?.status().as_u16(), 405);
    // No secret for payment events, no door for them.
    let payments = door.url.replace("/unsubscribe", "/webhooks/payments");
    assert_eq!(door.click(&payments).await?, 404);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!door.is_unsubscribed().await? && !door.is_under_way().await?);
    Ok(())
}

/// M6: mail providers have their own ideas of a form.
#[tokio::test]
async fn a_click_counts_whatever_its_body_and_with_a_slash_at_the_end() -> anyhow::Result<()> {
    let quoted =
        "--B\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--B--\r\n";
    let unquoted = quoted.replace('"', "");
    let door = Door::open().await?;
    let path = format!("customers/{}", door.customer_id);
    let large = "x".repeat(60 * 1024);
    for (kind, body, end) in [
        ("", "", ""),
        (FORM, "", ""),
        ("text/plain", ONE_CLICK, ""),
        ("application/json", "{}", ""),
        ("multipart/form-data; boundary=B", quoted, ""),
        ("multipart/form-data; boundary=B", unquoted.as_str(), ""),
        ("multipart/form-data", unquoted.as_str(), ""),
        (FORM, ONE_CLICK, "/"),
        (FORM, large.as_str(), ""),
    ] {
        door.world.shop.put(&path, json!({ "unsubscribed": false })).await?;
        let link = format!("{}{end}", door.link()?);
        let answer = door.ask(Method::POST, &link, kind, body).await?;
        assert_eq!(answer.status().as_u16(), 200, "{kind}: {}", &body[..body.len().min(80)]);
        door.reaches_the_platform().await?;
        door.has_ended().await?;
    }
    Ok(())
}

/// The platform is away, and both accounts of an address are clicked out of: neither click is dropped.
#[tokio::test]
async fn a_click_for_a_second_account_of_the_address_is_a_run_of_its_own() -> anyhow::Result<()> {
    let door = Door::open().await?;
    let other = CustomerId::new("cus_second_account")?;
    let down = json!([{ "operation": "customers.unsubscribe", "kind": "status", "status": 503 }]);
    door.world.shop.faults(down).await?;
    for account in [&door.customer_id, &other] {
        assert_eq!(door.click(&door.link_of(account)?).await?, 200);
        let id = unsubscription::workflow_id(&customer_ref(&door.registration)?, account);
        assert!(door.world.attach_run(&id).cost().await.is_ok(), "{id}");
    }
    Ok(())
}

/// The door keeps its promise, whoever dies meanwhile.
#[tokio::test]
async fn a_click_outlives_an_outage_of_the_platform_and_the_worker_that_took_it() -> anyhow::Result<()> {
    let mut door = Door::open().await?;
    let down = json!([{ "operation": "customers.unsubscribe", "kind": "status", "status": 503 }]);
    door.world.shop.faults(down).await?;
    assert_eq!(door.click(&door.link()?).await?, 200);
    door.world.shop.requested("customers.unsubscribe").await?;
    door.worker.kill()?;
    door.world.shop.mend().await?;
    let _other = door.world.spawn_worker(&[])?;
    door.reaches_the_platform().await
}

#[tokio::test]
async fn a_click_while_temporal_is_away_is_answered_with_try_again() -> anyhow::Result<()> {
    let mut temporal = Durable::start()?;
    let door = Door::on(&temporal.address()).await?;
    door.world.is_polled().await?;
    temporal.kill()?;
    let answer = door.ask(Method::POST, &door.link()?, FORM, ONE_CLICK).await?;
    assert_eq!((answer.status().as_u16(), answer.headers().contains_key("retry-after")), (503, true));
    assert!(!door.is_unsubscribed().await?);
    temporal.restart().await?;
    let until = Instant::now() + LIMIT;
    while door.click(&door.link()?).await? != 200 {
        anyhow::ensure!(Instant::now() < until, "the door never found Temporal again");
    }
    door.reaches_the_platform().await
}
