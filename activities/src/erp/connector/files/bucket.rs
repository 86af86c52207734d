//! Exports in a bucket, below a prefix.
//!
//! A bucket cannot rename: a file is copied, then removed. Where a worker dies in between, the file is found again and
//! claimed once more: it is read twice, in the same order, which changes nothing. What is written again between the copy
//! and the removal is not removed, as far as the bucket tells us: that is why every upload should have a name of its own.
//!
//! Reading goes by bytes of a file, back and forth, so the one that is being read lies in a temporary file.

use std::fs::File;
use std::io;
use std::sync::{Mutex, PoisonError};

use store::{Store, StoreError};
use tempfile::NamedTempFile;
use tokio::runtime::Handle;

use super::place::{Found, Note, Place};

pub(super) struct Bucket {
    store: Store,
    /// The file that is being read, by its name. Claimed files never change.
    read: Mutex<Option<(String, NamedTempFile)>>,
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

    fn rename(&self, from: &str, found: Option<&Found>, to: &str) -> io::Result<bool> {
        if !self.wait(self.store.copy(from, to))? {
            return Ok(false);
        }
        if let Some(found) = found {
            let now = self.wait(self.store.about(from))?;
            if now.is_some_and(|now| now.version != found.version) {
                tracing::warn!(
                    file = found.name,
                    "was written again while it was claimed, and stays: every upload needs a name of its own"
                );
                return Ok(true);
            }
        }
        self.wait(self.store.remove(from))?;
        Ok(true)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.wait(self.store.remove(name))
    }

    fn note(&self, name: &str) -> io::Result<Box<dyn Note + '_>> {
        Ok(Box::new(Jotted { bucket: self, name: name.to_owned() }))
    }

    fn open(&self, name: &str) -> io::Result<File> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, file)) = &*read
            && known == name
        {
            return file.reopen();
        }
        // The old one first: there is never more than one on the disk.
        *read = None;
        let mut file = NamedTempFile::new()?;
        if !self.wait(self.store.fetch(name, file.as_file_mut()))? {
            return Err(io::Error::new(io::ErrorKind::NotFound, format!("{name} is not there any more")));
        }
        let reader = file.reopen()?;
        *read = Some((name.to_owned(), file));
        Ok(reader)
    }
}

/// Held by nobody: two workers that claim at once each claim what they find, and the file that both found is read twice.
struct Jotted<'b> {
    bucket: &'b Bucket,
    name: String,
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
