//! The end of a price run for every fault at every step: one expected outcome per cell, to be read by people.

use tests::matrix::calls::{Call, Calls};
use workflows::bulk_price_update::BulkPriceUpdate;

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

const VALIDATE: &str = "validate-updates";
const PROCESS: &str = "process-batches";
const SUMMARY: &str = "generate-summary";
const NOTIFY: &str = "send-notification";

pub(super) const ROWS: &[Calls<Ends>] = &[
    Calls {
        step: VALIDATE,
        calls: &[Call {
            operation: "prices.lookup",
            needs_keys: false,
            refused: Ends::Failed(VALIDATE),
            cancelled: Ends::Cancelled { most: 0 },
            down: Ends::Failed(VALIDATE),
        }],
    },
    Calls {
        step: PROCESS,
        calls: &[Call {
            operation: "prices.batch",
            // A price that is there already is seen before it is written again.
            needs_keys: false,
            // A batch that is refused as a whole is about the request, not about its rows.
            refused: Ends::Failed(PROCESS),
            // The batch in hand is finished; the next one may have begun when the activity hears of it.
            cancelled: Ends::Cancelled { most: 20 },
            down: Ends::Failed(PROCESS),
        }],
    },
    Calls { step: SUMMARY, calls: &[] },
    Calls {
        step: NOTIFY,
        calls: &[Call {
            operation: "notifications.team",
            needs_keys: true,
            // Best effort: the prices are written.
            refused: Ends::Whole,
            // Every price is written: whoever cancels may want the old ones back.
            cancelled: Ends::Cancelled { most: 30 },
            down: Ends::Whole,
        }],
    },
];

tests::every_step_has_cells!(ROWS, BulkPriceUpdate);
