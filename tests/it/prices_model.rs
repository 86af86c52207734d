//! Random lists, edits by others, pauses, kills and reverts against a model of the shop: after each of them the shop is
//! what the model says.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tests::matrix::slow;
use tests::prices::{PriceRun, PriceWorld};
use tests::world::WorkerProcess;
use workflows::bulk_price_update::BulkUpdateResult;

/// Products of the shop; each has one variant, which is called like it.
const PRODUCTS: u32 = 12;
const STEPS: u32 = 14;
/// Another seed is another walk; this one is repeated by everybody.
const SEED: u64 = 20_260_601;

/// Prices by SKU.
type Prices = BTreeMap<String, i64>;

/// A row of a list, as far as the model goes.
#[derive(Clone, Debug)]
struct Row {
    sku: String,
    old: Option<i64>,
    new: i64,
}

/// The deeds of a run, as the model sees them.
#[derive(Debug, Default, PartialEq)]
struct Did {
    applied: Vec<(String, i64, i64)>,
    unchanged: u64,
    conflicts: u64,
    invalid: u64,
}

/// `SplitMix64`.
struct Dice(u64);

impl Dice {
    /// Below `sides`.
    fn up_to(&mut self, sides: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u32::try_from((mixed ^ (mixed >> 31)) % u64::from(sides)).unwrap_or_default()
    }
}

fn sku(number: u32) -> String {
    format!("GEN-{number:07}")
}

/// The rules, once more, as simply as they can be said.
fn model(prices: &mut Prices, rows: &[Row]) -> Did {
    let mut did = Did::default();
    // Two rows of one product are both wrong, whatever their prices: nobody can tell which one is meant.
    let times = |sku: &str| rows.iter().filter(|row| row.sku == sku).count();
    let before = prices.clone();
    for row in rows {
        let Some(now) = before.get(&row.sku).copied().filter(|_| row.new > 0 && times(&row.sku) == 1) else {
            did.invalid += 1;
            continue;
        };
        if row.new == now {
            did.unchanged += 1;
        } else if row.old.is_some_and(|old| old != now) {
            did.conflicts += 1;
        } else {
            did.applied.push((row.sku.clone(), now, row.new));
            prices.insert(row.sku.clone(), row.new);
        }
    }
    did
}

/// Takes a run back: what is still as it wrote it becomes what it was.
fn revert(prices: &mut Prices, did: &Did) -> (u64, u64) {
    let (mut restored, mut changed) = (0, 0);
    for (sku, before, wrote) in &did.applied {
        match prices.get(sku) {
            Some(now) if now == wrote => {
                prices.insert(sku.clone(), *before);
                restored += 1;
            }
            Some(now) if now == before => restored += 1,
            _ => changed += 1,
        }
    }
    (restored, changed)
}

fn said(result: &BulkUpdateResult) -> (u64, u64, u64, u64) {
    let summary = result.summary;
    (summary.applied, summary.unchanged, summary.conflicts, summary.invalid)
}

/// Few prices, so that rows meet: the same product twice, the price that is there already, somebody else's.
fn roll(dice: &mut Dice, prices: &Prices) -> Vec<Row> {
    let price = |dice: &mut Dice| i64::from(dice.up_to(4)) * 1_000;
    (0..1 + dice.up_to(9))
        .map(|_| {
            let sku = sku(1 + dice.up_to(PRODUCTS));
            let old = match dice.up_to(3) {
                0 => None,
                1 => Some(price(dice) + 1_000),
                _ => prices.get(&sku).copied(),
            };
            Row { sku, old, new: price(dice) }
        })
        .collect()
}

async fn shop(world: &PriceWorld) -> anyhow::Result<Prices> {
    let stock = world.erp.world.shop.get("stock").await?;
    let price = |line: &Value| Some((line["sku"].as_str()?.to_owned(), line["price"].as_i64()?));
    let all = stock.as_array().into_iter().flatten().filter_map(price);
    Ok(all.filter(|(sku, _)| sku.starts_with("GEN-")).collect())
}

/// Kills the worker in the middle of something, wherever that is, half of the time.
async fn strike(world: &PriceWorld, worker: &mut WorkerProcess, dice: &mut Dice) -> anyhow::Result<()> {
    if dice.up_to(2) == 0 {
        tokio::time::sleep(Duration::from_millis(dice.up_to(1_500).into())).await;
        worker.kill()?;
        *worker = world.spawn_worker(&[])?;
    }
    Ok(())
}

#[tokio::test]
async fn the_shop_is_what_a_model_of_a_hundred_lines_says() -> anyhow::Result<()> {
    let world = PriceWorld::without_worker().await?;
    let mut worker = world.spawn_worker(&[])?;
    world.fill(PRODUCTS as usize).await?;
    // A request takes long enough for a kill to find it under way.
    let slowed = [slow("prices.lookup", 100), slow("prices.batch", 200), slow("prices.set", 200)];
    world.erp.world.shop.faults(json!(slowed)).await?;
    let mut dice = Dice(SEED);
    let mut prices = shop(&world).await?;
    let mut runs: Vec<(PriceRun<'_>, Did)> = Vec::new();
    for step in 0..STEPS {
        let words = match dice.up_to(4) {
            0 if !runs.is_empty() => {
                let (run, did) = runs.swap_remove(dice.up_to(u32::try_from(runs.len())?) as usize);
                let wanted = revert(&mut prices, &did);
                if did.applied.is_empty() {
                    continue;
                }
                let back = world.start_revert(&run.batch, false, None).await?;
                strike(&world, &mut worker, &mut dice).await?;
                let back = back.ended().await?.completed()?;
                assert_eq!((back.restored, back.changed_since), wanted, "step {step}: {did:?}");
                format!("revert of {}", run.batch)
            }
            1 => {
                let (sku, price) = (sku(1 + dice.up_to(PRODUCTS)), i64::from(1 + dice.up_to(4)) * 1_000);
                world.set(&sku, &sku, price).await?;
                prices.insert(sku.clone(), price);
                format!("{sku} set to {price}")
            }
            _ => {
                let rows = roll(&mut dice, &prices);
                let did = model(&mut prices, &rows);
                let updates: Vec<Value> = rows
                    .iter()
                    .map(|row| json!({ "sku": row.sku, "old_price": row.old, "new_price": row.new }))
                    .collect();
                let limits = json!({
                    "price_change_percent": 1_000_000, "list_value_percent": 1_000_000, "below_cost": 1_000_000,
                });
                let more = json!({
                    "batch_size": 1 + dice.up_to(4), "parallel": 1 + dice.up_to(3), "limits": limits,
                    "on_invalid": "keep_good_rows", "allow_below_cost": true,
                });
                let run = world.start(json!(updates), more).await?;
                if dice.up_to(2) == 0 && run.pause("the dice say so").await.is_ok() {
                    run.resume().await.map_err(anyhow::Error::msg)?;
                }
                strike(&world, &mut worker, &mut dice).await?;
                let result = run.ended().await?.completed()?;
                let applied = did.applied.len() as u64;
                let wanted = (applied, did.unchanged, did.conflicts, did.invalid);
                assert_eq!(said(&result), wanted, "step {step}: {rows:?}");
                let words = format!("{rows:?}");
                runs.push((run, did));
                words
            }
        };
        assert_eq!(shop(&world).await?, prices, "after step {step}: {words}");
    }
    Ok(())
}
