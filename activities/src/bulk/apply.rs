//! A batch of staged rows is written, several rows at a time; heartbeats tell how far it is.

use contracts::bulk::{INLINE_MAX, Rate, Written, count_cause};
use contracts::objects::ObjectRef;
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use store::{Lines, LinesWriter, Store};
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use super::images::{Images, Kept};
use super::pace::Pace;
use super::{Trouble, Walk};

/// Rows between two notes of how far the batch is.
const SEGMENT: usize = 250;
/// Writes under way at once.
const SIDE_BY_SIDE: usize = 8;

/// How rows are written.
pub trait Target: Sync {
    /// A row to write: a line of the batch.
    type Row: DeserializeOwned + Send + Sync;
    /// The looks of a row where it is written; `()` where nobody has to know them.
    type Image: Serialize + DeserializeOwned + Send + Sync;
    /// A fact known of a row after its write, such as the id it has there.
    type Done: Send;
    /// A line of the report about a row.
    type Outcome: Serialize + DeserializeOwned + Clone + Send + Sync + 'static;

    /// Looks at some rows as they are now: one image for each, in the same order.
    ///
    /// # Errors
    /// When they cannot be read.
    fn look<'a>(&'a self, rows: &'a [Self::Row]) -> BoxFuture<'a, Result<Vec<Self::Image>, Trouble>>;

    /// Whether an image shows the row as it is to be. Such a row is not written.
    fn is_done(&self, row: &Self::Row, image: &Self::Image) -> bool {
        let (_, _) = (row, image);
        false
    }

    /// Writes one row, which looked like `before` when this batch first came to it. Safe to repeat: by its idempotency
    /// key, or because the image tells.
    ///
    /// # Errors
    /// When it is not known whether it was written, or no row would be: the batch waits. A row that is refused is
    /// [`Answer::Refused`].
    fn write<'a>(
        &'a self,
        row: &'a Self::Row,
        before: &'a Self::Image,
    ) -> BoxFuture<'a, Result<Answer<Self::Done>, Trouble>>;

    /// Told of the rows that were written, before the note of how far the batch is; told again after a crash.
    ///
    /// # Errors
    /// When it cannot be remembered: the batch waits.
    fn remember<'a>(&'a self, written: Vec<&'a Self::Row>) -> BoxFuture<'a, Result<(), Trouble>> {
        drop(written);
        std::future::ready(Ok(())).boxed()
    }

    /// Says what the report tells about a row; `None`: nothing, and it is not counted.
    ///
    /// # Errors
    /// When its line for the quarantine cannot be written.
    fn tell(
        &self,
        row: &Self::Row,
        answer: &Answer<Self::Done>,
    ) -> Result<Option<Told<Self::Outcome>>, Trouble>;
}

/// The end of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer<D> {
    /// It was written. `None` where nothing is known of it, or an earlier attempt wrote it and its answer is lost.
    Done(Option<D>),
    /// It is as it should be already.
    Same,
    /// It was refused, with this code.
    Refused(String),
}

/// A row in the report.
#[derive(Clone, Debug)]
pub struct Told<O> {
    /// Under which word it is counted: `updated`.
    pub action: &'static str,
    /// Its line in the list.
    pub outcome: O,
    /// Why it was refused, without a value of it.
    pub cause: Option<String>,
    /// Its line in the quarantine.
    pub quarantined: Option<Box<RawValue>>,
}

/// Rows to write, and how.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'b> {
    /// JSON lines of [`Target::Row`], each key once.
    pub rows: &'b ObjectRef,
    /// The folder of the outcomes.
    pub folder: &'b str,
    /// The folder of what is refused.
    pub quarantine: &'b str,
    /// The folder of the before-images, this run's alone; `None`: none are kept.
    pub images: Option<&'b str>,
    /// Rows a second; `None`: as fast as they are taken.
    pub rate: Option<Rate>,
}

/// How far a batch is. The heartbeat of a version that counted otherwise cannot be read as this one: half of the truth
/// would be worse than none.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Progress<O> {
    format: Format,
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

/// The number of the present form of [`Progress`], what is in it included.
const FORMAT: u32 = 1;

/// [`FORMAT`], or it cannot be read.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
struct Format;

impl TryFrom<u32> for Format {
    type Error = String;

    fn try_from(format: u32) -> Result<Self, String> {
        if format == FORMAT { Ok(Self) } else { Err(format!("heartbeat of format {format}, not {FORMAT}")) }
    }
}

impl From<Format> for u32 {
    fn from(_: Format) -> Self {
        FORMAT
    }
}

/// Writes a batch.
///
/// # Errors
/// When the batch cannot be read, a row's outcome is not known, or the run was stopped between two rows. What was
/// written until then is known to the next attempt.
pub async fn apply<T: Target>(
    ctx: &ActivityContext,
    store: &Store,
    target: &T,
    batch: &Batch<'_>,
) -> Result<Written<T::Outcome>, ActivityError> {
    let mut walk: Walk<'_, Progress<T::Outcome>> = Walk::resume(ctx);
    let read = async { Lines::get(store, batch.rows).await?.records::<T::Row>() };
    let rows = walk.alive(read).await.map_err(|error| Trouble::from(error).into_failure())?;
    let pace = Pace::resume(batch.rate, walk.progress().due);
    let images = batch.images.map(|folder| Images::of(store, folder, batch.rows));
    let writing = Writing { ctx, store, target, batch, pace, images, is_few: rows.len() <= INLINE_MAX };
    while walk.progress().rows < rows.len() {
        let progress = walk.progress().clone();
        let done = writing.segment(&rows[progress.rows..], progress);
        match walk.alive(done).await.map_err(Trouble::into_failure)? {
            // Not checked for a stop here: a batch that is written to its end counts, whatever comes after it.
            Some(progress) => walk.note(progress).await,
            None => return Err(ActivityError::cancelled()),
        }
    }
    let written = walk.progress().written.clone();
    let joined = walk.alive(writing.join(written)).await;
    joined.map_err(Trouble::into_failure)
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
}

/// The looks of some rows.
struct Looked<I> {
    before: Vec<I>,
    /// Where an earlier attempt has seen them first.
    now: Option<Vec<I>>,
    list: Option<ObjectRef>,
}

/// An answer, or none: the row was not sent, because the run was stopped or has given this attempt up.
type Sent<D> = Result<Option<Answer<D>>, Trouble>;

impl<T: Target> Writing<'_, T> {
    /// Writes the next rows; `None` when the run was stopped before the last of them was sent.
    async fn segment(
        &self,
        rest: &[T::Row],
        mut progress: Progress<T::Outcome>,
    ) -> Result<Option<Progress<T::Outcome>>, Trouble> {
        let looked = self.look(rest, progress.rows).await?;
        let rows = &rest[..looked.before.len()];
        let answers = self.write(rows, &looked).await;
        let is_written = |sent: &Sent<T::Done>| matches!(sent, Ok(Some(Answer::Done(_))));
        let written = rows.iter().zip(&answers).filter(|(_, sent)| is_written(sent)).map(|(row, _)| row);
        // Of a segment that is cut short, too.
        self.target.remember(written.collect()).await?;
        let (mut list, mut quarantine) = (LinesWriter::default(), LinesWriter::default());
        for (row, answer) in rows.iter().zip(answers) {
            let Some(answer) = answer? else { return Ok(None) };
            let Some(told) = self.target.tell(row, &answer)? else { continue };
            list.push(&told.outcome)?;
            if let Some(line) = &told.quarantined {
                quarantine.push(line)?;
            }
            self.count(&mut progress.written, told);
        }
        progress.written.lists.extend(list.put(self.store, self.batch.folder).await?);
        progress.written.quarantined.extend(quarantine.put(self.store, self.batch.quarantine).await?);
        progress.written.images.extend(looked.list);
        progress.rows += rows.len();
        progress.due = self.pace.due();
        Ok(Some(progress))
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
        if !self.pace.turn(self.ctx).await {
            return Ok(None);
        }
        self.target.write(row, before).await.map(Some)
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
