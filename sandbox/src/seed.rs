//! The products of a new shop.

use rusqlite::params;

use crate::erp;
use crate::ledger::{Cause, Priced};
use crate::shop::Shop;

/// Where stock lies of which nobody said where.
pub(crate) const DEFAULT_LOCATION: &str = "default";

/// The stock of a new or reset sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Seed {
    /// The products of the sample orders.
    Shop,
    /// Nothing.
    Empty,
}

/// A variant as it is put on the shelf; the price is in minor units.
pub(crate) struct Shelf<'a> {
    pub(crate) sku: &'a str,
    pub(crate) variant_id: &'a str,
    pub(crate) name: &'a str,
    pub(crate) price: i64,
    pub(crate) currency: &'a str,
    pub(crate) stock: i64,
}

/// Prices that the control interface sets belong to no request of the shop.
const BY_HAND: Cause<'static> = Cause { operation: "control", key: None, reason: None, effective_date: None };

const SHOP: [Shelf<'static>; 7] = [
    vnd("LAPTOP-001", "LAPTOP-001-16GB-512GB", "Gaming Laptop Pro", 25_000_000, 50),
    vnd("LAPTOP-001", "LAPTOP-001-32GB-1TB", "Gaming Laptop Pro", 32_000_000, 20),
    vnd("MOUSE-001", "MOUSE-001-BLACK", "Gaming Mouse", 500_000, 200),
    vnd("KEYBOARD-001", "KEYBOARD-001-US", "Mechanical Keyboard", 1_200_000, 80),
    vnd("HEADSET-001", "HEADSET-001-WHITE", "Wireless Headset", 1_800_000, 60),
    vnd("LIMITED-001", "LIMITED-001-RED", "Limited Edition Mouse Pad", 990_000, 1),
    Shelf {
        sku: "TSHIRT-001",
        variant_id: "TSHIRT-001-M",
        name: "Team T-Shirt",
        price: 1999,
        currency: "USD",
        stock: 100,
    },
];

const fn vnd<'a>(sku: &'a str, variant_id: &'a str, name: &'a str, price: i64, stock: i64) -> Shelf<'a> {
    Shelf { sku, variant_id, name, price, currency: "VND", stock }
}

/// Puts the seed's products on the shelves, and its records into the ERP.
pub(crate) fn plant(shop: &Shop<'_>, seed: Seed) -> rusqlite::Result<()> {
    match seed {
        Seed::Shop => {
            SHOP.iter().try_for_each(|shelf| put(shop, shelf))?;
            erp::plant(shop)
        }
        Seed::Empty => Ok(()),
    }
}

/// Creates or changes a variant; the difference in stock goes into the ledger. All of it lies at one place.
pub(crate) fn put(shop: &Shop<'_>, shelf: &Shelf<'_>) -> rusqlite::Result<()> {
    let known = shop.find(
        "SELECT price, currency, on_hand FROM variants WHERE variant_id = ?1",
        [shelf.variant_id],
        |row| {
            let variant_id = shelf.variant_id.to_owned();
            Ok((Priced { variant_id, price: row.get(0)?, currency: row.get(1)?, cost: None }, row.get(2)?))
        },
    )?;
    shop.run(
        "INSERT INTO products (sku, name, created_at, updated_at) VALUES (?1, ?2, ?3, ?3)
         ON CONFLICT (sku) DO UPDATE SET name = excluded.name",
        params![shelf.sku, shelf.name, shop.now],
    )?;
    let on_hand: i64 = known.as_ref().map_or(0, |(_, on_hand)| *on_hand);
    if let Some((variant, _)) = known {
        shop.set_price(shelf.sku, &variant, (shelf.price, shelf.currency), BY_HAND)?;
    }
    shop.run(
        "INSERT INTO variants (variant_id, sku, price, opening_price, currency, on_hand)
         VALUES (?1, ?2, ?3, ?3, ?4, ?5)
         ON CONFLICT (variant_id) DO UPDATE SET sku = excluded.sku, on_hand = excluded.on_hand",
        params![shelf.variant_id, shelf.sku, shelf.price, shelf.currency, shelf.stock],
    )?;
    shop.run(
        "INSERT INTO adjustments (variant_id, delta, time) VALUES (?1, ?2, ?3)",
        params![shelf.variant_id, shelf.stock - on_hand, shop.now],
    )?;
    shop.run("DELETE FROM levels WHERE variant_id = ?1", [shelf.variant_id])?;
    shop.shift_level(shelf.variant_id, DEFAULT_LOCATION, shelf.stock)
}

/// Empties every table. Only the id sequence stays, so that ids from before the reset do not return.
pub(crate) fn clear(shop: &Shop<'_>) -> rusqlite::Result<()> {
    let tables = shop.list(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('settings')",
        [],
        |row| row.get::<_, String>(0),
    )?;
    for table in tables {
        shop.batch(&format!("DELETE FROM \"{table}\""))?;
    }
    shop.run("DELETE FROM settings WHERE name <> 'sequence'", [])?;
    Ok(())
}
