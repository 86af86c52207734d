//! Every timeout and retry of every process, by name.
//!
//! A policy says how long a step may take altogether (its *patience*), what happens to it when the run is
//! stopped, and whether it is tried as a local activity first. Retries are Temporal's, with back-off, until the
//! patience is used up; no adapter hides a loop of its own. The figures are set once at worker start
//! ([`install`]), so operators and tests can shorten them; they are not part of what a replay compares.

mod figures;

use std::time::Duration;

use contracts::failure;
use temporalio_workflow::{
    ActivityCancellationType, ActivityCloseTimeouts, ActivityOptions, LocalActivityOptions, RetryPolicy,
    WorkflowCancellationToken as Token,
};

use figures::figures;
pub use figures::{Figures, install};

/// The effect of a stop (cancel, expiry) on a step that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnStop {
    /// The step is let go: for reads and idempotent bookkeeping.
    LetGo,
    /// The step is asked to end and its outcome is awaited: for stock, money and carrier. Between two attempts it
    /// ends at once; an attempt under way is finished by its adapter.
    AwaitOutcome,
}

/// How a step is run.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    patience: Duration,
    attempts_max: u32,
    on_stop: OnStop,
    local_first: bool,
    /// Local attempts at most.
    local_attempts: u32,
    /// Whether one attempt goes on for as long as it is alive: many requests, with heartbeats in between.
    is_long: bool,
    /// Whether it is tried on without end, slowly, beside a person who is asked about it.
    is_endless: bool,
    /// Whether a refusal is its end, also where the adapter would try again.
    is_refusal_final: bool,
    /// Whether the process tries again after its patience, so that its failure is not yet a loss.
    is_round: bool,
    /// The queue of its workers, as an ending of the process's own.
    queue: Option<&'static str>,
}

/// Attempts of one round of a refund that is tried on beside a person: a look, and five requests within three hours or
/// so, all under one key.
const ROUND_ATTEMPTS_MAX: u32 = 6;

impl Policy {
    fn new(patience: Duration, on_stop: OnStop, local_first: bool) -> Self {
        let attempts_max = figures().attempts_max;
        Self {
            patience,
            attempts_max,
            on_stop,
            local_first,
            local_attempts: 2,
            is_long: false,
            is_endless: false,
            is_refusal_final: false,
            is_round: false,
            queue: None,
        }
    }

    /// The task queue of a step of a run on `own`.
    pub(crate) fn task_queue(self, own: &str) -> Option<String> {
        self.queue.map(|ending| format!("{own}{ending}"))
    }

    pub(crate) fn is_local_first(self) -> bool {
        self.local_first
    }

    pub(crate) fn is_round(self) -> bool {
        self.is_round
    }

    /// The same without the local attempt: always an activity of its own.
    #[must_use]
    pub fn as_activity(self) -> Self {
        Self { local_first: false, ..self }
    }

    /// The same, ended only with its outcome: a person who stops it wants to know what came of it.
    pub(crate) fn awaited(self) -> Self {
        Self { on_stop: OnStop::AwaitOutcome, ..self }
    }

    /// The same effect beside a person who is asked about it: one activity that is tried slowly and without end, unless
    /// it is refused, which is news to the person. It costs no events while it waits, and its outcome is awaited when
    /// the person answers.
    pub(crate) fn while_asking(self) -> Self {
        Self {
            is_endless: true,
            is_refusal_final: true,
            attempts_max: 0,
            on_stop: OnStop::AwaitOutcome,
            local_first: false,
            ..self
        }
    }

    /// The same for an effect that counts rounds: it ends after some tries, so that the next round has another key.
    pub(crate) fn for_a_round(self) -> Self {
        Self { attempts_max: ROUND_ATTEMPTS_MAX, ..self }
    }

    /// The same effect, tried because a person says so, who waits for what comes of it: a minute, or one attempt if
    /// that may take longer. Work through thousands of rows keeps its patience.
    pub(crate) fn when_told(self) -> Self {
        let told = figures().attempt.max(Duration::from_secs(60));
        let patience = if self.is_long { self.patience } else { self.patience.min(told) };
        Self { patience, ..self.awaited().refusal_is_final() }
    }

    /// The same for what is put to a person as soon as it is refused.
    pub(crate) fn refusal_is_final(self) -> Self {
        Self { is_refusal_final: true, ..self }
    }

    fn close_timeouts(self) -> ActivityCloseTimeouts {
        let attempt = figures().attempt.min(self.patience);
        let start_to_close = if self.is_long { self.patience } else { attempt };
        match self.is_endless {
            true => ActivityCloseTimeouts::StartToClose(start_to_close),
            false => ActivityCloseTimeouts::ScheduleAndStartToClose {
                schedule_to_close: self.patience,
                start_to_close,
            },
        }
    }

    pub(crate) fn regular(self, summary: String, token: Token) -> ActivityOptions {
        let figures = figures();
        let (first, longest) = match self.is_endless {
            true => (figures.asked_retry_first, figures.asked_retry_longest),
            false => (figures.retry_first, figures.retry_longest),
        };
        let finals = if self.is_refusal_final { vec![failure::REFUSED.to_owned()] } else { vec![] };
        ActivityOptions::with_close_timeouts(self.close_timeouts())
            .heartbeat_timeout(figures.heartbeat)
            .retry_policy(
                RetryPolicy::builder()
                    .initial_interval(first)
                    .backoff_coefficient(2.0)
                    .maximum_interval(longest)
                    .maximum_attempts(self.attempts_max)
                    .non_retryable_error_types(finals)
                    .build(),
            )
            .cancellation_type(match self.on_stop {
                OnStop::LetGo => ActivityCancellationType::TryCancel,
                OnStop::AwaitOutcome => ActivityCancellationType::WaitCancellationCompleted,
            })
            .cancellation_token(token)
            .summary(summary)
            .build()
    }

    pub(crate) fn local(self, summary: String, token: Token) -> LocalActivityOptions {
        let figures = figures();
        // One attempt may use what several would have had.
        let attempt = if self.local_attempts > 1 { figures.local_attempt } else { figures.local_budget };
        LocalActivityOptions::builder()
            .start_to_close_timeout(attempt)
            .schedule_to_close_timeout(figures.local_budget)
            .retry_policy(
                RetryPolicy::builder()
                    .initial_interval(figures.local_attempt / 5)
                    .backoff_coefficient(1.0)
                    .maximum_attempts(self.local_attempts)
                    .build(),
            )
            .cancellation_token(token)
            .summary(summary)
            .build()
    }
}

/// Reads and idempotent bookkeeping before the pivot: local first.
#[must_use]
pub fn bookkeeping() -> Policy {
    Policy::new(figures().bookkeeping, OnStop::LetGo, true)
}

/// Opening an account, giving points or a coupon: its outcome is always awaited.
#[must_use]
pub fn account() -> Policy {
    Policy::new(figures().account, OnStop::AwaitOutcome, false)
}

/// A marketing mail, soon after the question whether it may be sent: local first, and no longer patient than that
/// question's answer is good for; then the series asks again. Locally once, as a notice.
#[must_use]
pub fn marketing() -> Policy {
    Policy {
        attempts_max: 0,
        local_attempts: 1,
        is_round: true,
        ..Policy::new(figures().bookkeeping, OnStop::AwaitOutcome, true)
    }
}

/// From the registration to the mail with tips.
#[must_use]
pub fn follow_up_tips() -> Duration {
    figures().follow_up_tips
}

/// From the registration to the mail with recommendations.
#[must_use]
pub fn follow_up_recommendations() -> Duration {
    figures().follow_up_recommendations
}

/// How long the last follow-up mail is tried.
#[must_use]
pub fn follow_up() -> Duration {
    figures().follow_up
}

/// A step of a sync: reading and writing page by page, among the bulk work. An attempt tells its progress by its
/// heartbeats; the next one goes on from there.
#[must_use]
pub fn erp() -> Policy {
    Policy {
        attempts_max: 0,
        is_long: true,
        queue: Some(BULK_QUEUE),
        ..Policy::new(figures().erp, OnStop::AwaitOutcome, false)
    }
}

/// A step of a price run: checking a list, or writing batches of it, among the bulk work.
#[must_use]
pub fn prices() -> Policy {
    Policy {
        attempts_max: 0,
        is_long: true,
        queue: Some(BULK_QUEUE),
        ..Policy::new(figures().prices, OnStop::AwaitOutcome, false)
    }
}

/// A word about a price run, for as long as it is news.
#[must_use]
pub fn prices_notice() -> Policy {
    Policy { attempts_max: 0, queue: Some(BULK_QUEUE), ..Policy::new(figures().notice, OnStop::LetGo, false) }
}

/// One undo that goes through rows of a batch, among the bulk work, before a person is asked. It is as patient as the
/// work that it takes back.
#[must_use]
pub fn bulk_undo() -> Policy {
    erp()
}

/// The ending of the task queue of bulk work: activities that go through thousands of rows and must not stand in an
/// order's way.
pub const BULK_QUEUE: &str = "-bulk";

/// Holding, confirming stock: its outcome is always awaited.
#[must_use]
pub fn stock() -> Policy {
    Policy::new(figures().stock, OnStop::AwaitOutcome, false)
}

/// Moving money: its outcome is always awaited.
#[must_use]
pub fn money() -> Policy {
    Policy::new(figures().payment, OnStop::AwaitOutcome, false)
}

/// A look at a payment that waits for the customer. The wait goes on without its answer, and another look follows: so
/// it is one attempt, and a provider that hangs does not fill the workers with looks.
#[must_use]
pub fn look() -> Policy {
    Policy { attempts_max: 1, local_attempts: 1, ..Policy::new(figures().look, OnStop::LetGo, true) }
}

/// How the pauses between looks grow: each is twice the one before.
#[derive(Clone, Copy, Debug)]
pub struct Pauses {
    /// The first pause.
    pub first: Duration,
    /// The longest.
    pub longest: Duration,
}

/// The pauses between looks at a payment that waits for the customer.
#[must_use]
pub fn look_again() -> Pauses {
    Pauses { first: figures().look_again_first, longest: figures().look_again_longest }
}

/// Buying a label: its outcome is always awaited.
#[must_use]
pub fn carrier() -> Policy {
    Policy::new(figures().carrier, OnStop::AwaitOutcome, false)
}

/// A write that must still happen when there is no way back: local first, then with a day of patience.
#[must_use]
pub fn aftermath() -> Policy {
    Policy { attempts_max: 0, ..Policy::new(figures().aftermath, OnStop::LetGo, true) }
}

/// How long after the last try of one round the next one may begin: a minute, doubling to an hour. By then a look shows
/// what came of the key before. The rounds of a follow-up mail keep the same pauses.
pub(crate) fn before_round(number: u32) -> Duration {
    let figures = figures();
    let doubled = 2_u32.saturating_pow(number.saturating_sub(1));
    let longest = figures.asked_retry_longest.max(figures.retry_longest);
    figures.retry_longest.saturating_mul(doubled).min(longest)
}

/// The pause before what got no answer is tried on beside a person who is asked.
pub(crate) fn asked_retry_first() -> Duration {
    figures().asked_retry_first
}

/// The shop hears of an order that is paid and has a label: local first, then until a person is asked, who may hear of
/// it while the parcel is still in the house. It is tried on meanwhile.
#[must_use]
pub fn tell_shop() -> Policy {
    Policy { patience: figures().tell_shop, ..aftermath() }
}

/// A message to the customer: local first, then for as long as it is still news. Locally once: a sender that is slow
/// is asked twice at most, and tells the two apart by their key. One that knows no keys sends nothing locally.
#[must_use]
pub fn notice() -> Policy {
    Policy { attempts_max: 0, local_attempts: 1, ..Policy::new(figures().notice, OnStop::LetGo, true) }
}

/// A look-up of an effect whose outcome is unknown.
#[must_use]
pub fn look_up() -> Policy {
    Policy { attempts_max: 0, ..Policy::new(figures().undo, OnStop::LetGo, false) }
}

/// One undo, before a person is asked.
#[must_use]
pub fn undo() -> Policy {
    Policy { attempts_max: 0, ..Policy::new(figures().undo, OnStop::AwaitOutcome, false) }
}

#[cfg(test)]
mod tests;
