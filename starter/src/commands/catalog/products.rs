//! Products that stand in a table beside the input.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use contracts::catalog::paths::{Found, Paths, file_parts};
use contracts::catalog::{List, Product, WrongRow};
use contracts::money::Currency;
use mapping::fields::known;
use mapping::targets::Kind;
use mapping::value::{Converted, Value};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, json};
use table::Kind as TableKind;
use text::{Place, Problem, composed};
use workflows::catalog_setup::{TableRow, WRONG_MAX, check_table};

use super::long_lists::{LongList, listed, replaced, told};
use crate::cli::catalog::SetupArgs;
use crate::cli::prices::ListFormat;
use crate::commands::lists::columns::{Columns, ListKind};
use crate::commands::lists::file::{self, ListFile, Numbered, TableRows};
use crate::terminal::exit::{Exit, Failure};
use crate::terminal::input::{self, InputError, InputText};

/// A table of products.
pub(super) const PRODUCTS: ListKind = ListKind {
    name: "a table of products",
    fields: &[
        ("sku", Kind::Key),
        ("variant", Kind::Key),
        ("name", Kind::Text),
        ("description", Kind::Text),
        ("price", Kind::Money),
        ("category_name", Kind::Text),
        ("images", Kind::Text),
        ("initial_stock", Kind::Integer),
        ("location", Kind::Text),
        ("status", Kind::Text),
        ("seo_settings.meta_title", Kind::Text),
        ("seo_settings.meta_description", Kind::Text),
        ("attributes.", Kind::Text),
    ],
    keys: &["sku", "variant"],
    currency: None,
    also: &[],
    passed_over: &[],
};
/// The text of a cell that empties the field. An empty cell says nothing of it.
const EMPTIES: &str = "(empty)";
/// The signs that stand between the pictures of a cell.
const BETWEEN: [char; 2] = ['|', '\n'];
/// The fields that are part of an object.
const OBJECTS: [&str; 2] = ["attributes", "seo_settings"];

/// A table as it was read.
pub(super) struct Table {
    products: Vec<Product>,
    wrong: Vec<WrongRow>,
    /// The pictures that its products name, in their order.
    images: Vec<String>,
}

/// Reads a table. `currency`: of its amounts.
pub(super) async fn read(path: &Path, args: &SetupArgs, currency: Currency) -> Result<Table, Failure> {
    let file = file::open(path, None, &args.file).await?;
    let kind = match file.format {
        ListFormat::Csv => TableKind::Csv,
        ListFormat::Xlsx => TableKind::Xlsx,
        ListFormat::Json | ListFormat::Jsonl => {
            return Err(Failure::new(Exit::Usage, format!("{} is JSON, and no table", file.name))
                .fix("put its products into the list products of --input; nothing was started"));
        }
    };
    let columns = Columns::read(&PRODUCTS, args.map.as_deref(), currency, None)?;
    let mut rows = TableRows::open(&file, kind, &columns)?;
    let mut table = Vec::new();
    let mut images = Images::default();
    while let Some(row) = rows.next()? {
        table.push(table_row(&file, &columns, row, currency, &mut images)?);
    }
    if table.is_empty() {
        return Err(Failure::new(Exit::Usage, format!("{} has no rows", file.name))
            .fix("add some, or leave --products out; nothing was started"));
    }
    // More wrong rows than these start nothing, and the file is read up to each place that is counted.
    let counted = std::cell::Cell::new(0);
    let shown = |place: &Place| match place {
        Place::Byte { byte } if counted.replace(counted.get() + 1) <= WRONG_MAX => {
            file.place(*byte as u64).unwrap_or_else(|| place.clone())
        }
        place => place.clone(),
    };
    let (products, wrong) = check_table(&table, currency, shown)
        .map_err(|problems| input::refused(&file.name, &InputError::Fields(problems)))?;
    Ok(Table { products, wrong, images: images.in_order })
}

/// The pictures that rows name.
#[derive(Default)]
struct Images {
    in_order: Vec<String>,
    known: BTreeSet<String>,
}

fn table_row(
    file: &ListFile,
    columns: &Columns,
    numbered: Numbered,
    currency: Currency,
    images: &mut Images,
) -> Result<TableRow, Failure> {
    let Numbered { number, row } = numbered;
    let begins = row.place();
    let here = |problem: Problem| file.wrong(&problem.at(begins.clone()));
    let (mut places, mut flaws) = (BTreeMap::new(), BTreeMap::new());
    for column in row.readable().keys() {
        for field in columns.fields(column, None).map_err(here)? {
            if row.is_percent(column) && ["price", "initial_stock"].contains(&field.as_str()) {
                flaws.insert(field.clone(), "shows a percentage, and no number of its kind".to_owned());
            }
            places.insert(field, row.place_of(column));
        }
    }
    let (fields, problems) = row.into_parts();
    for problem in problems {
        // One that is of no value is the file's; one in a column that says nothing is nobody's.
        if problem.field.is_empty() {
            return Err(file.wrong(&problem));
        }
        for field in columns.fields(&problem.field, None).map_err(here)? {
            places.extend(problem.at.clone().map(|place| (field.clone(), place)));
            flaws.insert(field, problem.problem.clone());
        }
    }
    let mapped = columns.row(fields, true).map_err(here)?;
    for (field, problem) in mapped.flaws {
        flaws.entry(field).or_insert(problem);
    }
    let mut said = Said::default();
    for (field, value) in &mapped.row {
        match said.take(field, value, currency) {
            _ if flaws.contains_key(field) => {}
            Ok(names) => images.add(names),
            Err(problem) => drop(flaws.insert(field.clone(), problem)),
        }
    }
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    Ok(TableRow { row: number, json: said.json(&flaws), places, flaws })
}

impl Images {
    fn add(&mut self, names: Vec<String>) {
        for name in names {
            if self.known.insert(name.clone()) {
                self.in_order.push(name);
            }
        }
    }
}

/// The fields of a row, as an input has them.
#[derive(Default)]
struct Said {
    plain: BTreeMap<String, Box<RawValue>>,
    objects: BTreeMap<&'static str, BTreeMap<String, Box<RawValue>>>,
}

impl Said {
    /// Takes a value; an empty one says nothing. Returns the pictures that it names.
    fn take(&mut self, field: &str, value: &RawValue, currency: Currency) -> Result<Vec<String>, String> {
        let read = Value::of(value);
        if read.is_nothing() {
            return Ok(Vec::new());
        }
        let part = OBJECTS.into_iter().find_map(|object| {
            let name = field.strip_prefix(object)?.strip_prefix('.')?;
            Some((object, name.to_owned()))
        });
        let mut names = Vec::new();
        let value = match known(PRODUCTS.fields, field) {
            _ if matches!(&read, Value::Text(text) if text.trim() == EMPTIES) => {
                if part.is_none() && !["description", "images"].contains(&field) {
                    return Err(format!("is {EMPTIES}, and cannot be emptied"));
                }
                RawValue::NULL.to_owned()
            }
            Some(("images", _)) => {
                let text = read.text()?;
                names = text.split(BETWEEN).map(|name| name.trim().to_owned()).collect();
                names.retain(|name| !name.is_empty());
                raw(&names)?
            }
            Some((_, kind @ (Kind::Text | Kind::Key))) => match read.convert(kind, None, currency)? {
                Converted::Text(text) => raw(&text)?,
                _ => return Err("is no text".to_owned()),
            },
            _ => value.to_owned(),
        };
        match part {
            Some((object, name)) => drop(self.objects.entry(object).or_default().insert(name, value)),
            None => drop(self.plain.insert(field.to_owned(), value)),
        }
        Ok(names)
    }

    fn json(mut self, flaws: &BTreeMap<String, String>) -> String {
        self.plain.retain(|field, _| !flaws.contains_key(field));
        for (object, fields) in self.objects {
            self.plain.extend(raw(&fields).ok().map(|fields| (object.to_owned(), fields)));
        }
        serde_json::to_string(&self.plain).unwrap_or_default()
    }
}

fn raw<T: serde::Serialize>(value: &T) -> Result<Box<RawValue>, String> {
    to_raw_value(value).map_err(|_| "cannot be written".to_owned())
}

impl Table {
    /// The input with the table's products, which go into the object store, and with the pictures that only these name.
    pub(super) fn add_to(self, text: InputText) -> Result<(InputText, Vec<LongList>), Failure> {
        let InputText { name, json } = text;
        let own = text::json::fields(&json).unwrap_or_default();
        if own.iter().any(|(field, _)| field == "products") {
            return Err(Failure::new(Exit::Usage, format!("{name} has products, and so has --products"))
                .fix("keep them in one place; nothing was started"));
        }
        let images = own.iter().find(|(field, _)| field == "images");
        let declared =
            images.and_then(|(_, field)| text::json::entries(field.value.get())).unwrap_or_default();
        let path = |entry: &&RawValue| -> Option<Vec<String>> {
            let entry: serde_json::Value = serde_json::from_str(entry.get()).ok()?;
            Some(file_parts(&composed(entry["file_path"].as_str()?)))
        };
        let paths = Paths::new(declared.iter().filter_map(path).collect());
        let is_new = |name: &&String| paths.find(&file_parts(&composed(name))) == Found::None;
        let more = self.images.iter().filter(is_new).map(|name| json!({ "file_path": name }).to_string());
        let all: Vec<String> = declared.iter().map(|entry| entry.get().to_owned()).chain(more).collect();

        let mut lists = Vec::new();
        let mut fields: Map<String, serde_json::Value> = Map::new();
        fields.extend(
            listed(&List::Inline(self.products), &mut lists)?.map(|list| ("products".to_owned(), list)),
        );
        fields.insert("left_out".to_owned(), json!(self.wrong.iter().map(told).collect::<Vec<_>>()));
        let undivided = || Failure::new(Exit::Failed, "the table cannot be added to the input");
        if all.len() > declared.len() {
            let images = serde_json::from_str(&format!("[{}]", all.join(","))).map_err(|_| undivided())?;
            fields.insert("images".to_owned(), images);
        }
        let json = replaced(&json, &fields).ok_or_else(undivided)?;
        Ok((InputText { name, json }, lists))
    }
}

/// The currency that an input names; a wrong one is refused by its check.
pub(super) fn currency_of(text: &InputText) -> Currency {
    let fields = text::json::fields(&text.json).unwrap_or_default();
    let code = fields.into_iter().find(|(name, _)| name == "currency");
    let code = code.and_then(|(_, field)| serde_json::from_str::<String>(field.value.get()).ok());
    code.and_then(|code| Currency::from_code(&code)).unwrap_or(Currency::VND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_cell_says_nothing_and_the_marker_empties() -> Result<(), String> {
        let take = |fields: &[(&str, serde_json::Value)]| -> Result<String, String> {
            let mut said = Said::default();
            for (field, value) in fields {
                said.take(field, &raw(value)?, Currency::VND)
                    .map_err(|problem| format!("{field} {problem}"))?;
            }
            Ok(said.json(&BTreeMap::new()))
        };
        let row = take(&[
            ("sku", json!(100_045)),
            ("name", json!(2024)),
            ("description", json!(" ")),
            ("price", json!(null)),
            ("images", json!("a.jpg | b.jpg\nc.jpg")),
            ("attributes.ram", json!("(empty)")),
            ("attributes.inch", json!(15.6)),
            ("seo_settings.meta_title", json!("")),
        ])?;
        let wanted = r#"{"attributes":{"inch":"15.6","ram":null},"images":["a.jpg","b.jpg","c.jpg"],"name":"2024","sku":"100045"}"#;
        assert_eq!(row, wanted);
        assert_eq!(take(&[("description", json!("(empty)"))])?, r#"{"description":null}"#);
        let refused = take(&[("price", json!("(empty)"))]);
        assert_eq!(refused, Err("price is (empty), and cannot be emptied".to_owned()));
        Ok(())
    }

    #[test]
    fn pictures_that_only_the_table_names_are_added() -> Result<(), Box<dyn std::error::Error>> {
        let images = ["cup/01.jpg", "b.jpg"].map(str::to_owned).to_vec();
        let table = Table { products: Vec::new(), wrong: Vec::new(), images };
        let json = r#"{"images":[{"file_path":"/uploads/cup/01.jpg"}]}"#.to_owned();
        let (text, _) = table
            .add_to(InputText { name: String::new(), json })
            .map_err(|failure| format!("{failure:?}"))?;
        let read: serde_json::Value = serde_json::from_str(&text.json)?;
        assert_eq!(read["images"], json!([{ "file_path": "/uploads/cup/01.jpg" }, { "file_path": "b.jpg" }]));
        Ok(())
    }
}
