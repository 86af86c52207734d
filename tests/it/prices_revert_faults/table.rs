//! The end of a revert for every fault at every call: one expected outcome per cell, to be read by people.

use tests::matrix::Cell;
use workflows::price_revert::PriceRevert;

use super::Reverts;

/// How a cell ends. In every cell each price is put back once at most.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ends {
    /// Completed, every price put back.
    Whole,
    /// Completed, no price put back, each listed as refused.
    Listed,
    /// Failed as `StepFailed`, nothing put back.
    Failed,
    /// Canceled, with so many prices put back at most.
    Cancelled { most: u64 },
}

/// Where a fault strikes.
struct Row {
    step: &'static str,
    calls: &'static [Call],
}

/// One operation of a step under every fault.
#[derive(Clone, Copy)]
pub(super) struct Call {
    operation: &'static str,
    /// HTTP 422 for good.
    pub(super) refused: Ends,
    /// Temporal's cancel while the call is under way.
    pub(super) cancelled: Ends,
    /// HTTP 503 for longer than the step's patience.
    pub(super) down: Ends,
}

const ROWS: &[Row] = &[Row {
    step: "revert-prices",
    calls: &[
        Call {
            operation: "prices.lookup",
            refused: Ends::Failed,
            // The first prices may be sent when the activity hears of it.
            cancelled: Ends::Cancelled { most: 25 },
            down: Ends::Failed,
        },
        Call {
            operation: "prices.set",
            // Each price is refused by itself.
            refused: Ends::Listed,
            // Eight are under way; the next ones may have begun when the activity hears of it.
            cancelled: Ends::Cancelled { most: 25 },
            down: Ends::Failed,
        },
    ],
}];

tests::every_step_has_cells!(ROWS, PriceRevert);

/// A column of the calls for which that holds.
pub(super) fn calls(
    holds: fn(&Call) -> bool,
    expected: fn(&Call) -> Ends,
) -> impl Iterator<Item = Cell<Reverts>> {
    let calls = ROWS.iter().flat_map(|row| row.calls.iter().map(move |call| (row.step, call)));
    let calls = calls.filter(move |(_, call)| holds(call));
    calls.map(move |(step, call)| Cell::new(step, call.operation, expected(call)))
}
