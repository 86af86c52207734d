//! The shipped worker with a throw-away user of bulk work, for tests that kill it.

use clap::Parser as _;
use tests::bulk;

fn main() -> anyhow::Result<()> {
    let settings = worker::Config::parse().check().map_err(|problems| anyhow::anyhow!("{problems}"))?;
    worker::log::init(&settings);
    let runtime = worker::runtime(&settings)?;
    // Its end is the test's: whoever started it kills it.
    runtime.block_on(bulk::run_worker(settings))
}
