mod workbooks;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

use serde_json::json;

use super::*;

/// A folder that goes when the test ends.
struct Exports(PathBuf, Kind);

/// The kind that the connector takes it for. A store in a folder stands in for a bucket; a real one is among the peers.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Disk,
    Bucket,
}

const KINDS: [Kind; 2] = [Kind::Disk, Kind::Bucket];

impl Drop for Exports {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("{} stays: {error}", self.0.display());
        }
    }
}

impl Exports {
    fn new(kind: Kind) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("sunflow-files-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a folder");
        Self(path, kind)
    }

    fn open(&self, options: Value) -> Arc<dyn Erp> {
        let settings = settings(&serde_json::from_value(options).expect("options")).expect("settings");
        connector(place_of(self), settings)
    }

    fn at_once(&self) -> Arc<dyn Erp> {
        self.open(json!({ "quiet_seconds": 0 }))
    }

    fn drop_file(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.0.join(name), content).expect("written");
    }

    /// The files in a folder below, without the claims.
    fn names(&self, folder: &str) -> Vec<String> {
        // A bucket has a folder as long as something is in it.
        let entries = fs::read_dir(self.0.join(folder)).into_iter().flatten();
        let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
        let own = |name: String| name.split_once("--").map_or(name.clone(), |(_, own)| own.to_owned());
        let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).map(own).collect();
        names.sort();
        names
    }
}

fn place_of(Exports(path, kind): &Exports) -> Box<dyn Place> {
    match kind {
        Kind::Disk => Box::new(Disk(path.clone())),
        Kind::Bucket => {
            let path = path.to_str().expect("UTF-8");
            Box::new(Bucket::new(Store::open(path).expect("a store")))
        }
    }
}

fn ask(settled: Option<Timestamp>) -> PageAsk<'static> {
    PageAsk {
        entity: Entity::Products,
        since: settled,
        cursor: None,
        limit: 2,
        settled,
        together: 40,
        is_dry: false,
    }
}

/// Every record up to a cut, and its newest change.
async fn run(
    erp: &Arc<dyn Erp>,
    ask: PageAsk<'_>,
) -> Result<(Vec<BTreeMap<String, String>>, Option<Timestamp>), CallError> {
    let (mut records, mut newest, mut cursor) = (Vec::new(), None, None::<String>);
    loop {
        let page = erp.page(&PageAsk { cursor: cursor.as_deref(), ..ask }).await?;
        assert!(page.records.len() <= 2, "a page is no longer than asked for");
        for record in page.records {
            newest = newest.max(Some(record.changed_at));
            let fields = record.fields.iter().map(|(name, raw)| (name.clone(), raw.get().to_owned()));
            records.push(fields.collect());
        }
        match page.next {
            Some(next) if !page.is_cut => cursor = Some(next),
            _ => return Ok((records, newest)),
        }
    }
}

fn column(records: &[BTreeMap<String, String>], name: &str) -> Vec<String> {
    records.iter().map(|record| record.get(name).cloned().unwrap_or_default()).collect()
}

#[tokio::test]
async fn records_come_whole_page_by_page_and_text_stays_text() {
    for kind in KINDS {
        let folder = Exports::new(kind);
        folder.drop_file(
            "products-1.csv",
            "\u{feff}\"sku\",name,price\r\nA,\"Áo dài, \"\"đỏ\"\"\nlụa\",\"1.250.000,5\"\r\nB,b,2\r\nC,c,3\r\n",
        );
        folder
            .drop_file("products~2 [50%].jsonl", "\u{feff}{\"sku\":\"D\",\"price\":0.10}\n\n{\"sku\":\"E\"}");
        folder.drop_file("productsheet.csv", "sku\nX\n");
        folder.drop_file("inventory.csv", "sku\nX\n");
        let (records, newest) = run(&folder.at_once(), ask(None)).await.expect("read");
        assert_eq!(column(&records, "sku"), ["\"A\"", "\"B\"", "\"C\"", "\"D\"", "\"E\""]);
        assert_eq!(column(&records, "price")[..4], ["\"1.250.000,5\"", "\"2\"", "\"3\"", "0.10"]);
        assert_eq!(records[0]["name"], "\"Áo dài, \\\"đỏ\\\"\\nlụa\"");
        assert!(newest.is_some());
        assert_eq!(folder.names("claimed"), ["products-1.csv", "products~2 [50%].jsonl"]);
        assert!(folder.0.join("inventory.csv").is_file() && folder.0.join("productsheet.csv").is_file());
    }
}

#[tokio::test]
async fn what_is_not_complete_is_left() {
    for kind in KINDS {
        let folder = Exports::new(kind);
        folder.drop_file("products-1.csv", "sku\nA\n");
        let patient = folder.open(json!({}));
        assert!(run(&patient, ask(None)).await.expect("read").0.is_empty(), "it may still grow");
        let hour_ago = SystemTime::now() - Duration::from_secs(3600);
        let file = fs::File::options().write(true).open(folder.0.join("products-1.csv")).expect("there");
        file.set_modified(hour_ago).expect("older");
        assert_eq!(run(&patient, ask(None)).await.expect("read").0.len(), 1);

        for name in ["products-2.csv.part", "products-3.csv.tmp", ".products-4.csv"] {
            folder.drop_file(name, "sku\nA\n");
        }
        assert_eq!(
            run(&folder.at_once(), ask(None)).await.expect("read").0.len(),
            1,
            "still the first alone"
        );

        let marked = folder.open(json!({ "marker": ".done" }));
        folder.drop_file("products-5.csv", "sku\nB\n");
        assert_eq!(run(&marked, ask(None)).await.expect("read").0.len(), 1);
        folder.drop_file("products-5.csv.done", "");
        assert_eq!(column(&run(&marked, ask(None)).await.expect("read").0, "sku"), ["\"A\"", "\"B\""]);
        assert!(!folder.0.join("products-5.csv.done").exists());
    }
}

/// The watermark is what decides: neither a run that fails nor a file that comes late with an old stamp loses anything.
#[tokio::test]
async fn a_file_is_put_away_when_the_shop_has_it_and_not_before() {
    for kind in KINDS {
        let folder = Exports::new(kind);
        let erp = folder.at_once();
        folder.drop_file("products.csv", "sku,updated_at\nA,2099-01-01T00:00:00Z\n");
        let (first, watermark) = run(&erp, ask(None)).await.expect("read");
        let (again, same) = run(&folder.at_once(), ask(None)).await.expect("read");
        assert_eq!((first, watermark), (again, same), "a run that failed is repeated, by another worker too");

        folder.drop_file("products.csv", "sku\nLATE\n");
        let file = fs::File::options().write(true).open(folder.0.join("products.csv")).expect("there");
        file.set_modified(SystemTime::UNIX_EPOCH).expect("older");
        let (second, later) = run(&erp, ask(watermark)).await.expect("read");
        assert_eq!(column(&second, "sku"), ["\"LATE\""]);
        assert!(later > watermark, "claims only grow");
        assert_eq!(
            (folder.names("done"), folder.names("claimed")),
            (vec!["products.csv".to_owned()], vec!["products.csv".to_owned()])
        );

        // A watermark ahead of this worker's clock: what comes now is newer all the same.
        let ahead = Timestamp::now().checked_add(jiff::SignedDuration::from_hours(5)).expect("a moment");
        folder.drop_file("products-3.csv", "sku\nAHEAD\n");
        let (third, newest) = run(&erp, ask(Some(ahead))).await.expect("read");
        assert_eq!(column(&third, "sku"), ["\"AHEAD\""]);
        assert!(newest > Some(ahead));
        folder.drop_file("products-4.csv", "sku\nNEXT\n");
        let (fourth, _) = run(&erp, ask(newest)).await.expect("read");
        assert_eq!(column(&fourth, "sku"), ["\"NEXT\""]);

        // The quarantine's records are read again.
        let since = PageAsk { settled: None, ..ask(watermark) };
        let (all, _) = run(&erp, since).await.expect("read");
        assert_eq!(column(&all, "sku"), ["\"A\"", "\"LATE\"", "\"AHEAD\"", "\"NEXT\""]);
        let error =
            run(&erp, PageAsk { together: 3, ..since }).await.expect_err("too many to keep their order");
        assert!(error.to_string().contains("done/"), "{error}");
        let full = PageAsk { since: None, ..ask(watermark) };
        assert!(run(&erp, full).await.expect_err("no whole").to_string().contains("leave out full"));
    }
}

#[tokio::test]
async fn files_that_are_not_staged_together_are_read_once_those_before_are_written() {
    for kind in KINDS {
        let folder = Exports::new(kind);
        let erp = folder.at_once();
        for n in 1..=3 {
            folder.drop_file(&format!("products-{n}.csv"), format!("sku\nA{n}\nB{n}\nC{n}\n"));
        }
        let few = PageAsk { together: 7, ..ask(None) };
        let (first, watermark) = run(&erp, few).await.expect("read");
        assert_eq!(first.len(), 3, "a second one could be five more, for all we know");
        let (second, watermark) = run(&erp, PageAsk { together: 7, ..ask(watermark) }).await.expect("read");
        assert_eq!(column(&second, "sku")[0], "\"A2\"");
        let (third, _) = run(&erp, PageAsk { together: 7, ..ask(watermark) }).await.expect("read");
        assert_eq!(column(&third, "sku")[0], "\"A3\"");
    }
}

#[tokio::test]
async fn what_cannot_be_read_goes_to_failed_and_is_named_without_its_values() {
    for (name, content) in [
        ("products-latin.csv", b"sku,name\nA,caf\xE9 secret\n".as_slice()),
        ("products-utf16.jsonl", b"\xFF\xFE{\0}\0"),
        ("products-short.csv", b"sku,name\nA,x\nsecret\n"),
        ("products-twice.csv", b"sku,sku\nA,secret\n"),
        ("products-half.jsonl", b"{\"sku\":\"A\"}\n{\"sku\":\"secret"),
    ] {
        for kind in KINDS {
            let folder = Exports::new(kind);
            folder.drop_file(name, content);
            let error = run(&folder.at_once(), ask(None)).await.expect_err(name);
            assert!(matches!(error, CallError::Unusable { .. }), "{error:?}");
            let text = error.to_string();
            assert!(text.contains(name) && text.contains("failed/") && !text.contains("secret"), "{text}");
            assert_eq!((folder.names("failed"), folder.names("claimed")), (vec![name.to_owned()], vec![]));
            if name == "products-short.csv" {
                // Corrected, and put back under the name that it has now.
                let failed = fs::read_dir(folder.0.join("failed")).expect("a folder").next();
                let failed = failed.expect("a file").expect("an entry").file_name();
                folder.drop_file(failed.to_str().expect("UTF-8"), "sku,name\nA,x\n");
                assert_eq!(run(&folder.at_once(), ask(None)).await.expect("read").0.len(), 1);
                assert_eq!(folder.names("claimed"), [name]);
            }
        }
    }
}

#[test]
fn an_endpoint_or_option_of_another_kind_is_refused_with_the_fix() {
    let open_with = |endpoint: &str, options: &str| {
        let json = format!("{{\"endpoints\": [\"x\"], \"options\": {options}}}");
        let credential = ErpCredential::parse("env:ERP", &json).expect("a credential");
        open(endpoint, &credential, Duration::ZERO).err().unwrap_or_default()
    };
    for endpoint in ["https://erp.example.com", "file://host/folder"] {
        assert!(open_with(endpoint, "{}").contains("file:///folder"), "{endpoint}");
    }
    assert!(open_with("s3://bucket/prefix", "{}").contains("a username (its access key)"));
    for (options, said) in [
        (r#"{"quiet": 5}"#, "option quiet of the credential is not known"),
        (r#"{"delimeter": ";"}"#, "did you mean 'delimiter'?"),
        (r#"{"delimiter": "ab"}"#, "option delimiter of the credential is not what it can be: write \",\""),
        (r#"{"encoding": "latin-1"}"#, "windows-1252"),
        (r#"{"marker": "done"}"#, "option marker of the credential is not what it can be: write an ending"),
        (r#"{"quiet_seconds": 1.5}"#, "option quiet_seconds is no whole number"),
        (r#"{"bucket_endpoint": "host"}"#, "write it as \"https://…\""),
    ] {
        let refusal = open_with("file:///tmp", options);
        assert!(refusal.contains(said), "{options}: {refusal}");
    }
    let all = r#"{"delimiter": ";", "encoding": "windows-1258", "escape": "\\", "quiet_seconds": 5, "marker": ".ok"}"#;
    assert_eq!(open_with("file:///tmp", all), "");
}

/// A run that claims beside another one could give its file a claim that passes for settled.
#[tokio::test]
async fn one_run_at_a_time_claims_in_a_bucket_and_a_dead_ones_lock_goes_by_itself() {
    let folder = Exports::new(Kind::Bucket);
    let path = folder.0.clone();
    let claims = move || {
        let bucket = Bucket::new(Store::open(path.to_str().expect("UTF-8")).expect("a store"));
        let held = bucket.note("newest").expect("the first run claims");
        let refusal = bucket.note("newest").err().expect("the second one waits");
        assert_eq!(refusal.kind(), std::io::ErrorKind::WouldBlock);
        assert!(refusal.to_string().contains("newest.lock"), "{refusal}");
        let lock = fs::File::options().write(true).open(path.join("newest.lock")).expect("the lock");
        let long_ago = SystemTime::now() - std::time::Duration::from_secs(11 * 60);
        lock.set_modified(long_ago).expect("made old");
        drop(bucket.note("newest").expect("a dead worker's lock is taken over"));
        drop(held);
        drop(bucket.note("newest").expect("free again"));
    };
    tokio::task::spawn_blocking(claims).await.expect("claims");
}

/// E5
#[tokio::test]
async fn names_are_read_however_they_are_spelt_and_what_is_left_is_named() {
    for kind in KINDS {
        let folder = Exports::new(kind);
        folder.drop_file("PRODUCTS.CSV", "sku\nA\n");
        folder.drop_file("Products-2.Jsonl", "{\"sku\":\"B\"}");
        for left in [
            "product.csv",
            "product.csv.gz",
            "product",
            "products",
            "products-2026",
            "products.csv.gz",
            "products.txt",
            "Products.xls",
        ] {
            folder.drop_file(left, "sku\nX\n");
        }
        for of_nobody in [
            "products.csv.part",
            "products.csv.tmp",
            "inventory.csv",
            "productsheet.csv",
            "notes.txt",
            "notes",
        ] {
            folder.drop_file(of_nobody, "sku\nX\n");
        }
        let first = folder.at_once().page(&ask(None)).await.expect("read");
        assert!(first.left_lying.iter().any(|left| left.starts_with("products.csv.gz: ")), "{first:?}");
        let (records, _) = run(&folder.at_once(), ask(None)).await.expect("read");
        let mut skus = column(&records, "sku");
        skus.sort();
        assert_eq!(skus, ["\"A\"", "\"B\""]);
        let place = place_of(&folder);
        let left = tokio::task::spawn_blocking(move || {
            let mut left =
                Folder::new(place, Duration::ZERO, None).left_lying(Entity::Products).expect("listed");
            left.sort();
            left.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
        });
        assert_eq!(
            left.await.expect("looked"),
            [
                "Products.xls",
                "product",
                "product.csv",
                "product.csv.gz",
                "products",
                "products-2026",
                "products.csv.gz",
                "products.txt"
            ]
        );
    }
}

/// E6, E7, E9, E10 and encodings, page by page; what is wrong is named with its byte and without values.
#[tokio::test]
async fn exports_are_read_strictly_and_pages_go_on_where_they_ended() {
    let text = "sep=;\r\nsku;name;\r\nA;\"27\\\" monitor\";\r\n;;\r\nB;\"Áo\r\ndài\";\r\nC;c;\r\n  \r\n";
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let folder = Exports::new(Kind::Disk);
    folder.drop_file("products.csv", [&b"\xFF\xFE"[..], &utf16].concat());
    let erp = folder.open(json!({ "quiet_seconds": 0, "encoding": "utf-16", "escape": "\\" }));
    let (records, _) = run(&erp, ask(None)).await.expect("read");
    assert_eq!(column(&records, "sku"), ["\"A\"", "\"B\"", "\"C\""]);
    assert_eq!(column(&records, "name")[..2], [r#""27\" monitor""#, r#""Áo\r\ndài""#]);

    for (content, said) in [
        (
            "sku,name,price\nA,secret,1\nB,\"27 inch,2\nC,secret,3\n",
            "has a quote that is never closed (byte 28): close it",
        ),
        (
            "sku;name\nA;secret\n",
            "has one column, whose name holds \";\" (byte 0): set option delimiter to \";\"",
        ),
        ("sku,name\nA,\"19\\\" secret\"\n", "has a backslash before a quote (byte 14): set option escape"),
    ] {
        let folder = Exports::new(Kind::Disk);
        folder.drop_file("products.csv", content);
        let error = run(&folder.at_once(), ask(None)).await.expect_err("wrong").to_string();
        assert!(error.contains(said) && !error.contains("secret"), "{error}");
        assert_eq!(folder.names("failed"), ["products.csv"]);
    }
    let folder = Exports::new(Kind::Disk);
    folder.drop_file("products.csv", "");
    assert!(run(&folder.at_once(), ask(None)).await.expect("an export of nothing").0.is_empty());
}
