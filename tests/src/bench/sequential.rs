//! The measure: order processing as it would be written without thought for its cost.
//!
//! Same input, activities, policies, undos, timer, search attributes and report as the shipped process. Two things
//! differ: nothing runs inside a workflow task, and nothing runs side by side.

#![expect(
    missing_docs,
    reason = "the workflow_methods macro generates markers without docs; everything else has them"
)]

use std::time::SystemTime;

use contracts::commerce::{Commerce, OrderValidation, PaymentStatus};
use contracts::inventory::{Confirmation, Hold, Inventory, Reservation};
use contracts::notification::Notifications;
use contracts::payment::{PaymentState, Payments};
use contracts::shipping::{Label, Shipment, Shipping};
use jiff::Timestamp;
use temporalio_workflow::{WorkflowContext, WorkflowResult, workflow};
use workflows::face;
use workflows::input::{Problem, Unchecked};
use workflows::order_processing::{OrderData, OrderProcessing, OrderProcessingResult, PAY, Requests};
use workflows::policy;
use workflows::report::StepSpec;
use workflows::saga::{About, Halt, Process, Saga, SagaState, UndoAll};
use workflows::search_attributes::{ORDER_ID, STAGE, Stage};

/// The workflow.
#[workflow]
#[derive(Default)]
pub struct SequentialOrder {
    saga: SagaState,
}

impl Process for SequentialOrder {
    const NAME: &'static str = "SequentialOrder";
    const INVALID: &'static str = OrderProcessing::INVALID;
    const STEPS: &'static [StepSpec] = OrderProcessing::STEPS;
    type Input = OrderData;

    // It runs beside the shipped process, under names of the bench.
    fn named(_workflow_id: &str, order: &OrderData) -> Result<About, Problem> {
        Ok(Some((ORDER_ID, order.order_id.to_string())))
    }
}

face! {
pub impl SequentialOrder {
    /// Runs an order from start to end.
    #[run(name = "SequentialOrder")]
    pub async fn run(
        ctx: &mut WorkflowContext<Self>,
        input: Unchecked<OrderData>,
    ) -> WorkflowResult<OrderProcessingResult> {
        let (order, mut saga) = Saga::open(ctx, &input)?;
        let run = Run { order: &order, requests: Requests::new(&order, ctx.workflow_id()) };
        let story = run.forward(&mut saga).await;
        let ended = saga.end(story, &UndoAll).await?;
        let (payment_id, label) = ended.value.map_or((None, None), |(paid, label)| (paid, Some(label)));
        Ok(OrderProcessingResult {
            success: label.is_some(),
            order_id: order.order_id.clone(),
            payment_status: Some(PaymentStatus::Paid),
            payment_id,
            tracking_number: label.as_ref().map(|label| label.tracking_number.clone()),
            estimated_delivery: label.and_then(|label| label.estimated_delivery),
            workflow_id: ctx.workflow_id().to_owned(),
            execution_time: ended.took_ms,
            outcome: ended.outcome.name().to_owned(),
            reason: ended.reason,
            report: ended.report,
        })
    }
}
}

type OrderSaga = Saga<SequentialOrder>;

const fn step(number: usize) -> &'static str {
    OrderProcessing::STEPS[number].name
}

const VALIDATE: &str = step(0);
const RESERVE: &str = step(1);
const CONFIRM: &str = step(3);
const SHIP: &str = step(4);
const UPDATE: &str = step(5);
const NOTIFY: &str = step(6);
const ANALYTICS: &str = step(7);

/// The steps of an order, one after the other, as regular activities.
struct Run<'o> {
    order: &'o OrderData,
    requests: Requests<'o>,
}

impl Run<'_> {
    async fn forward(&self, saga: &mut OrderSaga) -> Result<(Option<String>, Label), Halt> {
        let was_known = self.validate(saga).await?;
        let hold_and_pay = async {
            let holds = self.reserve(saga).await?;
            let payment_id = self.pay(saga, was_known).await?;
            Ok((holds, payment_id))
        };
        let reason = "the payment did not settle while the stock was held";
        let held = saga.within(self.order.reservation, "stock held", reason, hold_and_pay);
        let (holds, payment_id) = held.await?;
        self.confirm(saga, holds).await?;
        let label = self.ship(saga).await?;
        saga.pivot();
        self.tell_shop(saga, &label).await;
        self.notify(saga, &label).await;
        self.count_sale(saga).await;
        Ok((payment_id, label))
    }

    async fn validate(&self, saga: &OrderSaga) -> Result<bool, Halt> {
        let policy = policy::bookkeeping().as_activity();
        let verdict = saga.step(VALIDATE, Commerce::validate_order, self.requests.validation(), policy);
        match verdict.nothing_to_undo("the shop only answers a question").await? {
            OrderValidation::Valid { was_known } => Ok(was_known),
            OrderValidation::Invalid { .. } => Err(refused(saga, VALIDATE)),
        }
    }

    async fn reserve(&self, saga: &OrderSaga) -> Result<Vec<Hold>, Halt> {
        let now = timestamp(saga.ctx().workflow_time()).unwrap_or_default();
        let expires_at = now.checked_add(self.order.reservation).unwrap_or(now);
        let hold = saga.step(RESERVE, Inventory::reserve, self.requests.hold(expires_at), policy::stock());
        match hold.undo_by(Inventory::release, self.requests.release()).await? {
            Reservation::Held { holds } => Ok(holds),
            Reservation::Short { .. } => Err(refused(saga, RESERVE)),
        }
    }

    async fn pay(&self, saga: &OrderSaga, was_known: bool) -> Result<Option<String>, Halt> {
        let payment = saga
            .step(PAY, Payments::charge, self.requests.charge(was_known), policy::money())
            .or_look_up(Payments::find, self.requests.payment())
            .undo_by(Payments::reverse, self.requests.reversal(None))
            .await?;
        match payment.state {
            PaymentState::Paid => Ok(payment.payment_id),
            PaymentState::RequiresAction { action } => {
                saga.waits(PAY, &format!("waits for the customer ({})", action.kind));
                let waiting = Stage::AwaitingPayment.name().to_owned();
                saga.ctx().upsert_search_attributes([STAGE.value_set(waiting)]);
                // The bench measures what waits; nobody settles it.
                saga.wait_for(|_| false).await?;
                Err(refused(saga, PAY))
            }
            _ => Err(refused(saga, PAY)),
        }
    }

    async fn confirm(&self, saga: &OrderSaga, holds: Vec<Hold>) -> Result<(), Halt> {
        let sale = saga.step(CONFIRM, Inventory::confirm, self.requests.sale(holds), policy::stock());
        match sale.undo_by(Inventory::restock, self.requests.restock()).await? {
            Confirmation::Confirmed => Ok(()),
            Confirmation::HoldLost { .. } => Err(refused(saga, CONFIRM)),
        }
    }

    async fn ship(&self, saga: &OrderSaga) -> Result<Label, Halt> {
        let parcel = saga
            .step(SHIP, Shipping::create_shipment, self.requests.parcel(), policy::carrier())
            .or_look_up(Shipping::find_shipment, self.requests.label());
        match parcel.undo_by(Shipping::void_shipment, self.requests.label()).await? {
            Shipment::Labelled(label) => Ok(label),
            Shipment::Refused { .. } => Err(refused(saga, SHIP)),
        }
    }

    async fn tell_shop(&self, saga: &OrderSaga, label: &Label) {
        let confirmed = self.requests.confirmed(PaymentStatus::Paid, label);
        let policy = policy::aftermath().as_activity();
        let _reported = saga.step(UPDATE, Commerce::update_order, confirmed, policy).or_report().await;
    }

    async fn notify(&self, saga: &OrderSaga, label: &Label) {
        let policy = policy::notice().as_activity();
        let mail = saga.step(NOTIFY, Notifications::send_email, self.requests.email(label), policy);
        let _reported = mail.part("email").or_report().await;
        if let Some(message) = self.requests.sms(label) {
            let sms = saga.step(NOTIFY, Notifications::send_sms, message, policy);
            let _reported = sms.part("sms").or_report().await;
        }
        let push = saga.step(NOTIFY, Notifications::send_push, self.requests.push(label), policy);
        let _reported = push.part("push").or_report().await;
    }

    async fn count_sale(&self, saga: &OrderSaga) {
        let policy = policy::aftermath().as_activity();
        let sale = saga.step(ANALYTICS, Commerce::track_order_completed, self.requests.completed(), policy);
        let _reported = sale.or_report().await;
    }
}

fn timestamp(time: Option<SystemTime>) -> Option<Timestamp> {
    Timestamp::try_from(time?).ok()
}

/// The bench places orders that nobody refuses.
fn refused(saga: &OrderSaga, step: &'static str) -> Halt {
    saga.refused(step, "Refused", "refused".to_owned())
}
