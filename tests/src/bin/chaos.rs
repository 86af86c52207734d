//! Chaos at length: `cargo xtask chaos`.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tests::chaos::{self, Options};

/// Runs orders while workers and Temporal are killed and calls fail, then reads the shop's books. Exit code 1 when an
/// order did not end as its input says, or an effect happened twice, not at all, or was left over.
#[derive(Parser)]
struct Arguments {
    /// Orders to place; default: 300, or as many as fit into --minutes.
    #[arg(long)]
    orders: Option<usize>,
    /// No order is placed after so many minutes.
    #[arg(long)]
    minutes: Option<u64>,
    /// Orders under way at once.
    #[arg(long, default_value_t = 20)]
    in_flight: usize,
    /// Decides when what is killed and which calls fail.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let Arguments { orders, minutes, in_flight, seed } = Arguments::parse();
    let options = Options {
        orders: orders.unwrap_or(if minutes.is_some() { usize::MAX } else { 300 }),
        time: minutes.map(|minutes| Duration::from_secs(minutes * 60)),
        in_flight,
        seed,
    };
    let tally = chaos::run(&options).await?;
    println!("seed             {seed}\n{tally}");
    let violations = tally.violations();
    for violation in &violations {
        println!("VIOLATION {violation}");
    }
    Ok(if violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
