//! The processes and activities that a worker runs, as two visible lists.

use anyhow::Context as _;
use futures::FutureExt as _;
use temporalio_client::{Client, UntypedWorkflow, WorkflowDescribeOptions};
use temporalio_common::protos::temporal::api::enums::v1::PendingActivityState;
use temporalio_common::worker::{VersioningBehavior, WorkerDeploymentOptions, WorkerDeploymentVersion};
use temporalio_sdk::WorkerOptions;
use temporalio_sdk::runtime::worker_tuner::{FixedSizeSlotSupplier, TunerHolder};
use temporalio_sdk::runtime::{AutoscalingOptions, PollerBehavior};
use workflows::bulk_price_update::BulkPriceUpdate;
use workflows::catalog_setup::CatalogSetup;
use workflows::customer_onboarding::CustomerOnboarding;
use workflows::erp_sync::ErpSync;
use workflows::follow_up_emails::FollowUpEmails;
use workflows::late_payment::LatePayment;
use workflows::order_processing::OrderProcessing;
use workflows::policy::BULK_QUEUE;
use workflows::price_export::PriceExport;
use workflows::price_revert::PriceRevert;
use workflows::store_clean_up::StoreCleanUp;
use workflows::store_probe::StoreProbe;
use workflows::unsubscription::Unsubscription;

use crate::config::{Deployment, Settings, Tuning};
use crate::failing::Failing;
use crate::metrics::{Counted, Exporter};
use crate::slots::{IsWanted, Slots, places};
use crate::systems::{Activities, BulkActivities, Systems};

/// The kinds of bulk work: what stands before the dot of its activities' names. Each has slots of its own.
const BULK_KINDS: [&str; 4] = ["catalog", "erp", "objects", "prices"];

/// The outside systems of the other activities: what stands before the dot of their names.
const SYSTEMS: [&str; 7] =
    ["commerce", "customers", "inventory", "loyalty", "notification", "payment", "shipping"];

/// The processes whose figures stand at 0 before anything has happened.
pub(crate) fn counted() -> Vec<Counted> {
    vec![
        Counted::of::<OrderProcessing>(),
        Counted::of::<LatePayment>(),
        Counted::of::<CustomerOnboarding>(),
        Counted::of::<FollowUpEmails>(),
        Counted::of::<ErpSync>(),
        Counted::of::<BulkPriceUpdate>(),
        Counted::of::<PriceRevert>(),
        Counted::of::<PriceExport>(),
        Counted::of::<CatalogSetup>(),
        Counted::of::<StoreCleanUp>(),
        Counted::of::<StoreProbe>(),
        Counted::of::<Unsubscription>(),
    ]
}

/// The options of the two workers: one runs every process and the activities of the shop's systems, the other one bulk
/// work, which goes through thousands of rows and must not stand in an order's way.
pub(crate) fn options(
    settings: &Settings,
    systems: Systems,
    client: &Client,
    exporter: &Exporter,
) -> anyhow::Result<(WorkerOptions, WorkerOptions)> {
    let Activities {
        commerce,
        inventory,
        payment,
        shipping,
        notification,
        customers,
        loyalty,
        bulk: of_bulk,
    } = systems.into_activities(settings)?;
    let failing = Failing::new(exporter, SYSTEMS.into_iter().chain(BULK_KINDS));
    let Tuning { workflow_pollers, activity_pollers, cached_workflows, sticky_timeout, .. } = settings.tuning;
    let options = WorkerOptions::new(settings.temporal.task_queue.clone())
        // Processes.
        .register_workflow::<OrderProcessing>()
        .context("OrderProcessing cannot be registered")?
        .register_workflow::<LatePayment>()
        .context("LatePayment cannot be registered")?
        .register_workflow::<CustomerOnboarding>()
        .context("CustomerOnboarding cannot be registered")?
        .register_workflow::<FollowUpEmails>()
        .context("FollowUpEmails cannot be registered")?
        .register_workflow::<ErpSync>()
        .context("ErpSync cannot be registered")?
        .register_workflow::<BulkPriceUpdate>()
        .context("BulkPriceUpdate cannot be registered")?
        .register_workflow::<PriceRevert>()
        .context("PriceRevert cannot be registered")?
        .register_workflow::<PriceExport>()
        .context("PriceExport cannot be registered")?
        .register_workflow::<CatalogSetup>()
        .context("CatalogSetup cannot be registered")?
        .register_workflow::<StoreCleanUp>()
        .context("StoreCleanUp cannot be registered")?
        .register_workflow::<StoreProbe>()
        .context("StoreProbe cannot be registered")?
        .register_workflow::<Unsubscription>()
        .context("Unsubscription cannot be registered")?
        // Activities, by outside system.
        .register_activities(commerce)
        .register_activities(inventory)
        .register_activities(payment)
        .register_activities(shipping)
        .register_activities(notification)
        .register_activities(customers)
        .register_activities(loyalty)
        .activity_inbound_interceptor(failing.clone())
        .maybe_deployment_options(settings.temporal.deployment.as_ref().map(versioned))
        .tuner(tuner(&settings.tuning))
        .max_cached_workflows(cached_workflows)
        .workflow_task_poller_behavior(pollers(2, workflow_pollers))
        .activity_task_poller_behavior(pollers(1, activity_pollers))
        .sticky_queue_schedule_to_start_timeout(sticky_timeout)
        .graceful_shutdown_period(settings.operation.grace_period)
        .build();
    Ok((options, bulk(settings, of_bulk, client, failing)))
}

/// The worker of bulk work: its activities, and no process.
fn bulk(settings: &Settings, activities: BulkActivities, client: &Client, failing: Failing) -> WorkerOptions {
    let BulkActivities { catalog, erp, prices, objects } = activities;
    let each = settings.bulk.slots;
    let slots = places(each, BULK_KINDS.len());
    WorkerOptions::new(format!("{}{BULK_QUEUE}", settings.temporal.task_queue))
        .register_activities(catalog)
        .register_activities(erp)
        .register_activities(prices)
        .register_activities(objects)
        .maybe_deployment_options(settings.temporal.deployment.as_ref().map(versioned))
        .tuner(
            TunerHolder::builder()
                .workflow_task_slot_supplier(FixedSizeSlotSupplier::new(1))
                .activity_task_slot_supplier(FixedSizeSlotSupplier::new(slots))
                .local_activity_task_slot_supplier(FixedSizeSlotSupplier::new(1))
                .nexus_task_slot_supplier(FixedSizeSlotSupplier::new(1))
                .build(),
        )
        .activity_inbound_interceptor(Slots::new(each, is_wanted(client)))
        // Within the slots: an activity that has no slot has not begun, so it has not failed.
        .activity_inbound_interceptor(failing)
        .max_task_queue_activities_per_second(f64::from(settings.bulk.rate))
        .activity_task_poller_behavior(pollers(1, slots.min(settings.tuning.activity_pollers)))
        .graceful_shutdown_period(settings.operation.grace_period)
        .build()
}

/// Asks Temporal. A run that was stopped asks its activity to be cancelled; one that was terminated has no activity any
/// more. If there is no answer, the activity counts as wanted.
fn is_wanted(client: &Client) -> Box<IsWanted> {
    let client = client.clone();
    Box::new(move |info| {
        let activity = info.activity_id.clone();
        let run = info.workflow_id.clone().map(|id| client.get_workflow_handle::<UntypedWorkflow>(id));
        async move {
            let Some(run) = run else { return true };
            let Ok(run) = run.describe(WorkflowDescribeOptions::default()).await else { return true };
            let pending = run.raw().pending_activities.iter().find(|pending| pending.activity_id == activity);
            pending.is_some_and(|pending| pending.state() != PendingActivityState::CancelRequested)
        }
        .boxed()
    })
}

fn pollers(minimum: usize, maximum: usize) -> PollerBehavior {
    let initial = maximum.min(5).max(minimum);
    PollerBehavior::Autoscaling(
        AutoscalingOptions::builder().minimum(minimum).maximum(maximum.max(minimum)).initial(initial).build(),
    )
}

fn tuner(tuning: &Tuning) -> TunerHolder {
    TunerHolder::builder()
        .workflow_task_slot_supplier(FixedSizeSlotSupplier::new(tuning.workflow_slots))
        .activity_task_slot_supplier(FixedSizeSlotSupplier::new(tuning.activity_slots))
        .local_activity_task_slot_supplier(FixedSizeSlotSupplier::new(tuning.local_activity_slots))
        .nexus_task_slot_supplier(FixedSizeSlotSupplier::new(1))
        .build()
}

/// A run moves on to the current version; changes to running processes go behind `patched`.
fn versioned(deployment: &Deployment) -> WorkerDeploymentOptions {
    WorkerDeploymentOptions::new(
        WorkerDeploymentVersion::builder()
            .deployment_name(deployment.name.as_str())
            .build_id(deployment.build_id.as_str())
            .build(),
    )
    .use_worker_versioning(true)
    .default_versioning_behavior(VersioningBehavior::AutoUpgrade)
    .build()
}
