//! How rows look and are written, and what the report says about each: the part of bulk work that its user brings.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::Trouble;

/// How rows are written.
pub trait Target: Sync {
    /// A row to write: a line of the batch.
    type Row: DeserializeOwned + Send + Sync;
    /// The looks of a row where it is written; `()` where nobody has to know them.
    type Image: Serialize + DeserializeOwned + Send + Sync;
    /// A fact known of a row after its write, such as the id it has there.
    type Done: Send;
    /// A line of the report about a row.
    type Outcome: Serialize + DeserializeOwned + Clone + Send + Sync + 'static;

    /// Looks at some rows as they are now: one image for each, in the same order.
    ///
    /// # Errors
    /// When they cannot be read.
    fn look<'a>(&'a self, rows: &'a [Self::Row]) -> BoxFuture<'a, Result<Vec<Self::Image>, Trouble>>;

    /// Whether an image shows the row as it is to be. Such a row is not written.
    fn is_done(&self, row: &Self::Row, image: &Self::Image) -> bool {
        let (_, _) = (row, image);
        false
    }

    /// Why a row that looks so must not be written; `None`: it may.
    fn refuses(&self, row: &Self::Row, image: &Self::Image) -> Option<String> {
        let (_, _) = (row, image);
        None
    }

    /// Writes one row, which looked like `before` when this batch first came to it. Safe to repeat: by its idempotency
    /// key, or because the image tells.
    ///
    /// # Errors
    /// When it is not known whether it was written, or no row would be: the batch waits. A row that is refused is
    /// [`Answer::Refused`].
    fn write<'a>(
        &'a self,
        row: &'a Self::Row,
        before: &'a Self::Image,
    ) -> BoxFuture<'a, Result<Answer<Self::Done>, Trouble>>;

    /// Writes some rows with one request, each as [`Self::write`] would; `None`: the system takes one at a time. Only
    /// [`super::stretch()`] asks.
    ///
    /// # Errors
    /// When the outcome of none of them is known. A row whose own outcome is not known has that in its place.
    fn write_together<'a>(
        &'a self,
        rows: &'a [(&'a Self::Row, &'a Self::Image)],
    ) -> Together<'a, Self::Done> {
        let _ = rows;
        None
    }

    /// Whether the outcome of a batch names its before-images; else whoever wants them finds them by the batch.
    fn names_images(&self) -> bool {
        true
    }

    /// Told of the rows that were written, before the note of how far the batch is; told again after a crash.
    ///
    /// # Errors
    /// When it cannot be remembered: the batch waits.
    fn remember<'a>(&'a self, written: Vec<&'a Self::Row>) -> BoxFuture<'a, Result<(), Trouble>> {
        drop(written);
        std::future::ready(Ok(())).boxed()
    }

    /// Says what the report tells about a row; `None`: nothing, and it is not counted.
    ///
    /// # Errors
    /// When its line for the quarantine cannot be written.
    fn tell(
        &self,
        row: &Self::Row,
        answer: &Answer<Self::Done>,
    ) -> Result<Option<Told<Self::Outcome>>, Trouble>;
}

/// The answers to some rows, in their order; `None` where each is written by itself.
pub type Together<'a, D> = Option<BoxFuture<'a, Result<Vec<Each<D>>, Trouble>>>;

/// The answer to one of several rows, or the trouble with that row alone.
pub type Each<D> = Result<Answer<D>, Trouble>;

/// The end of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer<D> {
    /// It was written. `None` where nothing is known of it, or an earlier attempt wrote it and its answer is lost.
    Done(Option<D>),
    /// It is as it should be already.
    Same,
    /// It was refused, with this code.
    Refused(String),
}

/// A row in the report.
#[derive(Clone, Debug)]
pub struct Told<O> {
    /// Under which word it is counted: `updated`.
    pub action: &'static str,
    /// Its line in the list.
    pub outcome: O,
    /// Why it was refused, without a value of it.
    pub cause: Option<String>,
    /// Its line in the quarantine.
    pub quarantined: Option<Box<RawValue>>,
}
