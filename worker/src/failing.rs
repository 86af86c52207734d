//! Logs and counts the attempts of activities that fail: which system, at which address, for which run, and why.
//!
//! A system that is away for hours fails thousands of attempts. So an activity is logged at its first failure that this
//! worker sees, when the reason changes, and at every tenth attempt; each one is counted. An attempt that asks nobody,
//! because an activity of its own does, is none.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use activities::http::address;
use contracts::failure;
use temporalio_common::error::{ApplicationErrorCategory, ApplicationFailure};
use temporalio_common::telemetry::metrics::{CoreMeter, Counter};
use temporalio_sdk::activities::{ActivityError, ActivityInfo};
use temporalio_sdk::interceptors::{
    ActivityInboundInterceptor, ExecuteActivityInput, ExecuteActivityOutput, Next,
};

use crate::metrics::{Exporter, labels, named};

/// An activity that goes on failing is logged once in so many attempts.
const EVERY: u32 = 10;
/// So many failing activities are remembered; beyond them the oldest is forgotten, and logged once more than needed.
const REMEMBERED: usize = 10_000;

/// The types of our failures. Whatever has another one is counted as `other`.
const TYPES: [&str; 6] = [
    failure::OUTCOME_UNKNOWN,
    failure::UNAVAILABLE,
    failure::SETTING,
    failure::NEW_WORD,
    failure::REFUSED,
    failure::NOTHING_YET,
];
const OTHER: &str = "other";

/// Watches the activities of a worker.
#[derive(Clone)]
pub(crate) struct Failing {
    meter: Arc<dyn CoreMeter>,
    attempts: Counter,
    failures: Counter,
    told: Arc<Mutex<Told>>,
}

impl Failing {
    /// `kinds`: what stands before the dot of the activities' names. Each stands at 0 from now on.
    pub(crate) fn new(exporter: &Exporter, kinds: impl Iterator<Item = &'static str>) -> Self {
        let meter = exporter.meter();
        let failures =
            meter.counter(named("sunflow_activity_failures", "Attempts of activities that failed"));
        let attempts = meter.counter(named("sunflow_activity_attempts", "Attempts of activities that ended"));
        let failing = Self { meter, attempts, failures, told: Arc::default() };
        for kind in kinds {
            failing.attempted(0, kind);
            for failure in TYPES.into_iter().chain([OTHER]) {
                failing.add(0, kind, failure);
            }
        }
        failing
    }

    fn attempted(&self, attempts: u64, kind: &str) {
        self.attempts.add(attempts, &labels(&self.meter, [("system", kind)]));
    }

    fn add(&self, failures: u64, kind: &str, failure: &str) {
        self.failures.add(failures, &labels(&self.meter, [("system", kind), ("failure", failure)]));
    }

    fn failed(&self, info: &ActivityInfo, failure: &ApplicationFailure, address: Option<&str>) {
        let kind = failure.type_name().filter(|name| TYPES.contains(name));
        self.add(1, system(info), kind.unwrap_or(OTHER));
        // Our own words name system, status and code. Anything else may hold what is nobody's business.
        let reason = if kind.is_some() { failure.to_string() } else { "see the run's history".to_owned() };
        let of = format!("{}/{}", info.workflow_run_id.as_deref().unwrap_or_default(), info.activity_id);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if !told.is_worth_a_word(of, info.attempt, &reason) {
            return;
        }
        tracing::warn!(
            workflow_id = info.workflow_id,
            run_id = info.workflow_run_id,
            activity = info.activity_type,
            attempt = info.attempt,
            address,
            failure = failure.type_name(),
            reason,
            "{}",
            match failure.is_non_retryable() {
                true => "an activity failed, for good",
                false => "an activity failed; it is tried again while its patience lasts",
            }
        );
    }
}

impl ActivityInboundInterceptor for Failing {
    fn execute_activity<'a>(
        &'a self,
        input: ExecuteActivityInput,
        next: Next<'a, ExecuteActivityInput, ExecuteActivityOutput<'a>>,
    ) -> ExecuteActivityOutput<'a> {
        Box::pin(async move {
            let info = input.activity_info().clone();
            let (ended, address) = address::of_the_last_failure(next.run(input)).await;
            if is_elsewhere(&ended) {
                return ended;
            }
            self.attempted(1, system(&info));
            if let Err(ActivityError::Application(failure)) = &ended
                && failure.category() != ApplicationErrorCategory::Benign
            {
                self.failed(&info, failure, address.as_deref());
            }
            ended
        })
    }
}

/// Whether an attempt asked nobody: a sender without keys leaves it to the activity of its own, which is not a failure.
fn is_elsewhere<T>(ended: &Result<T, ActivityError>) -> bool {
    match ended {
        Err(ActivityError::Application(failed)) => failed.type_name() == Some(failure::NOT_HERE),
        _ => false,
    }
}

/// The system that an activity is about: what stands before the dot of its name.
fn system(info: &ActivityInfo) -> &str {
    info.activity_type.split('.').next().unwrap_or(&info.activity_type)
}

/// The reasons that were logged, by run and activity.
#[derive(Default)]
struct Told {
    reasons: HashMap<String, String>,
    /// The oldest first.
    order: VecDeque<String>,
}

impl Told {
    fn is_worth_a_word(&mut self, activity: String, attempt: u32, reason: &str) -> bool {
        let before = self.reasons.insert(activity.clone(), reason.to_owned());
        if before.is_none() {
            self.order.push_back(activity);
            if self.order.len() > REMEMBERED
                && let Some(oldest) = self.order.pop_front()
            {
                self.reasons.remove(&oldest);
            }
        }
        before.as_deref() != Some(reason) || attempt.is_multiple_of(EVERY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_attempt_a_new_reason_and_every_tenth_are_worth_a_word() {
        let mut told = Told::default();
        let reasons = |attempt: u32| if attempt < 4 { "HTTP 503" } else { "HTTP 401" };
        let logged: Vec<u32> = (1..=31)
            .filter(|attempt| told.is_worth_a_word("run/1".to_owned(), *attempt, reasons(*attempt)))
            .collect();
        assert_eq!(logged, [1, 4, 10, 20, 30]);
        assert!(told.is_worth_a_word("run/2".to_owned(), 7, "HTTP 401"), "another one's first");
    }

    #[test]
    fn a_mail_that_another_activity_sends_is_no_failure() {
        for (kind, is_no_failure) in [(failure::NOT_HERE, true), (failure::UNAVAILABLE, false)] {
            let failure = ApplicationFailure::builder("why".to_owned()).type_name(kind.to_owned()).build();
            let ended: Result<(), ActivityError> = Err(ActivityError::application(failure));
            assert_eq!(is_elsewhere(&ended), is_no_failure, "{kind}");
        }
        assert!(!is_elsewhere(&Ok(())));
    }

    #[test]
    fn no_more_are_remembered_than_is_said() {
        let mut told = Told::default();
        for n in 0..REMEMBERED + 5 {
            told.is_worth_a_word(format!("run/{n}"), 1, "HTTP 503");
        }
        assert_eq!((told.reasons.len(), told.order.len()), (REMEMBERED, REMEMBERED));
        assert!(told.is_worth_a_word("run/0".to_owned(), 2, "HTTP 503"));
        assert!(!told.is_worth_a_word(format!("run/{REMEMBERED}"), 2, "HTTP 503"));
    }
}
