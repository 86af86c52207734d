//! Several things that a step does side by side: where each stands, and where that leaves the step.

use crate::report::{PartReport, StepStatus};

/// Notes where a part stands.
pub(super) fn set(parts: &mut Vec<PartReport>, part: &str, status: StepStatus, detail: Option<&str>) {
    let detail = detail.map(str::to_owned);
    match parts.iter_mut().find(|known| known.part == part) {
        Some(known) => (known.status, known.detail) = (status, detail),
        None => parts.push(PartReport { part: part.to_owned(), status, detail }),
    }
}

/// A step of several parts runs until the last one ended; then the part decides that a person should see first.
pub(super) fn status_of(parts: &[PartReport]) -> StepStatus {
    let any = |status| parts.iter().any(|part| part.status == status);
    let telling = [
        StepStatus::Running,
        StepStatus::Asking,
        StepStatus::UndoStuck,
        StepStatus::LeftStanding,
        StepStatus::Resolved,
        StepStatus::Undone,
        StepStatus::Failed,
        StepStatus::Stopped,
    ];
    telling.into_iter().find(|status| any(*status)).unwrap_or(StepStatus::Completed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_of_parts_stands_as_its_worst_part_once_all_have_ended() {
        use StepStatus::{Completed, Failed, Resolved, Running, Skipped, UndoStuck, Undone};
        let part = |status| PartReport { part: "email".to_owned(), status, detail: None };
        for (parts, whole) in [
            (&[Running, Failed, Completed][..], Running),
            (&[Completed, Failed], Failed),
            (&[Completed, Completed], Completed),
            (&[Completed, Skipped], Completed),
            (&[Undone, UndoStuck, Failed], UndoStuck),
            (&[Undone, Resolved], Resolved),
            (&[Failed, Undone], Undone),
        ] {
            let parts: Vec<_> = parts.iter().copied().map(part).collect();
            assert_eq!(status_of(&parts), whole, "{parts:?}");
        }
    }
}
