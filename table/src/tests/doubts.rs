//! Files that can be read in two ways, or that no option fits.

use super::workbooks::{heading, xlsx};
use super::zips::sheet;
use super::*;

fn texts(row: u32, values: &[&str]) -> String {
    let cells = values
        .iter()
        .zip('A'..)
        .map(|(value, column)| format!("<c r=\"{column}{row}\" t=\"inlineStr\"><is><t>{value}</t></is></c>"));
    format!("<row r=\"{row}\">{}</row>", cells.collect::<String>())
}

/// Five rows and the heading would be a title: which of the rows names the columns, nobody has said.
#[test]
fn several_rows_above_the_first_one_of_two_cells_are_a_doubt() {
    let one_column = ["sku", "A0", "A1", "A2", "A3", "A4"];
    let mut rows: String = (1..).zip(one_column).map(|(row, value)| texts(row, &[value])).collect();
    rows += &texts(7, &["A9", "note"]);
    rows += &texts(8, &["B1"]);
    let bytes = sheet(&rows, "");
    let said =
        "has 6 rows with one value above row 7, the first one with more: they may be titles, or the table's";
    assert_eq!(xlsx(&bytes, &json!({})), Err(format!("{said} (Prices!1:1)")));
    assert_eq!(xlsx(&bytes, &json!({ "header_row": 7 })), Ok(vec![r#""B1"|"""#.to_owned()]));
    // As a table of one column every value is told.
    let told = xlsx(&bytes, &json!({ "header_row": 1 })).expect("read");
    assert_eq!(told.len(), 7);
    assert_eq!(told[5], r#""A9" ! has a value in a column without a name (Prices!B7)"#);
    let titled = texts(1, &["Prices"]) + &texts(2, &["sku", "price"]) + &texts(3, &["A", "1"]);
    assert_eq!(xlsx(&sheet(&titled, ""), &json!({})).map(|rows| rows.len()), Ok(1), "one title is one");
}

/// Signs that nobody sees are neither a name nor a row.
#[test]
fn a_cell_of_invisible_signs_is_empty() {
    let rows = texts(1, &["sku", "\u{200b}", "name"])
        + &texts(2, &["A", "", "a"])
        + &texts(3, &["\u{200b}", "", "_x200B_ "])
        + &texts(4, &["B", "lost", "b"]);
    let read = xlsx(&sheet(&rows, ""), &json!({})).expect("read");
    let lost = r#""b"|"B" ! has a value in a column without a name (Prices!B4)"#;
    assert_eq!(read, [r#""a"|"A""#, lost]);
}

/// A fix that does not help is worse than none.
#[test]
fn a_heading_of_numbers_is_told_to_be_stored_as_text() {
    let rows =
        "<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>sku</t></is></c><c r=\"B1\"><v>2026</v></c></row>";
    let Err(Flaw::Wrong(problem)) =
        Reader::open(Cursor::new(sheet(rows, "")), Kind::Xlsx, &Format::default())
    else {
        panic!("opened")
    };
    assert_eq!(problem.what(), "has a heading that is no text (Prices!B1)");
    assert!(problem.fix.contains("store the name as text"), "{}", problem.fix);
}

/// 16,384 columns of nothing in each of 100,000 rows are a small file, and hours.
#[test]
fn a_wide_heading_over_many_rows_is_refused() {
    let names: Vec<String> = (0..16_384).map(|nth| format!("n{nth}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let rows = |count: u32| {
        let row = |row: u32| format!("<row r=\"{row}\"><c r=\"A{row}\"><v>1</v></c></row>");
        sheet(&(heading(&names) + &(2..count + 2).map(row).collect::<String>()), "")
    };
    let bytes = rows(1_221);
    let opened =
        Reader::open(Cursor::new(&bytes), Kind::Xlsx, &Format::default()).map(|reader| reader.rows());
    assert_eq!(
        opened.map_err(said),
        Err("has 16384 columns and 1221 rows, more than 20000000 cells".to_owned())
    );
    let bytes = rows(100);
    assert!(Reader::open(Cursor::new(&bytes), Kind::Xlsx, &Format::default()).is_ok());
}

/// A name reaches terminals and messages.
#[test]
fn a_name_that_nobody_can_show_is_refused() {
    let commands = "has a name with control characters";
    for sign in ["\u{1b}[31m", "\u{9b}31m", "\u{7f}", "\u{8}"] {
        let file = format!("sku,na{sign}me\nA,a\n");
        assert_eq!(csv(&file, &json!({})), Err(format!("{commands} {}", at(&file, "na"))), "{sign:?}");
    }
    let line = "{\"sku\": 1, \"na\\u001bme\": 2}";
    assert_eq!(read(Kind::JsonLines, line.as_bytes(), &json!({})), Err(format!("{commands} (byte 0)")));
    let cells = heading(&["sku", "na_x001B_me"]);
    assert_eq!(xlsx(&sheet(&cells, ""), &json!({})), Err(format!("{commands} (Prices!B1)")));
    let long = format!("sku,{}\nA,a\n", "x".repeat(300_000));
    assert_eq!(csv(&long, &json!({})), Err("has a name of more than 500 characters (byte 4)".to_owned()));
    let said = xlsx(&sheet(&heading(&[&"x".repeat(501)]), ""), &json!({}));
    assert_eq!(said, Err("has a name of more than 500 characters (Prices!A1)".to_owned()));
}

/// Each sign of several bytes would be two or three others.
#[test]
fn utf_8_that_is_said_to_be_another_encoding_is_named() {
    let text = "sku,name\nA,Áo dài\nB,“đỏ”\n";
    for encoding in ["windows-1252", "windows-1258"] {
        let said = Err("is UTF-8, and not in the encoding that is said".to_owned());
        assert_eq!(read(Kind::Csv, text.as_bytes(), &json!({ "encoding": encoding })), said, "{encoding}");
        // One sign that UTF-8 would not hold, and plain text alone, are what they are said to be.
        let other = [text.as_bytes(), b"C,caf\xE9\n"].concat();
        assert!(read(Kind::Csv, &other, &json!({ "encoding": encoding })).is_ok());
        assert!(read(Kind::Csv, b"sku\nA\n", &json!({ "encoding": encoding })).is_ok());
    }
    let wide = |sign: char| u32::from(sign).to_le_bytes();
    let wide: Vec<u8> = "\u{feff}sku\nA\n".chars().flat_map(wide).collect();
    for bytes in [&wide[..], &wide[4..]] {
        for encoding in ["utf-8", "utf-16", "windows-1252"] {
            let said = read(Kind::Csv, bytes, &json!({ "encoding": encoding }));
            assert_eq!(said, Err("is UTF-32".to_owned()), "{encoding}");
        }
    }
}

#[test]
fn the_line_that_says_the_delimiter_is_read_as_programs_write_it() {
    let rows = || Ok(vec!["a|A".to_owned()]);
    for line in ["sep=;", "sep=;;", "\"sep=;\"", "sep=; ", "\"sep=;\";;", "SEP=;;;;;;"] {
        assert_eq!(csv(&format!("{line}\nsku;name\nA;a\n"), &json!({})), rows(), "{line}");
    }
    assert_eq!(csv("sep=\t\t\nsku\tname\nA\ta\n", &json!({})), rows());
    for line in ["sep=a", "sep=\"", "sep=\u{200b}", "sep=", "sep=:", "sep=á"] {
        let said = "says another delimiter (sep=) than there are (byte 0)".to_owned();
        assert_eq!(csv(&format!("{line}\nsku;name\nA;a\n"), &json!({})), Err(said), "{line}");
    }
    // A heading may begin so.
    assert_eq!(csv("sep=,name\nA,a\n", &json!({})), Ok(vec!["a|A".to_owned()]));
    assert_eq!(csv("separator\nA\n", &json!({})), Ok(vec!["A".to_owned()]));
}

/// A delimiter in quotes is the name's.
#[test]
fn a_single_name_in_quotes_may_hold_another_delimiter() {
    let text = "\"Name, Vorname\"\n\"Phạm, Lan\"\n";
    assert_eq!(csv(text, &json!({ "delimiter": ";" })), Ok(vec!["Phạm, Lan".to_owned()]));
    assert_eq!(csv(text, &json!({})), Ok(vec!["Phạm, Lan".to_owned()]));
    let bare = csv("Name, Vorname\nA\n", &json!({ "delimiter": ";" }));
    assert_eq!(bare, Err("has one column, whose name holds \",\" (byte 0)".to_owned()));
}

/// As MySQL writes: the sign behind a backslash is the value's, with quotes around it or without.
#[test]
fn a_backslash_is_a_backslash_outside_of_quotes_too() {
    let said = json!({ "escape": "\\" });
    for (value, read) in [
        (r"a\,b", "a,b"),
        (r"C:\\dir", r"C:\\dir"),
        (r#"\"x\"y"#, r#"\"x\"y"#),
        ("a\\\nb", r"a\nb"),
        ("a\\\r\nb", r"a\r\nb"),
        (r"\N", ""),
        (r"\Nx", "Nx"),
        (r"\\N", r"\\N"),
        (r#""\N""#, "N"),
    ] {
        let row = csv(&format!("sku,name\nA,{value}\n"), &said).map(|rows| rows[0].clone());
        assert_eq!(row, Ok(format!("{read}|A")), "{value}");
    }
    let ends = "sku,name\nA,a\\";
    assert_eq!(
        csv(ends, &said),
        Err(format!("has a backslash behind which nothing comes {}", at(ends, "\\")))
    );
    // Unless it is said, it is a sign like others.
    assert_eq!(csv("sku,name\nA,C:\\dir\n", &json!({})), Ok(vec![r"C:\\dir|A".to_owned()]));
}

/// Old programs end lines with a carriage return alone; and what is wrong in a line stands somewhere in it.
#[test]
fn lines_of_json_end_as_lines_do_and_name_the_wrong_sign() {
    for end in ["\n", "\r", "\r\n"] {
        let text = ["{\"a\": 1}", "{\"a\": 2}", ""].join(end);
        let rows = read(Kind::JsonLines, text.as_bytes(), &json!({}));
        assert_eq!(rows, Ok(vec!["1".to_owned(), "2".to_owned()]), "{end:?}");
    }
    let broken = "{\"a\": 1}\n{\"á\": 1, \"b\": x}\n";
    let told = format!("has a line that is not JSON: expected value {}", at(broken, "x}"));
    assert_eq!(read(Kind::JsonLines, broken.as_bytes(), &json!({})), Err(told));
    let wide = utf16(broken, false, true);
    let told = read(Kind::JsonLines, &wide, &json!({ "encoding": "utf-16" })).expect_err("broken");
    let before = broken.split("x}").next().expect("before").chars().count();
    assert!(told.ends_with(&format!("(byte {})", 2 + before * 2)), "{told}");
    let half = "{\"\\ud800\": 1}";
    let told = "has a field whose name holds half a sign (byte 0)".to_owned();
    assert_eq!(read(Kind::JsonLines, half.as_bytes(), &json!({})), Err(told));
}
