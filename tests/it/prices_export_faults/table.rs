//! The end of an export for every fault at its call: one expected outcome per cell, to be read by people.

use tests::matrix::calls::{Call, Calls};
use workflows::price_export::PriceExport;

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

pub(super) const ROWS: &[Calls<Ends>] = &[Calls {
    step: "list-prices",
    calls: &[Call {
        operation: "prices.list",
        needs_keys: false,
        refused: Ends::Failed,
        cancelled: Ends::Cancelled,
        down: Ends::Failed,
    }],
}];

tests::every_step_has_cells!(ROWS, PriceExport);
