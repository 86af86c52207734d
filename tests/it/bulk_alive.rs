//! However quick or slow its pages are, a long way stays alive. One attempt each: an attempt that dies is a failed run.

use std::time::Duration;

use tests::bulk::{BulkWorld, Leaf};
use tests::matrix::is;

/// The time after which Temporal gives a silent worker up.
const HEARTBEAT: Duration = Duration::from_secs(1);

#[tokio::test]
async fn pages_of_any_length_stay_alive() -> anyhow::Result<()> {
    let bulk = BulkWorld::with(0).await?;
    let _worker = bulk.spawn_worker(&[])?;
    for (pages, page_ms) in [
        // Slower than that.
        (2, 2_500),
        // Quicker than a third of it, when a heartbeat is due.
        (10, 200),
        // Many quick ones, four times as long in all, and no note of any between them.
        (800, 5),
    ] {
        let leafed = bulk.leaf(Leaf { pages, page_ms }, HEARTBEAT).await;
        is(
            &format!("{pages} pages of {page_ms} ms"),
            &leafed.map_err(|error| format!("{error:#}")),
            &Ok(pages),
        )?;
    }
    Ok(())
}
