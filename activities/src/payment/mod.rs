//! The payment provider: the activities, and behind them one of two adapters, chosen by configuration.
//!
//! - [`platform`]: the platform's own payments, cards, wallets and transfers;
//! - [`stripe`]: Stripe's PaymentIntents, cards only.
//!
//! What a provider's wire looks like stays in its adapter; both answer in the contract's words.

#![expect(
    missing_docs,
    reason = "the activities macro generates markers without docs; everything else has them"
)]

pub mod platform;
pub mod stripe;

use std::sync::Arc;
use std::time::Duration;

use contracts::payment::{ChargePayment, FindPayment, Payment, PaymentState, ReversePayment, defs};
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use crate::effect::{alive, believe_nothing, is_repeated, still_wanted};
use crate::http::{Api, ApiError, CallError};
use platform::Platform;
use stripe::{Stripe, StripeEndpoint};

/// Who takes the money; cheap to clone.
#[derive(Clone)]
pub struct Provider(Adapter);

#[derive(Clone)]
enum Adapter {
    Platform(Platform),
    Stripe(Stripe),
}

/// What an undo came to.
#[derive(Debug, PartialEq, Eq)]
enum Reversal {
    /// Voided, refunded, known to have failed, or barred for good.
    Done,
    /// The provider knows of nothing under the key, and did not bar it.
    NothingThere,
}

impl Provider {
    /// Stripe.
    ///
    /// # Errors
    /// When the key cannot be sent or the HTTP client cannot be set up.
    pub fn stripe(endpoint: StripeEndpoint) -> Result<Self, ApiError> {
        Ok(Self(Adapter::Stripe(Stripe::new(endpoint)?)))
    }

    /// Asks whether the provider is there, and takes our token.
    ///
    /// # Errors
    /// As [`CallError`].
    pub async fn health(&self) -> Result<(), CallError> {
        match &self.0 {
            Adapter::Platform(platform) => platform.health().await,
            Adapter::Stripe(stripe) => stripe.health().await,
        }
    }

    async fn charge(&self, charge: &ChargePayment) -> Result<Payment, CallError> {
        match &self.0 {
            Adapter::Platform(platform) => platform.charge(charge).await,
            Adapter::Stripe(stripe) => stripe.charge(charge).await,
        }
    }

    /// The payment made under the charge's key.
    async fn find(&self, find: &FindPayment) -> Result<Option<Payment>, CallError> {
        match &self.0 {
            Adapter::Platform(platform) => platform.find(&find.key).await,
            Adapter::Stripe(stripe) => stripe.find(&find.key).await,
        }
    }

    async fn reverse(&self, reverse: &ReversePayment) -> Result<Reversal, CallError> {
        match &self.0 {
            Adapter::Platform(platform) => platform.reverse(reverse).await,
            Adapter::Stripe(stripe) => stripe.reverse(reverse).await,
        }
    }
}

impl From<Api> for Provider {
    /// The platform's own payments.
    fn from(api: Api) -> Self {
        Self(Adapter::Platform(Platform::new(api)))
    }
}

/// Of several payments under one key (a provider that ignores keys) the one that holds money, or still may. Two that do
/// are no payment: the order has to fail, and its undo gives both back.
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
        let why = "charged_twice: two payments under one key hold money".to_owned();
        return Err(CallError::Unusable { system, why });
    }
    Ok(payments.into_iter().next())
}

/// The payment provider's activities, on a connection to it.
pub struct PaymentActivities {
    provider: Provider,
    second_look: Duration,
}

impl PaymentActivities {
    /// On a connection to the provider. `second_look`: how long an undo that found nothing waits before it
    /// believes that, where the provider cannot bar the key.
    #[must_use]
    pub fn new(provider: impl Into<Provider>, second_look: Duration) -> Self {
        Self { provider: provider.into(), second_look }
    }
}

#[activities]
impl PaymentActivities {
    /// See [`contracts::payment::Payments`]. A second attempt looks first: the reply to the first may be all that
    /// was lost, and not every provider keeps its promise about keys.
    #[activity(definition = defs::Charge)]
    pub async fn charge(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: ChargePayment,
    ) -> Result<Payment, ActivityError> {
        let charged = alive(&ctx, async {
            if is_repeated(&ctx) {
                let earlier = FindPayment { key: input.key.clone(), order_id: input.order_id.clone() };
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
            self.provider.charge(&input).await
        });
        charged.await.map_err(CallError::into_failure)
    }

    /// See [`contracts::payment::Payments`].
    #[activity(definition = defs::Find)]
    pub async fn find(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: FindPayment,
    ) -> Result<Option<Payment>, ActivityError> {
        alive(&ctx, self.provider.find(&input)).await.map_err(CallError::into_failure)
    }

    /// See [`contracts::payment::Payments`].
    #[activity(definition = defs::Reverse)]
    pub async fn reverse(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: ReversePayment,
    ) -> Result<(), ActivityError> {
        match alive(&ctx, self.provider.reverse(&input)).await.map_err(CallError::into_failure)? {
            Reversal::Done => Ok(()),
            Reversal::NothingThere => believe_nothing(&ctx, self.second_look),
        }
    }
}
