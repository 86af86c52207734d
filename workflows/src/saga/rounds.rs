//! The rounds of an effect: when it is tried again under the next key ([`contracts::rounds`]).
//!
//! One count per effect and run, whoever tries: the undo itself, the undo that knows more, the one behind all others,
//! a person, and what is tried on beside that person.

use std::time::Duration;

use contracts::rounds::Round;
use jiff::Timestamp;

use crate::clock::later;
use crate::policy;

/// How far the count of an effect is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rounds {
    /// The latest round under whose key something may have been sent.
    number: u32,
    /// When the last try ended under that key.
    ended: Option<Timestamp>,
}

/// How a try takes its round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// The round that is on.
    Same,
    /// The next one, if enough time has passed by now. Else the one that is on: its key is safe to repeat at once.
    IfDue,
    /// The next one. It waits until enough time has passed, and for so long at least.
    Next(Duration),
}

impl Rounds {
    pub(super) fn begin(self, turn: Turn, now: Timestamp) -> Round {
        let next = self.number.saturating_add(1);
        let due = later(self.ended.unwrap_or(now), policy::before_round(next));
        match turn {
            Turn::IfDue if self.ended.is_some() && now >= due => Round { number: next, not_before: None },
            Turn::Same | Turn::IfDue => Round { number: self.number, not_before: None },
            Turn::Next(least) => Round { number: next, not_before: Some(due.max(later(now, least))) },
        }
    }

    /// A try has ended. One that ended before its time has sent nothing, and its round is still to come.
    pub(super) fn end(&mut self, Round { number, not_before }: Round, now: Timestamp) {
        if not_before.is_none_or(|moment| moment <= now) {
            *self = Self { number, ended: Some(now) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_secs(seconds)
    }

    const NOW: Round = Round { number: 0, not_before: None };
    const NONE: Duration = Duration::ZERO;

    #[test]
    fn a_new_key_comes_a_minute_after_the_last_try_and_each_later_one_after_twice_the_time() {
        let mut rounds = Rounds::default();
        assert_eq!(rounds.begin(Turn::Same, at(0)), NOW);
        rounds.end(NOW, at(10));
        let waits = |number, seconds| Round { number, not_before: Some(at(seconds)) };
        assert_eq!(rounds.begin(Turn::Next(NONE), at(10)), waits(1, 70));
        assert_eq!(rounds.begin(Turn::Next(Duration::from_secs(300)), at(10)), waits(1, 310));
        rounds.end(waits(1, 70), at(100));
        assert_eq!(rounds.begin(Turn::Next(NONE), at(100)), waits(2, 220));
        rounds.end(Round { number: 30, not_before: None }, at(100));
        assert_eq!(rounds.begin(Turn::Next(NONE), at(100)), waits(31, 3_700));
    }

    #[test]
    fn a_person_who_retries_soon_repeats_the_key() {
        let mut rounds = Rounds::default();
        rounds.end(NOW, at(0));
        assert_eq!(rounds.begin(Turn::IfDue, at(59)), NOW);
        let next = rounds.begin(Turn::IfDue, at(60));
        assert_eq!(next, Round { number: 1, not_before: None });
        rounds.end(next, at(61));
        assert_eq!(rounds.begin(Turn::IfDue, at(180)), next);
        // Nothing was tried yet: there is no key to leave behind.
        assert_eq!(Rounds::default().begin(Turn::IfDue, at(500)), NOW);
    }

    #[test]
    fn a_try_that_sent_nothing_uses_up_no_round() {
        let mut rounds = Rounds::default();
        rounds.end(NOW, at(0));
        let waits = rounds.begin(Turn::Next(NONE), at(0));
        rounds.end(waits, at(30));
        assert_eq!(rounds, Rounds { number: 0, ended: Some(at(0)) });
        assert_eq!(rounds.begin(Turn::IfDue, at(60)).number, 1);
    }
}
