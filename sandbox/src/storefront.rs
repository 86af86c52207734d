//! The shelf as a customer sees it: categories, pictures, prices after rules.

use axum::extract::State;
use axum::response::Response;

use crate::answer::Stop;
use crate::handlers::{Offer, OpenRules, Reduced, first_image};
use crate::html::{self, escaped};
use crate::http::{Shared, answer_or_stop};
use crate::ledger::Priced;
use crate::money::Major;
use crate::shop::Shop;

/// Beyond so many products of one category the page says how many are left out.
const PRODUCTS_MAX: i64 = 60;

const STYLE: &str = "body{font:15px/1.45 sans-serif;margin:0 auto;max-width:68rem;padding:1.5rem;color:#23252b;\
background:#f7f6f3}h1{font-size:1.5rem;margin:0 0 1rem}h2{font-size:1.1rem;margin:2rem 0 .75rem;padding-bottom:.3rem;\
border-bottom:1px solid #d8d5cc}h2 small,.aside{color:#6b6d74;font-weight:normal}ul{list-style:none;margin:0;padding:0;\
display:grid;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));gap:1rem}\
li{background:#fff;border:1px solid #e4e1d9;border-radius:.5rem;overflow:hidden;display:flex;flex-direction:column}\
.picture{height:9rem;background:#edebe5;display:flex;align-items:center;justify-content:center;color:#8b8d94;\
font-size:.85rem}.picture img{width:100%;height:100%;object-fit:cover}.facts{padding:.75rem .9rem 1rem}\
h3{font-size:1rem;margin:0 0 .15rem}p{margin:.25rem 0 0}.price{font-weight:600;font-size:1.05rem}\
s{color:#8b8d94;font-weight:normal;font-size:.9rem}.rule{color:#a3420a;font-size:.85rem}.aside{font-size:.85rem}";

struct Category {
    id: Option<String>,
    /// The names from the top down.
    path: String,
}

struct Product {
    sku: String,
    name: String,
    text: Option<String>,
    category_id: Option<String>,
    in_stock: i64,
}

/// `GET /_sandbox/shop`.
pub(crate) async fn show(State(service): State<Shared>) -> Response {
    match service.transact(shelves).await {
        Ok(content) => html::page("Shop", STYLE, &content),
        Err(stop) => answer_or_stop(Err(stop)),
    }
}

fn shelves(shop: &Shop<'_>) -> Result<String, Stop> {
    let rules = OpenRules::load(shop)?;
    let mut html = String::new();
    for category in categories(shop)? {
        html += &shelf(shop, &rules, &category)?;
    }
    Ok(if html.is_empty() { "<p>Nothing is on the shelves.</p>".to_owned() } else { html })
}

/// The categories that a customer sees, by path; those without a category come last.
fn categories(shop: &Shop<'_>) -> rusqlite::Result<Vec<Category>> {
    let mut categories = shop.list(
        "WITH RECURSIVE shown (id, path, place) AS (
             SELECT category_id, name, printf('%011d.%09d', sort_order + 5000000000, id)
             FROM categories WHERE parent_id IS NULL AND is_active
             UNION ALL
             SELECT category_id, path || ' / ' || name,
                    place || printf('/%011d.%09d', sort_order + 5000000000, categories.id)
             FROM categories JOIN shown ON parent_id = shown.id WHERE is_active)
         SELECT id, path FROM shown ORDER BY place",
        [],
        |row| Ok(Category { id: row.get(0)?, path: row.get(1)? }),
    )?;
    categories.push(Category { id: None, path: "Everything else".to_owned() });
    Ok(categories)
}

/// One category; empty when nothing is in it.
fn shelf(shop: &Shop<'_>, rules: &OpenRules, category: &Category) -> Result<String, Stop> {
    let total = shop.number(
        "SELECT count(*) FROM products WHERE category_id IS ?1 AND status = 'active'",
        [&category.id],
    )?;
    if total == 0 {
        return Ok(String::new());
    }
    let products = shop.list(
        "SELECT sku, name, coalesce(short_description, description), category_id,
                (SELECT coalesce(sum(on_hand - held), 0) FROM variants WHERE variants.sku = products.sku)
         FROM products WHERE category_id IS ?1 AND status = 'active' ORDER BY id LIMIT ?2",
        rusqlite::params![category.id, PRODUCTS_MAX],
        |row| {
            let (sku, name) = (row.get(0)?, row.get(1)?);
            Ok(Product { sku, name, text: row.get(2)?, category_id: row.get(3)?, in_stock: row.get(4)? })
        },
    )?;
    let mut html = format!("<h2>{} <small>{total}</small></h2>\n<ul>\n", escaped(&category.path));
    for product in &products {
        html += &card(shop, rules, product)?;
    }
    html += "</ul>\n";
    if total > PRODUCTS_MAX {
        html += &format!("<p class=\"aside\">and {} more</p>\n", total - PRODUCTS_MAX);
    }
    Ok(html)
}

fn card(shop: &Shop<'_>, rules: &OpenRules, product: &Product) -> Result<String, Stop> {
    let Product { sku, name, text, in_stock, .. } = product;
    let mut html = format!("<li>{}<div class=\"facts\"><h3>{}</h3>\n", picture(shop, sku)?, escaped(name));
    if let Some(text) = text {
        html += &format!("<p class=\"aside\">{}</p>\n", escaped(&first_chars(text, 110)));
    }
    html += &prices(shop, rules, product)?;
    let stock = if *in_stock > 0 { format!("{in_stock} in stock") } else { "sold out".to_owned() };
    html += &format!("<p class=\"aside\">{} · {stock}</p></div></li>\n", escaped(sku));
    Ok(html)
}

/// The first of the product's pictures. One from elsewhere is named, not loaded.
fn picture(shop: &Shop<'_>, sku: &str) -> rusqlite::Result<String> {
    let picture = match first_image(shop, sku)? {
        None => "no picture".to_owned(),
        Some(image) => {
            let alt = escaped(image.alt.as_deref().unwrap_or_default());
            match image.media_id() {
                Some(media_id) => format!("<img src=\"../media/{}\" alt=\"{alt}\">", escaped(media_id)),
                None => format!("picture elsewhere {alt}"),
            }
        }
    };
    Ok(format!("<div class=\"picture\">{picture}</div>"))
}

/// The price, or the range of the variants' prices, and the lower ones that rules give.
fn prices(shop: &Shop<'_>, rules: &OpenRules, product: &Product) -> Result<String, Stop> {
    let variants = shop.priced(&product.sku)?;
    let Some(cheapest) = variants.iter().min_by_key(|variant| variant.price) else {
        return Ok(String::new());
    };
    let Priced { price, currency, .. } = cheapest;
    let category_id = product.category_id.as_deref();
    let [one, several] = rules.reduce(Offer { sku: &product.sku, category_id, price: *price, currency });
    let from = if variants.iter().any(|variant| variant.price != *price) { "from " } else { "" };
    let money = |minor: i64| in_words(minor, currency);
    let mut html = match &one {
        None => format!("<p class=\"price\">{from}{}</p>\n", money(*price)),
        Some(Reduced { price: lower, rule, .. }) => format!(
            "<p class=\"price\">{from}{} <s>{}</s></p>\n<p class=\"rule\">{}</p>\n",
            money(*lower),
            money(*price),
            escaped(rule)
        ),
    };
    if let Some(Reduced { price: lower, quantity, rule }) = &several {
        let rule = escaped(rule);
        html += &format!("<p class=\"rule\">{rule}: {} each from {quantity} pieces</p>\n", money(*lower));
    }
    Ok(html)
}

/// `25,000,000 VND`.
fn in_words(minor: i64, currency: &str) -> String {
    let text = Major::new(minor, currency).to_string();
    let (whole, decimals) = text.split_once('.').map_or((text.as_str(), None), |(w, d)| (w, Some(d)));
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let decimals = decimals.map(|decimals| format!(".{decimals}")).unwrap_or_default();
    format!("{grouped}{decimals} {}", escaped(currency))
}

fn first_chars(text: &str, max: usize) -> String {
    let start: String = text.chars().take(max).collect();
    if start.len() < text.len() { format!("{start}…") } else { start }
}

#[cfg(test)]
mod tests {
    use super::{first_chars, in_words};

    #[test]
    fn amounts_are_grouped() {
        assert_eq!(in_words(25_000_000, "VND"), "25,000,000 VND");
        assert_eq!(in_words(1_999, "USD"), "19.99 USD");
        assert_eq!(in_words(123_456_789, "USD"), "1,234,567.89 USD");
        assert_eq!(in_words(999, "VND"), "999 VND");
    }

    #[test]
    fn a_text_is_cut_between_letters() {
        assert_eq!(first_chars("Áo dài", 2), "Áo…");
        assert_eq!(first_chars("Áo", 2), "Áo");
    }
}
