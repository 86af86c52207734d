//! An order's requests to the systems outside: what is asked for at each step, and what takes it back.
//!
//! Each is a function of the order alone and of answers before it, so that whoever runs an order, however, asks for
//! the same things under the same keys.

use std::collections::BTreeSet;

use contracts::commerce::{
    OrderCheck, OrderCompleted, OrderStatus, ShippingStatus, UpdateOrder, UpdatePayment, ValidateOrder,
};
use contracts::inventory::{ConfirmStock, Hold, ReleaseStock, ReserveStock, StockLine};
use contracts::notification::{Content, OrderMail, SendEmail, SendPush, SendSms};
use contracts::payment::{Balance, ChargePayment, CustomerAction, FindPayment, PaymentKind, ReversePayment};
use contracts::shipping::{CreateShipment, Label, ShipmentRef};
use contracts::values::IdempotencyKey;
use jiff::Timestamp;

use super::kept::Sale;
use super::paying::Paid;
use super::steps::{SELL_KEPT, TELL_MONEY, TELL_SHOP};
use super::{ANALYTICS, CONFIRM, NOTIFY, OrderData, PAY, RESERVE, SHIP, UPDATE};
use crate::saga::{Ending, Outcome};

/// The part of a key that names the second time that stock is held and sold, after holds were lost.
const SECOND_ROUND: &str = "round-2";

/// The requests of one order.
#[derive(Clone, Debug)]
pub struct Requests<'o> {
    order: &'o OrderData,
    workflow_id: String,
}

impl<'o> Requests<'o> {
    /// Those of an order that runs under this workflow id, which is the first part of every idempotency key.
    #[must_use]
    pub fn new(order: &'o OrderData, workflow_id: &str) -> Self {
        Self { order, workflow_id: workflow_id.to_owned() }
    }

    /// The idempotency key of a step's effect.
    #[must_use]
    pub fn key(&self, step: &str) -> IdempotencyKey {
        IdempotencyKey::new(&self.workflow_id, step)
    }

    /// The shop is asked whether it agrees to the order.
    #[must_use]
    pub fn validation(&self) -> ValidateOrder {
        let order = self.order.clone();
        ValidateOrder {
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
        }
    }

    /// The stock is held until then.
    #[must_use]
    pub fn hold(&self, expires_at: Timestamp) -> ReserveStock {
        let ReleaseStock { key, order_id, lines, .. } = self.release();
        ReserveStock { key, order_id, lines, expires_at: expires_at.to_string() }
    }

    /// Variants whose hold was lost are held once more, under a key of that round.
    #[must_use]
    pub fn hold_again(&self, variants: &[String], expires_at: Timestamp) -> ReserveStock {
        let again = self.hold_of(variants, expires_at);
        ReserveStock { key: again.key.part(SECOND_ROUND), ..again }
    }

    fn hold_of(&self, variants: &[String], expires_at: Timestamp) -> ReserveStock {
        let all = self.hold(expires_at);
        let is_asked = |line: &StockLine| variants.iter().any(|asked| asked == line.variant_id.as_str());
        ReserveStock { lines: all.lines.into_iter().filter(is_asked).collect(), ..all }
    }

    /// The hold is given back.
    #[must_use]
    pub fn release(&self) -> ReleaseStock {
        self.stock_of(RESERVE)
    }

    /// The same of an order of which not every line could be held: every request was answered.
    #[must_use]
    pub fn release_of_short(&self) -> ReleaseStock {
        ReleaseStock { is_answered: true, ..self.release() }
    }

    /// The customer is charged. `looks_first`: the shop knew the order before this run.
    #[must_use]
    pub fn charge(&self, looks_first: bool) -> ChargePayment {
        ChargePayment {
            key: self.key(PAY),
            order_id: self.order.order_id.clone(),
            customer_id: self.order.customer_id.clone(),
            amount: self.order.total_amount,
            kind: self.order.payment_kind,
            token: self.order.payment_token.clone(),
            looks_first,
        }
    }

    /// The payment is looked up.
    #[must_use]
    pub fn payment(&self) -> FindPayment {
        self.refund(None)
    }

    /// The money is given back; `payment_id` where it is known.
    #[must_use]
    pub fn reversal(&self, payment_id: Option<String>) -> ReversePayment {
        ReversePayment {
            key: self.key(PAY),
            order_id: self.order.order_id.clone(),
            payment_id,
            other_ids: BTreeSet::new(),
            reason: "the order was not fulfilled".to_owned(),
            round: 0,
            not_before: None,
        }
    }

    /// The holds become a sale.
    #[must_use]
    pub fn sale(&self, holds: Vec<Hold>) -> ConfirmStock {
        let ReleaseStock { key, order_id, lines, .. } = self.restock();
        ConfirmStock { key, order_id, lines, holds, may_be_sold: false }
    }

    /// The same once lost holds were had again, without the variants that are sold by now.
    #[must_use]
    pub fn sale_again(&self, holds: Vec<Hold>, sold: &[String]) -> ConfirmStock {
        let first = self.sale(holds);
        let key = first.key.part(SECOND_ROUND);
        let is_sold = |line: &StockLine| sold.iter().any(|sold| sold == line.variant_id.as_str());
        let lines = first.lines.into_iter().filter(|line| !is_sold(line)).collect();
        ConfirmStock { key, lines, ..first }
    }

    /// The holds of a parcel that is kept become a sale, under a key that no earlier sale has used.
    pub(super) fn sale_of_kept(&self, holds: Vec<Hold>, sale: &Sale) -> ConfirmStock {
        let rest = self.sale_again(holds, &sale.sold);
        ConfirmStock { key: self.key(SELL_KEPT), may_be_sold: sale.is_unclear, ..rest }
    }

    /// The same once lost holds were had again.
    pub(super) fn sale_of_kept_again(&self, holds: Vec<Hold>, sale: &Sale) -> ConfirmStock {
        ConfirmStock { key: self.key(SELL_KEPT).part(SECOND_ROUND), ..self.sale_of_kept(holds, sale) }
    }

    /// Variants of a parcel that is kept are held once more, under a key that no earlier hold has used.
    pub(super) fn hold_kept(&self, variants: &[String], expires_at: Timestamp) -> ReserveStock {
        ReserveStock { key: self.key(SELL_KEPT).part("hold"), ..self.hold_of(variants, expires_at) }
    }

    /// The sold goods go back into the stock.
    #[must_use]
    pub fn restock(&self) -> ReleaseStock {
        self.stock_of(CONFIRM)
    }

    /// The same where the sale of these variants was answered.
    pub(super) fn restock_of(&self, sold: &[String]) -> ReleaseStock {
        ReleaseStock { sold: sold.to_vec(), ..self.restock() }
    }

    /// The label is bought.
    #[must_use]
    pub fn parcel(&self) -> CreateShipment {
        let ShipmentRef { key, order_id, .. } = self.label();
        CreateShipment {
            key,
            order_id,
            address: self.order.shipping_address.clone(),
            items: self.order.items.clone(),
            method: self.order.shipping_method.clone(),
            collect: self.is_paid_at_the_door().then_some(self.order.total_amount),
            value: Some(self.order.goods()).filter(|worth| worth.minor_units() > 0),
        }
    }

    fn is_paid_at_the_door(&self) -> bool {
        self.order.payment_kind == PaymentKind::CashOnDelivery && !self.order.is_free()
    }

    /// The label is looked up, or voided.
    #[must_use]
    pub fn label(&self) -> ShipmentRef {
        ShipmentRef { key: self.key(SHIP), order_id: self.order.order_id.clone(), shipment_id: None }
    }

    /// The label that was bought is voided, whatever the carrier knows of its key.
    #[must_use]
    pub fn bought(&self, label: &Label) -> ShipmentRef {
        ShipmentRef { shipment_id: Some(label.shipment_id.clone()), ..self.label() }
    }

    /// The shop hears that the order waits for the customer. Others follow: it is written over an open order alone.
    pub(super) fn awaiting_payment(&self, action: &CustomerAction) -> UpdateOrder {
        UpdateOrder {
            key: self.key(UPDATE).part(OrderMail::AwaitingPayment.name()),
            order_id: self.order.order_id.clone(),
            status: OrderStatus::AwaitingPayment,
            only_over: Some(self.order.customer_id.clone()),
            may_become_known: false,
            payment_action: Some(action.clone()),
            payment_status: None,
            payment_id: None,
            refund_ids: Vec::new(),
            shipping_status: None,
            tracking_number: None,
            estimated_delivery: None,
            failure_reason: None,
        }
    }

    /// The question for how the money ended.
    pub(super) fn refund(&self, payment_id: Option<String>) -> FindPayment {
        FindPayment {
            key: self.key(PAY),
            order_id: self.order.order_id.clone(),
            payment_id,
            other_ids: BTreeSet::new(),
            until_one: false,
        }
    }

    /// The shop hears that the order is confirmed.
    #[must_use]
    pub fn confirmed(&self, paid: &Paid, label: Option<&Label>) -> UpdateOrder {
        UpdateOrder {
            key: self.key(UPDATE),
            order_id: self.order.order_id.clone(),
            status: OrderStatus::Confirmed,
            only_over: None,
            may_become_known: false,
            payment_action: None,
            payment_status: Some(paid.status),
            payment_id: paid.payment_id.clone(),
            refund_ids: Vec::new(),
            shipping_status: Some(ShippingStatus::Pending),
            tracking_number: label.map(|label| label.tracking_number.clone()),
            estimated_delivery: label.and_then(|label| label.estimated_delivery.clone()),
            failure_reason: None,
        }
    }

    /// The shop hears that the order ended before its point of no return, and how its money did, where that is known.
    /// Where the run has begun nothing, only an open order of this customer is changed: the number may be another's, or
    /// one that was sent long ago.
    #[must_use]
    pub fn ended_early(&self, ending: Ending, has_begun: bool, money: Option<&Balance>) -> UpdateOrder {
        UpdateOrder {
            key: self.key(TELL_SHOP),
            order_id: self.order.order_id.clone(),
            status: match ending.outcome {
                Outcome::Expired => OrderStatus::Expired,
                Outcome::Cancelled => OrderStatus::Cancelled,
                Outcome::Failed | Outcome::Completed => OrderStatus::Failed,
            },
            only_over: (!has_begun).then(|| self.order.customer_id.clone()),
            may_become_known: false,
            payment_action: None,
            payment_status: money.map(|money| money.status),
            payment_id: money.and_then(|money| money.payment_id.clone()),
            refund_ids: money.map(|money| money.refund_ids.clone()).unwrap_or_default(),
            shipping_status: None,
            tracking_number: None,
            estimated_delivery: None,
            failure_reason: Some(ending.reason),
        }
    }

    /// The shop hears once more how the money ended.
    pub(super) fn money_ended(&self, money: &Balance) -> UpdatePayment {
        UpdatePayment {
            key: self.key(TELL_MONEY),
            order_id: self.order.order_id.clone(),
            payment_status: money.status,
            payment_id: money.payment_id.clone(),
            refund_ids: money.refund_ids.clone(),
        }
    }

    /// The customer gets a mail.
    #[must_use]
    pub fn email(&self, label: &Label) -> SendEmail {
        SendEmail {
            key: self.key(NOTIFY).part("email"),
            to: self.order.customer_email.clone(),
            locale: self.order.locale,
            content: self.confirmation(label),
            list_unsubscribe: None,
        }
    }

    /// The customer gets an SMS; `None` without a phone.
    #[must_use]
    pub fn sms(&self, label: &Label) -> Option<SendSms> {
        let to = self.order.customer_phone.clone()?;
        let key = self.key(NOTIFY).part("sms");
        Some(SendSms { key, to, locale: self.order.locale, content: self.confirmation(label) })
    }

    /// The customer's app gets a message.
    #[must_use]
    pub fn push(&self, label: &Label) -> SendPush {
        SendPush {
            key: self.key(NOTIFY).part("push"),
            user_id: self.order.customer_id.clone(),
            locale: self.order.locale,
            content: self.confirmation(label),
        }
    }

    /// The sale is counted.
    #[must_use]
    pub fn completed(&self) -> OrderCompleted {
        OrderCompleted {
            key: self.key(ANALYTICS),
            order_id: self.order.order_id.clone(),
            customer_id: self.order.customer_id.clone(),
            revenue: self.order.total_amount,
            items: self.order.items.clone(),
        }
    }

    fn confirmation(&self, label: &Label) -> Content {
        Content::OrderConfirmation {
            order_id: self.order.order_id.clone(),
            items: self.order.items.clone(),
            total_amount: self.order.total_amount,
            tracking_number: label.tracking_number.clone(),
        }
    }

    fn stock_of(&self, step: &str) -> ReleaseStock {
        ReleaseStock {
            key: self.key(step),
            order_id: self.order.order_id.clone(),
            lines: self.order.stock_lines(),
            is_answered: false,
            sold: Vec::new(),
        }
    }
}
