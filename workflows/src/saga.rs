//! The frame that makes a process safe: a step and its undo in one statement.
//!
//! ```text
//! saga.step("process-payment", Payments::charge, charge, policy::money())
//!     .or_look_up(Payments::find, find)      // no answer? ask the provider before believing anything
//!     .undo_by(Payments::reverse, reverse)   // registered before the charge is sent, keyed by our key
//!     .await?
//! ```
//!
//! The rules, each of which costs money when it is broken:
//! 1. A [`Step`] is not a future: it cannot be awaited until its undo is declared, by `.undo_by(…)`,
//!    `.nothing_to_undo("why")` or, after the pivot, `.or_report()` or `.or_ask()`. Leaving it unused does not compile.
//! 2. The undo is registered before the step runs: a timeout does not say whether the effect happened.
//! 3. One forward token per process. Temporal's cancel, the business's cancel and the expiry timer all cancel it;
//!    undos, look-ups and waits for a person use tokens of their own that nobody cancels.
//! 4. No `select!` around steps, and side by side only by `join!`, `join_all` or [`Saga::both`]: a started step is
//!    never dropped.
//! 5. At the pivot the undos are forgotten and the forward token is replaced by one that nobody cancels.
//! 6. A run ends in one place, [`Saga::end`]. Where it goes back, the undos (`saga/unwind.rs`) run newest first and
//!    keep going past a failed one (but a pivot that cannot be taken back); a person is asked about what stuck
//!    (`saga/people.rs`), and why the run ended stays its first word (`saga/ending.rs`).
//! 7. Every process takes the update `answer`: [`Process`] requires [`Face`], which provides it.
//!
//! A stop never cuts off a step that moves goods or money; reads and bookkeeping are let go
//! ([`crate::policy::OnStop`]).
//!
//! - `process`: what a process file says about its process, and the macro that writes how Temporal reaches it;
//! - `run`: one run, its beginning and its marks;
//! - `step`: its steps; `both`: two of them side by side; `effect`: steps that are not activities;
//! - `aside`: what is told beside the story, best effort;
//! - `waiting`: waits of the forward path; `decision`: waits for a person's decision;
//! - `people`, `asking`: questions, answers, and what is tried meanwhile; `updates`: the bodies of the updates;
//! - `tries`: how an effect is tried while somebody is asked; `rounds`: when it is sent under another key;
//! - `unwind`: the way back; `ending`: how a run closes; `failure`: what an activity's failure says;
//! - `state`: the saga's part of the workflow's state; `parts`: of a step; `scribe`: what writes it down.

mod aside;
mod asking;
mod both;
mod decision;
mod effect;
mod ending;
mod failure;
mod parts;
mod people;
mod process;
mod rounds;
mod run;
mod scribe;
mod state;
mod step;
mod tries;
mod unwind;
mod updates;
mod waiting;

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use temporalio_common::ActivityDefinition;
use temporalio_workflow::WorkflowCancellationToken as Token;

pub use aside::Aside;
pub use asking::{Heed, Settled};
pub use decision::{Asked, Decision, Word};
pub(crate) use ending::invalid_input;
pub use ending::{Ended, Ending, Halt, Outcome, Refusal, UndoAll, WayBack};
pub use people::{Action, Answer, AnswerOutcome, Answered, Choice, Fact, Question, Subject, SubjectKind};
pub use process::{About, Face, Process, misnamed, named_exactly, named_with_slot};
pub use run::Saga;
pub use state::{SagaState, Stop, StoppedBy};
pub use step::Step;
pub use unwind::Back;
pub use updates::{
    CancelAccepted, CancelRequest, UpdateError, check_answer, check_stop, request_stop, take_answer,
};

type LocalFuture<T> = Pin<Box<dyn Future<Output = T>>>;

/// One activity definition for several calls.
struct Shared<A>(Rc<A>);

impl<A: ActivityDefinition> ActivityDefinition for Shared<A> {
    type Input = A::Input;
    type Output = A::Output;
    fn name(&self) -> &str {
        self.0.name()
    }
}
