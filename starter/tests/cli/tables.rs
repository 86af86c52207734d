//! `starter table show`: a file as it is read, and everything that is wrong with it.

use std::fs;

use rust_xlsxwriter::{Format, Workbook, XlsxError};
use serde_json::{Value, json};

use crate::{Ended, file, starter};

fn show(name: &str, content: impl AsRef<[u8]>, flags: &[&str]) -> Ended {
    let path = file(name);
    fs::write(&path, content).expect("written");
    let path = path.to_str().expect("UTF-8").to_owned();
    let args: Vec<&str> =
        ["table", "show", &path, "-o", "json"].into_iter().chain(flags.iter().copied()).collect();
    starter(&args, "")
}

/// Field, problem and place of everything that is wrong.
fn problems(document: &Value) -> Vec<(String, String, Value)> {
    let list = document["problems"].as_array().expect("a list");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    list.iter().map(|p| (text(&p["field"]), text(&p["problem"]), p["at"].clone())).collect()
}

#[test]
fn rows_are_shown_as_they_are_read_with_their_places() {
    let text = "\u{feff}sku;name\nA;\"two\nlines\"\nÁ;#N/A\nC;c\n";
    let ended = show("shown.csv", text, &["--delimiter", ";", "--rows", "1"]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    let document = ended.json();
    assert_eq!((&document["columns"], &document["rows_read"]), (&json!(["sku", "name"]), &json!(3)));
    assert_eq!(
        document["rows"],
        json!([{ "at": { "line": 2, "column": 1 }, "fields": { "name": "two\nlines", "sku": "A" } }])
    );
    let place = json!({ "line": 4, "column": 3 });
    let told = ("name".to_owned(), "shows #N/A in place of a value".to_owned(), place);
    assert_eq!(problems(&document), [told]);
    assert!(ended.stderr.contains("3 rows, 1 with problems; 1 problems"), "{}", ended.stderr);

    let right = show("right.csv", "sku,name\nA,a\n", &[]);
    assert_eq!(right.code, Some(0), "{}", right.stderr);
    let lines = show("right.jsonl", "{\"sku\": 0.10}\n", &[]);
    assert_eq!((lines.code, &lines.json()["rows"][0]["fields"]), (Some(0), &json!({ "sku": 0.1 })));
}

#[test]
fn a_file_that_cannot_be_read_is_refused_at_its_line() {
    let open = "sku,name\nA,a\nB,\"b\n";
    let ended = show("open.csv", open, &[]);
    assert_eq!(ended.code, Some(2));
    let (_, problem, place) = problems(&ended.json()).remove(0);
    assert_eq!(
        (problem.as_str(), place),
        ("has a quote that is never closed", json!({ "line": 3, "column": 3 }))
    );
    for (name, content, flags, said) in [
        ("other.csv", "sku;name\nA;a\n", &[][..], "has one column, whose name holds \";\""),
        ("latin.csv", "sku\nA\n", &["--encoding", "latin-1"], "--encoding is not what it can be"),
        ("named.txt", "sku\nA\n", &[], "has an ending that says nothing about it"),
        ("old.xls", "sku\nA\n", &[], "is a workbook of another kind than .xlsx"),
    ] {
        let ended = show(name, content, flags);
        assert_eq!(ended.code, Some(2), "{name}: {}", ended.stderr);
        ended.assert_error("Usage");
        assert!(ended.stderr.contains(said), "{said} is not in {}", ended.stderr);
    }
    let missing = starter(&["table", "show", "no-such.csv"], "");
    assert_eq!(missing.code, Some(2));
    assert!(missing.stderr.contains("cannot read no-such.csv"), "{}", missing.stderr);
}

fn workbook() -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet().set_name("Prices")?;
    sheet.write(0, 0, "Prices of December")?;
    for (column, name) in (0_u16..).zip(["item", "title", "price", "share"]) {
        sheet.write(2, column, name)?;
    }
    for row in 3..6 {
        sheet.write(row, 0, format!("A-{row}"))?.write(row, 1, "Áo")?.write(row, 2, 25_000_000)?;
        sheet.write_with_format(row, 3, 0.1, &Format::new().set_num_format("0%"))?;
    }
    sheet.write(4, 2, "12 cái")?.write(5, 0, "#REF!")?;
    book.save_to_buffer()
}

#[test]
fn rules_make_the_shops_records_and_each_problem_has_its_cell() {
    let rules = file("rules.json");
    let of_products = r#"{"product_sku": "item", "product_name": "title", "product_price": "price"}"#;
    fs::write(&rules, of_products).expect("written");
    let rules = rules.to_str().expect("UTF-8").to_owned();
    let ended = show("prices.xlsx", workbook().expect("a workbook"), &["--map", &rules]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    let document = ended.json();
    let first = &document["rows"][0];
    assert_eq!(
        (&first["at"], &first["percent"]),
        (&json!({ "sheet": "Prices", "cell": "4:4" }), &json!(["share"]))
    );
    assert_eq!(first["output"]["price"], json!({ "amount": "25000000", "currency": "VND" }));
    assert_eq!(document["unknown_columns"], json!(["share"]));
    let cell = |cell: &str| json!({ "sheet": "Prices", "cell": cell });
    let in_the_way = "is not a number: 'c' is in the way (see strip, decimal and thousands)";
    assert_eq!(
        problems(&document),
        [
            ("product_price".to_owned(), in_the_way.to_owned(), cell("C5")),
            ("item".to_owned(), "shows #REF! in place of a value".to_owned(), cell("A6")),
        ]
    );
    let words =
        starter(&["table", "show", file("prices.xlsx").to_str().expect("UTF-8"), "--map", &rules], "");
    assert!(words.stdout.contains("prices.xlsx: product_price is not a number"), "{}", words.stdout);
    assert!(words.stdout.contains("(Prices!C5)"), "{}", words.stdout);

    let wrong = show("any.csv", "sku\nA\n", &["--map", &rules.replace("rules.json", "missing.json")]);
    assert!(wrong.stderr.contains("cannot read"), "{}", wrong.stderr);
    fs::write(file("wrong.json"), "{\"product_sku\": \"item\",\n \"product_prise\": \"x\"}")
        .expect("written");
    let path = file("wrong.json");
    let wrong = show("any.csv", "sku\nA\n", &["--map", path.to_str().expect("UTF-8")]);
    wrong.assert_error("Usage");
    assert_eq!(wrong.json()["error"]["problems"][0]["at"], json!({ "line": 2, "column": 19 }));
}

/// A rule for a column that is not there is a slip; of an optional field nobody else would tell.
#[test]
fn a_column_that_a_rule_reads_and_nobody_exports_is_a_problem_of_the_file() {
    let rules = file("slips.json");
    let slips = r#"{"product_sku": "item", "product_name": "title", "product_price": "price",
        "product_description": "text.lang", "product_active": "aktiv"}"#;
    fs::write(&rules, slips).expect("written");
    let rules = rules.to_str().expect("UTF-8").to_owned();
    let table = "item,title,price,text\nA,Áo,5,x\n";
    let ended = show("slips.csv", table, &["--map", &rules]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    let told = |field: &str, column: &str| {
        (field.to_owned(), format!("is made of the column '{column}', and there is none"), Value::Null)
    };
    let wanted = [told("product_description", "text.lang"), told("product_active", "aktiv")];
    assert_eq!(problems(&ended.json()), wanted);
    let right = table.replace("text", "text.lang,aktiv").replace(",x", ",x,1");
    assert_eq!(show("no-slips.csv", right, &["--map", &rules]).code, Some(0));

    // Lines of JSON name their columns in their rows: what none of them has is told as well.
    let lines = "{\"item\":\"A\",\"title\":\"Áo\",\"price\":5,\"text\":{\"lnag\":\"x\"}}\n";
    let ended = show("slips.jsonl", lines.repeat(2), &["--map", &rules]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    let told = |field: &str, column: &str| {
        (field.to_owned(), format!("is made of the column '{column}', and no row has it"), Value::Null)
    };
    let wanted = [told("product_description", "text.lang"), told("product_active", "aktiv")];
    assert_eq!(problems(&ended.json()), wanted);
    let right = format!("{lines}{}", lines.replace("\"lnag\":\"x\"}", "\"lang\":\"x\"},\"aktiv\":null"));
    assert_eq!(show("no-slips.jsonl", right, &["--map", &rules]).code, Some(0));
}

/// A file must not command the terminal of whoever looks at it.
#[test]
fn nothing_of_a_file_reaches_the_terminal_as_a_command() {
    let path = file("commands.csv");
    fs::write(&path, "sku,name\nA,\u{9b}31mred\u{7f}\u{1b}[0m\n").expect("written");
    let shown = starter(&["table", "show", path.to_str().expect("UTF-8")], "");
    assert_eq!(shown.code, Some(0), "{}", shown.stderr);
    assert!(shown.stdout.contains("31mred"), "{}", shown.stdout);
    assert!(!shown.stdout.chars().any(|sign| sign.is_control() && sign != '\n'), "{:?}", shown.stdout);
    let named = show("named-commands.csv", "sku,na\u{1b}[31mme\nA,a\n", &[]);
    assert_eq!(named.code, Some(2));
    assert!(named.stderr.contains("has a name with control characters"), "{}", named.stderr);
}
