//! The end of an export for every fault at its call: one expected outcome per cell, to be read by people.

use tests::matrix::Cell;
use workflows::price_export::PriceExport;

use super::Exports;

/// How a cell ends. In no cell the shop is changed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ends {
    /// Completed, every product listed once.
    Whole,
    /// Failed as `StepFailed`.
    Failed,
    /// Canceled.
    Cancelled,
}

/// The operation of a step under every fault.
pub(super) struct Call {
    step: &'static str,
    operation: &'static str,
    /// HTTP 422 for good.
    pub(super) refused: Ends,
    /// Temporal's cancel while the call is under way.
    pub(super) cancelled: Ends,
    /// HTTP 503 for longer than the step's patience.
    pub(super) down: Ends,
}

const ROWS: &[Call] = &[Call {
    step: "list-prices",
    operation: "prices.list",
    refused: Ends::Failed,
    cancelled: Ends::Cancelled,
    down: Ends::Failed,
}];

tests::every_step_has_cells!(ROWS, PriceExport);

/// A column.
pub(super) fn calls(expected: fn(&Call) -> Ends) -> impl Iterator<Item = Cell<Exports>> {
    ROWS.iter().map(move |call| Cell::new(call.step, call.operation, expected(call)))
}
