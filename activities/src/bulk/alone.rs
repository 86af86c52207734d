//! Rows that are written one at a time: some of them side by side, at a rate, until nobody is let in any more.

use contracts::bulk::Rate;
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use jiff::Timestamp;
use temporalio_sdk::activities::ActivityContext;

use super::doubt::Doubts;
use super::pace::Pace;
use super::{Answer, Each, Trouble};

/// Writes under way at once.
pub(super) const SIDE_BY_SIDE: usize = 8;

/// An answer, or none: the row was not sent, because the run was stopped or a row before it has failed.
pub type Sent<D> = Result<Option<Answer<D>>, Trouble>;

/// Writes that belong to no list.
pub struct OneByOne<'c> {
    ctx: &'c ActivityContext,
    pace: Pace,
    doubts: Doubts,
}

impl<'c> OneByOne<'c> {
    /// At a rate; `due` is when the attempt before this one would have sent its next row.
    #[must_use]
    pub fn new(ctx: &'c ActivityContext, rate: Option<Rate>, due: Option<Timestamp>) -> Self {
        Self { ctx, pace: Pace::resume(rate, due, SIDE_BY_SIDE), doubts: Doubts::default() }
    }

    /// When the next row may go; `None`: at once.
    #[must_use]
    pub fn due(&self) -> Option<Timestamp> {
        self.pace.due()
    }

    /// Forgets how the rows before fared: trouble may be over.
    pub fn try_again(&mut self) {
        self.doubts.try_again();
    }

    /// Takes note of a row that is found to have been written before.
    pub fn note_known(&self) {
        self.doubts.note_known();
    }

    /// Writes some rows; one fate for each, in their order. A row that is disliked where another one is taken is
    /// refused.
    pub async fn write<'f, D: Send + 'f>(&self, writes: Vec<BoxFuture<'f, Each<D>>>) -> Vec<Sent<D>> {
        let sent = one_by_one(self.ctx, &self.pace, &self.doubts, writes).await;
        sent.into_iter().map(|sent| self.doubts.settle(sent)).collect()
    }
}

/// Takes note of how each row fares: where the system is away, or lets nobody in, the next one would fare no better.
pub(super) async fn one_by_one<'f, D: Send + 'f>(
    ctx: &ActivityContext,
    pace: &Pace,
    doubts: &Doubts,
    writes: Vec<BoxFuture<'f, Each<D>>>,
) -> Vec<Sent<D>> {
    let sent = writes.into_iter().map(|write| {
        async move {
            if doubts.has_failed() || !pace.turn(ctx).await || doubts.has_failed() {
                return Ok(None);
            }
            let sent = write.await;
            doubts.note(&sent, SIDE_BY_SIDE);
            sent.map(Some)
        }
        .boxed()
    });
    let sent: Vec<BoxFuture<'_, Sent<D>>> = sent.collect();
    futures::stream::iter(sent).buffered(SIDE_BY_SIDE).collect().await
}
