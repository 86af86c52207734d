//! Everything at once: see `tests::chaos`. `cargo xtask chaos` runs it longer.
//!
//! A test program of its own, which cargo runs alone: it takes the whole machine, and tests beside it would wait.

use std::time::Duration;

use tests::chaos::{self, Kind, Options};

/// Longer than this is a fault, whatever the machine is busy with.
const LIMIT: Duration = Duration::from_secs(300);

#[tokio::test]
async fn three_hundred_orders_survive_killed_workers_a_killed_server_and_failing_calls() -> anyhow::Result<()>
{
    let options = Options { orders: 300, time: None, in_flight: 20, seed: 20 };
    let tally = tokio::time::timeout(LIMIT, chaos::run(&options)).await??;
    println!("{tally}");
    assert_eq!(tally.violations(), Vec::<String>::new());
    let ended = [Kind::Plain, Kind::TwoLines, Kind::Declined].map(|kind| tally.ended_well(kind));
    assert_eq!(ended, [100, 100, 100]);
    // It was chaos.
    assert!(tally.kills >= 3, "only {} workers were killed", tally.kills);
    assert_eq!(tally.server_restarts, 1);
    assert!(tally.faults >= 50, "only {} calls were hit", tally.faults);
    Ok(())
}
