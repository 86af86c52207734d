//! Stops a run: the business's own cancel, which undoes everything.

use serde_json::json;
use temporalio_common::UpdateDefinition;
use workflows::saga::{CancelAccepted, CancelRequest};

use crate::cli::shared::CancelArgs;
use crate::commands::call::Call;
use crate::processes::name::Stoppable;
use crate::processes::of_noun;
use crate::runs::run::AnyProcess;
use crate::runs::update::{Sending, send};
use crate::terminal::exit::{Exit, Failure};

/// The update by which a process is stopped.
struct Stop(&'static str);

impl UpdateDefinition for Stop {
    type Workflow = AnyProcess;
    type Input = CancelRequest;
    type Output = CancelAccepted;
    fn name(&self) -> &str {
        self.0
    }
}

/// `starter <noun> cancel`.
pub(crate) async fn run<N: Stoppable>(call: &Call<'_>, args: CancelArgs<N>) -> Result<Exit, Failure> {
    by(call, args, N::UPDATE).await
}

/// The same by another update, for a process that can be stopped in two ways.
pub(crate) async fn by<N: Stoppable>(
    call: &Call<'_>,
    args: CancelArgs<N>,
    update: &'static str,
) -> Result<Exit, Failure> {
    let workflow_id = args.name.workflow_id()?;
    let session = call.connect().await?;
    let sending = Sending {
        process: of_noun(N::NOUN),
        workflow_id: workflow_id.clone(),
        run_id: None,
        update_id: None,
        limit: args.timeout,
    };
    let request = CancelRequest { reason: args.reason };
    let accepted = send::<AnyProcess, _>(&session, call.out, sending, Stop(update), request).await?;
    let document = json!({ "workflow_id": workflow_id, "accepted": true, "will_undo": accepted.will_undo });
    call.out.document(&document, |_| {
        let undo = match accepted.will_undo.as_slice() {
            [] => "nothing to undo".to_owned(),
            steps => format!("will be undone: {}", steps.join(", ")),
        };
        format!("cancelled; {undo}")
    })?;
    Ok(Exit::Ok)
}
