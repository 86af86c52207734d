//! Slots for each kind of bulk work, on one task queue.
//!
//! A worker's own slots are shared by whatever its queue holds: a price run of many batches would take them all, and a
//! sync would wait for hours. So each kind has slots of its own here. An activity that finds none waits in a queue for
//! one, first come, first served: a run whose activities follow each other within milliseconds would otherwise take
//! each slot again before anybody else has seen it free. Waiting is silent, so it lasts for at most half of the time
//! after which Temporal misses a heartbeat. Then the activity gives its place back and is tried again soon; Temporal's
//! UI shows why. That costs no history event.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use contracts::failure;
use futures::future::BoxFuture;
use temporalio_common::error::{ApplicationErrorCategory, ApplicationFailure};
use temporalio_sdk::activities::{ActivityError, ActivityInfo};
use temporalio_sdk::interceptors::{
    ActivityInboundInterceptor, ExecuteActivityInput, ExecuteActivityOutput, Next,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How soon an activity that has waited in vain is tried again.
const SOON: Duration = Duration::from_secs(1);
/// How long an activity waits that has no heartbeat timeout, and the longest that any one waits.
const WAIT: Duration = Duration::from_secs(5);
const WAIT_MAX: Duration = Duration::from_secs(10);
/// How often Temporal is asked whether the run of a waiting activity still wants it. A cancel reaches a worker in the
/// answer to a heartbeat; a heartbeat from here would overwrite what the attempt before has told.
const ASK: Duration = Duration::from_secs(1);
/// For each slot, this many activities may wait; another one gives its place back at once. So a kind with many runs
/// takes only the places that are its own.
const WAITING: usize = 4;

/// The places that a worker needs for so many kinds with `each` slots: for those that work and those that wait, and
/// some for those that give their place back at once.
pub(crate) fn places(each: usize, kinds: usize) -> usize {
    each * (kinds * (1 + WAITING) + 1)
}

/// Whether a run still wants an activity.
pub(crate) type IsWanted = dyn Fn(&ActivityInfo) -> BoxFuture<'static, bool> + Send + Sync;

/// So many activities of each kind at once. The kind is what stands before the dot of an activity's name: `erp`.
pub(crate) struct Slots {
    each: usize,
    kinds: Mutex<HashMap<String, Kind>>,
    is_wanted: Box<IsWanted>,
}

/// The slots of a kind, and the places of those that wait for one.
#[derive(Clone)]
struct Kind {
    slots: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Slots {
    pub(crate) fn new(each: usize, is_wanted: Box<IsWanted>) -> Self {
        Self { each, kinds: Mutex::default(), is_wanted }
    }

    fn kind(&self, name: &str) -> Kind {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Kind {
            slots: Arc::new(Semaphore::new(self.each)),
            waiting: Arc::new(Semaphore::new(self.each * WAITING)),
        };
        kinds.entry(name.to_owned()).or_insert_with(new).clone()
    }

    /// Waits for a slot. A semaphore is fair: a slot that is given back goes to the one who has waited longest.
    async fn take(
        &self,
        name: &str,
        patience: Duration,
        unwanted: impl Future<Output = ()>,
    ) -> Result<OwnedSemaphorePermit, ActivityError> {
        let Kind { slots, waiting } = self.kind(name);
        if let Ok(slot) = slots.clone().try_acquire_owned() {
            return Ok(slot);
        }
        let Ok(_place) = waiting.try_acquire_owned() else { return Err(self.none_free(name)) };
        tokio::select! {
            biased;
            slot = slots.acquire_owned() => slot.map_err(|_| self.none_free(name)),
            () = unwanted => Err(ActivityError::cancelled()),
            () = tokio::time::sleep(patience) => Err(self.none_free(name)),
        }
    }

    /// Ready when the run wants the activity no longer.
    async fn unwanted(&self, info: &ActivityInfo) {
        loop {
            tokio::time::sleep(ASK).await;
            if !(self.is_wanted)(info).await {
                return;
            }
        }
    }

    /// It does not count as a failure in Temporal's metrics: the activity has not begun.
    fn none_free(&self, kind: &str) -> ActivityError {
        let why = format!("all {} slots for \"{kind}\" activities are taken (SUN_BULK_SLOTS)", self.each);
        let failure = ApplicationFailure::builder(anyhow::anyhow!(why))
            .type_name(failure::UNAVAILABLE.to_owned())
            .category(ApplicationErrorCategory::Benign)
            .next_retry_delay(SOON);
        ActivityError::application(failure.build())
    }
}

impl ActivityInboundInterceptor for Slots {
    fn execute_activity<'a>(
        &'a self,
        input: ExecuteActivityInput,
        next: Next<'a, ExecuteActivityInput, ExecuteActivityOutput<'a>>,
    ) -> ExecuteActivityOutput<'a> {
        Box::pin(async move {
            let info = input.activity_info();
            let left = info.deadline.and_then(|at| at.duration_since(SystemTime::now()).ok());
            let patience = patience(info.heartbeat_timeout, left);
            let slot = self.take(kind(&info.activity_type), patience, self.unwanted(info)).await?;
            let ended = next.run(input).await;
            drop(slot);
            ended
        })
    }
}

fn kind(activity: &str) -> &str {
    activity.split('.').next().unwrap_or(activity)
}

/// How long an activity waits for a slot: half of the time in which Temporal wants to hear of it, and of the time that
/// this attempt has left.
fn patience(heartbeat: Option<Duration>, left: Option<Duration>) -> Duration {
    let heartbeat = heartbeat.filter(|limit| !limit.is_zero());
    let longest = heartbeat.map_or(WAIT, |limit| limit / 2).min(WAIT_MAX);
    left.map_or(longest, |left| longest.min(left / 2))
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use futures::FutureExt as _;

    use super::*;

    fn slots(each: usize) -> Slots {
        Slots::new(each, Box::new(|_| std::future::ready(true).boxed()))
    }

    async fn take(slots: &Slots, activity: &str) -> Result<OwnedSemaphorePermit, ActivityError> {
        slots.take(kind(activity), Duration::from_millis(20), pending()).await
    }

    #[tokio::test]
    async fn one_kind_does_not_take_the_slots_of_another() {
        let slots = slots(2);
        let first = take(&slots, "prices.apply").await;
        let second = take(&slots, "prices.validate").await;
        assert!(first.is_ok() && second.is_ok());
        assert!(take(&slots, "prices.apply").await.is_err());
        assert!(take(&slots, "erp.apply").await.is_ok());
        drop(first);
        assert!(take(&slots, "prices.apply").await.is_ok());
    }

    #[tokio::test]
    async fn a_slot_goes_to_the_one_who_waits_and_not_to_the_next_activity_of_who_had_it() {
        let slots = slots(1);
        let held = take(&slots, "erp.stage").await;
        let wait = || slots.take("erp", Duration::from_secs(10), pending());
        let (first, second) = (wait(), wait());
        tokio::pin!(first, second);
        assert!(first.as_mut().now_or_never().is_none() && second.as_mut().now_or_never().is_none());
        drop(held);
        assert!(take(&slots, "erp.apply").await.is_err(), "it overtook the ones who wait");
        assert!(second.as_mut().now_or_never().is_none(), "the second one overtook the first one");
        assert!(first.await.is_ok_and(|slot| slot.num_permits() == 1));
        assert!(second.await.is_ok());
    }

    #[tokio::test]
    async fn an_activity_that_waits_in_vain_is_tried_again_soon_and_counts_as_no_failure() {
        let slots = slots(1);
        let _held = take(&slots, "erp.stage").await;
        let Err(ActivityError::Application(failure)) = take(&slots, "erp.apply").await else {
            panic!("there was a slot")
        };
        assert_eq!(failure.category(), ApplicationErrorCategory::Benign);
        assert_eq!((failure.next_retry_delay(), failure.is_non_retryable()), (Some(SOON), false));
    }

    #[tokio::test]
    async fn an_activity_that_nobody_wants_any_longer_waits_no_longer() {
        let slots = slots(1);
        let _held = take(&slots, "erp.stage").await;
        let ended = slots.take("erp", Duration::from_secs(3_600), std::future::ready(())).await;
        assert!(matches!(ended, Err(ActivityError::Cancelled { .. })), "{ended:?}");
    }

    #[tokio::test]
    async fn beyond_its_places_a_kind_lets_nobody_wait() {
        let slots = slots(1);
        let _held = take(&slots, "erp.stage").await;
        let patience = Duration::from_secs(3_600);
        let mut waiting: Vec<_> =
            (0..WAITING).map(|_| Box::pin(slots.take("erp", patience, pending()))).collect();
        assert!(waiting.iter_mut().all(|waits| waits.as_mut().now_or_never().is_none()));
        let refused = slots.take("erp", patience, pending()).now_or_never();
        assert!(refused.is_some_and(|refused| refused.is_err()));
    }

    #[test]
    fn nobody_waits_so_long_that_temporal_takes_the_worker_for_dead() {
        let seconds = Duration::from_secs;
        assert_eq!(patience(None, None), seconds(5));
        assert_eq!(patience(Some(Duration::ZERO), None), seconds(5));
        assert_eq!(patience(Some(seconds(2)), None), seconds(1));
        assert_eq!(patience(Some(seconds(60)), Some(seconds(1_800))), seconds(10));
        assert_eq!(patience(Some(seconds(60)), Some(seconds(4))), seconds(2));
    }
}
