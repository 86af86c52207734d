//! The open questions of runs to people, from Temporal's list alone: no run is asked.

use std::collections::{BTreeMap, BTreeSet};

use futures::TryStreamExt as _;
use jiff::Timestamp;
use serde::Serialize;
use temporalio_client::{WorkflowExecution, WorkflowListOptions};
use workflows::order_processing::AMOUNT_CAUSES;
use workflows::saga::Action;
use workflows::search_attributes::{NEEDS_HUMAN, QUESTION};

use super::connect::Session;
use super::subject::Subject;
use crate::processes;
use crate::terminal::exit::{Exit, Failure};
use crate::terminal::program::{command, word};

/// A run that asks, as the list has it.
pub(crate) struct Asking {
    pub(crate) subject: Subject,
    started_at: Option<Timestamp>,
    /// Its open questions: `step: cause` each.
    asked: Vec<String>,
}

/// A question that several runs ask.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Group {
    pub(crate) step: String,
    pub(crate) cause: String,
    pub(crate) runs: usize,
    /// The names of their processes.
    pub(crate) processes: BTreeSet<&'static str>,
    /// When the oldest of the runs started.
    pub(crate) oldest_started_at: Option<Timestamp>,
    /// The oldest run.
    pub(crate) example: String,
    /// The command that looks at it.
    pub(crate) look: String,
    /// The commands that answer all of them.
    pub(crate) answer_all: Vec<String>,
}

/// The runs that ask.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Questions {
    /// How many runs ask.
    pub(crate) runs: usize,
    /// The questions by step and cause, the oldest first.
    pub(crate) groups: Vec<Group>,
    /// The runs of which the list does not say what they ask about: look at each.
    pub(crate) unnamed: Vec<String>,
}

/// Lists the runs of every process that wait for a person, the oldest first.
///
/// # Errors
/// When Temporal cannot list them.
pub(crate) async fn asking(session: &Session) -> Result<Vec<Asking>, Failure> {
    let filter = filter();
    let listing = session.client.list_workflows(&filter, WorkflowListOptions::default());
    let found: Vec<WorkflowExecution> = listing.try_collect().await.map_err(|error| {
        let failure = Failure::from(error).during(format!("cannot list with the filter {filter}"));
        // The filter is right: an attribute that it names may not be there yet.
        match failure.exit {
            Exit::Usage => failure.with_exit(Exit::Failed).fix(format!(
                "'{}' says which search attributes are missing; a worker registers them at its start",
                command!("doctor")
            )),
            _ => failure,
        }
    })?;
    let mut asking: Vec<Asking> = found.iter().map(Asking::of).collect();
    asking.sort_by(|a, b| a.age().cmp(&b.age()));
    Ok(asking)
}

fn filter() -> String {
    let types: Vec<_> = processes::ALL.iter().map(|process| format!("'{}'", process.workflow_type)).collect();
    // A run that was ended by force while it waited keeps the attribute, and nobody can answer it.
    let needs_human = format!("{} = true AND ExecutionStatus = 'Running'", NEEDS_HUMAN.name());
    format!("WorkflowType IN ({}) AND {needs_human}", types.join(", "))
}

impl Asking {
    fn of(run: &WorkflowExecution) -> Self {
        Self {
            subject: Subject {
                workflow_id: run.id().to_owned(),
                run_id: run.run_id().to_owned(),
                process: processes::of_type(run.workflow_type()),
            },
            started_at: run.start_time().and_then(|time| Timestamp::try_from(time).ok()),
            asked: run.search_attributes().get(&QUESTION).unwrap_or_default(),
        }
    }

    fn age(&self) -> (Option<Timestamp>, &str) {
        (self.started_at, &self.subject.workflow_id)
    }

    /// Step and cause of each of its questions that the list can tell.
    pub(crate) fn matters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.asked.iter().filter_map(|asked| asked.split_once(": "))
    }

    /// Whether it asks about a step, for a cause if one is named.
    pub(crate) fn is_about(&self, step: &str, cause: Option<&str>) -> bool {
        self.matters().any(|(of, why)| of == step && cause.is_none_or(|cause| cause == why))
    }

    fn is_named(&self) -> bool {
        self.matters().count() == self.asked.len() && !self.asked.is_empty()
    }
}

impl Questions {
    /// Groups what is asked by step and cause. The runs are the oldest first, and so are the groups.
    pub(crate) fn of(asking: &[Asking]) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        let mut places: BTreeMap<(String, String), usize> = BTreeMap::new();
        for run in asking {
            for (step, cause) in run.matters() {
                let place = *places.entry((step.to_owned(), cause.to_owned())).or_insert_with(|| {
                    groups.push(Group::begun(&run.subject, run.started_at, step, cause));
                    groups.len() - 1
                });
                groups[place].runs += 1;
                groups[place].processes.extend(run.subject.process.map(|process| process.name));
            }
        }
        let unnamed = asking.iter().filter(|run| !run.is_named());
        Self {
            runs: asking.len(),
            groups,
            unnamed: unnamed.map(|run| run.subject.workflow_id.clone()).collect(),
        }
    }
}

impl Group {
    /// A group without a run yet; its oldest is this one.
    pub(crate) fn begun(oldest: &Subject, started_at: Option<Timestamp>, step: &str, cause: &str) -> Self {
        let workflow_id = &oldest.workflow_id;
        let decides = oldest.process.is_some_and(|process| process.decides_at.contains(&step))
            || AMOUNT_CAUSES.contains(&cause);
        let actions = if decides { &[Action::Approve, Action::Reject][..] } else { &[Action::Retry] };
        Self {
            step: step.to_owned(),
            cause: cause.to_owned(),
            runs: 0,
            processes: BTreeSet::new(),
            oldest_started_at: started_at,
            example: workflow_id.clone(),
            look: command!("show {}", word(workflow_id)),
            answer_all: actions.iter().map(|action| answer_all(step, cause, *action)).collect(),
        }
    }
}

fn answer_all(step: &str, cause: &str, action: Action) -> String {
    let (step, cause) = (word(step), word(cause));
    command!("answer --all --step {step} --cause {cause} --action {} --reason '…'", action.name())
}

#[cfg(test)]
mod tests;
