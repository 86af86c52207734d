//! Long lists of rows in parts: nobody has to hold more than one of them.
//!
//! A list of one part is an object with its rows. One of several is an object that names them
//! ([`contracts::objects::ListPart`]); its key ends with `.parts`, so that both are read alike.

use std::ops::Range;

use contracts::objects::{ListPart, ObjectRef};
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::{Lines, LinesReader, LinesWriter, Store, StoreError};

use super::Trouble;

/// The ending of a list that names the parts of another one.
const ENDING: &str = "parts";
/// Rows of a part, about: the rows that are held at once.
const PART: u64 = 1_000;

/// Gathers rows, and puts them into the store part by part.
#[derive(Default)]
pub(crate) struct PartsWriter {
    held: LinesWriter,
    parts: Vec<ListPart>,
}

impl PartsWriter {
    /// Adds a row.
    pub(crate) fn push(&mut self, row: &impl Serialize) -> Result<(), Trouble> {
        Ok(self.held.push(row)?)
    }

    /// Puts the rows that are held into the store, when they are enough for a part; to be called after every few
    /// hundred rows.
    pub(crate) async fn put_part(&mut self, store: &Store, folder: &str) -> Result<(), Trouble> {
        if self.held.count() < PART { Ok(()) } else { self.put_held(store, folder).await }
    }

    async fn put_held(&mut self, store: &Store, folder: &str) -> Result<(), Trouble> {
        let held = std::mem::take(&mut self.held);
        let rows = held.count();
        let list = held.put(store, folder).await?;
        self.parts.extend(list.map(|list| ListPart { list, rows }));
        Ok(())
    }

    /// The parts, in their order.
    pub(crate) async fn into_parts(mut self, store: &Store, folder: &str) -> Result<Vec<ListPart>, Trouble> {
        self.put_held(store, folder).await?;
        Ok(self.parts)
    }

    /// The list of all rows; `None`: there are none.
    pub(crate) async fn finish(self, store: &Store, folder: &str) -> Result<Option<ObjectRef>, Trouble> {
        let mut parts = self.into_parts(store, folder).await?;
        if parts.len() < 2 {
            return Ok(parts.pop().map(|part| part.list));
        }
        let mut content = Vec::new();
        for part in parts {
            serde_json::to_writer(&mut content, &part)?;
            content.push(b'\n');
        }
        Ok(Some(store.put(folder, ENDING, content).await?))
    }
}

/// The same list under another name.
pub(crate) async fn renamed(store: &Store, folder: &str, list: &ObjectRef) -> Result<ObjectRef, Trouble> {
    let mut content = store.get(list).await?;
    content.push(b'\n');
    let ending = if is_divided(list) { ENDING } else { "jsonl" };
    Ok(store.put(folder, ending, content).await?)
}

fn is_divided(list: &ObjectRef) -> bool {
    list.key.rsplit_once('.').is_some_and(|(_, ending)| ending == ENDING)
}

/// The lists that a list consists of.
async fn lists_of(store: &Store, list: &ObjectRef) -> Result<Option<Vec<ListPart>>, Trouble> {
    match is_divided(list) {
        true => Ok(Some(Lines::get(store, list).await?.records()?)),
        false => Ok(None),
    }
}

/// Reads a list from its beginning to its end, in parts or not, some rows at a time.
pub(crate) struct RowsReader {
    store: Store,
    open: LinesReader,
    rest: std::vec::IntoIter<ListPart>,
}

impl RowsReader {
    pub(crate) async fn open(store: &Store, list: &ObjectRef) -> Result<Self, Trouble> {
        let mut rest = lists_of(store, list).await?.unwrap_or_default().into_iter();
        let first = rest.next().map_or_else(|| list.clone(), |part| part.list);
        Ok(Self { store: store.clone(), open: LinesReader::open(store, &first), rest })
    }

    /// The next rows, so many at most; none: that was all.
    pub(crate) async fn some<R: DeserializeOwned>(&mut self, most: usize) -> Result<Vec<R>, Trouble> {
        loop {
            let rows = self.open.some(most).await?;
            if !rows.is_empty() {
                return Ok(rows);
            }
            let Some(part) = self.rest.next() else { return Ok(rows) };
            self.open = LinesReader::open(&self.store, &part.list);
        }
    }
}

/// The rows of a list by their places, one part of it being held.
pub(crate) struct Rows<R> {
    store: Store,
    parts: Vec<ListPart>,
    held: Option<(usize, Vec<R>)>,
    count: usize,
}

impl<R: DeserializeOwned> Rows<R> {
    pub(crate) async fn open(store: &Store, list: &ObjectRef) -> Result<Self, Trouble> {
        let parts = lists_of(store, list).await?;
        let (parts, held) = match parts {
            Some(parts) => (parts, None),
            None => {
                let rows: Vec<R> = Lines::get(store, list).await?.records()?;
                let whole = ListPart { list: list.clone(), rows: rows.len() as u64 };
                (vec![whole], Some((0, rows)))
            }
        };
        let count: u64 = parts.iter().map(|part| part.rows).sum();
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        Ok(Self { store: store.clone(), parts, held, count })
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The places of the rows of each part.
    pub(crate) fn places(&self) -> Vec<Range<usize>> {
        let mut first = 0;
        let place = |part: &ListPart| {
            let begins = first;
            first += usize::try_from(part.rows).unwrap_or(usize::MAX);
            begins..first
        };
        self.parts.iter().map(place).collect()
    }

    /// The rows from a place on, as far as its part goes; none behind the last one.
    pub(crate) async fn from(&mut self, row: usize) -> Result<&[R], Trouble> {
        let places = self.places();
        let Some(number) = places.iter().position(|part| part.contains(&row)) else { return Ok(&[]) };
        if self.held.as_ref().is_none_or(|(held, _)| *held != number) {
            // One at a time.
            self.held = None;
            let part = &self.parts[number];
            let rows: Vec<R> = Lines::get(&self.store, &part.list).await?.records()?;
            if rows.len() as u64 != part.rows {
                let (key, why) =
                    (part.list.key.clone(), format!("it has {} rows, not {}", rows.len(), part.rows));
                return Err(StoreError::Damaged { key, why }.into());
            }
            self.held = Some((number, rows));
        }
        let into = row - places[number].start;
        Ok(self.held.as_ref().map_or(&[], |(_, rows)| &rows[into..]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOLDER: &str = "runs/x/y";

    async fn list(store: &Store, rows: usize) -> Result<Option<ObjectRef>, Trouble> {
        let mut writer = PartsWriter::default();
        for row in 0..rows {
            writer.push(&row)?;
            if row % 300 == 299 {
                writer.put_part(store, FOLDER).await?;
            }
        }
        writer.finish(store, FOLDER).await
    }

    #[tokio::test]
    async fn every_row_comes_back_once_and_in_its_order_whether_the_list_is_divided_or_not()
    -> Result<(), Trouble> {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path().to_str().expect("a path"))?;
        assert_eq!(list(&store, 0).await?, None);
        for (count, parts) in [(1, 1), (900, 1), (1_200, 1), (1_201, 2), (2_500, 3)] {
            let list = list(&store, count).await?.expect("rows");
            let renamed = renamed(&store, FOLDER, &list).await?;
            assert_ne!(renamed.sha256, list.sha256);
            for list in [list, renamed] {
                let mut reader = RowsReader::open(&store, &list).await?;
                let mut read: Vec<usize> = Vec::new();
                loop {
                    let some: Vec<usize> = reader.some(70).await?;
                    if some.is_empty() {
                        break;
                    }
                    assert!(some.len() <= 70);
                    read.extend(some);
                }
                assert_eq!(read, (0..count).collect::<Vec<_>>());
                let mut rows: Rows<usize> = Rows::open(&store, &list).await?;
                assert_eq!((rows.count(), rows.places().len()), (count, parts));
                for place in rows.places().into_iter().rev() {
                    let wanted: Vec<usize> = (place.end - 1..place.end).collect();
                    assert_eq!(rows.from(place.end - 1).await?, wanted, "not beyond its part");
                    assert_eq!(rows.from(place.start).await?.len(), place.len());
                }
                assert!(rows.from(count).await?.is_empty());
            }
        }
        Ok(())
    }

    #[tokio::test]
    async fn a_part_that_is_gone_or_another_one_is_told() -> Result<(), Trouble> {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path().to_str().expect("a path"))?;
        let list = list(&store, 2_500).await?.expect("rows");
        let parts = lists_of(&store, &list).await?.expect("parts");
        store.remove(&parts[1].list.key).await?;
        let mut rows: Rows<usize> = Rows::open(&store, &list).await?;
        assert_eq!(rows.from(0).await?.len(), 1_200);
        let error = rows.from(1_200).await.expect_err("gone");
        assert!(matches!(error, Trouble::Store(StoreError::Gone { .. })), "{error}");
        Ok(())
    }
}
