//! The measure: order processing as it would be written without thought for its cost.
//!
//! Same input, activities, policies, undos, timer, search attributes and report as the shipped process. Two things
//! differ: nothing runs inside a workflow task, and nothing runs side by side.

#![expect(
    missing_docs,
    reason = "the workflow_methods macro generates markers without docs; everything else has them"
)]

use std::time::SystemTime;

use contracts::commerce::{
    Commerce, OrderCheck, OrderCompleted, OrderStatus, OrderValidation, PaymentStatus, ShippingStatus,
    UpdateOrder, ValidateOrder,
};
use contracts::inventory::{
    ConfirmStock, Confirmation, Hold, Inventory, ReleaseStock, Reservation, ReserveStock,
};
use contracts::notification::{Content, Notifications, SendEmail, SendPush, SendSms};
use contracts::payment::{ChargePayment, FindPayment, PaymentState, Payments, ReversePayment};
use contracts::shipping::{CreateShipment, Label, Shipment, ShipmentRef, Shipping};
use contracts::values::IdempotencyKey;
use jiff::Timestamp;
use temporalio_workflow::{WorkflowContext, WorkflowResult, workflow};
use workflows::face;
use workflows::input::{Problem, Unchecked};
use workflows::order_processing::{OrderData, OrderProcessing, OrderProcessingResult};
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
        let run = Run { order: &order, workflow_id: ctx.workflow_id().to_owned() };
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
            workflow_id: run.workflow_id,
            execution_time: ended.took_ms,
            outcome: ended.outcome.name().to_owned(),
            reason: ended.reason,
            report: ended.report,
        })
    }
}
}

struct Run<'o> {
    order: &'o OrderData,
    workflow_id: String,
}

type OrderSaga = Saga<SequentialOrder>;

impl Run<'_> {
    async fn forward(&self, saga: &mut OrderSaga) -> Result<(Option<String>, Label), Halt> {
        self.validate(saga).await?;
        let hold_and_pay = async {
            let holds = self.reserve(saga).await?;
            let payment_id = self.pay(saga).await?;
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
        let policy = policy::bookkeeping().as_activity();
        let verdict = saga.step("validate-order", Commerce::validate_order, question, policy);
        match verdict.nothing_to_undo("the shop only answers a question").await? {
            OrderValidation::Valid => Ok(()),
            OrderValidation::Invalid { .. } => Err(refused(saga, "validate-order")),
        }
    }

    async fn reserve(&self, saga: &OrderSaga) -> Result<Vec<Hold>, Halt> {
        let (key, order_id, lines) = self.stock_of("reserve-inventory");
        let now = timestamp(saga.ctx().workflow_time()).unwrap_or_default();
        let expires_at = now.checked_add(self.order.reservation).unwrap_or(now).to_string();
        let hold =
            ReserveStock { key: key.clone(), order_id: order_id.clone(), lines: lines.clone(), expires_at };
        let undo = ReleaseStock { key, order_id, lines };
        let step = saga.step("reserve-inventory", Inventory::reserve, hold, policy::stock());
        match step.undo_by(Inventory::release, undo).await? {
            Reservation::Held { holds } => Ok(holds),
            Reservation::Short { .. } => Err(refused(saga, "reserve-inventory")),
        }
    }

    async fn pay(&self, saga: &OrderSaga) -> Result<Option<String>, Halt> {
        let (key, order_id) = (self.key("process-payment"), self.order.order_id.clone());
        let find = FindPayment { key: key.clone(), order_id: order_id.clone() };
        let charge = ChargePayment {
            key: key.clone(),
            order_id: order_id.clone(),
            customer_id: self.order.customer_id.clone(),
            amount: self.order.total_amount,
            kind: self.order.payment_kind,
            token: self.order.payment_token.clone(),
        };
        let reverse = ReversePayment {
            key,
            order_id,
            payment_id: None,
            reason: "the order was not fulfilled".to_owned(),
        };
        let payment = saga
            .step("process-payment", Payments::charge, charge, policy::money())
            .or_look_up(Payments::find, find)
            .undo_by(Payments::reverse, reverse)
            .await?;
        match payment.state {
            PaymentState::Paid => Ok(payment.payment_id),
            PaymentState::RequiresAction { action } => {
                saga.waits("process-payment", &format!("waits for the customer ({})", action.kind));
                let waiting = Stage::AwaitingPayment.name().to_owned();
                saga.ctx().upsert_search_attributes([STAGE.value_set(waiting)]);
                // The bench measures what waits; nobody settles it.
                saga.wait_for(|_| false).await?;
                Err(refused(saga, "process-payment"))
            }
            _ => Err(refused(saga, "process-payment")),
        }
    }

    async fn confirm(&self, saga: &OrderSaga, holds: Vec<Hold>) -> Result<(), Halt> {
        let (key, order_id, lines) = self.stock_of("confirm-inventory");
        let sale = ConfirmStock { key: key.clone(), order_id: order_id.clone(), lines: lines.clone(), holds };
        let undo = ReleaseStock { key, order_id, lines };
        let step = saga.step("confirm-inventory", Inventory::confirm, sale, policy::stock());
        match step.undo_by(Inventory::restock, undo).await? {
            Confirmation::Confirmed => Ok(()),
            Confirmation::HoldLost { .. } => Err(refused(saga, "confirm-inventory")),
        }
    }

    async fn ship(&self, saga: &OrderSaga) -> Result<Label, Halt> {
        let (key, order_id) = (self.key("create-shipping"), self.order.order_id.clone());
        let label = ShipmentRef { key: key.clone(), order_id: order_id.clone() };
        let parcel = CreateShipment {
            key,
            order_id,
            address: self.order.shipping_address.clone(),
            items: self.order.items.clone(),
            method: self.order.shipping_method.clone(),
        };
        let step = saga
            .step("create-shipping", Shipping::create_shipment, parcel, policy::carrier())
            .or_look_up(Shipping::find_shipment, label.clone());
        match step.undo_by(Shipping::void_shipment, label).await? {
            Shipment::Labelled(label) => Ok(label),
            Shipment::Refused { .. } => Err(refused(saga, "create-shipping")),
        }
    }

    async fn tell_shop(&self, saga: &OrderSaga, label: &Label) {
        let confirmed = UpdateOrder {
            key: self.key("update-order-status"),
            order_id: self.order.order_id.clone(),
            status: OrderStatus::Confirmed,
            payment_status: Some(PaymentStatus::Paid),
            shipping_status: Some(ShippingStatus::Pending),
            tracking_number: Some(label.tracking_number.clone()),
            estimated_delivery: label.estimated_delivery.clone(),
            failure_reason: None,
        };
        let policy = policy::aftermath().as_activity();
        let _reported =
            saga.step("update-order-status", Commerce::update_order, confirmed, policy).or_report().await;
    }

    async fn notify(&self, saga: &OrderSaga, label: &Label) {
        const STEP: &str = "send-notifications";
        let order = self.order;
        let (key, locale, policy) = (self.key(STEP), order.locale, policy::notice().as_activity());
        let content = Content::OrderConfirmation {
            order_id: order.order_id.clone(),
            items: order.items.clone(),
            total_amount: order.total_amount,
            tracking_number: label.tracking_number.clone(),
        };
        let to = order.customer_email.clone();
        let mail = SendEmail {
            key: key.part("email"),
            to,
            locale,
            content: content.clone(),
            list_unsubscribe: None,
        };
        let _reported =
            saga.step(STEP, Notifications::send_email, mail, policy).part("email").or_report().await;
        if let Some(to) = order.customer_phone.clone() {
            let message = SendSms { key: key.part("sms"), to, locale, content: content.clone() };
            let _reported =
                saga.step(STEP, Notifications::send_sms, message, policy).part("sms").or_report().await;
        }
        let user_id = order.customer_id.clone();
        let message = SendPush { key: key.part("push"), user_id, locale, content };
        let _reported =
            saga.step(STEP, Notifications::send_push, message, policy).part("push").or_report().await;
    }

    async fn count_sale(&self, saga: &OrderSaga) {
        let event = OrderCompleted {
            key: self.key("update-analytics"),
            order_id: self.order.order_id.clone(),
            customer_id: self.order.customer_id.clone(),
            revenue: self.order.total_amount,
            items: self.order.items.clone(),
        };
        let policy = policy::aftermath().as_activity();
        let _reported =
            saga.step("update-analytics", Commerce::track_order_completed, event, policy).or_report().await;
    }

    fn stock_of(
        &self,
        step: &str,
    ) -> (IdempotencyKey, contracts::values::OrderId, Vec<contracts::inventory::StockLine>) {
        (self.key(step), self.order.order_id.clone(), self.order.stock_lines())
    }

    fn key(&self, step: &str) -> IdempotencyKey {
        IdempotencyKey::new(&self.workflow_id, step)
    }
}

fn timestamp(time: Option<SystemTime>) -> Option<Timestamp> {
    Timestamp::try_from(time?).ok()
}

/// The bench places orders that nobody refuses.
fn refused(saga: &OrderSaga, step: &'static str) -> Halt {
    saga.refused(step, "Refused", "refused".to_owned())
}
