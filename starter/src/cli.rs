//! The commands and flags that can be typed. `starter --help` and `starter <command> --help` are the reference.
//!
//! It stands beside `runs`: neither knows the other. Nothing here reads the environment but what clap reads for a flag.

pub(crate) mod answer;
pub(crate) mod catalog;
pub(crate) mod erp;
pub(crate) mod mail;
pub(crate) mod onboarding;
pub(crate) mod order;
pub(crate) mod prices;
pub(crate) mod schedule;
pub(crate) mod shared;
pub(crate) mod store;
pub(crate) mod table;

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::builder::StyledStr;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use temporalio_client::Url;
use temporalio_common::envconfig::{ClientConfigProfile, ClientConfigTLS, DataSource};

use crate::processes;
use crate::terminal::output::{Format, When};
use crate::terminal::program;
use answer::{ANSWER_HELP, AnswerArgs, QUESTIONS_HELP};
use catalog::CatalogCommand;
use erp::ErpCommand;
use mail::MailCommand;
use onboarding::OnboardingCommand;
use order::OrderCommand;
use prices::PricesCommand;
use schedule::ScheduleCommand;
use store::{StoreArgs, StoreCommand};
use table::TableCommand;

const EXIT_CODES: &str = "\
Exit codes:
  0  ok
  1  failed, terminated, timed out, refused, something left standing; or a wait that was given up
  2  wrong usage or input: nothing was started or changed
  3  cannot connect to Temporal, or not allowed to
  4  not found
  5  ended as the business decided, everything undone (out of stock, declined, not shippable, expired, cancelled)
  6  needs a person: a question is open (an undo is stuck, a shop refuses, a sync or a price run exceeds its limits)
  7  done, but some rows failed or were refused: the report and the quarantine say which
  8  a dry run that would ask a person: the real one would stop before its first write
  130  Ctrl-C while waiting: the run goes on
Of a run, 1 and 5 to 8 are what --wait, watch and result exit with; status, show and list exit with 0 if they could look.
'questions' exits with 6 while something is open.

Data goes to stdout, talk to stderr. With -o json stdout holds one JSON document, with -o jsonl one per line; of a
command that failed it says why: success (false), exit_code, and error with type, message, fix and problems.

Connection settings are Temporal's own: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS_* and the
profiles of temporal.toml (TEMPORAL_CONFIG_FILE, TEMPORAL_PROFILE). A flag wins over the environment, the environment
over the file.

Examples:
  starter order start --input starter/samples/order.json --wait
  starter order watch ORDER-001
  starter questions
  starter answer ORDER-001 --action retry --reason \"provider is back\"
  starter onboarding start --input starter/samples/onboarding.json --wait
  starter erp sync --input starter/samples/erp.json --wait
  starter prices update --input starter/samples/prices.json --wait
  starter catalog setup --input starter/samples/catalog.json --images starter/samples/images --wait
  starter schedule apply -f starter/samples/schedules.toml --diff
  starter doctor";

/// Starts Sunflow's business processes, watches them, answers them and looks into them.
#[derive(Parser)]
#[command(name = "starter", version, after_help = EXIT_CODES, max_term_width = 110, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags of every command.
#[derive(Args)]
pub(crate) struct Global {
    /// Temporal's address [default: TEMPORAL_ADDRESS, the profile, or localhost:7233]
    #[arg(long, global = true, value_name = "HOST:PORT", help_heading = "Connection")]
    pub(crate) address: Option<String>,
    /// Temporal namespace [default: TEMPORAL_NAMESPACE, the profile, or default]
    #[arg(long, short = 'n', global = true, value_name = "NAME", help_heading = "Connection")]
    pub(crate) namespace: Option<String>,
    /// Profile of temporal.toml [default: TEMPORAL_PROFILE, or default]
    #[arg(long, global = true, value_name = "NAME", help_heading = "Connection")]
    pub(crate) profile: Option<String>,
    /// API key; others on this machine can see it here, so rather set TEMPORAL_API_KEY
    #[arg(long, global = true, value_name = "KEY", help_heading = "Connection")]
    pub(crate) api_key: Option<String>,
    /// Use TLS, or --tls=false: not even with an API key
    #[arg(
        long,
        global = true,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        help_heading = "Connection"
    )]
    pub(crate) tls: Option<bool>,
    /// Client certificate, PEM
    #[arg(long, global = true, value_name = "FILE", help_heading = "Connection")]
    pub(crate) tls_cert_path: Option<String>,
    /// Client key, PEM
    #[arg(long, global = true, value_name = "FILE", help_heading = "Connection")]
    pub(crate) tls_key_path: Option<String>,
    /// The server's CA certificate, PEM
    #[arg(long, global = true, value_name = "FILE", help_heading = "Connection")]
    pub(crate) tls_ca_path: Option<String>,
    /// Name expected in the server's certificate
    #[arg(long, global = true, value_name = "NAME", help_heading = "Connection")]
    pub(crate) tls_server_name: Option<String>,
    /// Task queue the workers poll
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        env = "SUN_TASK_QUEUE",
        default_value = workflows::TASK_QUEUE,
        help_heading = "Connection"
    )]
    pub(crate) task_queue: String,
    /// Web UI for links [default: http://localhost:8233 when Temporal is on this machine]
    #[arg(long, global = true, value_name = "URL", env = "SUN_WEB_UI_URL", help_heading = "Output")]
    pub(crate) web_ui: Option<Url>,
    /// How data is written to stdout
    #[arg(long, short, global = true, value_enum, default_value_t, help_heading = "Output")]
    pub(crate) output: Format,
    /// Colour: auto is on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN", help_heading = "Output")]
    pub(crate) color: When,
}

impl Cli {
    /// Reads what was typed, under the name that was called.
    ///
    /// # Errors
    /// clap's own: what could not be read, or the answer to `--help` and `--version`.
    pub(crate) fn read(args: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let mut command = Self::definition();
        let matches = command.try_get_matches_from_mut(args)?;
        Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    }

    /// The commands and flags, under the name that was called.
    pub(crate) fn definition() -> clap::Command {
        let command = Self::command();
        if program::name() == program::OWN { command } else { renamed(command.bin_name(program::name())) }
    }
}

/// All of the help, under the name that was called.
fn renamed(command: clap::Command) -> clap::Command {
    let in_words = |help: &StyledStr| StyledStr::from(program::in_words_of_caller(&help.to_string()));
    let (about, long) = (command.get_about().map(in_words), command.get_long_about().map(in_words));
    let after = command.get_after_help().map(in_words);
    let argument = |argument: clap::Arg| {
        let (help, long) = (argument.get_help().map(in_words), argument.get_long_help().map(in_words));
        let argument = if let Some(help) = help { argument.help(help) } else { argument };
        if let Some(long) = long { argument.long_help(long) } else { argument }
    };
    let command = command.mut_subcommands(renamed).mut_args(argument);
    let command = if let Some(about) = about { command.about(about) } else { command };
    let command = if let Some(long) = long { command.long_about(long) } else { command };
    if let Some(after) = after { command.after_help(after) } else { command }
}

impl Global {
    /// The connection settings that were typed, in Temporal's own form.
    pub(crate) fn settings(&self) -> ClientConfigProfile {
        let mut profile = ClientConfigProfile::default();
        profile.address.clone_from(&self.address);
        profile.namespace.clone_from(&self.namespace);
        profile.api_key.clone_from(&self.api_key);
        let file = |path: &Option<String>| path.clone().map(DataSource::Path);
        let mut tls = ClientConfigTLS::default();
        tls.disabled = self.tls.map(|on| !on);
        tls.server_name.clone_from(&self.tls_server_name);
        tls.client_cert = file(&self.tls_cert_path);
        tls.client_key = file(&self.tls_key_path);
        tls.server_ca_cert = file(&self.tls_ca_path);
        profile.tls = (tls != ClientConfigTLS::default()).then_some(tls);
        profile
    }
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Orders: start, watch, cancel, answer
    Order {
        #[command(subcommand)]
        command: OrderCommand,
    },
    /// Mails: look at them before they are sent
    Mail {
        #[command(subcommand)]
        command: MailCommand,
    },
    /// Customers: onboard, watch, end the follow-up mails
    Onboarding {
        #[command(subcommand)]
        command: OnboardingCommand,
    },
    /// Syncs with an ERP: start, watch, approve, look into the quarantine
    Erp {
        #[command(subcommand)]
        command: Box<ErpCommand>,
    },
    /// Lists of new prices: update, watch, pause, revert, export
    Prices {
        #[command(subcommand)]
        command: Box<PricesCommand>,
    },
    /// Catalogues: set categories, pictures, products and pricing rules up from a file
    Catalog {
        #[command(subcommand)]
        command: Box<CatalogCommand>,
    },
    /// The object store, where lists lie that are too long for a history
    Store {
        #[command(subcommand)]
        command: StoreCommand,
    },
    /// Files of rows: look at what is read of them, and at everything that is wrong
    Table {
        #[command(subcommand)]
        command: TableCommand,
    },
    /// Processes that run again and again, as a file says
    Schedule {
        #[command(subcommand)]
        command: ScheduleCommand,
    },
    /// Questions that runs of every process ask people, by step and cause, the oldest first
    #[command(after_help = QUESTIONS_HELP)]
    Questions,
    /// Answer what a run asks a person, or what many ask
    #[command(after_help = ANSWER_HELP)]
    Answer(Box<AnswerArgs>),
    /// List runs of every process
    List(ListArgs),
    /// Show one run: where it stands, what it retries, what is stuck
    Show {
        /// The workflow id, such as order/ORDER-001, or ORDER-001 alone
        workflow_id: String,
    },
    /// Event histories
    History {
        #[command(subcommand)]
        command: HistoryCommand,
    },
    /// Check connection, namespace, search attributes, pollers, object store and (with a URL) the worker
    #[command(after_help = "\
For the object store a probe is put there, which the worker looks for, and which is removed again.

Exit codes: 0 all is well · 1 something is not · 3 Temporal cannot be reached")]
    Doctor {
        /// The worker's own address: its /readyz says how it and the outside systems are
        #[arg(long, value_name = "URL", env = "SUN_WORKER_URL")]
        worker_url: Option<Url>,
        /// Leave the object store out: only syncs with an ERP need it
        #[arg(long)]
        without_store: bool,
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Print a completion script: source it in the shell's start-up file
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Args)]
pub(crate) struct ListArgs {
    /// Only runs of this process
    #[arg(long, value_name = "NAME", value_parser = process_name)]
    pub(crate) process: Option<String>,
    /// A filter in Temporal's list language, such as "SunNeedsHuman = true AND ExecutionStatus = 'Running'"
    #[arg(long, value_name = "FILTER")]
    pub(crate) query: Option<String>,
    /// Only runs that wait for a person's answer
    #[arg(long)]
    pub(crate) needs_human: bool,
    /// Runs at most
    #[arg(long, value_name = "N", default_value = "50")]
    pub(crate) limit: NonZeroUsize,
}

#[derive(Subcommand)]
pub(crate) enum HistoryCommand {
    /// Write a run's event history in the SDK's own JSON: the form that its replayer reads. Temporal's CLI and Web UI
    /// write another one, which the replayer does not read. The history holds the order's data: keep it safe
    Export(ExportArgs),
}

#[derive(Args)]
pub(crate) struct ExportArgs {
    /// The workflow id, such as order/ORDER-001
    pub(crate) workflow_id: String,
    /// Which run, if not the latest
    #[arg(long, value_name = "ID")]
    pub(crate) run_id: Option<String>,
    /// File to write, or - for stdout (-o and --output choose the format of data, here always JSON)
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub(crate) output_file: PathBuf,
}

fn process_name(text: &str) -> Result<String, String> {
    let known: Vec<_> = processes::ALL.iter().map(|process| process.name).collect();
    if known.contains(&text) { Ok(text.to_owned()) } else { Err(format!("known: {}", known.join(", "))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_is_defined_once() {
        Cli::command().debug_assert();
    }
}
