use super::*;

/// X1, X3 and C7, page by page; what a cell does not say is told with its place.
#[tokio::test]
async fn a_workbook_is_an_export_like_any_other() {
    let workbook = || -> Result<Vec<u8>, rust_xlsxwriter::XlsxError> {
        let mut book = rust_xlsxwriter::Workbook::new();
        let sheet = book.add_worksheet().set_name("Prices")?;
        sheet.write(0, 0, "Prices of December")?;
        for (column, name) in (0_u16..).zip(["sku", "price", "category"]) {
            sheet.write(2, column, name)?;
        }
        sheet.merge_range(3, 2, 7, 2, "Phones", &rust_xlsxwriter::Format::new())?;
        for row in 3_u32..8 {
            sheet.write(row, 0, format!("A{row}"))?.write(row, 1, 133.8_f64.next_up())?;
        }
        sheet.write(5, 1, "#N/A")?;
        let percent = rust_xlsxwriter::Format::new().set_num_format("0%");
        sheet.write_with_format(7, 1, 0.1, &percent)?;
        book.save_to_buffer()
    };
    for kind in KINDS {
        let folder = Exports::new(kind);
        folder.drop_file("products-1.xlsx", workbook().expect("a workbook"));
        folder.drop_file("products-2.csv", "sku,price\nB,#REF!\n");
        let erp = folder.at_once();
        let (records, _) = run(&erp, ask(None)).await.expect("read");
        let (again, _) = run(&folder.at_once(), ask(None)).await.expect("read anew");
        assert_eq!(records, again);
        assert_eq!(column(&records, "sku"), ["\"A3\"", "\"A4\"", "\"A5\"", "\"A6\"", "\"A7\"", "\"B\""]);
        assert_eq!(column(&records, "price"), ["133.8", "133.8", "", "133.8", "\"10%\"", ""]);
        assert_eq!(column(&records, "category")[..5], ["\"Phones\""; 5]);
        let page = |cursor: Option<String>| {
            let erp = erp.clone();
            async move { erp.page(&PageAsk { cursor: cursor.as_deref(), limit: 6, ..ask(None) }).await }
        };
        let page = page(None).await.expect("read");
        let whats = page.records.iter().filter_map(|record| record.unreadable.as_ref()).map(|p| p.what());
        assert_eq!(
            whats.collect::<Vec<_>>(),
            [
                "price shows #N/A in place of a value (Prices!B6)",
                "price shows #REF! in place of a value (byte 12)"
            ]
        );
    }
    let folder = Exports::new(Kind::Disk);
    folder.drop_file("products.xlsx", "PK");
    let error = run(&folder.at_once(), ask(None)).await.expect_err("no workbook").to_string();
    assert!(error.contains("is not a workbook, or is cut short: is it .xlsx?"), "{error}");
    assert_eq!(folder.names("failed"), ["products.xlsx"]);
}
