//! `starter prices …`
//!
//! - `update`, `list`: a list becomes a run;
//! - `say`: what people say to a run;
//! - `revert`, `export`, `report`: back, out, and what became of the rows.

mod export;
mod kind;
mod list;
mod report;
mod revert;
mod say;
mod update;

#[cfg(test)]
pub(crate) use kind::PRICES;

use super::any;
use super::call::Call;
use crate::cli::prices::PricesCommand;
use crate::terminal::exit::{Exit, Failure};

pub(crate) async fn run(call: &Call<'_>, command: PricesCommand) -> Result<Exit, Failure> {
    match command {
        PricesCommand::Update(args) => update::run(call, *args).await,
        PricesCommand::Look(look) => any::look(call, look).await,
        PricesCommand::Pause(args) => say::pause(call, args).await,
        PricesCommand::Resume(args) => say::resume(call, args).await,
        PricesCommand::Rate(args) => say::rate(call, args).await,
        PricesCommand::Cancel(args) => say::cancel(call, args).await,
        PricesCommand::Revert(args) => revert::run(call, args).await,
        PricesCommand::Export(args) => export::run(call, args).await,
        PricesCommand::Report(args) => report::run(call.out, &args).await,
    }
}
