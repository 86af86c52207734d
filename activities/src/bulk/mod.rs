//! Long lists of rows: read, compared and written, whatever they are about.
//!
//! A process that changes thousands of rows does it in three parts. *Stage*: pages are read, checked and compared with
//! what there is; the rows to write become a batch in the object store, and nothing is changed yet. *Decide*: the
//! process compares the counts with its limits ([`contracts::bulk::Limit`]) and may ask a person. *Apply*: the batches
//! are written. Each part is an activity for some pages or for one batch, however many rows these have, so that a run
//! costs few events.
//!
//! You bring a [`Reading`]: how to get a page, how to check a record, and which of the checked records need a write.
//! And you bring a [`Target`]: how to look at rows as they are now, how to write one of them, and what the report says
//! about it. A row's looks before its first write are its *before-image*; the look gives it.
//!
//! You get from [`stage()`] a batch with one row for each key (of two in the same pages the later one counts), a
//! quarantine of the records that cannot be used, and the causes with their counts.
//!
//! You get from [`apply()`]:
//!
//! - **Speed with a limit.** Rows are written eight at a time, and no more of them in a second than the
//!   [`contracts::bulk::Rate`]. A system that asks to slow down is waited for ([`patiently`]); a page that
//!   cannot be read is asked for again by itself ([`persistently`]).
//! - **A life line.** Heartbeats go out by the time since the last one, however quick or slow the work is ([`Walk`]).
//!   They tell how far the batch is, and the attempt after a lost worker goes on there.
//! - **No second write by the next attempt.** If you name a folder for them, before-images are stored before the first
//!   write of their rows, and a later attempt reads them back. A row that looked different there and is as it should be
//!   now was written by an earlier attempt: it counts as written, and is not written again. Without a folder, the
//!   writes need idempotency keys.
//! - **A stop between two rows.** When the run is cancelled, rows that were sent are finished and the rest is not sent.
//!   The details of the cancel tell what was written until then ([`Ended::report`]).
//! - **No storm.** After the first row whose outcome is not known (an outage, a password that is refused) no further
//!   row is sent: the attempt fails, and Temporal tries again later. An answer that may be about one row alone (a
//!   firewall that dislikes a description) costs that row, where another one is taken; eight such answers and no row
//!   that is taken end the attempt.
//! - **A report.** Every outcome stands in one list in the object store, few of them inline, refused rows in the
//!   quarantine, all of them counted ([`contracts::bulk::Written`]).
//!
//! An activity stages once or applies once: its heartbeats tell of one batch.
//!
//! You get from [`stretch()`] the same for a list of any length: an activity writes batches of it for a minute, with a
//! pause between them and with one request for each where the system takes many rows, and tells how far it is. A run
//! that wants to pause cancels it: it ends behind the batch in hand and is not a failure.
//!
//! You have to know:
//!
//! - **The rate holds for one activity.** Several batches at the same time, of one run or of several, write at several
//!   times the rate; all slots of all workers are the most (`SUN_BULK_SLOTS`).
//! - **Each row is written at least once.** A worker that is cut off from Temporal, but not from the system it writes
//!   to, goes on until its own timer fires; meanwhile another worker has begun the next attempt. Both write the same
//!   values, so a write sets a value ("the price is 90") and never changes it by something ("10 less").
//! - **A batch has at most [`BATCH_MAX`] rows.** Its heartbeat grows by some 240 bytes with every 250 rows. A larger
//!   one is refused, by [`stage()`] before anybody is asked about it: stage fewer pages at once.
//! - **A folder belongs to one run** ([`store::run_folder`]), and objects lie directly in it: the store's clean-up
//!   takes the last folder before the objects for a run.
//!
//! - `walk.rs`: heartbeats, and going on where the attempt before ended;
//! - `patience.rs`: a system that asks to slow down;
//! - `pace.rs`: rows a second;
//! - `stage.rs`, `apply.rs`: the two parts;
//! - `target.rs`: how the system takes the rows that they are written to;
//! - `stretch.rs`, `stretched.rs`, `wave.rs`, `telling.rs`: the second part for lists of any length, which can be
//!   paused, how far it is, the batches that it writes at the same time, and what it tells of their rows;
//! - `alone.rs`: rows that are written one at a time;
//! - `begun.rs`: which rows a write was begun for, and when the next one may go;
//! - `ahead.rs`: rows that were answered before those before them;
//! - `parts.rs`: lists that are held part by part;
//! - `images.rs`: before-images in the object store;
//! - `doubt.rs`: one row that is not taken, or all of them;
//! - `largest.rs`: the largest changes of price, for a preview;
//! - `format.rs`: heartbeats of another version, which are not read;
//! - `trouble.rs`: the reasons why a part cannot go on, and whether trying again helps.
//!
//! Deliberately absent: what a row is (the user knows), retries (they are Temporal's, by policy), and a look
//! for one key twice across batches (no memory is large enough for it).

mod ahead;
mod alone;
mod apply;
mod begun;
mod doubt;
mod format;
mod images;
mod largest;
mod pace;
mod parts;
mod patience;
mod stage;
mod stretch;
mod stretched;
mod target;
mod telling;
mod trouble;
mod walk;
mod wave;

pub use ahead::Ahead;
pub use alone::{OneByOne, Sent};
pub use apply::{BATCH_MAX, Batch, Ended, apply};
pub use begun::{Begun, begun};
pub use format::Format;
pub(crate) use images::before;
pub(crate) use largest::Largest;
pub(crate) use parts::{PartsWriter, Rows, RowsReader, renamed};
pub use patience::{patiently, persistently};
pub use stage::{Checked, Compared, Page, Pages, Reading, StagedRows, Unfit, stage};
pub use stretch::{Stretch, stretch};
pub use stretched::{BatchCount, Stretched};
pub use target::{Answer, Each, Target, Together, Told};
pub use trouble::Trouble;
pub use walk::{Walk, breathe};
