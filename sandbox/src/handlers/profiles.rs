//! The shop's view of a customer: preferences, the home page, segments, recommendations.

use rusqlite::params;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::customers::{existing, facts, select};
use crate::answer::{Answer, Refusal, Stop};
use crate::body::{self, Text};
use crate::call::Call;
use crate::clock;
use crate::money::Major;
use crate::shop::Shop;

const RECOMMENDATIONS_MAX: u32 = 50;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Preferences {
    recommendation_settings: Settings,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    categories: Vec<Text>,
    price_range: Option<Text>,
    brands: Vec<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    content_type: Text,
    sections: Vec<Section>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Section {
    HeroBanner { content: Text },
    ProductRecommendations { source: Text },
    CategoryHighlights { categories: Vec<Text> },
}

impl Section {
    /// The section as it is kept.
    fn json(&self) -> Value {
        match self {
            Self::HeroBanner { content } => json!({ "type": "hero_banner", "content": &**content }),
            Self::ProductRecommendations { source } => {
                json!({ "type": "product_recommendations", "source": &**source })
            }
            Self::CategoryHighlights { categories } => {
                json!({ "type": "category_highlights", "categories": texts(categories) })
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Segments {
    segments: Vec<Text>,
}

fn texts(texts: &[Text]) -> Vec<&str> {
    texts.iter().map(|text| &**text).collect()
}

pub(super) fn set_preferences(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let customer_id = call.path_id()?;
    let Preferences { recommendation_settings: Settings { categories, price_range, brands } } =
        body::parse(&call.body)?;
    existing(shop, customer_id)?;
    let settings = json!({
        "categories": texts(&categories), "price_range": price_range.as_deref(), "brands": texts(&brands),
    });
    shop.run(
        "UPDATE customers SET recommendation_settings = ?2 WHERE customer_id = ?1",
        [customer_id, &settings.to_string()],
    )?;
    let answer = Answer::success(200, &json!({ "recommendation_settings": settings }))?;
    Ok(answer.with_effect(format!("set preferences of {customer_id}")))
}

pub(super) fn set_content(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let customer_id = call.path_id()?;
    let Content { content_type, sections } = body::parse(&call.body)?;
    if &*content_type != "homepage" {
        return Err(Refusal::invalid("content_type", "must be homepage").into());
    }
    if sections.is_empty() {
        return Err(Refusal::invalid("sections", "must not be empty").into());
    }
    existing(shop, customer_id)?;
    let sections: Vec<Value> = sections.iter().map(Section::json).collect();
    shop.run(
        "INSERT INTO personalized_content (customer_id, content_type, sections) VALUES (?1, ?2, ?3)
         ON CONFLICT (customer_id, content_type) DO UPDATE SET sections = excluded.sections",
        params![customer_id, &*content_type, json!(sections).to_string()],
    )?;
    let answer = Answer::success(201, &json!({ "content_type": &*content_type, "sections": sections }))?;
    Ok(answer.with_effect(format!("laid out the home page of {customer_id}")))
}

pub(super) fn add_segments(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let customer_id = call.path_id()?;
    let Segments { segments } = body::parse(&call.body)?;
    if segments.is_empty() {
        return Err(Refusal::invalid("segments", "must not be empty").into());
    }
    existing(shop, customer_id)?;
    for segment in &segments {
        shop.run(
            "INSERT INTO segments (customer_id, segment) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            [customer_id, segment],
        )?;
    }
    let answer = Answer::success(200, &json!({ "segments": segments_of(shop, customer_id)? }))?;
    Ok(answer.with_effect(format!("put {customer_id} into {} segments", segments.len())))
}

fn segments_of(shop: &Shop<'_>, customer_id: &str) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT segment FROM segments WHERE customer_id = ?1 ORDER BY segment";
    shop.list(sql, [customer_id], |row| row.get(0))
}

/// Every product on the shelves, once: the sandbox's idea of a recommendation.
pub(super) fn recommend(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let unknown = call.query.keys().find(|name| !["customer_id", "type", "limit"].contains(&name.as_str()));
    if let Some(unknown) = unknown {
        return Err(Refusal::invalid(unknown, "is not a parameter of recommendations").into());
    }
    let parameter = |name: &str| {
        let value = call.query.get(name).map(String::as_str);
        value.ok_or_else(|| Stop::from(Refusal::invalid(name, "is missing")))
    };
    if parameter("type")? != "onboarding" {
        return Err(Refusal::invalid("type", "must be onboarding").into());
    }
    let limit = parameter("limit")?.parse().ok().filter(|limit| (1..=RECOMMENDATIONS_MAX).contains(limit));
    let Some(limit) = limit else {
        return Err(Refusal::invalid("limit", format!("must be 1 to {RECOMMENDATIONS_MAX}")).into());
    };
    existing(shop, parameter("customer_id")?)?;
    let products = shop.list(
        "SELECT sku, name, min(price), currency FROM variants JOIN products USING (sku)
         WHERE on_hand > held AND status = 'active' GROUP BY sku ORDER BY sku LIMIT ?1",
        [limit],
        |row| {
            let currency: String = row.get(3)?;
            Ok(json!({
                "product_id": row.get::<_, String>(0)?,
                "name": row.get::<_, String>(1)?,
                "price": Major::new(row.get(2)?, &currency),
                "currency": currency,
            }))
        },
    )?;
    Answer::success(200, &json!({ "products": products }))
}

/// Every customer with everything that belongs to it, for the control interface.
pub(crate) fn list(shop: &Shop<'_>) -> Result<Vec<Value>, Stop> {
    select(shop, "TRUE", [])?.iter().map(|customer| whole(shop, customer)).collect()
}

fn whole(shop: &Shop<'_>, customer: &super::customers::Customer) -> Result<Value, Stop> {
    let id = customer.customer_id.as_str();
    let raw = |sql: &str| -> rusqlite::Result<Option<Box<RawValue>>> {
        let text = shop.find(sql, [id], |row| row.get::<_, Option<String>>(0))?.flatten();
        Ok(text.and_then(|text| RawValue::from_string(text).ok()))
    };
    let points = shop.number(
        "SELECT (SELECT coalesce(sum(points), 0) FROM grants WHERE customer_id = ?1)
              - (SELECT coalesce(sum(reversals.points), 0) FROM reversals JOIN grants USING (grant_id)
                 WHERE customer_id = ?1)",
        [id],
    )?;
    let coupons = shop.list(
        "SELECT code, status, percent, usage_limit, expires_at FROM coupons WHERE customer_id = ?1 ORDER BY id",
        [id],
        |row| {
            Ok(json!({
                "code": row.get::<_, String>(0)?,
                "status": row.get::<_, String>(1)?,
                "percent": row.get::<_, i64>(2)?,
                "usage_limit": row.get::<_, i64>(3)?,
                "expiry_date": clock::text(row.get(4)?),
            }))
        },
    )?;
    Ok(json!({
        "customer": customer,
        "mail": facts(shop, id)?,
        "preferences": raw("SELECT preferences FROM customers WHERE customer_id = ?1")?,
        "recommendation_settings": raw("SELECT recommendation_settings FROM customers WHERE customer_id = ?1")?,
        "homepage": raw("SELECT sections FROM personalized_content WHERE customer_id = ?1")?,
        "segments": segments_of(shop, id)?,
        "points": points,
        "coupons": coupons,
    }))
}
