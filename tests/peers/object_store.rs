//! S3, against SeaweedFS: the object store, and exports of an ERP in a bucket.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use serde_json::{Value, json};
use store::lease::{Attempt, Holder};
use store::{Lines, LinesWriter, Store, StoreError, lease};
use tests::erp::ErpWorld;
use tests::processes::{Leashed, free_port, tool};
use tests::servers;

const ACCESS: &str = "sunflow-access";
const SECRET: &str = "sunflow-secret";

struct Bucket {
    endpoint: String,
    folder: PathBuf,
    _process: Leashed,
}

impl Drop for Bucket {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            eprintln!("{} stays: {error}", self.folder.display());
        }
    }
}

impl Bucket {
    async fn start() -> anyhow::Result<Self> {
        servers::install_crypto();
        let program =
            tool("SUNFLOW_SEAWEEDFS").context("only `cargo xtask test --all` installs SeaweedFS")?;
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("sunflow-s3-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder)?;
        let ports: Vec<u16> = (0..8).map(|_| free_port()).collect::<Result<_, _>>()?;
        let listed: Vec<String> = ports.iter().map(u16::to_string).collect();
        let arguments = [
            ("--folder", folder.display().to_string()),
            ("--ports", listed.join(",")),
            ("--bucket", "sunflow".to_owned()),
            ("--access-key", ACCESS.to_owned()),
            ("--secret-key", SECRET.to_owned()),
        ];
        let arguments: Vec<String> =
            arguments.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect();
        let log = folder.join("log");
        let process = Leashed::start_logging(&program, &arguments, &log)?;
        let bucket = Self { endpoint: format!("http://127.0.0.1:{}", ports[0]), folder, _process: process };
        let until = Instant::now() + Duration::from_secs(120);
        while let Err(error) = bucket.open("shop", SECRET)?.create("ready", b"yes".to_vec()).await {
            if Instant::now() > until {
                bail!("SeaweedFS does not answer: {error}\n{}", fs::read_to_string(&log).unwrap_or_default());
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        Ok(bucket)
    }

    fn open(&self, prefix: &str, secret: &str) -> Result<Store, StoreError> {
        let settings = [
            ("AWS_ENDPOINT", self.endpoint.as_str()),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", ACCESS),
            ("AWS_SECRET_ACCESS_KEY", secret),
        ];
        Store::open_only_with(&format!("s3://sunflow/{prefix}"), &settings)
    }
}

fn runs(_: &Holder) -> BoxFuture<'_, Result<bool, StoreError>> {
    ready(Ok(true)).boxed()
}

#[tokio::test]
async fn a_bucket_does_what_a_folder_does() -> anyhow::Result<()> {
    let bucket = Bucket::start().await?;
    let store = bucket.open("shop", SECRET)?;
    // Content by its hash, once; lists in lines; what is gone is told.
    let run = store::run_folder("erp/erp-001", "run-1");
    let first = store.put(&run, "txt", b"content".to_vec()).await?;
    assert_eq!(store.put(&run, "txt", b"content".to_vec()).await?, first);
    assert_eq!(store.get(&first).await?, b"content");
    let mut lines = LinesWriter::default();
    for number in 0..1_000 {
        lines.push(&number)?;
    }
    let list = lines.put(&store, &run).await?.context("there are lines")?;
    assert_eq!(Lines::get(&store, &list).await?.records::<u32>()?.len(), 1_000);
    let keys: Vec<String> = store.list("runs").await?.into_iter().map(|object| object.key).collect();
    assert_eq!(keys.len(), 2);
    assert!(keys.contains(&first.key) && keys.contains(&list.key), "{keys:?}");
    assert_eq!(store.folders("runs/erp").await?, ["runs/erp/erp-001"]);
    store.remove(&first.key).await?;
    assert!(matches!(store.get(&first).await, Err(StoreError::Gone { .. })));

    // Of many who want a lease one gets it: the bucket's conditional create is what decides.
    let wanting = (0..10).map(|n| {
        let (store, holder) =
            (store.clone(), Holder { workflow_id: format!("erp/{n}"), first_run_id: "r".into() });
        async move { lease::take(&store, "erp-001", &holder, runs).await }
    });
    let attempts = futures::future::try_join_all(wanting).await?;
    assert_eq!(attempts.iter().filter(|attempt| **attempt == Attempt::Taken).count(), 1, "{attempts:?}");

    // Another's key is refused, and the error does not tell it.
    let stranger = bucket.open("shop", "another-secret")?;
    let refused = stranger.create("x", b"x".to_vec()).await.err().context("a wrong secret was taken")?;
    assert!(!refused.to_string().contains("another-secret"), "{refused}");
    Ok(())
}

/// An export that an ERP uploads into a bucket comes into the shop once, and is put away there.
#[tokio::test]
async fn exports_in_a_bucket_come_into_the_shop_once_and_are_put_away_after() -> anyhow::Result<()> {
    let bucket = Bucket::start().await?;
    let erp = ErpWorld::new().await?;
    let credential = |password: &str| {
        json!({ "username": ACCESS, "password": password, "endpoints": ["s3://sunflow/exports"], "connector": "files",
            "options": { "quiet_seconds": 0, "region": "us-east-1", "bucket_endpoint": bucket.endpoint } })
    };
    let configure = |password: &str| {
        fs::write(erp.folder().join("secrets/bucket.json"), credential(password).to_string())
    };
    let config = || -> Value {
        json!({ "erp_endpoint": "s3://sunflow/exports", "credentials_ref": "file:bucket.json",
            "sync_entities": ["products"], "mapping_rules": { "product_sku": "item", "product_name": "item", "product_price": "price" } })
    };
    let exports = bucket.open("exports", SECRET)?;
    let names = async |folder: &str| -> anyhow::Result<Vec<String>> {
        let files = exports.files(folder).await?.into_iter();
        let mut own: Vec<String> =
            files.filter_map(|file| Some(file.key.split_once("--")?.1.to_owned())).collect();
        own.sort();
        Ok(own)
    };
    let ours = |lines: &str| lines.as_bytes().to_vec();

    configure("not-the-secret")?;
    let (message, _) = erp.sync(config()).await?.failed_as("StepFailed")?;
    assert!(message.contains("list, read, write and remove"), "{message}");
    assert!(!message.contains("not-the-secret"), "{message}");

    configure(SECRET)?;
    exports.replace("products-1.csv", ours("item,price\nB-1,90000\nB-2,1000\n")).await?;
    exports.replace("products-2.jsonl", ours("{\"item\":\"B-1\",\"price\":95000}\n")).await?;
    let first = erp.sync(config()).await?.completed()?;
    assert_eq!(first.report.summary.products_created, 2);
    assert_eq!(names("claimed").await?, ["products-1.csv", "products-2.jsonl"]);
    assert_eq!(exports.files("").await?.len(), 0);

    exports.replace("products-3.csv", ours("item,price\nB-2,1100\n")).await?;
    exports.replace("products-4.csv", ours("item,price\nB-2,1200,more\n")).await?;
    let (message, _) = erp.sync(config()).await?.failed_as("StepFailed")?;
    assert!(message.contains("products-4.csv") && message.contains("failed/"), "{message}");
    assert_eq!(names("failed").await?, ["products-4.csv"]);
    let third = erp.sync(config()).await?.completed()?;
    assert_eq!(third.report.summary.products_updated, 1);
    assert_eq!(names("done").await?, ["products-1.csv", "products-2.jsonl"]);
    let fourth = erp.sync(config()).await?.completed()?;
    assert_eq!(fourth.report.summary.products_processed, 0);
    assert_eq!((names("claimed").await?.len(), names("done").await?.len()), (0, 3));
    Ok(())
}
