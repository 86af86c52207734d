//! Comparisons that several matrices make.

use std::fmt::Debug;

use anyhow::{Context as _, bail, ensure};
use workflows::report::{Report, StepStatus};
use workflows::saga::CancelAccepted;

/// Whether something is as wanted.
pub fn is<A: PartialEq<B> + Debug, B: Debug>(what: &str, found: &A, wanted: &B) -> anyhow::Result<()> {
    ensure!(found == wanted, "{what}: {found:?}, not {wanted:?}");
    Ok(())
}

/// Whether a report tells of a refusal: something was undone, or the step, or a part of it, has this status.
pub fn tells(report: &Report, step: &str, status: StepStatus) -> anyhow::Result<()> {
    let step = report.step(step).context("the report lacks the step")?;
    let mut said = step.parts.iter().map(|part| part.status).chain([step.status]);
    ensure!(!report.undone.is_empty() || said.any(|said| said == status), "the refusal is hidden: {step:?}");
    Ok(())
}

/// Whether a cancel was accepted with the steps that it will undo, or refused in words that include these.
pub fn cancel_is_answered(
    answer: Result<CancelAccepted, String>,
    wanted: Result<&[&str], &str>,
) -> anyhow::Result<()> {
    match (answer, wanted) {
        (Ok(accepted), Ok(steps)) => is("it says that it will undo", &accepted.will_undo, &steps),
        (Err(refusal), Err(words)) if refusal.contains(words) => Ok(()),
        (answer, _) => bail!("the cancel was answered with {answer:?}"),
    }
}
