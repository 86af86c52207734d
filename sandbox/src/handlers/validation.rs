//! The five checks of a new order. The order is registered whatever they find, so that it can be updated.

use std::num::NonZeroU32;

use rusqlite::params;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::orders;
use super::shipments::{ShippingAddress, is_served};
use crate::answer::{Answer, Refusal, Stop};
use crate::body::{self, Text};
use crate::call::Call;
use crate::money::{Amount, Currency, UnitPrice};
use crate::shop::Shop;

const PAYMENT_TYPES: [&str; 4] = ["credit_card", "e_wallet", "bank_transfer", "cash_on_delivery"];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Check {
    InventoryAvailability,
    PricingAccuracy,
    CustomerEligibility,
    ShippingAddress,
    PaymentMethod,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Validate {
    checks: Vec<Check>,
    customer_id: Text,
    #[serde(rename = "customer_email")]
    _customer_email: Text,
    #[serde(rename = "customer_phone")]
    _customer_phone: Option<String>,
    items: Vec<Item>,
    total_amount: Amount,
    currency: Currency,
    shipping_fee: Option<Amount>,
    discount: Option<Amount>,
    tax: Option<Amount>,
    payment_method: PaymentMethod,
    shipping_address: ShippingAddress,
    #[serde(rename = "shipping_method")]
    _shipping_method: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    product_id: Text,
    variant_id: Option<Text>,
    #[serde(rename = "product_name")]
    _product_name: Option<String>,
    quantity: NonZeroU32,
    price: Amount,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PaymentMethod {
    r#type: Text,
}

/// One thing that is wrong with the order.
#[derive(Serialize)]
struct Finding {
    check: Check,
    field: String,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    product_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variant_id: Option<String>,
}

/// The amounts of the request in minor units; the prices of one piece may be finer.
struct Amounts {
    prices: Vec<UnitPrice>,
    total: i64,
    fee: i64,
    discount: i64,
    tax: i64,
}

struct Variant {
    sku: String,
    price: UnitPrice,
    currency: String,
}

pub(super) fn validate(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let order_id = call.path_id()?;
    let request: Validate = body::parse(&call.body)?;
    if request.items.is_empty() {
        return Err(Refusal::invalid("items", "must not be empty").into());
    }
    let amounts = amounts(&request)?;
    let mut findings = match orders::find(shop, order_id)? {
        Some(known) => differences(&known, &request, amounts.total),
        None => {
            register(shop, order_id, &request, &amounts)?;
            Vec::new()
        }
    };
    for check in &request.checks {
        match check {
            Check::InventoryAvailability => findings.extend(inventory(shop, &request)?),
            Check::PricingAccuracy => findings.extend(pricing(shop, &request, &amounts)?),
            Check::CustomerEligibility => findings.extend(customer(&request)),
            Check::ShippingAddress => findings.extend(address(&request)),
            Check::PaymentMethod => findings.extend(payment_method(&request)),
        }
    }
    let is_valid = findings.is_empty();
    Answer::success(200, &json!({ "order_id": order_id, "is_valid": is_valid, "errors": findings }))
}

fn amounts(request: &Validate) -> Result<Amounts, Refusal> {
    let currency = request.currency.code();
    let optional = |amount: &Option<Amount>, field: &str| {
        amount.as_ref().map_or(Ok(0), |amount| amount.minor(currency, field))
    };
    let prices = request.items.iter().enumerate();
    Ok(Amounts {
        prices: prices
            .map(|(index, item)| item.price.unit_price(&format!("items[{index}].price")))
            .collect::<Result<_, _>>()?,
        total: request.total_amount.minor(currency, "total_amount")?,
        fee: optional(&request.shipping_fee, "shipping_fee")?,
        discount: optional(&request.discount, "discount")?,
        tax: optional(&request.tax, "tax")?,
    })
}

fn register(shop: &Shop<'_>, order_id: &str, request: &Validate, amounts: &Amounts) -> Result<(), Stop> {
    shop.run(
        "INSERT INTO orders (order_id, customer_id, currency, total, payment_type, status)
         VALUES (?1, ?2, ?3, ?4, ?5, 'pending')",
        params![
            order_id,
            &*request.customer_id,
            request.currency.code(),
            amounts.total,
            &*request.payment_method.r#type
        ],
    )?;
    for ((index, item), price) in (0_i64..).zip(&request.items).zip(&amounts.prices) {
        shop.run(
            "INSERT INTO order_lines (order_id, line, product_id, variant_id, quantity, price)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                order_id,
                index,
                &*item.product_id,
                item.variant(),
                item.quantity.get(),
                price.to_string()
            ],
        )?;
    }
    Ok(())
}

impl Item {
    /// A product without variants is its own variant.
    fn variant(&self) -> &str {
        self.variant_id.as_deref().unwrap_or(&self.product_id)
    }

    fn finding(&self, check: Check, index: usize, field: &str, message: String) -> Finding {
        Finding {
            check,
            field: format!("items[{index}].{field}"),
            message,
            product_id: Some(self.product_id.to_string()),
            variant_id: self.variant_id.as_ref().map(|variant| variant.to_string()),
        }
    }
}

fn finding(check: Check, field: &str, message: impl Into<String>) -> Finding {
    Finding { check, field: field.to_owned(), message: message.into(), product_id: None, variant_id: None }
}

/// An order id stands for one order of one customer, once and for all.
fn differences(known: &orders::Order, request: &Validate, total: i64) -> Vec<Finding> {
    let mut findings = Vec::new();
    if known.customer_id != *request.customer_id {
        let message = "the order id belongs to another customer";
        findings.push(finding(Check::CustomerEligibility, "customer_id", message));
    }
    if (known.total, known.currency.as_str()) != (total, request.currency.code()) {
        let message = format!("the order is known with a total of {} {}", known.total_amount, known.currency);
        findings.push(finding(Check::PricingAccuracy, "total_amount", message));
    }
    findings
}

fn find_variant(shop: &Shop<'_>, item: &Item) -> rusqlite::Result<Option<Variant>> {
    let variant = shop.find(
        "SELECT sku, price, currency, exact_price FROM variants JOIN products USING (sku)
         WHERE variant_id = ?1 AND status = 'active'",
        [item.variant()],
        |row| {
            let (minor, currency): (i64, String) = (row.get(1)?, row.get(2)?);
            let exact = row.get::<_, Option<String>>(3)?.and_then(|exact| UnitPrice::stored(&exact));
            let price = exact.unwrap_or_else(|| UnitPrice::of_minor(minor, &currency));
            Ok(Variant { sku: row.get(0)?, price, currency })
        },
    )?;
    Ok(variant.filter(|variant| variant.sku == *item.product_id))
}

/// Whether everything is sold here. Only a reservation is atomic, so stock is counted on request only.
fn inventory(shop: &Shop<'_>, request: &Validate) -> Result<Vec<Finding>, Stop> {
    let check = Check::InventoryAvailability;
    let mut findings = Vec::new();
    for (index, item) in request.items.iter().enumerate() {
        if find_variant(shop, item)?.is_none() {
            let message = format!("{} {} is not sold", &*item.product_id, item.variant());
            findings.push(item.finding(check, index, "variant_id", message));
            continue;
        }
        let available = shop.available(item.variant())?;
        if shop.switches.validate_counts_stock && i64::from(item.quantity.get()) > available {
            let message = format!("{} requested, {available} available", item.quantity);
            findings.push(item.finding(check, index, "quantity", message));
        }
    }
    Ok(findings)
}

fn pricing(shop: &Shop<'_>, request: &Validate, amounts: &Amounts) -> Result<Vec<Finding>, Stop> {
    let check = Check::PricingAccuracy;
    let currency = request.currency.code();
    let mut findings = Vec::new();
    let mut sum = i128::from(amounts.fee) + i128::from(amounts.tax) - i128::from(amounts.discount);
    for ((index, item), price) in request.items.iter().enumerate().zip(&amounts.prices) {
        // Each line is rounded by itself; one beyond all counting cannot be the total.
        let line = price.times(item.quantity.get(), currency);
        sum = sum.saturating_add(line.map_or(i128::MAX, i128::from));
        // A product that is not sold has no price; that is the inventory check's finding.
        let Some(variant) = find_variant(shop, item)? else { continue };
        if (variant.price, variant.currency.as_str()) != (*price, currency) {
            let message = format!("the shop's price is {} {}", variant.price, variant.currency);
            findings.push(item.finding(check, index, "price", message));
        }
    }
    if sum != i128::from(amounts.total) {
        let message = "must be the sum of the items, the shipping fee and the tax, less the discount";
        findings.push(finding(check, "total_amount", message));
    }
    Ok(findings)
}

fn customer(request: &Validate) -> Option<Finding> {
    let blocked = request.customer_id.starts_with("BLOCKED");
    blocked.then(|| finding(Check::CustomerEligibility, "customer_id", "the customer is blocked"))
}

fn address(request: &Validate) -> Vec<Finding> {
    let country = &*request.shipping_address.country;
    if !is_served(country) {
        let message = format!("{country} is not served");
        return vec![finding(Check::ShippingAddress, "shipping_address.country", message)];
    }
    let lacking = request.shipping_address.lacks().into_iter().map(|field| {
        let message = format!("{country} needs it");
        finding(Check::ShippingAddress, &format!("shipping_address.{field}"), message)
    });
    lacking.collect()
}

fn payment_method(request: &Validate) -> Option<Finding> {
    let known = PAYMENT_TYPES.contains(&&*request.payment_method.r#type);
    let message = format!("must be one of {}", PAYMENT_TYPES.join(", "));
    (!known).then(|| finding(Check::PaymentMethod, "payment_method.type", message))
}
