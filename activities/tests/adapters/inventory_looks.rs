//! Answers of the stock system that do not name what was asked for, attempts after a lost answer, and undos: the list
//! of the order's holds decides.

use std::time::Duration;

use activities::inventory::{InventoryActivities, Lines};
use contracts::failure::{NEW_WORD, OUTCOME_UNKNOWN, REFUSED, SETTING};
use contracts::inventory::{Confirmation, Hold, Inventory, Reservation};
use contracts::values::VariantId;
use serde_json::{Value, json};

use crate::TestResult;
use crate::inventory::{asked, confirm, release, two_lines};
use crate::peer::{Answer, Peer, answer};
use crate::samples::{LAPTOP, LIMITED};
use crate::temporal::{Attempt, FIRST, Failed, RESET, SECOND, Temporal};

const SECOND_LOOK: Duration = Duration::from_secs(20);
/// An attempt that looks the second time.
pub(crate) const LATER: Attempt = Attempt { scheduled: SECOND_LOOK, ..SECOND };
/// The answer of a system that has no list of holds.
pub(crate) const NO_LIST: &str = "<html>404 Not Found</html>";

pub(crate) fn of(data: Value) -> Answer {
    answer(200, "", &json!({ "success": true, "data": data }).to_string())
}

pub(crate) fn raw(body: &str) -> Answer {
    answer(200, "", body)
}

pub(crate) fn refused(code: &str) -> Answer {
    answer(409, "", &json!({ "error": { "code": code } }).to_string())
}

/// The list of the order's holds: id, variant, quantity, state.
pub(crate) fn listed(holds: &[(&str, &str, u32, &str)]) -> Answer {
    let hold = |(id, variant, quantity, status): &(&str, &str, u32, &str)| {
        json!({ "id": id, "reference_id": "ORDER-001", "variant_id": variant, "quantity": quantity,
            "status": status })
    };
    of(json!({ "reservations": holds.iter().map(hold).collect::<Vec<_>>() }))
}

/// Both lines of the order, in one state.
pub(crate) fn both(status: &str) -> Answer {
    listed(&[("r1", LAPTOP, 2, status), ("r2", LIMITED, 1, status)])
}

fn holds(ids: [Option<&str>; 2]) -> TestResult<Vec<Hold>> {
    let hold = |(variant, id): (&str, Option<&str>)| {
        TestResult::Ok(Hold { variant_id: VariantId::new(variant)?, reservation_id: id.map(str::to_owned) })
    };
    [LAPTOP, LIMITED].into_iter().zip(ids).map(hold).collect()
}

pub(crate) async fn at(peer: &Peer, lines: Lines) -> TestResult<Temporal> {
    Temporal::with(InventoryActivities::new(peer.api()?, lines, SECOND_LOOK)).await
}

/// The requests that were received, each by its line and key.
pub(crate) fn sent(peer: &Peer) -> Vec<String> {
    let line = |line: &str| line.replace("/api/v1/inventory/", "");
    let key = |key: Option<&str>| key.map(|key| key.replace("order/ORDER-001/", " ")).unwrap_or_default();
    peer.received().iter().map(|r| format!("{}{}", line(&r.line), key(r.header("idempotency-key")))).collect()
}

pub(crate) fn is_unknown<T: std::fmt::Debug>(
    outcome: Result<T, Failed>,
    words: &str,
    about: &str,
) -> TestResult {
    let failed = outcome.err().ok_or_else(|| format!("believed: {about}"))?;
    assert_eq!((failed.kind.as_str(), failed.is_final), (OUTCOME_UNKNOWN, false), "{about}: {failed:?}");
    assert!(failed.message.contains(words), "{about}: {}", failed.message);
    Ok(())
}

pub(crate) const LOOK: &str = "GET reservations?reference_id=ORDER-001";

#[tokio::test]
async fn an_answer_that_does_not_name_what_was_asked_for_is_not_believed() -> TestResult {
    let hold = |variant: &str, quantity: u32, status: &str| json!({ "variant_id": variant, "reservation_id": "r", "quantity": quantity, "status": status });
    for data in [
        json!({}),
        json!({ "reservations": [] }),
        json!({ "reservations": [hold(LAPTOP, 2, "held")] }),
        json!({ "reservations": [hold(LAPTOP, 2, "held"), hold(LIMITED, 9, "held")] }),
        json!({ "reservations": [hold(LAPTOP, 2, "held"), hold(LIMITED, 1, "released")] }),
        json!({ "reservation_id": "r1" , "variant_id": LAPTOP }),
    ] {
        let about = data.to_string();
        let peer = Peer::start([of(data.clone()), listed(&[])]).await?;
        let held =
            at(&peer, Lines::Batch).await?.run(Inventory::reserve, FIRST, &asked(two_lines(1)?)?).await?;
        is_unknown(held, "does not name a hold of each line", &about)?;
        let peer = Peer::start([of(data), both("held")]).await?;
        let sale = confirm(two_lines(1)?, Vec::new())?;
        let sold = at(&peer, Lines::Batch).await?.run(Inventory::confirm, FIRST, &sale).await?;
        is_unknown(sold, "does not name a sale of each line", &about)?;
    }
    for data in [json!({}), json!({ "released": 0 }), json!({ "reservation_id": "r1" })] {
        let about = data.to_string();
        let peer = Peer::start([both("held"), of(data.clone()), of(data.clone()), both("held")]).await?;
        let back =
            at(&peer, Lines::Batch).await?.run(Inventory::release, FIRST, &release(two_lines(1)?)?).await?;
        is_unknown(back, "does not name what it took back, and it is still there", &about)?;
        let peer = Peer::start([both("confirmed"), of(data), both("confirmed")]).await?;
        let back =
            at(&peer, Lines::Batch).await?.run(Inventory::restock, FIRST, &release(two_lines(1)?)?).await?;
        is_unknown(back, "does not name what it took back, and it is still there", &about)?;
    }
    Ok(())
}

/// The platform documents no more than its envelope: the effect is looked for, and believed where it cannot be.
#[tokio::test]
async fn an_answer_of_the_envelope_alone_is_looked_after() -> TestResult {
    let bare = Answer::Bytes("HTTP/1.1 204 Words\r\nconnection: close\r\n\r\n".to_owned());
    for silent in [raw(r#"{"success": true}"#), raw(r#"{"success": true, "data": null}"#), bare] {
        let (reserve, sale) = (asked(two_lines(1)?)?, confirm(two_lines(1)?, Vec::new())?);
        let back = release(two_lines(1)?)?;
        for (list, ids) in
            [(both("held"), [Some("r1"), Some("r2")]), (answer(404, "", NO_LIST), [None, None])]
        {
            let peer = Peer::start([silent.clone(), list]).await?;
            let held = at(&peer, Lines::Batch).await?.run(Inventory::reserve, FIRST, &reserve).await?;
            assert_eq!(held, Ok(Reservation::Held { holds: holds(ids)? }));
        }
        for list in [both("confirmed"), answer(404, "", NO_LIST)] {
            let peer = Peer::start([silent.clone(), list]).await?;
            let sold = at(&peer, Lines::Batch).await?.run(Inventory::confirm, FIRST, &sale).await?;
            assert_eq!(sold, Ok(Confirmation::Confirmed));
        }
        let peer = Peer::start([silent.clone(), listed(&[("r1", LAPTOP, 2, "held")])]).await?;
        let held = at(&peer, Lines::Batch).await?.run(Inventory::reserve, FIRST, &reserve).await?;
        is_unknown(held, "does not name a hold of each line", "one of two is listed")?;

        let peer = Peer::start([both("held"), silent.clone(), silent.clone(), both("released")]).await?;
        assert_eq!(at(&peer, Lines::Batch).await?.run(Inventory::release, FIRST, &back).await?, Ok(()));
        let peer = Peer::start([both("confirmed"), silent.clone(), both("restocked")]).await?;
        assert_eq!(at(&peer, Lines::Batch).await?.run(Inventory::restock, FIRST, &back).await?, Ok(()));
        let peer = Peer::start([answer(404, "", NO_LIST), silent]).await?;
        let temporal = at(&peer, Lines::Batch).await?;
        assert_eq!(temporal.run(Inventory::release, FIRST, &back).await?, Ok(()));
    }
    Ok(())
}

#[tokio::test]
async fn a_state_that_nobody_knows_is_named() -> TestResult {
    let frozen = json!({ "reservations": [
        { "variant_id": LAPTOP, "status": "held" }, { "variant_id": LIMITED, "status": "frozen" },
    ] });
    let reserve = asked(two_lines(1)?)?;
    for (attempt, answers) in [(FIRST, of(frozen)), (SECOND, listed(&[("r1", LAPTOP, 2, "frozen")]))] {
        let peer = Peer::start([answers]).await?;
        let held = at(&peer, Lines::Batch).await?.run(Inventory::reserve, attempt, &reserve).await?;
        let failed = held.err().ok_or("believed")?;
        assert_eq!((failed.kind.as_str(), failed.is_final), (NEW_WORD, false));
        assert!(failed.message.ends_with("a hold in a state that this version does not know: \"frozen\""));
    }
    let peer = Peer::start([both("frozen")]).await?;
    let back =
        at(&peer, Lines::Batch).await?.run(Inventory::release, FIRST, &release(two_lines(1)?)?).await?;
    assert_eq!(back.err().map(|failed| failed.kind).as_deref(), Some(NEW_WORD), "not nothing held");
    Ok(())
}

#[tokio::test]
async fn an_attempt_after_a_lost_answer_takes_what_is_there_and_asks_for_the_rest() -> TestResult {
    let reserve = asked(two_lines(1)?)?;
    for again in [SECOND, RESET] {
        let rest = json!({ "reservationId": "r2", "id": 17, "variantId": LIMITED, "quantity": 1 });
        let peer = Peer::start([listed(&[("r1", LAPTOP, 2, "held")]), of(rest)]).await?;
        let held = at(&peer, Lines::OneByOne).await?.run(Inventory::reserve, again, &reserve).await?;
        assert_eq!(held, Ok(Reservation::Held { holds: holds([Some("r1"), Some("r2")])? }));
        assert_eq!(sent(&peer), [LOOK.to_owned(), format!("POST reserve reserve-inventory/{LIMITED}")]);

        let peer = Peer::start([both("held")]).await?;
        let held = at(&peer, Lines::Batch).await?.run(Inventory::reserve, again, &reserve).await?;
        assert_eq!(held, Ok(Reservation::Held { holds: holds([Some("r1"), Some("r2")])? }));
        assert_eq!(sent(&peer), [LOOK]);
    }
    // A part of a line is not the line, and what has run out is not held.
    let peer = Peer::start([
        listed(&[("r1", LAPTOP, 1, "held"), ("r2", LIMITED, 1, "expired")]),
        of(json!({ "reservation_id": "r3" })),
    ])
    .await?;
    assert!(at(&peer, Lines::OneByOne).await?.run(Inventory::reserve, SECOND, &reserve).await?.is_ok());
    assert_eq!(sent(&peer).len(), 3);
    Ok(())
}

#[tokio::test]
async fn a_repeated_sale_leaves_out_what_is_sold() -> TestResult {
    let sale = confirm(two_lines(1)?, Vec::new())?;
    let part = listed(&[("r1", LAPTOP, 2, "confirmed"), ("r2", LIMITED, 1, "held")]);
    let sold =
        of(json!({ "reservation_id": "r2", "variant_id": LIMITED, "quantity": 1, "status": "confirmed" }));
    let peer = Peer::start([part, sold]).await?;
    let done = at(&peer, Lines::OneByOne).await?.run(Inventory::confirm, SECOND, &sale).await?;
    assert_eq!(done, Ok(Confirmation::Confirmed));
    assert_eq!(sent(&peer), [LOOK.to_owned(), format!("POST confirm confirm-inventory/{LIMITED}")]);
    let peer = Peer::start([both("confirmed")]).await?;
    let done = at(&peer, Lines::Batch).await?.run(Inventory::confirm, SECOND, &sale).await?;
    assert_eq!(done, Ok(Confirmation::Confirmed));
    assert_eq!(sent(&peer), [LOOK]);
    Ok(())
}

/// A shop that ignores keys and insists on one hold per order refuses its own hold.
#[tokio::test]
async fn a_hold_that_is_there_already_is_taken() -> TestResult {
    let reserve = asked(two_lines(1)?)?;
    let peer = Peer::start([refused("ALREADY_RESERVED"), both("held")]).await?;
    let held = at(&peer, Lines::Batch).await?.run(Inventory::reserve, FIRST, &reserve).await?;
    assert_eq!(held, Ok(Reservation::Held { holds: holds([Some("r1"), Some("r2")])? }));
    // One that was sold is another life of the order.
    for list in [both("confirmed"), listed(&[]), answer(404, "", NO_LIST)] {
        let peer = Peer::start([refused("ALREADY_RESERVED"), list]).await?;
        let held = at(&peer, Lines::Batch).await?.run(Inventory::reserve, FIRST, &reserve).await?;
        let failed = held.err().ok_or("held")?;
        assert_eq!((failed.kind.as_str(), failed.is_final), (REFUSED, true));
    }
    Ok(())
}

/// Where the refusal does not say which hold was lost, the list does; a sale whose answer was lost leaves no hold.
#[tokio::test]
async fn of_a_lost_hold_the_list_has_the_last_word() -> TestResult {
    let sale = confirm(two_lines(1)?, Vec::new())?;
    let lost = |variants: &[&str]| {
        let variants = variants.iter().map(|variant| (*variant).to_owned()).collect();
        Ok(Confirmation::HoldLost { variants, sold: Vec::new() })
    };
    let one = listed(&[("r1", LAPTOP, 2, "held"), ("r2", LIMITED, 1, "expired")]);
    for (list, wanted) in [
        (one, lost(&[LIMITED])),
        (both("confirmed"), Ok(Confirmation::Confirmed)),
        (listed(&[]), lost(&[LAPTOP, LIMITED])),
    ] {
        let peer = Peer::start([refused("RESERVATION_EXPIRED"), list]).await?;
        let done = at(&peer, Lines::Batch).await?.run(Inventory::confirm, FIRST, &sale).await?;
        assert_eq!(done, wanted);
    }
    Ok(())
}

#[tokio::test]
async fn a_release_sends_what_is_held_under_a_key_that_names_it() -> TestResult {
    let list =
        listed(&[("r1", LAPTOP, 1, "held"), ("r2", LIMITED, 1, "released"), ("r9", "OTHER", 4, "held")]);
    let peer = Peer::start([list, of(json!({ "released": 1 }))]).await?;
    let back =
        at(&peer, Lines::Batch).await?.run(Inventory::release, LATER, &release(two_lines(1)?)?).await?;
    assert_eq!(back, Ok(()));
    assert_eq!(sent(&peer), [LOOK, "POST release reserve-inventory/release/r1"]);
    let body: Value = serde_json::from_str(&peer.received()[1].body)?;
    assert_eq!(body, json!({ "variant_id": LAPTOP, "quantity": 1, "reference_id": "ORDER-001" }));
    Ok(())
}

#[tokio::test]
async fn a_restock_sends_what_was_sold_under_a_key_that_names_it() -> TestResult {
    let restocked = |variants: &[(&str, u32)]| {
        let line = |(variant, quantity): &(&str, u32)| json!({ "variant_id": variant, "quantity": quantity });
        of(json!({ "restocked": variants.iter().map(line).collect::<Vec<_>>() }))
    };
    let list = listed(&[("r1", LAPTOP, 2, "restocked"), ("r2", LIMITED, 1, "confirmed")]);
    let peer = Peer::start([list, restocked(&[(LIMITED, 1)])]).await?;
    let back =
        at(&peer, Lines::Batch).await?.run(Inventory::restock, LATER, &release(two_lines(1)?)?).await?;
    assert_eq!(back, Ok(()));
    assert_eq!(sent(&peer), [LOOK, "POST restock reserve-inventory/restock/r2"]);
    let body: Value = serde_json::from_str(&peer.received()[1].body)?;
    assert_eq!(body["items"], json!([{ "variant_id": LIMITED, "quantity": 1 }]));

    // Several holds are one request, whose key is theirs in whatever order they are listed.
    let swapped = listed(&[("r2", LIMITED, 1, "confirmed"), ("r1", LAPTOP, 2, "confirmed")]);
    let mut keys = Vec::new();
    for list in [both("confirmed"), swapped] {
        let peer = Peer::start([list, restocked(&[(LAPTOP, 2), (LIMITED, 1)])]).await?;
        let back =
            at(&peer, Lines::Batch).await?.run(Inventory::restock, FIRST, &release(two_lines(1)?)?).await?;
        assert_eq!(back, Ok(()));
        keys.push(sent(&peer).pop().ok_or("nothing was sent")?);
    }
    assert_eq!(keys[0], keys[1]);
    Ok(())
}

/// A provider that stores its 500s has ended that request, and the hold was found there since.
#[tokio::test]
async fn a_stored_error_does_not_keep_a_hold() -> TestResult {
    let stored = answer(500, "Idempotent-Replayed: true\r\n", "");
    let one = listed(&[("r1", LAPTOP, 2, "held"), ("r2", LIMITED, 1, "released")]);
    let peer = Peer::start([one, stored, of(json!({ "released": 2 }))]).await?;
    let back =
        at(&peer, Lines::Batch).await?.run(Inventory::release, LATER, &release(two_lines(1)?)?).await?;
    assert_eq!(back, Ok(()));
    assert_eq!(sent(&peer), [LOOK, "POST release reserve-inventory/release/r1", "POST release"]);
    Ok(())
}

#[tokio::test]
async fn where_holds_cannot_be_listed_everything_is_sent_again() -> TestResult {
    let own = r#"{"error": {"code": "RESOURCE_NOT_FOUND"}}"#;
    for missing in [
        answer(404, "", NO_LIST),
        answer(405, "", ""),
        answer(404, "", own),
        answer(400, "", r#"{"error": {"code": "VALIDATION_ERROR"}}"#),
    ] {
        let peer = Peer::start([missing.clone(), of(json!({ "reservation_id": "r1" }))]).await?;
        let temporal = at(&peer, Lines::OneByOne).await?;
        assert!(temporal.run(Inventory::reserve, SECOND, &asked(two_lines(1)?)?).await?.is_ok());
        assert_eq!(sent(&peer).len(), 3);
        let peer = Peer::start([missing.clone(), of(json!({ "released": 0 }))]).await?;
        let temporal = at(&peer, Lines::OneByOne).await?;
        assert_eq!(temporal.run(Inventory::release, LATER, &release(two_lines(1)?)?).await?, Ok(()));
        assert_eq!(sent(&peer), [LOOK, "POST release", "POST release"]);
        let peer = Peer::start([missing, of(json!({}))]).await?;
        let temporal = at(&peer, Lines::OneByOne).await?;
        let back = temporal.run(Inventory::release, FIRST, &release(two_lines(1)?)?).await?;
        is_unknown(back, "does not name what it released", "no list")?;
        let back = temporal.run(Inventory::restock, FIRST, &release(two_lines(1)?)?).await?;
        is_unknown(back, "another shape", "the list is there now, and is none")?;
    }
    // A token that may not list is a setting.
    let peer = Peer::start([answer(403, "", own)]).await?;
    let back =
        at(&peer, Lines::Batch).await?.run(Inventory::release, FIRST, &release(two_lines(1)?)?).await?;
    assert_eq!(back.err().map(|failed| failed.kind).as_deref(), Some(SETTING));
    Ok(())
}

/// A system that passes over the filter answers with everybody's holds.
#[tokio::test]
async fn a_strangers_hold_is_neither_taken_nor_released() -> TestResult {
    let hold = |reference: Option<&str>| json!({ "id": "r9", "reference_id": reference, "variant_id": LAPTOP, "quantity": 2, "status": "held" });
    let back = release(two_lines(1)?)?;
    let peer = Peer::start([of(json!({ "reservations": [hold(Some("ORDER-002"))] }))]).await?;
    assert!(at(&peer, Lines::Batch).await?.run(Inventory::release, FIRST, &back).await?.is_err());
    assert_eq!(sent(&peer), [LOOK], "nothing was released");
    for (list, words) in [
        (json!({ "reservations": [hold(None)] }), "does not name their reference"),
        (json!({ "reservations": [hold(Some("ORDER-001"))], "total": 21 }), "is not whole"),
    ] {
        let peer = Peer::start([of(list)]).await?;
        let released = at(&peer, Lines::Batch).await?.run(Inventory::release, FIRST, &back).await?;
        is_unknown(released, words, words)?;
    }
    Ok(())
}
