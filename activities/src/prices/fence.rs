//! The fence between a run and its revert. A worker that was cut off from Temporal does not hear that its attempt is
//! over: it would write prices that the revert has put back, or passed by. So a revert marks the run before it looks at
//! anything, and no price is sent without a look for that mark.
//!
//! Where rows are written one by one a look holds for a second, and the revert waits as long behind its mark. Only a
//! request that is under way then remains possible.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use store::Store;
use temporalio_sdk::activities::ActivityContext;
use tokio::time::Instant;

use super::{Abilities, traces};
use crate::bulk::{Trouble, patiently};
use crate::http::CallError;

/// How long a look for the mark holds: where many prices go with one request, for that one only.
pub(super) fn holds_for(abilities: Abilities) -> Duration {
    let is_each = abilities.batches && abilities.compares;
    if is_each { Duration::ZERO } else { Duration::from_secs(1) }
}

/// How a look went.
#[derive(Clone, Copy, Default)]
struct Looked {
    /// When nothing was found last.
    open_at: Option<Instant>,
    is_closed: bool,
}

/// Lets a run write until it is taken back.
pub(super) struct Fence<'f> {
    store: &'f Store,
    /// The run's folder.
    run: String,
    holds: Duration,
    looked: Mutex<Looked>,
}

impl<'f> Fence<'f> {
    pub(super) fn of(store: &'f Store, run: String, abilities: Abilities) -> Self {
        Self { store, run, holds: holds_for(abilities), looked: Mutex::default() }
    }

    fn looked(&self) -> Looked {
        *self.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks patiently, each time behind a look for the mark.
    pub(super) async fn asked<T, F>(&self, ctx: &ActivityContext, ask: impl Fn() -> F) -> Result<T, Trouble>
    where
        F: Future<Output = Result<T, CallError>>,
    {
        let asked = patiently(ctx, || async {
            self.look().await?;
            ask().await
        });
        asked.await.map_err(|error| match self.looked().is_closed {
            true => Trouble::Final("the run is being taken back: nothing more is written".to_owned()),
            false => Trouble::of_row(error),
        })
    }

    async fn look(&self) -> Result<(), CallError> {
        if self.looked().open_at.is_some_and(|at| at.elapsed() < self.holds) {
            return Ok(());
        }
        let not_sent = |why: String| CallError::NotSent { system: "the object store", why };
        let is_closed = traces::is_reverting(self.store, &self.run).await;
        let is_closed = is_closed.map_err(|error| not_sent(error.to_string()))?;
        let open_at = (!is_closed).then(Instant::now);
        *self.looked.lock().unwrap_or_else(PoisonError::into_inner) = Looked { open_at, is_closed };
        if is_closed { Err(not_sent("the run is being taken back".to_owned())) } else { Ok(()) }
    }
}
