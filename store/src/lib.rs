//! Claim checks: lists and files live in an object store, a history holds a reference to them.
//!
//! One folder by default, S3 (or what speaks its language) by configuration. Six kinds of keys:
//! - `runs/<workflow id>/<run id>/<hash>`: lists that a run needs while it goes on; removed some days after it has
//!   closed ([`clean_up`]). The hash is of the content: a list that is written twice is there once;
//! - `quarantine/<integration>/…`: records that wait for a person;
//! - `prices/<batch>/…`: what a price run has to be reverted by, and its rows; kept for as long as it can be reverted;
//! - `integrations/<integration>/…`: facts about an integration's records, remembered between its runs;
//! - `inputs/<hash>`: lists and pictures that a run was started with; they go as long after they were written as the
//!   objects of a run after its end;
//! - `leases/<name>/<number>`: the right to go on ([`lease`]);
//! - `probes/<hash>`: objects that show for a moment whether two programs have the same store.
//!
//! The modules:
//! - [`clean_up`]: the objects of runs that closed some days ago are removed;
//! - `files`: a store as a folder of files, where others write too and files move;
//! - `here`: buckets of this machine, and the proxy before others; `secrets`: the keys to them;
//! - [`lease`]: the right to go on, where only one may;
//! - `lines`: lists as JSON lines;
//! - `why`: why a store did not do as it was asked, without its own words.
//!
//! Deliberately absent: changing an object in place. Where two could write at once, the first one creates and
//! the second is told.

pub mod clean_up;
mod files;
#[cfg(feature = "s3")]
mod here;
pub mod lease;
mod lines;
#[cfg(feature = "s3")]
mod secrets;
#[cfg(test)]
mod tests;
mod why;

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use contracts::objects::ObjectRef;
use futures::TryStreamExt as _;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

pub use lines::{Lines, LinesReader, LinesWriter, join};

/// Where the store is when nothing else is configured: a folder below the one that a program is started in.
pub const DEFAULT_PLACE: &str = "sunflow-store";

/// Where lists and pictures lie that runs are started with.
pub const INPUTS: &str = "inputs";

/// Where objects lie that only show whether somebody else sees them.
pub const PROBES: &str = "probes";

/// An object store; cheap to clone.
#[derive(Clone)]
pub struct Store {
    /// Opened when it is first used: a program that never needs it leaves no folder behind.
    inner: Arc<OnceLock<Arc<dyn ObjectStore>>>,
    /// The beginning of every key.
    prefix: Path,
    place: String,
    /// The proxy before the bucket, as a failure's text ends with it.
    way: String,
}

/// Why an object is not there, or not what it should be.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The place cannot be opened.
    #[error("the object store {place} cannot be opened: {why}")]
    Open {
        /// The configured place.
        place: String,
        /// The problem and the fix.
        why: String,
    },
    /// Reading or writing failed.
    #[error("object {key} cannot be {what}: {why}{way}")]
    Io {
        /// The verb of the attempt: `read`, `written`.
        what: &'static str,
        /// The object's key.
        key: String,
        /// The kind of the store's error, in our own words: its own may hold the id of a key.
        why: String,
        /// Whether the store does not let us in, or not do that.
        is_denied: bool,
        /// The proxy on the way, which may be what failed: ` (through the proxy …)`, or nothing.
        way: String,
    },
    /// It was there, and a file on this machine did not take it.
    #[error("object {key} cannot be kept here: {error}")]
    File {
        /// The object's key.
        key: String,
        /// The machine's error.
        error: std::io::Error,
    },
    /// Nothing is there.
    #[error("object {key} is gone: it expired, or starter and worker use different stores")]
    Gone {
        /// The object's key.
        key: String,
    },
    /// Something else is there.
    #[error("object {key} is damaged: {why}")]
    Damaged {
        /// The object's key.
        key: String,
        /// How that shows.
        why: String,
    },
}

/// An object in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// Its size.
    pub bytes: u64,
    /// When it was written, by the store's clock.
    pub written: SystemTime,
    /// A mark that changes when the object is written again, if the store has one.
    pub version: Option<String>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Store").field(&self.place).finish()
    }
}

impl Store {
    /// Opens a store: a folder's path (made when it is first used), the same as `file:///path`, or
    /// `s3://bucket/prefix`, whose region, endpoint and credentials are read from Amazon's own variables (`AWS_REGION`,
    /// `AWS_ENDPOINT`,
    /// `AWS_ACCESS_KEY_ID`, …).
    ///
    /// # Errors
    /// When the place cannot be used, with the fix.
    pub fn open(place: &str) -> Result<Self, StoreError> {
        Self::open_with(place, &[])
    }

    /// The same, with settings that win over those variables, by the variables' names.
    ///
    /// # Errors
    /// When the place cannot be used, with the fix.
    pub fn open_with(place: &str, settings: &[(&str, &str)]) -> Result<Self, StoreError> {
        Self::open_as(place, settings, true)
    }

    /// The same, with these settings and none of those variables: somebody else's bucket, opened with a key of its own.
    ///
    /// # Errors
    /// When the place cannot be used, with the fix.
    pub fn open_only_with(place: &str, settings: &[(&str, &str)]) -> Result<Self, StoreError> {
        Self::open_as(place, settings, false)
    }

    fn open_as(place: &str, settings: &[(&str, &str)], with_environment: bool) -> Result<Self, StoreError> {
        let place = match place.strip_prefix("file://") {
            Some(path) if path.starts_with('/') => path,
            _ => place,
        };
        match place.strip_prefix("s3://") {
            Some(bucket) => Self::bucket(place, bucket, settings, with_environment),
            None if place.contains("://") => {
                Err(refused(place, "it is neither a folder nor s3://bucket/prefix"))
            }
            None => {
                let (prefix, way) = (Path::default(), String::new());
                Ok(Self { inner: Arc::default(), prefix, place: place.to_owned(), way })
            }
        }
    }

    fn inner(&self) -> Result<&Arc<dyn ObjectStore>, StoreError> {
        if let Some(inner) = self.inner.get() {
            return Ok(inner);
        }
        let path = PathBuf::from(&self.place);
        std::fs::create_dir_all(&path).map_err(|error| refused(&self.place, &error.to_string()))?;
        // An object that a history refers to must be there after a power failure, too.
        let folder = object_store::local::LocalFileSystem::new_with_prefix(&path)
            .map_err(|error| refused(&self.place, &error.to_string()))?
            .with_automatic_cleanup(true)
            .with_fsync(true);
        Ok(self.inner.get_or_init(|| Arc::new(folder)))
    }

    #[cfg(feature = "s3")]
    fn bucket(
        place: &str,
        bucket: &str,
        settings: &[(&str, &str)],
        with_environment: bool,
    ) -> Result<Self, StoreError> {
        use object_store::aws::AmazonS3Builder;
        let (bucket, prefix) = bucket.split_once('/').unwrap_or((bucket, ""));
        let builder = if with_environment { AmazonS3Builder::from_env() } else { AmazonS3Builder::new() };
        let mut builder = builder.with_bucket_name(bucket);
        for (name, value) in settings {
            let name = name.to_ascii_lowercase().parse();
            let name = name.map_err(|error: object_store::Error| refused(place, &error.to_string()))?;
            builder = builder.with_config(name, *value);
        }
        let builder = secrets::plain(builder).map_err(|problem| refused(place, &problem.to_string()))?;
        let way = here::on_the_way(&builder);
        let s3 = here::without_proxy(builder)
            .build()
            .map_err(|error| refused(place, &format!("{error}; set AWS_REGION and the credentials")))?;
        let inner: Arc<dyn ObjectStore> = Arc::new(s3);
        let (inner, prefix) = (Arc::new(OnceLock::from(inner)), Path::from(prefix));
        Ok(Self { inner, prefix, place: place.to_owned(), way })
    }

    #[cfg(not(feature = "s3"))]
    fn bucket(place: &str, _: &str, _: &[(&str, &str)], _: bool) -> Result<Self, StoreError> {
        Err(refused(place, "this program was built without S3: build it with --features s3"))
    }

    /// Where the store is, for people.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    fn path(&self, key: &str) -> Path {
        // The key is used as it is: an object that a list has named must be found again, whatever letters are in it.
        let path = Path::parse(key).unwrap_or_else(|_| Path::from(key));
        self.prefix.parts().chain(path.parts()).collect()
    }

    /// Puts content into a folder, under its hash.
    ///
    /// # Errors
    /// When the store does not take it.
    pub async fn put(&self, folder: &str, ending: &str, content: Vec<u8>) -> Result<ObjectRef, StoreError> {
        let sha256 = hex(&Sha256::digest(&content));
        let key = format!("{folder}/{sha256}.{ending}");
        let bytes = content.len() as u64;
        // The same content is there, or will be: whoever comes second has nothing to do.
        self.create(&key, content).await?;
        Ok(ObjectRef { key, bytes, sha256 })
    }

    /// Reads the content that a reference stands for.
    ///
    /// # Errors
    /// When it is gone, or is not what was written.
    pub async fn get(&self, object: &ObjectRef) -> Result<Vec<u8>, StoreError> {
        let content = self.read(&object.key).await?;
        let content = content.ok_or_else(|| StoreError::Gone { key: object.key.clone() })?;
        if hex(&Sha256::digest(&content)) != object.sha256 {
            let why = "its content is not what was written".to_owned();
            return Err(StoreError::Damaged { key: object.key.clone(), why });
        }
        Ok(content)
    }

    /// Creates an object, unless there is one: then says `false` and leaves it as it is.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn create(&self, key: &str, content: Vec<u8>) -> Result<bool, StoreError> {
        let mode = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.inner()?.put_opts(&self.path(key), PutPayload::from(content), mode).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
            Err(source) => Err(self.io("written", key, source)),
        }
    }

    /// Reads an object by its key; `None` when there is none.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn read(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let found = match self.inner()?.get(&self.path(key)).await {
            Ok(found) => found.bytes().await,
            Err(error) => Err(error),
        };
        match found {
            Ok(content) => Ok(Some(content.into())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(source) => Err(self.io("read", key, source)),
        }
    }

    /// Some bytes of an object.
    async fn range(&self, key: &str, bytes: Range<u64>) -> Result<Vec<u8>, StoreError> {
        match self.inner()?.get_range(&self.path(key), bytes).await {
            Ok(content) => Ok(content.into()),
            Err(object_store::Error::NotFound { .. }) => Err(StoreError::Gone { key: key.to_owned() }),
            Err(source) => Err(self.io("read", key, source)),
        }
    }

    /// Removes an object; nothing there is a success.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn remove(&self, key: &str) -> Result<(), StoreError> {
        match self.inner()?.delete(&self.path(key)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(source) => Err(self.io("removed", key, source)),
        }
    }

    /// Everything below a folder, in the order of the keys.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn list(&self, folder: &str) -> Result<Vec<Listed>, StoreError> {
        let below = self.path(folder);
        let found = self.inner()?.list(Some(&below)).map_ok(|meta| self.listed(meta));
        let found: Result<Vec<Listed>, _> = found.try_collect().await;
        let mut found = found.map_err(|source| self.io("listed", folder, source))?;
        found.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(found)
    }

    /// The folders right below a folder, by their full keys, sorted.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn folders(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        let below = self.inner()?.list_with_delimiter(Some(&self.path(folder))).await;
        let below = below.map_err(|source| self.io("listed", folder, source))?;
        let mut folders: Vec<String> = below.common_prefixes.iter().map(|path| self.key_of(path)).collect();
        folders.sort();
        Ok(folders)
    }

    fn io(&self, what: &'static str, key: &str, error: object_store::Error) -> StoreError {
        let (why, is_denied) = (why::why(&error), why::is_denied(&error));
        StoreError::Io { what, key: key.to_owned(), why, is_denied, way: self.way.clone() }
    }

    fn listed(&self, meta: ObjectMeta) -> Listed {
        Listed {
            key: self.key_of(&meta.location),
            bytes: meta.size,
            written: meta.last_modified.into(),
            version: meta.e_tag,
        }
    }

    fn key_of(&self, path: &Path) -> String {
        match path.prefix_match(&self.prefix) {
            Some(parts) => parts.map(|part| part.as_ref().to_owned()).collect::<Vec<_>>().join("/"),
            None => path.to_string(),
        }
    }
}

fn refused(place: &str, why: &str) -> StoreError {
    StoreError::Open { place: place.to_owned(), why: why.to_owned() }
}

fn hex(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The folder of a run. A workflow id's slashes stay folders; what a path cannot hold is percent-encoded by the store.
#[must_use]
pub fn run_folder(workflow_id: &str, run_id: &str) -> String {
    format!("runs/{workflow_id}/{run_id}")
}
