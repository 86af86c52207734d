//! Groups, from a list of runs.

use crate::processes::{ERP, ORDER, Process};

use super::*;

fn listed(number: i64, process: &'static Process, asked: &[&str]) -> Asking {
    Asking {
        subject: Subject {
            workflow_id: format!("{}{number:04}", process.id_prefix),
            run_id: format!("run-{number}"),
            process: Some(process),
        },
        started_at: Timestamp::from_second(1_000 + number).ok(),
        asked: asked.iter().map(|asked| (*asked).to_owned()).collect(),
    }
}

#[test]
fn a_thousand_runs_are_grouped_by_step_and_cause_the_oldest_first() {
    let runs: Vec<Asking> = (0..1_000)
        .map(|number| match number % 4 {
            0 => listed(number, &ERP, &["validate-data: limits"]),
            1 => listed(number, &ORDER, &["confirm-inventory: no_answer", "process-payment: no_answer"]),
            _ => listed(number, &ORDER, &["process-payment: no_answer"]),
        })
        .collect();
    let questions = Questions::of(&runs);
    let told: Vec<_> = questions
        .groups
        .iter()
        .map(|group| (group.step.as_str(), group.runs, group.example.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("validate-data", 250, "erp/0000"),
            ("confirm-inventory", 250, "order/0001"),
            ("process-payment", 750, "order/0001"),
        ]
    );
    assert_eq!((questions.runs, questions.unnamed.len()), (1_000, 0));
    assert_eq!(questions.groups[2].look, "starter show order/0001");
    let retry = "starter answer --all --step process-payment --cause no_answer --action retry --reason '…'";
    assert_eq!(questions.groups[2].answer_all, [retry]);
    // A decision cannot be tried again.
    let decided = questions.groups[0].answer_all.join("\n");
    assert!(decided.contains("--action approve") && decided.contains("--action reject"), "{decided}");
}

#[test]
fn a_run_of_which_the_list_does_not_say_what_it_asks_is_named() {
    let runs = [listed(1, &ORDER, &[]), listed(2, &ORDER, &["odd"]), listed(3, &ORDER, &["a: b", "odd"])];
    let questions = Questions::of(&runs);
    assert_eq!(questions.unnamed, ["order/0001", "order/0002", "order/0003"]);
    assert_eq!((questions.runs, questions.groups.len()), (3, 1));
}

#[test]
fn runs_are_chosen_by_step_and_cause() {
    let run = listed(1, &ORDER, &["process-payment: refused", "confirm-inventory: no_answer"]);
    assert!(run.is_about("process-payment", None) && run.is_about("process-payment", Some("refused")));
    assert!(!run.is_about("process-payment", Some("no_answer")) && !run.is_about("process", None));
}
