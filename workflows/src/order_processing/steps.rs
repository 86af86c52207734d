//! The steps of order processing, each with its undo.

use std::time::Duration;

use contracts::commerce::{
    Commerce, OrderCheck, OrderCompleted, OrderProblem, OrderStatus, OrderValidation, ShippingStatus,
    UpdateOrder, ValidateOrder,
};
use contracts::customers::{Customers, Suppress};
use contracts::inventory::{
    ConfirmStock, Confirmation, Hold, Inventory, ReleaseStock, Reservation, ReserveStock,
};
use contracts::notification::{Content, Delivery, Notifications, SendEmail, SendPush, SendSms};
use contracts::payment::{Payments, ReversePayment};
use contracts::shipping::{CreateShipment, Label, Shipment, ShipmentRef, Shipping};
use contracts::values::IdempotencyKey;
use jiff::{SignedDuration, Timestamp};
use temporalio_workflow::join;

use super::paying::Paid;
use super::{
    ANALYTICS, CONFIRM, NOTIFY, OrderData, OrderProcessing, PAY, RESERVE, SHIP, TELL_SHOP, UPDATE, VALIDATE,
};
use crate::policy;
use crate::report::timestamp;
use crate::saga::{Back, Halt, Outcome, Saga, WayBack};

/// The part of the notifications that tells the platform of a bounce.
const SUPPRESS: &str = "suppress";

/// The cause of a question about money that somebody decided about before.
pub(crate) const DECIDED_BEFORE: &str = "decided_before";

/// Holds outlive the deadline by this much, so that a payment that is found settled at the last look still finds them.
const HOLD_MARGIN: Duration = Duration::from_secs(5 * 60);

/// One order on its way through the steps.
pub(super) struct OrderRun<'o> {
    pub(super) order: &'o OrderData,
    pub(super) workflow_id: String,
}

pub(super) type OrderSaga = Saga<OrderProcessing>;

impl OrderRun<'_> {
    pub(super) async fn validate(&self, saga: &OrderSaga) -> Result<(), Halt> {
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

    pub(super) async fn reserve(&self, saga: &OrderSaga) -> Result<Vec<Hold>, Halt> {
        let key = self.key(RESERVE);
        let lines = self.order.stock_lines();
        let order_id = self.order.order_id.clone();
        let expires_at = later(self.deadline(saga), HOLD_MARGIN).to_string();
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

    pub(super) async fn confirm(&self, saga: &OrderSaga, holds: Vec<Hold>) -> Result<(), Halt> {
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

    pub(super) async fn ship(&self, saga: &OrderSaga) -> Result<Label, Halt> {
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
            Shipment::Labelled(label) => {
                saga.fact(SHIP, "tracking_number", &label.tracking_number);
                Ok(label)
            }
            Shipment::Refused { code } => {
                Err(saga.refused(SHIP, "ShippingFailed", format!("the carrier refused: {code}")))
            }
        }
    }

    pub(super) async fn tell_shop(&self, saga: &OrderSaga, paid: &Paid, label: &Label) {
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
        // A shop that never hears of a paid order with a label would sell its goods, or charge, again: a person is
        // asked.
        let step = saga.step(UPDATE, Commerce::update_order, confirmed, policy::aftermath());
        let _noted_by_the_saga = step.or_ask().await;
    }

    pub(super) async fn notify(&self, saga: &OrderSaga, label: &Label) {
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
            let mail = SendEmail { key, to, locale, content, list_unsubscribe: None };
            let step = saga.step(NOTIFY, Notifications::send_email, mail, policy::notice()).part("email");
            let delivery = step.or_report().await;
            let is_bounced = matches!(delivery, Some(Delivery::Bounced { .. }));
            note_delivery(saga, "email", delivery.as_ref());
            if is_bounced {
                self.suppress(saga).await;
            }
        };
        let sms = async {
            let Some(to) = order.customer_phone.clone() else { return };
            let message = SendSms { key: key.part("sms"), to, locale, content: content.clone() };
            let step = saga.step(NOTIFY, Notifications::send_sms, message, policy::notice()).part("sms");
            note_delivery(saga, "sms", step.or_report().await.as_ref());
        };
        let push = async {
            let (key, user_id) = (key.part("push"), order.customer_id.clone());
            let message = SendPush { key, user_id, locale, content: content.clone() };
            let step = saga.step(NOTIFY, Notifications::send_push, message, policy::notice()).part("push");
            note_delivery(saga, "push", step.or_report().await.as_ref());
        };
        join!(email, sms, push);
    }

    /// The mail bounced: the platform has to know it, or marketing mails would go on bouncing.
    async fn suppress(&self, saga: &OrderSaga) {
        let key = self.key(NOTIFY).part(SUPPRESS);
        let news = Suppress { key, customer_id: self.order.customer_id.clone() };
        let step = saga.step(NOTIFY, Customers::suppress, news, policy::aftermath()).part(SUPPRESS);
        let _reported = step.or_report().await;
    }

    pub(super) async fn count_sale(&self, saga: &OrderSaga) {
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

    pub(super) fn reversal(&self, payment_id: Option<String>) -> ReversePayment {
        ReversePayment {
            key: self.key(PAY),
            order_id: self.order.order_id.clone(),
            payment_id,
            reason: "the order was not fulfilled".to_owned(),
        }
    }

    /// The message to the shop when the order ends before its point of no return.
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

    /// Until when the payment may settle, for a reservation that begins now.
    pub(super) fn deadline(&self, saga: &OrderSaga) -> Timestamp {
        later(now(saga), self.order.reservation)
    }

    pub(super) fn key(&self, step: &str) -> IdempotencyKey {
        IdempotencyKey::new(&self.workflow_id, step)
    }
}

/// The order's own part of the way back: a payment that settles meanwhile, after its own undo, is undone once more
/// (where a person has decided about it, only if that person says so), and the shop is told last.
impl WayBack<OrderProcessing> for OrderRun<'_> {
    /// An order that no carrier takes is not shippable, whichever way the carrier put it.
    fn outage_type(&self, step: &str) -> &'static str {
        if step == SHIP { "ShippingFailed" } else { "StepFailed" }
    }

    async fn go_back(&self, back: &Back<'_, OrderProcessing>, halt: &Halt) {
        back.undo_last(TELL_SHOP, Commerce::update_order, self.ended_early(halt));
        loop {
            let heard = back.ctx().state(|w| w.settlements.len());
            // Money that arrives does not wait for an answer about something else.
            back.undo_until(|w| w.settlements.len() > heard && !w.saga.is_asked_about(PAY)).await;
            if back.ctx().state(|w| w.settlements.len()) == heard {
                return;
            }
            if back.was_decided(PAY) {
                let news = "the provider sent news of the payment while somebody decided about it; not touched again";
                back.ask_last(PAY, Payments::reverse, self.reversal(None), DECIDED_BEFORE, news);
            } else {
                back.undo_last(PAY, Payments::reverse, self.reversal(None));
            }
        }
    }
}

/// The present, by the run's own clock.
pub(super) fn now(saga: &OrderSaga) -> Timestamp {
    timestamp(saga.ctx().workflow_time()).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A moment this much later; the end of time where that is nearer.
pub(super) fn later(moment: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    moment.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// A message that the sender refuses for good is a failed part of the step, not an outage.
fn note_delivery(saga: &OrderSaga, channel: &'static str, delivery: Option<&Delivery>) {
    if let Some(Delivery::Refused { code } | Delivery::Bounced { code }) = delivery {
        saga.part(NOTIFY, channel).failed(&format!("refused: {code}"));
    }
}

/// The failure that a refusal by the shop means: a shortage is a shortage wherever it is noticed.
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
