//! One look at the provider, for news of an order that has ended or has its money.
//!
//! A provider's search may be behind its own news, so one that finds nothing proves nothing. A payment that is read by
//! its id, as the event names it, is as it is now.

use std::collections::BTreeSet;
use std::time::Duration;

use activities::http::CallError;
use activities::payment::{Provider, find_named, look};
use contracts::payment::{FindPayment, Payment, PaymentState};
use settlement::{News, SettleError};
use workflows::order_processing::charge_key;

/// Providers wait for some ten seconds in all.
const LIMIT: Duration = Duration::from_secs(5);

/// Whether the news is certainly about nothing of ours: a payment that was not made for this order, or one that holds
/// no money and never will. Without an answer it may be about something.
///
/// `says_paid`: the news says that money came. A look that shows our payment without money is then behind.
pub(super) async fn is_nothing(provider: &dyn Provider, news: &News, says_paid: bool) -> bool {
    let question = question(news);
    let found = in_time(async {
        match &news.payment_id {
            Some(id) => find_named(provider, id, &question.key).await,
            None => provider.find(&question).await,
        }
    });
    match found.await {
        Ok(Some(Payment { state, .. })) => match state {
            PaymentState::Declined { .. } | PaymentState::Reversed => !says_paid,
            PaymentState::Paid | PaymentState::RequiresAction { .. } => false,
        },
        Ok(None) => news.payment_id.is_some(),
        Err(why) => {
            tracing::warn!(order_id = %news.order_id, %why, "news of a payment that could not be looked at");
            false
        }
    }
}

/// Whether more than one payment under the order's key holds money.
///
/// # Errors
/// When the provider gives no answer.
pub(super) async fn is_paid_twice(provider: &dyn Provider, news: &News) -> Result<bool, SettleError> {
    let question = question(news);
    let found = in_time(async {
        match look(provider, &question).await {
            Ok(_) => Ok(false),
            // A last word, which is for a person: `charged_twice`. So is a word that nobody here knows.
            Err(CallError::Unusable { .. } | CallError::NewWord { .. }) => Ok(true),
            // News of a payment that is refused to us is about none of ours, however often it comes. Where the search
            // is refused as well, that says nothing of the payment.
            Err(error @ CallError::Unknown { .. }) => match &news.payment_id {
                Some(id) if is_refused(provider.find_by_id(id, &question.key).await) => Ok(false),
                _ => Err(error),
            },
            Err(error) => Err(error),
        }
    });
    found.await.map_err(SettleError::NoLook)
}

/// Whether a kind of event says that money came: `payment.settled`, `payment_intent.succeeded`.
pub(super) fn says_paid(kind: &str) -> bool {
    const WORDS: [&str; 5] = ["settled", "succeeded", "paid", "captured", "completed"];
    kind.rsplit('.').next().is_some_and(|word| WORDS.contains(&word))
}

/// News may name anybody's payment, so what it names is not put as the order's own.
fn question(news: &News) -> FindPayment {
    FindPayment {
        key: charge_key(&news.order_id),
        order_id: news.order_id.clone(),
        payment_id: None,
        other_ids: BTreeSet::from_iter(news.payment_id.clone()),
        until_one: false,
    }
}

fn is_refused(read: Result<Option<Payment>, CallError>) -> bool {
    read.is_err_and(|error| error.refusal().is_some())
}

/// The answer, or why there is none.
async fn in_time<T>(asked: impl Future<Output = Result<T, CallError>>) -> Result<T, String> {
    match tokio::time::timeout(LIMIT, asked).await {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => Err(format!("not within {LIMIT:?}")),
    }
}
