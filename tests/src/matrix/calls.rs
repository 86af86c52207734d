//! Tables whose operations all have the same columns: refused, down for longer than the step's patience, cancelled
//! under
//! way; and faults that pass, after which a run ends as if nothing had been.

use super::faults::last_has_struck;
use super::{
    Cell, HERE, Opened, PASSING, Place as _, Process, Run, Worker, down as down_for_good, each,
    refused_for_good, slow,
};

/// A step, and the operations that it asks for. Of a step that asks for none, nothing can fail.
pub struct Calls<E: 'static> {
    pub step: &'static str,
    pub calls: &'static [Call<E>],
}

/// One operation of a step under every fault.
#[derive(Clone, Copy)]
pub struct Call<E> {
    pub operation: &'static str,
    /// Whether it has its effect twice at a shop that ignores idempotency keys.
    pub needs_keys: bool,
    /// HTTP 422 for good.
    pub refused: E,
    /// Temporal's cancel while the call is under way.
    pub cancelled: E,
    /// HTTP 503 for longer than the step's patience.
    pub down: E,
}

/// A run that Temporal can be asked to cancel.
#[expect(async_fn_in_trait, reason = "a column polls its cells on one thread: they need not be `Send`")]
pub trait Cancellable: Run {
    /// Asks Temporal to cancel it.
    async fn cancel(&self) -> anyhow::Result<()>;
}

/// A column of the calls for which that holds.
fn cells<P: Process>(
    rows: &'static [Calls<P::Expected>],
    holds: impl Fn(&Call<P::Expected>) -> bool,
    expected: impl Fn(&Call<P::Expected>) -> P::Expected,
) -> Vec<Cell<P>> {
    let calls = rows.iter().flat_map(|row| row.calls.iter().map(move |call| (row.step, call)));
    let calls = calls.filter(|(_, call)| holds(call));
    calls.map(|(step, call)| Cell::new(step, call.operation, expected(call))).collect()
}

/// Each call is refused.
pub async fn refused<P: Process>(rows: &'static [Calls<P::Expected>]) -> anyhow::Result<()> {
    super::struck::<P>(cells(rows, |_| true, |call| call.refused), HERE, &[refused_for_good]).await
}

/// Each call is down, then rate-limited, then lost, then garbled; at a shop that ignores idempotency keys, unless the
/// call needs them.
pub async fn passing<P: Process>(
    rows: &'static [Calls<P::Expected>],
    whole: P::Expected,
) -> anyhow::Result<()> {
    let (by_keys, without) =
        (cells(rows, |call| call.needs_keys, |_| whole), cells(rows, |call| !call.needs_keys, |_| whole));
    if !by_keys.is_empty() {
        super::struck::<P>(by_keys, HERE, &PASSING).await?;
    }
    if without.is_empty() { Ok(()) } else { super::struck_without_keys::<P>(without, HERE, &PASSING).await }
}

/// Each call takes its worker with it.
pub async fn killed<P: Process>(
    rows: &'static [Calls<P::Expected>],
    whole: P::Expected,
) -> anyhow::Result<()> {
    super::killed::<P>(cells(rows, |_| true, |_| whole), &[]).await
}

/// Each run is cancelled while the call is under way.
pub async fn cancelled<P: Process>(rows: &'static [Calls<P::Expected>]) -> anyhow::Result<()>
where
    for<'p> P::Run<'p>: Cancellable,
{
    let slow = |operation: &str| slow(operation, 1_500);
    let cells = cells(rows, |_| true, |call| call.cancelled);
    // As `under_way`, whose `then` cannot know that the run is one of that place.
    each(cells, HERE, async |cell: &Cell<P>, opened: &mut Opened<P::Place>| {
        let place = &opened.place;
        let run = cell.meet(place, &[slow]).await?;
        last_has_struck(&place.world().shop, cell.operation).await?;
        run.cancel().await?;
        P::ends(place, cell, &run).await
    })
    .await
}

/// Each call is down for longer than a worker of these settings is patient.
pub async fn down<P: Process>(
    rows: &'static [Calls<P::Expected>],
    impatient: &'static [&'static str],
) -> anyhow::Result<()> {
    let cells = cells(rows, |_| true, |call| call.down);
    super::struck::<P>(cells, Worker::Apart(impatient), &[down_for_good]).await
}
