//! Lists as JSON lines: one record a line, so that a person can read, search and cut them with everyday tools.

use contracts::objects::ObjectRef;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use crate::{Store, StoreError, hex};

/// The ending of such objects.
const ENDING: &str = "jsonl";
/// Bytes that a reader asks for at once.
const PIECE: u64 = 512 * 1024;

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
    let bytes: u64 = parts.iter().map(|part| part.bytes).sum();
    // A vector that grows by doubling would hold twice as much.
    let mut content = Vec::with_capacity(usize::try_from(bytes).unwrap_or_default());
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
        (1..).zip(lines).step_by(step.max(1)).map(|(number, line)| record(&self.key, number, line)).collect()
    }
}

fn record<T: DeserializeOwned>(key: &str, number: usize, line: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(line).map_err(|error| StoreError::Damaged {
        key: key.to_owned(),
        why: format!("line {number} is no record ({:?} error)", error.classify()),
    })
}

/// The records of one object, some at a time: a long list needs no more memory than a short one.
#[derive(Debug)]
pub struct LinesReader {
    store: Store,
    object: ObjectRef,
    /// Bytes that were read so far.
    read: u64,
    hash: Sha256,
    is_checked: bool,
    /// Bytes that were read, those before `at` being used up.
    held: Vec<u8>,
    at: usize,
    /// Lines that are used up.
    lines: usize,
}

impl LinesReader {
    /// At the beginning of an object; nothing is read yet.
    #[must_use]
    pub fn open(store: &Store, object: &ObjectRef) -> Self {
        Self {
            store: store.clone(),
            object: object.clone(),
            read: 0,
            hash: Sha256::new(),
            is_checked: false,
            held: Vec::new(),
            at: 0,
            lines: 0,
        }
    }

    /// The next records, so many at most; none: that was all, and the object is what was written.
    ///
    /// # Errors
    /// When the object is gone or damaged, or a line is not such a record; the error names the line, not its content.
    pub async fn some<T: DeserializeOwned>(&mut self, most: usize) -> Result<Vec<T>, StoreError> {
        let mut records = Vec::new();
        while records.len() < most {
            let rest = &self.held[self.at..];
            let is_over = self.read == self.object.bytes && self.is_checked;
            let length = match rest.iter().position(|byte| *byte == b'\n') {
                Some(length) => length,
                None if !is_over => {
                    self.fill().await?;
                    continue;
                }
                None if rest.is_empty() => break,
                // The last line has no end of its own.
                None => rest.len(),
            };
            let line = &rest[..length];
            if !line.is_empty() {
                self.lines += 1;
                records.push(record(&self.object.key, self.lines, line)?);
            }
            self.at = self.held.len().min(self.at + length + 1);
        }
        Ok(records)
    }

    /// Reads the next piece; behind the last one, compares the whole with what was written.
    async fn fill(&mut self) -> Result<(), StoreError> {
        let damaged = |why: &str| StoreError::Damaged { key: self.object.key.clone(), why: why.to_owned() };
        self.held.drain(..self.at);
        self.at = 0;
        if self.read < self.object.bytes {
            let until = self.object.bytes.min(self.read + PIECE);
            let piece = self.store.range(&self.object.key, self.read..until).await?;
            if piece.len() as u64 != until - self.read {
                return Err(damaged("it is shorter than what was written"));
            }
            self.hash.update(&piece);
            self.held.extend(piece);
            self.read = until;
        }
        if self.read == self.object.bytes {
            if hex(&self.hash.finalize_reset()) != self.object.sha256 {
                return Err(damaged("its content is not what was written"));
            }
            self.is_checked = true;
        }
        Ok(())
    }
}
