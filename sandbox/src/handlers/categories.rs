//! Categories: a tree, with slugs that are unique below one parent.

mod read;
mod write;

pub(super) use read::{get, list, tree};
pub(super) use write::{create, delete, must_exist, update};

use rusqlite::params;
use serde_json::json;

use crate::answer::{Refusal, Stop};
use crate::shop::Shop;

/// The category of that name, for callers who know categories by their names only. A name that nobody has becomes a
/// category at the top.
pub(crate) fn named(shop: &Shop<'_>, key: Option<&str>, name: &str) -> Result<String, Stop> {
    let mut known: Vec<String> =
        shop.list("SELECT category_id FROM categories WHERE name = ?1 ORDER BY id", [name], |row| {
            row.get(0)
        })?;
    if known.len() > 1 {
        let message = format!("{} categories are called {name}: say which by categoryId", known.len());
        let refusal = Refusal::new(409, "CATEGORY_AMBIGUOUS", message);
        return Err(refusal.with_details(json!({ "category_ids": known })).into());
    }
    if let Some(known) = known.pop() {
        return Ok(known);
    }
    let category_id = shop.next_id("cat")?;
    shop.run(
        "INSERT INTO categories (category_id, name, slug, idempotency_key, changed_by, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?5)",
        params![category_id, name, free_slug(shop, name)?, key, shop.now],
    )?;
    Ok(category_id)
}

/// A slug at the top level that is not taken.
fn free_slug(shop: &Shop<'_>, name: &str) -> rusqlite::Result<String> {
    let wanted = slug(name);
    let mut slug = wanted.clone();
    let mut next = 2;
    let taken = "SELECT count(*) FROM categories WHERE parent_id IS NULL AND slug = ?1";
    while shop.number(taken, [&slug])? > 0 {
        slug = format!("{wanted}-{next}");
        next += 1;
    }
    Ok(slug)
}

/// Letters and digits in lower case, with hyphens between the words.
fn slug(name: &str) -> String {
    let lower = name.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    if words.is_empty() { "category".to_owned() } else { words.join("-") }
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn slugs_are_words_with_hyphens() {
        assert_eq!(slug("Gaming  Laptops & more"), "gaming-laptops-more");
        assert_eq!(slug("Điện thoại"), "điện-thoại");
        assert_eq!(slug("!?"), "category");
    }
}
