//! The carrier: one label, voided while the parcel is still here.

use std::time::Duration;

use activities::shipping::ShippingActivities;
use contracts::failure::{NEW_WORD, NOTHING_YET, OUTCOME_UNKNOWN, REFUSED, SETTING};
use contracts::shipping::{CreateShipment, Label, Shipment, ShipmentRef, Shipping};
use contracts::values::Address;
use reqwest::Method;
use serde_json::{Value, json};

use crate::TestResult;
use crate::peer::{Peer, answer};
use crate::samples::{address, label_of_order, parcel};
use crate::shop::Shop;
use crate::temporal::{Attempt, FIRST, Failed, RESET, SECOND, Temporal};

const SECOND_LOOK: Duration = Duration::from_secs(20);

async fn open() -> TestResult<(Shop, Temporal)> {
    let shop = Shop::open().await?;
    let temporal = Temporal::with(ShippingActivities::new(shop.api()?, SECOND_LOOK)).await?;
    Ok((shop, temporal))
}

async fn labelled(temporal: &Temporal) -> TestResult<Label> {
    match temporal.run(Shipping::create_shipment, FIRST, &parcel()?).await? {
        Ok(Shipment::Labelled(label)) => Ok(label),
        other => Err(format!("{other:?}").into()),
    }
}

#[tokio::test]
async fn a_label_is_bought_once_however_often_it_is_asked_for() -> TestResult {
    let (shop, temporal) = open().await?;
    assert_eq!(temporal.run(Shipping::find_shipment, FIRST, &label_of_order()?).await?, Ok(None));
    let label = labelled(&temporal).await?;
    assert!(!label.tracking_number.is_empty() && label.estimated_delivery.is_some(), "{label:?}");
    assert_eq!(labelled(&temporal).await?, label);
    let found = Some(Shipment::Labelled(label));
    assert_eq!(temporal.run(Shipping::find_shipment, FIRST, &label_of_order()?).await?, Ok(found));
    assert_eq!(shop.total("shipments").await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_second_attempt_looks_before_it_buys_again() -> TestResult {
    let (shop, temporal) = open().await?;
    shop.switch(json!({ "dedupe": "off" })).await?;
    shop.fault("shipments.create", "malformed", json!({})).await?;
    let lost = temporal.run(Shipping::create_shipment, FIRST, &parcel()?).await?.err().ok_or("labelled")?;
    assert_eq!((lost.kind.as_str(), lost.is_final), (OUTCOME_UNKNOWN, false));
    let label = temporal.run(Shipping::create_shipment, SECOND, &parcel()?).await?;
    assert!(matches!(label, Ok(Shipment::Labelled(_))), "{label:?}");
    assert_eq!(shop.total("shipments").await?, 1);
    Ok(())
}

/// An activity that a person reset begins with attempt 1 again.
#[tokio::test]
async fn an_attempt_after_a_reset_looks_before_it_buys_again() -> TestResult {
    let (shop, temporal) = open().await?;
    shop.switch(json!({ "dedupe": "off" })).await?;
    let label = labelled(&temporal).await?;
    let again = temporal.run(Shipping::create_shipment, RESET, &parcel()?).await?;
    assert_eq!(again, Ok(Shipment::Labelled(label)));
    assert_eq!(shop.total("shipments").await?, 1);
    Ok(())
}

/// A carrier that ignores keys made two labels: two parcels would leave.
#[tokio::test]
async fn of_two_labels_under_one_key_one_is_kept() -> TestResult {
    let (shop, temporal) = open().await?;
    shop.switch(json!({ "dedupe": "off" })).await?;
    let first = labelled(&temporal).await?;
    assert_ne!(labelled(&temporal).await?, first);
    let kept = temporal.run(Shipping::create_shipment, SECOND, &parcel()?).await?;
    assert_eq!(kept, Ok(Shipment::Labelled(first.clone())));
    assert_eq!((shop.total("shipments").await?, shop.total("voided_shipments").await?), (2, 1));
    let found = temporal.run(Shipping::find_shipment, FIRST, &label_of_order()?).await?;
    assert_eq!(found, Ok(Some(Shipment::Labelled(first))));
    Ok(())
}

/// The first attempt's label is made when the second one has looked already.
#[tokio::test]
async fn a_label_that_lands_between_the_look_and_the_purchase_is_seen() -> TestResult {
    let label = |id: &str, status: &str| {
        let key = parcel().map(|parcel| parcel.key.as_str().to_owned()).unwrap_or_default();
        json!({ "shipment_id": id, "tracking_number": format!("T-{id}"), "idempotency_key": key, "status": status })
    };
    let of = |data: Value| answer(200, "", &json!({ "data": data }).to_string());
    for (second, kept, voided) in [("created", "s1", "s2"), ("in_transit", "s2", "s1")] {
        let peer = Peer::start([
            of(json!([])),
            of(label("s2", "created")),
            of(json!([label("s1", "created"), label("s2", second)])),
            of(json!({ "shipment_id": voided, "outcome": "voided" })),
        ])
        .await?;
        let temporal = Temporal::with(ShippingActivities::new(peer.api()?, SECOND_LOOK)).await?;
        let bought = temporal.run(Shipping::create_shipment, SECOND, &parcel()?).await?;
        assert!(matches!(&bought, Ok(Shipment::Labelled(label)) if label.shipment_id == kept), "{bought:?}");
        let void = peer.received().pop().ok_or("nothing was sent")?;
        assert!(void.line.ends_with(&format!("/shipments/{voided}/cancel")), "{}", void.line);
    }
    Ok(())
}

/// The carrier collects one parcel between the look and the void: the next look keeps its label.
#[tokio::test]
async fn a_parcel_that_is_collected_meanwhile_is_the_one_to_keep() -> TestResult {
    let key = parcel()?.key.as_str().to_owned();
    let label = |id: &str, status: &str| json!({ "shipment_id": id, "tracking_number": id, "idempotency_key": key, "status": status });
    let of = |status, body: Value| answer(status, "", &body.to_string());
    let collected = json!({ "error": { "code": "SHIPMENT_IN_TRANSIT" } });
    let peer = Peer::start([
        of(200, json!({ "data": [label("s1", "created"), label("s2", "created")] })),
        of(409, collected),
        of(200, json!({ "data": [label("s1", "created"), label("s2", "in_transit")] })),
        of(200, json!({ "data": { "outcome": "voided" } })),
    ])
    .await?;
    let temporal = Temporal::with(ShippingActivities::new(peer.api()?, SECOND_LOOK)).await?;
    let failed = temporal.run(Shipping::create_shipment, SECOND, &parcel()?).await?.err().ok_or("kept")?;
    assert_eq!((failed.kind.as_str(), failed.is_final), (OUTCOME_UNKNOWN, false));
    let kept = temporal.run(Shipping::create_shipment, SECOND, &parcel()?).await?;
    assert!(matches!(&kept, Ok(Shipment::Labelled(label)) if label.shipment_id == "s2"), "{kept:?}");
    Ok(())
}

/// A carrier that says it by the code of its refusal.
#[tokio::test]
async fn a_refusal_to_void_a_collected_parcel_is_a_last_word() -> TestResult {
    let refused = answer(409, "", r#"{"error": {"code": "SHIPMENT_IN_TRANSIT"}}"#);
    let peer = Peer::start([refused]).await?;
    let temporal = Temporal::with(ShippingActivities::new(peer.api()?, SECOND_LOOK)).await?;
    let late = temporal.run(Shipping::void_shipment, FIRST, &label_of_order()?).await?;
    let late = late.err().ok_or("voided")?;
    assert!(late.is_final && late.message.starts_with("in_transit"), "{late:?}");
    Ok(())
}

/// Both parcels are with the carrier: nobody can mend that from here.
#[tokio::test]
async fn two_parcels_under_way_end_the_order() -> TestResult {
    let (shop, temporal) = open().await?;
    shop.switch(json!({ "dedupe": "off" })).await?;
    labelled(&temporal).await?;
    labelled(&temporal).await?;
    shop.ask(Method::PUT, "/_sandbox/shipments/ORDER-001", json!({ "status": "in_transit" })).await?;
    let failed =
        temporal.run(Shipping::create_shipment, SECOND, &parcel()?).await?.err().ok_or("labelled")?;
    assert!(failed.is_final && failed.message.contains("labelled_twice"), "{failed:?}");
    Ok(())
}

/// A carrier that passes over the filter answers with everybody's labels.
#[tokio::test]
async fn a_strangers_label_is_not_taken_for_ours() -> TestResult {
    let stranger = json!([{ "shipment_id": "s9", "tracking_number": "T9", "idempotency_key": "another" }]);
    let peer = Peer::start([answer(200, "", &json!({ "data": stranger }).to_string())]).await?;
    let temporal = Temporal::with(ShippingActivities::new(peer.api()?, SECOND_LOOK)).await?;
    let found = temporal.run(Shipping::find_shipment, FIRST, &label_of_order()?).await?;
    assert!(matches!(found, Ok(None)), "{found:?}");
    Ok(())
}

#[tokio::test]
async fn what_the_carrier_will_not_take_is_an_outcome() -> TestResult {
    let (shop, temporal) = open().await?;
    let nowhere = CreateShipment { address: address("Atlantis"), ..parcel()? };
    let balloon = CreateShipment { method: "balloon".to_owned(), ..parcel()? };
    for (input, code) in [(nowhere, "ADDRESS_NOT_SERVICEABLE"), (balloon, "SHIPPING_METHOD_UNAVAILABLE")] {
        let (shop, temporal) = open().await?;
        let refused = temporal.run(Shipping::create_shipment, FIRST, &input).await?;
        assert_eq!(refused, Ok(Shipment::Refused { code: code.to_owned() }));
        assert_eq!(shop.total("shipments").await?, 0);
    }
    shop.fault("shipments.create", "status", json!({ "status": 403 })).await?;
    let failed = temporal.run(Shipping::create_shipment, FIRST, &parcel()?).await?.err().ok_or("labelled")?;
    assert_eq!((failed.kind.as_str(), failed.is_final), (SETTING, false), "not the parcel's fault");
    Ok(())
}

#[tokio::test]
async fn a_label_is_voided_once_and_no_late_one_is_made() -> TestResult {
    let (shop, temporal) = open().await?;
    labelled(&temporal).await?;
    for attempt in [FIRST, SECOND, FIRST] {
        assert_eq!(temporal.run(Shipping::void_shipment, attempt, &label_of_order()?).await?, Ok(()));
    }
    assert_eq!(shop.total("voided_shipments").await?, 1);
    assert_eq!(temporal.run(Shipping::find_shipment, FIRST, &label_of_order()?).await?, Ok(None), "voided");
    let late = temporal.run(Shipping::create_shipment, FIRST, &parcel()?).await?;
    assert_eq!(late.err().map(|failed| failed.message).as_deref(), Some("shop refused: 409 KEY_UNDONE"));
    Ok(())
}

#[tokio::test]
async fn a_parcel_on_its_way_cannot_be_voided_and_a_person_is_told() -> TestResult {
    let (shop, temporal) = open().await?;
    labelled(&temporal).await?;
    shop.ask(Method::PUT, "/_sandbox/shipments/ORDER-001", json!({ "status": "in_transit" })).await?;
    let refused = Failed {
        kind: REFUSED.to_owned(),
        message: "in_transit: the parcel is with the carrier: stop it there".to_owned(),
        is_final: true,
        next_retry_delay: None,
    };
    assert_eq!(temporal.run(Shipping::void_shipment, FIRST, &label_of_order()?).await?, Err(refused));
    assert_eq!(shop.total("voided_shipments").await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_void_that_finds_nothing_looks_again_unless_the_carrier_bars_the_key() -> TestResult {
    let (shop, temporal) = open().await?;
    shop.switch(json!({ "tombstones": false })).await?;
    let first =
        temporal.run(Shipping::void_shipment, FIRST, &label_of_order()?).await?.err().ok_or("believed")?;
    assert_eq!((first.kind.as_str(), first.is_final), (NOTHING_YET, false));
    assert_eq!(first.next_retry_delay, Some(SECOND_LOOK));
    let late = Attempt { scheduled: SECOND_LOOK, ..SECOND };
    assert_eq!(temporal.run(Shipping::void_shipment, late, &label_of_order()?).await?, Ok(()));
    shop.switch(json!({ "tombstones": true })).await?;
    assert_eq!(temporal.run(Shipping::void_shipment, FIRST, &label_of_order()?).await?, Ok(()));
    Ok(())
}

/// The carrier has forgotten the key, its search is behind, or it is another one: of a label that was bought "nothing"
/// is not believed, barred or not.
#[tokio::test]
async fn a_label_whose_id_is_known_is_voided_by_it() -> TestResult {
    let bought = ShipmentRef { shipment_id: Some("ship_1".to_owned()), ..label_of_order()? };
    let of = |body: Value| answer(200, "", &json!({ "data": body }).to_string());
    let unknown = answer(404, "", r#"{"error": {"code": "RESOURCE_NOT_FOUND"}}"#);
    let collected = answer(409, "", r#"{"error": {"code": "SHIPMENT_IN_TRANSIT"}}"#);
    let late = Attempt { scheduled: SECOND_LOOK, ..SECOND };
    for barred in [true, false] {
        for (by_id, failure) in [
            (of(json!({ "outcome": "voided" })), None),
            (unknown.clone(), Some((OUTCOME_UNKNOWN, false, "does not know the label that was bought"))),
            (collected.clone(), Some((REFUSED, true, "in_transit: "))),
        ] {
            let peer = Peer::start([of(json!({ "outcome": "nothing", "barred": barred })), by_id]).await?;
            let temporal = Temporal::with(ShippingActivities::new(peer.api()?, SECOND_LOOK)).await?;
            let voided = temporal.run(Shipping::void_shipment, late, &bought).await?;
            assert!(peer.received()[1].line.ends_with("/shipments/ship_1/cancel"), "{:?}", peer.received());
            match (voided, failure) {
                (Ok(()), None) => {}
                (Err(failed), Some((kind, is_final, words))) => {
                    assert_eq!((failed.kind.as_str(), failed.is_final), (kind, is_final), "{failed:?}");
                    assert!(failed.message.contains(words), "{}", failed.message);
                }
                (voided, _) => return Err(format!("{voided:?}, not {failure:?}").into()),
            }
        }
    }
    // One that is found by its key needs no second request.
    let peer = Peer::start([of(json!({ "outcome": "voided" }))]).await?;
    let temporal = Temporal::with(ShippingActivities::new(peer.api()?, SECOND_LOOK)).await?;
    assert_eq!(temporal.run(Shipping::void_shipment, FIRST, &bought).await?, Ok(()));
    assert_eq!(peer.received().len(), 1);
    Ok(())
}

/// O7: the carrier gets a number that can be dialled, or none.
#[tokio::test]
async fn the_carrier_gets_the_phone_in_its_one_form() -> TestResult {
    for (written, sent) in [("+84 (0)901\u{a0}234 567", json!("+84901234567")), ("0901", json!(null))] {
        let label = json!({ "data": { "shipment_id": "s1", "tracking_number": "T1" } });
        let peer = Peer::start([answer(200, "", &label.to_string())]).await?;
        let temporal = Temporal::with(ShippingActivities::new(peer.api()?, SECOND_LOOK)).await?;
        let address = Address { phone: Some(written.to_owned()), ..address("Vietnam") };
        let parcel = CreateShipment { address, ..parcel()? };
        let label = temporal.run(Shipping::create_shipment, FIRST, &parcel).await?;
        assert!(matches!(label, Ok(Shipment::Labelled(_))), "{label:?}");
        let sent_body = peer.received().pop().ok_or("nothing was asked")?.body;
        let body: serde_json::Value = serde_json::from_str(&sent_body)?;
        assert_eq!(body["shipping_address"]["phone"], sent);
    }
    Ok(())
}

/// Neither "nothing there" nor "done".
#[tokio::test]
async fn a_word_of_the_carrier_that_nobody_knows_is_named_and_not_guessed() -> TestResult {
    for (answered, named) in [
        (json!({ "outcome": "collected" }), "an outcome that this version does not know: \"collected\""),
        (json!({ "outcome": "collected", "barred": true }), "does not know: \"collected\""),
        (json!({ "outcome": "" }), "does not know: something that is not a word"),
        (json!({}), "an answer of another shape (Data error, line 1, column 2)"),
        (json!({ "barred": true }), "an answer of another shape (Data error, line 1, column 15)"),
    ] {
        let peer = Peer::start([answer(200, "", &json!({ "data": answered }).to_string())]).await?;
        let temporal = Temporal::with(ShippingActivities::new(peer.api()?, SECOND_LOOK)).await?;
        let late = Attempt { scheduled: SECOND_LOOK, ..SECOND };
        let voided = temporal.run(Shipping::void_shipment, late, &label_of_order()?).await?;
        let failed = voided.err().ok_or("believed")?;
        let kind = if named.contains("does not know") { NEW_WORD } else { OUTCOME_UNKNOWN };
        assert_eq!((failed.kind.as_str(), failed.is_final), (kind, false), "{answered}");
        assert!(failed.message.ends_with(named), "{}", failed.message);
    }
    Ok(())
}

#[tokio::test]
async fn a_label_in_a_state_that_nobody_knows_is_named() -> TestResult {
    let ours = label_of_order()?.key;
    for (status, is_known) in [("created", true), ("in_transit", true), ("voided", true), ("lost", false)] {
        let label = json!([{ "shipment_id": "s1", "tracking_number": "T1", "status": status,
            "idempotency_key": ours.as_str() }]);
        let peer = Peer::start([answer(200, "", &json!({ "data": label }).to_string())]).await?;
        let temporal = Temporal::with(ShippingActivities::new(peer.api()?, SECOND_LOOK)).await?;
        match temporal.run(Shipping::find_shipment, FIRST, &label_of_order()?).await? {
            Ok(found) => assert!(is_known && found.is_some() == (status != "voided"), "{status}: {found:?}"),
            Err(failed) => {
                assert!(!is_known, "{status}: {}", failed.message);
                assert!(failed.message.ends_with("does not know: \"lost\""), "{}", failed.message);
            }
        }
    }
    Ok(())
}

/// The key of a label was used for another parcel, say: a label may be there, and no carrier has refused anything.
#[tokio::test]
async fn only_a_code_that_refuses_a_parcel_is_a_refusal_of_it() -> TestResult {
    for (code, is_refusal) in
        [("ADDRESS_NOT_SERVICEABLE", true), ("UNPROCESSABLE", true), ("IDEMPOTENCY_KEY_REUSED", false)]
    {
        let refused = answer(422, "", &json!({ "error": { "code": code } }).to_string());
        let peer = Peer::start([refused]).await?;
        let temporal = Temporal::with(ShippingActivities::new(peer.api()?, SECOND_LOOK)).await?;
        match temporal.run(Shipping::create_shipment, FIRST, &parcel()?).await? {
            Ok(told) => {
                assert!(is_refusal && told == Shipment::Refused { code: code.to_owned() }, "{told:?}")
            }
            Err(failed) => {
                assert!(!is_refusal, "{}", failed.message);
                assert_eq!((failed.kind.as_str(), failed.is_final), (REFUSED, true));
                assert!(
                    failed.message.ends_with("refused: 422 IDEMPOTENCY_KEY_REUSED"),
                    "{}",
                    failed.message
                );
            }
        }
    }
    Ok(())
}
