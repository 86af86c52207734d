//! Fault matrices: each operation of each step of a process, and each undo, under each fault.
//!
//! A matrix is a reviewed table with one expected outcome per cell. A process brings that table, how a run of it is
//! started, and how its end is compared with what the table says ([`Process`]). The columns are here: faults that
//! strike ([`struck`]), the worker's death ([`killed`]), something that happens while the operation is [`under_way`]. A
//! column that only one process has is written with [`each`], and tables that all have the same ones share [`calls`].
//!
//! A column runs all of its cells, several at once, and its failure names every cell that is not as expected.

pub mod calls;
mod faults;
mod looks;
mod places;
mod steps;

use std::cell::RefCell;
use std::fmt::{self, Debug, Display};

use anyhow::{Context as _, ensure};
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};

pub use faults::{
    Fault, PASSING, SLOW_THIRD, down, down_twice, forbidden_twice, garbled, put_off, rate_limited, refused,
    refused_for_good, reply_held, reply_lost, requested, slow,
};
pub use looks::{cancel_is_answered, is, tells};
pub use places::{Opened, Place, Run, Worker, WorkerOfCell};
pub use steps::names_every_step;

use faults::{all_have_struck, last_has_struck};

/// Columns as tests of the module that has the table, a line each.
#[macro_export]
macro_rules! columns {
    ($($(#[$words:meta])* $name:ident: $column:expr;)*) => {
        $($(#[$words])* #[tokio::test] async fn $name() -> anyhow::Result<()> { $column.await })*
    };
}

/// A worker in this process, with the usual settings.
pub const HERE: Worker = Worker::Here(&[]);

/// A worker whose undos are asked about only after longer than it takes to notice that a worker is gone, and than a
/// busy machine needs for three attempts.
pub const PATIENT: &[&str] = &["--undo-patience=30s"];

/// A process under its matrix.
#[expect(async_fn_in_trait, reason = "a column polls its cells on one thread: they need not be `Send`")]
pub trait Process: Sized {
    /// The world of a cell.
    type Place: Place;
    /// A run of the process.
    type Run<'p>: Run;
    /// How a run comes to an operation.
    type Way: Way;
    /// The outcome of a cell.
    type Expected: Copy;

    /// Sets the faults, and starts a run that comes to the cell's operation.
    async fn meet<'p>(
        place: &'p Self::Place,
        cell: &Cell<Self>,
        faults: Value,
    ) -> anyhow::Result<Self::Run<'p>>;

    /// Compares the run's end, and the books of the place, with what the cell expects.
    async fn ends<'p>(place: &'p Self::Place, cell: &Cell<Self>, run: &Self::Run<'p>) -> anyhow::Result<()>;
}

/// How a run comes to an operation. The default is the way of every run.
pub trait Way: Copy + Debug + Default + PartialEq {
    /// The faults that make a run go this way. They stay until it ends.
    fn faults(self, operation: &str) -> Vec<Value>;
}

/// There is only one way.
impl Way for () {
    fn faults(self, _operation: &str) -> Vec<Value> {
        Vec::new()
    }
}

/// An operation under a fault, and what comes of it.
pub struct Cell<P: Process> {
    pub step: &'static str,
    pub operation: &'static str,
    pub way: P::Way,
    pub expected: P::Expected,
    /// Whether an attempt after a lost reply looks for the effect instead of asking for it again. A fault behind the
    /// lost reply then strikes nothing.
    pub is_looked_up: bool,
}

impl<P: Process> Cell<P> {
    pub fn new(step: &'static str, operation: &'static str, expected: P::Expected) -> Self {
        Self { step, operation, way: P::Way::default(), expected, is_looked_up: false }
    }

    /// The same on another way.
    #[must_use]
    pub fn on(self, way: P::Way) -> Self {
        Self { way, ..self }
    }

    /// The same of an operation that is looked up, if it is one of these.
    #[must_use]
    pub fn looked_up_if(self, operations: &[&str]) -> Self {
        Self { is_looked_up: operations.contains(&self.operation), ..self }
    }

    /// Starts a run that meets these faults at the operation.
    async fn meet<'p>(&self, place: &'p P::Place, faults: &[Fault]) -> anyhow::Result<P::Run<'p>> {
        let own = faults.iter().map(|fault| fault(self.operation));
        P::meet(place, self, self.way.faults(self.operation).into_iter().chain(own).collect()).await
    }

    async fn strike(&self, place: &P::Place, faults: &[Fault]) -> anyhow::Result<()> {
        let run = self.meet(place, faults).await?;
        run.is_over().await?;
        all_have_struck(&place.world().shop, self.operation, self.is_looked_up).await?;
        P::ends(place, self, &run).await
    }
}

impl<P: Process> Display for Cell<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.step, self.operation)?;
        if self.way == P::Way::default() { Ok(()) } else { write!(f, ", {:?}", self.way) }
    }
}

/// Each cell struck by faults, those that fail the operation before those that spoil its answer. Every fault strikes as
/// often as it can, the operation is asked for once more if they pass, and the run ends as expected.
pub async fn struck<P: Process>(
    cells: impl IntoIterator<Item = Cell<P>>,
    worker: Worker,
    faults: &[Fault],
) -> anyhow::Result<()> {
    each(cells, worker, async |cell, opened: &mut Opened<P::Place>| cell.strike(&opened.place, faults).await)
        .await
}

/// The same at a shop that ignores idempotency keys.
pub async fn struck_without_keys<P: Process>(
    cells: impl IntoIterator<Item = Cell<P>>,
    worker: Worker,
    faults: &[Fault],
) -> anyhow::Result<()> {
    each(cells, worker, async |cell, opened: &mut Opened<P::Place>| {
        opened.place.world().shop.put("switches", json!({ "dedupe": "off" })).await?;
        cell.strike(&opened.place, faults).await
    })
    .await
}

/// Each cell with `kill -9` of its worker after the effect, before the worker hears of it. Another one takes over.
pub async fn killed<P: Process>(
    cells: impl IntoIterator<Item = Cell<P>>,
    settings: &'static [&'static str],
) -> anyhow::Result<()> {
    each(cells, Worker::Apart(settings), async |cell, opened: &mut Opened<P::Place>| {
        let (place, worker) = (&opened.place, &mut opened.worker);
        let shop = &place.world().shop;
        let run = cell.meet(place, &[reply_held]).await?;
        last_has_struck(shop, cell.operation).await?;
        worker.process()?.kill()?;
        shop.faults(json!(cell.way.faults(cell.operation))).await?;
        worker.start_again(place)?;
        P::ends(place, cell, &run).await
    })
    .await
}

/// Each cell under these faults. When the last of them strikes, `then` goes on, to the end.
pub async fn under_way<P: Process>(
    cells: impl IntoIterator<Item = Cell<P>>,
    worker: Worker,
    faults: &[Fault],
    then: impl AsyncFn(&P::Place, &Cell<P>, &P::Run<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    each(cells, worker, async |cell, opened: &mut Opened<P::Place>| {
        let place = &opened.place;
        let run = cell.meet(place, faults).await?;
        last_has_struck(&place.world().shop, cell.operation).await?;
        then(place, cell, &run).await
    })
    .await
}

/// Runs cells of any kind, each in a place with its worker.
///
/// A place is what a cell costs most, so it serves several cells one after the other if it can be made new. After a
/// cell that is not as expected another place is opened.
pub async fn each<C: Display, P: Place>(
    cells: impl IntoIterator<Item = C>,
    worker: Worker,
    run: impl AsyncFn(&C, &mut Opened<P>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let cells = RefCell::new(cells.into_iter());
    let next = || cells.borrow_mut().next();
    let (run, next) = (&run, &next);
    let lanes = stream::iter(0..worker.at_once()).map(async |_| {
        let (mut last, mut results) = (None, Vec::new());
        while let Some(cell) = next() {
            let result = async {
                let mut opened = Opened::for_next(last.take(), worker).await?;
                run(&cell, &mut opened).await?;
                last = Some(opened);
                anyhow::Ok(())
            };
            results.push(result.await.with_context(|| cell.to_string()));
        }
        results
    });
    let results: Vec<Vec<_>> = lanes.buffer_unordered(worker.at_once()).collect().await;
    let results: Vec<anyhow::Result<()>> = results.into_iter().flatten().collect();
    let wrong: Vec<_> =
        results.iter().filter_map(|cell| cell.as_ref().err()).map(|e| format!("{e:#}")).collect();
    ensure!(!results.is_empty(), "the column has no cells");
    ensure!(wrong.is_empty(), "{} of {} cells are wrong:\n{}", wrong.len(), results.len(), wrong.join("\n"));
    Ok(())
}
