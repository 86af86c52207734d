//! The shop's prices on the wire: looked up by a thousand SKUs, listed page by page, written one by one or a thousand
//! at once. The endpoints are ours (the seed names methods, no paths).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use contracts::money::{Currency, Money};
use contracts::prices::{NotifyPrices, PriceRow, VariantPrice};
use contracts::values::{IdempotencyKey, ProductId, VariantId};
use jiff::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::answers::{ResultBody, Set, answer, no, whole};
use crate::http::wire::{Amount, amount, money};
use crate::http::{Api, CallError, word};

/// SKUs of one look-up, and rows of one batch, at most.
pub(super) const AT_ONCE: usize = 1_000;

/// The shop, as far as prices go.
#[derive(Clone)]
pub(super) struct Shop {
    api: Api,
    /// Products of one request: fewer than [`AT_ONCE`] where the answers about so many are larger than is read.
    at_once: Arc<AtomicUsize>,
}

/// A product's prices.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Priced {
    pub(super) sku: String,
    /// None where one of them cannot be read.
    pub(super) variants: Vec<Variant>,
    /// The reason why they cannot be read.
    pub(super) unreadable: Option<String>,
}

/// A variant's price.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Variant {
    pub(super) id: VariantId,
    pub(super) price: Money,
    /// The cost to the shop, where the shop says so.
    pub(super) cost: Option<Money>,
}

#[derive(Deserialize)]
struct Page {
    prices: Vec<ProductBody>,
    #[serde(default)]
    next: Option<String>,
}

#[derive(Deserialize)]
struct ProductBody {
    sku: String,
    variants: Vec<VariantBody>,
}

#[derive(Deserialize)]
struct VariantBody {
    variant_id: String,
    price: Box<RawValue>,
    currency: String,
    #[serde(default, rename = "costPrice")]
    cost: Option<Box<RawValue>>,
}

/// A price to write, in one request or in a batch of them.
#[derive(Serialize)]
struct SetBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    sku: Option<&'a str>,
    price: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_price: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<&'a str>,
    currency: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    effective_date: Option<Timestamp>,
}

/// The platform's own update of a product.
#[derive(Serialize)]
struct Product {
    price: Amount,
    currency: &'static str,
}

#[derive(Serialize)]
struct BatchBody<'a> {
    updates: Vec<SetBody<'a>>,
}

#[derive(Deserialize)]
struct BatchAnswer {
    results: Vec<ResultBody>,
}

/// A price that is written, whoever wants it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) sku: &'a ProductId,
    pub(super) variant: Option<&'a VariantId>,
    pub(super) price: Money,
    /// The price that it must have; `None`: any.
    pub(super) expected: Option<Money>,
    pub(super) reason: Option<&'a str>,
    pub(super) effective_date: Option<Timestamp>,
}

impl<'a> Wanted<'a> {
    /// Of a row; `is_forced`: whatever the price is by now.
    pub(super) fn of(row: &'a PriceRow, is_forced: bool) -> Self {
        Self {
            sku: &row.sku,
            variant: row.variant.as_ref(),
            price: row.price,
            expected: (!is_forced).then_some(row.expected),
            reason: row.reason.as_deref(),
            effective_date: row.effective_date,
        }
    }

    fn body(&self, is_named: bool) -> SetBody<'a> {
        SetBody {
            sku: is_named.then_some(self.sku.as_str()),
            price: amount(self.price),
            expected_price: self.expected.map(amount),
            variant: self.variant.map(VariantId::as_str),
            currency: self.price.currency().code(),
            reason: self.reason,
            effective_date: self.effective_date,
        }
    }
}

impl Shop {
    pub(super) fn new(api: Api) -> Self {
        Self { api, at_once: Arc::new(AtomicUsize::new(AT_ONCE)) }
    }

    /// Products of one request, at most.
    pub(super) fn at_once(&self) -> usize {
        self.at_once.load(Ordering::Relaxed)
    }

    /// The answer about so many products is larger than is read: from now on half of them are asked for at once.
    pub(super) fn ask_for_less_than(&self, products: usize) {
        let was = self.at_once.fetch_min((products / 2).max(1), Ordering::Relaxed);
        tracing::info!(products, was, "the shop's answer is too large: fewer products are asked for at once");
    }

    /// The prices of the products that the shop knows among these; at most [`Self::at_once`] SKUs.
    pub(super) async fn look_up(&self, skus: &[&str]) -> Result<HashMap<String, Priced>, CallError> {
        let path = ["products", "prices", "lookup"];
        let found: Page = self.api.send(Method::POST, &path, None, &json!({ "skus": skus })).await?;
        Ok(found.prices.into_iter().map(priced).map(|priced| (priced.sku.clone(), priced)).collect())
    }

    /// A page of all products, and where the next one begins.
    pub(super) async fn page(
        &self,
        category: Option<&str>,
        after: Option<&str>,
    ) -> Result<(Vec<Priced>, Option<String>), CallError> {
        let limit = self.at_once().to_string();
        let mut query = vec![("limit", limit.as_str())];
        query.extend(category.map(|category| ("category", category)));
        query.extend(after.map(|after| ("after", after)));
        let page: Page = self.api.get(&["products", "prices"], &query).await?;
        Ok((page.prices.into_iter().map(priced).collect(), page.next))
    }

    /// Writes one price.
    pub(super) async fn set(&self, key: &IdempotencyKey, wanted: &Wanted<'_>) -> Result<Set, CallError> {
        let path = ["products", "sku", wanted.sku.as_str(), "price"];
        let sent: Result<ResultBody, CallError> =
            self.api.send(Method::PUT, &path, Some(key), &wanted.body(false)).await;
        match sent {
            Ok(body) => answer(&self.api, body, wanted.price.currency()),
            Err(CallError::Refused { refusal, .. }) => no(&self.api, &refusal, wanted.price.currency()),
            Err(error) => Err(error),
        }
    }

    /// Sets the price of a product where the shop compares nothing: the platform's own update.
    pub(super) async fn set_product(
        &self,
        key: &IdempotencyKey,
        wanted: &Wanted<'_>,
    ) -> Result<Set, CallError> {
        if wanted.variant.is_some() {
            // The platform's update knows products only: it would change every variant.
            return Ok(Set::Refused { code: "VARIANT_NOT_SUPPORTED".to_owned() });
        }
        let price = wanted.price;
        let body = Product { price: amount(price), currency: price.currency().code() };
        let path = ["products", wanted.sku.as_str()];
        match self.api.send::<_, Value>(Method::PUT, &path, Some(key), &body).await {
            Ok(_) => Ok(Set::Done { product_id: None, is_new: true }),
            Err(CallError::Refused { refusal, .. }) => no(&self.api, &refusal, price.currency()),
            Err(error) => Err(error),
        }
    }

    /// Writes up to [`Self::at_once`] prices with one request; one answer for each, in their order, or the trouble with
    /// that row alone.
    pub(super) async fn set_many(
        &self,
        key: &IdempotencyKey,
        wanted: &[Wanted<'_>],
    ) -> Result<Vec<Result<Set, CallError>>, CallError> {
        let body = BatchBody { updates: wanted.iter().map(|wanted| wanted.body(true)).collect() };
        let path = ["products", "prices"];
        let sent = self.api.send(Method::PUT, &path, Some(key), &body).await;
        let answered: BatchAnswer = match sent.map_err(|error| self.api.of_conflict(error, &[])) {
            Err(CallError::Refused { refusal, .. }) => return Err(whole(&self.api, &refusal)),
            Err(error @ CallError::TooLarge { .. }) => {
                // They are written: the next look says so.
                self.ask_for_less_than(wanted.len());
                return Err(error);
            }
            answered => answered?,
        };
        if answered.results.len() != wanted.len() {
            let why = format!("{} results for {} prices", answered.results.len(), wanted.len());
            return Err(self.api.unknown(why));
        }
        let is_of_another = |(body, wanted): (&ResultBody, &Wanted<'_>)| !body.may_be_of(wanted.sku.as_str());
        if let Some(place) = answered.results.iter().zip(wanted).position(is_of_another) {
            let why =
                format!("result {} of {} is of another product than its price", place + 1, wanted.len());
            return Err(self.api.unknown(why));
        }
        let answers = answered.results.into_iter().zip(wanted);
        Ok(answers.map(|(body, wanted)| answer(&self.api, body, wanted.price.currency())).collect())
    }

    /// Tells the shop's team.
    pub(super) async fn notify(&self, input: &NotifyPrices) -> Result<(), CallError> {
        let body = json!({
            "type": input.kind, "title": input.title, "message": input.message, "data": input.data,
        });
        let sent = self.api.send::<_, Value>(Method::POST, &["notifications"], Some(&input.key), &body).await;
        sent.map(drop).map_err(|error| self.api.of_conflict(error, &[]))
    }
}

/// One odd product costs itself, not the prices of the others.
fn priced(body: ProductBody) -> Priced {
    let ProductBody { sku, variants } = body;
    let read: Result<Vec<Variant>, String> = variants.into_iter().map(variant).collect();
    let (variants, unreadable) = match read {
        Ok(variants) => (variants, None),
        Err(why) => (Vec::new(), Some(why)),
    };
    Priced { sku, variants, unreadable }
}

fn variant(body: VariantBody) -> Result<Variant, String> {
    let currency = Currency::from_code(&body.currency);
    let currency = currency.ok_or_else(|| format!("the currency {} is not known", word(&body.currency)))?;
    let id = VariantId::new(body.variant_id).map_err(|problem| format!("the id of a variant {problem}"))?;
    let price = money(&body.price, currency);
    let price =
        price.ok_or_else(|| format!("the price of variant {id} is no amount of {}", currency.code()))?;
    let cost = body.cost.as_deref().filter(|cost| cost.get() != "null");
    Ok(Variant { id, price, cost: cost.and_then(|cost| money(cost, currency)) })
}

impl Priced {
    /// The price of every variant, where it is the same.
    pub(super) fn of_all(&self) -> Option<Money> {
        let first = self.variants.first()?.price;
        self.variants.iter().all(|variant| variant.price == first).then_some(first)
    }

    /// The price of each variant.
    pub(super) fn image(&self) -> Vec<VariantPrice> {
        let variant = |variant: &Variant| VariantPrice {
            variant: variant.id.clone(),
            price: variant.price.minor_units(),
        };
        self.variants.iter().map(variant).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::answers::SYSTEM;
    use super::*;
    use crate::http::behind_proxy::{WAY, api};

    #[test]
    fn a_state_of_a_row_that_nobody_knows_is_named_if_it_is_a_word() {
        let api = api(SYSTEM);
        for (status, said) in [("deferred", "\"deferred\""), ("by Lan Pham", "something that is not a word")]
        {
            let body = serde_json::from_value(json!({ "status": status })).expect("a result");
            let error = answer(&api, body, Currency::VND).expect_err("not known");
            let wanted = format!("a price in a state that this version does not know: {said}{WAY}");
            assert_eq!(error, CallError::NewWord { system: SYSTEM, why: wanted });
        }
    }
}
