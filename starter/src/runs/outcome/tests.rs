//! Every way a run can end, its exit code and its document.

use serde_json::{Value, json};
use temporalio_common::data_converters::{
    DefaultFailureConverter, FailureConverter, PayloadConverter, SerializationContextData,
};
use temporalio_common::protos::temporal::api::common::v1::{Payload, Payloads};
use temporalio_common::protos::temporal::api::failure::v1::failure::FailureInfo;
use temporalio_common::protos::temporal::api::failure::v1::{
    ActivityFailureInfo, ApplicationFailureInfo, Failure,
};

use super::{End, stuck_document};
use crate::processes::{ERP, ORDER};
use crate::runs::subject::Subject;
use crate::terminal::exit::Exit;
use crate::terminal::output::Paint;

fn subject() -> Subject {
    Subject { workflow_id: "order/ORDER-001".into(), run_id: "run-1".into(), process: Some(&ORDER) }
}

fn report() -> Value {
    json!({
        "steps": [
            { "step": "reserve-inventory", "status": "undone" },
            { "step": "process-payment", "status": "failed", "detail": "payment declined: card_declined" },
        ],
        "undone": [
            { "step": "reserve-inventory", "outcome": "undone" },
            { "step": "update-order", "outcome": "undone" },
        ],
    })
}

fn failed(kind: &str, details: Option<Value>) -> End {
    End::Failed {
        kind: kind.to_owned(),
        message: "Workflow step 'process-payment' failed: payment declined: card_declined".to_owned(),
        details,
    }
}

fn completed(success: bool, outcome: &str) -> End {
    End::Completed(
        json!({ "success": success, "order_id": "ORDER-001", "outcome": outcome, "report": report() }),
    )
}

#[test]
fn each_end_has_the_promised_exit_code() {
    let exit = |end: End| end.exit(&subject());
    assert_eq!(exit(completed(true, "completed")), Exit::Ok);
    for outcome in ["expired", "cancelled"] {
        assert_eq!(exit(completed(false, outcome)), Exit::Undone, "{outcome}");
    }
    for kind in ["OutOfStock", "PaymentDeclined", "ShippingFailed"] {
        assert_eq!(exit(failed(kind, Some(report()))), Exit::Undone, "{kind}");
    }
    for kind in ["OrderInvalid", "StepFailed", ""] {
        assert_eq!(exit(failed(kind, None)), Exit::Failed, "{kind:?}");
    }
    assert_eq!(exit(End::Canceled { details: Some(report()) }), Exit::Undone);
    assert_eq!(exit(End::Terminated { reason: None }), Exit::Failed);
    assert_eq!(exit(End::TimedOut), Exit::Failed);
}

#[test]
fn a_completed_run_is_what_the_workflow_returned_and_two_keys_more() {
    let End::Completed(result) = completed(true, "completed") else { unreachable!("made as completed") };
    let mut document = End::Completed(result.clone()).document(&subject());
    assert_eq!(document["workflow_status"], "COMPLETED");
    assert_eq!(document["run_id"], "run-1");
    let object = document.as_object_mut().expect("an object");
    object.remove("workflow_status");
    object.remove("run_id");
    assert_eq!(document, result);
}

#[test]
fn a_failed_run_says_which_step_and_what_was_undone() {
    let document = failed("PaymentDeclined", Some(report())).document(&subject());
    let expected = json!({
        "success": false,
        "order_id": "ORDER-001",
        "workflow_id": "order/ORDER-001",
        "run_id": "run-1",
        "workflow_status": "FAILED",
        "outcome": "failed",
        "error": {
            "type": "PaymentDeclined",
            "message": "Workflow step 'process-payment' failed: payment declined: card_declined",
        },
        "report": report(),
    });
    assert_eq!(document, expected);
}

#[test]
fn an_invalid_order_lists_its_problems() {
    let problems = json!([{ "field": "currency", "problem": "is missing", "fix": "add it" }]);
    let end = failed("OrderInvalid", Some(problems.clone()));
    assert_eq!(end.document(&subject())["problems"], problems);
    let expected = "order ORDER-001 failed (OrderInvalid): the input was wrong, and no step was begun\n  \
                    currency is missing\n    fix: add it\n";
    assert_eq!(end.text(&subject(), Paint::plain()), expected);
}

#[test]
fn ends_without_a_say_warn_that_nothing_was_undone() {
    let end = End::Terminated { reason: Some("stuck since Monday".to_owned()) };
    let document = end.document(&subject());
    assert_eq!(document["workflow_status"], "TERMINATED");
    assert_eq!(document["error"], json!({ "type": "Terminated", "message": "stuck since Monday" }));
    assert!(end.text(&subject(), Paint::plain()).contains("nothing was undone"));
    assert_eq!(End::TimedOut.document(&subject())["workflow_status"], "TIMED_OUT");
}

#[test]
fn words_for_people_name_outcome_reason_and_steps() {
    let end = End::Completed(json!({
        "success": true, "order_id": "ORDER-001", "payment_id": "pay_1", "tracking_number": "VN1",
        "estimated_delivery": null, "execution_time": 1250, "outcome": "completed", "report": report(),
    }));
    let text = end.text(&subject(), Paint::plain());
    assert!(text.starts_with("order ORDER-001 completed\n"), "{text}");
    for expected in
        ["execution time   1.2 s", "payment id       pay_1", "tracking number  VN1", "reserve-inventory"]
    {
        assert!(text.contains(expected), "{expected:?} is missing in\n{text}");
    }
    let text = failed("PaymentDeclined", Some(report())).text(&subject(), Paint::plain());
    assert!(
        text.starts_with("order ORDER-001 failed (PaymentDeclined): Workflow step 'process-payment'"),
        "{text}"
    );
    assert!(text.contains("undone: reserve-inventory, update-order"), "{text}");
}

#[test]
fn a_dry_run_says_so_and_a_real_one_says_nothing_of_it() {
    let text = |dry_run: bool| {
        let end = End::Completed(json!({ "success": true, "sync_id": "erp/a/b", "dry_run": dry_run }));
        end.text(&subject(), Paint::plain())
    };
    assert!(text(true).contains("dry run  true\n"), "{}", text(true));
    assert!(
        text(false).contains("sync id  erp/a/b\n") && !text(false).contains("dry run"),
        "{}",
        text(false)
    );
}

#[test]
fn a_stuck_run_is_open_and_names_the_steps() {
    let document = stuck_document(&subject(), &["process-payment".to_owned()], None);
    assert_eq!(document["workflow_status"], "RUNNING");
    assert_eq!(document["needs_human"], json!(["process-payment"]));
    assert_eq!(document["success"], false);
}

#[test]
fn the_workflows_own_words_are_found_under_what_wraps_them() {
    let details = Payload {
        metadata: [("encoding".to_owned(), b"json/plain".to_vec())].into(),
        data: report().to_string().into_bytes(),
        ..Default::default()
    };
    let said = Failure {
        message: "payment declined".to_owned(),
        failure_info: Some(FailureInfo::ApplicationFailureInfo(ApplicationFailureInfo {
            r#type: "PaymentDeclined".to_owned(),
            details: Some(Payloads { payloads: vec![details] }),
            ..Default::default()
        })),
        ..Default::default()
    };
    let wrapped = Failure {
        message: "Activity task failed".to_owned(),
        cause: Some(Box::new(said)),
        failure_info: Some(FailureInfo::ActivityFailureInfo(ActivityFailureInfo::default())),
        ..Default::default()
    };
    let decoded = DefaultFailureConverter::new(false)
        .to_error(wrapped, &PayloadConverter::default(), &SerializationContextData::None)
        .expect("a failure that can be read");
    let End::Failed { kind, message, details } = End::failed(&decoded) else {
        unreachable!("made as failed")
    };
    assert_eq!((kind.as_str(), message.as_str()), ("PaymentDeclined", "payment declined"));
    assert_eq!(details, Some(report()));
}

#[test]
fn a_result_that_cannot_be_read_is_a_failure_and_says_why() {
    let sync = Subject { workflow_id: "erp/erp-001".into(), run_id: "run-1".into(), process: Some(&ERP) };
    let end = End::Completed(json!({ "success": true, "outcome": "completed", "report": { "rows": 1 } }));
    assert_eq!(end.exit(&sync), Exit::Failed);
    let document = end.document(&sync);
    assert_eq!(document["error"]["type"], json!("ResultUnreadable"), "{document}");
    let text = end.text(&sync, Paint::plain());
    assert!(text.contains("the result cannot be read"), "{text}");
    assert_eq!(completed(true, "completed").document(&subject()).get("error"), None);
}
