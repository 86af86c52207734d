//! Answers a run that waits for a person.

use serde_json::json;
use temporalio_common::UpdateDefinition;
use workflows::saga::{Resolution, ResolveUndo};

use crate::cli::shared::{Action, ResolveArgs};
use crate::commands::call::Call;
use crate::processes::name::Name;
use crate::processes::of_noun;
use crate::runs::run::AnyProcess;
use crate::runs::update::{Sending, send};
use crate::terminal::exit::{Exit, Failure};

struct Resolve;

impl UpdateDefinition for Resolve {
    type Workflow = AnyProcess;
    type Input = ResolveUndo;
    type Output = String;
    fn name(&self) -> &str {
        "resolve_undo"
    }
}

/// `starter <noun> resolve-undo`.
pub(crate) async fn resolve_undo<N: Name>(call: &Call<'_>, args: ResolveArgs<N>) -> Result<Exit, Failure> {
    let workflow_id = args.name.workflow_id()?;
    let session = call.connect().await?;
    let sending = Sending {
        process: of_noun(N::NOUN),
        workflow_id: workflow_id.clone(),
        update_id: None,
        limit: args.timeout,
    };
    let answer =
        ResolveUndo { step: args.step.clone(), action: resolution(args.action), reason: args.reason };
    let outcome = send::<AnyProcess, _>(&session, call.out, sending, Resolve, answer).await?;
    let document = json!({ "workflow_id": workflow_id, "step": args.step, "outcome": outcome });
    call.out.document(&document, |_| format!("{}: {outcome}", args.step))?;
    // A retry that failed leaves the run where it was: waiting for a person.
    Ok(if outcome.starts_with("failed again") { Exit::NeedsPerson } else { Exit::Ok })
}

fn resolution(action: Action) -> Resolution {
    match action {
        Action::Retry => Resolution::Retry,
        Action::MarkDone => Resolution::MarkDone,
        Action::Skip => Resolution::Skip,
    }
}
