//! Orders of people to a running batch: pause, resume, another rate, the end; and the way back.

use std::time::{Duration, Instant};

use serde_json::json;
use tests::matrix::{is, reply_lost};
use tests::prices::{PriceWorld, dearer};
use workflows::report::StepStatus;

const SLOW: u32 = 20;

#[tokio::test]
async fn a_run_pauses_behind_the_batch_in_hand_and_goes_on_with_another_rate() -> anyhow::Result<()> {
    let world = PriceWorld::new().await?;
    world.fill(200).await?;
    let rows = dearer(&world, 200).await?;
    let run = world.start(json!(rows), json!({ "batch_size": 5, "max_per_second": SLOW })).await?;
    world.erp.world.shop.requested("prices.batch").await?;
    run.pause("a call from the shop").await.map_err(anyhow::Error::msg)?;
    let waits = |progress: &workflows::report::Progress| {
        progress.step("process-batches").is_some_and(|step| step.status == StepStatus::Waiting)
    };
    let progress = run.until("paused", waits).await?;
    let said = progress.step("process-batches").and_then(|step| step.detail.clone());
    is("said", &said.as_deref(), &Some("paused: a call from the shop"))?;
    let before = world.changes().await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    is("changes while it pauses", &world.changes().await?, &before)?;
    assert!((5..200).contains(&before), "{before} were written");
    let again = run.pause("once more").await;
    assert!(again.is_err_and(|said| said.contains("it pauses already")));

    run.set_rate(None).await.map_err(anyhow::Error::msg)?;
    let processed = run.resume().await.map_err(anyhow::Error::msg)?;
    is("processed", &i64::try_from(processed)?, &before)?;
    let resumed = Instant::now();
    let result = run.ended().await?.completed()?;
    assert!(resumed.elapsed() < Duration::from_secs(6), "without a rate it took {:?}", resumed.elapsed());
    is("applied", &result.summary.applied, &200)?;
    is("ledger", &world.ledger(&run).await?["variants_changed_again"], &json!(0))?;
    let late = run.resume().await;
    assert!(late.is_err(), "a run that has ended takes no update");
    Ok(())
}

#[tokio::test]
async fn a_run_that_is_cancelled_tells_what_it_wrote_and_takes_it_back() -> anyhow::Result<()> {
    for is_reverted in [false, true] {
        let world = PriceWorld::new().await?;
        world.fill(100).await?;
        let rows = dearer(&world, 100).await?;
        let run = world.start(json!(rows), json!({ "batch_size": 5, "max_per_second": SLOW })).await?;
        world.erp.world.shop.requested("prices.batch").await?;
        let accepted = run.cancel("wrong list", is_reverted).await.map_err(anyhow::Error::msg)?;
        is("will undo", &accepted.will_undo.len(), &usize::from(is_reverted))?;
        let result = run.ended().await?.completed()?;
        assert_eq!((result.success, result.outcome.as_str()), (false, "cancelled"));
        let applied = result.summary.applied;
        assert!((1..100).contains(&applied), "{applied} were written");
        let restored = result.reverted.map(|reverted| reverted.written.count("restored"));
        is("restored", &restored, &is_reverted.then_some(applied))?;
        let changed = i64::try_from(applied)? * if is_reverted { 2 } else { 1 };
        is("changes", &world.changes().await?, &changed)?;
        if !is_reverted {
            let back = world.revert(&run.batch, false).await?.completed()?;
            is("restored afterwards", &back.restored, &applied)?;
        }
        let now = dearer(&world, 100).await?;
        assert_eq!(json!(now), json!(rows), "every price is what it was");
    }
    Ok(())
}

#[tokio::test]
async fn a_revert_leaves_what_somebody_has_changed_since() -> anyhow::Result<()> {
    let world = PriceWorld::new().await?;
    let rows = json!([
        { "sku": "MOUSE-001", "new_price": 450_000 },
        { "sku": "KEYBOARD-001", "new_price": 1_100_000 },
        { "sku": "LAPTOP-001", "old_price": 25_000_000, "new_price": 23_000_000 },
        { "sku": "HEADSET-001", "old_price": 7, "new_price": 1_700_000 },
    ]);
    let run = world.start(rows, json!({})).await?;
    run.ended().await?.completed()?;
    world.set("KEYBOARD-001", "KEYBOARD-001-US", 999_000).await?;
    let changes = world.changes().await?;

    let dry = world.revert(&run.batch, true).await?.completed()?;
    assert_eq!((dry.restored, dry.changed_since, dry.failed), (2, 1, 0));
    is("a dry run writes nothing", &world.changes().await?, &changes)?;

    let back = world.revert(&run.batch, false).await?.completed()?;
    assert_eq!((back.restored, back.changed_since, back.failed), (2, 1, 0));
    is("mouse", &world.price("MOUSE-001-BLACK").await?, &500_000)?;
    is("laptop", &world.price("LAPTOP-001-16GB-512GB").await?, &25_000_000)?;
    is("keyboard", &world.price("KEYBOARD-001-US").await?, &999_000)?;
    is("headset", &world.price("HEADSET-001-WHITE").await?, &1_800_000)
}

/// Such a shop knows prices of products only, and overwrites: a price is read right before it is put back.
#[tokio::test]
async fn a_shop_that_compares_nothing_is_taken_back_as_well() -> anyhow::Result<()> {
    let world = PriceWorld::with(&["--prices-compare=false", "--prices-batch=false"]).await?;
    world.fill(10).await?;
    let mut rows = dearer(&world, 10).await?;
    // As an export names it: the only variant.
    rows[9]["variant"] = rows[9]["sku"].clone();
    let run = world.start(json!(rows), json!({})).await?;
    let result = run.ended().await?.completed()?;
    is("applied, compared", &(result.summary.applied, result.summary.compare_and_set), &(10, false))?;
    world.set("GEN-0000001", "GEN-0000001", 7_000).await?;
    let back = world.revert(&run.batch, false).await?.completed()?;
    is("restored", &(back.restored, back.changed_since), &(9, 1))?;
    is("somebody's price", &world.price("GEN-0000001").await?, &7_000)?;
    is("a price of before", &json!(dearer(&world, 10).await?[1..9]), &json!(rows[1..9]))
}

/// Its before-images would be added to those of the first run, which can be taken back for longer than Temporal knows
/// of it.
#[tokio::test]
async fn a_name_that_was_used_is_not_used_again_while_its_run_can_be_taken_back() -> anyhow::Result<()> {
    let world = PriceWorld::new().await?;
    world.fill(3).await?;
    let run = world.start(json!(dearer(&world, 3).await?), json!({})).await?;
    run.ended().await?.completed()?;
    let more = json!({ "batch_id": run.batch });
    let again = world.run(json!(dearer(&world, 3).await?), more.clone()).await?;
    let (message, _) = again.failed_as("StepFailed")?;
    assert!(message.contains("give this one another --batch-id"), "{message}");
    is("changes", &world.changes().await?, &3)?;
    let mut dry = more;
    dry["dry_run"] = json!(true);
    world.run(json!(dearer(&world, 3).await?), dry).await?.completed().map(drop)
}

#[tokio::test]
async fn what_was_never_written_cannot_be_taken_back() -> anyhow::Result<()> {
    let world = PriceWorld::new().await?;
    let run = world.start(json!([{ "sku": "GHOST", "new_price": 1 }]), json!({})).await?;
    run.ended().await?.failed_as("RowsInvalid")?;
    let (message, _) = world.revert(&run.batch, false).await?.failed_as("NothingToRevert")?;
    assert!(message.contains("SUN_PRICES_REVERTIBLE"), "{message}");
    Ok(())
}

/// P3: both dates are past, so both steps are made, in the order of time; the way back goes to before the first one.
#[tokio::test]
async fn two_past_dates_of_one_product_are_two_steps_and_are_taken_back_in_turn() -> anyhow::Result<()> {
    let world = PriceWorld::new().await?;
    let rows = json!([
        { "sku": "MOUSE-001", "new_price": 470_000, "effective_date": "2024-03-01T00:00:00Z" },
        { "sku": "MOUSE-001", "new_price": 450_000, "effective_date": "2024-02-01T00:00:00Z" },
    ]);
    let run = world.start(rows, json!({})).await?;
    let result = run.ended().await?.completed()?;
    is("applied", &result.summary.applied, &2)?;
    is("mouse", &world.price("MOUSE-001-BLACK").await?, &470_000)?;
    let dry = world.revert(&run.batch, true).await?.completed()?;
    is("would be restored", &(dry.restored, dry.changed_since), &(2, 0))?;
    let back = world.revert(&run.batch, false).await?.completed()?;
    is("restored", &(back.restored, back.changed_since), &(2, 0))?;
    is("mouse", &world.price("MOUSE-001-BLACK").await?, &500_000)
}

/// Behind two steps of a run somebody sets the price of the first one again: it is that person's by now.
#[tokio::test]
async fn a_price_that_somebody_sets_to_that_of_a_step_before_is_left() -> anyhow::Result<()> {
    let world = PriceWorld::new().await?;
    let step = |price: u32, month: &str| json!({ "sku": "MOUSE-001", "new_price": price, "effective_date": format!("2024-{month}-01T00:00:00Z") });
    let rows = json!([step(450_000, "02"), step(470_000, "03")]);
    let run = world.start(rows, json!({})).await?;
    run.ended().await?.completed()?;
    world.set("MOUSE-001", "MOUSE-001-BLACK", 450_000).await?;
    for dry_run in [true, false] {
        let back = world.revert(&run.batch, dry_run).await?.completed()?;
        is("restored, changed since", &(back.restored, back.changed_since), &(0, 2))?;
        is("somebody's price", &world.price("MOUSE-001-BLACK").await?, &450_000)?;
    }
    Ok(())
}

/// The reply to a price that is put back is lost: the next look does not take it for somebody's.
#[tokio::test]
async fn a_step_that_was_put_back_without_a_reply_is_not_somebody_elses() -> anyhow::Result<()> {
    let world = PriceWorld::new().await?;
    let rows = json!([
        { "sku": "MOUSE-001", "new_price": 450_000, "effective_date": "2024-02-01T00:00:00Z" },
        { "sku": "MOUSE-001", "new_price": 470_000, "effective_date": "2024-03-01T00:00:00Z" },
    ]);
    let run = world.start(rows, json!({})).await?;
    run.ended().await?.completed()?;
    world.erp.world.shop.faults(json!([reply_lost("prices.set")])).await?;
    let back = world.revert(&run.batch, false).await?.completed()?;
    is("restored, changed since", &(back.restored, back.changed_since), &(2, 0))?;
    is("mouse", &world.price("MOUSE-001-BLACK").await?, &500_000)
}
