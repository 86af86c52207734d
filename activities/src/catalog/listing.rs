//! The shop's rows that a batch asks about, listed once and kept in the object store: in the order in which the batch
//! comes to them, some thousand in one place, so that a long batch holds no more of them than a short one.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, PoisonError};

use contracts::objects::ObjectRef;
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::{Lines, LinesWriter, Store};

use super::client::lost;
use super::kind::{Existing, Looks};
use crate::http::CallError;

/// Rows that lie in one place.
const GROUP: usize = 1_000;
/// Rows that are held before they are put into the store.
const HELD: usize = 2_000;

/// The keys that a batch asks about, without the keys themselves.
#[derive(Default)]
pub(super) struct Asked {
    /// The group of each, by its hash. Two keys of one hash are in one group, where each is found by itself.
    groups: HashMap<u64, u32>,
}

impl Asked {
    /// Adds a key; `false`: it was there already.
    pub(super) fn add(&mut self, key: &str) -> bool {
        let group = u32::try_from(self.groups.len() / GROUP).unwrap_or(u32::MAX);
        let mut is_new = false;
        self.groups.entry(hash(key)).or_insert_with(|| {
            is_new = true;
            group
        });
        is_new
    }

    fn group(&self, key: &str) -> Option<u32> {
        self.groups.get(&hash(key)).copied()
    }

    /// The pages after which a listing costs more than a look for each.
    pub(super) fn pages_max(&self) -> usize {
        self.groups.len().max(1)
    }
}

fn hash(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

/// Where a batch keeps what it has seen.
#[derive(Clone, Copy)]
pub(super) struct Place<'s> {
    pub(super) store: &'s Store,
    /// The run's folder.
    pub(super) folder: &'s str,
}

/// The rows of one group, by their keys.
type Group<S> = HashMap<String, Existing<S>>;
/// The group that is at hand.
type AtHand<S> = Option<(u32, Arc<Group<S>>)>;

/// The rows that a listing has shown.
pub(super) struct Listing<S> {
    put: BTreeMap<u32, Vec<ObjectRef>>,
    held: BTreeMap<u32, Vec<(String, Existing<S>)>>,
    count: usize,
    at_hand: Mutex<AtHand<S>>,
}

impl<S> Default for Listing<S> {
    fn default() -> Self {
        Self { put: BTreeMap::new(), held: BTreeMap::new(), count: 0, at_hand: Mutex::default() }
    }
}

impl<S: Serialize + DeserializeOwned + Clone> Listing<S> {
    /// Takes a row that the shop has; one that nobody asks about is not kept.
    pub(super) fn add(&mut self, asked: &Asked, key: String, found: Existing<S>) {
        if let Some(group) = asked.group(&key) {
            self.held.entry(group).or_default().push((key, found));
            self.count += 1;
        }
    }

    /// Puts the rows that are held into the store, when they are many; to be called after every page.
    pub(super) async fn put(&mut self, place: Place<'_>) -> Result<(), CallError> {
        if self.count < HELD {
            return Ok(());
        }
        for (group, rows) in std::mem::take(&mut self.held) {
            let mut lines = LinesWriter::default();
            for row in &rows {
                lines.push(row).map_err(|error| lost(&error))?;
            }
            let list = lines.put(place.store, place.folder).await.map_err(|error| lost(&error))?;
            self.put.entry(group).or_default().extend(list);
        }
        self.count = 0;
        Ok(())
    }

    /// How the rows of some keys look, in their order.
    pub(super) async fn find(
        &self,
        asked: &Asked,
        place: Place<'_>,
        keys: &[&str],
    ) -> Result<Looks<S>, CallError> {
        let mut of_group: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (at, key) in keys.iter().enumerate() {
            if let Some(group) = asked.group(key) {
                of_group.entry(group).or_default().push(at);
            }
        }
        let mut looks: Looks<S> = keys.iter().map(|_| None).collect();
        for (group, places) in of_group {
            let rows = self.group(place, group).await?;
            for at in places {
                looks[at] = rows.get(keys[at]).cloned();
            }
        }
        Ok(looks)
    }

    async fn group(&self, place: Place<'_>, group: u32) -> Result<Arc<Group<S>>, CallError> {
        let at_hand = || self.at_hand.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((held, rows)) = at_hand().as_ref()
            && *held == group
        {
            return Ok(Arc::clone(rows));
        }
        // One at a time.
        *at_hand() = None;
        let mut all = Group::new();
        for list in self.put.get(&group).into_iter().flatten() {
            let lines = Lines::get(place.store, list).await.map_err(|error| lost(&error))?;
            let rows: Vec<(String, Existing<S>)> = lines.records().map_err(|error| lost(&error))?;
            for (key, row) in rows {
                all.entry(key).or_insert(row);
            }
        }
        for (key, row) in self.held.get(&group).into_iter().flatten() {
            all.entry(key.clone()).or_insert_with(|| row.clone());
        }
        let all = Arc::new(all);
        *at_hand() = Some((group, Arc::clone(&all)));
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: usize) -> Existing<usize> {
        Existing { id: format!("id-{number}"), state: number }
    }

    #[tokio::test]
    async fn each_row_is_found_wherever_the_listing_had_it_and_few_are_held() -> Result<(), CallError> {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path().to_str().expect("a path")).expect("a store");
        let place = Place { store: &store, folder: "runs/x/y" };
        let mut asked = Asked::default();
        let keys: Vec<String> = (0..5_000).map(|number| format!("SKU-{number}")).collect();
        for key in &keys {
            assert!(asked.add(key));
        }
        assert!(!asked.add("SKU-7"));
        let mut listing = Listing::default();
        // In another order than they are asked about, among others; every seventh is not at the shop.
        for number in (0..6_000).map(|number| number * 7_919 % 6_000).filter(|number| number % 7 != 0) {
            listing.add(&asked, format!("SKU-{number}"), row(number));
            if number % 100 == 0 {
                listing.put(place).await?;
                assert!(listing.count < HELD, "{} are held", listing.count);
            }
        }
        // Of two with one key the first one is meant.
        listing.add(&asked, "SKU-1".to_owned(), row(9_999));
        for (at, some) in keys.chunks(700).enumerate() {
            let some: Vec<&str> = some.iter().map(String::as_str).collect();
            let looks = listing.find(&asked, place, &some).await?;
            let wanted = (at * 700..).take(some.len()).map(|number| (number % 7 != 0).then(|| row(number)));
            assert_eq!(looks, wanted.collect::<Vec<_>>());
        }
        let unasked = listing.find(&asked, place, &["SKU-5001"]).await?;
        assert_eq!(unasked, [None]);
        Ok(())
    }
}
