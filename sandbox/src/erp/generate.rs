//! Records that nobody typed in: the seed's few, and as many products as a test wants.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::records::{Entity, write_row};
use crate::answer::{Refusal, Stop};
use crate::random::SplitMix64;
use crate::shop::Shop;

const PRODUCTS_MAX: u32 = 1_000_000;
const MICROS_PER_SECOND: i64 = 1_000_000;
const ADJECTIVES: [&str; 8] = ["Quiet", "Bright", "Sturdy", "Light", "Round", "Folding", "Little", "Warm"];
const NOUNS: [&str; 8] = ["Lamp", "Chair", "Kettle", "Basket", "Clock", "Shelf", "Blanket", "Bottle"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Generate {
    products: u32,
    #[serde(default)]
    inventory: bool,
    #[serde(default)]
    seed: u64,
    /// Every so many products one has no price that anybody could read.
    invalid_every: Option<NonZeroU32>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Generated {
    products: u32,
    inventory: u32,
}

/// Makes products, the newest a second ago and each a second older than the next. The same numbers and
/// seed make the same records, but for their times.
pub(crate) fn generate(shop: &Shop<'_>, wanted: &Generate) -> Result<Generated, Stop> {
    if wanted.products > PRODUCTS_MAX {
        return Err(Refusal::invalid("products", format!("must be at most {PRODUCTS_MAX}")).into());
    }
    let mut random = SplitMix64(wanted.seed);
    let mut pick = |count: u64| random.next() % count;
    for number in 1..=wanted.products {
        let code = format!("ERP-{number:06}");
        let updated_at = shop.now * 1000 - i64::from(wanted.products - number + 1) * MICROS_PER_SECOND;
        let (adjective, noun) = (one_of(&ADJECTIVES, pick(8)), one_of(&NOUNS, pick(8)));
        let price = (pick(500) + 10) * 1000;
        let is_invalid = wanted.invalid_every.is_some_and(|every| number % every == 0);
        let price = if is_invalid { r#""on request""#.to_owned() } else { price.to_string() };
        // Drawn whether needed or not: the products are the same with and without inventory.
        let (location, quantity) = (one_of(&["HCM", "HN"], pick(2)), pick(200));
        let fields = format!(
            r#"{{"item_code":"{code}","item_description":"{adjective} {noun} {number}","unit":"pcs","unit_price":{price}}}"#
        );
        write_row(shop, Entity::Products, &code, updated_at, Some(&code), &fields)?;
        if wanted.inventory {
            let key = format!("{code}@{location}");
            let fields = format!(r#"{{"location":"{location}","quantity":{quantity},"sku":"{code}"}}"#);
            write_row(shop, Entity::Inventory, &key, updated_at, Some(&key), &fields)?;
        }
    }
    let inventory = if wanted.inventory { wanted.products } else { 0 };
    Ok(Generated { products: wanted.products, inventory })
}

fn one_of<'a>(words: &[&'a str], index: u64) -> &'a str {
    usize::try_from(index).ok().and_then(|index| words.get(index)).copied().unwrap_or("Plain")
}

/// The records of a new shop's ERP: enough for a first sync, of people and things that do not exist.
pub(crate) fn plant(shop: &Shop<'_>) -> rusqlite::Result<()> {
    let products = [("ERP-DESK", "Standing Desk", 7_900_000), ("ERP-CHAIR", "Office Chair", 3_450_000)];
    let products = products.into_iter().chain([("ERP-LAMP", "Desk Lamp", 650_000)]);
    for ((code, description, price), (location, quantity)) in
        products.zip([("HCM", 12), ("HN", 30), ("HCM", 75)])
    {
        let fields = json!({
            "item_code": code, "item_description": description, "unit_price": price, "unit": "pcs",
        });
        plant_one(shop, Entity::Products, code, &fields)?;
        let key = format!("{code}@{location}");
        let fields = json!({ "sku": code, "location": location, "quantity": quantity });
        plant_one(shop, Entity::Inventory, &key, &fields)?;
    }
    for (id, first_name, last_name, phone) in
        [("ERP-C-1", "Anh", "Example", "+84900000001"), ("ERP-C-2", "Binh", "Example", "+84900000002")]
    {
        let email = format!("{}@example.com", first_name.to_lowercase());
        let fields = json!({
            "external_id": id, "email": email, "first_name": first_name, "last_name": last_name,
            "phone": phone,
        });
        plant_one(shop, Entity::Customers, id, &fields)?;
    }
    Ok(())
}

fn plant_one(shop: &Shop<'_>, entity: Entity, key: &str, fields: &serde_json::Value) -> rusqlite::Result<()> {
    // In the seed every record goes by its key.
    write_row(shop, entity, key, shop.now * 1000, Some(key), &fields.to_string())
}
