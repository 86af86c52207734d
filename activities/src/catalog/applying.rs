//! Rows of any kind are written to the shop.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use contracts::bulk::Written;
use contracts::catalog::{ApplyRows, RowOutcome};
use contracts::values::IdempotencyKey;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::value::to_raw_value;
use store::Store;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use super::client::Shop;
use super::kind::{Existing, Kind};
use crate::bulk::{self, Answer, Batch, Target, Told, Trouble, patiently};
use crate::http::{CallError, Wrong};

/// Writes a batch; what each row looked like before is kept first.
pub(super) async fn apply<K: Kind>(
    ctx: &ActivityContext,
    store: &Store,
    kind: &K,
    input: &ApplyRows,
) -> Result<Written<RowOutcome>, ActivityError> {
    let batch = Batch {
        rows: &input.batch,
        folder: &input.folder,
        quarantine: &input.quarantine,
        images: Some(&input.folder),
        rate: None,
    };
    let target = Applying { ctx, kind, input, seen: Mutex::default(), was_there: Mutex::default() };
    bulk::apply(ctx, store, &target, &batch).await?.report(|written| written)
}

struct Applying<'a, K: Kind> {
    ctx: &'a ActivityContext,
    kind: &'a K,
    input: &'a ApplyRows,
    /// The shop's rows, for the report: an answer names no id of a row that is as it should be.
    seen: Mutex<HashMap<String, Existing<K::State>>>,
    /// Whether the shop had a row when this batch first came to it.
    was_there: Mutex<HashMap<String, bool>>,
}

impl<K: Kind> Applying<'_, K> {
    fn seen(&self) -> MutexGuard<'_, HashMap<String, Existing<K::State>>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn write_row(
        &self,
        row: &K::Row,
        before: Option<&Existing<K::State>>,
    ) -> Result<Answer<()>, Trouble> {
        let wanted = match self.kind.wanted(row, before.map(|before| &before.state)) {
            Ok(wanted) => wanted,
            Err(cause) => return Ok(Answer::Refused(cause)),
        };
        let name = self.kind.key(row);
        let key = self.input.key.part(&short_hash(&name));
        let written = match before {
            Some(before) => self.change(&key, row, before, wanted).await,
            None => patiently(self.ctx, || self.kind.create(&key, row, &wanted)).await.map(Some),
        };
        match written {
            Ok(Some(now)) => {
                self.seen().insert(name, now);
                Ok(Answer::Done(None))
            }
            Ok(None) => Ok(Answer::Same),
            Err(error) => refusal_of(self.kind.shop(), error).map(Answer::Refused),
        }
    }

    /// Writes a row that was there before, as far as it differs, and the part of it that an earlier run could not
    /// write. `None`: there was nothing to write.
    async fn change(
        &self,
        key: &IdempotencyKey,
        row: &K::Row,
        before: &Existing<K::State>,
        wanted: K::State,
    ) -> Result<Option<Existing<K::State>>, CallError> {
        let is_otherwise = before.state != wanted;
        if is_otherwise {
            patiently(self.ctx, || self.kind.change(key, before, &wanted)).await?;
        }
        let is_completed = match self.kind.is_whole(row, &before.state) {
            true => false,
            false => patiently(self.ctx, || self.kind.complete(key, row, before)).await?,
        };
        let now = Existing { id: before.id.clone(), state: wanted };
        Ok((is_otherwise || is_completed).then_some(now))
    }
}

/// Trouble with a question that is about no row.
pub(super) fn trouble(shop: &Shop, error: CallError) -> Trouble {
    match refusal_of(shop, error) {
        Ok(why) => Trouble::Final(format!("the shop cannot be read: {why}")),
        Err(trouble) => trouble,
    }
}

/// The cause of a refusal that is about the row.
///
/// # Errors
/// Everything else. A right that is missing, or a path, is a setting: the batch waits for it.
pub(super) fn refusal_of(shop: &Shop, error: CallError) -> Result<String, Trouble> {
    let refusal = match error {
        CallError::Refused { refusal, .. } => refusal,
        CallError::Unusable { why, .. } => return Ok(why),
        // A proxy that takes no large request, say: where other rows are taken, it is about this one.
        foreign @ CallError::Foreign { .. } => return Err(Trouble::of_row(foreign)),
        other => return Err(other.into()),
    };
    match (refusal.status, refusal.code.as_str()) {
        (status @ 404, "UNSPECIFIED") => {
            let fix = "correct SUN_ECOMMERCE_API_URL, or the version of its API".to_owned();
            Err(shop.api().setting(Wrong::Path(status), fix).into())
        }
        (_, code) => Ok(format!("refused by the shop: {code}")),
    }
}

impl<K: Kind> Target for Applying<'_, K> {
    type Row = K::Row;
    type Image = Option<Existing<K::State>>;
    type Done = ();
    type Outcome = RowOutcome;

    fn look<'a>(&'a self, rows: &'a [K::Row]) -> BoxFuture<'a, Result<Vec<Self::Image>, Trouble>> {
        async move {
            let looks = patiently(self.ctx, || self.kind.look(rows)).await;
            let looks = looks.map_err(|error| trouble(self.kind.shop(), error))?;
            let mut seen = self.seen();
            for (row, look) in rows.iter().zip(&looks) {
                if let Some(look) = look {
                    seen.insert(self.kind.key(row), look.clone());
                }
            }
            Ok(looks)
        }
        .boxed()
    }

    /// The undo finds them by the batch.
    fn names_images(&self) -> bool {
        false
    }

    fn is_done(&self, row: &K::Row, image: &Self::Image) -> bool {
        // The before-image is asked about first; how a later attempt found the row changes nothing about it.
        let mut was_there = self.was_there.lock().unwrap_or_else(PoisonError::into_inner);
        was_there.entry(self.kind.key(row)).or_insert(image.is_some());
        let Some(now) = image else { return self.kind.only_changes() };
        let is_wanted = self.kind.wanted(row, Some(&now.state)).is_ok_and(|wanted| wanted == now.state);
        is_wanted && self.kind.is_whole(row, &now.state)
    }

    fn write<'a>(
        &'a self,
        row: &'a K::Row,
        before: &'a Self::Image,
    ) -> BoxFuture<'a, Result<Answer<()>, Trouble>> {
        self.write_row(row, before.as_ref()).boxed()
    }

    fn tell(&self, row: &K::Row, answer: &Answer<()>) -> Result<Option<Told<RowOutcome>>, Trouble> {
        // A row is told once, and then forgotten, so that a long batch needs no more memory than a short one.
        let key = self.kind.key(row);
        let now = self.seen().remove(&key);
        let mut was_there = self.was_there.lock().unwrap_or_else(PoisonError::into_inner);
        let was_there = was_there.remove(&key).unwrap_or_default();
        let (action, cause) = match answer {
            Answer::Done(_) if was_there => ("updated", None),
            Answer::Done(_) => ("created", None),
            Answer::Same => ("unchanged", None),
            Answer::Refused(cause) => ("failed", Some(cause.clone())),
        };
        let outcome = self.kind.told(row, now.as_ref());
        let cause = cause.or_else(|| outcome.cause.clone());
        let outcome = RowOutcome { action: action.to_owned(), cause: cause.clone(), ..outcome };
        let failed = cause.filter(|_| action == "failed");
        let quarantined = failed.as_ref().map(|_| to_raw_value(&outcome)).transpose()?;
        Ok(Some(Told { action, outcome, cause: failed, quarantined }))
    }
}

/// A name for an idempotency key, whatever signs are in it.
pub(super) fn short_hash(text: &str) -> String {
    use sha2::{Digest as _, Sha256};
    Sha256::digest(text).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::http::Refused;
    use crate::http::behind_proxy::{WAY, api};

    /// S5
    #[test]
    fn a_path_that_is_not_there_is_a_setting_and_names_the_proxy() {
        let shop = Shop::new(api("commerce"));
        let refusal = |status, code: &str| {
            let refusal = Refused { status, code: code.to_owned(), details: Value::Null };
            refusal_of(&shop, CallError::Refused { system: "commerce", refusal: Box::new(refusal) })
        };
        let trouble = refusal(404, "UNSPECIFIED").expect_err("a setting").to_string();
        let said = "commerce has nothing at that path (404): correct SUN_ECOMMERCE_API_URL, or the version of its API";
        assert_eq!(trouble, format!("{said}{WAY}"));
        for (status, code) in [(404, "CATEGORY_NOT_FOUND"), (422, "UNSPECIFIED")] {
            assert_eq!(refusal(status, code).ok(), Some(format!("refused by the shop: {code}")));
        }
        let list = serde_json::value::RawValue::from_string("{\"data\": 7}".to_owned()).expect("JSON");
        let other = shop.entries_of::<Value>(&list).expect_err("no list").to_string();
        assert_eq!(other, format!("commerce gave no usable answer: a list without a list in it{WAY}"));
    }
}
