//! `PUT /orders/{id}`: how an order stands, and how its money ended.

use contracts::commerce::{OrderStatus, PaymentStatus, ShippingStatus, UpdateOrder, UpdatePayment};
use contracts::payment::CustomerAction;
use contracts::values::OrderId;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::client::Client;
use super::known::{CLOSED, CONFIRMED, KnownOrder, OPEN, has_reached};
use crate::http::{CallError, word as shown};

#[derive(Serialize)]
struct UpdateBody<'a> {
    status: OrderStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_action: Option<&'a CustomerAction>,
    #[serde(flatten)]
    payment: Option<PaymentBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shipping_status: Option<ShippingStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tracking_number: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    estimated_delivery: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_reason: Option<&'a str>,
}

/// How the money of an order ended.
#[derive(Clone, Copy, Serialize)]
struct PaymentBody<'a> {
    payment_status: PaymentStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_id: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    refund_ids: &'a [String],
}

impl<'a> PaymentBody<'a> {
    fn of(order: &'a UpdateOrder) -> Option<Self> {
        Some(Self {
            payment_status: order.payment_status?,
            payment_id: order.payment_id.as_deref(),
            refund_ids: &order.refund_ids,
        })
    }
}

impl<'a> From<&'a UpdatePayment> for PaymentBody<'a> {
    fn from(word: &'a UpdatePayment) -> Self {
        Self {
            payment_status: word.payment_status,
            payment_id: word.payment_id.as_deref(),
            refund_ids: &word.refund_ids,
        }
    }
}

/// The platform's answer to a word about an order.
#[derive(Deserialize)]
struct WrittenOrder {
    #[serde(default)]
    status: Value,
    #[serde(default)]
    payment_status: Value,
}

/// How much of a word about an order the shop has heard.
enum Told<'a> {
    /// Nothing, as far as one can see.
    Nothing,
    /// The state; how the money ended is news.
    ItsState(PaymentBody<'a>),
    /// All that it has to hear.
    All,
}

impl<'a> Told<'a> {
    /// Of an order that has been closed: somebody else may have done that, who knows nothing of the money.
    fn of_closed(known: &KnownOrder, order: &'a UpdateOrder) -> Self {
        match PaymentBody::of(order) {
            Some(money)
                if order.only_over.is_none()
                    && known.payment_status.as_str() != Some(money.payment_status.name()) =>
            {
                Self::ItsState(money)
            }
            Some(_) | None => Self::All,
        }
    }
}

impl Client {
    /// How much of a word about an order need not be written. The order is read first where it may only be written over
    /// an open one of one customer, and by a repeated attempt, whose first request may have landed long ago: the shop
    /// has gone on since, and the platform has no conditional update.
    async fn told<'a>(&self, order: &'a UpdateOrder, is_repeated: bool) -> Result<Told<'a>, CallError> {
        if order.only_over.is_none() && !is_repeated {
            return Ok(Told::Nothing);
        }
        let Some(known) = self.known(&order.order_id).await? else {
            return Ok(if order.only_over.is_some() { Told::All } else { Told::Nothing });
        };
        if order.only_over.as_ref().is_some_and(|customer| known.is_of_another_than(customer)) {
            return Ok(Told::All);
        }
        match known.status.as_str() {
            // That the parcel is under way has to be known, whatever the shop made of the order meanwhile.
            _ if order.status == OrderStatus::Confirmed => {
                Ok(if known.is_among(&CONFIRMED) { Told::All } else { Told::Nothing })
            }
            _ if known.is_among(&OPEN) => Ok(Told::Nothing),
            _ if known.is_among(&CLOSED) => Ok(Told::of_closed(&known, order)),
            other => Err(self.new_state(other)),
        }
    }

    /// Writes a state, unless the shop has it already.
    pub(super) async fn update(&self, order: &UpdateOrder, is_repeated: bool) -> Result<(), CallError> {
        match self.told(order, is_repeated).await? {
            Told::Nothing => {}
            Told::ItsState(money) => return self.write_payment(&order.order_id, &money).await,
            Told::All => return Ok(()),
        }
        let body = UpdateBody {
            status: order.status,
            payment_action: order.payment_action.as_ref(),
            payment: PaymentBody::of(order),
            shipping_status: order.shipping_status,
            tracking_number: order.tracking_number.as_deref(),
            estimated_delivery: order.estimated_delivery.as_deref(),
            failure_reason: order.failure_reason.as_deref(),
        };
        let path = ["orders", order.order_id.as_str()];
        // Without a key: the same fields twice are the same state, and a stored 500 would be repeated for ever.
        let written: Option<WrittenOrder> = self.api.send(Method::PUT, &path, None, &body).await?;
        let state = written.as_ref().and_then(|written| written.status.as_str());
        if state.is_some_and(|state| has_reached(order.status, state)) {
            return Ok(());
        }
        self.is_written(order).await
    }

    /// The answer did not name the state that was written: the order does.
    async fn is_written(&self, order: &UpdateOrder) -> Result<(), CallError> {
        let held = match self.known(&order.order_id).await? {
            Some(known) if has_reached(order.status, &known.status) => return Ok(()),
            Some(known) if known.is_among(&OPEN) || known.is_among(&CLOSED) => known.status,
            Some(known) => return Err(self.new_state(&known.status)),
            None => "unknown".to_owned(),
        };
        let why =
            format!("an answer that does not name the order's new state, and the order is held as {held}");
        Err(self.api.unknown(why))
    }

    /// Writes how the money of an order ended.
    pub(super) async fn update_payment(&self, word: &UpdatePayment) -> Result<(), CallError> {
        self.write_payment(&word.order_id, &PaymentBody::from(word)).await
    }

    /// Without a key, as every word about an order.
    async fn write_payment(&self, order_id: &OrderId, word: &PaymentBody<'_>) -> Result<(), CallError> {
        let path = ["orders", order_id.as_str()];
        let written: Option<WrittenOrder> = self.api.send(Method::PUT, &path, None, word).await?;
        let answered = written.map(|written| written.payment_status).unwrap_or_default();
        let held = match answered {
            Value::Null => self.known(order_id).await?.map(|known| known.payment_status).unwrap_or_default(),
            answered => answered,
        };
        match held.as_str() {
            Some(held) if held != word.payment_status.name() => {
                let why = format!("an order whose money is held as {} once it was written", shown(held));
                Err(self.api.unknown(why))
            }
            // A shop that shows nothing of it has taken it.
            Some(_) | None => Ok(()),
        }
    }
}
