//! `starter erp …`

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};
use contracts::erp::Entity;
use contracts::values::IntegrationId;
use jiff::Timestamp;

use super::shared::{Look, duration};
use super::store::StoreArgs;
use crate::processes::erp::{SyncRef, integration};

#[derive(Subcommand)]
pub(crate) enum ErpCommand {
    /// Synchronise the shop with an ERP; starting it again while it runs attaches to the same run
    #[command(after_help = "\
The input says where the ERP is, what to read and how its fields are called (sample: starter/samples/erp.json). User and
password are not in it: the worker has them, and credentials_ref names them. It is checked before anything is sent, its
mapping rules with line and column.

Examples:
  starter erp sync --input erp-001.json --wait            what changed since the last time
  starter erp sync --input erp-001.json --wait --full     everything; what the shop has already costs no write
  starter erp sync --input erp-001.json --wait --dry-run  everything is read and compared, nothing is written
  starter -o json erp sync --input erp-001.json --wait | jq .report.summary")]
    Sync(SyncArgs),
    #[command(flatten)]
    Look(Look<SyncRef>),
    /// Let a sync go on that would exceed its limits. An alias: 'starter answer SYNC --action approve' is the same
    Approve(DecideArgs),
    /// End a sync that would exceed its limits; nothing was written. An alias: 'starter answer SYNC --action reject' is
    /// the same
    Reject(DecideArgs),
    /// Show what the mapping rules of an input make of sample records; connects to nothing
    Map(MapArgs),
    /// Put a watermark back, so that the next sync reads again what changed since then
    #[command(after_help = "\
The run that does it is the worker's, takes the integration's lease and ends at once; start a sync afterwards. A folder
of exports has no moments to read again from: move its files from done/ back into the folder.

Example:
  starter erp rewind erp-001 --input erp-001.json --entity products --to 2026-11-20T00:00:00Z")]
    Rewind(RewindArgs),
    /// List syncs, newest first
    List(ErpListArgs),
    /// Look into the quarantine: records that were not written, by what is wrong with them
    Quarantine {
        #[command(subcommand)]
        command: QuarantineCommand,
    },
}

#[derive(Subcommand)]
pub(crate) enum QuarantineCommand {
    /// The records in it, counted by cause
    List(QuarantineArgs),
    /// The records themselves, as JSON lines; they may hold personal data
    Show(QuarantineArgs),
    /// Read again what changed since the oldest of them, then empty the quarantine if nothing new came into it
    Retry(RetryArgs),
}

#[derive(Args)]
pub(crate) struct SyncArgs {
    /// JSON file, or - for stdin
    #[arg(long, short, value_name = "FILE")]
    pub(crate) input: PathBuf,
    /// Wait for the end with live progress, then print the report
    #[arg(long, conflicts_with = "detach")]
    pub(crate) wait: bool,
    /// Return as soon as Temporal has taken the start (the default)
    #[arg(long)]
    pub(crate) detach: bool,
    /// With --wait: give up waiting after this long, such as 10m; the run goes on
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "wait")]
    pub(crate) timeout: Option<Duration>,
    /// Read everything, not only what changed since the last time
    #[arg(long)]
    pub(crate) full: bool,
    /// Read and compare, write nothing, leave the watermark; a run of its own, beside a real one
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Args)]
pub(crate) struct DecideArgs {
    /// Integration (erp-001), or workflow id of a scheduled run ('starter erp list --needs-human' has it)
    pub(crate) sync: SyncRef,
    /// Why; goes into the report (1 to 500 characters, no personal data)
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) reason: String,
    /// Only if it was asked at this moment, as 'starter answer SYNC' shows it
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<Timestamp>,
    /// How long to wait for the answer of a worker
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "30s")]
    pub(crate) timeout: Duration,
}

#[derive(Args)]
pub(crate) struct MapArgs {
    /// The sync's input, with its mapping_rules; - for stdin
    #[arg(long, short, value_name = "FILE")]
    pub(crate) input: PathBuf,
    /// Records of the ERP: a JSON list, one record, or JSON lines
    #[arg(long, value_name = "FILE")]
    pub(crate) sample: PathBuf,
    /// The kind of these records
    #[arg(long, value_name = "ENTITY", default_value = "products", value_parser = entity)]
    pub(crate) entity: Entity,
}

#[derive(Args)]
pub(crate) struct RewindArgs {
    /// Integration
    #[arg(value_parser = integration)]
    pub(crate) integration: IntegrationId,
    /// The sync's input
    #[arg(long, short, value_name = "FILE")]
    pub(crate) input: PathBuf,
    /// Whose watermark: products, inventory, customers or orders
    #[arg(long, value_name = "ENTITY", value_parser = entity)]
    pub(crate) entity: Entity,
    /// Where to, by the ERP's clock
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Timestamp,
}

#[derive(Args)]
pub(crate) struct ErpListArgs {
    /// Only this integration
    #[arg(long, value_name = "ID", value_parser = integration)]
    pub(crate) integration: Option<IntegrationId>,
    /// Only syncs that wait for a person's answer
    #[arg(long)]
    pub(crate) needs_human: bool,
    /// Runs at most
    #[arg(long, value_name = "N", default_value = "50")]
    pub(crate) limit: NonZeroUsize,
}

#[derive(Args)]
pub(crate) struct QuarantineArgs {
    /// Integration
    #[arg(value_parser = integration)]
    pub(crate) integration: IntegrationId,
    /// Only of this run
    #[arg(long, value_name = "ID")]
    pub(crate) run_id: Option<String>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Args)]
pub(crate) struct RetryArgs {
    /// Integration
    #[arg(value_parser = integration)]
    pub(crate) integration: IntegrationId,
    /// The sync's input, corrected if its rules were wrong
    #[arg(long, short, value_name = "FILE")]
    pub(crate) input: PathBuf,
    /// Give up waiting after this long, such as 10m; the run goes on, and the quarantine stays
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

pub(crate) fn entity(text: &str) -> Result<Entity, String> {
    Entity::from_name(text).ok_or_else(|| format!("known: {}", Entity::ALL.map(Entity::name).join(", ")))
}
