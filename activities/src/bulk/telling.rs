//! The telling of a stretch: what it says of its rows, and of which rows.

use contracts::bulk::{INLINE_MAX, count_cause};
use store::LinesWriter;

use super::stretch::Writing;
use super::{Answer, Sent, Stretched, Target, Trouble};

impl<T: Target> Writing<'_, T> {
    /// Tells the rows that were answered; says how many there are before the first one that was not. The next attempt
    /// sees what became of that one.
    pub(super) fn tell_all(
        &self,
        rows: &[T::Row],
        sent: &[Sent<T::Done>],
        first: u64,
        outcomes: &mut LinesWriter,
        progress: &mut Stretched<T::Outcome>,
    ) -> Result<usize, Trouble> {
        let mut answered = 0;
        for (place, (row, sent)) in (0..).zip(rows.iter().zip(sent)) {
            let Ok(Some(answer)) = sent else { continue };
            let is_told = progress.ahead.has(first + place as u64);
            let is_ahead = place > answered;
            if !is_told && (!is_ahead || progress.ahead.add(first + place as u64)) {
                self.tell(row, answer, first + place as u64, outcomes, progress)?;
            }
            answered += usize::from(!is_ahead);
        }
        Ok(answered)
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
        let batch = place / self.stretch.batch_size as u64;
        progress.count_batch(batch, matches!(answer, Answer::Refused(_)));
        if self.stretch.is_inline && progress.written.rows.len() < INLINE_MAX {
            progress.tell_inline(batch, told.outcome);
        }
        Ok(())
    }
}
