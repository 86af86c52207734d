//! A stock system whose list shows open holds only: a hold that is not shown may be gone, and may be sold.

use activities::inventory::Lines;
use contracts::failure::{NOTHING_YET, REFUSED};
use contracts::inventory::{ConfirmStock, Confirmation, Hold, Inventory, ReleaseStock};
use contracts::values::VariantId;
use serde_json::json;

use crate::TestResult;
use crate::inventory::{confirm, release, two_lines};
use crate::inventory_looks::{LATER, LOOK, NO_LIST, at, both, is_unknown, listed, of, refused, sent};
use crate::peer::{Answer, Peer, Received, answer};
use crate::samples::{LAPTOP, LIMITED};
use crate::temporal::{Attempt, FIRST, SECOND};

/// A refusal that names one line.
fn named() -> Answer {
    let details = json!({ "lines": [{ "variant_id": LIMITED }] });
    answer(409, "", &json!({ "error": { "code": "RESERVATION_EXPIRED", "details": details } }).to_string())
}

/// The laptop is sold.
fn laptop_sold() -> Answer {
    of(json!({ "variant_id": LAPTOP, "reservation_id": "r1", "status": "confirmed" }))
}

fn restocked(variants: &[(&str, u32)]) -> Answer {
    let line = |(variant, quantity): &(&str, u32)| json!({ "variant_id": variant, "quantity": quantity });
    of(json!({ "restocked": variants.iter().map(line).collect::<Vec<_>>() }))
}

fn sold_both() -> TestResult<ReleaseStock> {
    Ok(ReleaseStock { sold: [LAPTOP, LIMITED].map(str::to_owned).to_vec(), ..release(two_lines(1)?)? })
}

async fn sold(answers: Vec<Answer>, attempt: Attempt, sale: &ConfirmStock) -> TestResult<String> {
    let peer = Peer::start(answers).await?;
    Ok(match at(&peer, Lines::Batch).await?.run(Inventory::confirm, attempt, sale).await? {
        Ok(Confirmation::HoldLost { variants, .. }) => format!("lost {}", variants.join(" ")),
        Ok(Confirmation::Confirmed) => "sold".to_owned(),
        Err(failed) => {
            assert_eq!((failed.kind.as_str(), failed.is_final), (REFUSED, true), "{failed:?}");
            let code = failed.message.split(": ").nth(1);
            code.unwrap_or_default().to_owned()
        }
    })
}

/// The sale of an attempt before may have landed: then the list does not show the goods either, and held once more
/// they would be sold twice.
#[tokio::test]
async fn a_hold_that_is_not_listed_is_not_lost_where_it_may_be_sold() -> TestResult {
    let sale = confirm(two_lines(1)?, Vec::new())?;
    let none = || listed(&[]);
    for lost in [refused("RESERVATION_EXPIRED"), named()] {
        let said = sold(vec![none(), lost, none()], SECOND, &sale).await?;
        assert_eq!(said, "hold_unclear");
    }
    // A request under another key got no answer: the first attempt of this one is not the first.
    let kept = ConfirmStock { may_be_sold: true, ..sale.clone() };
    assert_eq!(sold(vec![none(), named(), none()], FIRST, &kept).await?, "hold_unclear");
    let no_list = || answer(404, "", NO_LIST);
    assert_eq!(sold(vec![no_list(), named(), no_list()], FIRST, &kept).await?, "hold_unclear");
    assert_eq!(sold(vec![both("confirmed")], FIRST, &kept).await?, "sold", "it looks before it asks");
    // One that is listed as over is gone, whoever asked before.
    let over = || listed(&[("r1", LAPTOP, 2, "held"), ("r2", LIMITED, 1, "expired")]);
    assert_eq!(sold(vec![over(), named(), over()], SECOND, &sale).await?, format!("lost {LIMITED}"));
    // Another one of that line says nothing of it.
    let hold = Hold { variant_id: VariantId::new(LIMITED)?, reservation_id: Some("r3".to_owned()) };
    let again = ConfirmStock { holds: vec![hold], ..sale.clone() };
    assert_eq!(sold(vec![over(), named(), over()], SECOND, &again).await?, "hold_unclear");
    // Nobody asked before: what is not held was lost.
    let said = sold(vec![named(), listed(&[("r1", LAPTOP, 2, "held")])], FIRST, &sale).await?;
    assert_eq!(said, format!("lost {LIMITED}"));
    Ok(())
}

/// One by one, the lines that this attempt has sold are not listed either. The second round has to know them.
#[tokio::test]
async fn of_lines_that_are_taken_one_by_one_the_sold_ones_are_not_lost() -> TestResult {
    let sale = confirm(two_lines(1)?, Vec::new())?;
    let lost = |sold: &[&str]| {
        let sold = sold.iter().map(|variant| (*variant).to_owned()).collect();
        Ok(Confirmation::HoldLost { variants: vec![LIMITED.to_owned()], sold })
    };
    let expired = listed(&[("r1", LAPTOP, 2, "confirmed"), ("r2", LIMITED, 1, "expired")]);
    for list in [listed(&[]), answer(404, "", NO_LIST), expired] {
        // Both are asked for at once.
        let choose = move |request: &Received| {
            Some(match request.body.as_str() {
                laptop if laptop.contains(LAPTOP) => laptop_sold(),
                limited if limited.contains(LIMITED) => named(),
                _ => list.clone(),
            })
        };
        let peer = Peer::choosing(choose).await?;
        let done = at(&peer, Lines::OneByOne).await?.run(Inventory::confirm, FIRST, &sale).await?;
        assert_eq!(done, lost(&[LAPTOP]));
    }
    // A batch is atomic: the other line is held still.
    let peer = Peer::start([named(), listed(&[("r1", LAPTOP, 2, "held")])]).await?;
    let done = at(&peer, Lines::Batch).await?.run(Inventory::confirm, FIRST, &sale).await?;
    assert_eq!(done, lost(&[]));
    Ok(())
}

/// Goods that are known to be sold are there to come back, whatever the list shows.
#[tokio::test]
async fn what_was_sold_is_not_believed_to_be_nothing() -> TestResult {
    let back = sold_both()?;
    let key = "POST restock reserve-inventory/restock/by-reference";
    let stale = || both("held");
    for (list, name) in [(listed(&[]), "none"), (stale(), "stale"), (answer(404, "", NO_LIST), "no list")] {
        for attempt in [FIRST, LATER] {
            let nothing = restocked(&[(LAPTOP, 0), (LIMITED, 0)]);
            let peer = Peer::start([list.clone(), nothing]).await?;
            let done = at(&peer, Lines::Batch).await?.run(Inventory::restock, attempt, &back).await?;
            is_unknown(done, "it sold these goods, and does not restock them", name)?;
            let peer = Peer::start([list.clone(), restocked(&[(LAPTOP, 2), (LIMITED, 1)])]).await?;
            let done = at(&peer, Lines::Batch).await?.run(Inventory::restock, attempt, &back).await?;
            assert_eq!((done, sent(&peer)), (Ok(()), vec![LOOK.to_owned(), key.to_owned()]), "{name}");
        }
    }
    // It came back before.
    let peer = Peer::start([both("restocked")]).await?;
    let done = at(&peer, Lines::Batch).await?.run(Inventory::restock, LATER, &back).await?;
    assert_eq!((done, sent(&peer).len()), (Ok(()), 1));
    Ok(())
}

/// A sale whose answer was lost is not listed: the system is asked by reference, and only its word is believed.
#[tokio::test]
async fn what_may_be_sold_is_asked_for_by_reference() -> TestResult {
    let back = release(two_lines(1)?)?;
    let peer = Peer::start([listed(&[]), restocked(&[(LAPTOP, 2), (LIMITED, 1)])]).await?;
    let done = at(&peer, Lines::Batch).await?.run(Inventory::restock, FIRST, &back).await?;
    assert_eq!((done, sent(&peer)), (Ok(()), vec![LOOK.to_owned(), "POST restock".to_owned()]));
    // Only the line that the list says nothing of.
    let one = || listed(&[("r1", LAPTOP, 2, "held")]);
    let peer = Peer::start([one(), restocked(&[(LIMITED, 0)])]).await?;
    let temporal = at(&peer, Lines::Batch).await?;
    let first = temporal.run(Inventory::restock, FIRST, &back).await?;
    assert_eq!(first.err().map(|failed| failed.kind).as_deref(), Some(NOTHING_YET));
    assert!(peer.received()[1].body.contains(LIMITED) && !peer.received()[1].body.contains(LAPTOP));
    let peer = Peer::start([one(), restocked(&[(LIMITED, 0)])]).await?;
    let done = at(&peer, Lines::Batch).await?.run(Inventory::restock, LATER, &back).await?;
    assert_eq!(done, Ok(()), "nothing of it was sold");
    Ok(())
}
