//! Syncs with many batches: what a history holds, and what a worker holds, grows with none of them.
//!
//! Two records a page are 40 a batch, so that 800 products are as many batches as 200,000 are with 500 a page.

use serde_json::json;
use tests::bench::erp::{EVENTS_MAX, Options, PAYLOAD_BYTES_MAX, run};

const BATCHES: usize = 21;
/// Reads of the longest run.
const BATCHES_MAX: usize = 400;

#[tokio::test]
async fn a_run_of_many_batches_stays_below_the_limits_of_a_history() -> anyhow::Result<()> {
    let input = json!({ "page_size": 2 }).as_object().cloned().unwrap_or_default();
    let options = Options { sizes: vec![100, 800], levels: false, input, worker_settings: Vec::new() };
    let results = run(&options).await?;
    println!("{results}");
    assert_eq!(results.misses(), Vec::<String>::new());
    let last = results.sizes.last().and_then(|size| size.steps.first()).expect("measured");
    assert!(last.events > BATCHES * 12, "only {} events: fewer batches than this test is about", last.events);
    let longest = |figure: usize| figure * BATCHES_MAX / BATCHES;
    assert!(longest(last.events) < EVENTS_MAX, "{} events", last.events);
    assert!(longest(last.payload_bytes) < PAYLOAD_BYTES_MAX, "{} bytes", last.payload_bytes);
    Ok(())
}
