mod doubts;
mod hostile;
mod looks;
mod odd;
mod quotes;
mod workbooks;
mod zips;

use std::io::{Cursor, Read, Seek, SeekFrom};

use serde_json::json;
use text::Place;

use super::*;

fn format(options: &serde_json::Value) -> Format {
    let mut format = Format::default();
    for (name, value) in options.as_object().expect("an object") {
        format.set(name, value).expect("an option");
    }
    format
}

fn said(flaw: Flaw) -> String {
    match flaw {
        Flaw::Wrong(problem) => problem.what(),
        Flaw::Io(error) => error.to_string(),
    }
}

/// Every row of a file, its values between bars; or what is wrong with it.
fn read(kind: Kind, bytes: &[u8], options: &serde_json::Value) -> Result<Vec<String>, String> {
    let mut reader = Reader::open(Cursor::new(bytes), kind, &format(options)).map_err(said)?;
    let mut rows = Vec::new();
    while let Some(row) = reader.next_row().map_err(said)? {
        let values: Vec<&str> = row.readable().values().map(|raw| raw.get().trim_matches('"')).collect();
        rows.push(values.join("|"));
    }
    Ok(rows)
}

fn csv(text: &str, options: &serde_json::Value) -> Result<Vec<String>, String> {
    read(Kind::Csv, text.as_bytes(), options)
}

/// Where a part of a file begins, as messages say it.
fn at(text: &str, part: &str) -> String {
    format!("(byte {})", text.find(part).expect("there"))
}

#[test]
fn values_are_texts_whatever_stands_around_them() {
    let text =
        "\u{feff}\"sku\", name ,price\r\nA,\"Áo dài, \"\"đỏ\"\"\nlụa\",\"1.250.000,5\"\r\nB, \"b\" ,2\rC,,3";
    let rows = csv(text, &json!({}));
    // The columns by name: name, price, sku.
    assert_eq!(rows.expect("rows"), [r#"Áo dài, \"đỏ\"\nlụa|1.250.000,5|A"#, "b|2|B", "|3|C"]);
    assert_eq!(csv("", &json!({})), Ok(vec![]), "an export of nothing has no rows");
    assert_eq!(csv("sku,name\n", &json!({})), Ok(vec![]));
}

/// A file that goes on and on, and counts what is asked of it.
struct Endless<'c> {
    begin: &'static [u8],
    at: u64,
    most: &'c std::cell::Cell<u64>,
}

impl Read for Endless<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        for byte in into.iter_mut() {
            let nth = usize::try_from(self.at).unwrap_or(usize::MAX);
            *byte =
                self.begin.get(nth).copied().unwrap_or(if self.at.is_multiple_of(64) { b'\n' } else { b'x' });
            self.at += 1;
        }
        self.most.set(self.most.get().max(self.at));
        Ok(into.len())
    }
}

impl Seek for Endless<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        if let SeekFrom::Start(byte) = to {
            self.at = byte;
        }
        Ok(self.at)
    }
}

/// E6: a quote that stays open makes a record of the whole file, however long that is.
#[test]
fn a_record_without_end_is_refused_before_it_fills_the_memory() {
    for (kind, begin, said) in [
        (
            Kind::Csv,
            &b"sku,name\nA,\"27 inch,"[..],
            "has a quote that is not closed within 1048576 bytes (byte 11)",
        ),
        (Kind::Csv, b"sku\n", ""),
        (Kind::JsonLines, b"{\"a\": \"", "has a line that is not JSON: EOF while parsing a string (byte 63)"),
    ] {
        let most = std::cell::Cell::new(0);
        let file = Endless { begin, at: 0, most: &most };
        let mut reader = Reader::open(file, kind, &Format::default()).map_err(|_| "opens").expect("opens");
        let flaw = reader.next_row();
        match flaw {
            Err(Flaw::Wrong(problem)) => assert_eq!(problem.what(), said),
            other => assert!(said.is_empty() && matches!(other, Ok(Some(_))), "{other:?}"),
        }
        assert!(most.get() <= RECORD_BYTES_MAX + 200_000, "{} bytes were read", most.get());
    }
    let long = format!("sku\n{}", "x".repeat(2 << 20));
    assert_eq!(csv(&long, &json!({})), Err("has a record longer than 1048576 bytes (byte 4)".to_owned()));
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(2 << 20));
    let said = "has a line longer than 1048576 bytes (byte 0)".to_owned();
    assert_eq!(read(Kind::JsonLines, long.as_bytes(), &json!({})), Err(said));
}

/// E9
#[test]
fn rows_of_nothing_are_no_records() {
    let text = "sku;name\n;\nA;a\n ; \n\u{200b};\u{a0}\n\n   \nB;b\n;;\n\t \n";
    assert_eq!(csv(text, &json!({ "delimiter": ";" })), Ok(vec!["a|A".to_owned(), "b|B".to_owned()]));
}

/// E10
#[test]
fn the_delimiter_is_the_one_that_is_said_and_another_one_is_named() {
    let rows = || Ok(vec!["a|A".to_owned(), "b|B".to_owned()]);
    assert_eq!(csv("sep=;\r\nsku;name\r\nA;a\r\nB;b\r\n", &json!({})), rows());
    assert_eq!(csv("\u{feff}SEP=\t\nsku\tname\nA\ta\nB\tb", &json!({})), rows());
    let open_end = "sku;name;\nA;a;\nB;b\n";
    assert_eq!(csv(open_end, &json!({ "delimiter": ";" })), rows());
    assert_eq!(csv("sku,name\nA,a,\nB,b, \n", &json!({})), rows());
    // The note is empty, and the price is 1,250: not 1.
    let shifted = "sku,old_price,new_price,note\nA,1000,1,250,\n";
    let said = csv(shifted, &json!({}));
    assert!(
        said.as_ref().is_err_and(|said| said.contains("\"1000,1\", which may be one number")),
        "{said:?}"
    );
    let behind = "sku,name,\nA,a,x\n";
    assert_eq!(
        csv(behind, &json!({})),
        Err(format!("has a value in a column without a name {}", at(behind, "A,a")))
    );
    let other = "has one column, whose name holds \";\" (byte 0)".to_owned();
    assert_eq!(csv("sku;name\nA;a\n", &json!({})), Err(other));
    assert_eq!(
        csv("sku\tname\nA\ta\n", &json!({})),
        Err("has one column, whose name holds a tab (\"\\t\") (byte 0)".to_owned())
    );
    assert_eq!(csv("sku\nA\n", &json!({})), Ok(vec!["A".to_owned()]));
    let long = "sku,name\nA,a,x\n";
    assert_eq!(
        csv(long, &json!({})),
        Err(format!("has a record of 3 values for 2 columns {}", at(long, "A,a")))
    );
}

/// X1: an error of a spreadsheet is not a value in its export either; where it stands is known.
#[test]
fn an_error_of_a_spreadsheet_is_a_problem_of_its_row() {
    let text = "sku,price,name\nÁ,\"#N/A\",x\nB,2,#1 in sales\n";
    let mut reader =
        Reader::open(Cursor::new(text), Kind::Csv, &Format::default()).map_err(said).expect("opens");
    let row = reader.next_row().map_err(said).expect("read").expect("a row");
    let place = row.place_of("name").to_string();
    assert_eq!(format!("({place})"), at(text, "x\nB"));
    let problems = row.into_fields().expect_err("no value");
    let whats: Vec<String> = problems.iter().map(Problem::what).collect();
    assert_eq!(whats, [format!("price shows #N/A in place of a value {}", at(text, "\"#N"))]);
    let row = reader.next_row().map_err(said).expect("read").expect("a row");
    assert_eq!(row.into_fields().expect("values")["name"].get(), "\"#1 in sales\"");
}

/// X3, of exports: a title and empty lines above the heading.
#[test]
fn the_line_of_the_heading_can_be_told() {
    let text = "Prices of December,,\n\n\"\nsku,name\nA,a\n";
    assert_eq!(csv(text, &json!({ "header_row": 4 })), Ok(vec!["a|A".to_owned()]));
    assert_eq!(csv(text, &json!({ "header_row": 9 })), Ok(vec![]));
    assert_eq!(csv(&text.replace('\n', "\r"), &json!({ "header_row": 4 })), Ok(vec!["a|A".to_owned()]));
    // Lines are counted as an editor counts them: the one that says the delimiter is one of them.
    let said = "sep=;\nPrices of December\nsku;name\nA;a\n";
    for file in [said.to_owned(), said.replace('\n', "\r"), said.replace('\n', "\r\n")] {
        assert_eq!(csv(&file, &json!({ "header_row": 3 })), Ok(vec!["a|A".to_owned()]), "{file:?}");
    }
    for row in [1, 2] {
        let heading = "sep=;\nsku;name\nA;a\n";
        assert_eq!(csv(heading, &json!({ "header_row": row })), Ok(vec!["a|A".to_owned()]));
    }
}

#[test]
fn columns_have_names_of_their_own() {
    assert_eq!(csv("sku,,name\n", &json!({})), Err("has a column without a name (byte 4)".to_owned()));
    for twice in ["sku,\u{feff}sku\n", "sku,s\u{ad}ku\n"] {
        assert_eq!(csv(twice, &json!({})), Err("has two columns of one name (byte 4)".to_owned()));
    }
    // Composed or not, a name is that name (O8).
    let decomposed = "ma\u{303},gia\u{301}\nA,1\n";
    let mut reader =
        Reader::open(Cursor::new(decomposed), Kind::Csv, &Format::default()).map_err(|_| "").expect("opens");
    let row = reader.next_row().map_err(|_| "").expect("read").expect("a row");
    assert_eq!(row.readable().keys().collect::<Vec<_>>(), ["giá", "mã"]);
    let line = "{\"gia\u{301}\": 1, \"ma\u{303}\u{200b}\": \"A\"}\n";
    assert_eq!(read(Kind::JsonLines, line.as_bytes(), &json!({})), Ok(vec!["1|A".to_owned()]));
    let mut reader =
        Reader::open(Cursor::new(line), Kind::JsonLines, &Format::default()).map_err(|_| "").expect("opens");
    let row = reader.next_row().map_err(|_| "").expect("read").expect("a row");
    assert_eq!(row.readable().keys().collect::<Vec<_>>(), ["giá", "mã"]);
    let twice = "{\"gia\u{301}\": 1, \"giá\": 2}";
    let said = "has a line with the field 'giá' twice (byte 0)".to_owned();
    assert_eq!(read(Kind::JsonLines, twice.as_bytes(), &json!({})), Err(said));
    let long = format!("{{\"{0}\": 1, \"{0}\": 2}}", "x".repeat(500));
    let said = read(Kind::JsonLines, long.as_bytes(), &json!({})).expect_err("refused");
    assert!(said.len() < 150, "{said}");
}

fn utf16(text: &str, is_big: bool, has_mark: bool) -> Vec<u8> {
    let mark = if has_mark { "\u{feff}" } else { "" };
    let units = mark.encode_utf16().chain(text.encode_utf16());
    units.flat_map(|unit| if is_big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
}

/// S1, and encodings that are declared.
#[test]
fn a_file_is_read_in_the_encoding_that_is_said_and_another_one_is_named() {
    let text = "sku,name\nA,Áo 👘\nB,b\n";
    let rows = || Ok(vec!["Áo 👘|A".to_owned(), "b|B".to_owned()]);
    for (is_big, has_mark) in [(false, true), (true, true), (false, false), (true, false)] {
        let bytes = utf16(text, is_big, has_mark);
        assert_eq!(read(Kind::Csv, &bytes, &json!({ "encoding": "utf-16" })), rows());
        for other in ["utf-8", "windows-1252"] {
            assert_eq!(read(Kind::Csv, &bytes, &json!({ "encoding": other })), Err("is UTF-16".to_owned()));
        }
    }
    let lines = utf16("{\"name\": \"Áo\"}\n", false, true);
    assert_eq!(read(Kind::JsonLines, &lines, &json!({ "encoding": "utf-16" })), Ok(vec!["Áo".to_owned()]));
    let latin = b"sku,name\nA,caf\xE9 \x80\n";
    assert_eq!(
        read(Kind::Csv, latin, &json!({ "encoding": "windows-1252" })),
        Ok(vec!["café €|A".to_owned()])
    );
    // In 1258 an accent is a sign of its own, behind its letter.
    let viet = b"sku,name\nA,Ti\xEA\xCCn \xF0\xFE\n";
    let read_viet = read(Kind::Csv, viet, &json!({ "encoding": "windows-1258" })).expect("read");
    assert_eq!(text::composed(&read_viet[0]), "Tiền đ₫|A");
    assert_eq!(read(Kind::Csv, latin, &json!({})), Err("is not UTF-8 (byte 14)".to_owned()));
    assert_eq!(read(Kind::Csv, b"sku\nA\xC3", &json!({})), Err("is not UTF-8 (byte 5)".to_owned()));
    let marked = "\u{feff}sku\nA\n".as_bytes();
    for other in ["utf-16", "windows-1258"] {
        let said = Err("begins with the mark of UTF-8".to_owned());
        assert_eq!(read(Kind::Csv, marked, &json!({ "encoding": other })), said);
    }
    let half = [&utf16("sku\nA", false, true)[..], b"x"].concat();
    assert_eq!(
        read(Kind::Csv, &half, &json!({ "encoding": "utf-16" })),
        Err("is not UTF-16 (byte 12)".to_owned())
    );
}

#[test]
fn a_byte_is_found_by_its_line_and_column() {
    let text = "\u{feff}sku,name\r\nÁ,a\nB,b\n";
    let bytes = |part: &str| text.find(part).expect("there") as u64;
    let asked = [bytes("sku"), bytes("Á"), bytes("a\n"), bytes("b\n")];
    let found = in_lines(Cursor::new(text), &Format::default(), &asked.into_iter().collect()).map_err(said);
    let found: Vec<String> = found.expect("read").values().map(Place::to_string).collect();
    let wanted = ["line 1, column 1", "line 2, column 1", "line 2, column 3", "line 3, column 3"];
    assert_eq!(found, wanted);
    // Old programs end lines with a carriage return alone.
    let old = text.replace("\r\n", "\n").replace('\n', "\r");
    let asked = ["sku", "Á", "a\r", "b\r"].map(|part| old.find(part).expect("there") as u64);
    let found = in_lines(Cursor::new(&old), &Format::default(), &asked.into_iter().collect()).map_err(said);
    let found: Vec<String> = found.expect("read").values().map(Place::to_string).collect();
    assert_eq!(found, wanted);
}

/// A page of a long file begins where the one before ended, in every encoding.
#[test]
fn a_reader_goes_on_at_every_rows_end() {
    let text = "sep=;\nsku;name\nÁ-1;\"x\ny\"\n\nB-2;👘\r\nC-3;\"\"\n";
    let marked = [b"\xEF\xBB\xBF", text.as_bytes()].concat();
    for (bytes, encoding) in
        [(marked, "utf-8"), (utf16(text, true, true), "utf-16"), (utf16(text, false, false), "utf-16")]
    {
        let format = format(&json!({ "encoding": encoding }));
        let (mut skus, mut byte) = (Vec::new(), 0);
        loop {
            let mut reader =
                Reader::open(Cursor::new(&bytes), Kind::Csv, &format).map_err(|_| "").expect("opens");
            reader.seek(byte).expect("there");
            let Some(row) = reader.next_row().map_err(|_| "").expect("read") else { break };
            assert!(row.at >= byte && reader.next_at() > row.at);
            skus.push(row.readable()["sku"].get().to_owned());
            byte = reader.next_at();
        }
        assert_eq!(skus, ["\"Á-1\"", "\"B-2\"", "\"C-3\""]);
    }
}

#[test]
fn lines_keep_digits_and_say_what_is_wrong_where() {
    let text = "\u{feff}{\"a\": 0.10, \"b\": null}\n\n{\"a\": 1e400}\r\n";
    assert_eq!(
        read(Kind::JsonLines, text.as_bytes(), &json!({})),
        Ok(vec!["0.10|null".to_owned(), "1e400".to_owned()])
    );
    for (text, said) in [
        ("{\"a\": 1}\n[1]\n", "has a line that is not a JSON object (byte 9)"),
        ("{\"a\": 1, \"a\": 2}", "has a line with the field 'a' twice (byte 0)"),
        ("{\"a\": 1", "has a line that is not JSON: EOF while parsing an object (byte 6)"),
    ] {
        assert_eq!(read(Kind::JsonLines, text.as_bytes(), &json!({})), Err(said.to_owned()));
    }
}

#[test]
fn an_option_that_is_not_known_is_named() {
    for (option, value, problem, fix) in [
        ("delimeter", json!(";"), "is not an option of tables", "did you mean 'delimiter'?"),
        ("delimiter", json!("ab"), "is not what it can be", "or a tab"),
        ("encoding", json!("latin-1"), "is not what it can be", "windows-1252"),
        ("escape", json!(true), "is not what it can be", "\"none\""),
        ("quote", json!("'"), "is not what it can be", "\"none\""),
        ("line_breaks", json!("yes"), "is not what it can be", "true"),
        ("sheet", json!(1), "is not what it can be", "the name"),
        ("header_row", json!(0), "is not what it can be", "from 1"),
    ] {
        let refusal = Format::default().set(option, &value).expect_err(option);
        assert_eq!(refusal.problem, problem);
        assert!(refusal.fix.contains(fix), "{}", refusal.fix);
    }
    assert_eq!(
        (Kind::of_name("PRODUCTS.CSV"), Kind::of_name("a.ndjson")),
        (Some(Kind::Csv), Some(Kind::JsonLines))
    );
    assert_eq!((Kind::of_name("products.csv.gz"), Kind::of_name("csv")), (None, None));
}
