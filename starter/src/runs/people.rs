//! What waits for a person, and the commands that answer.

use workflows::report::{StepReport, StepStatus};

use super::subject::Subject;

/// What a process asks before it goes on, and the commands that answer.
fn question_words(subject: &Subject, steps: &[StepReport]) -> [String; 3] {
    let waiting = steps.iter().find(|line| line.status == StepStatus::Waiting);
    let why = waiting.and_then(|line| line.detail.as_deref()).unwrap_or("no reason known");
    [
        format!("{} needs a person, and has done nothing yet: {why}", subject.title()),
        format!("  answer: {} --reason \"…\"", subject.command("approve")),
        format!("      or: {} --reason \"…\"", subject.command("reject")),
    ]
}

/// What is stuck, and the command that answers.
pub(crate) fn stuck_words(subject: &Subject, stuck: &[String], steps: &[StepReport]) -> Vec<String> {
    if stuck.is_empty() {
        let status = subject.command("status");
        return vec![format!(
            "{} needs a person, and no worker answers to say for which step; once one runs: {status}",
            subject.title()
        )];
    }
    let is_step =
        |name: &&String| steps.iter().any(|line| name.split('/').next() == Some(line.step.as_str()));
    let (undos, questions): (Vec<&String>, Vec<&String>) = stuck.iter().partition(is_step);
    let mut lines = Vec::new();
    if !questions.is_empty() {
        lines.extend(question_words(subject, steps));
    }
    if !undos.is_empty() {
        lines.push(format!(
            "{} needs a person: an undo kept failing until its patience was used up",
            subject.title()
        ));
    }
    for step in undos {
        let why = steps.iter().find(|line| line.step == *step).and_then(|line| line.detail.as_deref());
        lines.push(format!("  {step}: {}", why.unwrap_or("no reason known")));
        let command = subject.command("resolve-undo");
        lines.push(format!(
            "    answer: {command} --step {step} --action retry|mark_done|skip --reason \"…\"\n    \
             (retry: undo it again; mark_done: somebody did it by hand; skip: leave the effect standing)"
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::processes::{ERP, ORDER};

    fn subject() -> Subject {
        Subject { workflow_id: "order/ORDER-001".into(), run_id: "run-1".into(), process: Some(&ORDER) }
    }

    #[test]
    fn a_stuck_undo_is_named_with_its_reason_and_the_command_that_answers() {
        let pay = StepReport {
            step: "process-payment".to_owned(),
            status: StepStatus::UndoStuck,
            started_at: None,
            ended_at: None,
            detail: Some("HTTP 500".to_owned()),
            parts: Vec::new(),
        };
        let words = stuck_words(&subject(), &["process-payment".to_owned()], &[pay]).join("\n");
        for expected in [
            "order ORDER-001 needs a person",
            "process-payment: HTTP 500",
            "starter order resolve-undo ORDER-001 --step process-payment --action retry|mark_done|skip --reason",
        ] {
            assert!(words.contains(expected), "{expected:?} is missing in {words}");
        }
    }

    #[test]
    fn a_question_is_told_with_its_reason_and_both_answers() {
        let workflow_id = "erp/erp-001-2026-11-23T03:00:00Z".to_owned();
        let subject = Subject { workflow_id, run_id: "run-1".into(), process: Some(&ERP) };
        let validate = StepReport {
            step: "validate-data".to_owned(),
            status: StepStatus::Waiting,
            started_at: None,
            ended_at: None,
            detail: Some("1 price would be zero (limit 0)".to_owned()),
            parts: Vec::new(),
        };
        let words = stuck_words(&subject, &["approve or reject".to_owned()], &[validate]).join("\n");
        for expected in [
            "has done nothing yet: 1 price would be zero (limit 0)",
            "starter erp approve erp-001-2026-11-23T03:00:00Z --reason",
            "starter erp reject erp-001-2026-11-23T03:00:00Z --reason",
        ] {
            assert!(words.contains(expected), "{expected:?} is missing in {words}");
        }
        assert!(!words.contains("undo"), "{words}");
    }

    #[test]
    fn a_stuck_undo_is_told_even_when_no_worker_can_name_it() {
        let words = stuck_words(&subject(), &[], &[]).join("\n");
        assert!(words.contains("no worker answers"), "{words}");
        assert!(words.contains("starter order status ORDER-001"), "{words}");
    }
}
