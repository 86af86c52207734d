//! `starter answer …`

use std::time::Duration;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use jiff::Timestamp;

use super::shared::{Action, duration};

pub(crate) const QUESTIONS_HELP: &str = "\
It reads Temporal's list only, which trails the runs by a moment; no run and no worker is asked, however many there are.

Exit codes: 0 nobody is asked anything · 6 something waits for an answer · 1, 2, 3 as everywhere

Examples:
  starter questions
  starter -o json questions | jq .groups[].answer_all";

pub(crate) const ANSWER_HELP: &str = "\
Without --action it says what is asked and what each answer does, and answers nothing (exit code 2).

With --all the matching runs are counted and the count is shown first; on a terminal it asks, elsewhere it needs --yes.
Interrupted and given again it goes on: the same action with the same reason counts once for each question, and the
second time gets the first outcome. To answer once more, give another reason. A question that somebody does by hand
(hands_off) is left out of --all with retry and leave.

Exit codes: 0 done (with --all also: answered already) · 1 refused, no worker, or not finished in time · 2 nothing was
sent ·
6 a question is still open (failed again, hands_off) · 3, 4 as everywhere. With --all the worst of them, in the order
1, 6, 0; one that fails does not stop the others.

Examples:
  starter answer order/ORDER-001                                       what it asks, and what each answer does
  starter answer ORDER-001 --action retry --reason \"provider is back\"
  starter answer ORDER-001 process-payment --action hands_off --reason \"I refund it at the bank\"
  starter answer --all --step process-payment --cause no_answer --action retry --reason \"provider is back\" --yes";

#[derive(Args)]
pub(crate) struct AnswerArgs {
    /// The run: its workflow id (order/ORDER-001), or the short form that its noun takes (ORDER-001)
    #[arg(value_name = "RUN", required_unless_present = "all", conflicts_with = "all")]
    pub(crate) run: Option<String>,
    /// Which of its questions: the id, or the step; not needed where only one is open
    #[arg(value_name = "QUESTION")]
    pub(crate) question: Option<String>,
    /// Only if it was asked at this moment; the commands that are printed have it
    #[arg(long, value_name = "TIME", conflicts_with = "all")]
    pub(crate) since: Option<Timestamp>,
    /// Answer every run that asks about a step
    #[arg(long, requires = "step")]
    pub(crate) all: bool,
    /// With --all: the step that is asked about
    #[arg(long, value_name = "NAME", requires = "all", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) step: Option<String>,
    /// With --all: only where it is asked for this cause
    #[arg(long, value_name = "CODE", requires = "all", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) cause: Option<String>,
    /// The answer
    #[arg(long, value_enum, requires = "reason")]
    pub(crate) action: Option<Action>,
    /// Why; goes into the report (1 to 500 characters, no personal data)
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) reason: Option<String>,
    /// With --all: do not ask before answering
    #[arg(long, requires = "all")]
    pub(crate) yes: bool,
    /// How long to wait for the outcome of each; a retry takes some minutes at most
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "20m")]
    pub(crate) timeout: Duration,
}
