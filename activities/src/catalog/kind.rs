//! Common to every kind of row of a catalogue: how it looks at the shop, how it is to look, and how it is written.

use contracts::catalog::RowOutcome;
use contracts::values::IdempotencyKey;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::client::{SYSTEM, Shop};
use super::compared::differing;
use crate::http::CallError;

/// Something that the shop has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Existing<S> {
    /// The shop's id.
    pub(super) id: String,
    /// How it looks.
    pub(super) state: S,
}

/// A kind of rows.
pub(super) trait Kind: Sync {
    /// A line of a batch.
    type Row: Serialize + DeserializeOwned + Clone + Send + Sync;
    /// How a row looks at the shop, as far as a file can say it.
    type State: Serialize + DeserializeOwned + Clone + PartialEq + Send + Sync;

    /// The shop that has the rows.
    fn shop(&self) -> &Shop;

    /// Tells a row from all others of its kind.
    fn key(&self, row: &Self::Row) -> String;

    /// How some rows look now, in their order; `None` where the shop does not have one.
    fn look<'a>(&'a self, rows: &'a [Self::Row]) -> BoxFuture<'a, Result<Looks<Self::State>, CallError>>;

    /// How a row is to look, from how it looks now.
    ///
    /// # Errors
    /// Why it cannot be written, in words for the report.
    fn wanted(&self, row: &Self::Row, now: Option<&Self::State>) -> Result<Self::State, String>;

    /// Why a row that the shop does not have cannot be made, where that takes more than a look at the row: a file that
    /// is not a picture. `None`: nothing is known against it.
    fn unfit<'a>(&'a self, row: &'a Self::Row) -> Unfit<'a> {
        let _ = row;
        std::future::ready(Ok(None)).boxed()
    }

    /// Names a row and what it brings, for a receipt.
    fn content(&self, row: &Self::Row) -> String {
        self.key(row)
    }

    /// The change to a row as a receipt names it: it comes out the same as long as shop and file are the same.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    fn shown(
        &self,
        row: &Self::Row,
        now: Option<&Self::State>,
        wanted: &Self::State,
    ) -> serde_json::Result<Value> {
        let _ = row;
        differing(now, wanted)
    }

    /// Whether a row that looks as it is to look is all there: a product that was made by an attempt that was killed
    /// may lack its stock.
    fn is_whole(&self, row: &Self::Row, now: &Self::State) -> bool {
        let (_, _) = (row, now);
        true
    }

    /// Whether a row that the shop does not have is passed over, because another step makes it.
    fn only_changes(&self) -> bool {
        false
    }

    /// Looks at one row as it is at this moment: a look at many may come from a listing that is minutes old. `None`: it
    /// was not found in this way, which does not say that it is not there.
    fn look_again<'a>(
        &'a self,
        row: &'a Self::Row,
    ) -> BoxFuture<'a, Result<Option<Existing<Self::State>>, CallError>> {
        let _ = row;
        std::future::ready(Ok(None)).boxed()
    }

    /// Adds the part of a row that was not written when the row was made, in this run or an earlier one: a product's
    /// stock. Answers whether there was something to add.
    fn complete<'a>(
        &'a self,
        key: &'a IdempotencyKey,
        row: &'a Self::Row,
        now: &'a Existing<Self::State>,
    ) -> BoxFuture<'a, Result<bool, CallError>> {
        let (_, _, _) = (key, row, now);
        std::future::ready(Ok(false)).boxed()
    }

    /// Whether a row that was there before still looks as the run wrote it.
    fn is_as_written(&self, row: &Self::Row, before: &Self::State, now: &Self::State) -> bool {
        self.wanted(row, Some(before)).is_ok_and(|written| written == *now)
    }

    /// Whether a row that a run made still looks as it was made.
    fn is_as_made(&self, row: &Self::Row, now: &Self::State) -> bool {
        self.wanted(row, None).is_ok_and(|made| made == *now)
    }

    /// Makes a row, or the rest of one that an earlier attempt began.
    fn create<'a>(
        &'a self,
        key: &'a IdempotencyKey,
        row: &'a Self::Row,
        wanted: &'a Self::State,
    ) -> BoxFuture<'a, Result<Existing<Self::State>, CallError>>;

    /// Changes what differs.
    fn change<'a>(
        &'a self,
        key: &'a IdempotencyKey,
        now: &'a Existing<Self::State>,
        wanted: &'a Self::State,
    ) -> BoxFuture<'a, Result<(), CallError>>;

    /// Deletes a row. One that is gone already is a success.
    fn delete<'a>(&'a self, key: &'a IdempotencyKey, id: &'a str) -> BoxFuture<'a, Result<(), CallError>>;

    /// A row as the report names it.
    fn told(&self, row: &Self::Row, now: Option<&Existing<Self::State>>) -> RowOutcome;
}

/// Why a row cannot be made, if that is known.
pub(super) type Unfit<'a> = BoxFuture<'a, Result<Option<String>, CallError>>;

/// How some rows look.
pub(super) type Looks<S> = Vec<Option<Existing<S>>>;

/// A status of a refusal, if the error is one.
pub(super) fn is_refused_as(error: &CallError, status: u16) -> bool {
    error.refusal().is_some_and(|refusal| refusal.status == status)
}

/// The refusal of a row that somebody made between the look and the write. To overwrite it would lose what is in it,
/// and to take it back later would delete it.
pub(super) fn made_meanwhile() -> CallError {
    let why = "somebody else has made it meanwhile: run the file again".to_owned();
    CallError::Unusable { system: SYSTEM, why }
}

/// Gone already is a success.
pub(super) fn or_gone(deleted: Result<serde_json::Value, CallError>) -> Result<(), CallError> {
    match deleted {
        Err(error) if is_refused_as(&error, 404) => Ok(()),
        deleted => deleted.map(drop),
    }
}

/// A category cannot be made whose parent is not there: the run before it has failed, or somebody deleted it.
pub(super) fn no_parent(path: &str) -> CallError {
    CallError::Unusable { system: SYSTEM, why: format!("the category {path} is not there any more") }
}
