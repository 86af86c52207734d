//! Tests of lists that are files.

use std::env::temp_dir;
use std::{fs, io, process};

use contracts::money::Currency;
use rust_xlsxwriter::Workbook;
use store::Lines;
use table::Format;

use super::*;
use crate::commands::lists::file::sniffed;
use crate::commands::prices::PRICES;

#[tokio::test]
async fn a_workbook_is_a_list_whose_lines_are_its_rows() {
    let folder = temp_dir().join(format!("prices-list-{}", process::id()));
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (column, name) in (0..).zip(["sku", "new_price", "note"]) {
        sheet.write(1, column, name).expect("written");
    }
    sheet.write(2, 0, "A").expect("written").write(2, 1, 199_000).expect("written");
    sheet.write(4, 0, "B").expect("written").write(4, 1, "#N/A").expect("written");
    let percent = rust_xlsxwriter::Format::new().set_num_format("0%");
    sheet.write(5, 0, "C").expect("written").write_with_format(5, 1, 0.1, &percent).expect("written");
    let mut spool = tempfile::tempfile().expect("a file");
    book.save_to_writer(&mut spool).expect("written");
    assert_eq!(sniffed(&mut spool).expect("read"), ListFormat::Xlsx);
    let file = ListFile {
        name: "prices.xlsx".to_owned(),
        file: spool,
        format: ListFormat::Xlsx,
        table: Format::default(),
    };
    let columns = Columns::of(&PRICES, r#"{"sku": "sku", "new_price": "new_price"}"#, Currency::VND);
    let store = Store::open(&folder.display().to_string()).expect("a store");

    let Ok(Given::Listed(list)) = read(&file, &columns, &store, "runs/test").await else {
        panic!("a list");
    };
    let parts: Vec<ListPart> = Lines::get(&store, &list).await.expect("there").records().expect("parts");
    let [part] = parts.as_slice() else { panic!("one part") };
    let rows = Lines::get(&store, &part.list).await.expect("there");
    let rows: Vec<GivenRow> = rows.records().expect("rows");
    let said = |row: &GivenRow| (row.line, row.row.len(), row.flaws.clone());
    let flaw = ("new_price".to_owned(), "shows #N/A in place of a value".to_owned());
    let lines: Vec<_> = rows.iter().map(said).collect();
    let share = ("new_price".to_owned(), "shows a percentage, and no price".to_owned());
    let cell = ("new_price".to_owned(), "Sheet1!B5".to_owned());
    assert_eq!(rows[1].cells, [cell].into());
    assert_eq!(lines, [(3, 2, BTreeMap::new()), (5, 1, [flaw].into()), (6, 2, [share].into())]);
    fs::remove_dir_all(folder).expect("removed");
}

/// A list of these bytes, read into a store of its own; its rows, or why it is refused.
async fn read_rows(
    test: &str,
    format: ListFormat,
    bytes: &[u8],
    table: Format,
) -> Result<Vec<GivenRow>, String> {
    read_by("{}", test, format, bytes, table).await
}

/// The same by rules.
async fn read_by(
    rules: &str,
    test: &str,
    format: ListFormat,
    bytes: &[u8],
    table: Format,
) -> Result<Vec<GivenRow>, String> {
    let folder = temp_dir().join(format!("prices-list-{test}-{}", process::id()));
    let store = Store::open(&folder.display().to_string()).expect("a store");
    let mut spool = tempfile::tempfile().expect("a file");
    io::Write::write_all(&mut spool, bytes).expect("written");
    let file = ListFile { name: "prices".to_owned(), file: spool, format, table };
    let given = read(&file, &Columns::of(&PRICES, rules, Currency::VND), &store, "runs/test").await;
    let given = given.map_err(|failure| format!("{failure:?}"))?;
    let Given::Listed(list) = given else { return Err("is short enough to travel".to_owned()) };
    let parts: Vec<ListPart> = Lines::get(&store, &list).await.expect("there").records().expect("parts");
    let mut rows = Vec::new();
    for part in parts {
        let lines = Lines::get(&store, &part.list).await.expect("there");
        rows.extend(lines.records::<GivenRow>().expect("rows"));
    }
    fs::remove_dir_all(folder).expect("removed");
    Ok(rows)
}

/// S1, of a list that is too long to travel.
#[tokio::test]
async fn a_long_list_may_begin_with_a_mark_and_must_not_be_utf_16() {
    let rows: Vec<String> = (0..5_000).map(|nth| format!(r#"{{"sku":"A-{nth}","new_price":5}}"#)).collect();
    let list = format!("[{}]", rows.join(",\n"));
    let marked = format!("\u{feff}{list}");
    assert!(marked.len() as u64 > INLINE_BYTES);
    let read = read_rows("mark", ListFormat::Json, marked.as_bytes(), Format::default()).await;
    assert_eq!(read.map(|rows| rows.len()), Ok(5_000));
    let wide: Vec<u8> = marked.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let said = read_rows("wide", ListFormat::Json, &wide, Format::default()).await.expect_err("refused");
    assert!(said.contains("is UTF-16 text"), "{said}");
    let twice = list.replacen("\"new_price\":5", "\"new_price\":5,\"new_price\":6", 1);
    let said =
        read_rows("twice", ListFormat::Json, twice.as_bytes(), Format::default()).await.expect_err("refused");
    assert!(said.contains("row 1 new_price is given twice"), "{said}");
}

/// A refusal names an option, and there is one.
#[tokio::test]
async fn a_table_is_read_as_its_options_say() {
    let csv = "sku;new_price\rA;5\rB;\"6\"\r";
    let said =
        read_rows("comma", ListFormat::Csv, csv.as_bytes(), Format::default()).await.expect_err("refused");
    assert!(said.contains("prices:1:1 has one column") && said.contains("set option delimiter"), "{said}");
    let mut table = Format::default();
    table.set("delimiter", &serde_json::json!(";")).expect("an option");
    let rows = read_rows("semicolon", ListFormat::Csv, csv.as_bytes(), table).await.expect("rows");
    assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 3]);
}

/// A list of objects has no heading; what no row of it has is told as what a heading lacks is.
#[tokio::test]
async fn a_column_that_a_rule_reads_and_no_row_has_is_told() {
    let rules = r#"{"sku": "ma", "new_price": {"from": "gia.moi", "strip": "đ"}}"#;
    let lines = "{\"ma\":\"A\",\"gia\":{\"cu\":4}}\n{\"ma\":\"B\",\"gia.mio\":5}\n";
    let long = format!("[{},{{\"ma\":\"{}\"}}]", lines.trim().replace('\n', ","), "B".repeat(70_000));
    let bare = r#"{"sku": "ma", "new_price": "gia.moi"}"#;
    let short = format!("[{}]", lines.trim().replace('\n', ","));
    for (rules, format, text) in [
        (rules, ListFormat::Jsonl, lines),
        (rules, ListFormat::Json, &long),
        (bare, ListFormat::Json, &long),
        (bare, ListFormat::Json, &short),
    ] {
        let said = read_by(rules, "unseen", format, text.as_bytes(), Format::default()).await;
        let said = said.expect_err("a slip");
        assert!(said.contains("new_price is made of the column 'gia.moi', and no row has it"), "{said}");
        assert!(said.contains("did you mean 'gia.mio'?") && said.contains("nothing was started"), "{said}");
    }
    // One row is enough.
    let lines = format!("{lines}{{\"ma\":\"C\",\"gia\":{{\"moi\":\"5 đ\"}}}}\n");
    let rows = read_by(rules, "seen", ListFormat::Jsonl, lines.as_bytes(), Format::default()).await;
    let rows = rows.expect("a list");
    assert_eq!(rows.iter().map(|row| row.row.len()).collect::<Vec<_>>(), [1, 1, 2]);
}

/// A quote that is never closed costs no memory, and what is wrong with a short list is told with its row.
#[tokio::test]
async fn a_json_list_is_read_by_its_rows() {
    let endless = format!("[{{\"sku\":\"A\",\"new_price\":1}},{{\"sku\":\"{}", "x".repeat(5 << 20));
    let said = read_rows("endless", ListFormat::Json, endless.as_bytes(), Format::default()).await;
    assert!(said.as_ref().is_err_and(|said| said.contains("a row is longer than 1 MiB")), "{said:?}");
    let nul = b"[{\"sku\":\"a\\u0000b\",\"new_price\":1}]";
    let said = read_rows("nul", ListFormat::Json, nul, Format::default()).await;
    assert!(said.as_ref().is_err_and(|said| said.contains("row 1 sku has a NUL byte")), "{said:?}");
    let text = b"[{\"sku\":\"a\\\\u0000b\",\"new_price\":1}]";
    assert!(
        read_rows("text", ListFormat::Json, text, Format::default())
            .await
            .is_err_and(|said| said.contains("travel"))
    );
    let made = b"[{\"sku\":\"1.5E+05\",\"new_price\":1}]";
    let rows = read_rows("made", ListFormat::Json, made, Format::default()).await.expect("a list");
    assert!(rows[0].flaws["sku"].contains("a spreadsheet made of a key"), "{rows:?}");
}

#[tokio::test]
async fn a_packed_list_is_named() {
    let packed = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0];
    let said = read_rows("packed", ListFormat::Csv, &packed, Format::default()).await.expect_err("refused");
    assert!(said.contains("is packed"), "{said}");
}
