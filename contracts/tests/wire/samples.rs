//! Values that several types hold, each beside its JSON.

use contracts::commerce::OrderLine;
use contracts::money::{Currency, Money};
use contracts::values::{Address, CustomerId, IdempotencyKey, OrderId, ProductId, VariantId};
use serde_json::{Value, json};

use crate::TestResult;

pub(crate) const KEY: &str = "order/ORDER-001/step";
pub(crate) const VARIANT: &str = "LAPTOP-001-16GB-512GB";

pub(crate) fn key() -> IdempotencyKey {
    IdempotencyKey::new("order/ORDER-001", "step")
}

pub(crate) fn order_id() -> TestResult<OrderId> {
    Ok(OrderId::new("ORDER-001")?)
}

pub(crate) fn customer_id() -> TestResult<CustomerId> {
    Ok(CustomerId::new("CUSTOMER-001")?)
}

pub(crate) fn variant_id() -> TestResult<VariantId> {
    Ok(VariantId::new(VARIANT)?)
}

pub(crate) fn product_id() -> TestResult<ProductId> {
    Ok(ProductId::new("LAPTOP-001")?)
}

pub(crate) fn dong(amount: i64) -> Money {
    Money::from_minor_units(amount, Currency::VND)
}

pub(crate) fn dong_json(amount: &str) -> Value {
    json!({ "amount": amount, "currency": "VND" })
}

pub(crate) fn item() -> TestResult<OrderLine> {
    Ok(OrderLine {
        product_id: product_id()?,
        product_name: "Gaming Laptop Pro".to_owned(),
        variant_id: variant_id()?,
        quantity: 1,
        price: dong(25_000_000).into(),
    })
}

pub(crate) fn item_json() -> Value {
    json!({
        "product_id": "LAPTOP-001",
        "product_name": "Gaming Laptop Pro",
        "variant_id": VARIANT,
        "quantity": 1,
        "price": dong_json("25000000")
    })
}

pub(crate) fn address() -> Address {
    Address {
        name: "Nguyen Van A".to_owned(),
        phone: Some("+84901234567".to_owned()),
        address: "123 Nguyen Hue Street".to_owned(),
        district: Some("District 1".to_owned()),
        city: "Ho Chi Minh City".to_owned(),
        state: Some("Ho Chi Minh".to_owned()),
        postal_code: Some("700000".to_owned()),
        country: "Vietnam".to_owned(),
    }
}

pub(crate) fn address_json() -> Value {
    json!({
        "name": "Nguyen Van A",
        "phone": "+84901234567",
        "address": "123 Nguyen Hue Street",
        "district": "District 1",
        "state": "Ho Chi Minh",
        "postal_code": "700000",
        "city": "Ho Chi Minh City",
        "country": "Vietnam"
    })
}
