//! A hundred thousand products: minutes of writing.

use serde_json::Map;
use tests::bench::erp::{Options, run};

#[tokio::test]
async fn a_hundred_thousand_products_take_no_more_memory_than_ten_thousand() -> anyhow::Result<()> {
    let sizes = vec![10_000, 100_000];
    let options = Options { sizes, levels: false, input: Map::new(), worker_settings: Vec::new() };
    let results = run(&options).await?;
    println!("{results}");
    assert_eq!(results.misses(), Vec::<String>::new());
    Ok(())
}
