//! The carrier.

use contracts::shipping::{CreateShipment, Label, Shipment, ShipmentRef};
use serde_json::json;

use crate::TestResult;
use crate::pinned::pinned;
use crate::samples::{KEY, address, address_json, dong, dong_json, item, item_json, key, order_id};

#[test]
fn the_request_for_a_label_stays() -> TestResult {
    let input = CreateShipment {
        key: key(),
        order_id: order_id()?,
        address: address(),
        items: vec![item()?],
        method: "express".to_owned(),
        collect: Some(dong(25_030_000)),
        value: Some(dong(25_000_000)),
    };
    let golden = json!({
        "key": KEY,
        "order_id": "ORDER-001",
        "address": address_json(),
        "items": [item_json()],
        "method": "express",
        "collect": dong_json("25030000"),
        "value": dong_json("25000000")
    });
    let address = ["phone", "district", "state", "postal_code"].map(|name| format!("/address/{name}"));
    pinned(
        &input,
        &golden,
        &[address.each_ref().map(String::as_str).as_slice(), &["/collect", "/value"]].concat(),
    )
}

#[test]
fn what_becomes_of_a_request_for_a_label_stays() -> TestResult {
    let label = Shipment::Labelled(Label {
        shipment_id: "ship_1".to_owned(),
        tracking_number: "SUN-1".to_owned(),
        estimated_delivery: Some("2026-03-04T00:00:00Z".to_owned()),
    });
    let golden = json!({
        "result": "labelled",
        "shipment_id": "ship_1",
        "tracking_number": "SUN-1",
        "estimated_delivery": "2026-03-04T00:00:00Z"
    });
    pinned(&label, &golden, &["/estimated_delivery"])?;
    let refused = Shipment::Refused { code: "ADDRESS_NOT_SERVICEABLE".to_owned() };
    pinned(&refused, &json!({ "result": "refused", "code": "ADDRESS_NOT_SERVICEABLE" }), &[])
}

#[test]
fn the_name_of_a_label_and_the_answers_to_it_stay() -> TestResult {
    let input = ShipmentRef { key: key(), order_id: order_id()?, shipment_id: Some("ship_1".to_owned()) };
    let golden = json!({ "key": KEY, "order_id": "ORDER-001", "shipment_id": "ship_1" });
    pinned(&input, &golden, &["/shipment_id"])?;
    pinned(&None::<Shipment>, &json!(null), &[])
}
