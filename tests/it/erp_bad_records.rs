//! One bad record costs itself (E4, E11, E14, E17): the others come, and it lies in the quarantine by its id.

use std::collections::BTreeSet;

use contracts::erp::Entity;
use serde_json::{Value, json};
use tests::erp::ErpWorld;
use tests::erp::mock::{MockErp, Said};

/// A record of the mock, with a stamp unless it brings one, or is not to have any.
fn stamped(mut record: Value) -> Value {
    let fields = record.as_object_mut().expect("an object");
    let stamp = fields.remove("stamp").unwrap_or(json!("2026-01-01T00:00:00Z"));
    if stamp != "none" {
        fields.insert("updated_at".to_owned(), stamp);
    }
    record
}

fn records(entity: &str) -> Vec<Value> {
    let product = |sku: &str| json!({ "id": sku, "sku": sku, "name": "A product", "price": 1_000 });
    let with = |mut record: Value, name: &str, value: Value| {
        record[name] = value;
        record
    };
    let level = |sku: &str, quantity: i32| {
        let id = format!("L-{sku}");
        json!({ "id": id, "sku": sku, "location": "HCM", "quantity": quantity })
    };
    let customer =
        |id: &str, email: Value| json!({ "id": id, "external_id": id, "first_name": "Lan", "email": email });
    let order = |id: &str, currency: &str| {
        let order = json!({ "id": id, "external_id": id, "status": "open", "total": 100 });
        with(order, "currency", json!(currency))
    };
    let all = match entity {
        "products" => vec![
            product("GOOD-1"),
            with(product("NO-STAMP"), "stamp", json!("none")),
            with(product("NULL-STAMP"), "stamp", Value::Null),
            with(product("ZONELESS"), "stamp", json!("2026-01-01 10:00:00")),
            with(product("EPOCH"), "stamp", json!(1_763_632_800)),
            with(product("ZEROS"), "stamp", json!("0000-00-00 00:00:00")),
            with(product("DOLLARS"), "currency", json!("USD")),
            with(product("DONG"), "currency", json!("VND")),
        ],
        "inventory" => vec![level("GOOD-1", -3), level("DONG", 4)],
        "customers" => vec![
            customer("C-1", json!("lan@example.com")),
            customer("C-2", Value::Null),
            customer("C-3", json!("an@example.com; binh@example.com")),
        ],
        _ => vec![order("SO-1", "VND"), order("SO-2", "USD")],
    };
    all.into_iter().map(stamped).collect()
}

#[tokio::test]
async fn a_bad_record_costs_itself_and_lies_in_the_quarantine_by_its_id() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    let mock = MockErp::start(&erp, |asked| Said::page(&records(&asked.path), &Value::Null)).await?;
    let mut config = mock.config(&["products", "inventory", "customers", "orders"]);
    config["mapping_rules"] = json!({});
    let result = erp.sync(config.clone()).await?.completed()?;
    let counts = |entity| {
        let counts = result.report.summary.entities[&entity];
        (counts.read, counts.created, counts.quarantined)
    };
    let all = Entity::ALL.map(counts);
    assert_eq!(all, [(8, 2, 6), (2, 1, 1), (3, 1, 2), (2, 1, 1)]);
    let mut found = BTreeSet::new();
    for row in erp.quarantined().await? {
        found.insert(format!("{}: {}", row.key.unwrap_or_default(), row.cause));
    }
    let wanted = [
        "C-2: customer_email is missing",
        "C-3: customer_email holds more than one address",
        "DOLLARS: product_currency is not VND, which the integration is in",
        "EPOCH: updated_at is not a text",
        "L-GOOD-1: inventory_quantity is negative",
        "NO-STAMP: updated_at is missing",
        "NULL-STAMP: updated_at is null",
        "SO-2: order_currency is not VND, which the integration is in",
        "ZEROS: updated_at is not a time",
        "ZONELESS: updated_at has no zone",
    ];
    assert_eq!(found, wanted.map(str::to_owned).into());
    let watermark = &erp.state().await?["watermarks"]["products"];
    assert_eq!(*watermark, "2026-01-01T00:00:00Z", "what has no moment moves nothing");

    config["max_invalid"] = json!("none");
    let (message, _) = erp.sync(config).await?.failed_as("DataInvalid")?;
    assert!(message.contains("10 of 15 records are invalid, 0 may be (max_invalid)"), "{message}");
    Ok(())
}
