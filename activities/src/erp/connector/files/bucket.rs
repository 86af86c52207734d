//! Exports in a bucket, below a prefix.
//!
//! A bucket cannot rename: a file is copied, then removed. Where a worker dies in between, the file is found again and
//! claimed once more: it is read twice, in the same order, which changes nothing. A file written again between the
//! copy and the removal is not removed, as far as the bucket tells us: that is why every upload should have a name of
//! its own.
//!
//! Reading goes by bytes of a file, back and forth, so the one that is being read lies in a temporary file that has no
//! name: it is gone with the process, however that ends.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use store::{Store, StoreError};
use tokio::runtime::Handle;

use super::place::{Content, Found, Moved, Note, Place};

/// A claim holds a lock; one that is older than this is a dead worker's.
const LOCK_MAX: Duration = Duration::from_secs(10 * 60);

pub(super) struct Bucket {
    store: Store,
    /// The file that is being read, by its name. Claimed files never change.
    read: Mutex<Option<(String, Arc<File>)>>,
}

impl Bucket {
    pub(super) fn new(store: Store) -> Self {
        Self { store, read: Mutex::default() }
    }

    /// Waits for the bucket: a [`Place`] is only used where blocking does not matter.
    fn wait<T>(&self, asked: impl Future<Output = Result<T, StoreError>>) -> io::Result<T> {
        Handle::current().block_on(asked).map_err(io::Error::from)
    }
}

impl Place for Bucket {
    /// A bucket has no folders to make; what shows is whether we may look into it.
    fn prepare(&self, folders: &[&str]) -> io::Result<()> {
        // A refused look at one object says that it is refused; a refused list only that it did not work.
        if let Some(folder) = folders.first() {
            self.is_there(&format!("{folder}/.any"))?;
        }
        self.list("").map(drop)
    }

    fn list(&self, folder: &str) -> io::Result<Vec<Found>> {
        let found = self.wait(self.store.files(folder))?;
        let named = found.into_iter().filter_map(|file| {
            let name = file.key.rsplit('/').next()?.to_owned();
            Some(Found { name, changed: file.written, version: file.version })
        });
        Ok(named.collect())
    }

    fn is_there(&self, name: &str) -> io::Result<bool> {
        Ok(self.wait(self.store.about(name))?.is_some())
    }

    fn rename(&self, from: &str, found: Option<&Found>, to: &str) -> io::Result<Moved> {
        if !self.wait(self.store.copy(from, to))? {
            return Ok(Moved::Missing);
        }
        if let Some(found) = found {
            let now = self.wait(self.store.about(from))?;
            if now.is_some_and(|now| now.version != found.version) {
                tracing::warn!(
                    file = found.name,
                    "was written again while it was claimed, and stays: every upload needs a name of its own"
                );
                return Ok(Moved::AndWrittenAgain);
            }
        }
        self.wait(self.store.remove(from))?;
        Ok(Moved::Yes)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.wait(self.store.remove(name))
    }

    /// A run that claims beside another one could give a file an older claim than that one's newest, and it would pass
    /// for settled. So there is a lock, made by conditional creation.
    fn note(&self, name: &str) -> io::Result<Box<dyn Note + '_>> {
        let lock = format!("{name}.lock");
        if let Some(held) = self.wait(self.store.about(&lock))?
            && SystemTime::now().duration_since(held.written).is_ok_and(|age| age > LOCK_MAX)
        {
            self.wait(self.store.remove(&lock))?;
        }
        if !self.wait(self.store.create(&lock, Vec::new()))? {
            let why = format!(
                "another run claims files at this moment; if none does, {lock} is a dead worker's and goes by itself \
                 within {} minutes",
                LOCK_MAX.as_secs() / 60
            );
            return Err(io::Error::new(io::ErrorKind::WouldBlock, why));
        }
        Ok(Box::new(Jotted { bucket: self, name: name.to_owned(), lock }))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Content>> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, file)) = &*read
            && known == name
        {
            return Ok(Box::new(Reader { file: file.clone(), at: 0 }));
        }
        // The old one first: there is never more than one on the disk.
        *read = None;
        let mut file = tempfile::tempfile()?;
        if !self.wait(self.store.fetch(name, &mut file))? {
            return Err(io::Error::new(io::ErrorKind::NotFound, format!("{name} is not there any more")));
        }
        let file = Arc::new(file);
        *read = Some((name.to_owned(), file.clone()));
        Ok(Box::new(Reader { file, at: 0 }))
    }
}

/// A reader of its own of a file that others read, too.
struct Reader {
    file: Arc<File>,
    at: u64,
}

impl Read for Reader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(into, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Reader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (from, by) = match to {
            SeekFrom::Start(at) => (at, 0),
            SeekFrom::Current(by) => (self.at, by),
            SeekFrom::End(by) => (self.file.metadata()?.len(), by),
        };
        let before = || io::Error::new(io::ErrorKind::InvalidInput, "before the beginning");
        self.at = from.checked_add_signed(by).ok_or_else(before)?;
        Ok(self.at)
    }
}

/// The note, while its lock is held.
struct Jotted<'b> {
    bucket: &'b Bucket,
    name: String,
    lock: String,
}

impl Note for Jotted<'_> {
    fn read(&mut self) -> io::Result<String> {
        let content = self.bucket.wait(self.bucket.store.read(&self.name))?;
        Ok(content.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default())
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        self.bucket.wait(self.bucket.store.replace(&self.name, text.as_bytes().to_vec()))
    }
}

impl Drop for Jotted<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.bucket.wait(self.bucket.store.remove(&self.lock)) {
            tracing::warn!(%error, "the lock on claims stays for some minutes");
        }
    }
}
