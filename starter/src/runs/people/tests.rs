//! Questions as a person reads them.

use serde_json::{Value, json};

use super::*;
use crate::processes::{ERP, ORDER};

fn subject() -> Subject {
    Subject { workflow_id: "order/ORDER-001".into(), run_id: "run-1".into(), process: Some(&ORDER) }
}

fn progress(questions: &Value) -> Progress {
    let progress = json!({
        "workflow_id": "order/ORDER-001", "workflow_type": "OrderProcessing", "start_time": null, "status": "running", "steps_completed": 0, "steps_total": 0,
        "progress_percentage": 0, "steps": [], "questions": questions,
    });
    serde_json::from_value(progress).expect("what a run says of itself")
}

#[test]
fn a_stuck_undo_is_told_with_its_facts_and_what_each_answer_does() {
    let question = json!({
        "id": "process-payment",
        "about": { "kind": "undo", "step": "process-payment" },
        "cause": "no_answer",
        "reason": "HTTP 500",
        "since": "2026-11-30T03:00:00Z",
        "facts": [{ "name": "payment_id", "value": "pay_1" }],
        "answers": [
            { "action": "retry", "effect": "tried again now: the money goes back" },
            { "action": "leave", "effect": "nothing is sent: the shop keeps the money" },
        ],
        "hands_off": true,
    });
    let words = asked_words(&subject(), Some(&progress(&json!([question])))).join("\n");
    for expected in [
        "order ORDER-001 needs a person\n",
        "process-payment (its undo; no_answer): HTTP 500\n",
        "since: 2026-11-30T03:00:00Z\n",
        "payment_id: pay_1\n",
        "somebody does it by hand: nothing is tried at the moment\n",
        "retry: tried again now: the money goes back\n",
        "leave: nothing is sent: the shop keeps the money\n",
        "answer: starter answer order/ORDER-001 process-payment --action retry --reason '…'",
    ] {
        assert!(words.contains(expected), "{expected:?} is missing in {words}");
    }
    assert!(!words.contains("can be answered until"), "{words}");
}

#[test]
fn a_decision_is_told_with_its_deadline_and_both_answers() {
    let workflow_id = "erp/erp-001-2026-11-23T03:00:00Z".to_owned();
    let subject = Subject { workflow_id, run_id: "run-1".into(), process: Some(&ERP) };
    let question = json!({
        "id": "validate-data",
        "about": { "kind": "decision", "step": "validate-data" },
        "cause": "limits",
        "reason": "1 price would be zero (limit 0)",
        "deadline": "2026-11-24T03:00:00Z",
        "answers": [
            { "action": "approve", "effect": "everything that was read is written" },
            { "action": "reject", "effect": "nothing is written" },
        ],
    });
    let words = asked_words(&subject, Some(&progress(&json!([question])))).join("\n");
    for expected in [
        "validate-data (how to go on; limits): 1 price would be zero (limit 0)",
        "can be answered until: 2026-11-24T03:00:00Z",
        "reject: nothing is written",
        "starter answer erp/erp-001-2026-11-23T03:00:00Z validate-data --action approve --reason '…'",
    ] {
        assert!(words.contains(expected), "{expected:?} is missing in {words}");
    }
    assert!(!words.contains("undo"), "{words}");
}

#[test]
fn a_run_that_asks_is_told_even_when_no_worker_can_say_what() {
    let words = asked_words(&subject(), None).join("\n");
    assert!(words.contains("no worker answers"), "{words}");
    assert!(words.contains("starter order status ORDER-001"), "{words}");
    let words = asked_words(&subject(), Some(&progress(&json!([])))).join("\n");
    assert!(words.contains("does not say for what"), "{words}");
}
