//! A batch of staged rows is written, several rows at a time; heartbeats tell how far it is.

use contracts::bulk::{INLINE_MAX, Rate, Written, count_cause};
use contracts::objects::ObjectRef;
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use store::{LinesWriter, Store};
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use super::doubt::Doubts;
use super::images::{Images, Kept};
use super::pace::Pace;
use super::parts::Rows;
use super::{Answer, Format, Target, Told, Trouble, Walk};

/// Rows between two notes of how far the batch is.
const SEGMENT: usize = 250;
/// Writes under way at once.
const SIDE_BY_SIDE: usize = 8;
/// Rows of a batch at most: a heartbeat grows by some 240 bytes with every 250 of them.
pub const BATCH_MAX: usize = 100_000;

/// Rows to write, and how.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'b> {
    /// JSON lines of [`Target::Row`], each key once, at most [`BATCH_MAX`]; or a list of their parts.
    pub rows: &'b ObjectRef,
    /// The folder of the outcomes: the run's own ([`store::run_folder`]).
    pub folder: &'b str,
    /// The folder of what is refused.
    pub quarantine: &'b str,
    /// The folder of the before-images, as a rule `folder`; `None`: none are kept. The run's own
    /// ([`store::run_folder`]) and not one below it: the last folder before the objects names the run that they are
    /// removed with.
    pub images: Option<&'b str>,
    /// Rows a second; `None`: as fast as they are taken.
    pub rate: Option<Rate>,
}

/// How far a batch is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Progress<O> {
    format: Format<1>,
    rows: usize,
    written: Written<O>,
    /// When the next row may go.
    due: Option<Timestamp>,
}

impl<O> Default for Progress<O> {
    fn default() -> Self {
        Self { format: Format, rows: 0, written: Written::default(), due: None }
    }
}

/// How writing a batch ended.
#[derive(Debug)]
#[must_use]
pub enum Ended<O> {
    /// Every row has its outcome.
    Whole(Written<O>),
    /// The run was stopped before the last row was sent: the outcomes until then. A row whose write was under way and
    /// whose outcome is not known is not among them.
    Stopped(Written<O>),
}

impl<O> Ended<O> {
    /// The activity's answer. A batch that was stopped is cancelled, with what was written in the details, so that
    /// the process can tell of it.
    ///
    /// # Errors
    /// When the run was stopped.
    pub fn report<A>(self, report: impl FnOnce(Written<O>) -> A) -> Result<A, ActivityError>
    where
        A: Serialize + Send + Sync + 'static,
    {
        match self {
            Self::Whole(written) => Ok(report(written)),
            Self::Stopped(written) => Err(ActivityError::cancelled_with_details(report(written))),
        }
    }
}

/// Writes a batch.
///
/// # Errors
/// When the batch cannot be read or has more than [`BATCH_MAX`] rows, or a row's outcome is not known. The next
/// attempt knows what was written until then.
pub async fn apply<T: Target>(
    ctx: &ActivityContext,
    store: &Store,
    target: &T,
    batch: &Batch<'_>,
) -> Result<Ended<T::Outcome>, ActivityError> {
    let mut walk: Walk<'_, Progress<T::Outcome>> = Walk::resume(ctx);
    let mut rows = walk.alive(rows_of::<T::Row>(store, batch.rows)).await.map_err(Trouble::into_failure)?;
    let pace = Pace::resume(batch.rate, walk.progress().due, SIDE_BY_SIDE);
    let images = batch.images.map(|folder| Images::of(store, folder, batch.rows));
    let (is_few, doubts) = (rows.count() <= INLINE_MAX, Doubts::default());
    let writing = Writing { ctx, store, target, batch, pace, images, is_few, doubts };
    while walk.progress().rows < rows.count() {
        let progress = walk.progress().clone();
        let rest = walk.alive(rows.from(progress.rows)).await.map_err(Trouble::into_failure)?;
        let done = writing.segment(rest, progress);
        match walk.alive(done).await.map_err(Trouble::into_failure)? {
            // Not checked for a stop here: a batch that is written to its end counts, whatever comes after it.
            Segment::Whole(progress) => walk.note(progress).await,
            Segment::Stopped(written) => {
                let written = walk.alive(writing.join(written)).await.map_err(Trouble::into_failure)?;
                return Ok(Ended::Stopped(written));
            }
        }
    }
    let written = walk.progress().written.clone();
    let joined = walk.alive(writing.join(written)).await;
    joined.map(Ended::Whole).map_err(Trouble::into_failure)
}

async fn rows_of<R: DeserializeOwned>(store: &Store, batch: &ObjectRef) -> Result<Rows<R>, Trouble> {
    let rows = Rows::open(store, batch).await?;
    match rows.count() <= BATCH_MAX {
        true => Ok(rows),
        false => {
            let (key, rows) = (&batch.key, rows.count());
            Err(Trouble::Final(format!("{key} has {rows} rows; divide it: a batch has at most {BATCH_MAX}")))
        }
    }
}

/// A batch that is being written.
struct Writing<'w, T> {
    ctx: &'w ActivityContext,
    store: &'w Store,
    target: &'w T,
    batch: &'w Batch<'w>,
    pace: Pace,
    images: Option<Images<'w>>,
    is_few: bool,
    doubts: Doubts,
}

/// How some rows ended.
enum Segment<O> {
    /// Every one has its outcome: how far the batch is now.
    Whole(Progress<O>),
    /// The run was stopped before the last one was sent: what was written.
    Stopped(Written<O>),
}

/// The looks of some rows.
struct Looked<I> {
    before: Vec<I>,
    /// Where an earlier attempt has seen them first.
    now: Option<Vec<I>>,
    list: Option<ObjectRef>,
}

/// An answer, or none: the row was not sent, because the run was stopped, has given this attempt up, or a row before it
/// has failed.
type Sent<D> = Result<Option<Answer<D>>, Trouble>;

impl<T: Target> Writing<'_, T> {
    /// Writes the next rows.
    async fn segment(
        &self,
        rest: &[T::Row],
        mut progress: Progress<T::Outcome>,
    ) -> Result<Segment<T::Outcome>, Trouble> {
        let looked = self.look(rest, progress.rows).await?;
        let rows = &rest[..looked.before.len()];
        let answers = self.write(rows, &looked).await;
        let is_written = |sent: &Sent<T::Done>| matches!(sent, Ok(Some(Answer::Done(_))));
        let written = rows.iter().zip(&answers).filter(|(_, sent)| is_written(sent)).map(|(row, _)| row);
        // Of a segment that is cut short, too.
        self.target.remember(written.collect()).await?;
        let answers = self.answers(answers)?;
        let is_whole = answers.iter().all(Option::is_some);
        self.report(rows.iter().zip(answers), &mut progress.written).await?;
        progress.written.images.extend(looked.list.filter(|_| self.target.names_images()));
        if !is_whole {
            return Ok(Segment::Stopped(progress.written));
        }
        progress.rows += rows.len();
        progress.due = self.pace.due();
        Ok(Segment::Whole(progress))
    }

    /// The answers, when no row failed. A request may be given up because the run was stopped ([`super::patiently`]):
    /// its row counts as not sent.
    fn answers(&self, sent: Vec<Sent<T::Done>>) -> Result<Vec<Option<Answer<T::Done>>>, Trouble> {
        let is_stopped = self.ctx.is_cancelled();
        let sent = sent.into_iter().map(|sent| self.doubts.settle(sent));
        let answers = sent.map(|sent| if is_stopped { Ok(sent.ok().flatten()) } else { sent });
        answers.collect()
    }

    async fn report<'r>(
        &self,
        rows: impl Iterator<Item = (&'r T::Row, Option<Answer<T::Done>>)>,
        written: &mut Written<T::Outcome>,
    ) -> Result<(), Trouble>
    where
        T::Row: 'r,
    {
        let (mut list, mut quarantine) = (LinesWriter::default(), LinesWriter::default());
        for (row, answer) in rows.filter_map(|(row, answer)| Some((row, answer?))) {
            let Some(told) = self.target.tell(row, &answer)? else { continue };
            list.push(&told.outcome)?;
            if let Some(line) = &told.quarantined {
                quarantine.push(line)?;
            }
            self.count(written, told);
        }
        written.lists.extend(list.put(self.store, self.batch.folder).await?);
        written.quarantined.extend(quarantine.put(self.store, self.batch.quarantine).await?);
        Ok(())
    }

    fn count(&self, written: &mut Written<T::Outcome>, told: Told<T::Outcome>) {
        *written.counts.entry(told.action.to_owned()).or_default() += 1;
        if let Some(cause) = &told.cause {
            count_cause(&mut written.causes, cause);
        }
        if self.is_few {
            written.rows.push(told.outcome);
        }
    }

    /// Looks at the next rows. An attempt before this one may have divided the batch otherwise: the rows of its images
    /// belong together.
    async fn look(&self, rest: &[T::Row], first: usize) -> Result<Looked<T::Image>, Trouble> {
        let rows = &rest[..rest.len().min(SEGMENT)];
        let Some(images) = &self.images else {
            return Ok(Looked { before: self.images_of(rows).await?, now: None, list: None });
        };
        let kept = match images.find(first).await? {
            Some(kept) => kept,
            None => images.keep(first, self.images_of(rows).await?).await?,
        };
        let Kept { images: before, list, is_earlier } = kept;
        if before.is_empty() || before.len() > rest.len() {
            let why = format!("{} holds before-images of {} rows, not of these", list.key, before.len());
            return Err(Trouble::Final(why));
        }
        let now = match is_earlier {
            true => Some(self.images_of(&rest[..before.len()]).await?),
            false => None,
        };
        Ok(Looked { before, now, list: Some(list) })
    }

    async fn images_of(&self, rows: &[T::Row]) -> Result<Vec<T::Image>, Trouble> {
        let images = self.target.look(rows).await?;
        match images.len() == rows.len() {
            true => Ok(images),
            false => Err(Trouble::Final(format!("{} images of {} rows", images.len(), rows.len()))),
        }
    }

    async fn write(&self, rows: &[T::Row], looked: &Looked<T::Image>) -> Vec<Sent<T::Done>> {
        let now = looked.now.as_deref();
        let writes: Vec<BoxFuture<'_, Sent<T::Done>>> = (0..)
            .zip(rows.iter().zip(&looked.before))
            .map(|(place, (row, before)): (usize, _)| {
                let now = now.and_then(|now| now.get(place));
                self.write_row(row, before, now).boxed()
            })
            .collect();
        futures::stream::iter(writes).buffered(SIDE_BY_SIDE).collect().await
    }

    async fn write_row(&self, row: &T::Row, before: &T::Image, now: Option<&T::Image>) -> Sent<T::Done> {
        if self.target.is_done(row, before) {
            return Ok(Some(Answer::Same));
        }
        // It was otherwise when this batch first came to it: an earlier attempt wrote it.
        if now.is_some_and(|now| self.target.is_done(row, now)) {
            return Ok(Some(Answer::Done(None)));
        }
        if let Some(cause) = self.target.refuses(row, before) {
            return Ok(Some(Answer::Refused(cause)));
        }
        if self.doubts.has_failed() || !self.pace.turn(self.ctx).await || self.doubts.has_failed() {
            return Ok(None);
        }
        let sent = self.target.write(row, before).await;
        self.doubts.note(&sent, SIDE_BY_SIDE);
        sent.map(Some)
    }

    /// One list of outcomes, however long: a history that names one object for each part of it would grow with it.
    async fn join(&self, mut written: Written<T::Outcome>) -> Result<Written<T::Outcome>, Trouble> {
        written.lists = store::join(self.store, self.batch.folder, written.lists).await?;
        if let Some(folder) = self.batch.images {
            written.images = store::join(self.store, folder, written.images).await?;
        }
        Ok(written)
    }
}
