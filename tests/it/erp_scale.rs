//! Syncs with many batches: what a history holds, and what a worker holds, grows with none of them.
//!
//! One record a page makes 20 records a batch, so that few records are as many batches as millions are with 500 a page.

use serde_json::json;
use tests::bench::erp::{EVENTS_MAX, Options, PAYLOAD_BYTES_MAX, run};

/// Reads of one run at most.
const BATCHES_MAX: usize = 400;
const BATCHES: usize = 101;

#[tokio::test]
async fn a_run_of_many_batches_stays_below_the_limits_of_a_history() -> anyhow::Result<()> {
    let input = json!({ "page_size": 1 }).as_object().cloned().unwrap_or_default();
    let options = Options { sizes: vec![200, 2_000], levels: false, input, worker_settings: Vec::new() };
    let results = run(&options).await?;
    println!("{results}");
    assert_eq!(results.misses(), Vec::<String>::new());
    let last = results.sizes.last().and_then(|size| size.steps.first()).expect("measured");
    assert!(last.events > BATCHES * 12, "only {} events: fewer batches than this test is about", last.events);
    // The longest run has four times as many.
    assert!(last.events * BATCHES_MAX / BATCHES < EVENTS_MAX, "{} events", last.events);
    assert!(last.payload_bytes * BATCHES_MAX / BATCHES < PAYLOAD_BYTES_MAX, "{} bytes", last.payload_bytes);
    Ok(())
}
