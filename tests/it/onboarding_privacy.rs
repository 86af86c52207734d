//! No word about the person where Temporal encrypts nothing, nor in what people read every day.

use std::process::Stdio;

use serde_json::{Value, json};
use temporalio_client::{WorkflowDescribeOptions, WorkflowFetchHistoryOptions};
use temporalio_common::protos::temporal::api::common::v1::Payload;
use temporalio_common::protos::temporal::api::history::v1::HistoryEvent;
use tests::customers;
use tests::processes::binary;
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

/// An event without the payloads that a codec encrypts: inputs, results, details. Summaries, names, ids, attributes and
/// failure texts stay.
fn without_payloads(event: &HistoryEvent) -> anyhow::Result<String> {
    let mut event = serde_json::to_value(event)?;
    strip(&mut event, "");
    Ok(event.to_string())
}

fn strip(json: &mut Value, name: &str) {
    // Search attributes are payloads that nobody encrypts; a summary is shown in every list.
    if ["search_attributes", "indexed_fields", "user_metadata", "summary"].contains(&name) {
        if let Some(text) = readable(json) {
            *json = Value::String(text);
        }
        return;
    }
    match json {
        Value::Object(fields) => {
            for gone in ["input", "result", "details", "last_completion_result", "last_heartbeat_details"] {
                fields.remove(gone);
            }
            for (name, value) in fields {
                strip(value, name);
            }
        }
        Value::Array(entries) => entries.iter_mut().for_each(|entry| strip(entry, name)),
        _ => {}
    }
}

/// The bytes of payloads are arrays of numbers in the SDK's JSON, or base 64: as text they can be searched.
fn readable(json: &Value) -> Option<String> {
    fn bytes(json: &Value, found: &mut Vec<u8>) {
        match json {
            Value::Array(entries) if entries.iter().all(Value::is_u64) => {
                found.extend(entries.iter().filter_map(Value::as_u64).filter_map(|b| u8::try_from(b).ok()));
            }
            Value::Array(entries) => entries.iter().for_each(|entry| bytes(entry, found)),
            Value::Object(fields) => fields.values().for_each(|value| bytes(value, found)),
            Value::String(text) => found.extend(text.as_bytes()),
            _ => {}
        }
    }
    let mut found = Vec::new();
    bytes(json, &mut found);
    Some(format!("{} {json}", String::from_utf8_lossy(&found)))
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
        json!([]),
        json!([{ "operation": "coupons.create", "kind": "status", "status": 403 }]),
        json!([{ "operation": "customers.create", "kind": "status", "status": 400 }]),
        json!([{ "operation": "notifications.email", "kind": "status", "status": 422 }]),
    ] {
        let world = World::new().await?;
        world.shop.faults(fault.clone()).await?;
        let registration = registration();
        let run = world.register(&registration).await?;
        let _either_way = run.ended().await?;
        assert_clean(&run.workflow_id, &registration, "the workflow id");
        let parent = world.client.get_workflow_handle::<CustomerOnboarding>(run.workflow_id.clone());
        let mut events = parent.fetch_history(WorkflowFetchHistoryOptions::default()).into_events().await?;
        let description = parent.describe(WorkflowDescribeOptions::default()).await?;
        let attributes = format!("{:?}", description.search_attributes());
        assert!(attributes.contains(run.customer_ref.as_str()) || fault != json!([]), "{attributes}");
        assert_clean(&attributes, &registration, "a search attribute");
        if run.follow_up().is_open().await?.is_some() {
            let child = world.client.get_workflow_handle::<FollowUpEmails>(run.follow_up().workflow_id);
            events.extend(child.fetch_history(WorkflowFetchHistoryOptions::default()).into_events().await?);
        }
        assert!(events.len() > 5);
        for event in &events {
            let kind = format!("{:?}", event.event_type());
            assert_clean(&without_payloads(event)?, &registration, &kind);
        }
        // The test can fail: with its payloads the history does name the person.
        let whole = format!("{events:?}");
        let input = Payload { data: NAME.as_bytes().to_vec(), ..Payload::default() };
        let shown = format!("{:?}", input.data);
        assert!(
            whole.contains(NAME) || whole.contains(shown.trim_matches(['[', ']'])),
            "the search finds nothing at all"
        );
    }
    Ok(())
}

/// The worker's log, at the level where it says most, while everything goes wrong once.
#[tokio::test]
async fn the_workers_log_names_nobody() -> anyhow::Result<()> {
    let world = World::without_worker(&tests::servers::dev_server()?).await?;
    world
        .shop
        .faults(json!([{ "operation": "*", "kind": "reply_lost", "probability": 0.3, "seed": 3 }]))
        .await?;
    let log = std::env::temp_dir().join(format!("sunflow-log-{}-{}", std::process::id(), world.task_queue));
    let file = std::fs::File::create(&log)?;
    let address = world.address().to_owned();
    let mut worker = Command::new(binary("worker")?)
        .args(["--address", &address, "--task-queue", &world.task_queue, "--listen=127.0.0.1:0"])
        .args(["--ecommerce-api-url", &world.shop.url(), "--ref-key", customers::REF_KEY])
        .args(["--retry-first=100ms", "--ecommerce-api-timeout=2000", "--log=debug"])
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .kill_on_drop(true)
        .spawn()?;
    let registration = registration();
    let run = world.register(&registration).await?;
    let ended = tokio::time::timeout(LIMIT, run.ended()).await?;
    worker.kill().await?;
    let said = std::fs::read_to_string(&log)?;
    std::fs::remove_file(&log)?;
    ended?;
    assert!(said.len() > 1_000, "the log says nothing: {said}");
    assert_clean(&said, &registration, "the log");
    Ok(())
}
