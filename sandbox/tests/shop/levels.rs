//! Stock by location, and what orders and syncs make of it together.

use serde_json::{Value, json};

use crate::harness::{Ask, LAPTOP, Shop};

fn set<'a>(shop: &'a Shop, sku: &str, location: &str, quantity: i64) -> Ask<'a> {
    let body =
        json!({ "product_sku": sku, "location": location, "quantity": quantity, "sync_source": "erp" });
    shop.put("/inventory/levels", body)
}

async fn levels(shop: &Shop, sku: &str) -> Value {
    let catalog = shop.get("/_sandbox/catalog").await;
    let entries = catalog.as_array().expect("a list");
    let entry = entries.iter().find(|entry| entry["sku"] == sku).expect("a known product");
    let levels = entry["levels"].as_array().expect("a list").iter();
    levels.map(|level| json!([level["location"], level["quantity"]])).collect()
}

#[tokio::test]
async fn a_level_is_set_and_the_difference_kept_in_the_ledger() {
    let shop = Shop::open().await;
    assert_eq!(levels(&shop, "MOUSE-001").await, json!([["default", 200]]));
    let answer = set(&shop, "MOUSE-001", "HN", 7).key("a").send().await.data(200);
    assert_eq!(answer, json!({ "product_sku": "MOUSE-001", "location": "HN", "quantity": 7 }));
    assert_eq!(shop.stock("MOUSE-001-BLACK").await, (207, 0));
    assert!(set(&shop, "MOUSE-001", "HN", 7).key("a").send().await.replayed);
    set(&shop, "MOUSE-001", "default", 20).key("b").send().await.data(200);
    set(&shop, "MOUSE-001", "HN", 7).key("c").send().await.data(200);
    set(&shop, "MOUSE-001", "DN", 0).key("d").send().await.data(200);
    assert_eq!(levels(&shop, "MOUSE-001").await, json!([["DN", 0], ["HN", 7], ["default", 20]]));
    assert_eq!(shop.stock("MOUSE-001-BLACK").await, (27, 0));
    let log = shop.get("/_sandbox/effects").await;
    let effects: Vec<_> = log.as_array().expect("a list").iter().map(|line| line["effect"].clone()).collect();
    let expected = [
        "set MOUSE-001 at HN to 7 (erp)",
        "set MOUSE-001 at default to 20 (erp)",
        "none",
        "set MOUSE-001 at DN to 0 (erp)",
    ];
    assert_eq!(effects, expected);
    assert_eq!(log[0]["attempts"], 2);
    set(&shop, "GHOST", "HN", 1).send().await.refused(404, "PRODUCT_NOT_FOUND");
    for wrong in [json!(-1), json!(1.5), json!("1")] {
        let mut body = json!({ "product_sku": "MOUSE-001", "location": "HN", "sync_source": "erp" });
        body["quantity"] = wrong;
        shop.put("/inventory/levels", body).send().await.refused(400, "VALIDATION_ERROR");
    }
    assert_eq!(shop.violations().await, [""; 0]);
}

#[tokio::test]
async fn what_is_held_is_not_taken_away() {
    let shop = Shop::open().await;
    set(&shop, "MOUSE-001", "default", 3).send().await.data(200);
    set(&shop, "MOUSE-001", "HN", 2).send().await.data(200);
    shop.reserve("ORDER-001", "MOUSE-001-BLACK", 4).send().await.data(200);
    set(&shop, "MOUSE-001", "default", 1).send().await.refused(409, "STOCK_HELD");
    assert_eq!(levels(&shop, "MOUSE-001").await, json!([["HN", 2], ["default", 3]]), "nothing is half done");
    set(&shop, "MOUSE-001", "default", 2).send().await.data(200);
    set(&shop, "MOUSE-001", "HN", 1).send().await.refused(409, "STOCK_HELD");
    assert_eq!(shop.stock("MOUSE-001-BLACK").await, (4, 4));
    assert_eq!(shop.violations().await, [""; 0]);
}

#[tokio::test]
async fn orders_take_from_the_fullest_place_and_give_back() {
    let shop = Shop::open().await;
    set(&shop, "MOUSE-001", "default", 3).send().await.data(200);
    set(&shop, "MOUSE-001", "HN", 5).send().await.data(200);
    shop.reserve("ORDER-001", "MOUSE-001-BLACK", 6).send().await.data(200);
    shop.confirm("ORDER-001", "MOUSE-001-BLACK", 6).send().await.data(200);
    assert_eq!(levels(&shop, "MOUSE-001").await, json!([["HN", 0], ["default", 2]]));
    let body = json!({
        "items": [{ "variant_id": "MOUSE-001-BLACK", "quantity": 6 }], "reference_id": "ORDER-001",
    });
    shop.post("/inventory/restock", body).send().await.data(200);
    assert_eq!(levels(&shop, "MOUSE-001").await, json!([["HN", 0], ["default", 8]]));
    assert_eq!(shop.stock("MOUSE-001-BLACK").await, (8, 0));
    assert_eq!(shop.violations().await, [""; 0]);
    let put = json!([{ "sku": "MOUSE-001", "variant_id": "MOUSE-001-BLACK", "price": 1, "stock": 4 }]);
    shop.put("/_sandbox/products", put).send().await.ok(200);
    assert_eq!(levels(&shop, "MOUSE-001").await, json!([["default", 4]]), "all of it lies at one place");
    assert_eq!(shop.violations().await, [""; 0]);
}

#[tokio::test]
async fn the_variants_of_a_product_are_counted_together() {
    let shop = Shop::open().await;
    assert_eq!(levels(&shop, "LAPTOP-001").await, json!([["default", 70]]));
    shop.reserve("ORDER-001", LAPTOP, 48).send().await.data(200);
    set(&shop, "LAPTOP-001", "default", 47).send().await.refused(409, "STOCK_HELD");
    set(&shop, "LAPTOP-001", "default", 60).send().await.data(200);
    assert_eq!(shop.stock(LAPTOP).await, (48, 48));
    assert_eq!(shop.stock("LAPTOP-001-32GB-1TB").await, (12, 0));
    assert_eq!(levels(&shop, "LAPTOP-001").await, json!([["default", 60]]));
    assert_eq!(shop.violations().await, [""; 0]);
}

#[tokio::test]
async fn levels_are_looked_up_and_counted() {
    let shop = Shop::open().await;
    set(&shop, "MOUSE-001", "HN", 0).send().await.data(200);
    let item = |sku: &str, location: &str| json!({ "sku": sku, "location": location });
    let items = json!([
        item("MOUSE-001", "HN"),
        item("GHOST", "HN"),
        item("MOUSE-001", "HCM"),
        item("LAPTOP-001", "default"),
    ]);
    let found = shop.post("/inventory/lookup", json!({ "items": items })).send().await.data(200);
    let expected = json!([
        { "sku": "MOUSE-001", "location": "HN", "quantity": 0 },
        { "sku": "LAPTOP-001", "location": "default", "quantity": 70 },
    ]);
    assert_eq!(found["levels"], expected);
    let too_many: Vec<_> = (0..501).map(|_| item("MOUSE-001", "HN")).collect();
    for items in [json!([]), json!(too_many)] {
        let refused = shop.post("/inventory/lookup", json!({ "items": items })).send().await;
        refused.refused(400, "VALIDATION_ERROR");
    }
    let body = json!({ "items": [{ "sku": "MOUSE-001", "location": "HN", "colour": "red" }] });
    let error = shop.post("/inventory/lookup", body).send().await.refused(400, "VALIDATION_ERROR");
    assert!(error["details"]["items[0].colour"].is_array(), "{error}");
    let statistics = shop.get("/inventory/statistics").await["data"].clone();
    assert_eq!(statistics, json!({ "levels": 7, "levels_in_stock": 6 }));
}
