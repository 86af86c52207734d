//! The shop's catalogue on the wire: what all of its parts have in common.

use std::collections::BTreeMap;

use contracts::values::IdempotencyKey;
use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use super::kind::or_gone;
use crate::http::{Api, CallError, word};

/// Entries of a page: the platform's most.
const PAGE_SIZE: usize = 100;

/// The shop's catalogue.
#[derive(Clone)]
pub(super) struct Shop {
    api: Api,
}

impl Shop {
    pub(super) fn new(api: Api) -> Self {
        Self { api }
    }

    pub(super) fn api(&self) -> &Api {
        &self.api
    }

    /// One page, counted from 1, and whether it was the last one.
    pub(super) async fn page<T: DeserializeOwned>(
        &self,
        path: &[&str],
        filters: &[(&str, &str)],
        page: usize,
    ) -> Result<(Vec<T>, bool), CallError> {
        let (page, size) = (page.to_string(), PAGE_SIZE.to_string());
        let mut query = filters.to_vec();
        query.extend([("page", page.as_str()), ("pageSize", size.as_str())]);
        let listing: Box<RawValue> = self.api.get(path, &query).await?;
        let entries: Vec<T> = self.entries_of(&listing)?;
        let is_last = entries.len() < PAGE_SIZE;
        Ok((entries, is_last))
    }

    /// A listing that has no pages.
    pub(super) async fn whole<T: DeserializeOwned>(&self, path: &[&str]) -> Result<Vec<T>, CallError> {
        let listing: Box<RawValue> = self.api.get(path, &[]).await?;
        self.entries_of(&listing)
    }

    /// Every page.
    pub(super) async fn all<T: DeserializeOwned>(
        &self,
        path: &[&str],
        filters: &[(&str, &str)],
    ) -> Result<Vec<T>, CallError> {
        let mut all = Vec::new();
        for page in 1.. {
            let (entries, is_last) = self.page(path, filters, page).await?;
            all.extend(entries);
            if is_last {
                break;
            }
        }
        Ok(all)
    }

    /// The entries of a list, in either of the platform's forms: alone, or under the name of its resource.
    pub(super) fn entries_of<T: DeserializeOwned>(&self, listing: &RawValue) -> Result<Vec<T>, CallError> {
        let other = |error: serde_json::Error| {
            let why =
                format!("a list of another shape ({:?} error, line {})", error.classify(), error.line());
            self.api.unknown(why)
        };
        if listing.get().starts_with('[') {
            return serde_json::from_str(listing.get()).map_err(other);
        }
        let named: BTreeMap<String, &RawValue> = serde_json::from_str(listing.get()).map_err(other)?;
        match named.values().find(|value| value.get().starts_with('[')) {
            Some(list) => serde_json::from_str(list.get()).map_err(other),
            None => Err(self.api.unknown("a list without a list in it")),
        }
    }

    pub(super) async fn post<B: Serialize, T: DeserializeOwned>(
        &self,
        path: &[&str],
        key: &IdempotencyKey,
        body: &B,
    ) -> Result<T, CallError> {
        self.api.send(Method::POST, path, Some(key), body).await
    }

    pub(super) async fn put<B: Serialize>(
        &self,
        path: &[&str],
        key: &IdempotencyKey,
        body: &B,
    ) -> Result<(), CallError> {
        self.api.send::<_, Value>(Method::PUT, path, Some(key), body).await.map(drop)
    }

    /// Deletes; gone already is a success.
    pub(super) async fn delete(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        key: &IdempotencyKey,
    ) -> Result<(), CallError> {
        or_gone(self.api.delete(path, query, key).await)
    }
}

/// The id of an answer, under whichever of its names.
///
/// # Errors
/// When it has none.
pub(super) fn id_of(id: Option<String>, own: Option<String>) -> Result<String, CallError> {
    let why = "an entry of the catalogue without an id".to_owned();
    id.or(own).ok_or(CallError::Unknown { system: SYSTEM, why })
}

/// The system, for failure texts.
pub(super) const SYSTEM: &str = "commerce";

/// The object store did not give or take something. That says nothing about the shop, nor about a row.
pub(super) fn lost(error: &impl std::fmt::Display) -> CallError {
    CallError::NotSent { system: SYSTEM, why: error.to_string() }
}

/// A value that no program can understand. Whatever is not a word stays out: it may be personal.
pub(super) fn unknown_word(what: &str, said: &str) -> CallError {
    CallError::Unusable { system: SYSTEM, why: format!("its {what} is not known here: {}", word(said)) }
}

/// A value that cannot be read.
pub(super) fn unreadable(what: &str) -> CallError {
    CallError::Unusable { system: SYSTEM, why: format!("its {what} cannot be read") }
}
