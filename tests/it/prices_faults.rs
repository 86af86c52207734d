//! The fault matrix of price runs: each call of each step under each fault. [`table`] says what each cell leads to.
//!
//! A run has thirty rows, each of which changes a price. Every cell ends with the same question to the shop's ledger:
//! was any price written twice?

mod table;

use anyhow::ensure;
use serde_json::{Value, json};
use tests::customers::Ended;
use tests::matrix::{Cell, Process, calls, is, refused, requested};
use tests::prices::{PriceRun, PriceWorld, dearer};
use workflows::bulk_price_update::BulkUpdateResult;
use workflows::report::StepStatus;

use table::{Ends, ROWS};

/// Rows of a run.
const PRODUCTS: u64 = 30;
/// Rows of a batch.
const BATCH: u64 = 10;

struct Prices;

impl Process for Prices {
    type Place = PriceWorld;
    type Run<'w> = PriceRun<'w>;
    type Way = ();
    type Expected = Ends;

    async fn meet<'w>(world: &'w PriceWorld, _: &Cell<Self>, faults: Value) -> anyhow::Result<PriceRun<'w>> {
        start(world, faults).await
    }

    async fn ends(world: &PriceWorld, cell: &Cell<Self>, run: &PriceRun<'_>) -> anyhow::Result<()> {
        books(world, cell.expected, run).await
    }
}

/// Starts a run under these faults.
async fn start(world: &PriceWorld, faults: Value) -> anyhow::Result<PriceRun<'_>> {
    let products = usize::try_from(PRODUCTS)?;
    world.fill(products).await?;
    let rows = dearer(world, products).await?;
    world.erp.world.shop.faults(faults).await?;
    world.start(json!(rows), json!({ "batch_size": BATCH })).await
}

/// Whether a run ended as it should, and the books with it.
async fn books(world: &PriceWorld, expected: Ends, run: &PriceRun<'_>) -> anyhow::Result<()> {
    let said = |result: &BulkUpdateResult| (result.summary.applied, result.summary.failed_updates);
    let written = match (expected, run.ended().await?) {
        (Ends::Whole, Ended::Completed(result)) if result.success => {
            is("rows", &said(&result), &(PRODUCTS, 0))?;
            PRODUCTS
        }
        (Ends::Failed(step), Ended::Failed { kind, report, .. }) => {
            is("type", &kind.as_str(), &"StepFailed")?;
            is(step, &report.step(step).map(|step| step.status), &Some(StepStatus::Failed))?;
            0
        }
        (Ends::Cancelled { most }, Ended::Canceled(_)) => {
            let written = world.changes().await?.unsigned_abs();
            ensure!((BATCH.min(most)..=most).contains(&written) && written % BATCH == 0, "{written} prices");
            written
        }
        (expected, ended) => anyhow::bail!("{ended:?}, not {expected:?}"),
    };
    let ledger = world.ledger(run).await?;
    is("ledger", &ledger["changes"], &json!(written))?;
    is("twice", &ledger["variants_changed_again"], &json!(0))?;
    world.erp.world.shop.clean().await.map(drop)
}

tests::columns! {
    each_call_refused: calls::refused::<Prices>(ROWS);
    each_call_down_then_rate_limited_then_lost_then_garbled: calls::passing::<Prices>(ROWS, Ends::Whole);
    each_call_with_its_worker_killed: calls::killed::<Prices>(ROWS, Ends::Whole);
    each_call_cancelled_under_way: calls::cancelled::<Prices>(ROWS);
    each_call_down_for_good: calls::down::<Prices>(ROWS, &["--prices-patience=3s", "--notice-patience=3s"]);
}

/// A token that is refused, or a path that is missing, does not fail a row: the run waits and names what mends it.
#[tokio::test]
async fn a_setting_that_is_wrong_holds_the_run_up_and_is_named() -> anyhow::Result<()> {
    for (status, said) in
        [(401, "SUN_ECOMMERCE_API_TOKEN"), (403, "SUN_ECOMMERCE_API_TOKEN"), (404, "SUN_ECOMMERCE_API_URL")]
    {
        let world = PriceWorld::new().await?;
        let refusals = ["prices.batch", "prices.set"].map(|operation| refused(operation, status));
        let run = start(&world, json!(refusals)).await?;
        requested(&world.erp.world, "prices.batch", 2).await?;
        let failures = run.pending_failures().await?;
        ensure!(failures.iter().any(|failure| failure.contains(said)), "{status}: {failures:?}");
        world.erp.world.shop.mend().await?;
        books(&world, Ends::Whole, &run).await?;
    }
    Ok(())
}

/// A firewall before the shop dislikes one row, and with it each batch that has it: the row costs itself.
#[tokio::test]
async fn one_row_that_is_disliked_does_not_hold_up_the_others() -> anyhow::Result<()> {
    let world = PriceWorld::new().await?;
    let once = json!({ "operation": "prices.set", "kind": "status", "status": 403, "count": 1 });
    let run = start(&world, json!([refused("prices.batch", 403), once])).await?;
    let result = run.ended().await?.completed()?;
    is("rows", &(result.summary.applied, result.summary.failed_updates), &(PRODUCTS - 1, 1))?;
    is("twice", &world.ledger(&run).await?["variants_changed_again"], &json!(0))?;
    world.erp.world.shop.clean().await.map(drop)
}
