//! Puts the prices back that a run has written.

use serde_json::json;

use crate::cli::prices::RevertArgs;
use crate::commands::call::Call;
use crate::processes::PRICE_REVERT;
use crate::runs::start::{self, Wanted};
use crate::terminal::exit::{Exit, Failure};
use crate::terminal::input::InputText;

/// `starter prices revert`.
pub(crate) async fn run(call: &Call<'_>, args: RevertArgs) -> Result<Exit, Failure> {
    let mut input = json!({ "batch_id": args.batch_id, "dry_run": args.dry_run });
    if let Some(rows) = args.max_per_second {
        input["max_per_second"] = json!(rows);
    }
    let wanted = Wanted {
        process: &PRICE_REVERT,
        text: InputText { name: "the batch".to_owned(), json: input.to_string() },
        task_queue: call.task_queue().to_owned(),
        is_waiting: args.wait || args.dry_run,
        timeout: args.timeout,
    };
    start::run(call.settings()?, call.out, wanted).await
}
