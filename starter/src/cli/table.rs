//! `starter table …`

use std::path::PathBuf;

use clap::{Args, Subcommand};
use contracts::erp::Entity;
use contracts::money::Currency;
use serde_json::Value;
use table::Format;

use super::erp::entity;

#[derive(Subcommand)]
pub(crate) enum TableCommand {
    /// Show the first rows of a file as they are read, and everything that is wrong with it; no server is asked
    #[command(after_help = "\
FILE is CSV (.csv), JSON lines (.jsonl, .ndjson) or a workbook (.xlsx). The whole file is read; docs/tables.md says how.
With --map the rows become the shop's records, by the same rules as in a sync (mapping_rules in docs/erp.md).

Exit codes: 0 all of it can be read · 2 some of it cannot: each problem with its line and column, or its cell

Examples:
  starter table show products.csv --delimiter ';' --encoding windows-1258
  starter table show prices.xlsx --sheet Prices --header-row 4 --rows 20
  starter table show products.xlsx --map rules.json --entity products -o json")]
    Show(Box<ShowArgs>),
}

#[derive(Args)]
pub(crate) struct ShowArgs {
    /// The file: its ending says what it is
    pub(crate) file: PathBuf,
    /// Rows to show
    #[arg(long, value_name = "N", default_value = "10")]
    pub(crate) rows: usize,
    /// JSON file with mapping rules
    #[arg(long, value_name = "RULES")]
    pub(crate) map: Option<PathBuf>,
    /// The kind of records, where the rules are about several; without rules the columns are the fields
    #[arg(long, value_name = "ENTITY", value_parser = entity)]
    pub(crate) entity: Option<Entity>,
    /// Of amounts without one
    #[arg(long, value_name = "CODE", default_value = "VND", value_parser = currency)]
    pub(crate) currency: Currency,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

/// The options of a file.
#[derive(Args)]
pub(crate) struct FormatArgs {
    /// Between values: , ; | or tab
    #[arg(long, value_name = "SIGN", help_heading = "File")]
    delimiter: Option<String>,
    /// utf-8, utf-16, windows-1252 or windows-1258
    #[arg(long, value_name = "NAME", help_heading = "File")]
    encoding: Option<String>,
    /// \ if a backslash makes the quote behind it the value's, none if it is a sign like others
    #[arg(long, value_name = "SIGN", help_heading = "File")]
    escape: Option<String>,
    /// none if quotes are signs like others
    #[arg(long, value_name = "SIGN", help_heading = "File")]
    quote: Option<String>,
    /// Values in quotes may take in lines that look like rows
    #[arg(long, help_heading = "File")]
    line_breaks: bool,
    /// The sheet of a workbook
    #[arg(long, value_name = "NAME", help_heading = "File")]
    sheet: Option<String>,
    /// The row (in CSV: the line) that names the columns
    #[arg(long, value_name = "N", help_heading = "File")]
    header_row: Option<u32>,
}

impl FormatArgs {
    /// The options, checked.
    ///
    /// # Errors
    /// The option that is not what it can be, with the fix.
    pub(crate) fn read(&self) -> Result<Format, text::Problem> {
        let mut format = Format::default();
        let delimiter = self.delimiter.as_deref().map(|sign| if sign == "tab" { "\t" } else { sign });
        let texts = [
            ("delimiter", delimiter),
            ("encoding", self.encoding.as_deref()),
            ("escape", self.escape.as_deref()),
            ("quote", self.quote.as_deref()),
            ("sheet", self.sheet.as_deref()),
        ];
        let texts = texts.into_iter().filter_map(|(name, value)| Some((name, Value::from(value?))));
        let row = self.header_row.map(|row| ("header_row", Value::from(row)));
        let flag = self.line_breaks.then_some(("line_breaks", Value::Bool(true)));
        for (name, value) in texts.chain(row).chain(flag) {
            let flag = format!("--{}", name.replace('_', "-"));
            format.set(name, &value).map_err(|refusal| refusal.of(flag))?;
        }
        Ok(format)
    }
}

fn currency(text: &str) -> Result<Currency, String> {
    Currency::from_code(text).ok_or_else(|| "write its ISO-4217 code, such as VND".to_owned())
}
