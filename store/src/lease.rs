//! Who may go on, where only one may: a compare-and-set lease that needs nothing but "create, unless it is there".
//!
//! A lease is a row of numbered objects; the one with the highest number says who holds it. To take it over, one
//! creates the next number: of two who try, the store lets one. Whether the holder still runs is asked of whoever
//! knows (Temporal), so that a run that was terminated blocks nobody, and a slow one is never robbed by a clock.

use serde::{Deserialize, Serialize};

use crate::{Store, StoreError};

/// A workflow run that holds a lease, or wants it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Its workflow id.
    pub workflow_id: String,
    /// The id of the first run of its chain: a run that goes on as a new one keeps the lease.
    pub first_run_id: String,
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The lease is ours.
    Taken,
    /// Somebody was there first.
    HeldBy(Holder),
}

/// How many numbers of a lease are kept behind the newest.
const KEPT: usize = 3;

/// Takes a lease. `still_runs` says whether a holder has not ended.
///
/// # Errors
/// When the store does not answer, or `still_runs` fails.
pub async fn take<E: From<StoreError>>(
    store: &Store,
    name: &str,
    wanted: &Holder,
    still_runs: impl AsyncFn(&Holder) -> Result<bool, E>,
) -> Result<Attempt, E> {
    loop {
        let numbers = numbers(store, name).await?;
        let newest = numbers.last().copied().unwrap_or(0);
        if newest > 0
            && let Some(holder) = holder(store, name, newest).await?
            && !holder.is_released
        {
            if holder.holder == *wanted {
                return Ok(Attempt::Taken);
            }
            if still_runs(&holder.holder).await? {
                return Ok(Attempt::HeldBy(holder.holder));
            }
        }
        let line = Line { holder: wanted.clone(), is_released: false };
        if store.create(&key(name, newest + 1), line.to_json()?).await? {
            for old in numbers.iter().rev().skip(KEPT) {
                store.remove(&key(name, *old)).await?;
            }
            return Ok(Attempt::Taken);
        }
        // Somebody else created it meanwhile: look again at who that was.
    }
}

/// Gives a lease back, if it is still `holder`'s: as a line of its own, so that nothing is ever changed in place.
///
/// # Errors
/// When the store does not answer.
pub async fn release(store: &Store, name: &str, holder_: &Holder) -> Result<(), StoreError> {
    let newest = numbers(store, name).await?.last().copied().unwrap_or(0);
    match holder(store, name, newest).await? {
        Some(line) if line.holder == *holder_ && !line.is_released => {
            let line = Line { holder: holder_.clone(), is_released: true };
            // Whoever was faster took it over, which is as good as given back.
            store.create(&key(name, newest + 1), line.to_json()?).await.map(drop)
        }
        _ => Ok(()),
    }
}

#[derive(Serialize, Deserialize)]
struct Line {
    holder: Holder,
    is_released: bool,
}

impl Line {
    fn to_json(&self) -> Result<Vec<u8>, StoreError> {
        serde_json::to_vec(self)
            .map_err(|error| StoreError::Damaged { key: "(lease)".to_owned(), why: error.to_string() })
    }
}

fn folder(name: &str) -> String {
    format!("leases/{name}")
}

fn key(name: &str, number: u64) -> String {
    format!("{}/{number:012}", folder(name))
}

async fn numbers(store: &Store, name: &str) -> Result<Vec<u64>, StoreError> {
    let listed = store.list(&folder(name)).await?;
    Ok(listed.iter().filter_map(|object| object.key.rsplit('/').next()?.parse().ok()).collect())
}

async fn holder(store: &Store, name: &str, number: u64) -> Result<Option<Line>, StoreError> {
    let key = key(name, number);
    let Some(content) = store.read(&key).await? else { return Ok(None) };
    let line = serde_json::from_slice(&content);
    line.map(Some).map_err(|_| StoreError::Damaged { key, why: "it is no lease".to_owned() })
}
