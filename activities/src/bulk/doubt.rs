//! Rows that were not taken: each for something in it, or all for the same reason.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::Answer;
use super::trouble::Trouble;

/// The rows of one attempt, as far as they say whether the next one would fare better.
#[derive(Default)]
pub(super) struct Doubts {
    /// A row's outcome is not known: the system is away, or lets nobody in.
    has_failed: AtomicBool,
    /// Rows one after the other that were not taken, each perhaps for something in it ([`Trouble::OneRow`]).
    rows: AtomicUsize,
    /// A row was taken, or judged: doubts about others are about those rows.
    is_taken: AtomicBool,
}

impl Doubts {
    /// Whether no further row is sent.
    pub(super) fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Relaxed)
    }

    /// Takes note of a row that an earlier attempt is found to have written.
    pub(super) fn note_known(&self) {
        self.is_taken.store(true, Ordering::Relaxed);
    }

    /// Begins anew, but for the knowledge that rows are taken: the trouble may be over.
    pub(super) fn try_again(&mut self) {
        *self = Self { is_taken: AtomicBool::new(self.is_taken.load(Ordering::Relaxed)), ..Self::default() };
    }

    /// Takes note of how a row fared. After `most` rows one after the other that were not taken, no further one is
    /// sent: a token that was revoked in the middle is not about any of them.
    pub(super) fn note<D>(&self, sent: &Result<Answer<D>, Trouble>, most: usize) {
        let has_failed = match sent {
            Ok(Answer::Done(_)) => {
                self.is_taken.store(true, Ordering::Relaxed);
                self.rows.store(0, Ordering::Relaxed);
                false
            }
            // A system that judges a row lets us in.
            Ok(_) => {
                self.is_taken.store(true, Ordering::Relaxed);
                self.rows.store(0, Ordering::Relaxed);
                false
            }
            Err(Trouble::OneRow { .. }) => self.rows.fetch_add(1, Ordering::Relaxed) + 1 >= most,
            Err(_) => true,
        };
        self.has_failed.fetch_or(has_failed, Ordering::Relaxed);
    }

    /// The fate of a row, now that the others are known: where one was taken, a doubt is that row's refusal.
    pub(super) fn settle<D>(
        &self,
        sent: Result<Option<Answer<D>>, Trouble>,
    ) -> Result<Option<Answer<D>>, Trouble> {
        match sent {
            Err(Trouble::OneRow { cause, .. })
                if self.is_taken.load(Ordering::Relaxed) && !self.has_failed() =>
            {
                Ok(Some(Answer::Refused(cause)))
            }
            sent => sent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{CallError, Wrong};

    fn doubt() -> Trouble {
        let fix = "look at the rights".to_owned();
        let (system, wrong, way) = ("shop", Wrong::Permission, String::new());
        Trouble::of_row(CallError::Setting { system, wrong, fix, way })
    }

    #[test]
    fn one_row_that_is_not_taken_costs_itself_where_another_is_taken() {
        let doubts = Doubts::default();
        doubts.note::<()>(&Err(doubt()), 8);
        doubts.note(&Ok(Answer::Done(Some(()))), 8);
        assert!(!doubts.has_failed());
        let settled = doubts.settle::<()>(Err(doubt()));
        assert!(matches!(settled, Ok(Some(Answer::Refused(cause))) if cause == "http_403"));
    }

    #[test]
    fn rows_of_which_none_is_taken_are_the_settings_fault() {
        let doubts = Doubts::default();
        for _ in 0..7 {
            doubts.note::<()>(&Err(doubt()), 8);
        }
        assert!(!doubts.has_failed(), "the next row may be taken");
        doubts.note::<()>(&Err(doubt()), 8);
        assert!(doubts.has_failed());
        assert!(matches!(doubts.settle::<()>(Err(doubt())), Err(Trouble::OneRow { .. })));
    }

    /// The first rows were taken, then something before the system takes none any more.
    #[test]
    fn many_rows_in_a_row_are_never_the_rows_fault() {
        let doubts = Doubts::default();
        doubts.note(&Ok(Answer::Done(Some(()))), 8);
        for _ in 0..7 {
            doubts.note::<()>(&Err(doubt()), 8);
        }
        doubts.note(&Ok(Answer::Done(Some(()))), 8);
        for _ in 0..7 {
            doubts.note::<()>(&Err(doubt()), 8);
        }
        assert!(!doubts.has_failed(), "one was taken in between");
        doubts.note::<()>(&Err(doubt()), 8);
        assert!(doubts.has_failed());
        assert!(matches!(doubts.settle::<()>(Err(doubt())), Err(Trouble::OneRow { .. })));
    }

    #[test]
    fn an_outage_stops_at_the_first_row() {
        let doubts = Doubts::default();
        doubts.note(&Ok(Answer::Done(Some(()))), 8);
        doubts.note::<()>(&Err(Trouble::Again("away".to_owned())), 8);
        assert!(doubts.has_failed());
    }
}
