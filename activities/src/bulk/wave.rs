//! A wave: some batches of a list, written at the same time.

use futures::FutureExt as _;

use super::alone::{SIDE_BY_SIDE, one_by_one};
use super::stretch::{Rest, Writing};
use super::{Ahead, Answer, Each, Sent, Target, Trouble};

impl<T: Target> Writing<'_, T> {
    /// Writes some rows, but those that have their outcome already.
    pub(super) async fn write(
        &self,
        rest: &Rest<'_, T>,
        rows: std::ops::Range<usize>,
        ahead: &Ahead,
    ) -> Vec<Sent<T::Done>> {
        let size = self.stretch.batch_size;
        let mut batches = Vec::new();
        let mut begins = rows.start;
        while begins < rows.end {
            let into = usize::try_from((rest.first + begins as u64) % size as u64).unwrap_or_default();
            let ends = rows.end.min(begins + size - into);
            batches.push(self.batch(rest, begins..ends, ahead).boxed());
            begins = ends;
        }
        futures::future::join_all(batches).await.into_iter().flatten().collect()
    }

    /// Writes one batch: with one request where the system takes many rows at once.
    async fn batch(
        &self,
        rest: &Rest<'_, T>,
        rows: std::ops::Range<usize>,
        ahead: &Ahead,
    ) -> Vec<Sent<T::Done>> {
        let known = |row: usize| match ahead.has(rest.first + row as u64) {
            // It is told already, whatever is said of it here.
            true => Some(Answer::Same),
            false => self.known(rest, row),
        };
        let known: Vec<Option<Answer<T::Done>>> = rows.clone().map(known).collect();
        if known.iter().any(|known| matches!(known, Some(Answer::Done(_)))) {
            self.doubts.note_known();
        }
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
        let now = rest.now.as_ref().and_then(|now| now.get(row));
        if self.target.is_done(wanted, now.unwrap_or(before)) {
            // It was otherwise when its group was first looked at, and was begun: an earlier attempt wrote it. One that
            // nobody has begun was set by somebody else.
            let is_ours =
                now.is_some() && rest.begun.has(rest.skip + row) && !self.target.is_done(wanted, before);
            return Some(if is_ours { Answer::Done(None) } else { Answer::Same });
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
                Ok(answers) => self.of_batch(open, answers).await,
                // One of them may be disliked: each by itself.
                Err(Trouble::OneRow { .. }) => self.send_each(open).await,
                Err(trouble) => vec![Err(trouble)],
            };
        }
        self.send_each(open).await
    }

    /// The fates of the rows of one request. A row that is disliked costs itself where another one is taken: whoever
    /// answers row by row lets us in. One whose answer is about the moment is sent again by itself, under its own key:
    /// a system that knows the request would repeat that answer.
    async fn of_batch(
        &self,
        open: &[(&T::Row, &T::Image)],
        answers: Vec<Each<T::Done>>,
    ) -> Vec<Sent<T::Done>> {
        let is_taken = answers.iter().any(|answer| matches!(answer, Ok(Answer::Done(_))));
        let answers: Vec<_> = answers
            .into_iter()
            .map(|answer| match answer {
                Err(Trouble::OneRow { cause, .. }) if is_taken => Ok(Answer::Refused(cause)),
                answer => answer,
            })
            .collect();
        let in_doubt = open.iter().zip(&answers).filter(|(_, answer)| answer.is_err()).map(|(row, _)| *row);
        let in_doubt: Vec<_> = in_doubt.collect();
        for answer in answers.iter().filter(|answer| answer.is_ok()) {
            self.doubts.note(answer, SIDE_BY_SIDE);
        }
        let mut alone = self.send_each(&in_doubt).await.into_iter();
        let fate = |answer: Each<T::Done>| match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(trouble) => alone.next().unwrap_or(Err(trouble)),
        };
        answers.into_iter().map(fate).collect()
    }

    async fn send_each(&self, open: &[(&T::Row, &T::Image)]) -> Vec<Sent<T::Done>> {
        let writes = open.iter().map(|(row, before)| self.target.write(row, before));
        one_by_one(self.ctx, &self.pace, &self.doubts, writes.collect()).await
    }
}
