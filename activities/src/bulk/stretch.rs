//! A list of any length is written a stretch at a time: batches with a pause between them, until its time is up, the
//! list is done, or the run wants something else.
//!
//! Rows are looked at in groups whose borders never move: an attempt, or a stretch, that begins in the middle of a
//! group finds the before-images of the whole group and goes on behind the rows that have their outcome.

use std::time::Duration;

use contracts::bulk::{INLINE_MAX, Rate, count_cause};
use contracts::objects::{ListPart, ObjectRef};
use futures::{FutureExt as _, StreamExt as _};
use store::{Lines, LinesWriter, Store};
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use tokio::time::Instant;

use super::doubt::Doubts;
use super::images::{Images, Kept};
use super::pace::Pace;
use super::{Answer, Stretched, Target, Trouble, Walk};

/// Rows that are looked at together, unless a batch alone has more.
const GROUP: usize = 1_000;
/// Writes under way at once, where the system takes one row at a time.
const SIDE_BY_SIDE: usize = 8;
/// Batches of one stretch, at most: its heartbeats tell of each.
const BATCHES_MAX: usize = 2_000;

/// A list, and how it is written.
#[derive(Clone, Copy, Debug)]
pub struct Stretch<'b> {
    /// The list: each part but the last one holds whole batches.
    pub parts: &'b [ListPart],
    /// Rows that have their outcome already.
    pub from: u64,
    /// Rows of one batch.
    pub batch_size: usize,
    /// Batches under way at once.
    pub parallel: usize,
    /// The pause between two batches.
    pub delay: Duration,
    /// Rows a second; `None`: as fast as they are taken.
    pub rate: Option<Rate>,
    /// After this long no further batch is begun.
    pub at_most: Duration,
    /// The folder of the outcomes: below it each group has one of its own.
    pub outcomes: &'b str,
    /// The folder of the before-images.
    pub images: &'b str,
    /// Whether the outcomes are told in the result, too.
    pub is_inline: bool,
}

/// Writes a stretch. A run that was stopped, or wants to go on otherwise, gets what was written until then; a row whose
/// write was under way and whose outcome is not known is not among it, and is looked at again by the next stretch.
///
/// # Errors
/// When the list cannot be read, or a row's outcome is not known. The next attempt goes on where this one was.
pub async fn stretch<T: Target>(
    ctx: &ActivityContext,
    store: &Store,
    target: &T,
    stretch: &Stretch<'_>,
) -> Result<Stretched<T::Outcome>, ActivityError> {
    let mut walk: Walk<'_, Stretched<T::Outcome>> = Walk::resume(ctx);
    let begun = Instant::now();
    let pace = Pace::resume(stretch.rate, walk.progress().due);
    let whole = stretch.parts.iter().map(|part| part.rows).sum();
    let (ends, doubts) = (begun + stretch.at_most, Doubts::default());
    let writing = Writing { ctx, store, target, stretch, pace, ends, doubts, whole };
    let mut part: Option<Part<'_, T>> = None;
    let begins = walk.progress().rows.unwrap_or(stretch.from);
    loop {
        let mut progress = walk.progress().clone();
        let at = *progress.rows.get_or_insert(stretch.from);
        if at >= whole || !writing.goes_on(&progress) {
            return Ok(progress);
        }
        let held = match part.take().filter(|part| part.holds(at)) {
            Some(held) => held,
            None => walk.alive(writing.part_of(at)).await.map_err(Trouble::into_failure)?,
        };
        let group = walk.alive(writing.group(part.insert(held), progress)).await;
        let Group { progress, is_cut, trouble } = group.map_err(Trouble::into_failure)?;
        walk.note(progress).await;
        match trouble {
            Some(trouble) if walk.progress().rows() > begins => {
                return Err(trouble.into_failure_of_progress());
            }
            Some(trouble) => return Err(trouble.into_failure()),
            None if is_cut => return Ok(walk.progress().clone()),
            None => {}
        }
    }
}

struct Writing<'w, T> {
    ctx: &'w ActivityContext,
    store: &'w Store,
    target: &'w T,
    stretch: &'w Stretch<'w>,
    pace: Pace,
    ends: Instant,
    doubts: Doubts,
    /// Rows of the list.
    whole: u64,
}

/// The part of the list that is being written.
struct Part<'p, T: Target> {
    list: &'p ObjectRef,
    rows: Vec<T::Row>,
    /// The place of its first row in the list.
    begins: u64,
}

impl<T: Target> Part<'_, T> {
    fn holds(&self, row: u64) -> bool {
        (self.begins..self.begins + self.rows.len() as u64).contains(&row)
    }
}

/// A group that was worked on.
struct Group<O> {
    progress: Stretched<O>,
    /// It was left before its end.
    is_cut: bool,
    /// Why, if a row's outcome is not known.
    trouble: Option<Trouble>,
}

/// The rows of a group that have no outcome yet.
struct Rest<'r, T: Target> {
    rows: &'r [T::Row],
    before: &'r [T::Image],
    now: Option<Vec<T::Image>>,
    /// The place of its first row in the list.
    first: u64,
}

type Sent<D> = Result<Option<Answer<D>>, Trouble>;

impl<T: Target> Writing<'_, T> {
    fn goes_on(&self, progress: &Stretched<T::Outcome>) -> bool {
        !self.ctx.is_cancelled() && Instant::now() < self.ends && progress.batches.len() < BATCHES_MAX
    }

    /// Reads the part in which a row of the list is.
    async fn part_of(&self, row: u64) -> Result<Part<'_, T>, Trouble> {
        let mut begins = 0;
        for part in self.stretch.parts {
            if row >= begins + part.rows {
                begins += part.rows;
                continue;
            }
            let rows: Vec<T::Row> = Lines::get(self.store, &part.list).await?.records()?;
            return match rows.len() as u64 == part.rows {
                true => Ok(Part { list: &part.list, rows, begins }),
                false => {
                    let why = format!("{} has {} rows, not {}", part.list.key, rows.len(), part.rows);
                    Err(Trouble::Final(why))
                }
            };
        }
        Err(Trouble::Final(format!("the list has no row {row}")))
    }

    /// Works on the group in which the list goes on.
    async fn group(
        &self,
        part: &Part<'_, T>,
        progress: Stretched<T::Outcome>,
    ) -> Result<Group<T::Outcome>, Trouble> {
        let at = progress.rows();
        let size = self.stretch.batch_size * (GROUP / self.stretch.batch_size).max(1);
        let within = usize::try_from(at - part.begins).unwrap_or(usize::MAX);
        let first = within / size * size;
        let rows = &part.rows[first..part.rows.len().min(first + size)];
        let images = Images::of(self.store, self.stretch.images, part.list);
        let kept = match images.find(first).await? {
            Some(kept) => kept,
            None => images.keep(first, self.target.look(rows).await?).await?,
        };
        let Kept { images: before, list, is_earlier } = kept;
        if before.len() != rows.len() {
            let why = format!("{} holds before-images of {} rows, not of these", list.key, before.len());
            return Err(Trouble::Final(why));
        }
        let skip = within - first;
        let now = match is_earlier {
            true => Some(self.target.look(&rows[skip..]).await?),
            false => None,
        };
        let rest = Rest::<T> { rows: &rows[skip..], before: &before[skip..], now, first: at };
        let folder = format!("{}/{}-{first}", self.stretch.outcomes, part.list.sha256);
        self.rest(rest, &folder, progress).await
    }

    /// Writes the rows of a group, some batches at a time.
    async fn rest(
        &self,
        rest: Rest<'_, T>,
        folder: &str,
        mut progress: Stretched<T::Outcome>,
    ) -> Result<Group<T::Outcome>, Trouble> {
        let mut outcomes = LinesWriter::default();
        let (mut done, mut is_cut, mut trouble) = (0, false, None);
        while done < rest.rows.len() && !is_cut {
            let end = rest.rows.len().min(done + self.wave(rest.first + done as u64));
            let sent = self.write(&rest, done..end).await;
            let rows = &rest.rows[done..end];
            let is_written = |sent: &Sent<T::Done>| matches!(sent, Ok(Some(Answer::Done(_))));
            let written = rows.iter().zip(&sent).filter(|(_, sent)| is_written(sent)).map(|(row, _)| row);
            self.target.remember(written.collect()).await?;
            // The waves before this one stay noted. The next attempt sees what became of this one.
            let answers = self.answers(sent).unwrap_or_else(|failed| {
                trouble = Some(failed);
                Vec::new()
            });
            for (row, answer) in rows.iter().zip(answers) {
                let Some(answer) = answer else { break };
                self.tell(row, &answer, rest.first + done as u64, &mut outcomes, &mut progress)?;
                done += 1;
            }
            is_cut = done < end;
            if done < rest.rows.len() && !is_cut {
                self.pause().await;
                is_cut = !self.goes_on(&progress);
            }
        }
        // The first batch of the next group waits, too.
        if !is_cut && rest.first + (done as u64) < self.whole {
            self.pause().await;
        }
        outcomes.put(self.store, folder).await?;
        progress.rows = Some(rest.first + done as u64);
        progress.due = self.pace.due();
        Ok(Group { progress, is_cut, trouble })
    }

    /// The answers, when no row failed. A request may be given up because the run was stopped: its row counts as not
    /// sent.
    fn answers(&self, sent: Vec<Sent<T::Done>>) -> Result<Vec<Option<Answer<T::Done>>>, Trouble> {
        let sent = sent.into_iter().map(|sent| self.doubts.settle(sent));
        if self.ctx.is_cancelled() {
            return Ok(sent.map(|sent| sent.ok().flatten()).collect());
        }
        // A row before the one that failed may not have been sent for its sake.
        sent.collect()
    }

    /// Rows of the batches that are written at once: from this row of the list to the end of a batch.
    fn wave(&self, row: u64) -> usize {
        let size = self.stretch.batch_size;
        let into = usize::try_from(row % size as u64).unwrap_or_default();
        size * self.stretch.parallel.max(1) - into
    }

    async fn pause(&self) {
        tokio::select! {
            () = self.ctx.cancelled() => {}
            () = tokio::time::sleep(self.stretch.delay) => {}
        }
    }

    async fn write(&self, rest: &Rest<'_, T>, rows: std::ops::Range<usize>) -> Vec<Sent<T::Done>> {
        let size = self.stretch.batch_size;
        let mut batches = Vec::new();
        let mut begins = rows.start;
        while begins < rows.end {
            let into = usize::try_from((rest.first + begins as u64) % size as u64).unwrap_or_default();
            let ends = rows.end.min(begins + size - into);
            batches.push(self.batch(rest, begins..ends).boxed());
            begins = ends;
        }
        futures::future::join_all(batches).await.into_iter().flatten().collect()
    }

    /// Writes one batch: with one request where the system takes many rows at once.
    async fn batch(&self, rest: &Rest<'_, T>, rows: std::ops::Range<usize>) -> Vec<Sent<T::Done>> {
        let known: Vec<Option<Answer<T::Done>>> = rows.clone().map(|row| self.known(rest, row)).collect();
        let open: Vec<(&T::Row, &T::Image)> = rows
            .zip(&known)
            .filter(|(_, known)| known.is_none())
            .map(|(row, _)| (&rest.rows[row], &rest.before[row]))
            .collect();
        let mut sent = self.send(&open).await.into_iter();
        let of = |known: Option<Answer<T::Done>>| match known {
            Some(answer) => Ok(Some(answer)),
            None => sent.next().unwrap_or(Ok(None)),
        };
        known.into_iter().map(of).collect()
    }

    /// The outcome of a row that needs no write.
    fn known(&self, rest: &Rest<'_, T>, row: usize) -> Option<Answer<T::Done>> {
        let (wanted, before) = (&rest.rows[row], &rest.before[row]);
        if self.target.is_done(wanted, before) {
            return Some(Answer::Same);
        }
        let now = rest.now.as_ref().and_then(|now| now.get(row));
        // It was otherwise when its group was first looked at: an earlier attempt wrote it.
        if now.is_some_and(|now| self.target.is_done(wanted, now)) {
            return Some(Answer::Done(None));
        }
        self.target.refuses(wanted, before).map(Answer::Refused)
    }

    async fn send(&self, open: &[(&T::Row, &T::Image)]) -> Vec<Sent<T::Done>> {
        if open.is_empty() {
            return Vec::new();
        }
        if let Some(together) = self.target.write_together(open) {
            if !self.pace.turns(self.ctx, open.len()).await {
                return open.iter().map(|_| Ok(None)).collect();
            }
            return match together.await {
                Ok(answers) => answers.into_iter().map(|answer| self.sent(Ok(answer))).collect(),
                // One of them may be disliked: each by itself.
                Err(Trouble::OneRow { .. }) => self.send_each(open).await,
                Err(trouble) => vec![Err(trouble)],
            };
        }
        self.send_each(open).await
    }

    async fn send_each(&self, open: &[(&T::Row, &T::Image)]) -> Vec<Sent<T::Done>> {
        let writes: Vec<_> = open
            .iter()
            .map(|(row, before)| {
                async move {
                    if !self.pace.turn(self.ctx).await || self.doubts.has_failed() {
                        return Ok(None);
                    }
                    self.sent(self.target.write(row, before).await)
                }
                .boxed()
            })
            .collect();
        futures::stream::iter(writes).buffered(SIDE_BY_SIDE).collect().await
    }

    /// Takes note of how a row fared: where the system is away, or lets nobody in, the next one would fare no better.
    fn sent(&self, sent: Result<Answer<T::Done>, Trouble>) -> Sent<T::Done> {
        self.doubts.note(&sent, SIDE_BY_SIDE);
        sent.map(Some)
    }

    fn tell(
        &self,
        row: &T::Row,
        answer: &Answer<T::Done>,
        place: u64,
        outcomes: &mut LinesWriter,
        progress: &mut Stretched<T::Outcome>,
    ) -> Result<(), Trouble> {
        let Some(told) = self.target.tell(row, answer)? else { return Ok(()) };
        outcomes.push(&told.outcome)?;
        let written = &mut progress.written;
        *written.counts.entry(told.action.to_owned()).or_default() += 1;
        if let Some(cause) = &told.cause {
            count_cause(&mut written.causes, cause);
        }
        if self.stretch.is_inline && written.rows.len() < INLINE_MAX {
            written.rows.push(told.outcome);
        }
        progress.count_batch(place / self.stretch.batch_size as u64, matches!(answer, Answer::Refused(_)));
        Ok(())
    }
}
