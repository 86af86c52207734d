//! CSV and JSON lines.

use serde_json::{Value, json};
use table::{Format, Kind};

use super::{Target, holds_of_tables, rows, texts};
use crate::mutate::Random;

pub(super) const TARGET: Target = Target {
    name: "csv",
    corpus,
    is_right: |bytes| kinds().any(|kind| rows(bytes, kind, &Format::default(), false).1.is_none()),
    check,
    rounds: 10_000,
};

fn kinds() -> impl Iterator<Item = Kind> {
    [Kind::Csv, Kind::JsonLines].into_iter()
}

fn corpus() -> Vec<Vec<u8>> {
    texts(&[
        "\u{feff}\"sku\", name ,price\r\nA,\"Áo dài, \"\"đỏ\"\"\nlụa\",\"1.250.000,5\"\r\nB, \"b\" ,2\rC,,3",
        "sep=;\nsku;name;\nA;\"27 inch\";\n;;\nB;#N/A;\n",
        "sku,name,price\nQ-1,\"two\n\nlines, three\",90\nQ-2,mouse,1\n",
        "{\"sku\": \"A\", \"price\": 0.10}\n\n{\"sku\": null}\r\n",
    ])
}

fn check(bytes: &[u8], random: &mut Random) -> Result<(), String> {
    let format = format(random);
    kinds().try_for_each(|kind| holds_of_tables(bytes, kind, &format))?;
    round_trip(bytes, random)
}

fn format(random: &mut Random) -> Format {
    let mut format = Format::default();
    let options: [(&str, &[Value]); 6] = [
        ("delimiter", &[json!(","), json!(";"), json!("\t")]),
        ("encoding", &[json!("utf-8"), json!("utf-8"), json!("utf-16"), json!("windows-1258")]),
        ("escape", &[json!("\\"), json!("none")]),
        ("quote", &[json!("\""), json!("none")]),
        ("line_breaks", &[json!(true), json!(false)]),
        ("header_row", &[json!(1), json!(2)]),
    ];
    for (option, values) in options {
        if random.below(2) == 0 {
            // Each of these is known.
            format.set(option, random.choose(values)).unwrap_or_default();
        }
    }
    format
}

/// Whatever is written as CSV is read as it was.
fn round_trip(bytes: &[u8], random: &mut Random) -> Result<(), String> {
    // A NUL byte is damage, wherever it stands.
    let text = String::from_utf8_lossy(bytes).replace(['\u{feff}', '\0'], "");
    let mut values: Vec<String> = text.split(',').take(6).map(str::to_owned).collect();
    values.resize(3 * (random.below(2) + 1), "x".to_owned());
    let quoted = |value: &String| format!("\"{}\"", value.replace('"', "\"\""));
    let lines = values.chunks(3).map(|row| row.iter().map(quoted).collect::<Vec<_>>().join(","));
    let file = format!("a,b,c\n{}\n", lines.collect::<Vec<_>>().join("\n"));
    let mut format = Format::default();
    format.set("escape", &json!("none")).unwrap_or_default();
    format.set("line_breaks", &json!(true)).unwrap_or_default();
    let (read, flaw) = rows(file.as_bytes(), Kind::Csv, &format, false);
    if flaw.is_some() {
        return Err(format!("what was written is refused: {flaw:?}"));
    }
    let is_something = |row: &&[String]| row.iter().any(|value| !value.trim().is_empty());
    let written = values.chunks(3).filter(is_something);
    let wanted = written.map(|row| row.iter().map(|value| Value::from(value.as_str()).to_string()));
    let wanted: Vec<Vec<String>> = wanted.map(Iterator::collect).collect();
    let given: Vec<Vec<String>> = read
        .iter()
        .map(|(_, fields, problems)| {
            // An error of a spreadsheet is not a value.
            let is_told = |name: &str| problems.iter().any(|problem| problem.starts_with(name));
            ["a", "b", "c"]
                .map(|name| fields.get(name).cloned().unwrap_or(is_told(name).to_string()))
                .to_vec()
        })
        .collect();
    let is_same = |(wanted, given): (&Vec<String>, &Vec<String>)| {
        wanted.iter().zip(given).all(|(wanted, given)| wanted == given || given == "true")
    };
    match wanted.len() == given.len() && wanted.iter().zip(&given).all(is_same) {
        true => Ok(()),
        false => Err(format!("written as {wanted:?}, read as {given:?}")),
    }
}
