//! Removes the objects of a run some days after it has closed, price runs that can no longer be reverted, and lists of
//! the quarantine that nobody retried.

use std::time::{Duration, SystemTime};

use contracts::objects::CleanedUp;
use futures::future::BoxFuture;

use crate::{INPUTS, PROBES, Store, StoreError};

/// A run that left objects behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftBehind {
    /// Its workflow id.
    pub workflow_id: String,
    /// Its run id.
    pub run_id: String,
}

/// The state of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// It goes on: nothing of it is touched.
    Open,
    /// It has closed, at that time.
    Closed(SystemTime),
    /// Nobody knows it any more: it closed longer ago than Temporal remembers.
    Forgotten,
}

/// Removes the objects of runs that closed longer ago than `keep`. A run's objects lie directly in its folder
/// ([`crate::run_folder`]): a folder below that one would count as a run that nobody knows. `state` gives the state of
/// a run. The objects of a run that Temporal has forgotten go when the newest of them is older than `keep`.
///
/// # Errors
/// When the store does not answer, or `state` fails.
pub async fn clean_up<E: From<StoreError>>(
    store: &Store,
    keep: Duration,
    now: SystemTime,
    state: impl for<'r> Fn(&'r LeftBehind) -> BoxFuture<'r, Result<RunState, E>>,
) -> Result<CleanedUp, E> {
    let mut done = CleanedUp::default();
    let is_over = |since: SystemTime| now.duration_since(since).is_ok_and(|age| age > keep);
    for (run, folder) in runs(store).await? {
        let objects = store.list(&folder).await?;
        let newest = objects.iter().map(|object| object.written).max();
        let may_go = match state(&run).await? {
            RunState::Open => false,
            RunState::Closed(at) => is_over(at),
            RunState::Forgotten => newest.is_none_or(is_over),
        };
        if !may_go {
            done.kept += 1;
            continue;
        }
        for object in &objects {
            store.remove(&object.key).await?;
            done.objects += 1;
        }
        done.runs += 1;
    }
    // An interrupted `doctor` could not remove its probe itself. Inputs are written anew by every start that uses them.
    for folder in [PROBES, INPUTS] {
        for object in store.list(folder).await? {
            if is_over(object.written) {
                store.remove(&object.key).await?;
                done.objects += 1;
            }
        }
    }
    Ok(done)
}

/// The runs that use the folder of a price run, by what follows its workflow id.
const OF_PRICES: [&str; 4] = ["", "/revert", "/dry-run", "/revert/dry-run"];

/// Removes the folders of price runs whose newest object is older than `keep`, and says how many. A run that goes on
/// (it may wait for a date), or has closed since, keeps its folder; so does its revert, which may take its time.
///
/// # Errors
/// When the store does not answer, or `state` fails.
pub async fn clean_up_prices<E: From<StoreError>>(
    store: &Store,
    keep: Duration,
    now: SystemTime,
    state: impl for<'r> Fn(&'r LeftBehind) -> BoxFuture<'r, Result<RunState, E>>,
) -> Result<u64, E> {
    let mut gone = 0;
    for folder in store.folders("prices").await? {
        let objects = store.list(&folder).await?;
        let newest = objects.iter().map(|object| object.written).max();
        let is_over = |since: SystemTime| now.duration_since(since).is_ok_and(|age| age > keep);
        if !newest.is_none_or(is_over) || is_used(&folder, &state, is_over).await? {
            continue;
        }
        // Before-images first: without the marks beside them they would tell of rows that nobody has sent.
        let is_image = |key: &str| key.contains("/images/");
        let (images, others): (Vec<_>, Vec<_>) = objects.iter().partition(|object| is_image(&object.key));
        for object in images.into_iter().chain(others) {
            store.remove(&object.key).await?;
        }
        gone += 1;
    }
    Ok(gone)
}

/// Whether a run that uses the folder of a price run goes on, or has closed lately.
async fn is_used<E>(
    folder: &str,
    state: &impl for<'r> Fn(&'r LeftBehind) -> BoxFuture<'r, Result<RunState, E>>,
    is_over: impl Fn(SystemTime) -> bool,
) -> Result<bool, E> {
    for name in OF_PRICES {
        // The folder has the name of the workflow; its latest run is the one that matters.
        let run = LeftBehind { workflow_id: format!("{folder}{name}"), run_id: String::new() };
        let is_used = match state(&run).await? {
            RunState::Open => true,
            RunState::Closed(at) => !is_over(at),
            RunState::Forgotten => false,
        };
        if is_used {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Removes the lists of the quarantine that were written longer ago than `keep`, and says how many.
///
/// # Errors
/// When the store does not answer.
pub async fn empty_quarantine(store: &Store, keep: Duration, now: SystemTime) -> Result<u64, StoreError> {
    let mut gone = 0;
    for list in store.list("quarantine").await? {
        if now.duration_since(list.written).is_ok_and(|age| age > keep) {
            store.remove(&list.key).await?;
            gone += 1;
        }
    }
    Ok(gone)
}

/// Every run with objects, and its folder. A run id is the last folder before the objects.
async fn runs(store: &Store) -> Result<Vec<(LeftBehind, String)>, StoreError> {
    let mut found = Vec::new();
    let mut open = vec!["runs".to_owned()];
    while let Some(folder) = open.pop() {
        let below = store.folders(&folder).await?;
        match folder.strip_prefix("runs/").and_then(|rest| rest.rsplit_once('/')) {
            Some((workflow_id, run_id)) if below.is_empty() => {
                let run = LeftBehind { workflow_id: workflow_id.to_owned(), run_id: run_id.to_owned() };
                found.push((run, folder));
            }
            _ => open.extend(below),
        }
    }
    found.sort_by(|(_, a), (_, b)| a.cmp(b));
    Ok(found)
}
