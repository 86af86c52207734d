//! No word about the person where Temporal encrypts nothing, nor in what people read every day.

use std::process::Stdio;

use contracts::values::CustomerId;
use pseudonym::RefKey;
use serde_json::{Value, json};
use temporalio_client::WorkflowFetchHistoryOptions;
use tests::clear::text;
use tests::customers;
use tests::processes::{binary, free_port};
use tests::world::{LIMIT, World};
use tokio::process::Command;
use workflows::customer_onboarding::CustomerOnboarding;
use workflows::follow_up_emails::FollowUpEmails;

/// Words that only the person has.
const NAME: &str = "Zacharias";
const PHONE: &str = "+84901239876";

fn registration() -> Value {
    let mut registration = customers::registration();
    registration["first_name"] = json!(NAME);
    registration["phone"] = json!(PHONE);
    registration
}

fn assert_clean(text: &str, registration: &Value, place: &str) {
    let address = registration["email"].as_str().unwrap_or_default();
    for word in [address, NAME, PHONE, "Van A", "1990-01-01"] {
        assert!(!text.contains(word), "{place} names the person: {word} in {text}");
    }
}

#[tokio::test]
async fn histories_name_nobody_outside_of_payloads() -> anyhow::Result<()> {
    for fault in [
        // Going on with a known address: found, refused, and given up.
        json!([{ "operation": "customers.create", "kind": "status", "status": 503, "count": 2 }]),
        json!([{ "operation": "customers.get", "kind": "status", "status": 400, "count": 1 }]),
        json!([{ "operation": "loyalty.get", "kind": "status", "status": 422 }]),
        json!([]),
        json!([{ "operation": "coupons.create", "kind": "status", "status": 422 }]),
        json!([{ "operation": "customers.create", "kind": "status", "status": 400 }]),
        json!([{ "operation": "notifications.email", "kind": "status", "status": 422 }]),
    ] {
        let world = World::new().await?;
        world.shop.faults(fault.clone()).await?;
        let mut registration = registration();
        if fault.to_string().contains(".get") {
            registration["if_registered"] = json!("continue");
            world.open_account(&registration).await?;
        }
        let run = world.register(&registration).await?;
        let _either_way = run.ended().await?;
        assert_clean(&run.workflow_id, &registration, "the workflow id");
        let parent = world.client.get_workflow_handle::<CustomerOnboarding>(run.workflow_id.clone());
        let mut events = parent.fetch_history(WorkflowFetchHistoryOptions::default()).into_events().await?;
        if run.follow_up().is_open().await?.is_some() {
            let child = world.client.get_workflow_handle::<FollowUpEmails>(run.follow_up().workflow_id);
            events.extend(child.fetch_history(WorkflowFetchHistoryOptions::default()).into_events().await?);
        }
        // Inputs and results are what a codec encrypts. Everything else is searched: ids, names, summaries, search
        // attributes, failures with their details.
        for event in &events {
            let kind = format!("{:?}", event.event_type());
            assert_clean(&text(event, &["input", "result"])?, &registration, &kind);
        }
        // The search finds what is there.
        let whole: Vec<String> = events.iter().map(|event| text(event, &[])).collect::<Result<_, _>>()?;
        let whole = whole.join(" ");
        for word in [NAME, "create-customer: open the account", run.customer_ref.as_str()] {
            assert!(whole.contains(word), "{word} is not found in the whole history");
        }
    }
    Ok(())
}

/// The worker's log, at the level where it says most, while everything goes wrong once.
#[tokio::test]
async fn the_workers_log_names_nobody() -> anyhow::Result<()> {
    let world = World::without_worker(&tests::servers::dev_server()?).await?;
    let mut registration = registration();
    // Going on with a known address asks for it by name.
    registration["if_registered"] = json!("continue");
    world.open_account(&registration).await?;
    world
        .shop
        .faults(json!([{ "operation": "*", "kind": "reply_lost", "probability": 0.3, "seed": 3 }]))
        .await?;
    let log = std::env::temp_dir().join(format!("sunflow-log-{}-{}", std::process::id(), world.task_queue));
    let file = std::fs::File::create(&log)?;
    let (address, door) = (world.address().to_owned(), format!("127.0.0.1:{}", free_port()?));
    let mut worker = Command::new(binary("worker")?)
        .args(["--address", &address, "--task-queue", &world.task_queue, "--listen=127.0.0.1:0"])
        .args(["--ecommerce-api-url", &world.shop.url(), "--ref-key", customers::REF_KEY])
        .args(["--webhook-listen", &door, "--unsubscribe-url", &format!("http://{door}/unsubscribe")])
        .args(["--retry-first=100ms", "--ecommerce-api-timeout=2000", "--log=debug"])
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .kill_on_drop(true)
        .spawn()?;
    let run = world.register(&registration).await?;
    let ended = tokio::time::timeout(LIMIT, run.ended()).await?;
    anyhow::ensure!(world.shop.requests("customers.get").await? > 0, "nobody asked for the address");
    // A click on the link of a mail, one on a wrong one, and a series that tells what became of them.
    let customer_id = world.only_customer().await?["customer"]["customer_id"].clone();
    let customer_id = CustomerId::new(customer_id.as_str().unwrap_or_default())?;
    let token = RefKey::new(customers::REF_KEY)?.unsubscribe_token(&run.customer_ref, &customer_id);
    for token in [token.as_str(), "0000"] {
        let link = format!("http://{door}/unsubscribe/{}/{customer_id}/{token}", run.customer_ref);
        let click =
            reqwest::Client::new().post(link).header("content-type", "application/x-www-form-urlencoded");
        click.body("List-Unsubscribe=One-Click").send().await?;
    }
    world.shop.requested("customers.unsubscribe").await?;
    worker.kill().await?;
    let said = std::fs::read_to_string(&log)?;
    std::fs::remove_file(&log)?;
    ended?;
    assert!(said.len() > 1_000, "the log says nothing: {said}");
    assert!(!said.contains(&token), "the log holds a link: {said}");
    assert_clean(&said, &registration, "the log");
    Ok(())
}
