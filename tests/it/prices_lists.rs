//! Lists as `starter prices update` takes them: by the URL of an object store, as a workbook, and one after the other
//! under one name.

use anyhow::Context as _;
use contracts::values::PriceBatchId;
use rust_xlsxwriter::{Format, Workbook};
use serde_json::json;
use tests::matrix::is;
use tests::prices::{PriceWorld, dearer};
use tests::starter::{Called, starter};

async fn prices(world: &PriceWorld, args: &[&str]) -> anyhow::Result<Called> {
    let place = world.erp.store.place().to_owned();
    starter(&world.erp.world, &[&["prices"], args, &["--store", &place]].concat(), None).await
}

/// A file in a folder of the test, by its path.
fn file(world: &PriceWorld, name: &str, content: &[u8]) -> anyhow::Result<String> {
    let path = world.erp.folder().join(name);
    std::fs::create_dir_all(path.parent().context("a folder")?)?;
    std::fs::write(&path, content)?;
    Ok(path.display().to_string())
}

#[tokio::test]
async fn a_list_is_fetched_from_an_object_store() -> anyhow::Result<()> {
    let world = PriceWorld::new().await?;
    let path = file(&world, "lists/prices.csv", b"sku,new_price\nMOUSE-001,450000\n")?;
    let url = format!("file://{path}");
    let done = prices(&world, &["update", "--input", &url, "--wait", "-o", "json"]).await?;
    is("update", &done.code, &Some(0)).context(done.err.clone())?;
    is("applied", &done.json()?["summary"]["applied"], &json!(1))?;
    is("mouse", &world.price("MOUSE-001-BLACK").await?, &450_000)?;

    let missing = format!("file://{}", path.replace("prices.csv", "other.csv"));
    let called = prices(&world, &["update", "--input", &missing]).await?;
    is("missing", &called.code, &Some(2)).context(called.err.clone())?;
    assert!(called.err.contains("other.csv is not there"), "{}", called.err);
    let called = prices(&world, &["update", "--input", "ftp://shop/prices.csv"]).await?;
    assert!(called.code != Some(0) && called.err.contains("neither a folder nor"), "{}", called.err);
    Ok(())
}

/// As a person keeps it: a title, names, prices as numbers that are shown with separators, a date, a note beside.
#[tokio::test]
async fn a_workbook_is_a_list() -> anyhow::Result<()> {
    let world = PriceWorld::new().await?;
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    let money = Format::new().set_num_format("#,##0 \"₫\"");
    for (column, name) in (0..).zip(["sku", "variant", "old_price", "new_price", "reason"]) {
        sheet.write(0, column, name)?;
    }
    sheet.write(1, 0, "LAPTOP-001")?.write_with_format(1, 2, 25_000_000, &money)?;
    sheet.write_with_format(1, 3, 23_000_000, &money)?.write(1, 4, "sale")?;
    sheet.write(2, 0, "MOUSE-001")?.write_with_format(2, 3, 450_000, &money)?;
    sheet.write(3, 0, "KEYBOARD-001")?.write(3, 3, "soon")?;
    let path = file(&world, "prices.xlsx", &book.save_to_buffer()?)?;

    let stopped = prices(&world, &["update", "--input", &path, "--wait"]).await?;
    is("stopped", &stopped.code, &Some(1)).context(stopped.err.clone())?;
    let said = stopped.out + &stopped.err;
    assert!(said.contains("line 4: new_price"), "{said}");
    is("changes", &world.changes().await?, &0)?;

    let kept = ["--keep-good-rows", "--batch-id", "book", "--wait", "-o", "json"];
    let done = prices(&world, &[&["update", "--input", &path], &kept[..]].concat()).await?;
    is("update", &done.code, &Some(7)).context(done.err.clone())?;
    is("applied", &done.json()?["summary"]["applied"], &json!(2))?;
    is("laptop", &world.price("LAPTOP-001-16GB-512GB").await?, &23_000_000)?;
    is("mouse", &world.price("MOUSE-001-BLACK").await?, &450_000)?;
    let report = prices(&world, &["report", "book"]).await?;
    assert!(report.out.contains("\n2,LAPTOP-001,LAPTOP-001-16GB-512GB,applied,"), "{}", report.out);
    assert!(report.out.contains("\n3,MOUSE-001,,applied,"), "{}", report.out);
    Ok(())
}

/// A name belongs to its first list: another one is refused, and the wrong rows that are told stay those of the first.
#[tokio::test]
async fn the_wrong_rows_of_two_lists_under_one_name_are_not_mixed() -> anyhow::Result<()> {
    let world = PriceWorld::new().await?;
    let first = file(&world, "first.csv", b"sku,new_price\nGHOST-1,1\nMOUSE-001,450000\n")?;
    let second = file(&world, "second.csv", b"sku,new_price\nMOUSE-001,450000\nGHOST-2,1\n")?;
    for (path, code) in [(&first, 1), (&second, 2)] {
        let called = prices(&world, &["update", "--input", path, "--batch-id", "both", "--wait"]).await?;
        is("exit code", &called.code, &Some(code)).context(called.err.clone())?;
        let is_refused = called.err.contains("was started with other data");
        is("refused", &is_refused, &(code == 2)).context(called.err.clone())?;
        let errors = prices(&world, &["report", "both", "--errors"]).await?;
        is("errors", &errors.code, &Some(0)).context(errors.err.clone())?;
        let rows: Vec<&str> = errors.out.lines().skip(1).collect();
        assert!(rows.len() == 1 && rows[0].starts_with("2,"), "{}", errors.out);
        assert!(!errors.out.contains("GHOST-2"), "{}", errors.out);
    }
    Ok(())
}

/// A dry run checks one list, and the run after it another one under the same name: the wrong rows that are told are
/// those of the run.
#[tokio::test]
async fn the_wrong_rows_of_a_preview_are_not_told_as_those_of_the_run() -> anyhow::Result<()> {
    let world = PriceWorld::new().await?;
    let previewed = b"sku,new_price\nGHOST-1,1\nMOUSE-001,450000\nGHOST-2,1\n";
    let written = b"sku,new_price\nMOUSE-001,450000\nGHOST-3,1\n";
    let previewed = (file(&world, "previewed.csv", previewed)?, "--dry-run", 7, ["2 GHOST-1", "4 GHOST-2"]);
    let written = (file(&world, "written.csv", written)?, "--wait", 7, ["3 GHOST-3", ""]);
    for (path, how, code, wanted) in [previewed, written] {
        let more = ["--batch-id", "previewed", "--keep-good-rows", how];
        let called = prices(&world, &[&["update", "--input", &path], &more[..]].concat()).await?;
        is("exit code", &called.code, &Some(code)).context(called.err.clone())?;
        let errors = prices(&world, &["report", "previewed", "--errors"]).await?;
        is("errors", &errors.code, &Some(0)).context(errors.err.clone())?;
        let named = |line: &str| {
            let cells: Vec<&str> = line.split(',').collect();
            format!("{} {}", cells[0], cells.iter().find(|cell| cell.starts_with("GHOST")).unwrap_or(&""))
        };
        let rows: Vec<String> = errors.out.lines().skip(1).map(named).collect();
        let wanted: Vec<String> =
            wanted.iter().filter(|row| !row.is_empty()).map(|row| (*row).to_owned()).collect();
        is("wrong rows", &rows, &wanted).context(errors.out.clone())?;
    }
    Ok(())
}

/// Lines are all that a script sees of a run under way.
#[tokio::test]
async fn a_wait_without_a_terminal_tells_how_many_rows_are_written() -> anyhow::Result<()> {
    let world = PriceWorld::new().await?;
    world.fill(40).await?;
    let rows = dearer(&world, 40).await?;
    let list = file(&world, "prices.json", json!(rows).to_string().as_bytes())?;
    let pace = ["--batch-size", "10", "--delay", "1s"];
    let done = prices(&world, &[&["update", "--input", &list, "--wait"], &pace[..]].concat()).await?;
    is("done", &done.code, &Some(0)).context(done.err.clone())?;
    assert!(done.err.contains("process-batches running: 0 of 40"), "{}", done.err);
    assert!(!done.err.contains('\r'), "a line is drawn anew: {:?}", done.err);
    Ok(())
}

/// The report tells every row of a list, also one whose price was so already.
#[tokio::test]
async fn a_report_tells_the_rows_that_needed_no_write() -> anyhow::Result<()> {
    let world = PriceWorld::new().await?;
    let list = b"sku,new_price\nKEYBOARD-001,1200000\nMOUSE-001,450000\n";
    let path = file(&world, "prices.csv", list)?;
    let header = "line,sku,variant,action,old_price,new_price,currency,error,late_seconds\n";
    let same = "2,KEYBOARD-001,,unchanged,1200000,1200000,VND,,\n";
    let update = ["update", "--input", &path, "--batch-id", "told", "--wait"];
    is("preview", &prices(&world, &[&update[..5], &["--dry-run"]].concat()).await?.code, &Some(0))?;
    is("nothing is told of a preview", &prices(&world, &["report", "told"]).await?.code, &Some(4))?;
    is("update", &prices(&world, &update).await?.code, &Some(0))?;
    let report = prices(&world, &["report", "told"]).await?;
    is("report", &report.out, &format!("{header}3,MOUSE-001,,applied,500000,450000,VND,,\n{same}"))?;
    world.revert(&PriceBatchId::new("told")?, false).await?.completed()?;
    is("the keyboard's price", &world.price("KEYBOARD-001-US").await?, &1_200_000)
}
