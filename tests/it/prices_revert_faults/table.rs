//! The end of a revert for every fault at every call: one expected outcome per cell, to be read by people.

use tests::matrix::calls::{Call, Calls};
use workflows::price_revert::PriceRevert;

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

pub(super) const ROWS: &[Calls<Ends>] = &[Calls {
    step: "revert-prices",
    calls: &[
        Call {
            operation: "prices.lookup",
            needs_keys: false,
            refused: Ends::Failed,
            // The first prices may be sent when the activity hears of it.
            cancelled: Ends::Cancelled { most: 25 },
            down: Ends::Failed,
        },
        Call {
            operation: "prices.set",
            needs_keys: true,
            // Each price is refused by itself.
            refused: Ends::Listed,
            // Eight are under way; the next ones may have begun when the activity hears of it.
            cancelled: Ends::Cancelled { most: 25 },
            down: Ends::Failed,
        },
    ],
}];

tests::every_step_has_cells!(ROWS, PriceRevert);
