//! Stripe's PaymentIntents: charge, look up, cancel or refund. Cards only.
//!
//! Stripe and keys: it repeats the first answer for a day or longer, refusals and 500s included; the
//! same key with other parameters is refused (`idempotency_error`); a key cannot be barred in advance. Hence:
//!
//! - a 500 that is repeated is an outcome nobody will ever learn from the key: the process looks the payment up;
//! - our key travels twice, as the header and as metadata of the intent, and every look-up goes by the metadata
//!   (`look_up.rs`), so that it holds for a provider that ignores keys and after Stripe has forgotten one;
//! - a refund's key names what was read of the payment, so that a hand-made refund makes another one (`refund.rs`);
//! - an undo that knows the payment's id reads it by that, whatever becomes of the search;
//! - an undo that finds nothing looks a second time (`effect.rs`), because a charge may still be on its way.
//!
//! A wallet or a bank transfer is answered as declined (`payment_method_unsupported`, the customer may try again
//! with a card) without a call: it is the customer's choice that does not fit this shop, not an outage.
//!
//! Deliberately absent: Stripe customers and saved cards, manual capture, Connect, disputes.

pub mod api;
mod decline;
mod look_up;
mod refunded;
mod settings;
mod units;
pub mod webhook;
mod wire;

use std::sync::Arc;
use std::time::SystemTime;

use contracts::money::Money;
use contracts::payment::{
    Balance, ChargePayment, FindPayment, Payment, PaymentKind, PaymentState, ReversePayment,
};
use contracts::values::IdempotencyKey;
use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all};
use reqwest::Url;

use super::refund::{Before, came_back, refused, unseen};
use super::{Provider, Reversal, Undo, all_undone, known, unless_refused, weightiest};
use crate::http::{ApiError, CallError, Credential, Refused};
use crate::webhook::{PaymentEvent, WebhookError};
use api::Seen;
pub use api::{StripeApi, StripeEndpoint};
pub(super) use settings::KIND;
use wire::{Cancelled, Intent, Made, Refund, Refunds, Standing};

/// Metadata of an intent: the key it was made under. Beside it stands `order_id`, for whoever reads the events.
const KEY: &str = "idempotency_key";

/// Stripe's code for a key that was used with other parameters.
const KEY_REUSED: &str = "idempotency_error";
/// Stripe's code for a thing that it does not have.
const MISSING: &str = "resource_missing";

/// Stripe, as a payment provider.
#[derive(Clone, Debug)]
struct Stripe {
    api: StripeApi,
    return_url: Option<Url>,
}

/// Opens Stripe.
///
/// # Errors
/// When the key cannot be sent or the HTTP client cannot be set up.
pub fn open(endpoint: StripeEndpoint) -> Result<Arc<dyn Provider>, ApiError> {
    let return_url = endpoint.return_url.clone();
    Ok(Arc::new(Stripe { api: StripeApi::new(endpoint)?, return_url }))
}

impl Provider for Stripe {
    /// A look-up (two), a look at what news has named, and twice reading, looking for failed refunds and acting.
    fn requests_max(&self) -> u32 {
        9
    }

    fn health(&self) -> BoxFuture<'_, Result<(), CallError>> {
        self.api.health().boxed()
    }

    fn charge<'a>(&'a self, charge: &'a ChargePayment) -> BoxFuture<'a, Result<Payment, CallError>> {
        self.create_and_confirm(charge).boxed()
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
        self.cancel_or_refund(undo).boxed()
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

impl Stripe {
    /// Creates an intent and confirms it in one call.
    async fn create_and_confirm(&self, charge: &ChargePayment) -> Result<Payment, CallError> {
        let token = match (charge.kind, &charge.token) {
            (PaymentKind::CreditCard, Some(token)) => token.reveal(),
            (PaymentKind::CreditCard, None) => return Ok(not_sent("payment_method_missing")),
            (PaymentKind::EWallet | PaymentKind::BankTransfer | PaymentKind::CashOnDelivery, _) => {
                return Ok(not_sent("payment_method_unsupported"));
            }
        };
        let (amount, currency) = self.amount(charge.amount)?;
        let mut form = vec![
            ("amount", amount.as_str()),
            ("currency", &currency),
            ("confirm", "true"),
            ("capture_method", "automatic"),
            ("payment_method", token),
            ("payment_method_types[]", "card"),
            ("metadata[order_id]", charge.order_id.as_str()),
            ("metadata[idempotency_key]", charge.key.as_str()),
        ];
        if let Some(url) = &self.return_url {
            form.push(("return_url", url.as_str()));
        }
        match self.api.post_form_seen::<Intent>(&["payment_intents"], Some(&charge.key), &form).await {
            // A stored answer says what was, not what is: the payment may have been refunded since.
            Ok(Seen { answer: intent, is_replay: true }) => self.payment(self.read(intent.id()).await?),
            // The charge, which is read with it, says how much came as well.
            Ok(Seen { answer: intent, .. }) if intent.is_paid_without_amount() => {
                self.payment(self.read(intent.id()).await?)
            }
            Ok(Seen { answer: intent, .. }) => self.payment(intent),
            Err(error) => match error.refusal().and_then(decline::declined) {
                Some(payment) => Ok(payment),
                None => Err(error),
            },
        }
    }

    /// The payment made under a key, as it is now.
    async fn find_under(&self, key: &IdempotencyKey) -> Result<Option<Payment>, CallError> {
        let ids = look_up::under_key(&self.api, key).await?;
        let intents = join_all(ids.iter().map(|id| self.read(id))).await;
        let payments = intents.into_iter().map(|intent| self.payment(intent?));
        weightiest(self.api.system(), known(payments)?)
    }

    /// The payment of this id, if it was made under this key.
    async fn of_id(&self, id: &str, key: &IdempotencyKey) -> Result<Option<Payment>, CallError> {
        self.ours(id, key).await?.map(|intent| self.payment(intent)).transpose()
    }

    /// The intent of this id, if it was made under this key. It may be anybody's, or nobody's.
    async fn ours(&self, id: &str, key: &IdempotencyKey) -> Result<Option<Intent>, CallError> {
        match self.read(id).await {
            Ok(intent) => Ok(Some(intent).filter(|intent| intent.is_under(key))),
            Err(error) if error.refusal().is_some_and(|refusal| refusal.code == MISSING) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Cancels what is open under a key and refunds what is left of what was captured. One that fails does not
    /// keep the others.
    async fn cancel_or_refund(&self, undo: Undo<'_>) -> Result<Reversal, CallError> {
        let ReversePayment { key, payment_id, other_ids, .. } = undo.asked;
        // The search may be away or behind, and the listing may not reach that far back; an id is found where it is, or
        // nowhere.
        let mut ids = match look_up::under_key(&self.api, key).await {
            Err(_) if payment_id.is_some() => Vec::new(),
            found => found?,
        };
        ids.extend(payment_id.iter().filter(|id| !ids.contains(id)).cloned().collect::<Vec<_>>());
        let named =
            join_all(other_ids.iter().filter(|id| !ids.contains(id)).map(|id| self.ours(id, key))).await;
        let mut undone = Vec::new();
        for intent in named {
            match unless_refused(intent) {
                Ok(intent) => ids.extend(intent.map(Intent::into_id)),
                Err(error) => undone.push(Err(error)),
            }
        }
        undone.extend(join_all(ids.iter().map(|id| self.undo(id, undo))).await);
        all_undone(undone)?;
        Ok(if ids.is_empty() { Reversal::NothingThere } else { Reversal::Done })
    }

    /// Reads and acts; where Stripe refuses, or answers what it had stored, reads and acts once more: between the two
    /// the intent may have been captured, cancelled or refunded by somebody else.
    async fn undo(&self, id: &str, undo: Undo<'_>) -> Result<(), CallError> {
        let mut doubt = None;
        for _ in 0..2 {
            let intent = self.read(id).await?;
            let standing = intent.standing();
            let acted = match standing.ok_or_else(|| self.new_state(intent.status()))? {
                Standing::Gone => return Ok(()),
                Standing::Open => match self.cancel(id).await {
                    Ok(Some(Standing::Gone)) => return Ok(()),
                    // Whatever answered, the intent says what became of it.
                    Ok(_) => {
                        doubt = Some(self.api.unknown("an answer that does not name the cancelled payment"));
                        continue;
                    }
                    Err(error) => Err(error),
                },
                Standing::Captured { left, refunded } => self.refund(id, left, refunded, undo).await,
                Standing::Underway => Err(self.api.unknown("a payment in processing cannot be undone yet")),
                Standing::Unreadable => Err(self.api.unknown("a captured payment without a readable amount")),
            };
            match acted {
                Err(error) if error.refusal().is_some() => doubt = Some(refused(error, KEY_REUSED)),
                Ok(true) => doubt = Some(unseen(self.api.system())),
                acted => return acted.map(drop),
            }
        }
        doubt.map_or(Ok(()), Err)
    }

    fn new_state(&self, word: &str) -> CallError {
        self.api.new_word("a payment in a state", word)
    }

    fn payment(&self, intent: Intent) -> Result<Payment, CallError> {
        let state = intent.state().ok_or_else(|| match intent.unknown_action() {
            Some(action) => self.api.new_word("a payment with an action of the customer's", action),
            None => self.new_state(intent.status()),
        })?;
        let received = if state == PaymentState::Paid { intent.received() } else { None };
        Ok(Payment { payment_id: Some(intent.into_id()), received, state })
    }

    /// Reads the state of a refund.
    fn made(&self, refund: &Refund) -> Result<Made, CallError> {
        refund.made().ok_or_else(|| {
            self.api.new_word("a refund in a state", refund.status.as_deref().unwrap_or_default())
        })
    }

    async fn read(&self, id: &str) -> Result<Intent, CallError> {
        self.api.get(&["payment_intents", id], &[("expand[]", "latest_charge")]).await
    }

    /// Without a key of its own: a stored answer must not hide what happened since.
    async fn cancel(&self, id: &str) -> Result<Option<Standing>, CallError> {
        let path = ["payment_intents", id, "cancel"];
        let answer: Cancelled = self.api.post_form(&path, None, &[]).await?;
        Ok(answer.standing())
    }

    /// Returns whether the answer is a stored one. A refund may have come back: the money is on the shop's balance
    /// then, and another refund would go the same way, so a person has to find another one.
    async fn refund(&self, id: &str, left: i64, refunded: i64, undo: Undo<'_>) -> Result<bool, CallError> {
        let earlier: Refunds =
            self.api.get(&["refunds"], &[("payment_intent", id), ("limit", "100")]).await?;
        for refund in &earlier.data {
            if self.made(refund)? == Made::CameBack {
                return Err(came_back(self.api.system(), id));
            }
        }
        let before = Before { payment_id: id, refunded, listed: earlier.data.len() };
        let (key, amount) = (undo.refund_key(self.api.system(), before)?, left.to_string());
        // Only what follows from the state that the key names: the same key with another body would be refused.
        let form = [
            ("payment_intent", id),
            ("amount", &amount),
            ("metadata[order_id]", undo.asked.order_id.as_str()),
        ];
        let Seen { answer: refund, is_replay } =
            self.api.post_form_seen(&["refunds"], Some(&key), &form).await?;
        match self.made(&refund)? {
            Made::OnItsWay => Ok(is_replay),
            Made::CameBack => Err(came_back(self.api.system(), id)),
        }
    }

    /// Amount and currency as Stripe wants them.
    fn amount(&self, money: Money) -> Result<(String, String), CallError> {
        let Some(amount) = units::smallest_units(money) else {
            let code = "amount_not_expressible".to_owned();
            let refusal = Box::new(Refused { status: 0, code, details: serde_json::Value::Null });
            return Err(CallError::Refused { system: self.api.system(), refusal });
        };
        Ok((amount.to_string(), money.currency().code().to_lowercase()))
    }
}

/// A charge that cannot be asked for: the customer has to choose another way to pay.
fn not_sent(code: &str) -> Payment {
    Payment {
        payment_id: None,
        received: None,
        state: PaymentState::Declined { code: code.to_owned(), customer_may_retry: true },
    }
}
