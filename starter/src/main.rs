//! Sunflow's command line: start a business process, watch it, answer it, look into it.
//!
//! Reading order:
//! - `cli`: what can be typed; `starter --help` is made from it;
//! - `processes`: the visible list of what can be started;
//! - `start`, `progress`, `outcome`: from a checked input to an exit code, for every process alike;
//! - `order`, `onboarding`, `erp`, `update`: what can be said to a running process;
//! - `show`, `list`, `history`, `doctor`: looking;
//! - `schedule`: what runs again and again;
//! - `mail`: mails rendered to files;
//! - `connect`, `output`, `exit`: Temporal, the terminal, the exit codes.
//!
//! Data goes to stdout, talk to stderr. What is deliberately absent: credentials of the shop (they stay in the
//! worker) and any call to an outside system other than Temporal; `doctor` alone asks the worker how it is.

mod cli;
mod connect;
mod doctor;
mod erp;
mod exit;
mod history;
mod input;
mod list;
mod mail;
mod objects;
mod onboarding;
mod order;
mod outcome;
mod output;
mod processes;
mod progress;
mod run;
mod schedule;
mod show;
mod start;
mod steps;
mod update;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use cli::erp::{ErpCommand, QuarantineCommand};
use cli::mail::MailCommand;
use cli::onboarding::OnboardingCommand;
use cli::order::OrderCommand;
use cli::schedule::ScheduleCommand;
use cli::{Cli, Command, HistoryCommand, StoreCommand};
use exit::{Exit, Failure};
use output::Out;
use processes::{ONBOARDING, ORDER, STORE};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(usage) => return usage_ended(&usage).into(),
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
fn usage_ended(usage: &clap::Error) -> Exit {
    match usage.print() {
        Ok(()) if !usage.use_stderr() => Exit::Ok,
        _ => Exit::Usage,
    }
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
    match command {
        Command::Order { command } => match command {
            OrderCommand::Start(args) => start::run(&global, out, &ORDER, args).await,
            OrderCommand::Status { order } => order::status(&global, out, &order).await,
            OrderCommand::Watch(args) => order::watch(&global, out, args, progress::Talk::Steps).await,
            OrderCommand::Result(args) => order::watch(&global, out, args, progress::Talk::Quiet).await,
            OrderCommand::Cancel(args) => order::cancel(&global, out, args).await,
            OrderCommand::SettlePayment(args) => order::settle_payment(&global, out, args).await,
            OrderCommand::ResolveUndo(args) => order::resolve_undo(&global, out, args).await,
            OrderCommand::List(args) => list::orders(&global, out, args).await,
        },
        Command::Mail { command: MailCommand::Preview(args) } => mail::preview(out, &args),
        Command::Onboarding { command } => match command {
            OnboardingCommand::Start(args) => start::run(&global, out, &ONBOARDING, args).await,
            OnboardingCommand::Status { customer } => onboarding::status(&global, out, &customer).await,
            OnboardingCommand::Watch(args) => {
                onboarding::watch(&global, out, args, progress::Talk::Steps).await
            }
            OnboardingCommand::Result(args) => {
                onboarding::watch(&global, out, args, progress::Talk::Quiet).await
            }
            OnboardingCommand::Cancel(args) => onboarding::cancel(&global, out, args).await,
            OnboardingCommand::Unsubscribe(args) => onboarding::unsubscribe(&global, out, args).await,
            OnboardingCommand::Consent(args) => onboarding::consent(&global, out, args).await,
            OnboardingCommand::Ordered(args) => onboarding::ordered(&global, out, args).await,
            OnboardingCommand::Erase(args) => onboarding::erase(&global, out, args).await,
            OnboardingCommand::ResolveUndo(args) => onboarding::resolve_undo(&global, out, args).await,
            OnboardingCommand::List(args) => list::onboardings(&global, out, args).await,
        },
        Command::Erp { command } => match *command {
            ErpCommand::Sync(args) => erp::sync(&global, out, args).await,
            ErpCommand::Status { sync } => erp::status(&global, out, &sync).await,
            ErpCommand::Watch(args) => erp::watch(&global, out, args, progress::Talk::Steps).await,
            ErpCommand::Result(args) => erp::watch(&global, out, args, progress::Talk::Quiet).await,
            ErpCommand::Approve(args) => erp::decide(&global, out, args, true).await,
            ErpCommand::Reject(args) => erp::decide(&global, out, args, false).await,
            ErpCommand::Map(args) => erp::map(out, &args),
            ErpCommand::List(args) => list::syncs(&global, out, args).await,
            ErpCommand::Quarantine { command } => match command {
                QuarantineCommand::List(args) => erp::quarantine::list(out, &args).await,
                QuarantineCommand::Show(args) => erp::quarantine::show(out, &args).await,
                QuarantineCommand::Retry(args) => erp::quarantine::retry(&global, out, args).await,
            },
        },
        Command::Store { command: StoreCommand::CleanUp(args) } => {
            start::run(&global, out, &STORE, args).await
        }
        Command::Schedule { command } => match command {
            ScheduleCommand::Apply(args) => schedule::apply::run(&global, out, args).await,
            ScheduleCommand::List(args) => schedule::look::list(&global, out, args).await,
            ScheduleCommand::Show { id } => schedule::look::show(&global, out, &id).await,
            ScheduleCommand::Pause(args) => schedule::act::pause(&global, out, args).await,
            ScheduleCommand::Unpause { id } => schedule::act::unpause(&global, out, &id).await,
            ScheduleCommand::Trigger(args) => schedule::act::trigger(&global, out, args).await,
            ScheduleCommand::Backfill(args) => schedule::act::backfill(&global, out, args).await,
            ScheduleCommand::Delete { id } => schedule::act::delete(&global, out, &id).await,
        },
        Command::List(args) => list::runs(&global, out, args).await,
        Command::Show { workflow_id } => show::run(&global, out, &workflow_id).await,
        Command::History { command: HistoryCommand::Export(args) } => {
            history::export(&global, out, args).await
        }
        Command::Doctor { worker_url, without_store, store } => {
            let store = (!without_store).then_some(store.store.as_str());
            doctor::run(&global, out, worker_url, store).await
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "starter", &mut script);
            out.raw(&script)?;
            Ok(Exit::Ok)
        }
    }
}
