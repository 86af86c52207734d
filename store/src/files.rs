//! A store as a place of files, which needs more than claim checks: others write there too, and files move.

use std::io::{self, Write};

use contracts::objects::ObjectRef;
use futures::TryStreamExt as _;
use object_store::{Error, ObjectStoreExt as _, PutPayload};

use crate::{Listed, Store, StoreError};

impl Store {
    /// The objects right below a folder (`""`: right below the store's own place), without those deeper down.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn files(&self, folder: &str) -> Result<Vec<Listed>, StoreError> {
        let found = self.inner()?.list_with_delimiter(Some(&self.path(folder))).await;
        let found = found.map_err(|source| {
            let place = if folder.is_empty() { self.place() } else { folder };
            self.io("listed", place, source)
        })?;
        Ok(found.objects.into_iter().map(|meta| self.listed(meta)).collect())
    }

    /// An object's size, age and version, without reading it; `None` when there is none.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn about(&self, key: &str) -> Result<Option<Listed>, StoreError> {
        match self.inner()?.head(&self.path(key)).await {
            Ok(meta) => Ok(Some(self.listed(meta))),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(source) => Err(self.io("looked at", key, source)),
        }
    }

    /// Copies an object, over whatever is there; `false` when there is none to copy.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn copy(&self, from: &str, to: &str) -> Result<bool, StoreError> {
        match self.inner()?.copy(&self.path(from), &self.path(to)).await {
            Ok(()) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(source) => Err(self.io("copied", from, source)),
        }
    }

    /// Writes an object over whatever is there.
    ///
    /// # Errors
    /// When the store does not take it.
    pub async fn replace(&self, key: &str, content: Vec<u8>) -> Result<(), StoreError> {
        let put = self.inner()?.put(&self.path(key), PutPayload::from(content)).await;
        put.map(drop).map_err(|source| self.io("written", key, source))
    }

    /// Keeps an object that a run is about to be started with. One that is there already is written again: it is as
    /// young as the run then, and the clean-up goes by its age.
    ///
    /// # Errors
    /// When the store does not take it.
    pub async fn keep_input(&self, object: &ObjectRef, content: Vec<u8>) -> Result<(), StoreError> {
        self.replace(&object.key, content).await
    }

    /// Writes an object's content to a file, part by part; `false` when there is none.
    ///
    /// # Errors
    /// When the store does not answer, or the file takes no more.
    pub async fn fetch(&self, key: &str, to: &mut impl Write) -> Result<bool, StoreError> {
        let lost = |source| self.io("read", key, source);
        let mut parts = match self.inner()?.get(&self.path(key)).await {
            Ok(found) => found.into_stream(),
            Err(Error::NotFound { .. }) => return Ok(false),
            Err(source) => return Err(lost(source)),
        };
        while let Some(part) = parts.try_next().await.map_err(lost)? {
            let full = |error| StoreError::File { key: key.to_owned(), error };
            to.write_all(&part).map_err(full)?;
        }
        Ok(true)
    }
}

/// The kind says what a caller may do about it.
impl From<StoreError> for io::Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Io { is_denied: true, way, .. } => {
                let why = format!("the bucket does not let these keys in{way}");
                Self::new(io::ErrorKind::PermissionDenied, why)
            }
            StoreError::File { error, .. } => error,
            other => Self::other(other),
        }
    }
}
