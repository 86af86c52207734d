//! Workbooks: as a program writes them, and as none does.

use rust_xlsxwriter::{ExcelDateTime, Format as Look, Workbook};

use super::zips::{around, sheet, zip};
use super::*;

/// Every row of a workbook, its values between bars and what is wrong with it behind; or what is wrong with the file.
pub(super) fn xlsx(bytes: &[u8], options: &serde_json::Value) -> Result<Vec<String>, String> {
    let mut reader = Reader::open(Cursor::new(bytes), Kind::Xlsx, &format(options)).map_err(super::said)?;
    let mut rows = Vec::new();
    while let Some(row) = reader.next_row().map_err(super::said)? {
        let values: Vec<&str> = row.readable().values().map(|raw| raw.get()).collect();
        let problems = row.problems().iter().map(|problem| format!(" ! {}", problem.what()));
        rows.push(values.join("|") + &problems.collect::<String>());
    }
    Ok(rows)
}

pub(super) fn written(fill: impl Fn(&mut Workbook) -> Result<(), rust_xlsxwriter::XlsxError>) -> Vec<u8> {
    let mut book = Workbook::new();
    fill(&mut book).expect("filled");
    book.save_to_buffer().expect("written")
}

pub(super) fn heading(names: &[&str]) -> String {
    let cells = names.iter().map(|name| format!("<c t=\"inlineStr\"><is><t>{name}</t></is></c>"));
    format!("<row r=\"1\">{}</row>", cells.collect::<String>())
}

#[test]
fn a_workbook_gives_what_its_cells_are() {
    let bytes = written(|book| {
        let sheet = book.add_worksheet();
        sheet.set_name("Prices")?;
        for (column, name) in ["active", "discount", "from", "name", "price", "sku"].into_iter().enumerate() {
            sheet.write(0, column as u16, name)?;
        }
        let (percent, day) = (Look::new().set_num_format("0%"), Look::new().set_num_format("dd/mm/yyyy"));
        let moment = Look::new().set_num_format("dd/mm/yyyy hh:mm");
        sheet.write(1, 0, true)?.write_with_format(1, 1, 0.1, &percent)?;
        sheet.write_with_format(1, 2, &ExcelDateTime::from_ymd(2026, 11, 24)?, &day)?;
        sheet
            .write(1, 3, "Áo dài \"đỏ\"\r\n<&>_x0041_")?
            .write(1, 4, 133.8_f64.next_up())?
            .write(1, 5, "A-1")?;
        sheet.write_with_format(2, 1, 0.075, &percent)?;
        sheet.write_with_format(2, 2, &ExcelDateTime::from_ymd(2026, 11, 24)?.and_hms(6, 30, 0)?, &moment)?;
        sheet.write(2, 4, 25_000_000)?.write(2, 5, 17)?;
        Ok(())
    });
    let mut reader =
        Reader::open(Cursor::new(&bytes), Kind::Xlsx, &Format::default()).map_err(said).expect("opens");
    assert_eq!(reader.columns(), ["active", "discount", "from", "name", "price", "sku"]);
    assert_eq!(reader.rows(), Some(2));
    let row = reader.next_row().map_err(said).expect("read").expect("a row");
    assert_eq!(row.place_of("price").to_string(), "Prices!E2");
    assert_eq!(
        (row.place().to_string(), row.place_of("colour").to_string()),
        ("Prices!2:2".into(), "Prices!2:2".into())
    );
    // C7: the cell shows 10 %. It is a text, which no amount can be mistaken for, and who reads it can tell.
    assert!(row.is_percent("discount") && !row.is_percent("price"));
    assert_eq!(
        xlsx(&bytes, &json!({})),
        Ok(vec![
            r#"true|"10%"|"2026-11-24"|"Áo dài \"đỏ\"\r\n<&>_x0041_"|133.8|"A-1""#.to_owned(),
            r#"""|"7.5%"|"2026-11-24T06:30:00"|""|25000000|17"#.to_owned(),
        ])
    );
}

/// X1: never 0, never an error's number, never absent.
#[test]
fn a_cell_that_shows_no_value_is_a_problem_of_its_row_at_its_cell() {
    let rows = heading(&["sku", "price"])
        + "<row r=\"2\"><c r=\"A2\" t=\"str\"><v>A</v></c><c r=\"B2\" t=\"e\"><v>#N/A</v></c></row>\
           <row r=\"3\"><c r=\"A3\"><v>3</v></c><c r=\"B3\" t=\"e\"><f>1/0</f><v>#DIV/0!</v></c></row>\
           <row r=\"4\"><c r=\"A4\"><v>4</v></c><c r=\"B4\" t=\"e\"><v>#LAN PHAM</v></c></row>\
           <row r=\"5\"><c r=\"A5\"><v>5</v></c><c r=\"B5\"><f>1+1</f></c></row>\
           <row r=\"6\"><c r=\"A6\"><v>6</v></c><c r=\"B6\"><f>1+1</f><v/></c></row>\
           <row r=\"7\"><c r=\"A7\"><v>7</v></c><c r=\"B7\"><f>1+1</f><v>2</v></c></row>\
           <row r=\"8\"><c r=\"A8\"><v>8</v></c><c r=\"B8\" t=\"str\"><f>T(1)</f><v></v></c></row>\
           <row r=\"9\"><c r=\"A9\"><v>9</v></c><c r=\"B9\" t=\"inlineStr\"><is><t>#REF!</t></is></c></row>\
           <row r=\"10\"><c r=\"A10\"><v>10</v></c><c r=\"B10\" t=\"s\"><v>99</v></c></row>\
           <row r=\"11\"><c r=\"A11\"><v>11</v></c><c r=\"B11\"><v>nan</v></c></row>\
           <row r=\"12\"><c r=\"A12\"><v>12</v></c><c r=\"B12\" t=\"z\"><v>1</v></c></row>\
           <row r=\"13\"><c r=\"A13\"><v>13</v></c><c r=\"B13\" s=\"2\"><v>60</v></c></row>";
    let expected = [
        r#""A" ! price shows #N/A in place of a value (Prices!B2)"#,
        "3 ! price shows #DIV/0! in place of a value (Prices!B3)",
        "4 ! price shows an error in place of a value (Prices!B4)",
        "5 ! price is a formula without a stored result (Prices!B5)",
        "6 ! price is a formula without a stored result (Prices!B6)",
        "2|7",
        r#"""|8"#,
        "9 ! price shows #REF! in place of a value (Prices!B9)",
        "10 ! price names a text that the workbook does not hold (Prices!B10)",
        "11 ! price holds a number that is none (Prices!B11)",
        "12 ! price holds a kind of value that is not known (Prices!B12)",
        "13 ! price holds a date that is none (Prices!B13)",
    ];
    let bytes = sheet(&rows, "");
    assert_eq!(xlsx(&bytes, &json!({})).expect("read"), expected);
    let mut reader =
        Reader::open(Cursor::new(&bytes), Kind::Xlsx, &Format::default()).map_err(said).expect("opens");
    let row = reader.next_row().map_err(said).expect("read").expect("a row");
    let problems = row.into_fields().expect_err("nobody takes it without its price");
    assert_eq!(problems.len(), 1);
}

/// Programs that cannot calculate write 0, and that it is still to be calculated.
#[test]
fn results_that_are_still_to_be_calculated_are_none() {
    let bytes = written(|book| {
        let sheet = book.add_worksheet();
        sheet.write(0, 0, "sku")?.write(0, 1, "price")?;
        sheet.write(1, 0, "A")?.write_formula(1, 1, "=1+1")?;
        Ok(())
    });
    let said = r#""A" ! price is a formula whose result is still to be calculated (Sheet1!B2)"#;
    assert_eq!(xlsx(&bytes, &json!({})), Ok(vec![said.to_owned()]));
}

/// X3
#[test]
fn a_value_over_several_rows_is_every_rows_and_one_over_several_columns_is_none() {
    let bytes = written(|book| {
        let (sheet, look) = (book.add_worksheet(), Look::new());
        sheet.write(0, 0, "category")?.write(0, 1, "sku")?.write(0, 2, "unit")?;
        sheet.merge_range(1, 0, 5, 0, "Phones", &look)?;
        for row in 1..7 {
            sheet.write(row, 1, row)?;
        }
        sheet.merge_range(7, 1, 8, 2, "both", &look)?;
        Ok(())
    });
    let wide = r#""" ! sku has one value for several columns (Sheet1!B8:C9)"#;
    assert_eq!(
        xlsx(&bytes, &json!({})).expect("read"),
        [
            r#""Phones"|1|"""#,
            r#""Phones"|2|"""#,
            r#""Phones"|3|"""#,
            r#""Phones"|4|"""#,
            r#""Phones"|5|"""#,
            r#"""|6|"""#,
            wide
        ]
    );
    // A page that begins within them has the value, too.
    let mut reader =
        Reader::open(Cursor::new(&bytes), Kind::Xlsx, &Format::default()).map_err(said).expect("opens");
    reader.seek(5).expect("there");
    let row = reader.next_row().map_err(said).expect("read").expect("a row");
    assert_eq!((row.at, row.readable()["category"].get()), (5, "\"Phones\""));
    reader.seek(3).expect("back");
    let row = reader.next_row().map_err(said).expect("read").expect("a row");
    assert_eq!((row.at, row.readable()["category"].get(), reader.next_at()), (3, "\"Phones\"", 4));
    // Under merged cells a value may be left that nobody sees; and an error is an error for all.
    let rows = heading(&["a", "b"])
        + "<row r=\"2\"><c r=\"A2\" t=\"e\"><v>#N/A</v></c><c r=\"B2\"><v>2</v></c></row>\
           <row r=\"3\"><c r=\"A3\"><v>9</v></c><c r=\"B3\"><v>3</v></c></row>\
           <row r=\"4\"><c r=\"B4\"><v>4</v></c></row>";
    let merged = sheet(&rows, "<mergeCells><mergeCell ref=\"A2:A4\"/></mergeCells>");
    assert_eq!(
        xlsx(&merged, &json!({})).expect("read"),
        [
            "2 ! a shows #N/A in place of a value (Prices!A2:A4)",
            "3 ! a holds a value that merged cells hide (Prices!A2:A4)",
            "4 ! a shows #N/A in place of a value (Prices!A2:A4)",
        ]
    );
}

/// X3
#[test]
fn the_heading_is_found_below_a_title_or_told_and_has_one_line() {
    let titled = written(|book| {
        let sheet = book.add_worksheet();
        sheet.write(0, 0, "Prices of December")?;
        sheet.write(3, 0, "sku")?.write(3, 1, "price")?;
        sheet.write(4, 0, "A")?.write(4, 1, 1)?;
        Ok(())
    });
    let rows = || Ok(vec![r#"1|"A""#.to_owned()]);
    assert_eq!(xlsx(&titled, &json!({})), rows());
    assert_eq!(xlsx(&titled, &json!({ "header_row": 4 })), rows());
    assert_eq!(xlsx(&titled, &json!({ "header_row": 2 })), Err("has nothing in row 2".to_owned()));
    let no_text = "has a heading that is no text (Sheet1!B5)".to_owned();
    assert_eq!(xlsx(&titled, &json!({ "header_row": 5 })), Err(no_text));

    let (two_lines, above) = (
        |told: serde_json::Value| {
            let bytes = written(|book| {
                let (sheet, look) = (book.add_worksheet(), Look::new());
                sheet.merge_range(0, 0, 1, 0, "sku", &look)?.merge_range(0, 1, 0, 2, "price", &look)?;
                sheet.write(1, 1, "old")?.write(1, 2, "new")?;
                sheet.write(2, 0, "A")?.write(2, 1, 1)?.write(2, 2, 2)?;
                Ok(())
            });
            xlsx(&bytes, &told)
        },
        written(|book| {
            let (sheet, look) = (book.add_worksheet(), Look::new());
            sheet.merge_range(0, 1, 0, 2, "price", &look)?;
            sheet.write(1, 0, "sku")?.write(1, 1, "old")?.write(1, 2, "new")?;
            Ok(())
        }),
    );
    assert_eq!(two_lines(json!({})), Err("has a heading of merged cells (Sheet1!A1:A2)".to_owned()));
    let told = two_lines(json!({ "header_row": 2 }));
    assert_eq!(told, Err("has a heading of merged cells (Sheet1!A1:A2)".to_owned()));
    assert_eq!(xlsx(&above, &json!({})), Err("has a heading of merged cells (Sheet1!B1:C1)".to_owned()));
    assert_eq!(xlsx(&above, &json!({ "header_row": 2 })), Ok(vec![]));
    // A title may be merged, over whatever is below it.
    let merged_title = written(|book| {
        let (sheet, look) = (book.add_worksheet(), Look::new());
        sheet.merge_range(0, 0, 0, 2, "Prices", &look)?;
        sheet.write(1, 0, "sku")?.write(1, 1, "price")?.write(2, 0, "A")?.write(2, 1, 1)?;
        Ok(())
    });
    assert_eq!(xlsx(&merged_title, &json!({})), rows());
    let twice = sheet(&heading(&["sku", "\u{feff}sku"]), "");
    assert_eq!(xlsx(&twice, &json!({})), Err("has two columns of one name (Prices!B1)".to_owned()));
    let single = heading(&["sku"]) + "<row r=\"9\"><c r=\"A9\"><v>1</v></c></row>";
    assert_eq!(xlsx(&sheet(&single, ""), &json!({})), Ok(vec!["1".to_owned()]));
}

#[test]
fn the_sheet_is_the_only_one_or_named() {
    let bytes = written(|book| {
        for (name, value) in [("Notes", "n"), ("Prices", "p")] {
            let sheet = book.add_worksheet();
            sheet.set_name(name)?;
            sheet.write(0, 0, "sku")?.write(1, 0, value)?;
        }
        book.add_worksheet().set_name("Empty")?;
        let hidden = book.add_worksheet();
        hidden.set_name("Hidden")?.set_hidden(true).write(0, 0, "sku")?;
        Ok(())
    });
    assert_eq!(xlsx(&bytes, &json!({})), Err("has several sheets".to_owned()));
    assert_eq!(xlsx(&bytes, &json!({ "sheet": "Prices" })), Ok(vec!["\"p\"".to_owned()]));
    assert_eq!(xlsx(&bytes, &json!({ "sheet": "Hidden" })), Ok(vec![]));
    let Err(Flaw::Wrong(problem)) =
        Reader::open(Cursor::new(&bytes), Kind::Xlsx, &format(&json!({ "sheet": "prices" })))
    else {
        panic!("opened")
    };
    assert_eq!(
        problem.to_string(),
        "has no sheet of that name (fix: set option sheet to one of \"Notes\", \"Prices\", \"Empty\", \"Hidden\")"
    );
    let nothing = written(|book| book.add_worksheet().set_name("Prices").map(drop));
    assert_eq!(xlsx(&nothing, &json!({})), Ok(vec![]), "an export of nothing has no rows");
}

/// One cell far away is one cell, and not a table around it.
#[test]
fn a_cell_at_the_end_of_the_sheet_costs_nothing() {
    let far = heading(&["sku", "price"])
        + "<row r=\"2\"><c r=\"A2\"><v>1</v></c></row><row r=\"1048576\"><c r=\"XFD1048576\"><v>1</v></c></row>";
    assert_eq!(
        xlsx(&sheet(&far, ""), &json!({})).expect("read"),
        ["\"\"|1", "\"\"|\"\" ! has a value in a column without a name (Prices!XFD1048576)"]
    );
    let formatted = far
        .replace("<v>1</v></c></row></", "</c></row></")
        .replace("XFD1048576\"><v>1</v>", "XFD1048576\" s=\"1\">");
    assert_eq!(xlsx(&sheet(&formatted, ""), &json!({})).expect("read"), ["\"\"|1"]);
    for place in ["XFE1", "A1048577", "A0", "1A", "AAAA1", "A", "worksheet1", "+A1", "A+1"] {
        let rows = format!("<row r=\"1\"><c r=\"{place}\"><v>1</v></c></row>");
        let said = Err("has rows or cells out of their order, twice, or where a sheet has none".to_owned());
        assert_eq!(xlsx(&sheet(&rows, ""), &json!({})), said, "{place}");
    }
}

#[test]
fn texts_are_as_they_are_shown_and_numbers_with_zeros_are_keys() {
    let rows = "<row><c t=\"s\"><v>0</v></c><c t=\"s\"><v>1</v></c><c t=\"inlineStr\"><is><t>x</t></is></c></row>\
                <row><c s=\"4\"><v>17</v></c><c t=\"s\"><v>2</v></c><c t=\"s\"><v>3</v></c></row>\
                <row><c s=\"4\"><v>1.5</v></c><c t=\"str\"><v>a_x000D_&#10;_x00_</v></c><c t=\"d\"><v>2026-11-24</v></c></row>";
    let bytes = sheet(rows, "");
    let read = xlsx(&bytes, &json!({})).expect("read");
    assert_eq!(read, [r#""東京"|"0017"|"""#, r#""a\r\n_x00_"|1.5|"2026-11-24""#]);
    // A blank may be written so.
    let blank = heading(&["sku", "name"]) + "<row r=\"2\"><c t=\"str\"><v>_x0020_ </v></c></row>";
    assert_eq!(xlsx(&sheet(&blank, ""), &json!({})), Ok(vec![]));
}

/// Two keys of 16 digits and more are one number to a spreadsheet.
#[test]
fn a_number_of_more_digits_than_a_workbook_keeps_is_a_problem_of_its_cell() {
    let cells =
        ["1234567890123456", "8934620000000123456", "1E+300", "-1000000000000000", "999999999999999.9"];
    let row = |(row, number): (usize, &&str)| {
        format!(
            "<row r=\"{row}\"><c r=\"A{row}\"><v>{number}</v></c><c r=\"B{row}\" s=\"4\"><v>{number}</v></c></row>"
        )
    };
    let rows = heading(&["sku", "zeros"]) + &(2..).zip(&cells).map(row).collect::<String>();
    let told = xlsx(&sheet(&rows, ""), &json!({})).expect("read");
    let said = |row: usize| {
        let why = "holds a number of more than 15 digits, of which a workbook keeps 15";
        format!(" ! sku {why} (Prices!A{row}) ! zeros {why} (Prices!B{row})")
    };
    assert_eq!(told, (2..7).map(said).collect::<Vec<_>>());
    let kept = heading(&["sku"]) + "<row r=\"2\"><c r=\"A2\"><v>999999999999999</v></c></row>";
    assert_eq!(xlsx(&sheet(&kept, ""), &json!({})), Ok(vec!["999999999999999".to_owned()]));
}

/// In 1904 programs began to count on another day.
#[test]
fn days_are_counted_from_where_the_workbook_says() {
    let rows = heading(&["sku", "from"]) + "<row r=\"2\"><c><v>1</v></c><c s=\"2\"><v>44888</v></c></row>";
    let parts = around(&format!("<sheetData>{rows}</sheetData>"), "<workbookPr date1904=\"1\"/>");
    assert_eq!(xlsx(&zip(&parts), &json!({})), Ok(vec![r#""2026-11-24"|1"#.to_owned()]));
}
