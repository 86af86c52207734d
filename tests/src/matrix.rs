//! The parts that the fault matrices of all processes share: how cells are run, the faults, and waiting for what they
//! hit.
//!
//! A matrix is a reviewed table: for each operation of each step and each undo, one expected outcome per fault. The
//! tables and what "expected" means for a process are in `tests/it/<process>_faults/`.

use std::cell::RefCell;
use std::fmt::{self, Debug};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};
use workflows::report::StepSpec;

use crate::world::{LIMIT, World};

/// Cells of one column at once.
pub const SIDE_BY_SIDE: usize = 4;
/// Those with worker processes of their own cost more.
pub const KILLS_SIDE_BY_SIDE: usize = 2;

/// Settings of workers whose undos are asked about: longer than it takes to notice that a worker is gone, and than a
/// busy machine needs for three attempts.
pub const PATIENT: [&str; 1] = ["--undo-patience=30s"];

/// Runs a column's cells; its failure says every cell that is not as expected.
pub async fn column<C: fmt::Display>(
    cells: impl IntoIterator<Item = C>,
    at_once: usize,
    run: impl AsyncFn(&C) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    column_in(cells, at_once, async || Ok(()), async |cell, ()| run(cell).await).await
}

/// The same, in worlds that serve several cells one after the other, as a world is what a cell costs most. A cell
/// leaves its world as it found it, or makes it new before it begins; after one that is not as expected another world
/// is opened.
pub async fn column_in<C: fmt::Display, W>(
    cells: impl IntoIterator<Item = C>,
    at_once: usize,
    open: impl AsyncFn() -> anyhow::Result<W>,
    run: impl AsyncFn(&C, &mut W) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let cells = RefCell::new(cells.into_iter());
    let next = || cells.borrow_mut().next();
    let (open, run, next) = (&open, &run, &next);
    let worlds = stream::iter(0..at_once).map(async |_| {
        let (mut world, mut results) = (open().await?, Vec::new());
        while let Some(cell) = next() {
            let result = run(&cell, &mut world).await.with_context(|| cell.to_string());
            if result.is_err() {
                world = open().await?;
            }
            results.push(result);
        }
        anyhow::Ok(results)
    });
    let results: Vec<anyhow::Result<Vec<_>>> = worlds.buffer_unordered(at_once).collect().await;
    let results: Vec<anyhow::Result<()>> =
        results.into_iter().collect::<anyhow::Result<Vec<_>>>()?.into_iter().flatten().collect();
    let wrong: Vec<_> =
        results.iter().filter_map(|cell| cell.as_ref().err()).map(|e| format!("{e:#}")).collect();
    ensure!(wrong.is_empty(), "{} of {} cells are wrong:\n{}", wrong.len(), results.len(), wrong.join("\n"));
    Ok(())
}

/// The operation answers with an error twice.
#[must_use]
pub fn down_twice(operation: &str) -> Value {
    json!({ "operation": operation, "kind": "status", "status": 503, "count": 2 })
}

/// The operation has its effect, and its first reply does not arrive.
#[must_use]
pub fn reply_lost(operation: &str) -> Value {
    json!({ "operation": operation, "kind": "reply_lost", "count": 1 })
}

/// The first answer is cut off in the middle, after its effect.
#[must_use]
pub fn garbled(operation: &str) -> Value {
    json!({ "operation": operation, "kind": "malformed", "count": 1 })
}

/// The operation asks to slow down once.
#[must_use]
pub fn rate_limited(operation: &str) -> Value {
    json!({ "operation": operation, "kind": "rate_limit", "count": 1 })
}

/// The operation asks to slow down for ever.
#[must_use]
pub fn put_off(operation: &str) -> Value {
    json!({ "operation": operation, "kind": "rate_limit" })
}

/// Withholds every reply, once its effect has happened, until the faults are set anew.
#[must_use]
pub fn reply_held(operation: &str) -> Value {
    json!({ "operation": operation, "kind": "hold_reply" })
}

/// The operation refuses for good.
#[must_use]
pub fn refused(operation: &str, status: u16) -> Value {
    json!({ "operation": operation, "kind": "status", "status": status })
}

/// The operation takes its time.
#[must_use]
pub fn slow(operation: &str, latency_ms: u64) -> Value {
    json!({ "operation": operation, "kind": "latency", "latency_ms": latency_ms })
}

/// Whether something is as wanted.
pub fn is<A: PartialEq<B> + Debug, B: Debug>(what: &str, found: &A, wanted: &B) -> anyhow::Result<()> {
    ensure!(found == wanted, "{what}: {found:?}, not {wanted:?}");
    Ok(())
}

/// Waits until an operation was requested so many times.
pub async fn requested(world: &World, operation: &str, times: u64) -> anyhow::Result<()> {
    let until = Instant::now() + LIMIT;
    while world.shop.requests(operation).await? < times {
        ensure!(Instant::now() < until, "{operation} was not requested {times} times");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Operations that only ask.
const QUESTIONS: [&str; 20] = [
    "prices.lookup",
    "orders.validate",
    "customers.permission",
    "products.recommend",
    "erp.auth",
    "erp.products",
    "erp.inventory",
    "erp.customers",
    "erp.orders",
    "products.lookup",
    "inventory.lookup",
    "customers.lookup",
    "orders.lookup",
    "inventory.statistics",
    "integrations.get",
    "categories.list",
    "media.list",
    "products.list",
    "products.seo",
    "rules.name",
];

/// Waits until an operation had its effect. A question has none: it is enough that it was asked.
pub async fn effected(world: &World, operation: &str) -> anyhow::Result<()> {
    if QUESTIONS.contains(&operation) {
        return requested(world, operation, 1).await;
    }
    let until = Instant::now() + LIMIT;
    loop {
        let effects = world.shop.get("effects").await?;
        let mut effects = effects.as_array().into_iter().flatten();
        if effects.any(|effect| effect["operation"] == operation && !effect["effect"].is_null()) {
            return Ok(());
        }
        ensure!(Instant::now() < until, "{operation} never had its effect");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Beside a matrix' table: a step of the process without a row there fails the build. Rows have a field `step`.
#[macro_export]
macro_rules! every_step_has_cells {
    ($rows:expr, $process:ty) => {
        const _: () = {
            let mut steps = [""; $rows.len()];
            let mut index = 0;
            while index < $rows.len() {
                steps[index] = $rows[index].step;
                index += 1;
            }
            let all = <$process as ::workflows::saga::Process>::STEPS;
            assert!($crate::matrix::names_every_step(&steps, all), "a step has no cells");
        };
    };
}

/// Whether the steps of a matrix' rows, in their order, are the steps of a process; a step may have several rows.
/// [`every_step_has_cells!`](crate::every_step_has_cells) asserts it beside the table.
///
/// ```
/// use tests::matrix::names_every_step;
/// use workflows::report::StepSpec;
///
/// const STEPS: &[StepSpec] = &[
///     StepSpec::compensable("pay", "Take the money"),
///     StepSpec::retriable("tell", "Tell the customer"),
/// ];
/// assert!(names_every_step(&["pay", "tell", "tell"], STEPS));
/// assert!(!names_every_step(&["pay"], STEPS));
/// assert!(!names_every_step(&["tell"], STEPS));
/// assert!(!names_every_step(&["pay", "tell", "ship"], STEPS));
/// assert!(!names_every_step(&["pay", "sell"], STEPS));
/// ```
#[must_use]
pub const fn names_every_step(rows: &[&str], steps: &[StepSpec]) -> bool {
    let (mut row, mut step) = (0, 0);
    while step < steps.len() {
        if row == rows.len() || !is_same(rows[row], steps[step].name) {
            return false;
        }
        while row < rows.len() && is_same(rows[row], steps[step].name) {
            row += 1;
        }
        step += 1;
    }
    row == rows.len()
}

const fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut index = 0;
    while index < one.len() {
        if one[index] != other[index] {
            return false;
        }
        index += 1;
    }
    true
}
