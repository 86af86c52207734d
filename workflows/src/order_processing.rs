//! Order processing: from a placed order to a paid parcel with a label, or back to where it began.
//!
//! 0. **Shape check**: the input is complete and adds up. Wrong input ends the run before any call.
//! 1. `validate-order`: the shop agrees to the order (stock, prices, customer, address, payment method).
//! 2. `reserve-inventory`: every line is held, or none. From here a clock runs: if the payment has not settled
//!    when it rings, the order expires and everything is undone.
//! 3. `process-payment`: the customer is charged. A decline ends the order. Where the customer has to act (3-D
//!    Secure, a wallet, a bank transfer) the order waits for `payment_settled`. Cash on delivery charges nothing.
//! 4. `confirm-inventory`: the held stock becomes sold stock.
//! 5. `create-shipping`, **the point of no return**: once a label exists the order can no longer be cancelled here.
//! 6. `update-order-status`: the shop learns that the order is confirmed, and its tracking number.
//! 7. `send-notifications`: mail, SMS (if there is a phone) and push, side by side. A message that fails is
//!    reported; it never rolls back a paid order.
//! 8. `update-analytics`: the sale is counted.
//!
//! Whatever ends the order before step 5 is done undoes all that may have happened, newest first, and then tells
//! the shop (`update-order`): `failed`, `cancelled` or `expired`, with the reason.
//!
//! Deliberately absent: retries (Temporal's, by policy), provider formats (the adapters'), and a second attempt to
//! charge a declined customer (that is a new order with a new id).

#![expect(
    missing_docs,
    reason = "the workflow_methods macro generates markers without docs; everything else has them"
)]

mod order_data;

use std::collections::BTreeSet;
use std::error::Error;
use std::time::Duration;

use contracts::commerce::{
    Commerce, OrderCheck, OrderCompleted, OrderProblem, OrderStatus, OrderValidation, PaymentStatus,
    ShippingStatus, UpdateOrder, ValidateOrder,
};
use contracts::inventory::{
    ConfirmStock, Confirmation, Hold, Inventory, ReleaseStock, Reservation, ReserveStock,
};
use contracts::notification::{Content, Delivery, Notifications, SendEmail, SendPush, SendSms};
use contracts::payment::{
    ChargePayment, CustomerAction, FindPayment, Payment, PaymentKind, PaymentState, Payments, ReversePayment,
};
use contracts::shipping::{CreateShipment, Label, Shipment, ShipmentRef, Shipping};
use contracts::values::{IdempotencyKey, OrderId};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use temporalio_workflow::{
    SyncWorkflowContext, WorkflowContext, WorkflowContextView, WorkflowResult, join, workflow,
    workflow_methods,
};

pub use order_data::{ITEMS_MAX, OrderData, QUANTITY_MAX};

use crate::input::Unchecked;
use crate::policy;
use crate::report::{Progress, Report, StepClass, StepSpec, timestamp};
use crate::saga::{self, Halt, Outcome, Process, ResolveUndo, Saga, SagaState};
use crate::search_attributes::{ORDER_ID, STAGE, Stage};

/// The workflow id of an order; also the first part of every idempotency key.
#[must_use]
pub fn workflow_id(order_id: &OrderId) -> String {
    format!("order/{order_id}")
}

const VALIDATE: &str = "validate-order";
const RESERVE: &str = "reserve-inventory";
const PAY: &str = "process-payment";
const CONFIRM: &str = "confirm-inventory";
const SHIP: &str = "create-shipping";
const UPDATE: &str = "update-order-status";
const NOTIFY: &str = "send-notifications";
const ANALYTICS: &str = "update-analytics";
/// The last undo: telling the shop how the order ended.
const TELL_SHOP: &str = "update-order";

/// Holds outlive the expiry timer by this much, so that a payment settled at the last moment still finds them.
const HOLD_MARGIN: Duration = Duration::from_secs(5 * 60);

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

/// A request of the business to cancel: the input of `cancel_order`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelOrder {
    /// Why; goes into the report and to the shop.
    pub reason: String,
}

/// The answer to `cancel_order`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelAccepted {
    /// Steps that will be undone, newest first.
    pub will_undo: Vec<String>,
}

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
        ctx.upsert_search_attributes([
            ORDER_ID.value_set(order.order_id.to_string()),
            STAGE.value_set(Stage::Processing.name().to_owned()),
        ]);
        let started = ctx.workflow_time();
        let mut saga = Saga::begin(ctx);
        let run = OrderRun { order: &order, workflow_id: ctx.workflow_id().to_owned() };
        let (ended, fulfilled, reason, report) = match run.forward(&mut saga).await {
            Ok(fulfilled) => (Outcome::Completed, Some(fulfilled), None, saga.completed().await),
            Err(halt) => {
                saga.undo_last(TELL_SHOP, Commerce::update_order, run.ended_early(&halt));
                saga.unwind().await;
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
    /// read again. Answers `taken`, `duplicate` or `too late`.
    #[update]
    pub fn payment_settled(&mut self, _ctx: &mut SyncWorkflowContext<Self>, event: PaymentSettled) -> String {
        let answer = if self.settlements.contains(&event.event_id) {
            "duplicate"
        } else if self.saga.is_settled() {
            "too late"
        } else {
            self.settlements.insert(event.event_id);
            "taken"
        };
        answer.to_owned()
    }

    #[update_validator(payment_settled)]
    fn check_settlement(
        &self,
        _ctx: &WorkflowContextView,
        event: &PaymentSettled,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        if event.event_id.trim().is_empty() || event.event_id.len() > 200 {
            return Err(
                "event_id must have 1 to 200 characters: it tells a repeated event from a new one".into()
            );
        }
        Ok(())
    }

    /// The business cancels. Returns what will be undone; refused once a label exists.
    #[update]
    pub async fn cancel_order(
        ctx: &mut WorkflowContext<Self>,
        request: CancelOrder,
    ) -> Result<CancelAccepted, Box<dyn Error + Send + Sync>> {
        let will_undo = saga::request_stop(ctx, &request.reason, TOO_LATE_TO_CANCEL).await?;
        Ok(CancelAccepted { will_undo })
    }

    #[update_validator(cancel_order)]
    fn check_cancel(
        &self,
        _ctx: &WorkflowContextView,
        request: &CancelOrder,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        if self.saga.is_past_pivot() {
            return Err(TOO_LATE_TO_CANCEL.into());
        }
        if request.reason.trim().is_empty() || request.reason.len() > 500 {
            return Err("reason must have 1 to 500 characters: the shop is told why the order ended".into());
        }
        Ok(())
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

/// The failure type of a run that an outage ended.
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
        self.confirm(saga, holds).await?;
        let label = self.ship(saga).await?;
        saga.pivot();
        self.tell_shop(saga, &paid, &label).await;
        self.notify(saga, &label).await;
        self.count_sale(saga).await;
        Ok(Fulfilled { paid, label })
    }

    async fn validate(&self, saga: &OrderSaga) -> Result<(), Halt> {
        let order = self.order.clone();
        let question = ValidateOrder {
            order_id: order.order_id,
            checks: OrderCheck::ALL.to_vec(),
            customer_id: order.customer_id,
            customer_email: order.customer_email,
            customer_phone: order.customer_phone,
            items: order.items,
            total: order.total_amount,
            shipping_fee: order.shipping_fee,
            discount: order.discount,
            tax: order.tax,
            payment_kind: order.payment_kind,
            shipping_address: order.shipping_address,
            shipping_method: order.shipping_method,
        };
        let verdict = saga
            .step(VALIDATE, Commerce::validate_order, question, policy::bookkeeping())
            .nothing_to_undo("the shop only answers a question")
            .await?;
        match verdict {
            OrderValidation::Valid => Ok(()),
            OrderValidation::Invalid { problems } => Err(refused_by_shop(saga, &problems)),
        }
    }

    async fn reserve(&self, saga: &OrderSaga) -> Result<Vec<Hold>, Halt> {
        let key = self.key(RESERVE);
        let lines = self.order.stock_lines();
        let order_id = self.order.order_id.clone();
        let expires_at = self.hold_deadline(saga).to_string();
        let hold =
            ReserveStock { key: key.clone(), order_id: order_id.clone(), lines: lines.clone(), expires_at };
        let reservation = saga
            .step(RESERVE, Inventory::reserve, hold, policy::stock())
            .undo_by(Inventory::release, ReleaseStock { key, order_id, lines })
            .await?;
        match reservation {
            Reservation::Held { holds } => Ok(holds),
            Reservation::Short { lines } => {
                let short: Vec<_> = lines
                    .iter()
                    .map(|line| match (line.requested, line.available) {
                        (Some(requested), Some(available)) => {
                            format!("{} ({requested} wanted, {available} there)", line.variant_id)
                        }
                        _ => line.variant_id.clone(),
                    })
                    .collect();
                Err(saga.refused(RESERVE, "OutOfStock", format!("out of stock: {}", short.join(", "))))
            }
        }
    }

    async fn pay(&self, saga: &OrderSaga) -> Result<Paid, Halt> {
        if self.order.payment_kind == PaymentKind::CashOnDelivery {
            saga.skip(PAY, "cash on delivery: nothing is charged now");
            return Ok(Paid { payment_id: None, status: PaymentStatus::Pending });
        }
        let (key, order_id) = (self.key(PAY), self.order.order_id.clone());
        let find = FindPayment { key: key.clone(), order_id: order_id.clone() };
        let charge = ChargePayment {
            key: key.clone(),
            order_id: order_id.clone(),
            customer_id: self.order.customer_id.clone(),
            amount: self.order.total_amount,
            kind: self.order.payment_kind,
            token: self.order.payment_token.clone(),
        };
        let reverse = ReversePayment { key, order_id, reason: "the order was not fulfilled".to_owned() };
        let mut payment = saga
            .step(PAY, Payments::charge, charge, policy::money())
            .or_look_up(Payments::find, find.clone())
            .undo_by(Payments::reverse, reverse)
            .await?;
        let mut heard = 0;
        loop {
            let Payment { payment_id, state } = payment;
            let action = match state {
                PaymentState::Paid => return Ok(Paid { payment_id, status: PaymentStatus::Paid }),
                PaymentState::Declined { code, .. } => {
                    return Err(saga.refused(PAY, "PaymentDeclined", format!("payment declined: {code}")));
                }
                PaymentState::Reversed => {
                    let reason = "payment was voided or refunded at the provider".to_owned();
                    return Err(saga.refused(PAY, "PaymentDeclined", reason));
                }
                PaymentState::RequiresAction { action } => action,
            };
            heard = wait_for_customer(saga, action.clone(), heard).await?;
            let read_again = saga
                .step(PAY, Payments::find, find.clone(), policy::money())
                .nothing_to_undo("reads; the charge's own undo is registered")
                .await?;
            payment =
                read_again.unwrap_or(Payment { payment_id, state: PaymentState::RequiresAction { action } });
        }
    }

    async fn confirm(&self, saga: &OrderSaga, holds: Vec<Hold>) -> Result<(), Halt> {
        let (key, order_id) = (self.key(CONFIRM), self.order.order_id.clone());
        let lines = self.order.stock_lines();
        let sale = ConfirmStock { key: key.clone(), order_id: order_id.clone(), lines: lines.clone(), holds };
        let confirmation = saga
            .step(CONFIRM, Inventory::confirm, sale, policy::stock())
            .undo_by(Inventory::restock, ReleaseStock { key, order_id, lines })
            .await?;
        match confirmation {
            Confirmation::Confirmed => Ok(()),
            Confirmation::HoldLost { variants } => {
                let reason = format!("the hold was gone before it was confirmed: {}", variants.join(", "));
                Err(saga.refused(CONFIRM, "OutOfStock", reason))
            }
        }
    }

    async fn ship(&self, saga: &OrderSaga) -> Result<Label, Halt> {
        let (key, order_id) = (self.key(SHIP), self.order.order_id.clone());
        let label = ShipmentRef { key: key.clone(), order_id: order_id.clone() };
        let parcel = CreateShipment {
            key,
            order_id,
            address: self.order.shipping_address.clone(),
            items: self.order.items.clone(),
            method: self.order.shipping_method.clone(),
        };
        let shipment = saga
            .step(SHIP, Shipping::create_shipment, parcel, policy::carrier())
            .or_look_up(Shipping::find_shipment, label.clone())
            .undo_by(Shipping::void_shipment, label)
            .await?;
        match shipment {
            Shipment::Labelled(label) => Ok(label),
            Shipment::Refused { code } => {
                Err(saga.refused(SHIP, "ShippingFailed", format!("the carrier refused: {code}")))
            }
        }
    }

    async fn tell_shop(&self, saga: &OrderSaga, paid: &Paid, label: &Label) {
        let confirmed = UpdateOrder {
            key: self.key(UPDATE),
            order_id: self.order.order_id.clone(),
            status: OrderStatus::Confirmed,
            payment_status: Some(paid.status),
            shipping_status: Some(ShippingStatus::Pending),
            tracking_number: Some(label.tracking_number.clone()),
            estimated_delivery: label.estimated_delivery.clone(),
            failure_reason: None,
        };
        // Reported by the saga when it fails; there is nothing to decide here.
        let _reported =
            saga.step(UPDATE, Commerce::update_order, confirmed, policy::aftermath()).or_report().await;
    }

    async fn notify(&self, saga: &OrderSaga, label: &Label) {
        let order = self.order;
        let content = Content::OrderConfirmation {
            order_id: order.order_id.clone(),
            items: order.items.clone(),
            total_amount: order.total_amount,
            tracking_number: label.tracking_number.clone(),
        };
        let (key, locale) = (self.key(NOTIFY), order.locale);
        let email = async {
            let (key, to, content) = (key.part("email"), order.customer_email.clone(), content.clone());
            let mail = SendEmail { key, to, locale, content };
            let step = saga.step(NOTIFY, Notifications::send_email, mail, policy::notice()).part("email");
            saga.delivered(NOTIFY, "email", step.or_report().await);
        };
        let sms = async {
            let Some(to) = order.customer_phone.clone() else { return };
            let message = SendSms { key: key.part("sms"), to, locale, content: content.clone() };
            let step = saga.step(NOTIFY, Notifications::send_sms, message, policy::notice()).part("sms");
            saga.delivered(NOTIFY, "sms", step.or_report().await);
        };
        let push = async {
            let (key, user_id) = (key.part("push"), order.customer_id.clone());
            let message = SendPush { key, user_id, locale, content: content.clone() };
            let step = saga.step(NOTIFY, Notifications::send_push, message, policy::notice()).part("push");
            saga.delivered(NOTIFY, "push", step.or_report().await);
        };
        join!(email, sms, push);
    }

    async fn count_sale(&self, saga: &OrderSaga) {
        let event = OrderCompleted {
            key: self.key(ANALYTICS),
            order_id: self.order.order_id.clone(),
            customer_id: self.order.customer_id.clone(),
            revenue: self.order.total_amount,
            items: self.order.items.clone(),
        };
        let step = saga.step(ANALYTICS, Commerce::track_order_completed, event, policy::aftermath());
        let _reported = step.or_report().await;
    }

    /// What the shop is told when the order ends before its label.
    fn ended_early(&self, halt: &Halt) -> UpdateOrder {
        let ending = halt.ending();
        UpdateOrder {
            key: self.key(TELL_SHOP),
            order_id: self.order.order_id.clone(),
            status: match ending.outcome {
                Outcome::Expired => OrderStatus::Expired,
                Outcome::Cancelled => OrderStatus::Cancelled,
                Outcome::Failed | Outcome::Completed => OrderStatus::Failed,
            },
            payment_status: None,
            shipping_status: None,
            tracking_number: None,
            estimated_delivery: None,
            failure_reason: Some(ending.reason),
        }
    }

    fn hold_deadline(&self, saga: &OrderSaga) -> Timestamp {
        let now = timestamp(saga.ctx().workflow_time()).unwrap_or(Timestamp::UNIX_EPOCH);
        let held =
            SignedDuration::try_from(self.order.reservation + HOLD_MARGIN).unwrap_or(SignedDuration::MAX);
        now.checked_add(held).unwrap_or(Timestamp::MAX)
    }

    fn key(&self, step: &str) -> IdempotencyKey {
        IdempotencyKey::new(&self.workflow_id, step)
    }
}

impl OrderSaga {
    /// A message that the sender refuses for good is a failed part of the step, not an outage.
    fn delivered(&self, step: &'static str, channel: &'static str, delivery: Option<Delivery>) {
        if let Some(Delivery::Refused { code }) = delivery {
            self.part_failed(step, channel, &format!("refused: {code}"));
        }
    }
}

/// Shows what the customer has to do and waits for a settlement that was not heard before.
async fn wait_for_customer(saga: &OrderSaga, action: CustomerAction, heard: usize) -> Result<usize, Halt> {
    let todo = action.url.as_deref().or(action.instruction.as_deref()).unwrap_or("no instruction given");
    saga.waits(PAY, &format!("waits for the customer ({}): {todo}", action.kind));
    saga.ctx().upsert_search_attributes([STAGE.value_set(Stage::AwaitingPayment.name().to_owned())]);
    saga.ctx().state_mut(|w| w.customer_action = Some(action));
    let waited = saga.wait_for(|w| w.settlements.len() > heard).await;
    saga.ctx().state_mut(|w| w.customer_action = None);
    waited?;
    Ok(saga.ctx().state(|w| w.settlements.len()))
}

/// What the shop's refusal means: a shortage is a shortage wherever it is noticed.
fn refused_by_shop(saga: &OrderSaga, problems: &[OrderProblem]) -> Halt {
    let is_shortage = |problem: &OrderProblem| problem.check == "inventory_availability";
    if !problems.is_empty() && problems.iter().all(is_shortage) {
        let short: Vec<_> =
            problems.iter().map(|p| p.variant_id.as_deref().unwrap_or(p.field.as_str())).collect();
        return saga.refused(VALIDATE, "OutOfStock", format!("out of stock: {}", short.join(", ")));
    }
    // The shop's own words may hold personal data: the failure names fields and checks.
    let named: Vec<_> = problems.iter().map(|p| format!("{} ({})", p.field, p.check)).collect();
    saga.refused(VALIDATE, "OrderInvalid", format!("the shop refuses the order: {}", named.join(", ")))
}
