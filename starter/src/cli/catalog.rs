//! `starter catalog …`

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use contracts::values::CatalogId;

use super::shared::{CancelArgs, Look, duration};
use super::store::StoreArgs;
use super::table::FormatArgs;
use crate::processes::catalog::{CatalogRef, catalog};

#[derive(Subcommand)]
pub(crate) enum CatalogCommand {
    /// Bring a file's categories, pictures, products and pricing rules into the shop; the same file again writes
    /// nothing
    #[command(after_help = "\
The input is JSON (sample: starter/samples/catalog.json); docs/catalog.md has every field. It is checked before anything
is sent: wrong categories and rules exit with 2 and start nothing; a wrong product or picture costs itself, or the start
with --policy all-or-nothing.

Examples:
  starter catalog setup --input spring.json --images photos --wait             7 if some rows failed
  starter catalog setup --input spring.json --images photos --wait --dry-run   compare with the shop, write nothing
  starter catalog setup --input spring.json --products spring.xlsx --map columns.json --images photos --wait
  starter catalog setup --products spring.csv --dry-run                        what it would change, and a receipt
  starter catalog setup --products spring.csv --approve RECEIPT                exactly that; it asks if the shop moved
  starter catalog setup --input - --catalog-id spring --wait < spring.json")]
    Setup(Box<SetupArgs>),
    #[command(flatten)]
    Look(Look<CatalogRef>),
    /// Cancel a setup: what was written stays, unless --undo takes it back
    Cancel(CatalogCancelArgs),
    /// Wait for a setup's end and print what became of every row
    Report(ReportArgs),
}

#[derive(Args)]
pub(crate) struct ReportArgs {
    /// Catalogue (spring), or workflow id (catalog/spring)
    #[arg(value_name = "CATALOG")]
    pub(crate) name: CatalogRef,
    /// How the rows are written
    #[arg(long, value_enum, default_value = "csv")]
    pub(crate) format: ReportFormat,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// How the rows of a report are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// For a spreadsheet
    Csv,
    /// One JSON object a line
    Jsonl,
}

#[derive(Args)]
pub(crate) struct SetupArgs {
    /// JSON file, or - for stdin; may be left out where --products is all there is
    #[arg(long, short, value_name = "FILE", required_unless_present = "products")]
    pub(crate) input: Option<PathBuf>,
    /// Products as a table beside it: CSV or a workbook (.xlsx), or - for stdin
    #[arg(long, value_name = "FILE")]
    pub(crate) products: Option<PathBuf>,
    /// JSON file that says which columns of --products are meant, and how they are written: {"price": {"from": "Giá",
    /// "decimal": ",", "thousands": "."}, "attributes.ram": "RAM"}. The rules are those of a sync (mapping_rules in
    /// docs/erp.md)
    #[arg(long, value_name = "RULES", requires = "products")]
    pub(crate) map: Option<PathBuf>,
    /// Name of the catalogue [default: the input's catalog_id, or the file's name without its ending]
    #[arg(long, value_name = "ID", value_parser = catalog)]
    pub(crate) catalog_id: Option<CatalogId>,
    /// Folder of the pictures that the input names by file_path; they are put into the object store
    #[arg(long, value_name = "FOLDER")]
    pub(crate) images: Option<PathBuf>,
    /// The cost of a wrong row [default: the input's policy, or keep-good-rows]
    #[arg(long, value_enum)]
    pub(crate) policy: Option<PolicyName>,
    /// Wait for the end with live progress, then print the result
    #[arg(long, conflicts_with = "detach")]
    pub(crate) wait: bool,
    /// Return as soon as Temporal has taken the start (the default)
    #[arg(long)]
    pub(crate) detach: bool,
    /// With --wait: give up waiting after this long, such as 10m; the run goes on
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "wait")]
    pub(crate) timeout: Option<Duration>,
    /// Read and compare with the shop, write nothing; print what would change, and a receipt
    #[arg(long, conflicts_with_all = ["approve", "detach"])]
    pub(crate) dry_run: bool,
    /// The receipt of a dry run: consent to exactly what it has shown; a shop that has moved since asks a person
    #[arg(long, value_name = "RECEIPT")]
    pub(crate) approve: Option<String>,
    #[command(flatten)]
    pub(crate) file: FormatArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// The values of `policy`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum PolicyName {
    /// A row that fails is reported, the others are kept
    KeepGoodRows,
    /// Nothing stays of a run of which a row failed
    AllOrNothing,
}

impl PolicyName {
    /// As the input has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::KeepGoodRows => "keep_good_rows",
            Self::AllOrNothing => "all_or_nothing",
        }
    }
}

#[derive(Args)]
pub(crate) struct CatalogCancelArgs {
    #[command(flatten)]
    pub(crate) cancel: CancelArgs<CatalogRef>,
    /// Take back what was written, newest first; whatever somebody else has changed since is left standing and listed
    #[arg(long)]
    pub(crate) undo: bool,
}
