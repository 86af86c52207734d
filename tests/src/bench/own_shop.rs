//! A shop that is a process of its own and keeps its books in a file, so that its memory is what it needs to work.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::processes::{Leashed, binary, free_port};
use crate::shop::Shop;

const START_LIMIT: Duration = Duration::from_secs(60);

/// The shop. Its file goes with it.
pub(super) struct OwnShop {
    process: Leashed,
    url: String,
    folder: PathBuf,
}

impl OwnShop {
    /// An empty one.
    pub(super) async fn open() -> anyhow::Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("sunflow-shop-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder)?;
        let listen = format!("127.0.0.1:{}", free_port()?);
        let database = folder.join("shop.db").display().to_string();
        let args = ["--listen", &listen, "--database", &database, "--seed", "empty"].map(str::to_owned);
        let process = Leashed::start(&binary("sandbox")?, &args)?;
        let opened = Self { process, url: format!("http://{listen}"), folder };
        let (shop, until) = (opened.shop(), Instant::now() + START_LIMIT);
        while let Err(error) = shop.get("requests").await {
            anyhow::ensure!(Instant::now() < until, "the sandbox does not answer: {error:#}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(opened)
    }

    /// A way to it.
    pub(super) fn shop(&self) -> Shop {
        Shop::at(&self.url)
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.pid()
    }
}

impl Drop for OwnShop {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            eprintln!("{} stays: {error}", self.folder.display());
        }
    }
}

/// Requests to a shop so far, whatever was asked.
pub(super) async fn requests(shop: &Shop) -> anyhow::Result<u64> {
    let counted = shop.get("requests").await?;
    let counted = counted.as_object().context("requests is no object")?;
    Ok(counted.values().filter_map(serde_json::Value::as_u64).sum())
}
