//! The platform's own payments: `/payments`, `/payments/{id}/refund`, `/payments/void`.

pub mod webhook;

use contracts::money::{Currency, Money};
use contracts::payment::{ChargePayment, CustomerAction, Payment, PaymentState, ReversePayment};
use contracts::values::IdempotencyKey;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::http::wire::{Amount, amount, money};
use crate::http::{Api, CallError, Refused, is_code};

use super::{Reversal, weightiest};

/// What a payment is called that holds no money and never will.
const VOID: [&str; 6] = ["voided", "refunded", "reversed", "cancelled", "canceled", "expired"];

/// The platform, as a payment provider.
#[derive(Clone)]
pub(super) struct Platform {
    api: Api,
}

#[derive(Serialize)]
struct ChargeBody<'a> {
    order_id: &'a str,
    amount: Amount,
    currency: &'static str,
    payment_method: MethodBody<'a>,
    customer_id: &'a str,
}

#[derive(Serialize)]
struct MethodBody<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    card_token: Option<&'a str>,
}

#[derive(Serialize)]
struct VoidBody<'a> {
    order_id: &'a str,
    idempotency_key: &'a str,
    reason: &'a str,
}

#[derive(Serialize)]
struct RefundBody<'a> {
    amount: Amount,
    currency: &'static str,
    reason: &'a str,
}

#[derive(Deserialize)]
struct PaymentBody {
    #[serde(alias = "id")]
    payment_id: String,
    #[serde(default)]
    idempotency_key: Option<String>,
    status: String,
    #[serde(default)]
    amount: Option<Box<RawValue>>,
    #[serde(default)]
    refunded_amount: Option<Box<RawValue>>,
    #[serde(default)]
    currency: Option<String>,
    #[serde(default)]
    decline_code: Option<String>,
    #[serde(default)]
    customer_may_retry: Option<bool>,
    #[serde(default)]
    action: Option<CustomerAction>,
}

#[derive(Deserialize)]
struct VoidAnswer {
    #[serde(default)]
    barred: bool,
    #[serde(default)]
    payments: Vec<PaymentBody>,
}

impl Platform {
    pub(super) fn new(api: Api) -> Self {
        Self { api }
    }

    pub(super) async fn health(&self) -> Result<(), CallError> {
        self.api.health().await
    }

    pub(super) async fn charge(&self, charge: &ChargePayment) -> Result<Payment, CallError> {
        let body = ChargeBody {
            order_id: charge.order_id.as_str(),
            amount: amount(charge.amount),
            currency: charge.amount.currency().code(),
            payment_method: MethodBody {
                kind: charge.kind.name(),
                card_token: charge.token.as_ref().map(|token| token.reveal()),
            },
            customer_id: charge.customer_id.as_str(),
        };
        let answer: Result<PaymentBody, _> =
            self.api.send(Method::POST, &["payments"], Some(&charge.key), &body).await;
        match answer {
            Ok(payment) => Ok(payment.into()),
            Err(error) => match error.refusal() {
                Some(refusal) if refusal.status == 402 => Ok(declined(refusal)),
                _ => Err(error),
            },
        }
    }

    /// The payment made under a key.
    pub(super) async fn find(&self, key: &IdempotencyKey) -> Result<Option<Payment>, CallError> {
        weightiest("payment", self.made_under(key).await?.into_iter().map(Payment::from))
    }

    /// Voids what is open, bars the key, and refunds whatever of the captured money is still there.
    pub(super) async fn reverse(&self, reverse: &ReversePayment) -> Result<Reversal, CallError> {
        let body = VoidBody {
            order_id: reverse.order_id.as_str(),
            idempotency_key: reverse.key.as_str(),
            reason: &reverse.reason,
        };
        // Without a key of its own: a stored answer must not hide a charge that landed since.
        let voided: VoidAnswer = self.api.send(Method::POST, &["payments", "void"], None, &body).await?;
        // All of them, even when one cannot be undone; then the first failure.
        let mut undone = Ok(());
        for payment in &voided.payments {
            undone = undone.and(self.give_back(reverse, payment).await);
        }
        if let Some(id) = &reverse.payment_id
            && !voided.payments.iter().any(|payment| payment.payment_id == *id)
            && self.has_money_left(&reverse.key, id).await?
        {
            // Nothing under the key, although a payment was made under it: this is not the provider that made it.
            let why = "it does not know the payment that was made under this key".to_owned();
            undone = undone.and(Err(CallError::Unknown { system: "payment", why }));
        }
        undone?;
        let is_known = voided.barred || !voided.payments.is_empty();
        Ok(if is_known { Reversal::Done } else { Reversal::NothingThere })
    }

    async fn give_back(&self, reverse: &ReversePayment, payment: &PaymentBody) -> Result<(), CallError> {
        let Some(rest) = payment.money_left()? else { return Ok(()) };
        match self.refund(reverse, &payment.payment_id, rest).await {
            // Refused may mean that somebody else was faster; then nothing is left.
            Err(error) if error.refusal().is_some() => {
                match self.has_money_left(&reverse.key, &payment.payment_id).await? {
                    true => Err(error),
                    false => Ok(()),
                }
            }
            refunded => refunded,
        }
    }

    async fn made_under(&self, key: &IdempotencyKey) -> Result<Vec<PaymentBody>, CallError> {
        let query = [("idempotency_key", key.as_str())];
        let found = self.api.get(&["payments"], &query).await?;
        self.api.only_under(key, found, |payment: &PaymentBody| payment.idempotency_key.as_deref())
    }

    async fn has_money_left(&self, key: &IdempotencyKey, payment_id: &str) -> Result<bool, CallError> {
        let found = self.made_under(key).await?;
        let payment = found.iter().find(|payment| payment.payment_id == payment_id);
        payment.map_or(Ok(true), |payment| Ok(payment.money_left()?.is_some()))
    }

    async fn refund(&self, reverse: &ReversePayment, payment_id: &str, rest: Money) -> Result<(), CallError> {
        let body =
            RefundBody { amount: amount(rest), currency: rest.currency().code(), reason: &reverse.reason };
        let key = reverse.key.part("refund").part(payment_id);
        let path = ["payments", payment_id, "refund"];
        self.api.send::<_, Value>(Method::POST, &path, Some(&key), &body).await.map(drop)
    }
}

impl PaymentBody {
    /// What of the captured money has not been refunded yet; `None` when none is there, nor ever will be.
    fn money_left(&self) -> Result<Option<Money>, CallError> {
        match self.status.as_str() {
            "paid" | "captured" | "partially_refunded" => {}
            "declined" | "failed" => return Ok(None),
            other if VOID.contains(&other) => return Ok(None),
            // The bank has it in hand, say: the money may come yet.
            other => {
                let status = if is_code(other) { other } else { "another state" };
                let why = format!("a payment in {status} is not undone yet");
                return Err(CallError::Unknown { system: "payment", why });
            }
        }
        let currency = self.currency.as_deref().and_then(Currency::from_code);
        let read =
            |json: &Option<Box<RawValue>>, currency| json.as_deref().and_then(|json| money(json, currency));
        let left = currency.and_then(|currency| {
            let refunded = read(&self.refunded_amount, currency).unwrap_or(Money::zero(currency));
            read(&self.amount, currency)?.checked_sub(refunded)
        });
        match left {
            Some(left) => Ok((left.minor_units() > 0).then_some(left)),
            // A captured payment of unknown size is not "nothing": the undo has to fail until somebody looks.
            None => Err(CallError::Unknown {
                system: "payment",
                why: "a captured payment without a readable amount".to_owned(),
            }),
        }
    }
}

impl From<PaymentBody> for Payment {
    fn from(body: PaymentBody) -> Self {
        let state = match body.status.as_str() {
            "paid" | "captured" | "partially_refunded" => PaymentState::Paid,
            other if VOID.contains(&other) => PaymentState::Reversed,
            "declined" | "failed" => PaymentState::Declined {
                code: body
                    .decline_code
                    .filter(|code| is_code(code))
                    .unwrap_or_else(|| "payment_failed".to_owned()),
                customer_may_retry: body.customer_may_retry.unwrap_or(true),
            },
            // `requires_action`, and every state that is not final: whoever waits reads again.
            other => PaymentState::RequiresAction {
                action: body.action.unwrap_or(CustomerAction {
                    kind: other.to_owned(),
                    url: None,
                    instruction: None,
                }),
            },
        };
        Self { payment_id: Some(body.payment_id), state }
    }
}

fn declined(refusal: &Refused) -> Payment {
    let detail = |name: &str| refusal.details.get(name);
    let customer_may_retry = detail("customer_may_retry").and_then(Value::as_bool).unwrap_or(false);
    Payment {
        payment_id: detail("payment_id").and_then(Value::as_str).map(str::to_owned),
        state: PaymentState::Declined { code: refusal.code.clone(), customer_may_retry },
    }
}
