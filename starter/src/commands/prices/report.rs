//! The fate of each row of a run: CSV, or with `-o jsonl` one JSON document a line.

use std::collections::BTreeMap;

use contracts::prices::{PriceOutcome, RevertOutcome};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use store::{Lines, Store};

use super::sheet;
use crate::cli::prices::ReportArgs;
use crate::terminal::exit::{Exit, Failure};
use crate::terminal::output::{Format, Out};

/// A row that cannot be used.
#[derive(Serialize, Deserialize)]
struct WrongRow {
    line: u64,
    causes: Vec<String>,
    row: BTreeMap<String, Box<RawValue>>,
}

/// The columns of rows that are sent again.
const COLUMNS: [&str; 7] =
    ["sku", "variant", "old_price", "new_price", "currency", "effective_date", "reason"];

/// `starter prices report`.
pub(crate) async fn run(out: &Out, args: &ReportArgs) -> Result<Exit, Failure> {
    let store = Store::open(&args.store.store)?;
    let (name, header) = match (args.errors, args.reverted) {
        (true, _) => ("errors", format!("line,causes,{}\n", COLUMNS.join(","))),
        (_, true) => ("reverted", "line,sku,variant,action,run_price,restored_price,error\n".to_owned()),
        _ => ("outcomes", "line,sku,variant,action,old_price,new_price,currency,error\n".to_owned()),
    };
    let folder = format!("prices/{}/{name}", args.batch_id);
    let objects = store.list(&folder).await?;
    if objects.is_empty() {
        let message = format!("there is nothing in {folder}");
        return Err(Failure::new(Exit::NotFound, message).fix(
            "the run has no such rows, is older than SUN_PRICES_REVERTIBLE, or --store is not the worker's",
        ));
    }
    if out.format() == Format::Text {
        out.raw(header.as_bytes())?;
    }
    for object in objects {
        let lines = Lines::read(&store, &object.key).await?;
        let text = match name {
            "errors" => written(out, lines.records::<WrongRow>()?, wrong),
            "reverted" => written(out, lines.records::<RevertOutcome>()?, back),
            _ => written(out, lines.records::<PriceOutcome>()?, outcome),
        };
        out.raw(text?.as_bytes())?;
    }
    Ok(Exit::Ok)
}

fn written<R: Serialize>(out: &Out, rows: Vec<R>, csv: fn(&R) -> String) -> Result<String, Failure> {
    let line = |row: &R| match out.format() {
        Format::Text => Ok(csv(row)),
        Format::Json | Format::Jsonl => serde_json::to_string(row).map(|json| format!("{json}\n")),
    };
    let lines: Result<String, _> = rows.iter().map(line).collect();
    lines.map_err(|error| Failure::because(Exit::Failed, error, "cannot write JSON"))
}

fn outcome(row: &PriceOutcome) -> String {
    let (line, old, new) =
        (row.line.to_string(), row.old_price.amount().to_string(), row.new_price.amount().to_string());
    let variant = row.variant.as_ref().map_or("", |variant| variant.as_str());
    sheet::line([
        (line.as_str(), false),
        (row.sku.as_str(), true),
        (variant, true),
        (row.action.name(), false),
        (&old, false),
        (&new, false),
        (row.new_price.currency().code(), false),
        (row.error.as_deref().unwrap_or(""), false),
    ])
}

fn back(row: &RevertOutcome) -> String {
    let (line, run, restored) =
        (row.line.to_string(), row.run_price.amount().to_string(), row.restored_price.amount().to_string());
    let variant = row.variant.as_ref().map_or("", |variant| variant.as_str());
    sheet::line([
        (line.as_str(), false),
        (row.sku.as_str(), true),
        (variant, true),
        (row.action.name(), false),
        (&run, false),
        (&restored, false),
        (row.error.as_deref().unwrap_or(""), false),
    ])
}

fn wrong(row: &WrongRow) -> String {
    let text = |column: &str| {
        let raw = row.row.get(column).map_or("", |raw| raw.get());
        serde_json::from_str::<Option<String>>(raw).map_or_else(|_| raw.to_owned(), Option::unwrap_or_default)
    };
    let (line, causes) = (row.line.to_string(), row.causes.join("; "));
    let values: Vec<String> = COLUMNS.iter().map(|column| text(column)).collect();
    let first = [(line.as_str(), false), (causes.as_str(), false)];
    let names = COLUMNS.iter().zip(&values);
    let rest = names.map(|(column, value)| (value.as_str(), ["sku", "variant"].contains(column)));
    sheet::line(first.into_iter().chain(rest))
}
