//! Slots for each kind of bulk work, on one task queue.
//!
//! A worker's own slots are shared by whatever its queue holds: a price run of many batches would take them all, and a
//! sync would wait for hours. So each kind has slots of its own here. An activity that finds none gives its place back
//! at once and is tried again soon; Temporal's UI shows why. It costs no history event.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use contracts::failure;
use temporalio_common::error::ApplicationFailure;
use temporalio_sdk::activities::ActivityError;
use temporalio_sdk::interceptors::{
    ActivityInboundInterceptor, ExecuteActivityInput, ExecuteActivityOutput, Next,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How soon an activity without a slot is tried again at first, and at last.
const SOON: Duration = Duration::from_secs(1);
const LATER: Duration = Duration::from_secs(10);

/// So many activities of each kind at once. The kind is what stands before the dot of an activity's name: `erp`.
pub(crate) struct Slots {
    each: usize,
    free: Mutex<HashMap<String, Arc<Semaphore>>>,
}

impl Slots {
    pub(crate) fn new(each: usize) -> Self {
        Self { each, free: Mutex::default() }
    }

    fn take(&self, kind: &str) -> Option<OwnedSemaphorePermit> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let of_kind = free.entry(kind.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(self.each)));
        of_kind.clone().try_acquire_owned().ok()
    }

    fn none_free(&self, kind: &str, attempt: u32) -> ActivityError {
        let why = format!("all {} slots for \"{kind}\" activities are taken (SUN_BULK_SLOTS)", self.each);
        let failure = ApplicationFailure::builder(anyhow::anyhow!(why))
            .type_name(failure::UNAVAILABLE.to_owned())
            .next_retry_delay(SOON.saturating_mul(attempt).min(LATER));
        ActivityError::application(failure.build())
    }
}

impl ActivityInboundInterceptor for Slots {
    fn execute_activity<'a>(
        &'a self,
        input: ExecuteActivityInput,
        next: Next<'a, ExecuteActivityInput, ExecuteActivityOutput<'a>>,
    ) -> ExecuteActivityOutput<'a> {
        let info = input.activity_info();
        let kind = kind(&info.activity_type);
        let Some(slot) = self.take(kind) else {
            let none_free = self.none_free(kind, info.attempt);
            return Box::pin(async move { Err(none_free) });
        };
        let work = next.run(input);
        Box::pin(async move {
            let ended = work.await;
            drop(slot);
            ended
        })
    }
}

fn kind(activity: &str) -> &str {
    activity.split('.').next().unwrap_or(activity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_kind_does_not_take_the_slots_of_another() {
        let slots = Slots::new(2);
        let first = slots.take(kind("prices.apply"));
        let second = slots.take(kind("prices.validate"));
        assert!(first.is_some() && second.is_some());
        assert!(slots.take(kind("prices.apply")).is_none());
        assert!(slots.take(kind("erp.apply")).is_some());
        drop(first);
        assert!(slots.take(kind("prices.apply")).is_some());
    }
}
