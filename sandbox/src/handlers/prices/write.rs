//! Prices written by SKU, each compared with the price that the caller expects.

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::params;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::answer::{Answer, Refusal, Stop};
use crate::body::{self, Text};
use crate::call::Call;
use crate::handlers::products;
use crate::ledger::{Cause, Priced};
use crate::money::{Amount, Currency, Major};
use crate::shop::Shop;

const ROWS_MAX: usize = 1000;

/// A price to write. The SKU is in the path, or in the row of a batch.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    sku: Option<Text>,
    price: Amount,
    expected_price: Option<Amount>,
    variant: Option<Text>,
    currency: Option<Currency>,
    reason: Option<String>,
    effective_date: Option<Effective>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch {
    updates: Vec<Row>,
}

/// A time or a whole day, kept as it was written.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Effective(String);

impl TryFrom<String> for Effective {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match (text.parse::<Timestamp>(), text.parse::<Date>()) {
            // A time without an offset parses as the date that it begins with.
            (Ok(_), _) => Ok(Self(text)),
            (Err(_), Ok(_)) if text.len() == "2026-01-01".len() => Ok(Self(text)),
            _ => Err("must be a time as of RFC 3339, or a date"),
        }
    }
}

/// A price as it was written, or found to be so already.
#[derive(Serialize)]
struct Written {
    product_id: String,
    sku: String,
    /// The variant that was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<String>,
    status: &'static str,
    old_price: Major,
    price: Major,
    currency: String,
}

/// A row of a batch that was refused; the others are not touched by that.
#[derive(Serialize)]
struct Refused {
    sku: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<String>,
    status: &'static str,
    error: Failure,
}

#[derive(Serialize)]
struct Failure {
    status: u16,
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Value>,
}

/// One result per row, in their order.
#[derive(Serialize)]
#[serde(untagged)]
enum Outcome {
    Written(Written),
    Refused(Refused),
}

#[derive(Default, Serialize)]
struct Results {
    updated: u32,
    unchanged: u32,
    refused: u32,
    results: Vec<Outcome>,
}

/// One price.
pub(crate) fn set(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let sku = call.path_id()?;
    let row: Row = body::parse(&call.body)?;
    if row.sku.is_some() {
        return Err(Refusal::invalid("sku", "unknown field: the SKU is in the path").into());
    }
    let written = write(shop, call, sku, &row)?;
    let answer = Answer::success(200, &written)?;
    Ok(if written.status == UPDATED {
        let (old, new) = (written.old_price, written.price);
        answer.with_effect(format!("changed the price of {sku} from {old} to {new}"))
    } else {
        answer
    })
}

/// Up to a thousand prices in one transaction: a row that is refused costs itself only.
pub(crate) fn set_many(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let Batch { updates } = body::parse(&call.body)?;
    if !(1..=ROWS_MAX).contains(&updates.len()) {
        return Err(Refusal::invalid("updates", format!("must have 1 to {ROWS_MAX} entries")).into());
    }
    if let Some(nameless) = updates.iter().position(|row| row.sku.is_none()) {
        return Err(Refusal::invalid(&format!("updates[{nameless}].sku"), "missing field `sku`").into());
    }
    let mut results = Results::default();
    for (row, sku) in updates.iter().filter_map(|row| Some((row, row.sku.as_deref()?))) {
        results.note(write(shop, call, sku, row), sku, row)?;
    }
    let updated = results.updated;
    let answer = Answer::success(200, &results)?;
    Ok(if updated == 0 { answer } else { answer.with_effect(format!("changed {updated} prices")) })
}

impl Results {
    fn note(&mut self, written: Result<Written, Stop>, sku: &str, row: &Row) -> Result<(), Stop> {
        let outcome = match written {
            Ok(written) => {
                let count = if written.status == UPDATED { &mut self.updated } else { &mut self.unchanged };
                *count += 1;
                Outcome::Written(written)
            }
            Err(Stop::Refused(refusal)) => {
                self.refused += 1;
                let Refusal { status, code, message, details } = *refusal;
                let error = Failure { status, code, message, details };
                let variant = row.variant.as_ref().map(|variant| variant.to_string());
                Outcome::Refused(Refused { sku: sku.to_owned(), variant, status: "refused", error })
            }
            Err(broken) => return Err(broken),
        };
        self.results.push(outcome);
        Ok(())
    }
}

const UPDATED: &str = "updated";
const UNCHANGED: &str = "unchanged";

/// Everything is checked before the first write, so a refusal has nothing to take back.
fn write(shop: &Shop<'_>, call: &Call, sku: &str, row: &Row) -> Result<Written, Stop> {
    let variants = meant(shop, sku, row)?;
    let Some(first) = variants.first() else { return Err(products::unknown(sku).into()) };
    let (old_price, currency) = (first.price, first.currency.clone());
    if let Some(given) = row.currency.as_ref().filter(|given| given.code() != currency) {
        let message = format!("the price of {sku} is in {currency}, not in {}", given.code());
        let refusal = Refusal::new(422, "CURRENCY_MISMATCH", message);
        return Err(refusal.with_details(json!({ "sku": sku, "currency": currency })).into());
    }
    let price = row.price.minor(&currency, "price")?;
    if let Some(expected) = &row.expected_price {
        let expected = expected.minor(&currency, "expected_price")?;
        if expected != old_price {
            return Err(conflict(sku, row, expected, first).into());
        }
    }
    let cause = Cause {
        reason: row.reason.as_deref(),
        effective_date: row.effective_date.as_ref().map(|date| date.0.as_str()),
        ..Cause::call(call)
    };
    let mut is_changed = false;
    for variant in &variants {
        is_changed |= shop.set_price(sku, variant, (price, &currency), cause)?;
    }
    if is_changed {
        shop.run(
            "UPDATE products SET changed_by = ?2, updated_at = ?3 WHERE sku = ?1",
            params![sku, call.key, shop.now],
        )?;
    }
    Ok(Written {
        product_id: sku.to_owned(),
        sku: sku.to_owned(),
        variant: row.variant.as_ref().map(|variant| variant.to_string()),
        status: if is_changed { UPDATED } else { UNCHANGED },
        old_price: Major::new(old_price, &currency),
        price: Major::new(price, &currency),
        currency,
    })
}

/// The variants that a row means: the one that it names, or all of them if they have one price.
fn meant(shop: &Shop<'_>, sku: &str, row: &Row) -> Result<Vec<Priced>, Stop> {
    let mut variants = shop.priced(sku)?;
    let shown = |variants: &[Priced]| -> Vec<Value> {
        let shown = variants.iter().map(|variant| {
            let price = Major::new(variant.price, &variant.currency);
            json!({ "variant_id": variant.variant_id, "price": price, "currency": variant.currency })
        });
        shown.collect()
    };
    if let Some(named) = row.variant.as_deref().filter(|_| !variants.is_empty()) {
        let all = shown(&variants);
        variants.retain(|variant| variant.variant_id == named);
        if variants.is_empty() {
            let refusal = Refusal::new(404, "VARIANT_NOT_FOUND", format!("{sku} has no variant {named}"));
            return Err(refusal.with_details(json!({ "sku": sku, "variants": all })).into());
        }
        return Ok(variants);
    }
    let price = |variant: &Priced| (variant.price, variant.currency.clone());
    if let [first, rest @ ..] = variants.as_slice()
        && rest.iter().any(|other| price(other) != price(first))
    {
        let message = format!("the variants of {sku} have different prices: name one of them");
        let details = json!({ "sku": sku, "variants": shown(&variants) });
        return Err(Refusal::new(422, "VARIANT_REQUIRED", message).with_details(details).into());
    }
    Ok(variants)
}

fn conflict(sku: &str, row: &Row, expected: i64, found: &Priced) -> Refusal {
    let currency = &found.currency;
    let (price, expected) = (Major::new(found.price, currency), Major::new(expected, currency));
    let message = format!("the price of {sku} is {price} {currency}, not {expected}");
    Refusal::new(409, "PRICE_CONFLICT", message).with_details(json!({
        "sku": sku, "variant": row.variant.as_deref(), "price": price, "currency": currency,
        "expected_price": expected,
    }))
}
