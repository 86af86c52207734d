//! Order processing: from a placed order to a paid parcel with a label, or back to where it began.
//!
//! 0. **Shape check**: the input is complete and adds up. Wrong input ends the run before any call.
//! 1. `validate-order`: the shop agrees to the order (stock, prices, customer, address, payment method).
//! 2. `reserve-inventory`: every line is held, or none. From here a clock runs: if the payment has not settled
//!    when it rings, the order expires and everything is undone.
//! 3. `process-payment`: the customer is charged. A decline ends the order. Where the customer has to act (3-D
//!    Secure, a wallet, a bank transfer) the order waits for `payment_settled`. Cash on delivery charges nothing.
//! 4. `confirm-inventory`: the held stock becomes sold stock.
//! 5. `create-shipping`: the label is bought. Paid goods that are held can be sold and labelled at the same time, so 4
//!    and 5 run side by side. **The point of no return** is when both are known: from then on the order can no longer
//!    be cancelled here. If one fails, the other is not waited for longer than its attempt under way, and is undone.
//! 6. `update-order-status`: the shop learns that the order is confirmed, and its tracking number.
//! 7. `send-notifications`: mail, SMS (if there is a phone) and push. A message that fails is reported; it never
//!    rolls back a paid order.
//! 8. `update-analytics`: the sale is counted. 6 to 8 run side by side: no outage of one holds up the others.
//!
//! Whatever ends the order before the point of no return undoes all that may have happened, newest first, and then
//! tells the shop (`update-order`): `failed`, `cancelled` or `expired`, with the reason.
//!
//! Deliberately absent: retries (Temporal's, by policy), provider formats (the adapters'), and a second attempt to
//! charge a declined customer (that is a new order with a new id).

#![expect(
    missing_docs,
    reason = "the workflow_methods macro generates markers without docs; everything else has them"
)]

mod order_data;
mod steps;

use std::collections::BTreeSet;
use std::error::Error;

use contracts::commerce::{Commerce, PaymentStatus};
use contracts::payment::CustomerAction;
use contracts::shipping::Label;
use contracts::values::{EventId, IdempotencyKey, OrderId};
use serde::{Deserialize, Serialize};
use temporalio_common::search_attributes::SearchAttributeUpdate;
use temporalio_workflow::{
    SyncWorkflowContext, WorkflowContext, WorkflowContextView, WorkflowResult, join, workflow,
    workflow_methods,
};

pub use order_data::{ITEMS_MAX, OrderData, QUANTITY_MAX};

use crate::input::Unchecked;
use crate::report::{Progress, Report, StepClass, StepSpec, timestamp};
use crate::saga::{
    self, CancelAccepted, CancelRequest, Halt, Outcome, Process, ResolveUndo, Saga, SagaState,
};
use crate::search_attributes::{ORDER_ID, STAGE, Stage};

/// The workflow id of an order; also the first part of every idempotency key.
#[must_use]
pub fn workflow_id(order_id: &OrderId) -> String {
    format!("order/{order_id}")
}

/// The key of an order's charge.
#[must_use]
pub fn charge_key(order_id: &OrderId) -> IdempotencyKey {
    IdempotencyKey::new(&workflow_id(order_id), PAY)
}

/// The search attributes of an order that begins.
#[must_use]
pub fn search_attributes(order_id: &OrderId) -> [SearchAttributeUpdate; 2] {
    [ORDER_ID.value_set(order_id.to_string()), STAGE.value_set(Stage::Processing.name().to_owned())]
}

const VALIDATE: &str = "validate-order";
const RESERVE: &str = "reserve-inventory";
/// The step that charges the customer.
pub const PAY: &str = "process-payment";
const CONFIRM: &str = "confirm-inventory";
const SHIP: &str = "create-shipping";
const UPDATE: &str = "update-order-status";
const NOTIFY: &str = "send-notifications";
const ANALYTICS: &str = "update-analytics";
/// The last undo: telling the shop how the order ended.
const TELL_SHOP: &str = "update-order";

/// What a process that went through, or was stopped by the business, returns: the seed's
/// `OrderProcessingResult`, and the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderProcessingResult {
    /// Whether the order is on its way.
    pub success: bool,
    /// The order.
    pub order_id: OrderId,
    /// The provider's id of the payment; `null` for cash on delivery and for orders that were undone.
    pub payment_id: Option<String>,
    /// The carrier's number.
    pub tracking_number: Option<String>,
    /// When the parcel should arrive, as the carrier says it.
    pub estimated_delivery: Option<String>,
    /// This run's workflow id.
    pub workflow_id: String,
    /// Milliseconds of workflow time from start to end.
    pub execution_time: i64,
    /// `completed`, `expired` or `cancelled`.
    pub outcome: String,
    /// Why it was stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// `paid`, or `pending` for cash on delivery; `null` for orders that were undone.
    pub payment_status: Option<PaymentStatus>,
    /// What every step did.
    pub report: Report,
}

/// A settlement heard of from the payment provider: the input of `payment_settled`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentSettled {
    /// The provider's id of the event; the same id twice counts once.
    pub event_id: String,
}

/// The news is taken.
pub const TAKEN: &str = "taken";
/// The news was heard before.
pub const DUPLICATE: &str = "duplicate";
/// There is nothing to do: the order is past its point of no return, so it was paid (or is paid on delivery).
pub const ALREADY_PAID: &str = "already paid";

/// The workflow.
#[workflow]
#[derive(Default)]
pub struct OrderProcessing {
    saga: SagaState,
    settlements: BTreeSet<String>,
    customer_action: Option<CustomerAction>,
}

impl Process for OrderProcessing {
    const NAME: &'static str = "OrderProcessing";
    const STEPS: &'static [StepSpec] = &[
        StepSpec { name: VALIDATE, words: "ask the shop to check the order", class: StepClass::Compensable },
        StepSpec { name: RESERVE, words: "hold the stock", class: StepClass::Compensable },
        StepSpec { name: PAY, words: "charge the customer", class: StepClass::Compensable },
        StepSpec { name: CONFIRM, words: "turn the hold into a sale", class: StepClass::Compensable },
        StepSpec { name: SHIP, words: "buy the shipping label", class: StepClass::Pivot },
        StepSpec {
            name: UPDATE,
            words: "tell the shop that the order is confirmed",
            class: StepClass::Retriable,
        },
        StepSpec { name: NOTIFY, words: "tell the customer", class: StepClass::Retriable },
        StepSpec { name: ANALYTICS, words: "count the sale", class: StepClass::Retriable },
    ];
    fn saga(&self) -> &SagaState {
        &self.saga
    }
    fn saga_mut(&mut self) -> &mut SagaState {
        &mut self.saga
    }
}

/// What the forward path ends with.
struct Fulfilled {
    paid: Paid,
    label: Label,
}

struct Paid {
    payment_id: Option<String>,
    status: PaymentStatus,
}

#[workflow_methods]
impl OrderProcessing {
    /// Runs an order from start to end.
    #[run(name = "OrderProcessing")]
    pub async fn run(
        ctx: &mut WorkflowContext<Self>,
        input: Unchecked<OrderData>,
    ) -> WorkflowResult<OrderProcessingResult> {
        let order = input.check().map_err(|problems| saga::invalid_input("OrderInvalid", problems))?;
        // The starter sets them with the start, which costs no event; whoever else starts an order may not.
        if ctx.search_attributes().get(&ORDER_ID).as_deref() != Some(order.order_id.as_str()) {
            ctx.upsert_search_attributes(search_attributes(&order.order_id));
        }
        let started = ctx.workflow_time();
        let mut saga = Saga::begin(ctx);
        let run = OrderRun { order: &order, workflow_id: ctx.workflow_id().to_owned() };
        let (ended, fulfilled, reason, report) = match run.forward(&mut saga).await {
            Ok(fulfilled) => (Outcome::Completed, Some(fulfilled), None, saga.completed().await),
            Err(halt) => {
                saga.turn_back(&halt);
                saga.undo_last(TELL_SHOP, Commerce::update_order, run.ended_early(&halt));
                run.undo(&saga).await;
                let (ending, report) =
                    saga.halted(halt, outage_type, |ending, report| (ending, report)).await?;
                (ending.outcome, None, Some(ending.reason), report)
            }
        };
        let took = timestamp(started).zip(timestamp(ctx.workflow_time()));
        let (paid, label) = fulfilled.map(|f| (f.paid, f.label)).unzip();
        Ok(OrderProcessingResult {
            success: ended == Outcome::Completed,
            order_id: order.order_id.clone(),
            payment_status: paid.as_ref().map(|paid| paid.status),
            payment_id: paid.and_then(|paid| paid.payment_id),
            tracking_number: label.as_ref().map(|label| label.tracking_number.clone()),
            estimated_delivery: label.and_then(|label| label.estimated_delivery),
            workflow_id: run.workflow_id,
            execution_time: took.map_or(0, |(from, to)| to.as_millisecond() - from.as_millisecond()),
            outcome: ended.name().to_owned(),
            reason,
            report,
        })
    }

    /// The payment provider says that something happened to the payment. Its word is not taken: the payment is
    /// read again, or, when the order is being undone, undone once more. Answers [`TAKEN`], [`DUPLICATE`] or
    /// [`ALREADY_PAID`].
    #[update]
    pub fn payment_settled(&mut self, _ctx: &mut SyncWorkflowContext<Self>, event: PaymentSettled) -> String {
        let answer = if self.saga.is_past_pivot() {
            ALREADY_PAID
        } else if self.settlements.insert(event.event_id) {
            TAKEN
        } else {
            DUPLICATE
        };
        answer.to_owned()
    }

    #[update_validator(payment_settled)]
    fn check_settlement(
        &self,
        _ctx: &WorkflowContextView,
        event: &PaymentSettled,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        EventId::new(event.event_id.as_str())
            .map(drop)
            .map_err(|problem| format!("event_id {problem}").into())
    }

    /// The business cancels. Returns what will be undone; refused past the point of no return.
    #[update]
    pub async fn cancel_order(
        ctx: &mut WorkflowContext<Self>,
        request: CancelRequest,
    ) -> Result<CancelAccepted, Box<dyn Error + Send + Sync>> {
        saga::request_stop(ctx, &request, TOO_LATE_TO_CANCEL).await
    }

    #[update_validator(cancel_order)]
    fn check_cancel(
        &self,
        _ctx: &WorkflowContextView,
        request: &CancelRequest,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        saga::check_stop(self, request, TOO_LATE_TO_CANCEL)
    }

    /// A person answers about an undo that stuck.
    #[update]
    pub async fn resolve_undo(
        ctx: &mut WorkflowContext<Self>,
        answer: ResolveUndo,
    ) -> Result<String, Box<dyn Error + Send + Sync>> {
        saga::resolve_undo(ctx, answer).await
    }

    #[update_validator(resolve_undo)]
    fn check_resolution(
        &self,
        _ctx: &WorkflowContextView,
        answer: &ResolveUndo,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        saga::check_resolution(self, answer)
    }

    /// How far the order is.
    #[query]
    pub fn progress(&self, ctx: &WorkflowContextView) -> Progress {
        self.saga.progress(ctx)
    }

    /// What every step did so far.
    #[query]
    pub fn report(&self, _ctx: &WorkflowContextView) -> Report {
        self.saga.report()
    }

    /// What the customer has to do before the payment settles, if the order waits for that.
    #[query]
    pub fn customer_action(&self, _ctx: &WorkflowContextView) -> Option<CustomerAction> {
        self.customer_action.clone()
    }
}

const TOO_LATE_TO_CANCEL: &str = "the order has a shipping label and can no longer be cancelled here: \
    stop the parcel with the carrier, or take it back as a return and refund the payment";

/// The failure type of a run that a step ended by getting no usable answer for all its patience, or a refusal that its
/// adapter has no word for. An order that no carrier takes is not shippable, whichever way the carrier put it.
fn outage_type(step: &str) -> &'static str {
    if step == SHIP { "ShippingFailed" } else { "StepFailed" }
}

/// One order on its way through the steps.
struct OrderRun<'o> {
    order: &'o OrderData,
    workflow_id: String,
}

type OrderSaga = Saga<OrderProcessing>;

impl OrderRun<'_> {
    async fn forward(&self, saga: &mut OrderSaga) -> Result<Fulfilled, Halt> {
        self.validate(saga).await?;
        let hold_and_pay = async {
            let holds = self.reserve(saga).await?;
            let paid = self.pay(saga).await?;
            Ok((holds, paid))
        };
        let reason = "the payment did not settle while the stock was held";
        let (holds, paid) = saga.within(self.order.reservation, "stock held", reason, hold_and_pay).await?;
        let ((), label) = saga.both(self.confirm(saga, holds), self.ship(saga)).await?;
        saga.pivot();
        join!(self.tell_shop(saga, &paid, &label), self.notify(saga, &label), self.count_sale(saga));
        Ok(Fulfilled { paid, label })
    }
}
