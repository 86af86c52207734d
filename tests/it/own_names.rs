//! A run that carries another name than its input says, or no input at all, fails before it calls anybody. Under a name
//! of its own it could charge, mail or write beside the run that its name belongs to.

use serde_json::{Value, json};
use temporalio_client::errors::WorkflowGetResultError;
use temporalio_client::{UntypedWorkflow, WorkflowGetResultOptions, WorkflowStartOptions};
use temporalio_common::data_converters::RawValue;
use temporalio_common::error::IncomingError;
use temporalio_common::protos::temporal::api::common::v1::Payload;
use tests::world::{LIMIT, World};
use tests::{customers, orders};

/// Starts a run by hand, as anybody who reaches Temporal can, and gives type and first line of its failure.
async fn failure(
    world: &World,
    workflow_type: &str,
    workflow_id: &str,
    input: Option<&Value>,
) -> anyhow::Result<(String, String)> {
    let payload = |json: &Value| Payload {
        metadata: [("encoding".to_owned(), b"json/plain".to_vec())].into(),
        data: json.to_string().into_bytes(),
        external_payloads: Vec::new(),
    };
    let input = RawValue::new(input.map(payload).into_iter().collect());
    let options = WorkflowStartOptions::new(world.task_queue.clone(), workflow_id.to_owned()).build();
    let run = world.client.start_workflow(UntypedWorkflow::new(workflow_type), input, options).await?;
    let result = tokio::time::timeout(LIMIT, run.get_result(WorkflowGetResultOptions::default())).await?;
    match result {
        Err(WorkflowGetResultError::Failed(error)) => match *error {
            IncomingError::Application(failure) => {
                Ok((failure.type_name().unwrap_or_default().to_owned(), failure.to_string()))
            }
            other => anyhow::bail!("failed without an application failure: {other}"),
        },
        Err(other) => anyhow::bail!("ended as {other}"),
        Ok(_) => anyhow::bail!("it went through"),
    }
}

/// Every process, the failure of a wrong input, an input, and a name that is not its own.
fn processes() -> anyhow::Result<Vec<(&'static str, &'static str, Value, &'static str)>> {
    let follow_up = json!({
        "customer_ref": "0123456789abcdef", "customer_id": "CUST-1", "email": "lan@example.com",
        "first_name": "Lan", "registered_at": "2026-01-31T12:00:00Z"
    });
    let probe = json!({ "key": "probes/abc.txt", "bytes": 3, "sha256": "0".repeat(64) });
    let sync: Value = serde_json::from_str(include_str!("../../starter/samples/erp.json"))?;
    Ok(vec![
        ("OrderProcessing", "OrderInvalid", orders::order(), "order/ORDER-ELSE"),
        (
            "LatePayment",
            "LatePaymentInvalid",
            json!({ "order_id": "ORDER-001", "event_id": "evt_1" }),
            "order/ORDER-001/late/evt_1",
        ),
        (
            "CustomerOnboarding",
            "RegistrationInvalid",
            customers::registration(),
            "onboarding/lan@example.com",
        ),
        ("FollowUpEmails", "FollowUpInvalid", follow_up, "onboarding/fedcba9876543210/follow-up"),
        (
            "Unsubscription",
            "UnsubscriptionInvalid",
            json!({ "customer_ref": "0123456789abcdef", "customer_id": "CUST-1" }),
            "onboarding/fedcba9876543210/unsubscribe",
        ),
        ("ErpSync", "SyncInvalid", sync, "erp/another"),
        ("StoreCleanUp", "CleanUpInvalid", json!({}), "clean-up"),
        ("StoreProbe", "ProbeInvalid", probe, "store/probe/ffffffffffffffff"),
    ])
}

#[tokio::test]
async fn a_run_under_another_name_fails_as_invalid_and_calls_nobody() -> anyhow::Result<()> {
    let world = World::new().await?;
    for (workflow_type, invalid, input, id) in processes()? {
        let (kind, message) = failure(&world, workflow_type, id, Some(&input)).await?;
        assert_eq!(kind, invalid, "{workflow_type}: {message}");
        assert!(message.contains("(workflow id) is not "), "{workflow_type}: {message}");
        // The name may hold anything, an address too.
        assert!(!message.contains("lan@example.com"), "{message}");
    }
    nobody_was_called(&world).await
}

#[tokio::test]
async fn a_start_without_any_payload_fails_as_invalid_and_calls_nobody() -> anyhow::Result<()> {
    let world = World::new().await?;
    for (workflow_type, invalid, _, _) in processes()? {
        let id = format!("{}/{workflow_type}-without-payload", world.task_queue);
        let (kind, message) = failure(&world, workflow_type, &id, None).await?;
        assert_eq!(kind, invalid, "{workflow_type}: {message}");
        assert!(message.contains("(input) is missing: the run was started without any"), "{message}");
    }
    nobody_was_called(&world).await
}

async fn nobody_was_called(world: &World) -> anyhow::Result<()> {
    let requests = world.shop.get("requests").await?;
    let calls: u64 = requests.as_object().into_iter().flatten().filter_map(|(_, n)| n.as_u64()).sum();
    anyhow::ensure!(calls == 0, "somebody was called: {requests}");
    Ok(())
}

/// A failure that lists everything would be too large to be written, and its task would be tried for ever.
#[tokio::test]
async fn an_input_with_very_many_problems_fails_too() -> anyhow::Result<()> {
    let world = World::new().await?;
    let fields = (0..25_000).map(|n| (format!("f{n}"), json!(n)));
    let input = Value::Object(fields.collect());
    let (kind, message) = failure(&world, "OrderProcessing", "order/ORDER-MANY", Some(&input)).await?;
    assert_eq!(kind, "OrderInvalid");
    assert!(message.contains("and 2") && message.contains(" more"), "{}", message.len());
    assert!(message.len() < 50_000, "{}", message.len());
    Ok(())
}
