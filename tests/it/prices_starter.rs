//! `starter prices` as a script sees it: files, exit codes, and a list that comes back as it was.

use std::path::PathBuf;

use anyhow::Context as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tests::matrix::is;
use tests::prices::{PriceWorld, SAMPLE};
use tests::starter::{Called, starter};

/// The place of the world's object store.
fn store(world: &PriceWorld) -> String {
    world.erp.store.place().to_owned()
}

fn file(world: &PriceWorld, name: &str, text: &[u8]) -> anyhow::Result<String> {
    let path: PathBuf = world.erp.folder().join(name);
    std::fs::write(&path, text)?;
    Ok(path.display().to_string())
}

async fn prices(world: &PriceWorld, args: &[&str]) -> anyhow::Result<Called> {
    let place = store(world);
    let takes_store = ["update", "export", "report"].contains(&args[0]);
    let store: &[&str] = if takes_store { &["--store", &place] } else { &[] };
    starter(&world.erp.world, &[&["prices"], args, store].concat(), None).await
}

#[tokio::test]
async fn the_sample_is_previewed_approved_reported_and_reverted() -> anyhow::Result<()> {
    let world = PriceWorld::new().await?;
    let sample = file(&world, "prices.json", SAMPLE.as_bytes())?;
    let dry = prices(&world, &["update", "--input", &sample, "--dry-run", "-o", "json"]).await?;
    is("dry run", &dry.code, &Some(0)).context(dry.err.clone())?;
    let receipt = dry.json()?["receipt"].as_str().unwrap_or_default().to_owned();
    let more = ["--approve", &receipt, "--batch-id", "sample", "--delay", "0s", "--wait", "-o", "json"];
    let done = prices(&world, &[&["update", "--input", &sample], &more[..]].concat()).await?;
    is("update", &done.code, &Some(0)).context(done.err.clone())?;
    is("applied", &done.json()?["summary"]["applied"], &json!(2))?;
    is("id", &done.json()?["workflow_id"], &json!("prices/sample"))?;

    let report = prices(&world, &["report", "sample"]).await?;
    let wanted = "line,sku,variant,action,old_price,new_price,currency,error,late_seconds\n\
                  1,LAPTOP-001,LAPTOP-001-16GB-512GB,applied,25000000,23000000,VND,,\n\
                  2,MOUSE-001,,applied,500000,450000,VND,,\n";
    is("report", &report.out.as_str(), &wanted)?;

    let again = prices(&world, &["update", "--input", &sample, "--batch-id", "sample", "--wait"]).await?;
    is("a second start", &again.code, &Some(2)).context(again.err.clone())?;

    let back = prices(&world, &["revert", "sample", "--wait", "-o", "json"]).await?;
    is("revert", &back.code, &Some(0)).context(back.err.clone())?;
    is("restored", &back.json()?["restored"], &json!(2))?;
    is("mouse", &world.price("MOUSE-001-BLACK").await?, &500_000)?;
    let status = prices(&world, &["status", "sample/revert"]).await?;
    is("status", &status.code, &Some(0)).map(drop)
}

#[tokio::test]
async fn a_list_of_csv_keeps_its_lines_and_its_wrong_rows_come_back_to_be_corrected() -> anyhow::Result<()> {
    let world = PriceWorld::new().await?;
    let csv =
        "\u{feff}sku,new_price,reason\r\nMOUSE-001,450000,\"two\nlines\"\r\nGHOST,1,\r\nKEYBOARD-001,,\r\n";
    let list = file(&world, "prices.csv", csv.as_bytes())?;
    let stopped = prices(&world, &["update", "--input", &list, "--wait"]).await?;
    is("stopped", &stopped.code, &Some(1)).context(stopped.err.clone())?;
    let said = stopped.out + &stopped.err;
    assert!(said.contains("line 4: sku: the shop has no such product"), "{said}");
    assert!(said.contains("line 5: new_price: no price given"), "{said}");

    let kept = ["--keep-good-rows", "--batch-id", "kept", "--wait"];
    let kept = prices(&world, &[&["update", "--input", &list], &kept[..]].concat()).await?;
    is("kept", &kept.code, &Some(7)).context(kept.err.clone())?;
    let errors = prices(&world, &["report", "kept", "--errors"]).await?;
    let wanted = "line,causes,sku,variant,old_price,new_price,currency,effective_date,reason\n\
                  5,new_price: no price given,KEYBOARD-001,,,,,,\n\
                  4,sku: the shop has no such product,GHOST,,,1,,,\n";
    is("errors", &errors.out.as_str(), &wanted)?;
    // Corrected, and sent again as it is.
    let corrected = errors.out.replace("KEYBOARD-001,,,,,,", "KEYBOARD-001,,,1100000,,,");
    let corrected = corrected.replace("GHOST", "HEADSET-001").replace(",1,,,", ",1700000,,,");
    let list = file(&world, "corrected.csv", corrected.as_bytes())?;
    let done = prices(&world, &["update", "--input", &list, "--wait"]).await?;
    is("corrected", &done.code, &Some(0)).context(done.err.clone())?;
    is("keyboard", &world.price("KEYBOARD-001-US").await?, &1_100_000)
}

#[tokio::test]
async fn a_list_that_cannot_be_read_is_2_with_its_place_and_starts_nothing() -> anyhow::Result<()> {
    let world = PriceWorld::new().await?;
    let long = format!("sku,new_price\nMOUSE-001,{}\n", "1".repeat(10 << 20));
    for (name, text, said) in [
        (
            "wide.csv",
            &b"sku,new_price\nA,1\nB,2,3\n"[..],
            "wide.csv:3:1 has a record of 3 values for 2 columns",
        ),
        ("nul.csv", b"sku,new_price\nA,1\nB\0,2\n", "nul.csv:3:1 has a NUL byte"),
        ("long.csv", long.as_bytes(), "long.csv:2:1 has a record longer than 1048576 bytes"),
        ("typo.csv", b"sku,newprice\nA,1\n", "newprice is not a column of a price list"),
        ("cut.json", b"[{\"sku\": \"A\"},\n", "cut.json:2:0 is not JSON"),
        ("typo.json", b"[{\"sku\": \"A\", \"neu_price\": 1}]", "row 1 neu_price is not a column"),
        ("none.csv", b"sku,new_price\n", "has no rows"),
        ("lines.jsonl", b"{\"sku\": \"A\"}\n7\n", "lines.jsonl:2:1 has a line that is not a JSON object"),
    ] {
        let list = file(&world, name, text)?;
        let called = prices(&world, &["update", "--input", &list, "--batch-id", "wrong", "--wait"]).await?;
        is(name, &called.code, &Some(2)).context(called.err.clone())?;
        assert!(called.err.contains(said), "{name}: {}", called.err);
    }
    let status = prices(&world, &["status", "wrong"]).await?;
    is("status", &status.code, &Some(4))
}

/// P4: sent back untouched it changes nothing, whatever the products are called; a spreadsheet calculates nothing of
/// it.
#[tokio::test]
async fn an_export_that_is_sent_back_untouched_changes_nothing() -> anyhow::Result<()> {
    let world = PriceWorld::new().await?;
    let names = ["0017", "17", "90.750", "1E5", "-10", "=1+1", "TUBE-3/4\""];
    for name in names {
        let body = json!({ "sku": name, "name": "Tube", "price": 5_000 });
        world.erp.world.shop.ask("products", Some(&body)).await?;
    }
    let exported = prices(&world, &["export"]).await?;
    is("export", &exported.code, &Some(0)).context(exported.err.clone())?;
    assert!(exported.out.starts_with("sku,variant,price,currency\n"), "{}", exported.out);
    assert!(exported.out.contains("\n'=1+1,'=1+1,5000,VND\n"), "{}", exported.out);
    let list = file(&world, "export.csv", exported.out.as_bytes())?;
    let back = prices(&world, &["update", "--input", &list, "--wait", "-o", "json"]).await?;
    is("sent back", &back.code, &Some(0)).context(back.err.clone())?;
    let summary: Value = back.json()?["summary"].clone();
    is("unchanged", &summary["unchanged"], &json!(names.len() + 7))?;
    let hash: String = Sha256::digest(&exported.out).iter().map(|byte| format!("{byte:02x}")).collect();
    is("name", &back.json()?["workflow_id"], &json!(format!("prices/{}", &hash[..12])))?;
    is("changes", &world.changes().await?, &0)?;

    // After a spreadsheet program: 17 is there twice, the others are nobody's.
    let changed = "sku,variant,price\n17,,6000\n17,,6000\n90.75,,6000\n100000,,6000\n2,,6000\n";
    let list = file(&world, "changed.csv", changed.as_bytes())?;
    let stopped = prices(&world, &["update", "--input", &list, "--wait"]).await?;
    is("changed", &stopped.code, &Some(1)).context(stopped.err.clone())?;
    let said = stopped.out + &stopped.err;
    assert!(said.contains("line 2: sku: is given more than once for one time: also line 3"), "{said}");
    for (line, meant) in [(4, "90.750"), (5, "1E5")] {
        let words = format!("line {line}: sku: the shop has no such product: probably {meant}");
        assert!(said.contains(&words), "{words} is not in {said}");
    }
    is("changes", &world.changes().await?, &0)
}

/// The exit code of a dry run that would ask; and what comes by stdin.
#[tokio::test]
async fn a_dry_run_that_would_ask_is_8() -> anyhow::Result<()> {
    let world = PriceWorld::new().await?;
    let list = json!([{ "sku": "MOUSE-001", "new_price": 1 }]);
    let place = store(&world);
    let args = ["prices", "update", "--input", "-", "--dry-run", "--store", &place];
    let dry = starter(&world.erp.world, &args, Some(&list)).await?;
    is("dry run", &dry.code, &Some(8)).context(dry.err.clone())?;
    let said = dry.out + &dry.err;
    for words in ["largest: MOUSE-001: 500000 to 1 VND", "a person would be asked", "receipt: "] {
        assert!(said.contains(words), "{words} is not in {said}");
    }
    is("changes", &world.changes().await?, &0)
}
