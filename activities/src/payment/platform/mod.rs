//! The platform's own payments: `/payments`, `/payments/{id}/refund`, `/payments/void`.
//!
//! - `by_id.rs`: one payment by its id;
//! - `state.rs`: what a payment's state is called, and what follows from it;
//! - `refund.rs`: refunds, and the money that is left; `refunded.rs`: how the money ended;
//! - [`webhook`]: the platform's events.

mod by_id;
mod refund;
mod refunded;
mod state;
pub mod webhook;

use std::sync::Arc;
use std::time::SystemTime;

use contracts::money::{Currency, Money};
use contracts::payment::{
    Balance, ChargePayment, CustomerAction, FindPayment, Payment, PaymentState, ReversePayment,
};
use contracts::values::IdempotencyKey;
use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use text::Problem;

use self::by_id::Way;
use self::refund::{Left, Made, RefundBody};
use super::refund::{Before, came_back, refused, unseen};
use super::words::is_decline;
use super::{Provider, Reversal, Undo, all_undone, known, unless_refused, weightiest};
use crate::http::wire::{Amount, amount, money};
use crate::http::{Api, CallError, Credential, Refused, Seen, is_code, word};
use crate::provider::{Given, Kind, Setting, secret};
use crate::webhook::{PaymentEvent, WebhookError};
use state::State;

/// The platform, or what speaks like it.
pub(super) const KIND: Kind<dyn Provider> = Kind {
    name: "platform",
    help: "the platform, or what speaks like it at SUN_PAYMENT_API_URL",
    settings: &[
        Setting::text(
            "SUN_PAYMENT_API_URL",
            "payment-api-url",
            "URL",
            "Base URL of payments that speak like the platform's; default: the platform",
        ),
        secret!(
            "SUN_PAYMENT_API_TOKEN",
            "payment-api-token",
            "TOKEN",
            "Bearer token for payments that speak like the platform's; default: the platform's"
        ),
    ],
    open,
};

fn open(given: &Given<'_>) -> Result<Arc<dyn Provider>, Vec<Problem>> {
    let endpoint = given.like_the_platform("payment", "SUN_PAYMENT_API_URL", "SUN_PAYMENT_API_TOKEN")?;
    let api = Api::new(endpoint).map_err(|error| vec![error.of("SUN_PAYMENT_API_TOKEN")])?;
    Ok(api.into())
}

/// The platform, as a payment provider.
#[derive(Clone, Debug)]
struct Platform {
    api: Api,
}

impl From<Api> for Arc<dyn Provider> {
    fn from(api: Api) -> Self {
        Arc::new(Platform { api })
    }
}

impl Provider for Platform {
    /// A void, two looks for a payment that it left out, a refund, and a look at what is left.
    fn requests_max(&self) -> u32 {
        5
    }

    fn health(&self) -> BoxFuture<'_, Result<(), CallError>> {
        self.api.health().boxed()
    }

    fn charge<'a>(&'a self, charge: &'a ChargePayment) -> BoxFuture<'a, Result<Payment, CallError>> {
        self.ask_to_charge(charge).boxed()
    }

    fn find<'a>(&'a self, find: &'a FindPayment) -> BoxFuture<'a, Result<Option<Payment>, CallError>> {
        self.find_under(&find.key).boxed()
    }

    fn find_by_id<'a>(
        &'a self,
        payment_id: &'a str,
        key: &'a IdempotencyKey,
    ) -> BoxFuture<'a, Result<Option<Payment>, CallError>> {
        self.of_id(payment_id, key).boxed()
    }

    fn reverse<'a>(&'a self, undo: Undo<'a>) -> BoxFuture<'a, Result<Reversal, CallError>> {
        self.void_and_refund(undo).boxed()
    }

    fn refunded<'a>(&'a self, find: &'a FindPayment) -> BoxFuture<'a, Result<Balance, CallError>> {
        self.refunded_under(find).boxed()
    }

    fn signature_header(&self) -> &'static str {
        webhook::HEADER
    }

    fn read_event(
        &self,
        signature: &str,
        body: &[u8],
        secret: &Credential,
        now: SystemTime,
    ) -> Result<PaymentEvent, WebhookError> {
        webhook::verify_and_read(signature, body, secret, now)
    }
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

/// Only what follows from the state that the key names: the same key with another body would be refused.
#[derive(Serialize)]
struct AskRefund {
    amount: Amount,
    currency: &'static str,
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
    /// Every refund, failed and pending ones too.
    #[serde(default)]
    refunds: Option<Vec<RefundBody>>,
    #[serde(default)]
    currency: Option<String>,
    #[serde(default)]
    decline_code: Option<String>,
    #[serde(default)]
    customer_may_retry: Option<bool>,
    #[serde(default)]
    action: Option<CustomerAction>,
}

/// An answer that does not list payments says nothing about them: it is an answer of another shape.
#[derive(Deserialize)]
struct VoidAnswer {
    #[serde(default)]
    barred: bool,
    payments: Vec<PaymentBody>,
}

/// The meaning of the answer to a refund.
enum Refunded {
    /// It is made.
    Now,
    /// It was made for an earlier request: the answer was stored.
    Before,
    /// Nothing: whether it is made the payment shows.
    Unsaid,
}

/// The platform's code for a key that was used with another body.
const KEY_REUSED: &str = "IDEMPOTENCY_KEY_REUSED";

impl Platform {
    async fn ask_to_charge(&self, charge: &ChargePayment) -> Result<Payment, CallError> {
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
        let answer: Result<Seen<PaymentBody>, _> =
            self.api.send_seen(Method::POST, &["payments"], Some(&charge.key), &body).await;
        match answer {
            // A stored answer says what was, not what is: the payment may have been given back since.
            Ok(Seen { answer: payment, is_replay: true, .. }) => {
                let now = self.made_as(&payment.payment_id, &charge.key, Way::Id).await?;
                self.payment(now.ok_or_else(|| self.api.unknown("a stored answer about no payment"))?)
            }
            Ok(Seen { answer: payment, .. }) => self.payment(payment),
            Err(error) => match error.refusal() {
                Some(refusal) if refusal.status == 402 => self.declined(refusal),
                _ => Err(self.api.of_conflict(error, &[])),
            },
        }
    }

    /// The payment made under a key.
    async fn find_under(&self, key: &IdempotencyKey) -> Result<Option<Payment>, CallError> {
        let made = self.made_under(key).await?;
        weightiest("payment", known(made.into_iter().map(|payment| self.payment(payment)))?)
    }

    /// Voids what is open, bars the key, and refunds whatever of the captured money is still there.
    async fn void_and_refund(&self, undo: Undo<'_>) -> Result<Reversal, CallError> {
        let reverse = undo.asked;
        let body = VoidBody {
            order_id: reverse.order_id.as_str(),
            idempotency_key: reverse.key.as_str(),
            reason: &reverse.reason,
        };
        // Without a key of its own: a stored answer must not hide a charge that landed since.
        let voided: VoidAnswer = self.api.send(Method::POST, &["payments", "void"], None, &body).await?;
        // All of them, even when one cannot be undone.
        let listed =
            join_all(voided.payments.iter().map(|payment| self.give_back(undo, payment, Way::Key))).await;
        let is_listed = |id: &&String| voided.payments.iter().any(|payment| payment.payment_id == **id);
        let unlisted = reverse.payment_id.iter().chain(&reverse.other_ids).filter(|id| !is_listed(id));
        let unlisted = join_all(unlisted.map(|id| self.give_back_unlisted(undo, id))).await;
        let is_known = voided.barred || !voided.payments.is_empty() || unlisted.contains(&Ok(true));
        all_undone(listed.into_iter().chain(unlisted.into_iter().map(|undone| undone.map(drop))))?;
        Ok(if is_known { Reversal::Done } else { Reversal::NothingThere })
    }

    /// Gives back a payment that the void did not list. Whether it is one of ours.
    async fn give_back_unlisted(&self, undo: Undo<'_>, id: &str) -> Result<bool, CallError> {
        let ReversePayment { key, payment_id, .. } = undo.asked;
        let is_own = payment_id.as_deref() == Some(id);
        let (found, way) = match self.made_as(id, key, Way::Key).await? {
            None if is_own => (self.made_as(id, key, Way::Id).await?, Way::Id),
            None => (unless_refused(self.made_as(id, key, Way::Id).await)?, Way::Id),
            listed => (listed, Way::Key),
        };
        match found {
            Some(payment) => self.give_back(undo, &payment, way).await.map(|()| true),
            // Nothing under the key, although a payment was made under it: this is not the provider that made it.
            None if is_own => {
                Err(self.api.unknown("it does not know the payment that was made under this key"))
            }
            // News may name anybody's payment.
            None => Ok(false),
        }
    }

    async fn give_back(&self, undo: Undo<'_>, payment: &PaymentBody, way: Way) -> Result<(), CallError> {
        let Some(left) = self.money_left(payment)? else { return Ok(()) };
        let doubt = match self.refund(undo, &payment.payment_id, &left).await {
            // Refused may mean that somebody else was faster; then nothing is left.
            Err(error) if error.refusal().is_some() => self.api.of_conflict(refused(error, KEY_REUSED), &[]),
            Err(error) => return Err(error),
            Ok(Refunded::Now) => return Ok(()),
            // A stored answer says what was, not what is.
            Ok(Refunded::Before) => unseen("payment"),
            Ok(Refunded::Unsaid) => self.api.unknown("an answer that does not name the refund"),
        };
        match self.made_as(&payment.payment_id, &undo.asked.key, way).await? {
            Some(now) if self.money_left(&now)?.is_none() => Ok(()),
            _ => Err(doubt),
        }
    }

    async fn made_under(&self, key: &IdempotencyKey) -> Result<Vec<PaymentBody>, CallError> {
        let query = [("idempotency_key", key.as_str())];
        let found = self.api.get(&["payments"], &query).await?;
        self.api.only_under(key, found, |payment: &PaymentBody| payment.idempotency_key.as_deref())
    }

    /// Asks for the refund of what is left.
    async fn refund(&self, undo: Undo<'_>, payment_id: &str, left: &Left) -> Result<Refunded, CallError> {
        let Left { rest, refunded, listed } = left;
        let body = AskRefund { amount: amount(*rest), currency: rest.currency().code() };
        let before = Before { payment_id, refunded: refunded.minor_units(), listed: *listed };
        let key = undo.refund_key("payment", before)?;
        let path = ["payments", payment_id, "refund"];
        let Seen { answer, is_replay, .. }: Seen<Option<RefundBody>> =
            self.api.send_seen(Method::POST, &path, Some(&key), &body).await?;
        // A body that is empty may be anybody's.
        let Some(refund) = answer.filter(RefundBody::says_something) else { return Ok(Refunded::Unsaid) };
        match refund.made() {
            Some(Made::OnItsWay) if is_replay => Ok(Refunded::Before),
            Some(Made::OnItsWay) => Ok(Refunded::Now),
            Some(Made::CameBack) => Err(came_back("payment", payment_id)),
            // Taken, so it is not sent again: where the provider forgets keys, that would be a second refund.
            None => {
                let why = format!(
                    "refund_unclear: it took the refund, in a state that this version does not know: {}",
                    word(refund.status.as_deref().unwrap_or_default())
                );
                Err(CallError::Unusable { system: "payment", why })
            }
        }
    }

    /// A refused charge. A code that nobody here knows may be about anything that is to be paid for, our own account at
    /// the provider included: nobody is told that a bank declined a card.
    fn declined(&self, refusal: &Refused) -> Result<Payment, CallError> {
        if !is_decline(&refusal.code) {
            return Err(self.api.new_word("a refusal of a charge with a code", &refusal.code));
        }
        let detail = |name: &str| refusal.details.get(name);
        let customer_may_retry = detail("customer_may_retry").and_then(Value::as_bool).unwrap_or(MAY_RETRY);
        Ok(Payment {
            payment_id: detail("payment_id").and_then(Value::as_str).map(str::to_owned),
            received: None,
            state: PaymentState::Declined { code: refusal.code.clone(), customer_may_retry },
        })
    }

    fn state(&self, payment: &PaymentBody) -> Result<State, CallError> {
        let state = State::of(&payment.status);
        state.ok_or_else(|| self.api.new_word("a payment in a state", &payment.status))
    }

    fn payment(&self, body: PaymentBody) -> Result<Payment, CallError> {
        let mut received = None;
        let state = match self.state(&body)? {
            State::Captured => {
                received = came(&body);
                PaymentState::Paid
            }
            State::Void => PaymentState::Reversed,
            State::Failed => PaymentState::Declined {
                code: body
                    .decline_code
                    .filter(|code| is_code(code))
                    .unwrap_or_else(|| "payment_failed".to_owned()),
                customer_may_retry: body.customer_may_retry.unwrap_or(MAY_RETRY),
            },
            // Not final: whoever waits reads again.
            State::Waiting => PaymentState::RequiresAction {
                action: body.action.unwrap_or(CustomerAction {
                    kind: body.status,
                    url: None,
                    instruction: None,
                }),
            },
        };
        Ok(Payment { payment_id: Some(body.payment_id), received, state })
    }
}

/// The money that came with a captured payment, whatever of it went back since; `None`: nobody can read it.
fn came(payment: &PaymentBody) -> Option<Money> {
    let currency = Currency::from_code(payment.currency.as_deref()?)?;
    money(payment.amount.as_deref()?, currency)
}

/// Whether the customer may try again, where the platform does not say: with the answer to the charge or a look at it
/// later.
const MAY_RETRY: bool = false;
