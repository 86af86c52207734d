use std::error::Error;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::json;

use super::*;

type TestResult = Result<(), Box<dyn Error>>;

const STEPS: &[StepSpec] = &[
    StepSpec::compensable("hold", "hold the stock"),
    StepSpec::compensable("pay", "charge the customer"),
    StepSpec::pivot("ship", "buy the label"),
    StepSpec::retriable("tell", "tell the customer"),
];

/// A report whose steps stand like this.
fn report(statuses: [StepStatus; 4]) -> Report {
    let mut report = Report::of(STEPS);
    for (step, status) in report.steps.iter_mut().zip(statuses) {
        step.status = status;
    }
    report
}

#[test]
fn a_report_begins_with_every_step_pending_in_order() {
    let report = Report::of(STEPS);
    let steps: Vec<_> = report.steps.iter().map(|step| (step.step.as_str(), step.status)).collect();
    assert_eq!(steps, ["hold", "pay", "ship", "tell"].map(|name| (name, StepStatus::Pending)));
    assert_eq!((report.completed(), report.current()), (0, None));
    assert_eq!(report.step("pay").map(|step| step.step.as_str()), Some("pay"));
    assert_eq!(report.step("refund"), None);
}

#[test]
fn only_what_is_completed_or_skipped_counts_as_done() {
    let all = [
        (StepStatus::Pending, false),
        (StepStatus::Running, false),
        (StepStatus::Waiting, false),
        (StepStatus::Asking, false),
        (StepStatus::Completed, true),
        (StepStatus::Skipped, true),
        (StepStatus::Failed, false),
        (StepStatus::Stopped, false),
        (StepStatus::Undone, false),
        (StepStatus::UndoStuck, false),
        (StepStatus::Resolved, false),
        (StepStatus::LeftStanding, false),
    ];
    for (status, is_done) in all {
        assert_eq!(report([status; 4]).completed(), if is_done { 4 } else { 0 }, "{}", status.name());
    }
    use StepStatus::{Completed, Failed, Skipped, Undone};
    assert_eq!(report([Undone, Completed, Failed, Skipped]).completed(), 2);
}

#[test]
fn the_current_step_is_the_last_one_that_runs_waits_or_is_stuck() {
    use StepStatus::{Completed, Pending, Running, Skipped, UndoStuck, Undone, Waiting};
    let current = |statuses| report(statuses).current().map(|step| step.step.clone());
    assert_eq!(current([Completed, Waiting, Pending, Pending]).as_deref(), Some("pay"));
    assert_eq!(current([Completed, Completed, Running, Pending]).as_deref(), Some("ship"));
    assert_eq!(current([Running, Running, Pending, Pending]).as_deref(), Some("pay"));
    assert_eq!(current([UndoStuck, Undone, Undone, Pending]).as_deref(), Some("hold"));
    assert_eq!(current([Completed, Skipped, Completed, Completed]), None);
}

#[test]
fn the_table_has_a_line_per_step() {
    use StepStatus::{Completed, Pending, UndoStuck};
    let mut report = report([Completed, UndoStuck, Pending, Pending]);
    report.steps[1].detail = Some("the provider does not answer".to_owned());
    let table = "\
        | step | status | began | took | |\n\
        |---|---|---|---|---|\n\
        | hold | completed |  |  |  |\n\
        | pay | undo stuck |  |  | the provider does not answer |\n\
        | ship | pending |  |  |  |\n\
        | tell | pending |  |  |  |\n";
    assert_eq!(report.markdown(), table);
}

#[test]
fn a_report_is_short_where_there_is_nothing_to_say() -> TestResult {
    let short = json!({ "steps": [{ "step": "hold", "status": "pending" }] });
    assert_eq!(serde_json::to_value(Report::of(&STEPS[..1]))?, short);
    assert_eq!(serde_json::from_value::<Report>(short)?, Report::of(&STEPS[..1]));
    Ok(())
}

#[test]
fn a_full_report_keeps_its_json() -> TestResult {
    let at = timestamp(Some(UNIX_EPOCH + Duration::from_millis(1_500)));
    let message = PartReport {
        part: "email".to_owned(),
        status: StepStatus::Failed,
        detail: Some("refused".to_owned()),
    };
    let full = Report {
        steps: vec![StepReport {
            step: "tell".to_owned(),
            status: StepStatus::UndoStuck,
            started_at: at,
            ended_at: at,
            detail: Some("1 of 2".to_owned()),
            parts: vec![message],
            facts: vec![Fact { name: "payment_status".to_owned(), value: "refunded".to_owned() }],
        }],
        undone: vec![UndoRecord { step: "pay".to_owned(), outcome: UndoOutcome::Undone, reason: None }],
        left_standing: vec![UndoRecord {
            step: "hold".to_owned(),
            outcome: UndoOutcome::Left,
            reason: Some("sold".to_owned()),
        }],
        notes: vec!["came too late to cancel: changed my mind".to_owned()],
    };
    let golden = json!({
        "steps": [{
            "step": "tell",
            "status": "undo_stuck",
            "started_at": "1970-01-01T00:00:01.5Z",
            "ended_at": "1970-01-01T00:00:01.5Z",
            "detail": "1 of 2",
            "parts": [{ "part": "email", "status": "failed", "detail": "refused" }],
            "facts": [{ "name": "payment_status", "value": "refunded" }]
        }],
        "undone": [{ "step": "pay", "outcome": "undone" }],
        "left_standing": [{ "step": "hold", "outcome": "left", "reason": "sold" }],
        "notes": ["came too late to cancel: changed my mind"]
    });
    assert_eq!(full.left_standing[0].to_string(), "hold (left standing: sold)");
    assert_eq!(full.undone[0].to_string(), "pay");
    assert_eq!(serde_json::to_value(&full)?, golden);
    assert_eq!(serde_json::from_value::<Report>(golden)?, full);
    Ok(())
}

#[test]
fn progress_has_the_fields_of_the_seeds_monitor() -> TestResult {
    let at = timestamp(Some(UNIX_EPOCH));
    let progress = Progress {
        workflow_id: "order/ORDER-001".to_owned(),
        workflow_type: "OrderProcessing".to_owned(),
        status: "failed".to_owned(),
        start_time: at,
        end_time: at,
        duration: Some(0),
        steps_completed: 2,
        steps_total: 8,
        progress_percentage: 25,
        error_message: Some("card_declined".to_owned()),
        current_step: None,
        outcome: Some("failed".to_owned()),
        needs_human: Vec::new(),
        questions: Vec::new(),
        steps: Vec::new(),
    };
    let golden = json!({
        "workflow_id": "order/ORDER-001",
        "workflow_type": "OrderProcessing",
        "status": "failed",
        "start_time": "1970-01-01T00:00:00Z",
        "end_time": "1970-01-01T00:00:00Z",
        "duration": 0,
        "steps_completed": 2,
        "steps_total": 8,
        "progress_percentage": 25,
        "error_message": "card_declined",
        "outcome": "failed",
        "steps": []
    });
    assert_eq!(serde_json::to_value(&progress)?, golden);
    assert_eq!(serde_json::from_value::<Progress>(golden)?, progress);
    Ok(())
}

#[test]
fn a_time_that_cannot_be_written_is_left_out() {
    assert_eq!(timestamp(None), None);
    let beyond = UNIX_EPOCH.checked_add(Duration::from_secs(1 << 60));
    assert_eq!(timestamp(beyond), None);
}
