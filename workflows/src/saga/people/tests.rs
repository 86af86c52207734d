use super::*;

fn question(step: &str, part: Option<&str>, cause: &str) -> Question {
    let choice = |action| Choice { action, effect: "does it".to_owned() };
    Question {
        id: String::new(),
        about: Subject { kind: SubjectKind::Undo, step: step.to_owned(), part: part.map(str::to_owned) },
        cause: cause.to_owned(),
        reason: "the provider is away".to_owned(),
        since: None,
        deadline: None,
        facts: Vec::new(),
        answers: vec![choice(Action::Retry), choice(Action::Leave)],
        hands_off: false,
    }
}

fn answer(question: &str, action: Action) -> Answer {
    Answer::new(question, action, "looked at")
}

fn outcome(people: &People, ticket: u64) -> Option<AnswerOutcome> {
    people.outcome(ticket).map(|answered| answered.outcome)
}

#[test]
fn an_id_names_the_step_and_is_never_given_twice() {
    let mut people = People::default();
    assert_eq!(people.ask(question("pay", None, "no_answer")), "pay");
    assert_eq!(people.ask(question("welcome", Some("coupon"), "no_answer")), "welcome/coupon");
    people.close("pay", "it went through");
    assert_eq!(people.ask(question("pay", None, "refused")), "pay.2");
}

#[test]
fn a_question_is_found_by_its_step_where_that_names_one() {
    let mut people = People::default();
    people.ask(question("welcome", Some("coupon"), "no_answer"));
    assert_eq!(people.find("welcome").map(|q| q.id.as_str()), Ok("welcome/coupon"));
    people.ask(question("welcome", Some("series"), "no_answer"));
    let several = people.find("welcome").expect_err("two are about it");
    assert!(several.contains("welcome/coupon, welcome/series"), "{several}");
    let unknown = people.find("pay").expect_err("nobody asked");
    assert!(unknown.contains("open: welcome/coupon, welcome/series"), "{unknown}");
    let nothing = People::default();
    assert!(nothing.find("pay").expect_err("nobody asked").contains("no question is open"));
}

/// Two parts of a step stuck. A word to the step that was meant for the first one must not land on the second.
#[test]
fn a_step_names_no_question_once_one_about_it_was_closed() {
    let mut people = People::default();
    people.ask(question("welcome", Some("series"), "no_answer"));
    let skip = answer("welcome", Action::Leave);
    assert_eq!(people.check(&skip), Ok(()));
    people.ask(question("welcome", Some("coupon"), "no_answer"));
    people.close("welcome/series", "left: looked at");
    let refused = people.check(&skip).expect_err("which one?");
    assert!(refused.contains("was answered") && refused.ends_with("welcome/coupon"), "{refused}");
    assert_eq!(people.check(&answer("welcome/coupon", Action::Leave)), Ok(()));
}

#[test]
fn an_answer_to_what_was_seen_is_refused_where_somebody_was_quicker() {
    let mut people = People::default();
    let id = people.ask(question("pay", None, "no_answer"));
    let retry = Answer::to(&people.open()[0], Action::Retry, "it is back");
    assert_eq!(people.check(&retry), Ok(()));
    people.question_mut(&id).expect("open").hands_off = true;
    let refused = people.check(&retry).expect_err("somebody does it by hand");
    assert!(refused.contains("look at it again"), "{refused}");
    assert_eq!(people.check(&answer("pay", Action::Retry)), Ok(()), "whoever says nothing of what was seen");
}

#[test]
fn an_answer_that_cannot_be_taken_says_what_can() {
    let mut people = People::default();
    people.ask(question("pay", None, "no_answer"));
    assert_eq!(people.check(&answer("pay", Action::Retry)), Ok(()));
    let refused = people.check(&answer("pay", Action::Approve)).expect_err("not taken");
    assert_eq!(refused, "'pay' cannot be answered with approve; it takes: retry, leave");
    for reason in ["", " \n", &"x".repeat(REASON_MAX + 1)] {
        let empty = Answer { reason: reason.to_owned(), ..answer("pay", Action::Retry) };
        assert!(people.check(&empty).expect_err("no reason").starts_with("reason must have 1 to 500"));
    }
}

#[test]
fn of_two_answers_in_one_moment_the_first_counts_and_the_second_is_told() {
    let mut people = People::default();
    let id = people.ask(question("pay", None, "no_answer"));
    let (first, second) =
        (people.take(answer("pay", Action::Leave)), people.take(answer("pay", Action::Retry)));
    let (ticket, taken) = people.next_answer(&id).expect("the first");
    assert_eq!((ticket, taken.action), (first, Action::Leave));
    people.reply(ticket, &id, AnswerOutcome::Left, None);
    people.close(&id, "left: looked at");
    assert_eq!(outcome(&people, first), Some(AnswerOutcome::Left));
    assert_eq!(outcome(&people, second), Some(AnswerOutcome::AlreadyAnswered));
    assert_eq!(people.outcome(second).and_then(|a| a.detail.as_deref()), Some("left: looked at"));
    // A third, after the question was closed.
    let third = people.take(answer("pay", Action::Retry));
    assert_eq!(outcome(&people, third), Some(AnswerOutcome::AlreadyAnswered));
}

#[test]
fn an_answer_reaches_no_later_question_about_the_same_step() {
    let mut people = People::default();
    let first = people.ask(question("pay", None, "no_answer"));
    let late = people.take(answer(&first, Action::Leave));
    people.close(&first, "it went through");
    let second = people.ask(question("pay", None, "decided_before"));
    assert!(!people.has_answer(&second));
    assert_eq!(outcome(&people, late), Some(AnswerOutcome::AlreadyAnswered));
}

/// Somebody answers a question that is closed by now, or the same one twice, and another one is open about the same
/// step.
#[test]
fn the_name_of_an_answered_question_never_means_the_next_one() {
    let mut people = People::default();
    let first = people.ask(question("pay", None, "no_answer"));
    people.close(&first, "done by hand");
    let second = people.ask(question("pay", None, "decided_before"));
    assert_eq!(second, "pay.2");
    let late = people.check(&answer("pay", Action::Retry)).expect_err("it is about the first one");
    assert_eq!(late, "'pay' was answered, or has settled itself; open now: pay.2");
    let ticket = people.take(answer("pay", Action::Retry));
    assert_eq!(outcome(&people, ticket), Some(AnswerOutcome::AlreadyAnswered));
    assert!(!people.has_answer(&second));
    assert_eq!(people.check(&answer("pay.2", Action::Retry)), Ok(()));
}

#[test]
fn an_answer_to_an_earlier_run_of_the_same_name_is_refused() {
    let mut people = People::default();
    let since = Timestamp::constant(1_000, 0);
    people.ask(Question { since: Some(since), ..question("pay", None, "limits") });
    let of = |since| Answer { since, ..answer("pay", Action::Retry) };
    assert_eq!(people.check(&of(Some(since))), Ok(()));
    let earlier = people.check(&of(Some(Timestamp::constant(900, 0)))).expect_err("another question");
    assert!(earlier.contains("asked anew"), "{earlier}");
}

/// A reason goes into the report, and a report that is too large could never be written.
#[test]
fn a_reason_is_kept_without_the_blanks_around_it() {
    let mut people = People::default();
    let id = people.ask(question("pay", None, "no_answer"));
    let reason = format!("{}why{}", " ".repeat(100_000), "\n".repeat(100_000));
    people.take(Answer { reason, ..answer("pay", Action::Leave) });
    assert_eq!(people.next_answer(&id).map(|(_, answer)| answer.reason).as_deref(), Some("why"));
}

#[test]
fn the_search_hears_of_changes_only_and_groups_by_step_and_cause() {
    let mut people = People::default();
    assert_eq!(people.news(), None);
    people.ask(question("pay", None, "no_answer"));
    assert_eq!(people.news(), Some(vec!["pay: no_answer".to_owned()]));
    assert_eq!(people.news(), None);
    people.ask(question("pay", Some("second"), "no_answer"));
    assert_eq!(people.news(), None);
    people.ask(question("hold", None, "refused"));
    assert_eq!(people.news(), Some(vec!["hold: refused".to_owned(), "pay: no_answer".to_owned()]));
    for id in ["pay", "pay/second", "hold"] {
        people.close(id, "answered");
    }
    assert_eq!(people.news(), Some(Vec::new()));
}

#[test]
fn the_web_ui_shows_facts_and_json_that_can_be_sent_as_it_is() {
    let mut people = People::default();
    people.note("pay", "payment_id", "pay_1".to_owned());
    people.note("pay", "amount", "1 VND".to_owned());
    people.note("pay", "amount", "2 VND".to_owned());
    people.note("hold", "lines", "3".to_owned());
    people.ask(Question { reason: "a|b\n<c>".to_owned(), ..question("pay", None, "refused") });
    let shown = people.markdown(10_000);
    assert!(shown.contains("the undo of `pay`** (`refused`): a b  c>\n"), "{shown}");
    assert!(shown.contains("- payment_id: pay_1\n- amount: 2 VND\n"), "{shown}");
    assert!(!shown.contains("lines"), "{shown}");
    assert!(shown.contains("| `retry` | does it |\n| `leave` | does it |\n"), "{shown}");
    let json = shown.rsplit_once("Update `answer`: `").and_then(|(_, json)| json.strip_suffix('`'));
    let sent: Answer = serde_json::from_str(json.expect("at the end")).expect("an answer");
    assert_eq!(people.check(&sent), Ok(()));
}

#[test]
fn questions_that_do_not_fit_are_named() {
    let mut people = People::default();
    for n in 0..40 {
        people.ask(Question { reason: "x".repeat(300), ..question(&format!("step-{n}"), None, "refused") });
    }
    let shown = people.markdown(10_000);
    assert!(shown.len() <= 11_100, "{}", shown.len());
    assert!(shown.contains("`step-0`") && shown.contains(" more questions**: "), "{shown}");
    assert!(shown.ends_with("step-39"), "{shown}");
}
