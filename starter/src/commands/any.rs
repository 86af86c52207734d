//! The verbs that stand once for all nouns. The differences between nouns are in the table of `processes`.

pub(crate) mod answer;
pub(crate) mod answer_all;
pub(crate) mod cancel;
pub(crate) mod list;
pub(crate) mod questions;
pub(crate) mod start;
pub(crate) mod status;
pub(crate) mod watch;

use super::call::Call;
use crate::cli::shared::{Look, Say};
use crate::processes::name::{Name, Stoppable};
use crate::runs::progress::Talk;
use crate::terminal::exit::{Exit, Failure};

/// `starter <noun> status`, `watch` and `result`.
pub(crate) async fn look<N: Name>(call: &Call<'_>, look: Look<N>) -> Result<Exit, Failure> {
    match look {
        Look::Status(args) => status::run(call, &args.name.workflow_id()?).await,
        Look::Watch(args) => watch::run(call, &args.name.workflow_id()?, Talk::Steps, args.timeout).await,
        Look::Result(args) => watch::run(call, &args.name.workflow_id()?, Talk::Quiet, args.timeout).await,
    }
}

/// `starter <noun> cancel` and `resolve-undo`.
pub(crate) async fn say<N: Stoppable>(call: &Call<'_>, say: Say<N>) -> Result<Exit, Failure> {
    match say {
        Say::Cancel(args) => cancel::run(call, args).await,
        Say::ResolveUndo(args) => answer::resolve_undo(call, args).await,
    }
}
