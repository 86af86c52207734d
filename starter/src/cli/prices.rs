//! `starter prices …`

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand, ValueEnum};
use contracts::values::PriceBatchId;

use super::shared::{CancelArgs, Look, duration};
use super::store::StoreArgs;
use super::table::FormatArgs;
use crate::processes::prices::{BatchRef, batch};

#[derive(Subcommand)]
pub(crate) enum PricesCommand {
    /// Give products new prices, from a list of any length; every row is checked before the first one is written
    #[command(after_help = "\
The list is a file of CSV (names in the first line), JSON lines, a JSON list (sample: starter/samples/prices.json) or
a workbook, with sku, new_price and, if they are known, variant, old_price, currency, effective_date and reason. A
list that cannot be read exits with 2 and names line and column: nothing is started.

Examples:
  starter prices update --input prices.csv --dry-run            what it would change, and a receipt
  starter prices update --input prices.csv --approve RECEIPT    exactly that; it asks again if the shop has moved
  starter prices update --input prices.csv --wait --keep-good-rows
  starter prices update --input prices.csv --delimiter ';' --encoding windows-1258
  starter prices export > prices.csv                            edit it, and send it back
  starter prices revert b-2026-12                               prices as before, but those that somebody has changed since")]
    Update(Box<UpdateArgs>),
    #[command(flatten)]
    Look(Look<BatchRef>),
    /// Stop writing behind the batch in hand, until somebody resumes it
    Pause(PauseArgs),
    /// Go on with a run that pauses
    Resume(SayArgs),
    /// Write with another speed, from the next batch on
    Rate(RateArgs),
    /// End a run behind the batch in hand; what it has written stays, unless it is to be reverted
    Cancel(CancelPricesArgs),
    /// Put the prices back that a run has written; those that somebody has changed since stay, and are listed
    Revert(RevertArgs),
    /// Write the shop's prices to stdout as CSV: sku, variant, price and currency
    Export(ExportArgs),
    /// Tell what became of each row of a run, or which rows cannot be used and why
    Report(ReportArgs),
}

#[derive(Args)]
pub(crate) struct UpdateArgs {
    /// The list: a file, - for stdin, or a place in an object store such as s3://BUCKET/prices.csv
    #[arg(long, short, value_name = "FILE")]
    pub(crate) input: PathBuf,
    /// How the list is written [default: as its name ends, or as it begins]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) format: Option<ListFormat>,
    /// Names the run; the same list a second time needs another name [default: of the list's hash]
    #[arg(long, value_name = "ID", value_parser = batch)]
    pub(crate) batch_id: Option<PriceBatchId>,
    /// JSON file that says which columns are meant, and how they are written: {"new_price": {"from": "gia moi",
    /// "decimal": ",", "thousands": "."}}. The rules are those of a sync (mapping_rules in docs/erp.md); other columns
    /// are passed over
    #[arg(long, value_name = "FILE")]
    pub(crate) map: Option<PathBuf>,
    /// Wait for the end with live progress, then print the result
    #[arg(long, conflicts_with_all = ["detach", "dry_run"])]
    pub(crate) wait: bool,
    /// Return as soon as Temporal has taken the start (the default)
    #[arg(long)]
    pub(crate) detach: bool,
    /// With --wait or --dry-run: give up waiting after this long, such as 10m; the run goes on
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
    /// Check and compare, write nothing; prints what would change, and a receipt
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The receipt of a dry run: consent to exactly what it has shown
    #[arg(long, value_name = "RECEIPT", conflicts_with = "dry_run")]
    pub(crate) approve: Option<String>,
    /// Write the good rows of a list with wrong ones; else nothing is written
    #[arg(long)]
    pub(crate) keep_good_rows: bool,
    /// Write over prices that are not the expected ones
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) file: FormatArgs,
    #[command(flatten)]
    pub(crate) pace: PaceArgs,
    #[command(flatten)]
    pub(crate) checks: CheckArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// How fast prices are written.
#[derive(Args)]
#[command(next_help_heading = "Pace")]
pub(crate) struct PaceArgs {
    /// Rows of one batch [default: 100]
    #[arg(long, value_name = "N")]
    pub(crate) batch_size: Option<u32>,
    /// Batches under way at once [default: 1]
    #[arg(long, value_name = "N")]
    pub(crate) parallel: Option<u32>,
    /// Pause between two batches, such as 1s or 0s, an hour at most [default: 1s]
    #[arg(long, value_name = "DURATION")]
    pub(crate) delay: Option<String>,
    /// Rows a second [default: no limit but the delay]
    #[arg(long, value_name = "N")]
    pub(crate) max_per_second: Option<u32>,
}

/// Reasons for a row to be wrong, and for a run to ask.
#[derive(Args)]
#[command(next_help_heading = "Checks and limits")]
pub(crate) struct CheckArgs {
    /// Currency of prices without one [default: VND]
    #[arg(long, value_name = "CODE")]
    pub(crate) currency: Option<String>,
    /// Time zone of dates without an offset, such as Asia/Ho_Chi_Minh
    #[arg(long, value_name = "ZONE")]
    pub(crate) zone: Option<String>,
    /// A row that changes a price by more than this is wrong
    #[arg(long, value_name = "PERCENT")]
    pub(crate) max_change_percent: Option<u32>,
    /// A date that is longer ago than this is wrong, such as 24h
    #[arg(long, value_name = "DURATION")]
    pub(crate) max_backdate: Option<String>,
    /// Prices below the product's cost are not wrong, but counted
    #[arg(long)]
    pub(crate) allow_below_cost: bool,
    /// Ask a person if more prices than this would change
    #[arg(long, value_name = "N")]
    pub(crate) limit_rows: Option<u32>,
    /// Ask a person if a price would change by more than this [default: 50]
    #[arg(long, value_name = "PERCENT")]
    pub(crate) limit_price_change: Option<u32>,
    /// Ask a person if more prices than this would be below cost [default: 0]
    #[arg(long, value_name = "N")]
    pub(crate) limit_below_cost: Option<u32>,
    /// Ask a person if the sum of the prices would change by more than this [default: 30]
    #[arg(long, value_name = "PERCENT")]
    pub(crate) limit_list_value: Option<u32>,
}

/// How a list is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    /// Values between delimiters, names in the first line
    Csv,
    /// One JSON object a line
    Jsonl,
    /// A JSON list of objects
    Json,
    /// A workbook with one sheet that is shown
    Xlsx,
}

#[derive(Args)]
pub(crate) struct SayArgs {
    #[arg(value_name = "BATCH", help = "Batch id, or workflow id", value_parser = <BatchRef as std::str::FromStr>::from_str)]
    pub(crate) name: BatchRef,
    /// How long to wait for the answer of a worker
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "30s")]
    pub(crate) timeout: Duration,
}

#[derive(Args)]
pub(crate) struct PauseArgs {
    #[command(flatten)]
    pub(crate) say: SayArgs,
    /// Why; shown until the run goes on (1 to 500 characters, no personal data)
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) reason: String,
}

#[derive(Args)]
pub(crate) struct RateArgs {
    #[command(flatten)]
    pub(crate) say: SayArgs,
    /// Rows a second from now on; without it as fast as they are taken
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) max_per_second: Option<u32>,
}

#[derive(Args)]
pub(crate) struct CancelPricesArgs {
    #[command(flatten)]
    pub(crate) cancel: CancelArgs<BatchRef>,
    /// Put back what was written, too
    #[arg(long)]
    pub(crate) revert: bool,
}

#[derive(Args)]
pub(crate) struct RevertArgs {
    /// The run to take back
    #[arg(value_name = "BATCH", value_parser = batch)]
    pub(crate) batch_id: PriceBatchId,
    /// Say what would be put back, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Prices a second [default: as fast as they are taken]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) max_per_second: Option<u32>,
    /// Wait for the end with live progress, then print the result
    #[arg(long)]
    pub(crate) wait: bool,
    /// With --wait or --dry-run: give up waiting after this long, such as 10m; the run goes on
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
}

#[derive(Args)]
pub(crate) struct ExportArgs {
    /// Only products of this category and those below it
    #[arg(long, value_name = "NAME")]
    pub(crate) category: Option<String>,
    /// Give up waiting after this long, such as 10m
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Args)]
pub(crate) struct ReportArgs {
    /// The run
    #[arg(value_name = "BATCH", value_parser = batch)]
    pub(crate) batch_id: PriceBatchId,
    /// The rows that cannot be used as they were written, with a column of causes, to be corrected and sent again
    #[arg(long)]
    pub(crate) errors: bool,
    /// The prices that a revert has put back, and those that it has not
    #[arg(long, conflicts_with = "errors")]
    pub(crate) reverted: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}
