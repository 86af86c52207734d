//! Answers a run that waits for a person.

use serde_json::json;
use temporalio_common::UpdateDefinition;
use workflows::saga::{self, Answer, AnswerOutcome, Answered};

use crate::cli::shared::{Action, ResolveArgs};
use crate::commands::call::Call;
use crate::processes::name::Name;
use crate::processes::of_noun;
use crate::runs::run::AnyProcess;
use crate::runs::update::{Sending, send};
use crate::terminal::exit::{Exit, Failure};

/// The update `answer`, which every process has.
struct TakeAnswer;

impl UpdateDefinition for TakeAnswer {
    type Workflow = AnyProcess;
    type Input = Answer;
    type Output = Answered;
    fn name(&self) -> &str {
        "answer"
    }
}

/// `starter <noun> resolve-undo`.
pub(crate) async fn resolve_undo<N: Name>(call: &Call<'_>, args: ResolveArgs<N>) -> Result<Exit, Failure> {
    let answer =
        Answer { question: args.step, action: action(args.action), reason: args.reason, since: None };
    let sending = Sending {
        process: of_noun(N::NOUN),
        workflow_id: args.name.workflow_id()?,
        update_id: None,
        limit: args.timeout,
    };
    give(call, sending, answer).await
}

/// Sends an answer, and says what came of it.
pub(crate) async fn give(call: &Call<'_>, sending: Sending, answer: Answer) -> Result<Exit, Failure> {
    let workflow_id = sending.workflow_id.clone();
    let session = call.connect().await?;
    let answered = send::<AnyProcess, _>(&session, call.out, sending, TakeAnswer, answer).await?;
    let Answered { question, outcome, detail } = &answered;
    let document = json!({
        "workflow_id": workflow_id, "question": question, "outcome": outcome, "detail": detail,
    });
    let detail = detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default();
    call.out.document(&document, |_| format!("{question}: {}{detail}", outcome.words()))?;
    // The run waits for a person still.
    let is_open = matches!(outcome, AnswerOutcome::FailedAgain | AnswerOutcome::HandsOff);
    Ok(if is_open { Exit::NeedsPerson } else { Exit::Ok })
}

fn action(action: Action) -> saga::Action {
    match action {
        Action::Retry => saga::Action::Retry,
        Action::MarkDone => saga::Action::DoneByHand,
        Action::Skip => saga::Action::Leave,
    }
}
