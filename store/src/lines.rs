//! Lists as JSON lines: one record a line, so that a person can read, search and cut them with everyday tools.

use contracts::objects::ObjectRef;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Store, StoreError};

/// The ending of such objects.
const ENDING: &str = "jsonl";

/// Gathers records until they are put into the store as one object.
#[derive(Debug, Default)]
pub struct LinesWriter {
    content: Vec<u8>,
    count: u64,
}

impl LinesWriter {
    /// Adds a record.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn push(&mut self, record: &impl Serialize) -> Result<(), serde_json::Error> {
        serde_json::to_writer(&mut self.content, record)?;
        self.content.push(b'\n');
        self.count += 1;
        Ok(())
    }

    /// How many records there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Puts them into a folder; nothing is put when there are none.
    ///
    /// # Errors
    /// When the store does not take them.
    pub async fn put(self, store: &Store, folder: &str) -> Result<Option<ObjectRef>, StoreError> {
        if self.count == 0 {
            return Ok(None);
        }
        store.put(folder, ENDING, self.content).await.map(Some)
    }
}

/// Puts lists together into one, in their order: a history that names one object for each part of a list would grow
/// with it. The parts stay, for whoever goes on from them after a crash.
///
/// # Errors
/// When a part is gone or damaged, or the store does not take the whole.
pub async fn join(store: &Store, folder: &str, parts: Vec<ObjectRef>) -> Result<Vec<ObjectRef>, StoreError> {
    if parts.len() < 2 {
        return Ok(parts);
    }
    let mut content = Vec::new();
    for part in &parts {
        content.extend(store.get(part).await?);
    }
    Ok(vec![store.put(folder, ENDING, content).await?])
}

/// The records of one object.
#[derive(Debug)]
pub struct Lines {
    key: String,
    content: Vec<u8>,
}

impl Lines {
    /// Reads them.
    ///
    /// # Errors
    /// When the object is gone or damaged.
    pub async fn get(store: &Store, object: &ObjectRef) -> Result<Self, StoreError> {
        Ok(Self { key: object.key.clone(), content: store.get(object).await? })
    }

    /// Reads them by key.
    ///
    /// # Errors
    /// When the object is gone.
    pub async fn read(store: &Store, key: &str) -> Result<Self, StoreError> {
        let content = store.read(key).await?.ok_or_else(|| StoreError::Gone { key: key.to_owned() })?;
        Ok(Self { key: key.to_owned(), content })
    }

    /// Every record.
    ///
    /// # Errors
    /// When a line is not such a record; the error names the line, not its content.
    pub fn records<T: DeserializeOwned>(&self) -> Result<Vec<T>, StoreError> {
        self.every(1)
    }

    /// The first record and then one of each `step`; the others are not read. `0` counts as 1.
    ///
    /// # Errors
    /// When one of them is not such a record; the error names the line, not its content.
    pub fn every<T: DeserializeOwned>(&self, step: usize) -> Result<Vec<T>, StoreError> {
        let lines = self.content.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let read = (1..).zip(lines).step_by(step.max(1)).map(|(number, line): (usize, _)| {
            serde_json::from_slice(line).map_err(|error| StoreError::Damaged {
                key: self.key.clone(),
                why: format!("line {number} is no record ({:?} error)", error.classify()),
            })
        });
        read.collect()
    }
}
