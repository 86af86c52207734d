//! Waits for the end of a run that exists.

use std::time::Duration;

use crate::commands::call::Call;
use crate::runs::progress::{self, Talk};
use crate::terminal::exit::{Exit, Failure};

/// `starter <noun> watch` and `starter <noun> result`.
pub(crate) async fn run(
    call: &Call<'_>,
    workflow_id: &str,
    talk: Talk,
    timeout: Option<Duration>,
) -> Result<Exit, Failure> {
    let session = call.connect().await?;
    let (run, _) = session.find(workflow_id).await?;
    progress::wait(&session, run, call.out, talk, timeout).await
}
