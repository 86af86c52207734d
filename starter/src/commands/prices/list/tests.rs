//! Tests of lists that are files.

use std::env::temp_dir;
use std::fs;
use std::process;

use rust_xlsxwriter::Workbook;
use store::Lines;

use super::*;

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
    let mut spool = tempfile::tempfile().expect("a file");
    book.save_to_writer(&mut spool).expect("written");
    assert_eq!(sniffed(&mut spool).expect("read"), ListFormat::Xlsx);
    let file = ListFile { name: "prices.xlsx".to_owned(), file: spool, format: ListFormat::Xlsx };
    let columns = Columns::of([("sku", "sku"), ("new_price", "new_price")]);
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
    assert_eq!(lines, [(3, 2, BTreeMap::new()), (5, 1, [flaw].into())]);
    fs::remove_dir_all(folder).expect("removed");
}
