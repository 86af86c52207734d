//! The promise of each named policy, with the figures a worker has by default.

use temporalio_workflow::ActivityCancellationType::{TryCancel, WaitCancellationCompleted};

use super::*;

const MINUTE: u64 = 60;

fn regular(policy: Policy) -> ActivityOptions {
    policy.regular("words".to_owned(), Token::new())
}

fn patience(options: &ActivityOptions) -> Option<(Duration, Duration)> {
    match options.close_timeouts {
        ActivityCloseTimeouts::ScheduleAndStartToClose { schedule_to_close, start_to_close } => {
            Some((schedule_to_close, start_to_close))
        }
        _ => None,
    }
}

#[test]
fn the_patience_of_every_policy_is_what_its_figure_says() {
    for (name, policy, minutes) in [
        ("bookkeeping", bookkeeping(), 10),
        ("stock", stock(), 10),
        ("money", money(), 15),
        ("carrier", carrier(), 30),
        ("aftermath", aftermath(), 24 * 60),
        ("tell_shop", tell_shop(), 60),
        ("notice", notice(), 6 * 60),
        ("look_up", look_up(), 15),
        ("undo", undo(), 15),
    ] {
        let expected = (Duration::from_secs(minutes * MINUTE), Duration::from_secs(35));
        assert_eq!(patience(&regular(policy)), Some(expected), "{name}");
    }
}

#[test]
fn stock_money_and_carrier_are_never_abandoned_once_asked() {
    for (name, policy, on_stop) in [
        ("stock", stock(), WaitCancellationCompleted),
        ("money", money(), WaitCancellationCompleted),
        ("carrier", carrier(), WaitCancellationCompleted),
        ("undo", undo(), WaitCancellationCompleted),
        ("bookkeeping", bookkeeping(), TryCancel),
        ("aftermath", aftermath(), TryCancel),
        ("notice", notice(), TryCancel),
        ("look_up", look_up(), TryCancel),
    ] {
        assert_eq!(regular(policy).cancellation_type, on_stop, "{name}");
    }
}

#[test]
fn only_what_may_happen_twice_runs_local_first() {
    let local = [bookkeeping(), aftermath(), notice()];
    assert!(local.iter().all(|policy| policy.is_local_first()));
    let regular = [stock(), money(), carrier(), look_up(), undo()];
    assert!(!regular.iter().any(|policy| policy.is_local_first()));
}

#[test]
fn retries_back_off_up_to_a_minute_and_are_not_counted() {
    for policy in [bookkeeping(), stock(), money(), carrier(), aftermath(), notice(), look_up(), undo()] {
        let options = regular(policy);
        assert_eq!(options.heartbeat_timeout, Some(Duration::from_secs(10)));
        assert_eq!(options.summary.as_deref(), Some("words"));
        let retry = options.retry_policy.unwrap_or_default();
        assert_eq!(retry.initial_interval(), Duration::from_secs(1));
        assert_eq!(retry.maximum_interval(), Some(Duration::from_secs(60)));
        assert_eq!(retry.maximum_attempts(), 0);
        assert!(retry.non_retryable_error_types().is_empty(), "the adapters decide what is final");
    }
}

/// A refund that came back would come back again, and somebody may be doing by hand what was refused.
#[test]
fn a_refusal_is_final_as_soon_as_a_person_is_asked() {
    for policy in [undo().while_asking(), undo().when_told()] {
        let retry = regular(policy).retry_policy.unwrap_or_default();
        assert_eq!(retry.non_retryable_error_types(), [failure::REFUSED]);
    }
}

/// Somebody waits for what comes of it.
#[test]
fn a_try_that_a_person_asked_for_takes_a_minute() {
    assert_eq!(patience(&regular(undo().when_told())).map(|(all, _)| all), Some(Duration::from_secs(60)));
    let rows = erp().when_told();
    assert_eq!(patience(&regular(rows)).map(|(all, _)| all), Some(Duration::from_secs(30 * 60)));
}

#[test]
fn attempts_are_limited_on_the_way_forward_only() {
    let limited = Policy { attempts_max: 3, ..money() };
    assert_eq!(regular(limited).retry_policy.map(|retry| retry.maximum_attempts()), Some(3));
    assert_eq!([aftermath(), notice(), look_up(), undo()].map(|policy| policy.attempts_max), [0; 4]);
}

#[test]
fn an_attempt_is_never_longer_than_the_patience() {
    let short = Policy { patience: Duration::from_secs(3), ..undo() };
    assert_eq!(patience(&regular(short)), Some((Duration::from_secs(3), Duration::from_secs(3))));
}

#[test]
fn a_local_try_is_two_quick_attempts() {
    let options = bookkeeping().local("words".to_owned(), Token::new());
    assert_eq!(options.start_to_close_timeout, Some(Duration::from_secs(1)));
    assert_eq!(options.schedule_to_close_timeout, Some(Duration::from_secs(2)));
    assert_eq!(options.retry_policy.maximum_attempts(), 2);
    assert_eq!(options.retry_policy.initial_interval(), Duration::from_millis(200));
    assert_eq!(options.summary.as_deref(), Some("words"));
}

#[test]
fn the_first_figures_installed_are_the_ones_that_count() {
    install(Figures::default());
    install(Figures { heartbeat: Duration::from_secs(99), ..Figures::default() });
    assert_eq!(regular(undo()).heartbeat_timeout, Some(Duration::from_secs(10)));
}

#[test]
fn a_cancelled_token_reaches_both_kinds_of_activity() {
    let token = Token::new();
    let regular = money().regular("words".to_owned(), token.clone());
    let local = bookkeeping().local("words".to_owned(), token.clone());
    token.cancel_with_reason("changed my mind");
    for reached in [regular.cancellation_token, local.cancellation_token] {
        assert!(reached.is_some_and(|token| token.is_cancelled()));
    }
}

#[test]
fn a_message_is_tried_locally_once_and_bookkeeping_twice() {
    for (name, policy, attempts) in
        [("notice", notice(), 1), ("bookkeeping", bookkeeping(), 2), ("aftermath", aftermath(), 2)]
    {
        let options = policy.local("words".to_owned(), Token::new());
        assert_eq!(options.retry_policy.maximum_attempts(), attempts, "{name}");
    }
}

#[test]
fn what_a_person_is_asked_about_is_tried_on_slowly_and_without_end() {
    for policy in [undo(), aftermath()] {
        let options = regular(policy.while_asking());
        let attempt = Duration::from_secs(35);
        assert!(
            matches!(&options.close_timeouts, ActivityCloseTimeouts::StartToClose(limit) if *limit == attempt)
        );
        let retry = options.retry_policy.expect("it is retried");
        assert_eq!(retry.initial_interval(), Duration::from_secs(5 * MINUTE));
        assert_eq!(retry.maximum_interval(), Some(Duration::from_secs(60 * MINUTE)));
        assert_eq!((retry.maximum_attempts(), retry.backoff_coefficient()), (0, 2.0));
        // Its outcome is awaited when the person answers, and nothing of it runs where nobody looks.
        assert_eq!(options.cancellation_type, WaitCancellationCompleted);
        assert!(!policy.while_asking().is_local_first());
    }
}

/// A refund's next key: by then what came of the one before shows. Between two keys there is time for a provider that
/// is away, and a provider that repeats itself without saying so is left behind after some hours.
#[test]
fn a_round_is_some_tries_under_one_key_and_the_next_one_begins_a_minute_later_or_more() {
    let minutes = |n: u64| Duration::from_secs(n * MINUTE);
    let waits = [1, 2, 3, 6, 7, 40, u32::MAX].map(before_round);
    assert_eq!(waits, [1, 2, 4, 32, 60, 60, 60].map(minutes));
    let options = regular(undo().while_asking().for_a_round());
    assert!(matches!(options.close_timeouts, ActivityCloseTimeouts::StartToClose(_)));
    assert_eq!(options.retry_policy.map(|retry| retry.maximum_attempts()), Some(6));
}
