//! Arguments that several nouns have in common: the verbs that look, the verbs that speak, and their values.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand, ValueEnum};
use jiff::SignedDuration;

use crate::processes::name::{Name, Stoppable};

/// The verbs that only look at a run.
#[derive(Subcommand)]
pub(crate) enum Look<N: Name> {
    #[command(about = N::LOOKS.status)]
    Status(StatusArgs<N>),
    #[command(about = N::LOOKS.watch)]
    Watch(WaitArgs<N>),
    #[command(about = N::LOOKS.result)]
    Result(WaitArgs<N>),
}

/// The verbs that say something to a run that can be undone.
#[derive(Subcommand)]
pub(crate) enum Say<N: Stoppable> {
    #[command(about = N::CANCEL)]
    Cancel(CancelArgs<N>),
    /// Answer for a step whose undo is stuck. An alias: 'starter answer RUN QUESTION' is the same and says more
    ResolveUndo(ResolveArgs<N>),
}

#[derive(Args)]
pub(crate) struct StatusArgs<N: Name> {
    #[arg(value_name = N::PLACE, help = N::HELP, value_parser = N::from_str)]
    pub(crate) name: N,
}

#[derive(Args)]
pub(crate) struct StartArgs {
    /// JSON file, or - for stdin
    #[arg(long, short, value_name = "FILE")]
    pub(crate) input: PathBuf,
    /// Wait for the end with live progress, then print the result
    #[arg(long, conflicts_with_all = ["detach", "dry_run"])]
    pub(crate) wait: bool,
    /// Return as soon as Temporal has taken the start (the default)
    #[arg(long)]
    pub(crate) detach: bool,
    /// With --wait: give up waiting after this long, such as 10m; the run goes on
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "wait")]
    pub(crate) timeout: Option<Duration>,
    /// Check the input and say what would be started; connects to nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Args)]
pub(crate) struct WaitArgs<N: Name> {
    #[arg(value_name = N::PLACE, help = N::HELP, value_parser = N::from_str)]
    pub(crate) name: N,
    /// Give up waiting after this long, such as 10m; the run goes on
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
}

#[derive(Args)]
pub(crate) struct CancelArgs<N: Stoppable> {
    #[arg(value_name = N::PLACE, help = N::HELP, value_parser = N::from_str)]
    pub(crate) name: N,
    /// Why; goes into the report and to the shop (1 to 500 characters, no personal data)
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) reason: String,
    /// How long to wait for the answer of a worker
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "30s")]
    pub(crate) timeout: Duration,
}

#[derive(Args)]
pub(crate) struct ResolveArgs<N: Name> {
    #[arg(value_name = N::PLACE, help = N::HELP, value_parser = N::from_str)]
    pub(crate) name: N,
    /// The step whose undo is stuck, or the part of one; 'status' names it
    #[arg(long, value_name = "NAME")]
    pub(crate) step: String,
    /// The answer; mark_done is taken for done_by_hand, and skip for leave
    #[arg(long, value_enum)]
    pub(crate) action: Action,
    /// Why; goes into the report
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) reason: String,
    /// How long to wait for the outcome; a retry has the patience of a whole undo
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "20m")]
    pub(crate) timeout: Duration,
}

/// The actions that a person can answer with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Action {
    /// Try it once more now, for a minute, or for one attempt if that takes longer
    Retry,
    /// Stop trying: somebody does it by hand, and answers done_by_hand afterwards
    HandsOff,
    /// Somebody did it by hand
    #[value(alias = "mark_done")]
    DoneByHand,
    /// Leave it as it is
    #[value(alias = "skip")]
    Leave,
    /// Keep what cannot be taken back, and with it everything that it needs: the run reaches its goal
    Keep,
    /// Go on
    Approve,
    /// Do not go on
    Reject,
}

impl From<Action> for workflows::saga::Action {
    fn from(action: Action) -> Self {
        match action {
            Action::Retry => Self::Retry,
            Action::HandsOff => Self::HandsOff,
            Action::DoneByHand => Self::DoneByHand,
            Action::Leave => Self::Leave,
            Action::Keep => Self::Keep,
            Action::Approve => Self::Approve,
            Action::Reject => Self::Reject,
        }
    }
}

/// The values of the search attribute SunOutcome.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum OutcomeName {
    Completed,
    Failed,
    Expired,
    Cancelled,
}

/// `90s`, `10m`, `1h 30m`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let parsed: Option<SignedDuration> = text.parse().ok();
    match parsed.and_then(|duration| Duration::try_from(duration).ok()) {
        Some(duration) if !duration.is_zero() => Ok(duration),
        _ => Err("write it as 30s, 10m or 1h30m, above zero".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_can_be_typed_and_the_former_words_too() {
        let typed = |word: &str| Action::from_str(word, false).map(workflows::saga::Action::from);
        for action in workflows::saga::Action::ALL {
            assert_eq!(typed(action.name()), Ok(action));
        }
        assert_eq!(typed("mark_done"), Ok(workflows::saga::Action::DoneByHand));
        assert_eq!(typed("skip"), Ok(workflows::saga::Action::Leave));
    }

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("10m"), Ok(Duration::from_secs(600)));
        assert_eq!(duration("1h30m"), Ok(Duration::from_secs(5_400)));
        for text in ["10", "0s", "-1s", "soon"] {
            assert!(duration(text).is_err(), "{text:?} was taken");
        }
    }
}
