//! The right to go on, where only one may: a compare-and-set lease that needs nothing but "create, unless it is there".
//!
//! A lease is a row of numbered objects; the one with the highest number says who holds it. To take it over, one
//! creates the next number: of two who try, the store lets one. Temporal says whether the holder still runs.
//! So nobody has to give a lease back, a run that was terminated blocks nobody, and no clock robs a slow one.

use futures::future::BoxFuture;
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

/// The outcome of an attempt.
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
    still_runs: impl for<'h> Fn(&'h Holder) -> BoxFuture<'h, Result<bool, E>>,
) -> Result<Attempt, E> {
    loop {
        let numbers = numbers(store, name).await?;
        let newest = numbers.last().copied().unwrap_or(0);
        if newest > 0
            && let Some(holder) = holder(store, name, newest).await?
        {
            if holder == *wanted {
                return Ok(Attempt::Taken);
            }
            if still_runs(&holder).await? {
                return Ok(Attempt::HeldBy(holder));
            }
        }
        let line = serde_json::to_vec(wanted).map_err(|error| damaged(name, &error.to_string()))?;
        if store.create(&key(name, newest + 1), line).await? {
            for old in numbers.iter().rev().skip(KEPT) {
                store.remove(&key(name, *old)).await?;
            }
            return Ok(Attempt::Taken);
        }
        // Somebody else created it meanwhile: look again at who that was.
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

async fn holder(store: &Store, name: &str, number: u64) -> Result<Option<Holder>, StoreError> {
    let key = key(name, number);
    let Some(content) = store.read(&key).await? else { return Ok(None) };
    let line = serde_json::from_slice(&content);
    line.map(Some).map_err(|_| damaged(&key, "it is no lease"))
}

fn damaged(key: &str, why: &str) -> StoreError {
    StoreError::Damaged { key: key.to_owned(), why: why.to_owned() }
}
