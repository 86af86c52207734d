//! The seed's order, as the adapters are asked about it.

use std::collections::BTreeSet;

use contracts::commerce::{OrderCheck, OrderLine, OrderStatus, UpdateOrder, ValidateOrder};
use contracts::inventory::StockLine;
use contracts::money::{Currency, Money};
use contracts::payment::{ChargePayment, FindPayment, PaymentKind, ReversePayment};
use contracts::shipping::{CreateShipment, ShipmentRef};
use contracts::values::{
    Address, CustomerId, IdempotencyKey, OrderId, PaymentToken, ProductId, Recipient, VariantId,
};

use crate::TestResult;

pub(crate) const LAPTOP: &str = "LAPTOP-001-16GB-512GB";
pub(crate) const LIMITED: &str = "LIMITED-001-RED";
pub(crate) const PRICE: i64 = 25_000_000;

pub(crate) fn key(step: &str) -> IdempotencyKey {
    IdempotencyKey::new("order/ORDER-001", step)
}

pub(crate) fn order_id() -> TestResult<OrderId> {
    Ok(OrderId::new("ORDER-001")?)
}

pub(crate) fn dong(amount: i64) -> Money {
    Money::from_minor_units(amount, Currency::VND)
}

pub(crate) fn items() -> TestResult<Vec<OrderLine>> {
    Ok(vec![OrderLine {
        product_id: ProductId::new("LAPTOP-001")?,
        product_name: "Gaming Laptop Pro".to_owned(),
        variant_id: VariantId::new(LAPTOP)?,
        quantity: 1,
        price: dong(PRICE).into(),
    }])
}

pub(crate) fn address(country: &str) -> Address {
    Address {
        name: "Nguyen Van A".to_owned(),
        phone: Some("+84901234567".to_owned()),
        address: "123 Nguyen Hue Street".to_owned(),
        district: Some("District 1".to_owned()),
        state: None,
        postal_code: None,
        city: "Ho Chi Minh City".to_owned(),
        country: country.to_owned(),
    }
}

pub(crate) fn validate() -> TestResult<ValidateOrder> {
    Ok(ValidateOrder {
        order_id: order_id()?,
        checks: OrderCheck::ALL.to_vec(),
        customer_id: CustomerId::new("CUSTOMER-001")?,
        customer_email: Recipient::new("customer@example.com"),
        customer_phone: Some(Recipient::new("+84901234567")),
        items: items()?,
        total: dong(PRICE),
        shipping_fee: dong(0),
        discount: dong(0),
        tax: dong(0),
        payment_kind: PaymentKind::CreditCard,
        shipping_address: address("Vietnam"),
        shipping_method: "standard".to_owned(),
    })
}

pub(crate) fn update(status: OrderStatus) -> TestResult<UpdateOrder> {
    Ok(UpdateOrder {
        key: key("update-order-status"),
        order_id: order_id()?,
        status,
        only_over: None,
        may_become_known: false,
        payment_action: None,
        payment_status: None,
        payment_id: None,
        refund_ids: Vec::new(),
        shipping_status: None,
        tracking_number: None,
        estimated_delivery: None,
        failure_reason: None,
    })
}

pub(crate) fn stock_line(product: &str, variant: &str, quantity: u32) -> TestResult<StockLine> {
    Ok(StockLine { product_id: ProductId::new(product)?, variant_id: VariantId::new(variant)?, quantity })
}

pub(crate) fn charge(token: &str) -> TestResult<ChargePayment> {
    Ok(ChargePayment {
        key: key("process-payment"),
        order_id: order_id()?,
        customer_id: CustomerId::new("CUSTOMER-001")?,
        amount: dong(PRICE),
        kind: PaymentKind::CreditCard,
        token: Some(PaymentToken::new(token)),
        looks_first: false,
    })
}

pub(crate) fn find_payment() -> TestResult<FindPayment> {
    Ok(FindPayment {
        key: key("process-payment"),
        order_id: order_id()?,
        payment_id: None,
        other_ids: BTreeSet::new(),
        until_one: false,
    })
}

pub(crate) fn reverse() -> TestResult<ReversePayment> {
    Ok(ReversePayment {
        payment_id: None,
        other_ids: BTreeSet::new(),
        key: key("process-payment"),
        order_id: order_id()?,
        reason: "the order was not fulfilled".to_owned(),
        round: 0,
        not_before: None,
    })
}

pub(crate) fn parcel() -> TestResult<CreateShipment> {
    Ok(CreateShipment {
        key: key("create-shipping"),
        order_id: order_id()?,
        address: address("Vietnam"),
        items: items()?,
        method: "standard".to_owned(),
        collect: None,
        value: Some(dong(PRICE)),
    })
}

pub(crate) fn label_of_order() -> TestResult<ShipmentRef> {
    Ok(ShipmentRef { key: key("create-shipping"), order_id: order_id()?, shipment_id: None })
}
