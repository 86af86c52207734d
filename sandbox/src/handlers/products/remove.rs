//! Products taken out of the catalogue: archived, or deleted with everything of theirs.

use serde_json::json;

use super::read::existing;
use crate::answer::{Answer, Refusal, Stop};
use crate::call::Call;
use crate::handlers::columns::{self, Table};
use crate::paging;
use crate::shop::Shop;

const TABLE: Table = Table { name: "products", id: "sku" };

/// `force=true` deletes; without it the product is archived, and its SKU stays taken.
pub(crate) fn delete(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    paging::only(&call.query, &["force"])?;
    let force = match call.query.get("force").map(String::as_str) {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Refusal::invalid("force", "must be true or false").into()),
    };
    let sku = call.path_id()?;
    existing(shop, sku)?;
    if force {
        must_be_unused(shop, sku)?;
        erase(shop, sku)?;
        return Ok(Answer::gone().with_effect(format!("deleted product {sku}")));
    }
    let status = Some("archived");
    let changed = columns::set(shop, TABLE, sku, &[("status", "status", columns::given(&status))])?;
    if changed.is_empty() {
        return Ok(Answer::gone());
    }
    columns::stamp(shop, TABLE, sku, call)?;
    Ok(Answer::gone().with_effect(format!("archived product {sku}")))
}

/// 409 `PRODUCT_IN_USE`: it is held, or it was ordered or sold.
fn must_be_unused(shop: &Shop<'_>, sku: &str) -> Result<(), Stop> {
    let holds = shop.number(
        "SELECT count(*) FROM reservations JOIN variants USING (variant_id)
         WHERE sku = ?1 AND status IN ('held', 'confirmed')",
        [sku],
    )?;
    let orders = shop.number(
        "SELECT count(DISTINCT order_id) FROM order_lines
         WHERE product_id = ?1 OR variant_id IN (SELECT variant_id FROM variants WHERE sku = ?1)",
        [sku],
    )?;
    if holds + orders == 0 {
        return Ok(());
    }
    let message = format!("{sku} has {holds} reservations and is part of {orders} orders");
    let details = json!({ "reservations": holds, "orders": orders });
    Err(Refusal::new(409, "PRODUCT_IN_USE", message).with_details(details).into())
}

fn erase(shop: &Shop<'_>, sku: &str) -> rusqlite::Result<()> {
    for table in ["levels", "adjustments", "price_changes"] {
        let sql = format!(
            "DELETE FROM {table} WHERE variant_id IN (SELECT variant_id FROM variants WHERE sku = ?1)"
        );
        shop.run(&sql, [sku])?;
    }
    shop.run("DELETE FROM product_images WHERE sku = ?1", [sku])?;
    shop.run("DELETE FROM variants WHERE sku = ?1", [sku])?;
    shop.run("DELETE FROM products WHERE sku = ?1", [sku])?;
    Ok(())
}
