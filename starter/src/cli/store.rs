//! `starter store …`, and where the object store is.

use clap::{Args, Subcommand};

use super::shared::StartArgs;

#[derive(Subcommand)]
pub(crate) enum StoreCommand {
    /// Remove the objects of runs that closed long enough ago; meant for a schedule (process "store-clean-up"), once a
    /// day
    CleanUp(StartArgs),
}

/// Where the object store is.
#[derive(Args)]
pub(crate) struct StoreArgs {
    /// Object store, the worker's own: a folder, or s3://BUCKET/PREFIX
    #[arg(long, env = "SUN_STORE", value_name = "PLACE", default_value = store::DEFAULT_PLACE)]
    pub(crate) store: String,
}
