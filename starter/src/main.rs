//! Sunflow's command line: start a business process, watch it, answer it, look into it.
//!
//! Four floors; arrows go down only, and no files form a circle (a test holds both):
//! - `commands`: what each command does, a folder for each noun and a file for each verb;
//! - `cli` and, beside it, `runs`: what can be typed; and runs of any process, from a checked input to an exit code;
//! - `processes`: the visible list of what can be started, and what is particular to each;
//! - `terminal`: stdout, stderr, exit codes, files.
//!
//! Data goes to stdout, talk to stderr. Deliberately absent: credentials of the shop (they stay in the worker) and any
//! call to an outside system other than Temporal; `doctor` alone asks the worker how it is.

mod cli;
mod commands;
#[cfg(test)]
mod floors;
mod processes;
mod runs;
#[cfg(test)]
mod said;
mod terminal;

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

use cli::{Cli, Command, HistoryCommand};
use commands::call::Call;
use commands::{
    any, catalog, completions, doctor, erp, history, mail, onboarding, order, prices, schedule, store, table,
};
use terminal::exit::{Exit, Failure};
use terminal::output::{Format, Out, When};
use terminal::program;

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    program::called_as(Path::new(args.first().map_or(OsStr::new(""), OsString::as_os_str)));
    let cli = match Cli::read(args.iter().cloned()) {
        Ok(cli) => cli,
        Err(usage) => return usage_ended(&usage, &args).into(),
    };
    let out = Out::new(cli.global.output, cli.global.color);
    let ended = runtime().and_then(|runtime| runtime.block_on(run(cli, &out)));
    ended
        .unwrap_or_else(|failure| {
            out.failure(&failure);
            failure.exit
        })
        .into()
}

/// clap's answer to `--help`, `--version` and what it could not read.
fn usage_ended(usage: &clap::Error, args: &[OsString]) -> Exit {
    // A reader that has closed the pipe wants no more of it.
    usage.print().ok();
    if !usage.use_stderr() {
        return Exit::Ok;
    }
    let message = usage.render().to_string();
    let message = message.trim().trim_start_matches("error: ");
    Out::new(Format::typed(args), When::Never).failure_document(&Failure::new(Exit::Usage, message));
    Exit::Usage
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    // The only provider of cryptography; a second one installed by a dependency would be refused, not mixed in.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        return Err(Failure::new(Exit::Failed, "another TLS provider is installed already"));
    }
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::because(Exit::Failed, error, "cannot start the runtime"))
}

async fn run(cli: Cli, out: &Out) -> Result<Exit, Failure> {
    let Cli { global, command } = cli;
    let call = &Call::new(&global, out);
    match command {
        Command::Order { command } => order::run(call, command).await,
        Command::Mail { command } => mail::run(out, &command),
        Command::Onboarding { command } => onboarding::run(call, command).await,
        Command::Erp { command } => erp::run(call, *command).await,
        Command::Prices { command } => prices::run(call, *command).await,
        Command::Catalog { command } => catalog::run(call, *command).await,
        Command::Store { command } => store::run(call, command).await,
        Command::Table { command } => table::run(out, &command),
        Command::Schedule { command } => schedule::run(call, command).await,
        Command::Questions => any::questions::run(call).await,
        Command::Answer(args) => any::answer::run(call, *args).await,
        Command::List(args) => any::list::run(call, args).await,
        Command::Show { workflow_id } => any::status::show(call, &workflow_id).await,
        Command::History { command: HistoryCommand::Export(args) } => history::export(call, args).await,
        Command::Doctor { worker_url, without_store, store } => {
            let store = (!without_store).then_some(store.store.as_str());
            doctor::run(call, worker_url, store).await
        }
        Command::Completions { shell } => completions::run(out, shell),
    }
}
