//! Long lists of rows: read, compared and written, whatever they are about.
//!
//! A process that changes thousands of rows does it in three parts. *Stage*: pages are read, checked and compared with
//! what there is; what is to be written becomes batches in the object store, and nothing is changed yet. *Decide*: the
//! process compares the counts with its limits and may ask a person. *Apply*: the batches are written. A batch is one
//! activity, however many rows it has, so that a run costs few events.
//!
//! You bring a [`Reading`]: how to get a page, how to check a record, and which of the checked ones need a write. And a
//! [`Target`]: how to look at rows as they are now (that is the before-image), how to write one of them, and what to say
//! about it in the report.
//!
//! You get, from [`stage()`]: one row for each key (of two in the same pages the later one counts), a batch, a
//! quarantine of what cannot be used, and the causes with their counts. And from [`apply()`]:
//!
//! - rows written several at a time, at most so many a second ([`contracts::bulk::Rate`]), and all of them slowed down
//!   where a system asks for it ([`patiently`]);
//! - before-images, if you name a folder: they are stored before the first write of their rows, and a repeated attempt
//!   reads them back. A row that looked different there and has its new value now was written by an earlier attempt:
//!   it counts as written and is not written again;
//! - every outcome in a list, few of them inline, refused rows in the quarantine ([`contracts::bulk::Written`]);
//! - a life line: heartbeats by the time since the last one, however quick or slow the work ([`Walk`]). They carry how
//!   far the batch is, so that the attempt after a lost worker goes on there; what the last heartbeat did not tell any
//!   more is looked at again, or written again under the same idempotency key;
//! - a stop between two rows: what was sent is finished, the rest is not sent.
//!
//! - `walk.rs`: heartbeats, and going on where the attempt before ended;
//! - `patience.rs`: a system that asks to slow down;
//! - `pace.rs`: rows a second;
//! - `stage.rs`, `apply.rs`: the two parts;
//! - `images.rs`: before-images in the object store;
//! - `trouble.rs`: what keeps a part from going on, and whether trying again helps.
//!
//! What is deliberately absent: what a row is (that is the user's), retries (Temporal's, by policy), and the look for
//! one key twice across batches, for which no memory is large enough.

mod apply;
mod images;
mod pace;
mod patience;
mod stage;
mod trouble;
mod walk;

pub use apply::{Answer, Batch, Target, Told, apply};
pub use patience::patiently;
pub use stage::{Checked, Compared, Page, Pages, Reading, StagedRows, Unfit, stage};
pub use trouble::Trouble;
pub use walk::Walk;
