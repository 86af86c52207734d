//! A watermark that is put back, so that the next sync reads again what changed since then.
//!
//! It goes through a run of its own, because only one run at a time may say how far an integration is.

use contracts::erp::{Entity, Stamps};

use super::input::Rewind;
use super::run::{SyncRun, SyncSaga, step_of};
use super::tally::Work;
use super::{FETCH, REPORT, TRANSFORM, UPDATE, VALIDATE};
use crate::saga::Halt;

const REFUSED: &str = "RewindRefused";

impl SyncRun<'_> {
    /// Puts one watermark back, and nothing else.
    pub(super) async fn rewind(&self, saga: &SyncSaga, work: &mut Work, back: &Rewind) -> Result<(), Halt> {
        let Rewind { entity, to } = back;
        let name = entity.name();
        if work.stamps == Stamps::Claims {
            let reason = "a folder of exports is not read again by its moments: move the files to read from done/ back \
                          into the folder";
            return Err(saga.refused(UPDATE, REFUSED, reason.to_owned()));
        }
        let Some(known) = work.watermark(*entity) else {
            let reason = format!("{name} have no watermark: the next sync reads everything");
            return Err(saga.refused(UPDATE, REFUSED, reason));
        };
        if *to >= known {
            let reason =
                format!("the watermark of {name} is {known}, which is not after {to}: name an earlier time");
            return Err(saga.refused(UPDATE, REFUSED, reason));
        }
        self.skip_all(saga, "puts a watermark back, no more");
        if let Some(state) = &mut work.state {
            state.watermarks.insert(*entity, *to);
        }
        self.remember(saga, work).await?;
        saga.done(
            UPDATE,
            &format!("{name} are put back from {known} to {to}: the next sync reads on from there"),
        );
        Ok(())
    }

    /// Skips everything after the log-in.
    pub(super) fn skip_all(&self, saga: &SyncSaga, why: &str) {
        let writes = Entity::ALL.map(step_of);
        for step in [FETCH, TRANSFORM, VALIDATE].into_iter().chain(writes).chain([UPDATE, REPORT]) {
            saga.skip(step, why);
        }
    }
}
