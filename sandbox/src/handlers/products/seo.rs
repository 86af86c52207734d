//! Texts for search engines, written by the platform. Nothing is kept: the caller decides where a text goes.

use serde::Deserialize;
use serde_json::json;

use super::unknown;
use crate::answer::{Answer, Stop};
use crate::body;
use crate::call::Call;
use crate::shop::Shop;

/// Search engines show about so many characters of a title.
const TITLE_CHARS_MAX: usize = 60;
/// The same of a description.
const DESCRIPTION_CHARS_MAX: usize = 160;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    r#type: Kind,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    MetaTitle,
    MetaDescription,
}

pub(crate) fn seo_content(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let sku = call.path_id()?;
    let Wanted { r#type } = body::parse(&call.body)?;
    let facts = shop.find(
        "SELECT products.name, products.description, categories.name
         FROM products LEFT JOIN categories USING (category_id) WHERE sku = ?1",
        [sku],
        |row| Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let Some((name, description, category)) = facts else { return Err(unknown(sku).into()) };
    let (description, category): (Option<String>, Option<String>) = (description, category);
    let (kind, content) = match r#type {
        Kind::MetaTitle => ("meta_title", cut(&title(&name, category.as_deref()), TITLE_CHARS_MAX)),
        Kind::MetaDescription => {
            let text = described(&name, description.as_deref(), category.as_deref());
            ("meta_description", cut(&text, DESCRIPTION_CHARS_MAX))
        }
    };
    Answer::success(200, &json!({ "product_id": sku, "type": kind, "content": content }))
}

fn title(name: &str, category: Option<&str>) -> String {
    category.map_or_else(|| name.to_owned(), |category| format!("{name} | {category}"))
}

fn described(name: &str, description: Option<&str>, category: Option<&str>) -> String {
    let of = category.map(|category| format!(" in {category}")).unwrap_or_default();
    match description.map(str::trim).filter(|text| !text.is_empty()) {
        Some(text) => format!("{name}{of}: {text}"),
        None => format!("{name}{of}: order online, delivered to your door."),
    }
}

/// Cut at a word, with an ellipsis.
fn cut(text: &str, max: usize) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= max {
        return text;
    }
    let start: String = text.chars().take(max - 1).collect();
    let end = start.rfind(' ').filter(|end| *end > 0).unwrap_or(start.len());
    format!("{}…", start.get(..end).unwrap_or(&start))
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn a_text_is_cut_at_a_word() {
        assert_eq!(cut("a  short\ntext", 20), "a short text");
        assert_eq!(cut("words that are too many", 12), "words that…");
        assert_eq!(cut("ăâêôơưăâêôơư", 5), "ăâêô…");
    }
}
