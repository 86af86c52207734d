//! Answers a sync that would exceed its limits.

use crate::cli::answer::AnswerArgs;
use crate::cli::erp::DecideArgs;
use crate::cli::shared::Action;
use crate::commands::any::answer::decide;
use crate::commands::call::Call;
use crate::processes::name::Name as _;
use crate::terminal::exit::{Exit, Failure};

/// `starter erp approve` and `starter erp reject`.
pub(crate) async fn run(call: &Call<'_>, args: DecideArgs, is_approved: bool) -> Result<Exit, Failure> {
    let answer = AnswerArgs {
        run: None,
        question: Some("validate-data".to_owned()),
        since: args.since,
        all: false,
        step: None,
        cause: None,
        action: Some(if is_approved { Action::Approve } else { Action::Reject }),
        reason: Some(args.reason),
        yes: false,
        timeout: args.timeout,
    };
    decide(call, &args.sync.workflow_id()?, answer).await
}
