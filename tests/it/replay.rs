//! Recorded histories must still replay: they stand for runs that are under way in some shop.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::Context as _;
use contracts::inventory::{Inventory, ReleaseStock, ReserveStock};
use contracts::payment::{ChargePayment, Payments, ReversePayment};
use contracts::values::{IdempotencyKey, PaymentToken};
use temporalio_client::WorkflowHistory;
use temporalio_sdk::workflow_replayer::{WorkflowReplayer, WorkflowReplayerOptions};
use temporalio_workflow::{WorkflowContext, WorkflowResult, workflow};
use tests::scenarios;
use workflows::bulk_price_update::BulkPriceUpdate;
use workflows::catalog_setup::CatalogSetup;
use workflows::customer_onboarding::CustomerOnboarding;
use workflows::erp_sync::ErpSync;
use workflows::face;
use workflows::follow_up_emails::FollowUpEmails;
use workflows::input::{Problem, Unchecked};
use workflows::late_payment::LatePayment;
use workflows::order_processing::{OrderData, OrderProcessing, OrderProcessingResult};
use workflows::policy;
use workflows::price_export::PriceExport;
use workflows::price_revert::PriceRevert;
use workflows::report::StepSpec;
use workflows::saga::{About, Process, Saga, SagaState};
use workflows::unsubscription::Unsubscription;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("histories")
}

fn histories() -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for file in std::fs::read_dir(folder())? {
        let path = file?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[tokio::test]
async fn every_recorded_history_replays() -> anyhow::Result<()> {
    let replayer = WorkflowReplayer::new(
        WorkflowReplayerOptions::new()
            .register_workflow::<OrderProcessing>()?
            .register_workflow::<LatePayment>()?
            .register_workflow::<CustomerOnboarding>()?
            .register_workflow::<FollowUpEmails>()?
            .register_workflow::<ErpSync>()?
            .register_workflow::<BulkPriceUpdate>()?
            .register_workflow::<PriceRevert>()?
            .register_workflow::<PriceExport>()?
            .register_workflow::<CatalogSetup>()?
            .register_workflow::<Unsubscription>()?
            .build(),
    )?;
    let histories = histories()?;
    for scenario in scenarios::all() {
        let is_recorded = histories.iter().any(|file| file.file_stem().is_some_and(|s| s == scenario.name));
        assert!(is_recorded, "{} has no history: cargo xtask record", scenario.name);
    }
    // Every file, also of a way that no scenario goes any more: runs that went it may be under way.
    let mut broken = Vec::new();
    for file in histories {
        let history = WorkflowHistory::from_json(&std::fs::read(&file)?)?;
        if let Err(error) = replayer.replay_workflow(history).await {
            broken.push(format!("{}: {error:#}", file.display()));
        }
    }
    assert!(broken.is_empty(), "a change to the process breaks runs under way:\n{}", broken.join("\n"));
    Ok(())
}

/// Append-only: a changed history would hide that a change to a process breaks running ones.
#[test]
fn no_recorded_history_was_changed() -> anyhow::Result<()> {
    let sums = std::fs::read_to_string(folder().join("SHA256SUMS"))?;
    let mut listed = 0;
    for line in sums.lines() {
        let (sum, name) = line.split_once("  ").context("SHA256SUMS holds a line of another shape")?;
        let history = std::fs::read(folder().join(name)).with_context(|| name.to_owned())?;
        assert_eq!(scenarios::checksum(&history), sum, "{name} was changed: record a new scenario instead");
        listed += 1;
    }
    assert_eq!(listed, histories()?.len(), "a history is not in SHA256SUMS");
    Ok(())
}

/// The process with two commands swapped: what a careless change would look like.
#[workflow]
#[derive(Default)]
struct Careless {
    saga: SagaState,
}

impl Process for Careless {
    const NAME: &'static str = OrderProcessing::NAME;
    const INVALID: &'static str = OrderProcessing::INVALID;
    const STEPS: &'static [StepSpec] = OrderProcessing::STEPS;
    type Input = OrderData;

    fn named(workflow_id: &str, order: &OrderData) -> Result<About, Problem> {
        OrderProcessing::named(workflow_id, order)
    }
}

face! {
impl Careless {
    #[run(name = "OrderProcessing")]
    async fn run(
        ctx: &mut WorkflowContext<Self>,
        input: Unchecked<OrderData>,
    ) -> WorkflowResult<Option<OrderProcessingResult>> {
        let (order, saga) = Saga::open(ctx, &input)?;
        let key = IdempotencyKey::new(ctx.workflow_id(), "process-payment");
        let charge = ChargePayment {
            key: key.clone(),
            order_id: order.order_id.clone(),
            customer_id: order.customer_id.clone(),
            amount: order.total_amount,
            kind: order.payment_kind,
            token: Some(PaymentToken::new("card_token_123")),
            looks_first: false,
        };
        let reverse = ReversePayment {
            key: key.clone(),
            order_id: order.order_id.clone(),
            payment_id: None,
            other_ids: BTreeSet::new(),
            reason: "test".to_owned(),
            round: 0,
            not_before: None,
        };
        let charged = saga
            .step("process-payment", Payments::charge, charge, policy::money())
            .undo_by(Payments::reverse, reverse)
            .await;
        let (order_id, lines) = (order.order_id.clone(), order.stock_lines());
        let hold = ReserveStock {
            key: key.clone(),
            order_id: order_id.clone(),
            lines: lines.clone(),
            expires_at: "2030-01-01T00:00:00Z".to_owned(),
        };
        let held = saga
            .step("reserve-inventory", Inventory::reserve, hold, policy::stock())
            .undo_by(Inventory::release, ReleaseStock { key, order_id, lines, is_answered: false, sold: Vec::new() })
            .await;
        assert!(charged.is_ok() && held.is_ok());
        Ok(None)
    }
}
}

/// The test of the test.
#[tokio::test]
async fn a_change_that_reorders_commands_is_caught() -> anyhow::Result<()> {
    let careless =
        WorkflowReplayer::new(WorkflowReplayerOptions::new().register_workflow::<Careless>()?.build())?;
    let json = std::fs::read(folder().join("complete.json"))?;
    let replayed = careless.replay_workflow(WorkflowHistory::from_json(&json)?).await;
    let error = replayed.err().context("swapped commands replayed")?;
    assert!(format!("{error:?}").contains("TMPRL1100"), "{error:?}");
    Ok(())
}
