//! Workbooks that somebody made to do harm, and files that are none.

use super::workbooks::{heading, xlsx};
use super::zips::{Part, around, part, sheet, zip};
use super::*;

/// However it is packed: nothing of it is unpacked beyond what is allowed, and all that was promised is there.
#[test]
fn hostile_zips_are_refused() {
    let rows = heading(&["sku"]) + "<row r=\"2\"><c r=\"A2\"><v>1</v></c></row>";
    let whole = || around(&format!("<sheetData>{rows}</sheetData>"), "");
    let with = |change: &dyn Fn(&mut Vec<Part>)| {
        let mut parts = whole();
        change(&mut parts);
        xlsx(&zip(&parts), &json!({}))
    };
    let last = |parts: &mut Vec<Part>| parts.len() - 1;
    assert_eq!(with(&|_| {}), Ok(vec!["1".to_owned()]));
    assert_eq!(
        with(&|parts| parts.iter_mut().for_each(|part| part.is_stored = true)),
        Ok(vec!["1".to_owned()])
    );
    let damaged = || Err("is damaged: its parts are not what its directory says".to_owned());
    // 4 MB of blanks behind a directory that says 1,000 bytes.
    let bomb = "<worksheet><sheetData/>".to_owned() + &" ".repeat(4_000_000) + "</worksheet>";
    assert_eq!(
        with(&|parts| {
            let at = last(parts);
            parts[at] = Part { said_bytes: Some(1_000), ..part("xl/worksheets/sheet1.xml", bomb.clone()) };
        }),
        damaged()
    );
    assert_eq!(with(&|parts| parts.last_mut().expect("a part").said_checksum = Some(7)), damaged());
    assert_eq!(with(&|parts| parts.last_mut().expect("a part").said_bytes = Some(9_999)), damaged());
    let too_much = Err("is a workbook of more than 500000000 bytes when it is unpacked".to_owned());
    assert_eq!(with(&|parts| parts[0].said_bytes = Some(500_000_001)), too_much);
    assert_eq!(
        with(&|parts| {
            for name in ["xl/media/1.png", "xl/media/2.png"] {
                parts.push(Part { said_bytes: Some(300_000_000), ..part(name, "x") });
            }
        }),
        too_much
    );
    assert_eq!(with(&|parts| parts.push(part("XL\\worksheets\\sheet1.xml", "<worksheet/>"))), damaged());
    assert_eq!(with(&|parts| parts[0].is_encrypted = true), Err("is encrypted".to_owned()));
    let bytes = zip(&whole());
    for length in 0..bytes.len() {
        assert!(xlsx(&bytes[..length], &json!({})).is_err(), "cut after {length} bytes");
    }
    let huge = vec![0; 50_000_001];
    assert_eq!(xlsx(&huge, &json!({})), Err("is a workbook of more than 50000000 bytes".to_owned()));
}

#[test]
fn parts_that_are_no_xml_of_a_workbook_are_refused() {
    let rows = heading(&["sku"]) + "<row r=\"2\"><c r=\"A2\"><v>1</v></c></row>";
    let with = |change: &dyn Fn(&mut Vec<Part>)| {
        let mut parts = around(&format!("<sheetData>{rows}</sheetData>"), "");
        change(&mut parts);
        xlsx(&zip(&parts), &json!({}))
    };
    let not_xml = || Err("holds a part that is not the XML of a workbook".to_owned());
    let entities = "<!DOCTYPE w [<!ENTITY a \"aaaaaaaa\"><!ENTITY b \"&a;&a;\">]><worksheet>&b;</worksheet>";
    assert_eq!(with(&|parts| parts.last_mut().expect("a part").content = entities.into()), not_xml());
    for broken in ["<worksheet><sheetData><row></sheetData></worksheet>", "<worksheet><sheetData>", "", "PK"]
    {
        assert_eq!(
            with(&|parts| parts.last_mut().expect("a part").content = broken.into()),
            not_xml(),
            "{broken}"
        );
    }
    let deep = "<a>".repeat(1_000_000);
    assert_eq!(with(&|parts| parts.last_mut().expect("a part").content = deep.clone().into()), not_xml());
    let many = "<Relationship Id=\"a\" Type=\"b\" Target=\"c\"/>";
    let many = (0..20_000).map(|nth| many.replace("\"a\"", &format!("\"{nth}\""))).collect::<String>();
    assert_eq!(
        with(&|parts| parts[0].content = format!("<Relationships>{many}</Relationships>").into()),
        not_xml()
    );
    let twice = "<sheet name=\"Prices\" sheetId=\"1\" r:id=\"a\"/>";
    assert_eq!(
        with(&|parts| {
            let book = String::from_utf8_lossy(&parts[1].content).replace(twice, &twice.repeat(2));
            parts[1].content = book.into();
        }),
        not_xml()
    );
    let long = format!("<worksheet><!-- {} --><sheetData/></worksheet>", "x".repeat(3_000_000));
    let said = Err("holds a text longer than 1048576 bytes".to_owned());
    assert_eq!(with(&|parts| parts.last_mut().expect("a part").content = long.clone().into()), said);
}

/// 9 kB of a file that would be 2 GB in memory: one text in each of 2,500 cells.
#[test]
fn a_text_that_many_cells_share_counts_in_each_of_them() {
    let with = |text: &str, rows: String, behind: &str| {
        let mut parts = around(&format!("<sheetData>{rows}</sheetData>{behind}"), "");
        let strings = format!("<sst><si><t>{text}</t></si></sst>");
        parts.iter_mut().filter(|part| part.name == "xl/sharedStrings.xml").for_each(|part| {
            part.content = strings.clone().into();
        });
        xlsx(&zip(&parts), &json!({}))
    };
    let text = "x".repeat(900_000);
    let name = |nth: usize| format!("<c t=\"inlineStr\"><is><t>n{nth}</t></is></c>");
    let names = (0..2_500).map(name).collect::<String>();
    let shared = "<c t=\"s\"><v>0</v></c>".repeat(2_500);
    let too_long = |row: u32| Err(format!("has a row longer than 1048576 bytes (Prices!{row}:{row})"));
    let row = format!("<row r=\"1\">{names}</row><row r=\"2\">{shared}</row>");
    assert_eq!(with(&text, row, ""), too_long(2));
    assert_eq!(with(&text, format!("<row r=\"1\">{shared}</row>"), ""), too_long(1));
    // Merged cells show it in rows that do not hold it.
    let merged: String =
        ["A", "B", "C"].map(|column| format!("<mergeCell ref=\"{column}2:{column}9\"/>")).concat();
    let rows = "<row r=\"1\"><c t=\"inlineStr\"><is><t>a</t></is></c><c t=\"inlineStr\"><is><t>b</t></is></c>\
                <c t=\"inlineStr\"><is><t>c</t></is></c><c t=\"inlineStr\"><is><t>d</t></is></c></row>\
                <row r=\"2\"><c t=\"s\"><v>0</v></c><c t=\"s\"><v>0</v></c><c t=\"s\"><v>0</v></c></row>\
                <row r=\"3\"><c r=\"D3\"><v>1</v></c></row>";
    let read = with(&"x".repeat(300_000), rows.to_owned(), &format!("<mergeCells>{merged}</mergeCells>"));
    assert_eq!(read.map(|rows| rows.len()), Ok(2));
    let read = with(&"x".repeat(400_000), rows.to_owned(), &format!("<mergeCells>{merged}</mergeCells>"));
    assert_eq!(read, too_long(2));
    let parts = format!("{text}</t><t>{text}");
    let said = Err("has a cell longer than 1048576 bytes".to_owned());
    assert_eq!(with(&parts, heading(&["sku"]), ""), said);
}

/// Each row would cost as much as all of them.
#[test]
fn merged_cells_that_overlap_are_refused() {
    let with = |ranges: &[&str]| {
        let merged = ranges.iter().map(|range| format!("<mergeCell ref=\"{range}\"/>")).collect::<String>();
        let rows = heading(&["a", "b"]) + "<row r=\"2\"><c r=\"A2\"><v>1</v></c></row>";
        xlsx(&sheet(&rows, &format!("<mergeCells>{merged}</mergeCells>")), &json!({}))
    };
    for (ranges, second) in [
        (&["C4:F9", "A2:C4"][..], "C4:F9"),
        (&["A2:B3", "A2:B3"], "A2:B3"),
        (&["A5:Z5", "B2:B9", "M4:M5"], "A5:Z5"),
        (&["B2:D20", "A3:A4", "E3:E4", "A5:F5"], "A5:F5"),
        (&["A2:B2", "B2:C9"], "B2:C9"),
    ] {
        let said = format!(
            "has merged cells that overlap others, so that nobody can say which value is shown (Prices!{second})"
        );
        assert_eq!(with(ranges), Err(said), "{ranges:?}");
    }
    let beside: Vec<String> = (2..50_000).map(|row| format!("C{row}:D{row}")).collect();
    let beside: Vec<&str> = beside.iter().map(String::as_str).collect();
    assert!(with(&beside).is_ok());
    assert!(with(&["A2:A3", "B2:C3", "A4:C4", "D2:D9", "A5:C9"]).is_ok());
}

#[test]
fn a_sheet_of_too_many_rows_is_refused_with_the_way_to_do_it() {
    let row = |row: u32| format!("<row r=\"{row}\"><c r=\"A{row}\"><v>1</v></c></row>");
    let rows = |last: u32| heading(&["sku"]) + &(2..=last).map(row).collect::<String>();
    let bytes = sheet(&rows(100_001), "");
    let full =
        Reader::open(Cursor::new(&bytes), Kind::Xlsx, &Format::default()).map_err(said).expect("opens");
    assert_eq!(full.rows(), Some(100_000));
    let bytes = sheet(&rows(100_002), "");
    let Err(Flaw::Wrong(problem)) = Reader::open(Cursor::new(&bytes), Kind::Xlsx, &Format::default()) else {
        panic!("opened")
    };
    assert_eq!(problem.to_string(), "has more than 100000 rows (fix: save as CSV)");
}

#[test]
fn other_workbooks_are_refused_by_name() {
    let compound = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";
    let encrypted: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let encrypted = [&compound[..], &[0; 600], &encrypted].concat();
    assert_eq!(xlsx(&encrypted, &json!({})), Err("is encrypted".to_owned()));
    let old = [&compound[..], &[0; 600]].concat();
    assert_eq!(xlsx(&old, &json!({})), Err("is a workbook of the old kind (.xls)".to_owned()));
    let open = zip(&[part("mimetype", "x"), part("content.xml", "<x/>")]);
    assert_eq!(xlsx(&open, &json!({})), Err("is a workbook of another kind (.ods)".to_owned()));
    assert_eq!(
        xlsx(&zip(&[part("a.txt", "a")]), &json!({})),
        Err("is packed, and not a workbook".to_owned())
    );
    assert_eq!(xlsx(b"sku,name\nA,a\n", &json!({})), Err("is not a workbook, or is cut short".to_owned()));
    let mut binary = around("", "");
    binary[0].content =
        String::from_utf8_lossy(&binary[0].content).replace("workbook.xml", "workbook.bin").into();
    binary.push(part("xl/workbook.bin", "x"));
    assert_eq!(xlsx(&zip(&binary), &json!({})), Err("is a binary workbook (.xlsb)".to_owned()));
    for bytes in [&old[..], &zip(&[part("a", "a")])] {
        assert_eq!(read(Kind::Csv, bytes, &json!({})), Err("is a workbook, or packed".to_owned()));
    }
    for (name, said) in [
        ("prices.xls", "is a workbook of another kind than .xlsx"),
        ("prices.csv.gz", "is packed"),
        ("prices.txt", "has an ending that says nothing about it"),
        ("prices", "has no ending"),
        ("prices.pdf", "is no table by its name"),
    ] {
        let refused = crate::open(name, Cursor::new(b"x"), &Format::default()).err().map(super::said);
        assert_eq!(refused.as_deref(), Some(said), "{name}");
    }
    assert!(
        crate::open("PRICES.XLSX", Cursor::new(sheet(&heading(&["sku"]), "")), &Format::default()).is_ok()
    );
}
