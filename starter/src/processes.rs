//! The second floor: the visible list of what can be started, and what is particular to each.
//!
//! A further process is one more constant here, in [`ALL`]; all that is the same for every one goes by these lines. A
//! further noun is, besides: a file here (its [`Name`], its plan) and a line in [`meant`]; a file in `cli`, and a
//! variant of its `Command`; a folder in `commands`; a line in `main.rs`.
//!
//! - `name`: how a run is named on the command line;
//! - `plan`: what would be started;
//! - `order`, `onboarding`, `erp`, `prices`, `catalog`, `store`: the two for each of them.

pub(crate) mod catalog;
pub(crate) mod erp;
pub(crate) mod name;
pub(crate) mod onboarding;
pub(crate) mod order;
pub(crate) mod plan;
pub(crate) mod prices;
pub(crate) mod store;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;
use temporalio_client::errors::WorkflowStartError;
use temporalio_client::{Client, WorkflowStartOptions};
use temporalio_common::data_converters::PayloadConversionError;
use temporalio_common::{HasWorkflowDefinition, WorkflowDefinition};
use workflows::bulk_price_update::{self, BulkPriceUpdate, BulkPriceUpdateData};
use workflows::catalog_setup::{self, CatalogSetup, CatalogSetupData};
use workflows::customer_onboarding::{self, CustomerOnboarding, CustomerRegistrationData};
use workflows::erp_sync::{self, ErpSync, ErpSyncConfig};
use workflows::follow_up_emails::{FollowUpData, FollowUpEmails};
use workflows::input::{Checked, Unchecked};
use workflows::late_payment::{LatePayment, LatePaymentData};
use workflows::order_processing::{OrderData, OrderProcessing};
use workflows::price_export::{self, PriceExport, PriceExportData};
use workflows::price_revert::{PriceRevert, PriceRevertData};
use workflows::saga::Process as _;
use workflows::store_clean_up::{self, StoreCleanUp, StoreCleanUpData};
use workflows::store_probe::{self, StoreProbe, StoreProbeData};
use workflows::unsubscription::{Unsubscription, UnsubscriptionData};

use crate::terminal::exit::Exit;
use crate::terminal::input::InputError;
use catalog::CatalogRef;
use erp::SyncRef;
use name::Name;
use onboarding::CustomerName;
use order::OrderRef;
use plan::Plan;
use prices::BatchRef;

/// One process as the command line knows it.
pub(crate) struct Process {
    /// The word for one of them: `starter <noun> …`.
    pub(crate) noun: &'static str,
    /// Its name for `starter list --process`.
    pub(crate) name: &'static str,
    /// The workflow type.
    pub(crate) workflow_type: &'static str,
    /// The prefix of a workflow id, before the business key.
    pub(crate) id_prefix: &'static str,
    /// The failure types that are decisions of the business: everything was undone on purpose.
    pub(crate) decided: &'static [&'static str],
    /// The steps at which a person decides whether a run goes on; elsewhere an answer is about an effect.
    pub(crate) decides_at: &'static [&'static str],
    /// Whether a run may follow one that has ended, under the same workflow id.
    pub(crate) repeats: Repeats,
    /// Whether its noun has `status`, `watch` and `result`; else `starter show` is what looks at it.
    pub(crate) has_commands: bool,
    /// Whether a schedule may start it: it takes a workflow id with the time of a slot behind it.
    pub(crate) is_recurring: bool,
    /// The command that starts it, if it has one of its own.
    pub(crate) started_by: Option<&'static str>,
    /// The exit code of a result that says `success`.
    pub(crate) worth: fn(&Value) -> Exit,
    /// Checks an input and says what would be started.
    pub(crate) plan: fn(&str) -> Result<Plan, InputError>,
    /// Starts it and returns the run id.
    pub(crate) start:
        fn(Client, String, WorkflowStartOptions) -> BoxFuture<'static, Result<String, WorkflowStartError>>,
    /// The fields in which a second input says something else than the first.
    pub(crate) differing: fn(&str, &str) -> Vec<String>,
}

/// Whether a run may follow one that has ended, under the same workflow id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeats {
    /// Never: a second start finds the first one.
    Never,
    /// A dry run only.
    DryRuns,
    /// After one that failed or was cancelled; and a dry run in any case.
    AfterFailure,
    /// Always.
    Always,
}

/// Order processing.
pub(crate) const ORDER: Process = Process {
    noun: "order",
    name: "order",
    workflow_type: OrderProcessing::NAME,
    id_prefix: "order/",
    decided: &["OutOfStock", "PaymentDeclined", "ShippingFailed"],
    decides_at: &[],
    repeats: Repeats::Never,
    has_commands: true,
    is_recurring: false,
    started_by: Some("order start"),
    worth: done,
    plan: order::plan,
    start: |client, json, options| typed(client, OrderProcessing::run, json, options).boxed(),
    differing: differing::<OrderData>,
};

/// Late money of an order: started by `order settle-payment`, looked at and answered like the order it belongs to.
pub(crate) const LATE_PAYMENT: Process = Process {
    noun: "order",
    name: "late-payment",
    workflow_type: LatePayment::NAME,
    id_prefix: "order/",
    decided: &[],
    decides_at: &[],
    repeats: Repeats::Always,
    has_commands: true,
    is_recurring: false,
    started_by: None,
    worth: done,
    plan: order::plan_late_payment,
    start: |client, json, options| typed(client, LatePayment::run, json, options).boxed(),
    differing: differing::<LatePaymentData>,
};

/// Customer onboarding. After one that was undone the customer may try again.
pub(crate) const ONBOARDING: Process = Process {
    noun: "onboarding",
    name: "onboarding",
    workflow_type: CustomerOnboarding::NAME,
    id_prefix: customer_onboarding::ID_PREFIX,
    decided: &["CustomerExists", "RegistrationRefused"],
    decides_at: &[],
    repeats: Repeats::Always,
    has_commands: true,
    is_recurring: false,
    started_by: Some("onboarding start"),
    worth: done,
    plan: onboarding::plan,
    start: |client, json, options| typed(client, CustomerOnboarding::run, json, options).boxed(),
    differing: differing::<CustomerRegistrationData>,
};

/// The mails of the week after: begun by the onboarding, looked at and answered like it.
pub(crate) const FOLLOW_UP: Process = Process {
    noun: "onboarding",
    name: "follow-up",
    workflow_type: FollowUpEmails::NAME,
    id_prefix: customer_onboarding::ID_PREFIX,
    decided: &[],
    decides_at: &[],
    repeats: Repeats::Always,
    has_commands: true,
    is_recurring: false,
    started_by: None,
    worth: done,
    plan: onboarding::plan_follow_up,
    start: |client, json, options| typed(client, FollowUpEmails::run, json, options).boxed(),
    differing: differing::<FollowUpData>,
};

/// A sync with an ERP. It is repeated for ever.
pub(crate) const ERP: Process = Process {
    noun: "erp",
    name: "erp",
    workflow_type: ErpSync::NAME,
    id_prefix: erp_sync::ID_PREFIX,
    decided: &["AlreadyRunning"],
    decides_at: &["validate-data"],
    repeats: Repeats::Always,
    has_commands: true,
    is_recurring: true,
    started_by: Some("erp sync"),
    worth: erp::worth,
    plan: erp::plan,
    start: |client, json, options| typed(client, ErpSync::run, json, options).boxed(),
    differing: differing::<ErpSyncConfig>,
};

/// A list of new prices. A second run of the same list needs a name of its own.
pub(crate) const PRICES: Process = Process {
    noun: "prices",
    name: "prices",
    workflow_type: BulkPriceUpdate::NAME,
    id_prefix: bulk_price_update::ID_PREFIX,
    decided: &[],
    decides_at: &["validate-updates"],
    repeats: Repeats::DryRuns,
    has_commands: true,
    is_recurring: false,
    started_by: Some("prices update"),
    worth: prices::worth,
    plan: prices::plan,
    start: |client, json, options| typed(client, BulkPriceUpdate::run, json, options).boxed(),
    differing: differing::<BulkPriceUpdateData>,
};

/// The way back of such a list.
pub(crate) const PRICE_REVERT: Process = Process {
    noun: "prices",
    name: "price-revert",
    workflow_type: PriceRevert::NAME,
    id_prefix: bulk_price_update::ID_PREFIX,
    decided: &[],
    decides_at: &[],
    repeats: Repeats::AfterFailure,
    has_commands: true,
    is_recurring: false,
    started_by: Some("prices revert"),
    worth: prices::revert_worth,
    plan: prices::plan_revert,
    start: |client, json, options| typed(client, PriceRevert::run, json, options).boxed(),
    differing: differing::<PriceRevertData>,
};

/// The shop's prices as a list.
pub(crate) const PRICE_EXPORT: Process = Process {
    noun: "prices",
    name: "price-export",
    workflow_type: PriceExport::NAME,
    id_prefix: price_export::ID_PREFIX,
    decided: &[],
    decides_at: &[],
    repeats: Repeats::Always,
    has_commands: false,
    is_recurring: false,
    started_by: Some("prices export"),
    worth: done,
    plan: prices::plan_export,
    start: |client, json, options| typed(client, PriceExport::run, json, options).boxed(),
    differing: differing::<PriceExportData>,
};

/// A catalogue's setup. The same file is run again and again.
pub(crate) const CATALOG: Process = Process {
    noun: "catalog",
    name: "catalog",
    workflow_type: CatalogSetup::NAME,
    id_prefix: catalog_setup::ID_PREFIX,
    decided: &["AlreadyRunning"],
    decides_at: &["create-categories"],
    repeats: Repeats::Always,
    has_commands: true,
    is_recurring: true,
    started_by: Some("catalog setup"),
    worth: catalog::worth,
    plan: catalog::plan,
    start: |client, json, options| typed(client, CatalogSetup::run, json, options).boxed(),
    differing: differing::<CatalogSetupData>,
};

/// One click in a mail: started by the worker's door, looked at like the onboarding.
pub(crate) const UNSUBSCRIPTION: Process = Process {
    noun: "onboarding",
    name: "unsubscription",
    workflow_type: Unsubscription::NAME,
    id_prefix: customer_onboarding::ID_PREFIX,
    decided: &[],
    decides_at: &[],
    repeats: Repeats::Always,
    has_commands: true,
    is_recurring: false,
    started_by: None,
    worth: done,
    plan: onboarding::plan_unsubscription,
    start: |client, json, options| typed(client, Unsubscription::run, json, options).boxed(),
    differing: differing::<UnsubscriptionData>,
};

/// Clearing up in the object store.
pub(crate) const STORE: Process = Process {
    noun: "store",
    name: "store-clean-up",
    workflow_type: StoreCleanUp::NAME,
    id_prefix: store_clean_up::ID_PREFIX,
    decided: &[],
    decides_at: &[],
    repeats: Repeats::Always,
    has_commands: false,
    is_recurring: true,
    started_by: Some("store clean-up"),
    worth: done,
    plan: store::plan,
    start: |client, json, options| typed(client, StoreCleanUp::run, json, options).boxed(),
    differing: differing::<StoreCleanUpData>,
};

/// A look into the object store with the worker's eyes: started by `doctor`.
pub(crate) const PROBE: Process = Process {
    noun: "store",
    name: "store-probe",
    workflow_type: StoreProbe::NAME,
    id_prefix: store_probe::ID_PREFIX,
    decided: &[],
    decides_at: &[],
    repeats: Repeats::Always,
    has_commands: false,
    is_recurring: false,
    started_by: None,
    worth: done,
    plan: store::plan_probe,
    start: |client, json, options| typed(client, StoreProbe::run, json, options).boxed(),
    differing: differing::<StoreProbeData>,
};

/// Every process.
pub(crate) const ALL: &[&Process] = &[
    &ORDER,
    &LATE_PAYMENT,
    &ONBOARDING,
    &FOLLOW_UP,
    &UNSUBSCRIPTION,
    &ERP,
    &PRICES,
    &PRICE_REVERT,
    &PRICE_EXPORT,
    &CATALOG,
    &STORE,
    &PROBE,
];

impl Process {
    /// The business key in a workflow id: `ORDER-001` of `order/ORDER-001`.
    pub(crate) fn key<'id>(&self, workflow_id: &'id str) -> &'id str {
        workflow_id.strip_prefix(self.id_prefix).unwrap_or(workflow_id)
    }
}

/// The process of a workflow type, if it is one of ours.
pub(crate) fn of_type(workflow_type: &str) -> Option<&'static Process> {
    ALL.iter().copied().find(|process| process.workflow_type == workflow_type)
}

/// A noun's own process: the first that has it.
pub(crate) fn of_noun(noun: &str) -> Option<&'static Process> {
    ALL.iter().copied().find(|process| process.noun == noun)
}

/// The workflow ids that a name may mean: a workflow id is itself, and a short form what each noun makes of it.
///
/// # Errors
/// When a setting is missing without which the name means nothing: the key of pseudonyms, for a mail address.
pub(crate) fn meant(name: &str) -> Result<Vec<String>, InputError> {
    fn by<N: Name>(name: &str) -> Option<Result<String, InputError>> {
        name.parse::<N>().ok().map(|name| name.workflow_id())
    }
    if ALL.iter().any(|process| name.starts_with(process.id_prefix)) {
        return Ok(vec![name.to_owned()]);
    }
    let ids = [
        by::<OrderRef>(name),
        by::<CustomerName>(name),
        by::<SyncRef>(name),
        by::<BatchRef>(name),
        by::<CatalogRef>(name),
    ];
    let ids: Vec<String> = ids.into_iter().flatten().collect::<Result<_, _>>()?;
    Ok(if ids.is_empty() { vec![name.to_owned()] } else { ids })
}

/// The exit code of a success that leaves nothing open.
fn done(_result: &Value) -> Exit {
    Exit::Ok
}

/// None where one of the two cannot be read as JSON here.
fn differing<T: Checked + PartialEq>(first: &str, second: &str) -> Vec<String> {
    match (Unchecked::<T>::from_json(first), Unchecked::from_json(second)) {
        (Ok(first), Ok(second)) => first.differing(&second),
        _ => Vec::new(),
    }
}

/// Starts a workflow with JSON that was checked as its input; the text is sent unchanged.
async fn typed<W, T>(
    client: Client,
    workflow: W,
    json: String,
    options: WorkflowStartOptions,
) -> Result<String, WorkflowStartError>
where
    W: HasWorkflowDefinition + WorkflowDefinition<Input = Unchecked<T>> + Send,
    T: 'static,
{
    let input =
        Unchecked::from_json(&json).map_err(|error| PayloadConversionError::EncodingError(error.into()))?;
    let handle = client.start_workflow(workflow, input, options).await?;
    Ok(handle.run_id().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests;
