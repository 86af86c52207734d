//! The sandbox as a program; `help` is the reference that it prints.

mod help;

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, ValueEnum};
use sandbox::{Database, Options, Sandbox, Seed};
use tokio::signal::unix::{SignalKind, signal};

/// A strict, stateful little shop over HTTP to run Sunflow against.
#[derive(Parser)]
#[command(version, after_long_help = help::REFERENCE)]
struct Arguments {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8484")]
    listen: SocketAddr,

    /// Where to listen for mail by SMTP (no TLS, no login); off by default.
    #[arg(long, value_name = "ADDRESS")]
    smtp_listen: Option<SocketAddr>,

    /// The SQLite file that keeps the shop's books over restarts.
    #[arg(long, value_name = "FILE|:memory:", default_value = ":memory:")]
    database: PathBuf,

    /// Bearer token to ask for on the shop's endpoints (never on /_sandbox, /erp and /health).
    #[arg(long, env = "SUN_SANDBOX_TOKEN", hide_env_values = true)]
    token: Option<String>,

    /// The content of a new database.
    #[arg(long, value_enum, default_value = "shop")]
    seed: SeedName,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SeedName {
    /// The products of the sample orders.
    Shop,
    /// Nothing.
    Empty,
}

impl From<Arguments> for Options {
    fn from(arguments: Arguments) -> Self {
        let Arguments { listen, smtp_listen, database, token, seed } = arguments;
        let in_memory = database.as_os_str() == ":memory:";
        Self {
            listen,
            smtp_listen,
            database: if in_memory { Database::Memory } else { Database::File(database) },
            // An empty variable in a shell or a compose file means: not set.
            token: token.filter(|token| !token.is_empty()),
            seed: match seed {
                SeedName::Shop => Seed::Shop,
                SeedName::Empty => Seed::Empty,
            },
        }
    }
}

/// Says something on stderr. A reader who is gone does not make it fail.
fn say(line: &str) {
    drop(writeln!(std::io::stderr(), "{line}"));
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One line, without the program's own call stack: whoever started it reads the end of a log.
            say(&format!("sandbox: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut terminated = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let running = Sandbox::start(arguments.into()).await?;
    say(&format!("sandbox listening on {}", running.url()));
    if let Some(url) = running.smtp_url() {
        say(&format!("sandbox takes mail at {url}"));
    }
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.context("cannot listen for Ctrl-C")?,
        _ = terminated.recv() => {}
    }
    say("sandbox stopping");
    running.shutdown().await;
    Ok(())
}
