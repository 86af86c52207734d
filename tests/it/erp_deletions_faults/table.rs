//! The end of a sync for every fault at every call about what is gone: one expected outcome per cell, to be read by
//! people.

use tests::matrix::Cell;

use super::Deletions;

/// How a run ends. In every cell the next run takes the product out of sale, if this one did not.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ends {
    /// Completed, the product is out of sale.
    Whole,
    /// Completed, the shop refused one product.
    Refused,
    /// Completed, and told that nobody could look: nothing is out of sale.
    NotLooked,
    /// Failed as `StepFailed`, nothing is out of sale.
    Failed,
    /// Canceled in that step; a product that was on its way out of sale is finished.
    Cancelled(&'static str, bool),
}

/// A call under every fault.
pub(super) struct Call {
    pub(super) step: &'static str,
    operation: &'static str,
    /// HTTP 422 for good. One product that the shop refuses keeps no run from its end.
    pub(super) refused: Ends,
    /// Without an answer for all the patience. The findings of the look are never worth more than the writes.
    pub(super) down: Ends,
    /// Temporal's cancel while the call is under way: a call that was sent is finished.
    pub(super) cancelled: Ends,
}

const FETCH: &str = "fetch-erp-data";
pub(super) const SYNC: &str = "sync-products";

const fn question(operation: &'static str) -> Call {
    Call {
        step: FETCH,
        operation,
        refused: Ends::NotLooked,
        down: Ends::NotLooked,
        cancelled: Ends::Cancelled(FETCH, false),
    }
}

const CALLS: [Call; 3] = [
    question("erp.keys"),
    question("products.skus"),
    Call {
        step: SYNC,
        operation: "products.update",
        refused: Ends::Refused,
        down: Ends::Failed,
        cancelled: Ends::Cancelled(SYNC, true),
    },
];

/// A column.
pub(super) fn calls(expected: fn(&Call) -> Ends) -> impl Iterator<Item = Cell<Deletions>> {
    CALLS.into_iter().map(move |call| Cell::new(call.step, call.operation, expected(&call)))
}
