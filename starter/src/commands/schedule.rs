//! Schedules: processes that run again and again, as a file says.
//!
//! - `reader`, `calendar`, `file`: from TOML to what each schedule should be, every problem with its line;
//! - `proto`, `service`: Temporal's own form, through its raw service;
//! - `view`: two schedules compared in words;
//! - `apply`, `look`, `act`: the commands.

mod act;
mod apply;
mod calendar;
mod file;
mod look;
mod proto;
mod reader;
mod service;
mod view;

use super::call::Call;
use crate::cli::schedule::ScheduleCommand;
use crate::terminal::exit::{Exit, Failure};

pub(crate) async fn run(call: &Call<'_>, command: ScheduleCommand) -> Result<Exit, Failure> {
    match command {
        ScheduleCommand::Apply(args) => apply::run(call, args).await,
        ScheduleCommand::List(args) => look::list(call, args).await,
        ScheduleCommand::Show { id } => look::show(call, &id).await,
        ScheduleCommand::Pause(args) => act::pause(call, args).await,
        ScheduleCommand::Unpause { id } => act::unpause(call, &id).await,
        ScheduleCommand::Trigger(args) => act::trigger(call, args).await,
        ScheduleCommand::Backfill(args) => act::backfill(call, args).await,
        ScheduleCommand::Delete { id } => act::delete(call, &id).await,
    }
}
