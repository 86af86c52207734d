//! Answers a sync that would exceed its limits.

use workflows::saga::{Action, Answer};

use crate::cli::erp::DecideArgs;
use crate::commands::any::answer::give;
use crate::commands::call::Call;
use crate::processes::ERP;
use crate::processes::name::Name as _;
use crate::runs::update::Sending;
use crate::terminal::exit::{Exit, Failure};

/// `starter erp approve` and `starter erp reject`.
pub(crate) async fn run(call: &Call<'_>, args: DecideArgs, is_approved: bool) -> Result<Exit, Failure> {
    let action = if is_approved { Action::Approve } else { Action::Reject };
    let answer = Answer { question: "validate-data".to_owned(), action, reason: args.reason, since: None };
    let sending = Sending {
        process: Some(&ERP),
        workflow_id: args.sync.workflow_id()?,
        run_id: None,
        update_id: None,
        limit: args.timeout,
    };
    give(call.out, &call.connect().await?, sending, answer).await
}
