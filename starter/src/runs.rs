//! The third floor: runs of any process, as Temporal has them. Beside `cli`, of which it knows nothing.
//!
//! - `connect`: the connection to Temporal;
//! - `subject`, `run`: which run is meant; what Temporal and the run itself say of it;
//! - `start`: from a checked input to a run;
//! - `progress`: waiting for a run's end, and what is told meanwhile: `changes` (what is written into its history),
//!   `follow` (to its end, whatever happens to the server), `watcher` (what its steps do);
//! - `people`, `steps`, `outcome`: what waits for a person, the step table, how it ended, in words and as documents;
//! - `questions`: what runs ask people, from the list alone;
//! - `task`: a run that cannot go on, because its workflow task fails;
//! - `update`, `answer`: something said to a run, and what came of it; a person's answer.

pub(crate) mod answer;
pub(crate) mod changes;
pub(crate) mod connect;
pub(crate) mod follow;
pub(crate) mod outcome;
pub(crate) mod people;
pub(crate) mod progress;
pub(crate) mod questions;
pub(crate) mod run;
pub(crate) mod start;
pub(crate) mod steps;
pub(crate) mod subject;
pub(crate) mod task;
pub(crate) mod update;
pub(crate) mod watcher;
