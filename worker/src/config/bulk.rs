//! How much bulk work a worker does: syncs and what else goes through thousands of rows.

use clap::Args;

/// Bulk work.
#[derive(Clone, Copy, Debug, Args)]
#[command(
    next_help_heading = "Bulk work (its activities have a task queue of their own: --task-queue and \"-bulk\")"
)]
pub(super) struct BulkArgs {
    /// Activities at once, of each kind (syncs, price runs, catalogues, the object store's upkeep): none takes the
    /// place of another, nor an order's. Four more for each may wait for a place, first come, first served.
    #[arg(long, env = "SUN_BULK_SLOTS", default_value_t = 4, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..=1_000))]
    bulk_slots: u32,
    /// Activities started per second, over all workers of that queue.
    #[arg(long, env = "SUN_BULK_RATE", default_value_t = 20, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    bulk_rate: u32,
}

/// How much bulk work.
#[derive(Clone, Copy, Debug)]
pub struct BulkSettings {
    /// Activities at once, of each kind.
    pub slots: usize,
    /// Activities started per second.
    pub rate: u32,
}

impl BulkArgs {
    pub(super) fn read(self) -> BulkSettings {
        BulkSettings { slots: self.bulk_slots as usize, rate: self.bulk_rate }
    }
}
