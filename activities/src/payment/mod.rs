//! The payment provider: the port ([`Provider`]), the list of who can be behind it ([`KINDS`]), and the activities.
//! Adding a provider is a folder and a line in `KINDS`.
//!
//! - [`platform`]: the platform's own payments, cards, wallets and transfers;
//! - [`stripe`]: Stripe's PaymentIntents, cards only.
//!
//! A provider's wire stays in its folder; all answer in the contract's words, all make a refund's key alike
//! (`refund.rs`), and all tell in the same way how the money ended (`balance.rs`). A state that is not known is an
//! error that names it: it is neither "the customer has to act" nor "nothing there".

#![expect(
    missing_docs,
    reason = "the activities macro generates markers without docs; everything else has them"
)]

mod balance;
pub mod platform;
mod refund;
pub mod stripe;
mod words;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use contracts::payment::{Balance, ChargePayment, FindPayment, Payment, PaymentState, ReversePayment, defs};
use contracts::values::IdempotencyKey;
use futures::future::{BoxFuture, join_all};
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use crate::effect::{alive, believe_nothing, is_repeated, still_wanted};
use crate::http::{CallError, Credential};
use crate::provider::Kind;
use crate::webhook::{PaymentEvent, WebhookError};
pub use refund::Undo;

/// A payment provider.
pub trait Provider: fmt::Debug + Send + Sync {
    /// Requests that one attempt of a payment step makes, one after the other, at most.
    fn requests_max(&self) -> u32;

    /// Asks whether the provider is there, and takes our token.
    fn health(&self) -> BoxFuture<'_, Result<(), CallError>>;

    /// Charges, under a key.
    fn charge<'a>(&'a self, charge: &'a ChargePayment) -> BoxFuture<'a, Result<Payment, CallError>>;

    /// The payment made under a charge's key, as it is now.
    fn find<'a>(&'a self, find: &'a FindPayment) -> BoxFuture<'a, Result<Option<Payment>, CallError>>;

    /// The payment of this id, as it is now, if it was made under this key. It is read by its id, so that nothing is
    /// missed that a search has not seen yet.
    fn find_by_id<'a>(
        &'a self,
        payment_id: &'a str,
        key: &'a IdempotencyKey,
    ) -> BoxFuture<'a, Result<Option<Payment>, CallError>>;

    /// Takes back whatever was charged under a key.
    fn reverse<'a>(&'a self, undo: Undo<'a>) -> BoxFuture<'a, Result<Reversal, CallError>>;

    /// How the money charged under a key ended. A payment whose id is known counts, whatever a search shows.
    fn refunded<'a>(&'a self, find: &'a FindPayment) -> BoxFuture<'a, Result<Balance, CallError>>;

    /// The header that holds the signature of an event.
    fn signature_header(&self) -> &'static str;

    /// Reads an event that the provider pushed. One that brings no news is about no order.
    ///
    /// # Errors
    /// When the provider did not sign it, or not lately, or it is not an event.
    fn read_event(
        &self,
        signature: &str,
        body: &[u8],
        secret: &Credential,
        now: SystemTime,
    ) -> Result<PaymentEvent, WebhookError>;
}

/// The payment made under a charge's key, as it is now. Those whose ids are known count, whether or not a search has
/// seen them; a search that is away hides none whose id is known. The order's own payment is always read by its id, and
/// that counts: a search may be behind it, and show a payment open that is paid by now.
///
/// A payment that only news named may be anybody's: what is wrong with it hides nothing of ours, and is an unknown
/// outcome where nothing of ours is found.
///
/// # Errors
/// As [`CallError`]; also when two payments under the key hold money.
pub async fn look(provider: &dyn Provider, find: &FindPayment) -> Result<Option<Payment>, CallError> {
    let FindPayment { key, order_id, payment_id, other_ids, .. } = find;
    let (found, mut doubt) = match provider.find(find).await {
        Err(error) if payment_id.is_some() && !is_said(&error) => (None, Some(error)),
        found => (found?, None),
    };
    let has_found = |id: &String| found.as_ref().and_then(|found| found.payment_id.as_ref()) == Some(id);
    let is_own_found = payment_id.as_ref().is_some_and(has_found);
    let own = join_all(payment_id.iter().map(|id| provider.find_by_id(id, key))).await;
    let named = other_ids.iter().filter(|id| !has_found(id) && payment_id.as_ref() != Some(*id));
    let named = join_all(named.map(|id| find_named(provider, id, key))).await;
    let mut payments: Vec<Payment> = found.into_iter().collect();
    for payment in own {
        match payment {
            Ok(Some(now)) if is_own_found => payments = vec![now],
            Ok(now) => payments.extend(now),
            // It was paid when the search saw it; of an open one nobody knows.
            Err(error) if is_own_found && payments.iter().all(|seen| seen.state == PaymentState::Paid) => {
                doubt = doubt.or(Some(error));
            }
            Err(error) => return Err(error),
        }
    }
    for payment in named {
        match payment {
            Ok(payment) => payments.extend(payment),
            Err(error) => doubt = doubt.or(Some(of_unknown_outcome(error))),
        }
    }
    match (weightiest("payment", payments)?, doubt) {
        (None, Some(doubt)) => Err(doubt),
        (best, None) => Ok(best),
        (best, Some(doubt)) => {
            tracing::warn!(%order_id, %doubt, "a look that did not see all there may be");
            Ok(best)
        }
    }
}

/// The payment of an id that news named, if it was made under this key. News may name anybody's: one that the provider
/// says is not there is none of ours, in whatever words it says so.
///
/// # Errors
/// As [`CallError`].
pub async fn find_named(
    provider: &dyn Provider,
    payment_id: &str,
    key: &IdempotencyKey,
) -> Result<Option<Payment>, CallError> {
    match provider.find_by_id(payment_id, key).await {
        Err(error) if error.refusal().is_some_and(|refusal| matches!(refusal.status, 404 | 410)) => Ok(None),
        found => found,
    }
}

/// The payment of an id that only news named, read beside others that are known. One that the provider refuses to show
/// is none of ours; without an answer nobody knows.
fn unless_refused<T>(read: Result<Option<T>, CallError>) -> Result<Option<T>, CallError> {
    match read {
        Err(error) if error.refusal().is_some_and(|refusal| (400..500).contains(&refusal.status)) => {
            tracing::warn!(%error, "a payment that only news named is not shown, so it counts as somebody else's");
            Ok(None)
        }
        read => read,
    }
}

/// Whether the error says something of the payments under the key.
fn is_said(error: &CallError) -> bool {
    matches!(error, CallError::Unusable { .. } | CallError::NewWord { .. })
}

/// The last word about a payment that may be anybody's is none about ours.
fn of_unknown_outcome(error: CallError) -> CallError {
    let why = format!("about a payment that news named: {error}");
    match error {
        CallError::Refused { system, .. }
        | CallError::Unusable { system, .. }
        | CallError::UnknownForGood { system, .. } => CallError::Unknown { system, why },
        other => other,
    }
}

/// Every provider, by the name that it is chosen by; the first one unless another is named.
pub const KINDS: &[Kind<dyn Provider>] = &[platform::KIND, stripe::KIND];

/// The outcome of an undo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reversal {
    /// Voided, refunded, known to have failed, or barred for good.
    Done,
    /// The provider knows of nothing under the key, and did not bar it.
    NothingThere,
}

/// The code of an error about two payments that hold money.
const CHARGED_TWICE: &str = "charged_twice";

/// Of several payments under one key (a provider that ignores keys) the one that holds money, or still may. Two that do
/// are not a payment: the order has to fail, and its undo gives both back.
fn weightiest(
    system: &'static str,
    payments: impl IntoIterator<Item = Payment>,
) -> Result<Option<Payment>, CallError> {
    let mut payments: Vec<_> = payments.into_iter().collect();
    let rank = |payment: &Payment| match payment.state {
        PaymentState::Paid => 0,
        PaymentState::RequiresAction { .. } => 1,
        PaymentState::Declined { .. } => 2,
        PaymentState::Reversed => 3,
    };
    payments.sort_by(|a, b| (rank(a), &a.payment_id).cmp(&(rank(b), &b.payment_id)));
    payments.dedup_by(|later, earlier| later.payment_id.is_some() && later.payment_id == earlier.payment_id);
    if payments.get(1).is_some_and(|second| second.state == PaymentState::Paid) {
        let paid = payments.iter().filter(|payment| payment.state == PaymentState::Paid);
        let amounts: String =
            paid.filter_map(|payment| payment.received).map(|came| format!(" ({came})")).collect();
        let why = format!("{CHARGED_TWICE}: two payments under one key hold money{amounts}");
        return Err(CallError::Unusable { system, why });
    }
    Ok(payments.into_iter().next())
}

/// Two payments that hold money, for a question that is asked until one is left.
fn waited_out(error: CallError) -> CallError {
    match error {
        CallError::Unusable { system, why } if why.starts_with(CHARGED_TWICE) => {
            CallError::Unknown { system, why }
        }
        other => other,
    }
}

/// The outcome of the undos of several payments. Of several failures it is the one that another try may mend: the last
/// word about one payment must not keep the others from being tried again.
fn all_undone(undone: impl IntoIterator<Item = Result<(), CallError>>) -> Result<(), CallError> {
    let failures = undone.into_iter().filter_map(Result::err);
    let first = failures.min_by_key(|error| match error {
        CallError::Unusable { .. } => 3,
        CallError::Refused { .. } => 2,
        CallError::UnknownForGood { .. } => 1,
        _ => 0,
    });
    first.map_or(Ok(()), Err)
}

/// A payment that is paid says how much came: nobody fulfils an order for money of unknown size.
fn with_amount(payment: Payment) -> Result<Payment, CallError> {
    if payment.state == PaymentState::Paid && payment.received.is_none() {
        let why = "a paid payment without a readable amount".to_owned();
        return Err(CallError::Unknown { system: "payment", why });
    }
    Ok(payment)
}

/// The payments that were found under one key. One in a state that nobody knows does not hide another that is paid;
/// where none is, nobody knows what became of the charge.
fn known(found: impl Iterator<Item = Result<Payment, CallError>>) -> Result<Vec<Payment>, CallError> {
    let (known, unknown): (Vec<_>, Vec<_>) = found.partition(Result::is_ok);
    let known: Vec<Payment> = known.into_iter().flatten().collect();
    let is_paid = known.iter().any(|payment| payment.state == PaymentState::Paid);
    match unknown.into_iter().find_map(Result::err) {
        Some(error) if !is_paid => Err(error),
        _ => Ok(known),
    }
}

/// The payment provider's activities, on a connection to it.
pub struct PaymentActivities {
    provider: Arc<dyn Provider>,
    second_look: Duration,
}

impl PaymentActivities {
    /// On a connection to the provider. `second_look`: how long an undo that found nothing waits before it
    /// believes that, where the provider cannot bar the key.
    #[must_use]
    pub fn new(provider: impl Into<Arc<dyn Provider>>, second_look: Duration) -> Self {
        Self { provider: provider.into(), second_look }
    }
}

#[activities]
impl PaymentActivities {
    /// See [`contracts::payment::Payments`]. A second attempt looks first: the reply to the first may be all that
    /// was lost, and not every provider keeps its promise about keys. So does the first one of an order that is older
    /// than its run.
    #[activity(definition = defs::Charge)]
    pub async fn charge(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: ChargePayment,
    ) -> Result<Payment, ActivityError> {
        let charged = alive(&ctx, async {
            let (key, order_id) = (input.key.clone(), input.order_id.clone());
            let earlier =
                FindPayment { key, order_id, payment_id: None, other_ids: BTreeSet::new(), until_one: false };
            if is_repeated(&ctx) {
                if let Some(payment) = self.provider.find(&earlier).await? {
                    return Ok(payment);
                }
                still_wanted(&ctx, "payment")?;
                let payment = self.provider.charge(&input).await?;
                // Where keys are ignored, the attempt before may have landed between the look and this one.
                let found = self.provider.find(&earlier).await?;
                let weightiest = weightiest("payment", found.into_iter().chain([payment.clone()]))?;
                return Ok(weightiest.unwrap_or(payment));
            }
            if input.looks_first {
                match self.provider.find(&earlier).await {
                    Ok(Some(payment)) => return Ok(payment),
                    Err(error) if is_said(&error) => return Err(error),
                    // A search that is away must not turn customers away: the key protects the charge.
                    Ok(None) | Err(_) => still_wanted(&ctx, "payment")?,
                }
            }
            self.provider.charge(&input).await
        });
        charged.await.and_then(with_amount).map_err(CallError::into_failure)
    }

    /// See [`contracts::payment::Payments`].
    #[activity(definition = defs::Find)]
    pub async fn find(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: FindPayment,
    ) -> Result<Option<Payment>, ActivityError> {
        let found = alive(&ctx, look(&*self.provider, &input)).await;
        let found = if input.until_one { found.map_err(waited_out) } else { found };
        found.and_then(|found| found.map(with_amount).transpose()).map_err(CallError::into_failure)
    }

    /// See [`contracts::payment::Payments`].
    #[activity(definition = defs::Refunded)]
    pub async fn refunded(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: FindPayment,
    ) -> Result<Balance, ActivityError> {
        alive(&ctx, self.provider.refunded(&input)).await.map_err(CallError::into_failure)
    }

    /// See [`contracts::payment::Payments`].
    #[activity(definition = defs::Reverse)]
    pub async fn reverse(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: ReversePayment,
    ) -> Result<(), ActivityError> {
        let now = ctx.info().current_attempt_scheduled_time.unwrap_or_else(SystemTime::now);
        let undo = Undo { asked: &input, now };
        match alive(&ctx, self.provider.reverse(undo)).await.map_err(CallError::into_failure_of_undo)? {
            Reversal::Done => Ok(()),
            Reversal::NothingThere => believe_nothing(&ctx, self.second_look),
        }
    }
}
