//! The rows that an apply has written are taken back, unless somebody else has changed it since.
//!
//! A row goes by what it looked like before its first write. One that was not there was made by the run: it is deleted
//! if it still looks as it was made. One that was there is restored if it still looks as the run left it. Whatever was
//! never reached has no before-image, and nothing is done about it.

use contracts::catalog::{ApplyRows, RowOutcome};
use contracts::objects::ObjectRef;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::value::to_raw_value;
use store::Store;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use super::applying::{refusal_of, short_hash, trouble};
use super::kind::{Existing, Kind};
use crate::bulk::{self, Answer, Batch, PartsWriter, Rows, Target, Told, Trouble, patiently};
use crate::effect::alive;

/// A row to take back.
#[derive(Clone, Serialize, Deserialize)]
struct Back<R, S> {
    row: R,
    before: Option<Existing<S>>,
}

/// Takes a batch back. Nothing there is a success.
pub(super) async fn undo<K: Kind>(
    ctx: &ActivityContext,
    store: &Store,
    kind: &K,
    input: &ApplyRows,
) -> Result<(), ActivityError> {
    let rows = alive(ctx, rows_of::<K>(store, input)).await.map_err(Trouble::into_failure)?;
    let Some(rows) = rows else { return Ok(()) };
    let batch =
        Batch { rows: &rows, folder: &input.folder, quarantine: &input.quarantine, images: None, rate: None };
    bulk::apply(ctx, store, &Undoing { ctx, kind, input }, &batch).await?.report(drop)
}

/// The rows that the apply may have written, the last one first; `None`: it has written none.
async fn rows_of<K: Kind>(store: &Store, input: &ApplyRows) -> Result<Option<ObjectRef>, Trouble> {
    let (batch, folder) = (&input.batch, input.folder.as_str());
    let mut rows: Rows<K::Row> = Rows::open(store, batch).await?;
    let mut lines = PartsWriter::default();
    for places in rows.places().into_iter().rev() {
        let before: Vec<Option<Existing<K::State>>> =
            bulk::before(store, folder, batch, places.clone()).await?;
        let some: &[K::Row] = if before.is_empty() { &[] } else { rows.from(places.start).await? };
        for (row, before) in some.iter().zip(before).rev() {
            lines.push(&Back { row: row.clone(), before })?;
        }
        lines.put_part(store, folder).await?;
    }
    lines.finish(store, folder).await
}

struct Undoing<'a, K> {
    ctx: &'a ActivityContext,
    kind: &'a K,
    input: &'a ApplyRows,
}

impl<K: Kind> Undoing<'_, K> {
    async fn take_back(
        &self,
        back: &Back<K::Row, K::State>,
        listed: Option<&Existing<K::State>>,
    ) -> Result<Answer<()>, Trouble> {
        // To delete or restore what somebody has changed a minute ago would lose that.
        let now = patiently(self.ctx, || self.kind.look_again(&back.row)).await;
        let now = now.map_err(|error| trouble(self.kind.shop(), error))?;
        let Some(now) = now.as_ref().or(listed) else {
            // It was never made, or somebody deleted it.
            return Ok(if back.before.is_some() {
                Answer::Refused(DELETED.to_owned())
            } else {
                Answer::Same
            });
        };
        if back.before.as_ref().is_some_and(|before| before.state == now.state) {
            return Ok(Answer::Same);
        }
        let is_ours = match &back.before {
            None => self.kind.is_as_made(&back.row, &now.state),
            Some(before) => self.kind.is_as_written(&back.row, &before.state, &now.state),
        };
        if !is_ours {
            return Ok(Answer::Refused(CHANGED.to_owned()));
        }
        let key = self.input.key.part(&short_hash(&self.kind.key(&back.row))).part("undo");
        let undone = match &back.before {
            Some(before) => patiently(self.ctx, || self.kind.change(&key, now, &before.state)).await,
            None => patiently(self.ctx, || self.kind.delete(&key, &now.id)).await,
        };
        match undone {
            Ok(()) => Ok(Answer::Done(None)),
            Err(error) => refusal_of(self.kind.shop(), error).map(Answer::Refused),
        }
    }
}

const CHANGED: &str = "somebody else has changed it since";
const DELETED: &str = "somebody else has deleted it since";

impl<K: Kind> Target for Undoing<'_, K> {
    type Row = Back<K::Row, K::State>;
    type Image = Option<Existing<K::State>>;
    type Done = ();
    type Outcome = RowOutcome;

    fn look<'a>(&'a self, rows: &'a [Self::Row]) -> BoxFuture<'a, Result<Vec<Self::Image>, Trouble>> {
        async move {
            let rows: Vec<K::Row> = rows.iter().map(|back| back.row.clone()).collect();
            let looks = patiently(self.ctx, || self.kind.look(&rows)).await;
            looks.map_err(|error| trouble(self.kind.shop(), error))
        }
        .boxed()
    }

    fn write<'a>(
        &'a self,
        row: &'a Self::Row,
        listed: &'a Self::Image,
    ) -> BoxFuture<'a, Result<Answer<()>, Trouble>> {
        self.take_back(row, listed.as_ref()).boxed()
    }

    /// Only a row that is left standing is told of.
    fn tell(&self, back: &Self::Row, answer: &Answer<()>) -> Result<Option<Told<RowOutcome>>, Trouble> {
        let Answer::Refused(cause) = answer else { return Ok(None) };
        let told = self.kind.told(&back.row, back.before.as_ref());
        let outcome = RowOutcome { action: LEFT.to_owned(), cause: Some(cause.clone()), ..told };
        let quarantined = Some(to_raw_value(&outcome)?);
        Ok(Some(Told { action: LEFT, outcome, cause: Some(cause.clone()), quarantined }))
    }
}

/// The word for a row that an undo did not touch.
pub(super) const LEFT: &str = "left_standing";
