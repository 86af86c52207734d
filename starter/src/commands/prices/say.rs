//! Words to a running batch: pause, resume, another rate, the end.

use serde_json::json;
use temporalio_common::data_converters::TemporalDeserializable;
use temporalio_common::{HasWorkflowDefinition, UpdateDefinition};
use workflows::bulk_price_update::{BulkPriceUpdate, CancelPrices, PausePrices, SetRate, UpdateTaken};

use crate::cli::prices::{CancelPricesArgs, PauseArgs, RateArgs, SayArgs};
use crate::commands::any;
use crate::commands::call::Call;
use crate::processes::PRICES;
use crate::processes::name::{Name as _, Stoppable as _};
use crate::processes::prices::BatchRef;
use crate::runs::update::{Sending, send};
use crate::terminal::exit::{Exit, Failure};

/// The workflow as its updates know it.
type Run = <BulkPriceUpdate as HasWorkflowDefinition>::Run;

/// `starter prices pause`.
pub(crate) async fn pause(call: &Call<'_>, args: PauseArgs) -> Result<Exit, Failure> {
    let PauseArgs { say, reason } = args;
    taken(call, &say, BulkPriceUpdate::pause, PausePrices { reason }, "pauses").await
}

/// `starter prices resume`.
pub(crate) async fn resume(call: &Call<'_>, args: SayArgs) -> Result<Exit, Failure> {
    taken(call, &args, BulkPriceUpdate::resume, (), "goes on").await
}

/// `starter prices rate`.
pub(crate) async fn rate(call: &Call<'_>, args: RateArgs) -> Result<Exit, Failure> {
    let RateArgs { say, max_per_second } = args;
    taken(call, &say, BulkPriceUpdate::set_rate, SetRate { max_per_second }, "has another rate").await
}

/// `starter prices cancel`.
pub(crate) async fn cancel(call: &Call<'_>, args: CancelPricesArgs) -> Result<Exit, Failure> {
    let CancelPricesArgs { cancel, revert } = args;
    let request = |reason| CancelPrices { reason, revert };
    any::cancel::asked(call, cancel, BatchRef::UPDATE, request, |_| {
        let fate = if revert { "is put back" } else { "stays" };
        format!("what was written {fate}")
    })
    .await
}

async fn taken<U>(
    call: &Call<'_>,
    say: &SayArgs,
    update: U,
    input: U::Input,
    words: &str,
) -> Result<Exit, Failure>
where
    U: UpdateDefinition<Workflow = Run, Output = UpdateTaken>,
    U::Input: Send,
{
    let UpdateTaken { processed, to_write } = told(call, say, update, input).await?;
    let workflow_id = say.name.workflow_id()?;
    let document = json!({ "workflow_id": workflow_id, "processed": processed, "to_write": to_write });
    call.out
        .document(&document, |_| format!("{workflow_id} {words}; {processed} of {to_write} prices so far"))?;
    Ok(Exit::Ok)
}

async fn told<U>(call: &Call<'_>, say: &SayArgs, update: U, input: U::Input) -> Result<U::Output, Failure>
where
    U: UpdateDefinition<Workflow = Run>,
    U::Input: Send,
    U::Output: TemporalDeserializable + 'static,
{
    let sending = Sending {
        process: Some(&PRICES),
        workflow_id: say.name.workflow_id()?,
        run_id: None,
        update_id: None,
        limit: say.timeout,
    };
    let session = call.connect().await?;
    Ok(send::<BulkPriceUpdate, _>(&session, call.out, sending, update, input).await?)
}
