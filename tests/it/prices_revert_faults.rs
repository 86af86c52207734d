//! The fault matrix of reverts: each call under each fault. [`table`] says what each cell leads to.
//!
//! A run has written thirty prices, and the revert puts them back. Every cell ends with the same questions to the
//! shop's ledger: was any price put back twice, and is each either the run's or the one before it?

mod table;

use anyhow::ensure;
use serde_json::{Value, json};
use tests::customers::Ended;
use tests::matrix::{Cell, Process, calls, is};
use tests::prices::{PriceWorld, Revert, dearer};
use workflows::report::StepStatus;

use table::{Ends, ROWS};

/// Prices of a run.
const PRODUCTS: u64 = 30;
/// Prices a second that are put back: an activity hears of a cancel within two seconds.
const RATE: u32 = 10;

struct Reverts;

impl Process for Reverts {
    type Place = PriceWorld;
    type Run<'w> = Revert<'w>;
    type Way = ();
    type Expected = Ends;

    async fn meet<'w>(world: &'w PriceWorld, _: &Cell<Self>, faults: Value) -> anyhow::Result<Revert<'w>> {
        let products = usize::try_from(PRODUCTS)?;
        world.fill(products).await?;
        let run = world.start(json!(dearer(world, products).await?), json!({})).await?;
        is("written", &run.ended().await?.completed()?.summary.applied, &PRODUCTS)?;
        world.erp.world.shop.faults(faults).await?;
        world.start_revert(&run.batch, false, Some(RATE)).await
    }

    async fn ends(world: &PriceWorld, cell: &Cell<Self>, run: &Revert<'_>) -> anyhow::Result<()> {
        books(world, cell.expected, run).await
    }
}

/// Whether a revert ended as it should, and the books with it.
async fn books(world: &PriceWorld, expected: Ends, run: &Revert<'_>) -> anyhow::Result<()> {
    let restored = match (expected, run.ended().await?) {
        (Ends::Whole, Ended::Completed(result)) if result.success => {
            is("restored", &(result.restored, result.changed_since, result.failed), &(PRODUCTS, 0, 0))?;
            PRODUCTS
        }
        (Ends::Listed, Ended::Completed(result)) if result.success => {
            is("failed", &(result.restored, result.changed_since, result.failed), &(0, 0, PRODUCTS))?;
            0
        }
        (Ends::Failed, Ended::Failed { kind, report, .. }) => {
            is("type", &kind.as_str(), &"StepFailed")?;
            let step = report.step("revert-prices").map(|step| step.status);
            is("step", &step, &Some(StepStatus::Failed))?;
            0
        }
        (Ends::Cancelled { most }, Ended::Canceled(_)) => {
            let ledger = run.ledger().await?;
            let restored = ledger["changes"].as_u64().unwrap_or(u64::MAX);
            ensure!(restored <= most, "{restored} were put back");
            restored
        }
        (expected, ended) => anyhow::bail!("{ended:?}, not {expected:?}"),
    };
    let ledger = run.ledger().await?;
    is("ledger", &ledger["changes"], &json!(restored))?;
    is("twice", &ledger["variants_changed_again"], &json!(0))?;
    is("all changes", &world.changes().await?.unsigned_abs(), &(PRODUCTS + restored))?;
    world.erp.world.shop.clean().await.map(drop)
}

tests::columns! {
    each_call_refused: calls::refused::<Reverts>(ROWS);
    each_call_down_then_rate_limited_then_lost_then_garbled: calls::passing::<Reverts>(ROWS, Ends::Whole);
    each_call_with_its_worker_killed: calls::killed::<Reverts>(ROWS, Ends::Whole);
    each_call_cancelled_under_way: calls::cancelled::<Reverts>(ROWS);
    each_call_down_for_good: calls::down::<Reverts>(ROWS, &["--prices-patience=4s"]);
}

/// A revert that was cancelled in its middle is started again, and puts back the rest.
#[tokio::test]
async fn a_revert_that_was_cancelled_is_started_again_and_puts_back_the_rest() -> anyhow::Result<()> {
    let world = PriceWorld::new().await?;
    world.fill(30).await?;
    let rows = dearer(&world, 30).await?;
    let run = world.start(json!(rows), json!({})).await?;
    run.ended().await?.completed()?;
    let first = world.start_revert(&run.batch, false, Some(RATE)).await?;
    world.erp.world.shop.requested("prices.set").await?;
    first.temporal_cancel().await?;
    ensure!(matches!(first.ended().await?, Ended::Canceled(_)), "not canceled");
    let back = world.revert(&run.batch, false).await?.completed()?;
    is("restored", &(back.restored, back.changed_since, back.failed), &(30, 0, 0))?;
    is("put back", &world.changes().await?, &60)?;
    is("prices", &json!(dearer(&world, 30).await?), &json!(rows))
}
