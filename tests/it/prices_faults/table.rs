//! The end of a price run for every fault at every step: one expected outcome per cell, to be read by people.

use tests::matrix::Cell;
use workflows::bulk_price_update::BulkPriceUpdate;

use super::Prices;

/// How a cell ends. In every cell the ledger has each price once at most.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ends {
    /// Completed, every row written.
    Whole,
    /// Failed as `StepFailed` at that step, nothing written.
    Failed(&'static str),
    /// Canceled behind a whole batch, with so many rows written at most.
    Cancelled { most: u64 },
}

/// Where a fault strikes.
struct Row {
    step: &'static str,
    cells: Cells,
}

enum Cells {
    /// A call.
    Call(Call),
    /// Nothing is asked of anybody, so nothing can fail.
    Nothing,
}

/// One operation of a step under every fault.
#[derive(Clone, Copy)]
pub(super) struct Call {
    operation: &'static str,
    /// Whether it has its effect twice at a shop that ignores idempotency keys.
    pub(super) needs_keys: bool,
    /// HTTP 422 for good.
    pub(super) refused: Ends,
    /// Temporal's cancel while the call is under way.
    pub(super) cancelled: Ends,
    /// HTTP 503 for longer than the step's patience.
    pub(super) down: Ends,
}

const VALIDATE: &str = "validate-updates";
const PROCESS: &str = "process-batches";
const SUMMARY: &str = "generate-summary";
const NOTIFY: &str = "send-notification";

const ROWS: &[Row] = &[
    Row {
        step: VALIDATE,
        cells: Cells::Call(Call {
            operation: "prices.lookup",
            needs_keys: false,
            refused: Ends::Failed(VALIDATE),
            cancelled: Ends::Cancelled { most: 0 },
            down: Ends::Failed(VALIDATE),
        }),
    },
    Row {
        step: PROCESS,
        cells: Cells::Call(Call {
            operation: "prices.batch",
            // A price that is there already is seen before it is written again.
            needs_keys: false,
            // A batch that is refused as a whole is about the request, not about its rows.
            refused: Ends::Failed(PROCESS),
            // The batch in hand is finished; the next one may have begun when the activity hears of it.
            cancelled: Ends::Cancelled { most: 20 },
            down: Ends::Failed(PROCESS),
        }),
    },
    Row { step: SUMMARY, cells: Cells::Nothing },
    Row {
        step: NOTIFY,
        cells: Cells::Call(Call {
            operation: "notifications.team",
            needs_keys: true,
            // Best effort: the prices are written.
            refused: Ends::Whole,
            // Every price is written: whoever cancels may want the old ones back.
            cancelled: Ends::Cancelled { most: 30 },
            down: Ends::Whole,
        }),
    },
];

tests::every_step_has_cells!(ROWS, BulkPriceUpdate);

/// A column of the calls for which that holds.
pub(super) fn calls(
    holds: fn(&Call) -> bool,
    expected: fn(&Call) -> Ends,
) -> impl Iterator<Item = Cell<Prices>> {
    let cells = ROWS.iter().filter_map(|row| match &row.cells {
        Cells::Call(call) => Some((row.step, call)),
        Cells::Nothing => None,
    });
    let cells = cells.filter(move |(_, call)| holds(call));
    cells.map(move |(step, call)| Cell::new(step, call.operation, expected(call)))
}
