//! Puts a watermark back.

use crate::cli::erp::RewindArgs;
use crate::commands::call::Call;
use crate::processes::ERP;
use crate::processes::erp::{input_of, rewind};
use crate::runs::start::{self, Wanted};
use crate::terminal::exit::{Exit, Failure};

/// `starter erp rewind`: by a run, because one run at a time says how far an integration is.
pub(crate) async fn run(call: &Call<'_>, args: RewindArgs) -> Result<Exit, Failure> {
    let (text, _) = input_of(&args.input, &args.integration)?;
    let wanted = Wanted {
        process: &ERP,
        text: rewind(text, args.entity, args.to),
        task_queue: call.task_queue().to_owned(),
        is_waiting: true,
        timeout: None,
    };
    start::run(call.settings()?, call.out, wanted).await
}
