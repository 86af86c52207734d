//! Comparisons that several matrices make.

use std::fmt::Debug;

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;
use workflows::report::{Report, StepStatus};
use workflows::saga::CancelAccepted;

/// Whether something is as wanted.
pub fn is<A: PartialEq<B> + Debug, B: Debug>(what: &str, found: &A, wanted: &B) -> anyhow::Result<()> {
    ensure!(found == wanted, "{what}: {found:?}, not {wanted:?}");
    Ok(())
}

/// Whether figures of the shop's audit are as wanted.
pub fn figures<'n>(totals: &Value, wanted: impl IntoIterator<Item = (&'n str, i64)>) -> anyhow::Result<()> {
    wanted.into_iter().try_for_each(|(figure, wanted)| is(figure, &totals[figure], &wanted))
}

/// Whether a report tells of a refusal: something was undone, or the step, or a part of it, has this status.
pub fn tells(report: &Report, step: &str, status: StepStatus) -> anyhow::Result<()> {
    let step = report.step(step).context("the report lacks the step")?;
    let mut said = step.parts.iter().map(|part| part.status).chain([step.status]);
    ensure!(!report.undone.is_empty() || said.any(|said| said == status), "the refusal is hidden: {step:?}");
    Ok(())
}

/// Whether a cancel was accepted with the steps that it will undo. If there are none, it was refused in such words.
pub fn cancel_is_answered(
    answer: Result<CancelAccepted, String>,
    will_undo: &[&str],
    refusal: &str,
) -> anyhow::Result<()> {
    match answer {
        Ok(accepted) if !will_undo.is_empty() => {
            is("it says that it will undo", &accepted.will_undo, &will_undo)
        }
        Err(refused) if will_undo.is_empty() && refused.contains(refusal) => Ok(()),
        answer => bail!("the cancel was answered with {answer:?}"),
    }
}
