//! Exports event histories, for replay tests and for a closer look.

use std::fs;

use temporalio_client::WorkflowFetchHistoryOptions;

use crate::cli::ExportArgs;
use crate::commands::call::Call;
use crate::runs::run::AnyProcess;
use crate::terminal::exit::{Exit, Failure};

/// `starter history export`.
pub(crate) async fn export(call: &Call<'_>, args: ExportArgs) -> Result<Exit, Failure> {
    let ExportArgs { workflow_id, run_id, output_file } = args;
    let session = call.connect().await?;
    // A run that is not there is named before anything is written.
    let run_id = match run_id {
        Some(run_id) => run_id,
        None => session.find(&workflow_id).await?.0.subject.run_id,
    };
    let handle = session.handle::<AnyProcess>(&workflow_id, Some(run_id.clone()));
    let history = handle.fetch_history(WorkflowFetchHistoryOptions::default()).to_json().await?;
    if output_file.as_os_str() == "-" {
        call.out.raw(&history)?;
        call.out.raw(b"\n")?;
    } else {
        let file = output_file.display().to_string();
        fs::write(&output_file, &history)
            .map_err(|error| Failure::because(Exit::Failed, error, format!("cannot write {file}")))?;
        call.out.say(format!(
            "wrote the history of {workflow_id}, run {run_id}, to {file}: {} bytes",
            history.len()
        ));
    }
    Ok(Exit::Ok)
}
