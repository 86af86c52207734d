//! Files as strangers sent them: other kinds under the name of a table, tables that were put together, filled up or cut
//! short.

use super::workbooks::{heading, xlsx};
use super::zips::{around, sheet, zip};
use super::*;

/// Problem and fix, or the rows.
fn told(text: &str) -> Result<Vec<String>, String> {
    let whole = |flaw| match flaw {
        Flaw::Wrong(problem) => problem.to_string(),
        Flaw::Io(error) => error.to_string(),
    };
    let mut reader =
        Reader::open(Cursor::new(text.as_bytes()), Kind::Csv, &Format::default()).map_err(whole)?;
    let mut rows = Vec::new();
    while let Some(row) = reader.next_row().map_err(whole)? {
        let values: Vec<&str> = row.readable().values().map(|raw| raw.get().trim_matches('"')).collect();
        let problems = row.problems().iter().map(|problem| format!(" ! {problem}"));
        rows.push(values.join("|") + &problems.collect::<String>());
    }
    Ok(rows)
}

/// E9, above the heading as below it.
#[test]
fn lines_of_nothing_above_the_heading_are_passed_over() {
    for text in ["\n\nsku,name\nA,b\n", "   \r\n,,\r\nsku,name\r\nA,b", "\u{feff}\n\"\",\nsku,name\nA,b\n"] {
        assert_eq!(csv(text, &json!({})), Ok(vec!["b|A".to_owned()]), "{text:?}");
    }
    for nothing in ["\n \n\t\n", ",,\n", "\n\n\n"] {
        assert_eq!(csv(nothing, &json!({})), Ok(vec![]), "{nothing:?} is an export of nothing");
    }
    // The line is the one that a person counts.
    let said = csv("\nsku,name\n", &json!({ "header_row": 1 }));
    assert_eq!(said, Err("has a column without a name (byte 0)".to_owned()));
}

#[test]
fn a_file_of_another_kind_is_named() {
    for (text, kind) in [
        ("<html><body>Please log in</body></html>\n", "a page of the web"),
        ("\u{feff}\n<!DOCTYPE html>\n", "a page of the web"),
        ("<?xml version=\"1.0\"?>\n<rows/>\n", "XML"),
        ("%PDF-1.7\n1 0 obj\n", "PDF"),
        ("[{\"sku\":\"A\"}]\n", "JSON"),
        ("{\"sku\":\"A\"}\n{\"sku\":\"B\"}\n", "JSON"),
    ] {
        assert_eq!(csv(text, &json!({})), Err(format!("is {kind}, and not CSV")), "{text:?}");
    }
    assert_eq!(csv("<id>,name\n1,b\n", &json!({})), Ok(vec!["1|b".to_owned()]));
}

#[test]
fn a_quote_with_another_delimiter_behind_it_names_that() {
    for (text, delimiter) in [("\"sku\";\"name\"\n", "\";\""), ("\"sku\"\t\"name\"\n", "a tab")] {
        let said = told(text).expect_err("refused");
        assert!(said.contains("goes on behind the closing quote"), "{said}");
        assert!(said.contains(&format!("or set option delimiter to {delimiter}")), "{said}");
    }
    let inch = told("sku,name\nA,\"b\"x\n").expect_err("refused");
    assert!(!inch.contains("delimiter"), "{inch}");
}

/// DOS ended its texts so; a disk that lost power ends them otherwise.
#[test]
fn the_sign_of_the_end_is_the_end_and_a_nul_is_damage() {
    for text in ["sku,name\r\nA,b\r\n\u{1a}", "sku,name\nA,b\n\u{1a}"] {
        assert_eq!(csv(text, &json!({})), Ok(vec!["b|A".to_owned()]), "{text:?}");
    }
    assert_eq!(csv("sku\nA\n\u{1a}", &json!({})), Ok(vec!["A".to_owned()]));
    assert_eq!(
        csv("sku\n\u{1a}\nA\n", &json!({})).map(|rows| rows.len()),
        Ok(2),
        "in the middle it is a value"
    );
    let lines = "{\"sku\":\"A\"}\r\n\u{1a}";
    assert_eq!(read(Kind::JsonLines, lines.as_bytes(), &json!({})), Ok(vec!["A".to_owned()]));
    for text in ["sku,name\nA,b\n\0\0\0\0", "sku,na\0me\nA,b\n", "sku\nA\n\0\0\0"] {
        let begin = text.find('\0').expect("there");
        let begin = text[..begin].rfind([',', '\n']).expect("there") + 1;
        let said = format!("has a NUL byte: it is damaged, or no text (byte {begin})");
        assert_eq!(csv(text, &json!({})), Err(said), "{text:?}");
    }
}

/// `cat *.csv > all.csv`, and the same of lines.
#[test]
fn files_that_were_put_together_have_a_heading_and_a_mark_each() {
    let again = "sku,name\nA,b\n\u{feff}sku,\"name\"\nB,c\n";
    let rows = told(again).expect("rows");
    assert_eq!((rows.len(), rows[0].as_str(), rows[2].as_str()), (3, "b|A", "c|B"));
    assert!(rows[1].contains(" ! name repeats the heading, as its whole row does"), "{rows:?}");
    // Of one column nobody can say, and one value is not a heading.
    assert_eq!(csv("sku\nA\nsku\n", &json!({})).map(|rows| rows.len()), Ok(2));
    assert_eq!(told("sku,name\nsku,b\n"), Ok(vec!["b|sku".to_owned()]));
    let rows = heading(&["sku", "name"])
        + "<row r=\"2\"><c t=\"inlineStr\"><is><t>sku</t></is></c><c t=\"inlineStr\"><is><t>name</t></is></c></row>";
    let read_book = xlsx(&sheet(&rows, ""), &json!({})).expect("rows");
    assert!(
        read_book[0].ends_with("! name repeats the heading, as its whole row does (Prices!2:2)"),
        "{read_book:?}"
    );

    let lines = "{\"sku\":\"A\"}\n\u{feff}{\"sku\":\"B\"}\n";
    let both = Ok(vec!["A".to_owned(), "B".to_owned()]);
    assert_eq!(read(Kind::JsonLines, lines.as_bytes(), &json!({})), both);
    let broken = "{\"sku\":\"A\"}\n\u{feff}{\"sku\": B}\n";
    let place = at(broken, "B}");
    let said = read(Kind::JsonLines, broken.as_bytes(), &json!({})).expect_err("refused");
    assert!(said.ends_with(&place), "{said}, not {place}");
}

/// Nobody sees them, and a file that seems to hold nothing is nothing to anybody.
#[test]
fn a_workbook_that_holds_something_in_hidden_sheets_only_is_named() {
    let rows = heading(&["sku"]) + "<row r=\"2\"><c r=\"A2\"><v>1</v></c></row>";
    for state in ["hidden", "veryHidden"] {
        let mut parts = around(&format!("<sheetData>{rows}</sheetData>"), "");
        let book = String::from_utf8_lossy(&parts[1].content);
        parts[1].content = book.replace("<sheet name", &format!("<sheet state=\"{state}\" name")).into();
        let said = Err("holds something in hidden sheets only".to_owned());
        assert_eq!(xlsx(&zip(&parts), &json!({})), said, "{state}");
        assert_eq!(xlsx(&zip(&parts), &json!({ "sheet": "Prices" })), Ok(vec!["1".to_owned()]), "{state}");
    }
}

/// Some programs write moments with their zone.
#[test]
fn a_moment_of_a_workbook_may_name_its_zone() {
    let moment = |text: &str| {
        let rows = heading(&["at"]) + &format!("<row r=\"2\"><c r=\"A2\" t=\"d\"><v>{text}</v></c></row>");
        xlsx(&sheet(&rows, ""), &json!({}))
    };
    for right in ["2026-11-24T06:30:00Z", "2026-11-24T06:30:00+07:00", "2026-11-24T06:30:00"] {
        assert_eq!(moment(right), Ok(vec![format!("\"{right}\"")]));
    }
    let none = moment("2026-02-30T06:30:00Z").expect("a row");
    assert!(none[0].contains("holds a date that is none"), "{none:?}");
}
