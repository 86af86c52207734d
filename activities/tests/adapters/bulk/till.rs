//! A till: what is written to, with a price for each name.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use activities::bulk::{
    self, Answer, Batch, Checked, Compared, Page, Pages, Reading, Target, Told, Trouble, Unfit,
};
use contracts::bulk::{Causes, Rate, Written};
use contracts::objects::ObjectRef;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::to_raw_value;
use store::{LinesWriter, Store};
use temporalio_sdk::activities::{ActivityContext, ActivityError, activities};

use crate::TestResult;

/// A name and its price.
pub(crate) type Row = (String, i64);

/// The till's prices, and what it was asked.
#[derive(Default)]
pub(crate) struct Books {
    pub(super) prices: BTreeMap<String, i64>,
    pub(super) writes: Vec<String>,
    /// Names whose next write is not known to have happened, though it has.
    pub(super) unheard: Vec<String>,
    /// The till is down for this name and those after it.
    pub(super) down_from: Option<String>,
    /// Names that are refused.
    pub(super) refused: Vec<String>,
    /// Images that a look leaves out.
    pub(super) overlooks: usize,
    /// The records of each page.
    pub(super) pages: Vec<Vec<Row>>,
}

/// The till's activities, its store in a folder of its own, and its books.
#[derive(Clone)]
pub(crate) struct Till {
    pub(super) store: Store,
    pub(super) folder: Arc<tempfile::TempDir>,
    books: Arc<Mutex<Books>>,
}

/// A price to write.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Apply {
    pub(super) batch: ObjectRef,
    pub(super) folder: String,
    pub(super) images: Option<String>,
    pub(super) rate: Option<Rate>,
}

/// The outcome of staging.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Staged {
    pub(super) batch: Option<ObjectRef>,
    pub(super) quarantined: Option<ObjectRef>,
    pub(super) causes: Causes,
    pub(super) superseded: u64,
    pub(super) next: Option<String>,
}

impl Till {
    pub(super) fn open() -> TestResult<Self> {
        let folder = Arc::new(tempfile::tempdir()?);
        let store = Store::open(&folder.path().display().to_string())?;
        Ok(Self { store, folder, books: Arc::default() })
    }

    pub(super) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where an object lies on this machine.
    pub(super) fn file(&self, key: &str) -> PathBuf {
        self.folder.path().join(key)
    }

    /// A batch of so many rows, each of which the till has at price 1 and is to be 2.
    pub(super) async fn batch(&self, rows: usize) -> TestResult<ObjectRef> {
        let mut lines = LinesWriter::default();
        for number in 0..rows {
            let name = name(number);
            lines.push(&(&name, 2))?;
            self.books().prices.insert(name, 1);
        }
        Ok(lines.put(&self.store, "batches").await?.ok_or("an empty batch")?)
    }

    fn has(&self, name: &str) -> Option<i64> {
        self.books().prices.get(name).copied()
    }
}

pub(super) fn name(number: usize) -> String {
    format!("name-{number:04}")
}

pub(crate) struct TillActivities(pub(crate) Till);

#[activities]
impl TillActivities {
    #[activity(name = "till.stage")]
    pub(crate) async fn stage(
        self: Arc<Self>,
        ctx: ActivityContext,
        at_most: u32,
    ) -> Result<Staged, ActivityError> {
        let pages = Pages { cursor: None, at_most, folder: "staged", quarantine: "quarantine" };
        let mut reading = self.0.clone();
        let rows = bulk::stage(&ctx, &self.0.store, &mut reading, &pages).await?;
        let bulk::StagedRows { batch, quarantined, causes, superseded, next, is_cut: _ } = rows;
        Ok(Staged { batch, quarantined, causes, superseded, next })
    }

    #[activity(name = "till.apply")]
    pub(crate) async fn apply(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: Apply,
    ) -> Result<Written<Row>, ActivityError> {
        let images = input.images.as_deref();
        let batch = Batch {
            rows: &input.batch,
            folder: &input.folder,
            quarantine: "quarantine",
            images,
            rate: input.rate,
        };
        bulk::apply(&ctx, &self.0.store, &self.0, &batch).await?.report(|written| written)
    }
}

/// It takes a moment to be known.
async fn no_answer() -> Result<Answer<()>, Trouble> {
    tokio::time::sleep(Duration::from_millis(20)).await;
    Err(Trouble::Again("the till is down".to_owned()))
}

impl Reading for Till {
    type Record = Row;
    type Fit = Row;
    type Row = Row;

    fn page<'a>(&'a self, cursor: Option<&'a str>) -> BoxFuture<'a, Result<Page<Row>, Trouble>> {
        let number: usize = cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or_default();
        let books = self.books();
        let records = books.pages.get(number).cloned().unwrap_or_default();
        let next = (number + 1 < books.pages.len()).then(|| (number + 1).to_string());
        std::future::ready(Ok(Page { records, next, is_cut: false })).boxed()
    }

    fn check(&mut self, (name, price): Row) -> Result<Checked<Row>, Trouble> {
        Ok(match price {
            0 => Checked::Unfit(Unfit { cause: "no price".to_owned(), line: to_raw_value(&name)? }),
            _ => Checked::Fit { key: name.clone(), fit: (name, price) },
        })
    }

    fn compare(&mut self, fit: Vec<Row>) -> BoxFuture<'_, Result<Compared<Row>, Trouble>> {
        async move {
            let (mut rows, mut unfit) = (Vec::new(), Vec::new());
            for (name, price) in fit {
                match self.has(&name) {
                    None => {
                        unfit.push(Unfit { cause: "no such name".to_owned(), line: to_raw_value(&name)? })
                    }
                    Some(has) if has == price => {}
                    Some(_) => rows.push((name, price)),
                }
            }
            Ok(Compared { rows, unfit })
        }
        .boxed()
    }
}

impl Target for Till {
    type Row = Row;
    type Image = Option<i64>;
    type Done = ();
    type Outcome = Row;

    fn look<'a>(&'a self, rows: &'a [Row]) -> BoxFuture<'a, Result<Vec<Option<i64>>, Trouble>> {
        let overlooks = self.books().overlooks;
        let images = rows.iter().skip(overlooks).map(|(name, _)| self.has(name)).collect();
        std::future::ready(Ok(images)).boxed()
    }

    fn is_done(&self, (_, price): &Row, image: &Option<i64>) -> bool {
        *image == Some(*price)
    }

    fn write<'a>(
        &'a self,
        (name, price): &'a Row,
        _: &'a Option<i64>,
    ) -> BoxFuture<'a, Result<Answer<()>, Trouble>> {
        let mut books = self.books();
        books.writes.push(name.clone());
        if books.down_from.as_ref().is_some_and(|first| name >= first) {
            return no_answer().boxed();
        }
        if books.refused.contains(name) {
            return std::future::ready(Ok(Answer::Refused("NOT_TODAY".to_owned()))).boxed();
        }
        books.prices.insert(name.clone(), *price);
        let unheard = books.unheard.iter().position(|unheard| unheard == name);
        let answer = match unheard.map(|place| books.unheard.remove(place)) {
            Some(name) => Err(Trouble::Again(format!("nothing was heard of {name}"))),
            None => Ok(Answer::Done(None)),
        };
        std::future::ready(answer).boxed()
    }

    fn tell(&self, row: &Row, answer: &Answer<()>) -> Result<Option<Told<Row>>, Trouble> {
        let (action, cause) = match answer {
            Answer::Done(_) => ("updated", None),
            Answer::Same => ("unchanged", None),
            Answer::Refused(code) => ("failed", Some(format!("refused: {code}"))),
        };
        let quarantined = cause.as_ref().map(|cause| to_raw_value(&json!({ "cause": cause }))).transpose()?;
        Ok(Some(Told { action, outcome: row.clone(), cause, quarantined }))
    }
}
