//! Nothing is guessed that the stock system does not say: whose hold is gone, whether there is a list, whether nothing
//! is left to take back.

use activities::inventory::Lines;
use contracts::failure::{NOTHING_YET, OUTCOME_UNKNOWN, REFUSED};
use contracts::inventory::{Confirmation, Inventory};
use serde_json::json;

use crate::TestResult;
use crate::inventory::{asked, confirm, release, two_lines};
use crate::inventory_looks::{LATER, LOOK, NO_LIST, at, both, is_unknown, listed, of, raw, refused, sent};
use crate::peer::{Peer, answer};
use crate::samples::{LAPTOP, LIMITED};
use crate::temporal::{FIRST, SECOND};

/// A hold is gone, the refusal does not say whose, or may be about goods that an attempt before has sold, and there is
/// no list: were all lines held and sold once more, they would be sold twice.
#[tokio::test]
async fn whose_hold_is_gone_is_not_guessed() -> TestResult {
    let sale = confirm(two_lines(1)?, Vec::new())?;
    let named = || {
        let details = json!({ "lines": [{ "variant_id": LIMITED }] });
        let error = json!({ "code": "RESERVATION_EXPIRED", "details": details });
        answer(409, "", &json!({ "error": error }).to_string())
    };
    let none = || answer(404, "", NO_LIST);
    for (attempt, answers) in [
        (FIRST, vec![refused("RESERVATION_EXPIRED"), none()]),
        (SECOND, vec![none(), refused("RESERVATION_EXPIRED"), none()]),
        (SECOND, vec![none(), named(), none()]),
    ] {
        let peer = Peer::start(answers).await?;
        let sold = at(&peer, Lines::Batch).await?.run(Inventory::confirm, attempt, &sale).await?;
        let failed = sold.err().ok_or("guessed")?;
        assert_eq!((failed.kind.as_str(), failed.is_final), (REFUSED, true), "{failed:?}");
        assert!(failed.message.contains("hold_unclear: "), "{}", failed.message);
    }
    // The first attempt has sold nothing before, and the refusal names its line.
    let lost = |variants: &[&str]| {
        let variants = variants.iter().map(|variant| (*variant).to_owned()).collect();
        Ok(Confirmation::HoldLost { variants, sold: Vec::new() })
    };
    let peer = Peer::start([named(), none()]).await?;
    let sold = at(&peer, Lines::Batch).await?.run(Inventory::confirm, FIRST, &sale).await?;
    assert_eq!(sold, lost(&[LIMITED]));
    let one = confirm(vec![two_lines(1)?.remove(0)], Vec::new())?;
    let peer = Peer::start([refused("RESERVATION_EXPIRED"), none()]).await?;
    let sold = at(&peer, Lines::OneByOne).await?.run(Inventory::confirm, FIRST, &one).await?;
    assert_eq!(sold, lost(&[LAPTOP]));
    // A list that shows every hold says nothing of whose is gone.
    let peer = Peer::start([refused("RESERVATION_EXPIRED"), both("held")]).await?;
    let sold = at(&peer, Lines::Batch).await?.run(Inventory::confirm, FIRST, &sale).await?;
    is_unknown(sold, "lists all of them", "all are listed as held")?;
    let peer = Peer::start([named(), both("held")]).await?;
    let sold = at(&peer, Lines::Batch).await?.run(Inventory::confirm, FIRST, &sale).await?;
    assert_eq!(sold, lost(&[LIMITED]), "the list is behind");
    // Or behind the sale of an attempt before.
    let peer = Peer::start([both("held"), named(), both("held")]).await?;
    let sold = at(&peer, Lines::Batch).await?.run(Inventory::confirm, SECOND, &sale).await?;
    is_unknown(sold, "lists all of them", "sold before")?;
    Ok(())
}

/// Another hold of the order, of a round before, says nothing of a request that is on its way.
#[tokio::test]
async fn what_was_there_before_is_not_what_was_taken_back() -> TestResult {
    let back = release(two_lines(1)?)?;
    for status in ["released", "expired", "restocked"] {
        let peer = Peer::start([both(status)]).await?;
        let temporal = at(&peer, Lines::Batch).await?;
        let first = temporal.run(Inventory::release, FIRST, &back).await?.err().ok_or("believed at once")?;
        assert_eq!((first.kind.as_str(), first.is_final), (NOTHING_YET, false), "{status}");
        assert_eq!(temporal.run(Inventory::release, LATER, &back).await?, Ok(()), "{status}");
    }
    // One of two lines is taken back, the other one was before.
    let list = || listed(&[("r1", LAPTOP, 2, "confirmed"), ("r2", LIMITED, 1, "restocked")]);
    let restocked = || of(json!({ "restocked": [{ "variant_id": LAPTOP, "quantity": 2 }] }));
    let peer = Peer::start([list(), restocked()]).await?;
    let first = at(&peer, Lines::Batch).await?.run(Inventory::restock, FIRST, &back).await?;
    assert_eq!(first.err().map(|failed| failed.kind).as_deref(), Some(NOTHING_YET));
    assert_eq!(sent(&peer).len(), 2, "what is there is taken back at once");
    // Where nothing can be listed, the system says how much there was.
    let peer = Peer::start([answer(404, "", NO_LIST), of(json!({ "released": 0 }))]).await?;
    let first = at(&peer, Lines::Batch).await?.run(Inventory::release, FIRST, &back).await?;
    assert_eq!(first.err().map(|failed| failed.kind).as_deref(), Some(NOTHING_YET));
    Ok(())
}

/// A body that is just missing is not the system's answer: what came of the request is looked up.
#[tokio::test]
async fn an_answer_without_a_body_is_no_answer() -> TestResult {
    let (reserve, sale) = (asked(two_lines(1)?)?, confirm(two_lines(1)?, Vec::new())?);
    let back = release(two_lines(1)?)?;
    let none = || answer(404, "", NO_LIST);
    let peer = Peer::start([raw(""), none()]).await?;
    let held = at(&peer, Lines::Batch).await?.run(Inventory::reserve, FIRST, &reserve).await?;
    is_unknown(held, "does not name a hold of each line", "reserve")?;
    let peer = Peer::start([raw(""), none()]).await?;
    let sold = at(&peer, Lines::Batch).await?.run(Inventory::confirm, FIRST, &sale).await?;
    is_unknown(sold, "does not name a sale of each line", "confirm")?;
    let peer = Peer::start([none(), raw("")]).await?;
    let freed = at(&peer, Lines::Batch).await?.run(Inventory::release, FIRST, &back).await?;
    is_unknown(freed, "does not name what it released", "release")?;
    let peer = Peer::start([none(), raw("")]).await?;
    let restocked = at(&peer, Lines::Batch).await?.run(Inventory::restock, FIRST, &back).await?;
    is_unknown(restocked, "does not name what it restocked", "restock")?;
    // The list has the last word, where there is one.
    let peer = Peer::start([raw(""), both("confirmed")]).await?;
    let sold = at(&peer, Lines::Batch).await?.run(Inventory::confirm, FIRST, &sale).await?;
    assert_eq!(sold, Ok(Confirmation::Confirmed));
    Ok(())
}

/// A refusal that is not about the path says nothing of whether holds can be listed.
#[tokio::test]
async fn a_list_that_is_refused_is_not_taken_for_none() -> TestResult {
    let back = release(two_lines(1)?)?;
    for (status, code) in [(409, "MAINTENANCE"), (400, "TENANT_UNKNOWN"), (409, "RESOURCE_NOT_FOUND")] {
        let refusal = answer(status, "", &json!({ "error": { "code": code } }).to_string());
        let peer = Peer::start([refusal]).await?;
        let freed = at(&peer, Lines::Batch).await?.run(Inventory::release, FIRST, &back).await?;
        let failed = freed.err().ok_or("believed")?;
        assert!(failed.kind == REFUSED && failed.message.contains(code), "{failed:?}");
        assert_ne!(failed.kind, OUTCOME_UNKNOWN);
        assert_eq!(sent(&peer), [LOOK], "nothing is released by reference alone");
    }
    Ok(())
}
