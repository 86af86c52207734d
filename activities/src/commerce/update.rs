//! `PUT /orders/{id}`: how an order stands, and how its money ended.

use contracts::commerce::{OrderStatus, PaymentStatus, ShippingStatus, UpdateOrder, UpdatePayment};
use contracts::payment::CustomerAction;
use contracts::values::OrderId;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::client::Client;
use super::known::{CLOSED, CONFIRMED, ENDED, KnownOrder, OPEN, has_reached};
use crate::http::{CallError, word as shown};

#[derive(Serialize)]
struct UpdateBody<'a> {
    /// `None`: it stays as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<OrderStatus>,
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

impl<'a> UpdateBody<'a> {
    fn of(order: &'a UpdateOrder) -> Self {
        Self {
            status: Some(order.status),
            payment_action: order.payment_action.as_ref(),
            payment: PaymentBody::of(order),
            shipping_status: order.shipping_status,
            tracking_number: order.tracking_number.as_deref(),
            estimated_delivery: order.estimated_delivery.as_deref(),
            failure_reason: order.failure_reason.as_deref(),
        }
    }

    /// Without the states that the shop has gone on from.
    fn beside_its_state(order: &'a UpdateOrder) -> Self {
        Self { status: None, shipping_status: None, ..Self::of(order) }
    }
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
enum Told {
    /// Nothing, as far as one can see.
    Nothing,
    /// That it is confirmed, from somebody else, who knows neither its parcel nor its money.
    Confirmed,
    /// That it has ended; how the money did may be news.
    Ended(KnownOrder),
    /// Not that it has ended: the shop goes on with it, in this state.
    GoneOn(KnownOrder),
    /// All that it has to hear.
    All,
    /// It knows no such order, and may come to know it.
    Unknown,
}

/// The outcome of a word about an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// The shop holds the order as told, or has no order that is meant.
    Heard,
    /// The shop knows no such order yet, and a request that is still under way may make it known.
    TooEarly,
}

impl Client {
    /// How much of a word about an order need not be written. The order is always read first: an attempt before this
    /// one, of this activity or of another, may have landed long ago, the shop has gone on since, and the platform has
    /// no conditional update.
    async fn told(&self, order: &UpdateOrder) -> Result<Told, CallError> {
        let Some(known) = self.known(&order.order_id).await? else {
            return Ok(match &order.only_over {
                None => Told::Nothing,
                Some(_) if order.may_become_known => Told::Unknown,
                Some(_) => Told::All,
            });
        };
        if order.only_over.as_ref().is_some_and(|customer| known.is_of_another_than(customer)) {
            return Ok(Told::All);
        }
        if order.status == OrderStatus::Confirmed {
            // That the parcel is under way has to be known, whatever the shop made of the order meanwhile.
            return Ok(match known.is_among(&CONFIRMED) {
                true if known.has_heard(order) => Told::All,
                true => Told::Confirmed,
                false => Told::Nothing,
            });
        }
        match &order.only_over {
            _ if known.is_among(&OPEN) => Ok(Told::Nothing),
            Some(_) if known.is_among(&CLOSED) => Ok(Told::All),
            None if known.is_among(&ENDED) => Ok(Told::Ended(known)),
            None if known.is_among(&CONFIRMED) => Ok(Told::GoneOn(known)),
            _ => Err(self.new_state(&known.status)),
        }
    }

    /// Writes a state, unless the shop has it already.
    pub(super) async fn update(&self, order: &UpdateOrder) -> Result<Word, CallError> {
        match self.told(order).await? {
            Told::Nothing => {}
            Told::Confirmed => {
                let body = UpdateBody::beside_its_state(order);
                return self.write_money(&order.order_id, &body, order.payment_status).await.map(heard);
            }
            Told::Ended(known) => return self.write_rest(&known, order).await.map(heard),
            Told::GoneOn(known) => {
                self.write_rest(&known, order).await?;
                let state = &known.status;
                let why = format!("held_as_{state}: the order has ended, and the shop goes on with it");
                return Err(self.api.unusable(why));
            }
            Told::All => return Ok(Word::Heard),
            Told::Unknown => return Ok(Word::TooEarly),
        }
        let path = ["orders", order.order_id.as_str()];
        let body = UpdateBody::of(order);
        // Without a key: the same fields twice are the same state, and a stored 500 would be repeated for ever.
        let written: Option<WrittenOrder> = self.api.send(Method::PUT, &path, None, &body).await?;
        let state = written.as_ref().and_then(|written| written.status.as_str());
        if state.is_some_and(|state| has_reached(order.status, state)) {
            return Ok(Word::Heard);
        }
        self.is_written(order).await.map(heard)
    }

    /// How the money of an order ended, where that is news: whoever ended the order may know nothing of it.
    async fn write_rest(&self, known: &KnownOrder, order: &UpdateOrder) -> Result<(), CallError> {
        match PaymentBody::of(order) {
            Some(money) if known.payment_status.as_str() != Some(money.payment_status.name()) => {
                self.write_payment(&order.order_id, &money).await
            }
            Some(_) | None => Ok(()),
        }
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

    async fn write_payment(&self, order_id: &OrderId, word: &PaymentBody<'_>) -> Result<(), CallError> {
        self.write_money(order_id, word, Some(word.payment_status)).await
    }

    /// Writes what leaves the state as it is. Without a key, as every word about an order.
    async fn write_money(
        &self,
        order_id: &OrderId,
        word: &impl Serialize,
        money: Option<PaymentStatus>,
    ) -> Result<(), CallError> {
        let path = ["orders", order_id.as_str()];
        let written: Option<WrittenOrder> = self.api.send(Method::PUT, &path, None, word).await?;
        let answered = written.map(|written| written.payment_status).unwrap_or_default();
        let held = match answered {
            Value::Null => self.known(order_id).await?.map(|known| known.payment_status).unwrap_or_default(),
            answered => answered,
        };
        match (held.as_str(), money) {
            (Some(held), Some(told)) if held != told.name() => {
                let why = format!("an order whose money is held as {} once it was written", shown(held));
                Err(self.api.unknown(why))
            }
            // A shop that shows nothing of it has taken it.
            _ => Ok(()),
        }
    }
}

fn heard((): ()) -> Word {
    Word::Heard
}
