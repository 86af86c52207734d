//! Stops a run: the business's own cancel, which undoes everything.

use std::marker::PhantomData;

use serde_json::json;
use temporalio_common::UpdateDefinition;
use temporalio_common::data_converters::{TemporalDeserializable, TemporalSerializable};
use workflows::saga::{CancelAccepted, CancelRequest};

use crate::cli::shared::CancelArgs;
use crate::commands::call::Call;
use crate::processes::name::Stoppable;
use crate::processes::of_noun;
use crate::runs::run::AnyProcess;
use crate::runs::update::{Sending, send};
use crate::terminal::exit::{Exit, Failure};

/// The update by which a process is stopped.
struct Stop<R>(&'static str, PhantomData<fn() -> R>);

impl<R: TemporalDeserializable + TemporalSerializable + 'static> UpdateDefinition for Stop<R> {
    type Workflow = AnyProcess;
    type Input = R;
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
    let request = |reason| CancelRequest { reason };
    asked(call, args, update, request, |accepted| match accepted.will_undo.as_slice() {
        [] => "nothing to undo".to_owned(),
        steps => format!("will be undone: {}", steps.join(", ")),
    })
    .await
}

/// The same by a request of the process's own, which `words` tells the consequence of.
pub(crate) async fn asked<N: Stoppable, R>(
    call: &Call<'_>,
    args: CancelArgs<N>,
    update: &'static str,
    request: impl FnOnce(String) -> R,
    words: impl FnOnce(&CancelAccepted) -> String,
) -> Result<Exit, Failure>
where
    R: TemporalDeserializable + TemporalSerializable + Send + 'static,
{
    let workflow_id = args.name.workflow_id()?;
    let session = call.connect().await?;
    let sending = Sending {
        process: of_noun(N::NOUN),
        workflow_id: workflow_id.clone(),
        run_id: None,
        update_id: None,
        limit: args.timeout,
    };
    let request = request(args.reason);
    let update = Stop(update, PhantomData);
    let accepted = send::<AnyProcess, _>(&session, call.out, sending, update, request).await?;
    let document = json!({ "workflow_id": workflow_id, "accepted": true, "will_undo": accepted.will_undo });
    call.out.document(&document, |_| format!("cancelled; {}", words(&accepted)))?;
    Ok(Exit::Ok)
}
