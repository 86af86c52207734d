//! Rows of a list divided by their SKUs, so that a list of any length takes the memory of a short one.
//!
//! A bucket holds a range of SKUs and not those of one hash: a shop keeps its products in the order of their SKUs, and
//! a batch whose rows are scattered over all of a million products costs it a page of its database for each row.

use contracts::objects::ObjectRef;
use store::Store;

use crate::bulk::Trouble;

/// Rows of a bucket, about.
const BUCKET: u64 = 10_000;
/// Rows that are held before they go into their buckets.
const HELD: usize = 20_000;
/// SKUs that are looked at for the limits of the buckets.
const SAMPLE: u64 = 20_000;

/// The SKUs at which one bucket ends and the next one begins.
pub(super) struct Limits {
    buckets: u64,
    every: usize,
    sample: Vec<String>,
}

impl Limits {
    /// Those of a list of so many rows.
    pub(super) fn of(rows: u64) -> Self {
        let every = usize::try_from(rows / SAMPLE).unwrap_or(usize::MAX).max(1);
        Self { buckets: rows.div_ceil(BUCKET).max(1), every, sample: Vec::new() }
    }

    /// One of how many rows is to be looked at. `None`: none is, as there is one bucket.
    pub(super) fn every(&self) -> Option<usize> {
        (self.buckets > 1).then_some(self.every)
    }

    /// Looks at a SKU.
    pub(super) fn note(&mut self, sku: String) {
        self.sample.push(sku);
    }

    /// Buckets that will hold about as many rows each.
    pub(super) fn into_buckets(self) -> Buckets {
        let Self { buckets, mut sample, .. } = self;
        sample.sort_unstable();
        let (buckets, seen) = (usize::try_from(buckets).unwrap_or(usize::MAX), sample.len());
        let mut limits: Vec<String> =
            (1..buckets).filter_map(|bucket| sample.get(bucket * seen / buckets).cloned()).collect();
        limits.dedup();
        let all = (0..=limits.len()).map(|_| Bucket::default()).collect();
        Buckets { limits, all, held: 0 }
    }
}

/// Rows by the range that their SKU is in, in the order of the ranges.
pub(super) struct Buckets {
    limits: Vec<String>,
    all: Vec<Bucket>,
    held: usize,
}

/// All rows of some products, as JSON lines in the order of the file.
#[derive(Default)]
pub(super) struct Bucket {
    /// Those that are in the store.
    pub(super) written: Vec<ObjectRef>,
    /// Those behind them.
    pub(super) held: Vec<String>,
}

impl Buckets {
    /// Adds a row as a line.
    pub(super) fn add(&mut self, sku: &str, line: String) {
        let place = self.limits.partition_point(|limit| limit.as_str() <= sku);
        self.all[place].held.push(line);
        self.held += 1;
    }

    /// Puts what is held into the store, where several buckets would else hold the whole list.
    pub(super) async fn put(&mut self, store: &Store, folder: &str) -> Result<(), Trouble> {
        if self.all.len() == 1 || self.held < HELD {
            return Ok(());
        }
        for bucket in self.all.iter_mut().filter(|bucket| !bucket.held.is_empty()) {
            let held = std::mem::take(&mut bucket.held);
            let content = held.concat().into_bytes();
            bucket.written.push(store.put(folder, "jsonl", content).await?);
        }
        self.held = 0;
        Ok(())
    }

    pub(super) fn into_all(self) -> Vec<Bucket> {
        self.all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Divides SKUs as a list of them is divided; returns the rows of each bucket.
    fn divided(skus: &[String]) -> Vec<Vec<String>> {
        let mut limits = Limits::of(skus.len() as u64);
        if let Some(every) = limits.every() {
            skus.iter().step_by(every).for_each(|sku| limits.note(sku.clone()));
        }
        let mut buckets = limits.into_buckets();
        skus.iter().for_each(|sku| buckets.add(sku, sku.clone()));
        buckets.into_all().into_iter().map(|bucket| bucket.held).collect()
    }

    #[test]
    fn buckets_are_about_alike_and_follow_one_another() {
        // A prime number of steps through them all: as good as shuffled.
        let skus: Vec<String> = (0..300_000_u64).map(|n| format!("SKU-{:06}", n * 7_919 % 300_000)).collect();
        let buckets = divided(&skus);
        assert_eq!(buckets.len(), 30);
        assert!(buckets.iter().all(|bucket| (5_000..=15_000).contains(&bucket.len())), "about alike");
        for (before, after) in buckets.iter().zip(&buckets[1..]) {
            assert!(before.iter().max() < after.iter().min(), "no product is in two");
        }
    }

    #[test]
    fn a_product_with_very_many_rows_is_in_one_bucket() {
        let skus: Vec<String> =
            (0..50_000).map(|n| if n % 10 == 0 { format!("B-{n:05}") } else { "A".to_owned() }).collect();
        let buckets = divided(&skus);
        let with_it = buckets.iter().filter(|bucket| bucket.iter().any(|sku| sku == "A"));
        assert_eq!(with_it.count(), 1);
        assert_eq!(buckets.iter().map(Vec::len).sum::<usize>(), skus.len());
    }

    #[test]
    fn a_short_list_is_one_bucket_and_not_looked_at() {
        assert_eq!(Limits::of(10_000).every(), None);
        assert_eq!(divided(&["B".to_owned(), "A".to_owned()]), [["B", "A"]]);
    }
}
