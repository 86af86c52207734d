//! Starts a process from its input.

use crate::cli::shared::StartArgs;
use crate::commands::call::Call;
use crate::processes::Process;
use crate::runs::start::{self, Wanted};
use crate::terminal::exit::{Exit, Failure};
use crate::terminal::input;

/// `starter <noun> start`.
pub(crate) async fn run(
    call: &Call<'_>,
    process: &'static Process,
    args: StartArgs,
) -> Result<Exit, Failure> {
    let text = input::read(&args.input)?;
    if args.dry_run {
        return start::dry_run(call.out, process, &text, call.task_queue());
    }
    let wanted = Wanted {
        process,
        text,
        task_queue: call.task_queue().to_owned(),
        is_waiting: args.wait,
        timeout: args.timeout,
    };
    start::run(call.settings()?, call.out, wanted).await
}
