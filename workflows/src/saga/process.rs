//! The traits and the macro that make a workflow a process: its name, its steps, its input, and how it can be reached.

use jiff::Timestamp;
use temporalio_common::UpdateDefinition;
use temporalio_common::search_attributes::SearchAttributeKey;

use super::people::{Answer, Answered};
use super::state::SagaState;
use crate::input::{Checked, Problem};
use crate::report::StepSpec;

/// A workflow that runs as a saga: what its process file says about it.
pub trait Process: Face {
    /// The workflow type.
    const NAME: &'static str;
    /// The failure type of a run whose input is wrong: `OrderInvalid`.
    const INVALID: &'static str;
    /// The steps, in order.
    const STEPS: &'static [StepSpec];
    /// Steps of the way back only, such as telling the shop: not in the step table, but a person may be asked.
    const UNDO_STEPS: &'static [StepSpec] = &[];
    /// The input of a start.
    type Input: Checked;

    /// Checks that a run carries its own name, and says what it is about.
    ///
    /// # Errors
    /// When another name belongs to this input.
    fn named(workflow_id: &str, input: &Self::Input) -> Result<About, Problem>;
}

/// How Temporal reaches a process. Written by [`crate::face!`], so that every process can be asked how it is doing and
/// can be answered.
pub trait Face: Sized + 'static {
    /// The saga's part of the workflow's state.
    fn saga(&self) -> &SagaState;
    /// The same, to change it.
    fn saga_mut(&mut self) -> &mut SagaState;
    /// The update by which people answer: a process without one could ask and would wait for ever.
    fn answer_update() -> impl UpdateDefinition<Input = Answer, Output = Answered>;
}

/// The subject of a run: the search attribute that names it, with its value. `None` for a run about nothing outside.
pub type About = Option<(SearchAttributeKey<String>, String)>;

/// A run must be named `own`: another name could be another run's beside it, with the same effects.
///
/// # Errors
/// When it is named otherwise.
pub fn named_exactly(workflow_id: &str, own: &str) -> Result<(), Problem> {
    if workflow_id == own { Ok(()) } else { Err(misnamed(format!("is not {own}"))) }
}

/// As [`named_exactly`], for a process that schedules start: they add the time of the slot (`-2026-01-31T12:00:00Z`).
///
/// # Errors
/// When it is named otherwise. An ending that is not a time could be part of another run's name.
pub fn named_with_slot(workflow_id: &str, own: &str) -> Result<(), Problem> {
    let is_slot =
        |ending: &str| ending.strip_prefix('-').is_some_and(|time| time.parse::<Timestamp>().is_ok());
    if workflow_id.strip_prefix(own).is_some_and(|ending| ending.is_empty() || is_slot(ending)) {
        return Ok(());
    }
    Err(misnamed(format!("is not {own}, alone or with a time behind it")))
}

/// A run that carries another name than its input says. The name itself is not repeated: it may be anything.
#[must_use]
pub fn misnamed(problem: impl Into<String>) -> Problem {
    Problem::new("(workflow id)", problem, "start the run with the starter, or give it that name")
}

/// Writes the part of a process that Temporal calls: its `run` and what is its own are given, and what every process
/// has in the same words is added: the update `answer`, the queries `progress` and `report`. The visibility before
/// `impl` is theirs.
///
/// ```text
/// face! {
///     pub impl OrderProcessing {
///         #[run(name = "OrderProcessing")]
///         pub async fn run(ctx: &mut WorkflowContext<Self>, input: Unchecked<OrderData>) -> … { … }
///     }
/// }
/// ```
#[macro_export]
macro_rules! face {
    ($vis:vis impl $process:ident { $($own:tt)* }) => {
        #[::temporalio_workflow::workflow_methods]
        impl $process {
            $($own)*

            /// A person answers an open question of this run.
            #[update]
            $vis async fn answer(
                ctx: &mut ::temporalio_workflow::WorkflowContext<Self>,
                answer: $crate::saga::Answer,
            ) -> Result<$crate::saga::Answered, Box<dyn ::std::error::Error + Send + Sync>> {
                $crate::saga::take_answer(ctx, answer).await
            }

            #[update_validator(answer)]
            fn check_answer(
                &self,
                _ctx: &::temporalio_workflow::WorkflowContextView,
                answer: &$crate::saga::Answer,
            ) -> Result<(), Box<dyn ::std::error::Error + Send + Sync>> {
                $crate::saga::check_answer(self, answer)
            }

            /// How far the run is.
            #[query]
            $vis fn progress(
                &self,
                ctx: &::temporalio_workflow::WorkflowContextView,
            ) -> $crate::report::Progress {
                self.saga.progress(ctx)
            }

            /// Every step with its outcome so far.
            #[query]
            $vis fn report(
                &self,
                _ctx: &::temporalio_workflow::WorkflowContextView,
            ) -> $crate::report::Report {
                self.saga.report()
            }
        }

        impl $crate::saga::Face for $process {
            fn saga(&self) -> &$crate::saga::SagaState {
                &self.saga
            }
            fn saga_mut(&mut self) -> &mut $crate::saga::SagaState {
                &mut self.saga
            }
            fn answer_update()
            -> impl ::temporalio_workflow::common::UpdateDefinition<
                Input = $crate::saga::Answer,
                Output = $crate::saga::Answered,
            > {
                Self::answer
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_runs_own_alone_or_with_the_time_of_a_slot() {
        for own in ["erp/x", "erp/x-2026-01-31T12:00:00Z", "erp/x-2026-01-31T12:00:00+07:00"] {
            assert_eq!(named_with_slot(own, "erp/x"), Ok(()), "{own}");
        }
        // Another integration's, a dry run's, a copy.
        for other in ["erp/x-shop", "erp/x-1", "erp/x/dry-run", "erp/x-", "erp/xy", "erp/", "x", ""] {
            let problem = named_with_slot(other, "erp/x").expect_err(other);
            assert_eq!(problem.problem, "is not erp/x, alone or with a time behind it", "{other}");
        }
        assert_eq!(named_exactly("order/1", "order/1"), Ok(()));
        assert!(named_exactly("order/1 ", "order/1").is_err());
    }
}
