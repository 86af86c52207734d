//! Pictures by web address: fetched from public addresses alone, and not again while their server says that they are
//! unchanged.
//!
//! A catalogue's file may come from anybody. An address in it must not become a way into the worker's own network:
//! whatever a name leads to is checked behind its look-up, so that the connection goes to the very address that was
//! checked, and once more at each redirect. `SUN_MEDIA_ALLOW` names networks of one's own that are allowed.
//!
//! - `networks.rs`: which addresses are public, and which others are allowed;
//! - `names.rs`: the look-up of names, behind which addresses are checked;
//! - `fetch.rs`: one picture, from the first address to the last byte;
//! - `kept.rs`: what a server said of a picture (ETag, Last-Modified), kept with the hash of its content.
//!
//! Deliberately absent: proxies. One would look names up itself, and nobody could check what they lead to.

mod fetch;
mod kept;
mod names;
mod networks;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use contracts::objects::ObjectRef;
use futures::StreamExt as _;
use reqwest::Url;
use store::{Store, StoreError};
use temporalio_sdk::activities::ActivityContext;
use tokio::sync::Mutex as Turn;

use crate::bulk::Trouble;
use fetch::{Fetched, Fetcher};
use kept::Kept;
use names::{LookUp, System};
pub use networks::Networks;

/// Servers that are asked at once.
const SERVERS_AT_ONCE: usize = 8;

/// Fetches pictures, and keeps them in the object store.
#[derive(Clone)]
pub(super) struct Web {
    fetcher: Arc<Fetcher>,
    /// The turn at each server: a slow one is asked by one connection at a time, whoever asks.
    turns: Arc<Mutex<HashMap<String, Arc<Turn<()>>>>>,
}

/// Where a picture lies, or why it does not, in words for the report.
type Outcome = Result<ObjectRef, String>;

impl Web {
    /// # Errors
    /// When TLS cannot be set up.
    pub(super) fn new(allowed: Networks) -> Result<Self, reqwest::Error> {
        Self::with(allowed, System)
    }

    fn with(allowed: Networks, names: impl LookUp) -> Result<Self, reqwest::Error> {
        Ok(Self { fetcher: Arc::new(Fetcher::new(allowed, names)?), turns: Arc::default() })
    }

    /// Fetches pictures that are nowhere yet, each by its place and its address, server by server. Each one's outcome,
    /// by its place.
    ///
    /// # Errors
    /// When the store does not answer, or the run was stopped.
    pub(super) async fn fetch_all(
        &self,
        ctx: &ActivityContext,
        store: &Store,
        run: &str,
        pictures: Vec<(usize, String)>,
    ) -> Result<BTreeMap<usize, Outcome>, Trouble> {
        let mut servers: BTreeMap<String, Vec<(usize, String)>> = BTreeMap::new();
        for (place, address) in pictures {
            let server = address.parse::<Url>().ok().and_then(|url| server_of(&url));
            servers.entry(server.unwrap_or_default()).or_default().push((place, address));
        }
        let of_server = |pictures: Vec<(usize, String)>| async move {
            let mut outcomes = Vec::with_capacity(pictures.len());
            for (place, address) in pictures {
                if ctx.is_cancelled() {
                    return Err(Trouble::Again("the run was stopped".to_owned()));
                }
                outcomes.push((place, self.picture(store, run, &address).await?));
            }
            Ok(outcomes)
        };
        let mut asked =
            futures::stream::iter(servers.into_values().map(of_server)).buffer_unordered(SERVERS_AT_ONCE);
        let mut outcomes = BTreeMap::new();
        while let Some(some) = asked.next().await {
            outcomes.extend(some?);
        }
        Ok(outcomes)
    }

    /// One picture. One that this run has fetched already is not asked for again: the attempt may be a second one.
    async fn picture(&self, store: &Store, run: &str, address: &str) -> Result<Outcome, StoreError> {
        let kept = Kept::read(store, address).await?;
        let content = match &kept {
            Some(kept) => present(store, &kept.content).await?,
            None => None,
        };
        if let (Some(kept), Some(_)) = (&kept, &content)
            && kept.run == run
        {
            return Ok(Ok(kept.content.clone()));
        }
        let validators = kept.as_ref().filter(|_| content.is_some());
        let fetched = match self.fetcher.fetch(self, address, validators).await {
            Ok(fetched) => fetched,
            Err(why) => return Ok(Err(why.to_string())),
        };
        let (bytes, now) = match (fetched, kept, content) {
            (Fetched::Same, Some(kept), Some(content)) => (content, Kept { run: run.to_owned(), ..kept }),
            (Fetched::Same, ..) => {
                return Ok(Err("its server says that it is unchanged, unasked".to_owned()));
            }
            (Fetched::New { bytes, etag, last_modified }, ..) => {
                let content = kept::object(&bytes);
                (bytes, Kept { content, etag, last_modified, run: run.to_owned() })
            }
        };
        // It is as young as the run then: the clean-up goes by its age.
        store.keep_input(&now.content, bytes).await?;
        now.write(store, address).await?;
        Ok(Ok(now.content))
    }

    /// The turn at a server.
    fn turn(&self, server: &str) -> Arc<Turn<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        turns.entry(server.to_owned()).or_default().clone()
    }
}

/// An object's content, if it is there and whole.
async fn present(store: &Store, object: &ObjectRef) -> Result<Option<Vec<u8>>, StoreError> {
    match store.get(object).await {
        Ok(content) => Ok(Some(content)),
        Err(StoreError::Gone { .. } | StoreError::Damaged { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Host and port of an address.
fn server_of(url: &Url) -> Option<String> {
    Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
}

/// The name of a picture for the shop: the last part of its path, without its ending.
pub(super) fn stem_of(address: &str) -> Option<String> {
    let url: Url = address.parse().ok()?;
    let last = url.path_segments()?.rfind(|part| !part.is_empty())?.to_owned();
    let stem = last.rsplit_once('.').map_or(last.as_str(), |(stem, _)| stem);
    Some(stem.to_owned()).filter(|stem| !stem.is_empty())
}
