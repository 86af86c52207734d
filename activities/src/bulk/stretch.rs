//! A list of any length is written a stretch at a time: batches with a pause between them, until its time is up, the
//! list is done, or the run wants something else.
//!
//! Rows are looked at in groups whose borders never move: an attempt, or a stretch, that begins in the middle of a
//! group finds the before-images of the whole group and goes on behind the rows that have their outcome.

use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use contracts::bulk::Rate;
use contracts::objects::{ListPart, ObjectRef};
use jiff::Timestamp;
use store::{Lines, LinesWriter, Store};
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use tokio::time::Instant;

use super::alone::SIDE_BY_SIDE;
use super::begun::{Begun, Marks};
use super::doubt::Doubts;
use super::images::Images;
use super::pace::Pace;
use super::{Ahead, Answer, BatchCount, Sent, Stretched, Target, Trouble, Walk};

/// Rows that are looked at together, unless the batches that are written at once have more.
const GROUP: usize = 1_000;
/// Batches of one stretch, at most: its heartbeats tell of each.
const BATCHES_MAX: usize = 2_000;
/// How soon a stretch that got on goes on after trouble.
const SOON: Duration = Duration::from_secs(1);
/// The longest pause of such, each twice the one before; then the process hears of what was written.
const SOON_MOST: Duration = Duration::from_secs(4);

/// A list, and how it is written.
#[derive(Clone, Copy, Debug)]
pub struct Stretch<'b> {
    /// The list: each part but the last one holds whole batches.
    pub parts: &'b [ListPart],
    /// Rows that have their outcome already.
    pub from: u64,
    /// Rows behind them that have theirs, too ([`Stretched::ahead`]).
    pub ahead: &'b [Range<u64>],
    /// Batches that stretches before have left in their middle ([`Stretched::batches`]).
    pub open: &'b [BatchCount],
    /// Rows of one batch.
    pub batch_size: usize,
    /// Batches under way at once.
    pub parallel: usize,
    /// The pause between two batches.
    pub delay: Duration,
    /// Rows a second; `None`: as fast as they are taken.
    pub rate: Option<Rate>,
    /// When the next row may go, as the stretch before this one told it ([`Stretched::due`]).
    pub due: Option<Timestamp>,
    /// After this long no further batch is begun.
    pub at_most: Duration,
    /// The folder of the outcomes: below it each group has one of its own.
    pub outcomes: &'b str,
    /// The folder of the before-images.
    pub images: &'b str,
    /// The folder of the marks of rows that were begun ([`super::begun()`]): below it each group has one of its own.
    pub begun: &'b str,
    /// Whether the outcomes are told in the result, too.
    pub is_inline: bool,
}

/// Writes a stretch. A run that was stopped, or wants to go on otherwise, gets what was written until then; a row whose
/// write was under way and whose outcome is not known is not among it, and is looked at again by the next stretch. Rows
/// behind it that were answered are told ([`Stretched::ahead`]).
///
/// Trouble after rows that were written is not a failure: the activity tries again some times, with pauses that grow,
/// and if that does not help, tells what it has written and lets the next stretch fail. A failure would keep that in a
/// heartbeat, where a run that is stopped between two attempts does not find it; and Temporal's pauses grow with the
/// number of attempts.
///
/// # Errors
/// When the list cannot be read, or a row's outcome is not known, and this stretch has written nothing that it could
/// tell. The next attempt goes on where this one was.
pub async fn stretch<T: Target>(
    ctx: &ActivityContext,
    store: &Store,
    target: &T,
    stretch: &Stretch<'_>,
) -> Result<Stretched<T::Outcome>, ActivityError> {
    let mut walk: Walk<'_, Stretched<T::Outcome>> = Walk::resume(ctx);
    let begun = Instant::now();
    let at_once = stretch.batch_size.saturating_mul(stretch.parallel.max(1)).max(SIDE_BY_SIDE);
    let pace = Pace::resume(stretch.rate, walk.progress().due.or(stretch.due), at_once);
    let whole = stretch.parts.iter().map(|part| part.rows).sum();
    let (ends, doubts) = (begun + stretch.at_most, Doubts::default());
    let passes = AtomicU32::new(0);
    let mut writing = Writing { ctx, store, target, stretch, pace, ends, doubts, whole, passes };
    let mut part: Option<Part<'_, T>> = None;
    let mut told_before = walk.progress().told();
    let mut soon = SOON;
    loop {
        let mut progress = walk.progress().clone();
        let at = progress.rows.unwrap_or(stretch.from);
        if progress.rows.is_none() {
            progress.rows = Some(at);
            progress.ahead = Ahead::of(stretch.ahead);
            progress.batches = stretch.open.to_vec();
        }
        if at >= whole || !writing.goes_on(&progress) {
            return Ok(progress);
        }
        let worked = walk.alive(writing.work(&mut part, progress)).await;
        let (is_cut, trouble) = match worked {
            Ok(Group { progress, is_cut, trouble }) => {
                walk.note(progress).await;
                (is_cut, trouble)
            }
            Err(trouble) => (false, Some(trouble)),
        };
        let told = walk.progress().told();
        match trouble {
            None if is_cut => return Ok(walk.progress().clone()),
            None => {}
            Some(trouble) if told > 0 => {
                tracing::warn!(%trouble, rows = told, "a stretch has trouble and tries again");
                soon = if told > told_before { SOON } else { soon * 2 };
                told_before = told;
                if soon > SOON_MOST {
                    return Ok(walk.progress().clone());
                }
                walk.alive(writing.pause(soon)).await;
                writing.doubts.try_again();
            }
            Some(trouble) => return Err(trouble.into_failure()),
        }
    }
}

pub(super) struct Writing<'w, T> {
    pub(super) ctx: &'w ActivityContext,
    store: &'w Store,
    pub(super) target: &'w T,
    pub(super) stretch: &'w Stretch<'w>,
    pub(super) pace: Pace,
    ends: Instant,
    pub(super) doubts: Doubts,
    /// Rows of the list.
    whole: u64,
    /// How often a group was gone through.
    passes: AtomicU32,
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
pub(super) struct Rest<'r, T: Target> {
    pub(super) rows: &'r [T::Row],
    pub(super) before: Vec<T::Image>,
    /// The looks of them now, where the before-images are older.
    pub(super) now: Option<Vec<T::Image>>,
    /// The place of its first row in the list.
    pub(super) first: u64,
    /// The place of its first row in the group.
    pub(super) skip: usize,
    /// The rows of the group that an earlier attempt may have sent.
    pub(super) begun: Begun,
}

impl<'w, T: Target> Writing<'w, T> {
    fn goes_on(&self, progress: &Stretched<T::Outcome>) -> bool {
        !self.ctx.is_cancelled() && Instant::now() < self.ends && progress.batches.len() < BATCHES_MAX
    }

    /// Reads the part in which a row of the list is.
    async fn part_of(&self, row: u64) -> Result<Part<'w, T>, Trouble> {
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

    /// Works on the group in which the list goes on; `part` is the part that was read last.
    async fn work(
        &self,
        part: &mut Option<Part<'w, T>>,
        progress: Stretched<T::Outcome>,
    ) -> Result<Group<T::Outcome>, Trouble> {
        let at = progress.rows();
        let held = match part.take().filter(|part| part.holds(at)) {
            Some(held) => held,
            None => self.part_of(at).await?,
        };
        self.group(part.insert(held), progress).await
    }

    async fn group(
        &self,
        part: &Part<'_, T>,
        progress: Stretched<T::Outcome>,
    ) -> Result<Group<T::Outcome>, Trouble> {
        let at = progress.rows();
        let batches = (GROUP / self.stretch.batch_size).max(self.stretch.parallel).max(1);
        let size = self.stretch.batch_size * batches;
        let within = usize::try_from(at - part.begins).unwrap_or(usize::MAX);
        let first = within / size * size;
        let rows = &part.rows[first..part.rows.len().min(first + size)];
        let skip = within - first;
        let pass = self.passes.fetch_add(1, Ordering::Relaxed);
        let marks = Marks::of(self.ctx, self.store, self.stretch.begun, part.list, first, pass);
        let (mut before, now, begun) = self.looks(part.list, first, rows, skip, at, &marks).await?;
        if before.len() != rows.len() {
            let (list, found) = (&part.list.key, before.len());
            let why = format!("{found} before-images are kept of {} rows of {list}", rows.len());
            return Err(Trouble::Final(why));
        }
        let before = before.split_off(skip);
        let rest = Rest::<T> { rows: &rows[skip..], before, now, first: at, skip, begun };
        let folder = format!("{}/{}-{first}", self.stretch.outcomes, part.list.sha256);
        self.rest(rest, &marks, &folder, progress).await
    }

    /// The looks of a group: all of its rows before their first write, those without an outcome now if that is later,
    /// and which of them may have been sent. The first wave is marked: behind every look, lest a system that is away
    /// leaves a mark of rows that nobody has sent; before the images, lest these have no mark.
    async fn looks(
        &self,
        list: &ObjectRef,
        first: usize,
        rows: &[T::Row],
        skip: usize,
        at: u64,
        marks: &Marks<'_>,
    ) -> Result<(Vec<T::Image>, Option<Vec<T::Image>>, Begun), Trouble> {
        let images = Images::of(self.store, self.stretch.images, list);
        let wave = skip..rows.len().min(skip + self.wave(at));
        if let Some(kept) = images.find(first).await? {
            let now = self.target.look(&rows[skip..]).await?;
            let (begun, due) = marks.before().await?;
            if begun == Begun::Unmarked {
                marks.unmarked(rows.len()).await?;
            }
            self.pace.wait_for(due);
            marks.begin(&wave, self.pace.due_behind(wave.len())).await?;
            return Ok((kept.images, Some(now), begun));
        }
        let looked = self.target.look(rows).await?;
        marks.begin(&wave, self.pace.due_behind(wave.len())).await?;
        let kept = images.keep(first, looked).await?;
        if !kept.is_earlier {
            return Ok((kept.images, None, Begun::nothing()));
        }
        // Another attempt was quicker: it may be sending any of them.
        let now = self.target.look(&rows[skip..]).await?;
        Ok((kept.images, Some(now), Begun::Unmarked))
    }

    /// Writes the rows of a group, some batches at a time. The first of them are marked.
    async fn rest(
        &self,
        rest: Rest<'_, T>,
        marks: &Marks<'_>,
        folder: &str,
        mut progress: Stretched<T::Outcome>,
    ) -> Result<Group<T::Outcome>, Trouble> {
        let mut outcomes = LinesWriter::default();
        let (mut done, mut is_cut, mut trouble) = (0, false, None);
        while done < rest.rows.len() && !is_cut {
            let end = rest.rows.len().min(done + self.wave(rest.first + done as u64));
            let marked = rest.skip + done..rest.skip + end;
            if done > 0
                && let Err(error) = marks.begin(&marked, self.pace.due_behind(marked.len())).await
            {
                // The rows of the waves before it are told all the same.
                (is_cut, trouble) = (true, Some(error));
                break;
            }
            let sent = self.write(&rest, done..end, &progress.ahead).await;
            let rows = &rest.rows[done..end];
            let is_written = |sent: &Sent<T::Done>| matches!(sent, Ok(Some(Answer::Done(_))));
            let written = rows.iter().zip(&sent).filter(|(_, sent)| is_written(sent)).map(|(row, _)| row);
            self.target.remember(written.collect()).await?;
            let sent: Vec<Sent<T::Done>> = sent.into_iter().map(|sent| self.doubts.settle(sent)).collect();
            self.correct(marks, marked, &sent).await;
            done += self.tell_all(rows, &sent, rest.first + done as u64, &mut outcomes, &mut progress)?;
            is_cut = done < end;
            // A request may be given up because the run was stopped: its row counts as not sent.
            trouble = sent.into_iter().find_map(Result::err).filter(|_| !self.ctx.is_cancelled());
            if done < rest.rows.len() && !is_cut {
                self.pause(self.stretch.delay).await;
                is_cut = !self.goes_on(&progress);
            }
        }
        // The first batch of the next group waits, too.
        if !is_cut && rest.first + (done as u64) < self.whole {
            self.pause(self.stretch.delay).await;
        }
        outcomes.put(self.store, folder).await?;
        let rows = rest.first + done as u64;
        progress.rows = Some(rows);
        progress.ahead.forget_before(rows);
        progress.due = self.pace.due();
        Ok(Group { progress, is_cut, trouble })
    }

    /// Rows of the batches that are written at once: from this row of the list to the end of a batch.
    pub(super) fn wave(&self, row: u64) -> usize {
        let size = self.stretch.batch_size;
        let into = usize::try_from(row % size as u64).unwrap_or_default();
        size * self.stretch.parallel.max(1) - into
    }

    /// Corrects the mark of rows that were not sent, or not at the pace that was expected.
    async fn correct(&self, marks: &Marks<'_>, marked: Range<usize>, sent: &[Sent<T::Done>]) {
        let is_known = sent.iter().all(Result::is_ok);
        let last = sent.iter().rposition(|sent| matches!(sent, Ok(Some(_))));
        let behind = if is_known { marked.start + last.map_or(0, |last| last + 1) } else { marked.end };
        let due = self.pace.due();
        if is_known && behind == marked.end && !marks.waits_longer_than(due) {
            return;
        }
        if let Err(error) = marks.correct(&(marked.start..behind), due).await {
            tracing::warn!(%error, "a mark of rows that were not sent stays");
        }
    }

    async fn pause(&self, pause: Duration) {
        tokio::select! {
            () = self.ctx.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}
