//! `starter erp …`

mod decide;
mod list;
mod map;
mod quarantine;
mod rewind;
mod sync;

use super::any;
use super::call::Call;
use crate::cli::erp::{ErpCommand, QuarantineCommand};
use crate::terminal::exit::{Exit, Failure};

pub(crate) async fn run(call: &Call<'_>, command: ErpCommand) -> Result<Exit, Failure> {
    match command {
        ErpCommand::Sync(args) => sync::run(call, args).await,
        ErpCommand::Look(look) => any::look(call, look).await,
        ErpCommand::Approve(args) => decide::run(call, args, true).await,
        ErpCommand::Reject(args) => decide::run(call, args, false).await,
        ErpCommand::Map(args) => map::run(call.out, &args),
        ErpCommand::Rewind(args) => rewind::run(call, args).await,
        ErpCommand::List(args) => list::run(call, args).await,
        ErpCommand::Quarantine { command } => match command {
            QuarantineCommand::List(args) => quarantine::list(call.out, &args).await,
            QuarantineCommand::Show(args) => quarantine::show(call.out, &args).await,
            QuarantineCommand::Retry(args) => quarantine::retry(call, args).await,
        },
    }
}
