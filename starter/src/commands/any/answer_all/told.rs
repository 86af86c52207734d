//! The outcome of each answer, and the sum of all of them.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use workflows::saga::AnswerOutcome;

use crate::runs::subject::Subject;
use crate::terminal::exit::Exit;
use crate::terminal::output::{Paint, facts};

/// The possible outcomes of an answer to one of many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Came {
    Done,
    DoneByHand,
    Left,
    Kept,
    Approved,
    Rejected,
    /// Somebody was quicker, or it settled itself.
    AlreadyAnswered,
    /// The run has ended meanwhile.
    Ended,
    FailedAgain,
    HandsOff,
    /// Somebody does it by hand, so it was not answered.
    InHand,
    /// Taken, and not finished in time.
    Unfinished,
    NoWorker,
    /// The run does not take this answer.
    Refused,
    /// It could not be sent, or the run's worker cannot go on with it.
    Failed,
}

/// The outcome of the answer to one question.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    workflow_id: String,
    question: Option<String>,
    outcome: Came,
    detail: Option<String>,
    /// The same answer was given before: this is the outcome that it had then.
    given_before: bool,
}

/// The sum of all the outcomes.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    /// Runs that asked.
    runs: usize,
    /// How many answers came to what.
    outcomes: BTreeMap<Came, usize>,
    answers: Vec<Told>,
}

impl Came {
    fn words(self) -> &'static str {
        match self {
            Self::Done => AnswerOutcome::Done.words(),
            Self::DoneByHand => AnswerOutcome::DoneByHand.words(),
            Self::Left => AnswerOutcome::Left.words(),
            Self::Kept => AnswerOutcome::Kept.words(),
            Self::Approved => AnswerOutcome::Approved.words(),
            Self::Rejected => AnswerOutcome::Rejected.words(),
            Self::AlreadyAnswered => AnswerOutcome::AlreadyAnswered.words(),
            Self::Ended => "ended meanwhile",
            Self::FailedAgain => AnswerOutcome::FailedAgain.words(),
            Self::HandsOff => AnswerOutcome::HandsOff.words(),
            Self::InHand => "left out: somebody does it by hand",
            Self::Unfinished => "taken, and not finished in time",
            Self::NoWorker => "no worker answered",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }

    fn exit(self) -> Exit {
        match self {
            Self::Done | Self::DoneByHand | Self::Left | Self::Kept | Self::Approved => Exit::Ok,
            Self::Rejected | Self::AlreadyAnswered | Self::Ended => Exit::Ok,
            Self::FailedAgain | Self::HandsOff | Self::InHand => Exit::NeedsPerson,
            Self::Unfinished | Self::NoWorker | Self::Refused | Self::Failed => Exit::Failed,
        }
    }
}

impl From<AnswerOutcome> for Came {
    fn from(outcome: AnswerOutcome) -> Self {
        match outcome {
            AnswerOutcome::Done => Self::Done,
            AnswerOutcome::FailedAgain => Self::FailedAgain,
            AnswerOutcome::HandsOff => Self::HandsOff,
            AnswerOutcome::DoneByHand => Self::DoneByHand,
            AnswerOutcome::Left => Self::Left,
            AnswerOutcome::Kept => Self::Kept,
            AnswerOutcome::Approved => Self::Approved,
            AnswerOutcome::Rejected => Self::Rejected,
            AnswerOutcome::AlreadyAnswered => Self::AlreadyAnswered,
        }
    }
}

impl Told {
    pub(super) fn of(
        subject: &Subject,
        question: Option<&str>,
        outcome: Came,
        detail: Option<String>,
    ) -> Self {
        Self {
            workflow_id: subject.workflow_id.clone(),
            question: question.map(str::to_owned),
            outcome,
            detail,
            given_before: false,
        }
    }

    pub(super) fn given_before(self, given_before: bool) -> Self {
        Self { given_before, ..self }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { workflow_id, question, outcome, detail, given_before } = self;
        write!(f, "{workflow_id}")?;
        if let Some(question) = question {
            write!(f, " {question}")?;
        }
        write!(f, ": {}", outcome.words())?;
        if let Some(detail) = detail {
            write!(f, ": {detail}")?;
        }
        if *given_before {
            f.write_str(" (this answer was given before; to answer once more, give another reason)")?;
        }
        Ok(())
    }
}

impl Summary {
    pub(super) fn of(runs: usize, answers: Vec<Told>) -> Self {
        let mut outcomes = BTreeMap::new();
        for told in &answers {
            *outcomes.entry(told.outcome).or_default() += 1;
        }
        Self { runs, outcomes, answers }
    }

    /// The worst that came of one of them.
    pub(super) fn exit(&self) -> Exit {
        let exits: Vec<Exit> = self.outcomes.keys().map(|came| came.exit()).collect();
        let worst = [Exit::Failed, Exit::NeedsPerson].into_iter().find(|exit| exits.contains(exit));
        worst.unwrap_or(Exit::Ok)
    }

    pub(super) fn text(&self, paint: Paint) -> String {
        if self.answers.is_empty() {
            return "nothing to answer".to_owned();
        }
        let mut rows: Vec<_> =
            self.outcomes.iter().map(|(came, count)| (came.words(), Some(count.to_string()))).collect();
        let before = self.answers.iter().filter(|told| told.given_before).count();
        if before > 0 {
            rows.push(("of these given before, with the outcome they had then", Some(before.to_string())));
        }
        facts(paint, &rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(outcome: Came) -> Told {
        let subject = Subject { workflow_id: "order/1".into(), run_id: String::new(), process: None };
        Told::of(&subject, Some("process-payment"), outcome, None)
    }

    #[test]
    fn the_exit_code_is_the_worst_of_all() {
        let exit = |all: &[Came]| Summary::of(all.len(), all.iter().map(|came| told(*came)).collect()).exit();
        assert_eq!(exit(&[]), Exit::Ok);
        assert_eq!(exit(&[Came::Done, Came::AlreadyAnswered, Came::Ended, Came::Left]), Exit::Ok);
        assert_eq!(exit(&[Came::Done, Came::FailedAgain]), Exit::NeedsPerson);
        assert_eq!(exit(&[Came::InHand]), Exit::NeedsPerson);
        assert_eq!(exit(&[Came::NoWorker, Came::FailedAgain, Came::Done]), Exit::Failed);
    }

    #[test]
    fn what_was_given_before_is_said_with_the_way_to_answer_once_more() {
        let again = told(Came::FailedAgain).given_before(true);
        assert!(
            again
                .to_string()
                .starts_with("order/1 process-payment: failed again (this answer was given before")
        );
        let text = Summary::of(2, vec![again, told(Came::Done)]).text(Paint::plain());
        assert!(text.contains("failed again") && text.contains("given before"), "{text}");
    }
}
