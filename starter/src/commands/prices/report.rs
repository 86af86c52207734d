//! The fate of each row of a run: CSV, or with `-o jsonl` one JSON document a line.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use contracts::objects::ObjectRef;
use contracts::prices::{PriceAction, PriceOutcome, RevertAction, RevertOutcome};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use store::{Lines, Store};

use crate::cli::prices::ReportArgs;
use crate::commands::lists::sheet;
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
        _ => (
            "outcomes",
            "line,sku,variant,action,old_price,new_price,currency,error,late_seconds\n".to_owned(),
        ),
    };
    let folder = format!("prices/{}/{name}", args.batch_id);
    let mut keys = keys(&store, &folder, args.errors).await?;
    if name == "outcomes" {
        // Those that needed no write, as the check found.
        keys.extend(self::keys(&store, &format!("prices/{}/unchanged", args.batch_id), true).await?);
    }
    if keys.is_empty() {
        let message = format!("there is nothing in {folder}");
        return Err(Failure::new(Exit::NotFound, message).fix(
            "the run has no such rows, is older than SUN_PRICES_REVERTIBLE, or --store is not the worker's",
        ));
    }
    if out.format() == Format::Text {
        out.raw(header.as_bytes())?;
    }
    match name {
        "errors" => print::<WrongRow>(out, &store, &keys, wrong).await?,
        "reverted" => print::<RevertOutcome>(out, &store, &keys, back).await?,
        _ => print::<PriceOutcome>(out, &store, &keys, outcome).await?,
    }
    Ok(Exit::Ok)
}

/// The objects with the rows. Those that the check tells are of the last list that was checked under the name; it may
/// have had several, as long as nothing was written.
async fn keys(store: &Store, folder: &str, is_indexed: bool) -> Result<Vec<String>, Failure> {
    let listed = |objects: Vec<store::Listed>| objects.into_iter().map(|object| object.key).collect();
    if !is_indexed {
        return Ok(listed(store.list(folder).await?));
    }
    let index = format!("{folder}.json");
    let Some(found) = store.read(&index).await? else { return Ok(Vec::new()) };
    let lists: Vec<ObjectRef> = serde_json::from_slice(&found)
        .map_err(|error| Failure::because(Exit::Failed, error, format!("{index} names no lists")))?;
    Ok(lists.into_iter().map(|list| list.key).collect())
}

/// A line of a report. An attempt after a crash tells of a row again, and parts of a list lie beside the whole.
trait Told: Serialize + DeserializeOwned {
    /// The row that it is about.
    fn row(&self) -> (u64, &str);
    /// Of several lines about a row the one with the highest rank holds.
    fn rank(&self) -> u8;
}

impl Told for WrongRow {
    fn row(&self) -> (u64, &str) {
        (self.line, "")
    }

    fn rank(&self) -> u8 {
        0
    }
}

impl Told for PriceOutcome {
    fn row(&self) -> (u64, &str) {
        (self.line, "")
    }

    /// A second attempt finds the price as the first one has left it.
    fn rank(&self) -> u8 {
        match self.action {
            PriceAction::Applied => 3,
            PriceAction::Unchanged => 2,
            PriceAction::Conflict => 1,
            PriceAction::Failed => 0,
        }
    }
}

impl Told for RevertOutcome {
    fn row(&self) -> (u64, &str) {
        (self.line, self.variant.as_ref().map_or("", |variant| variant.as_str()))
    }

    /// A revert that was run again finds what the first one has put back.
    fn rank(&self) -> u8 {
        match self.action {
            RevertAction::Restored => 2,
            RevertAction::ChangedSince => 1,
            RevertAction::Failed => 0,
        }
    }
}

/// Prints each row once.
async fn print<R: Told>(
    out: &Out,
    store: &Store,
    keys: &[String],
    csv: fn(&R) -> String,
) -> Result<(), Failure> {
    // Some forty bytes for a row: a million of them are read twice in place of being held.
    let mut ranks: HashMap<u64, u8> = HashMap::new();
    for key in keys {
        for row in Lines::read(store, key).await?.records::<R>()? {
            let rank = ranks.entry(name_of(&row)).or_default();
            *rank = row.rank().max(*rank);
        }
    }
    for key in keys {
        let mut text = String::new();
        for row in Lines::read(store, key).await?.records::<R>()? {
            let name = name_of(&row);
            if ranks.get(&name) == Some(&row.rank()) {
                ranks.remove(&name);
                text.push_str(&line(out, &row, csv)?);
            }
        }
        out.raw(text.as_bytes())?;
    }
    Ok(())
}

fn name_of<R: Told>(row: &R) -> u64 {
    let mut hasher = DefaultHasher::new();
    row.row().hash(&mut hasher);
    hasher.finish()
}

fn line<R: Told>(out: &Out, row: &R, csv: fn(&R) -> String) -> Result<String, Failure> {
    match out.format() {
        Format::Text => Ok(csv(row)),
        Format::Json | Format::Jsonl => serde_json::to_string(row)
            .map(|json| format!("{json}\n"))
            .map_err(|error| Failure::because(Exit::Failed, error, "cannot write JSON")),
    }
}

fn outcome(row: &PriceOutcome) -> String {
    let late = row.late_seconds.map(|late| late.to_string()).unwrap_or_default();
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
        (&late, false),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_how_late_it_came() {
        let row = |late: &str| -> PriceOutcome {
            let json = format!(
                r#"{{"line": 7, "sku": "A", "success": true, "action": "applied"{late},
                    "old_price": {{"amount": "100", "currency": "VND"}},
                    "new_price": {{"amount": "90", "currency": "VND"}}}}"#
            );
            serde_json::from_str(&json).expect("an outcome")
        };
        assert_eq!(outcome(&row(r#", "late_seconds": 3600"#)), "7,A,,applied,100,90,VND,,3600\n");
        assert_eq!(outcome(&row("")), "7,A,,applied,100,90,VND,,\n");
    }
}
