//! Starts a sync.

use crate::cli::erp::SyncArgs;
use crate::commands::call::Call;
use crate::processes::ERP;
use crate::processes::erp::with;
use crate::runs::start::{self, Wanted};
use crate::terminal::exit::{Exit, Failure};
use crate::terminal::input;

/// `starter erp sync`.
pub(crate) async fn run(call: &Call<'_>, args: SyncArgs) -> Result<Exit, Failure> {
    let mut text = input::read(&args.input)?;
    for (name, is_wanted) in [("full", args.full), ("dry_run", args.dry_run)] {
        if is_wanted {
            text = with(text, name, "true");
        }
    }
    let wanted = Wanted {
        process: &ERP,
        text,
        task_queue: call.task_queue().to_owned(),
        is_waiting: args.wait,
        timeout: args.timeout,
    };
    start::run(call.settings()?, call.out, wanted).await
}
