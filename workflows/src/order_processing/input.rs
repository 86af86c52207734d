//! The input of order processing: the seed's `OrderData`, and its check.

use std::time::Duration;

use contracts::commerce::OrderLine;
use contracts::inventory::StockLine;
use contracts::money::{Currency, Money};
use contracts::payment::PaymentKind;
use contracts::values::{
    Address, CustomerId, Locale, OrderId, PRODUCT_NAME_MAX, PaymentToken, ProductId, Recipient, VariantId,
};
use rust_decimal::Decimal;
use serde_json::value::RawValue;

use crate::input::parsed::currency;
use crate::input::people::{locale, mail_address, phone};
use crate::input::{
    Checked, Fields, Refusal, count, digits, id, money, opaque, refuse, text, title, unit_price,
};

/// Lines of one order at most.
pub const ITEMS_MAX: usize = 200;
/// Pieces of one line at most.
pub const QUANTITY_MAX: u32 = 100_000;
const RESERVATION_MINUTES_DEFAULT: u64 = 30;
const RESERVATION_MINUTES_MAX: u32 = 7 * 24 * 60;

/// An order as it was placed, checked. JSON: the seed's `OrderData`, plus the optional fields below.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderData {
    /// `order_id`
    pub order_id: OrderId,
    /// `customer_id`
    pub customer_id: CustomerId,
    /// `customer_email`
    pub customer_email: Recipient,
    /// `customer_phone`, optional: without it there is no SMS.
    pub customer_phone: Option<Recipient>,
    /// `items`, at least one.
    pub items: Vec<OrderLine>,
    /// `total_amount`, in `currency`: Σ price × quantity + fee + tax − discount. Each line is rounded half up to the
    /// coin: a price may be finer, nothing that is paid is.
    pub total_amount: Money,
    /// `shipping_fee`, optional, default 0.
    pub shipping_fee: Money,
    /// `discount`, optional, default 0.
    pub discount: Money,
    /// `tax`, optional, default 0.
    pub tax: Money,
    /// `payment_method.type`
    pub payment_kind: PaymentKind,
    /// `payment_method.card_token`, required for cards.
    pub payment_token: Option<PaymentToken>,
    /// `shipping_address`
    pub shipping_address: Address,
    /// `shipping_method`, in the shop's words.
    pub shipping_method: String,
    /// `locale`, optional: `vi-VN` (default) or `en-US`.
    pub locale: Locale,
    /// `reservation_minutes`, optional, default 30: how long stock is held for a payment to settle.
    pub reservation: Duration,
}

impl OrderData {
    /// Whether there is nothing to pay.
    #[must_use]
    pub fn is_free(&self) -> bool {
        self.total_amount.minor_units() == 0
    }

    /// The worth of the goods, before any discount: so much is lost with the parcel.
    #[must_use]
    pub fn goods(&self) -> Money {
        // That it can be counted was checked when the order came in.
        sum_of(&self.items, self.total_amount.currency()).unwrap_or(self.total_amount)
    }

    /// The stock to hold: each variant once, however many lines name it.
    #[must_use]
    pub fn stock_lines(&self) -> Vec<StockLine> {
        let mut lines: Vec<StockLine> = Vec::with_capacity(self.items.len());
        for item in &self.items {
            match lines.iter_mut().find(|line| line.variant_id == item.variant_id) {
                Some(line) => line.quantity = line.quantity.saturating_add(item.quantity),
                None => lines.push(StockLine {
                    product_id: item.product_id.clone(),
                    variant_id: item.variant_id.clone(),
                    quantity: item.quantity,
                }),
            }
        }
        lines
    }
}

impl Checked for OrderData {
    fn read(fields: &Fields<'_>) -> Option<Self> {
        let order_id = fields.required("order_id", id);
        let customer_id = fields.required("customer_id", id);
        let customer_email = fields.required("customer_email", mail_address);
        let customer_phone = fields.optional("customer_phone", phone).map(Recipient::new);
        // Without their currency amounts are read as the currency with the most decimals would have them, so that a
        // currency that is missing is one problem, not one for each of them.
        let currency = fields.required("currency", currency);
        let amount_in = currency.unwrap_or(Currency::CLF);
        let items = fields.list("items", ITEMS_MAX, |item| read_item(item, amount_in));
        let total_amount = fields.required("total_amount", money(amount_in));
        let extra = |name| fields.optional(name, money(amount_in)).unwrap_or(Money::zero(amount_in));
        let (shipping_fee, discount, tax) = (extra("shipping_fee"), extra("discount"), extra("tax"));
        let is_free = total_amount.is_some_and(|total| total.minor_units() == 0);
        let payment = fields.nested("payment_method", |payment| read_payment(payment, is_free));
        let shipping_address = fields.nested("shipping_address", read_address);
        let shipping_method = fields.required("shipping_method", text(50));
        let locale = fields.optional("locale", locale).unwrap_or_default();
        let reservation = fields.optional("reservation_minutes", minutes);
        let reservation = reservation.unwrap_or(Duration::from_secs(RESERVATION_MINUTES_DEFAULT * 60));
        if let (Some(_), Some(items), Some(total)) = (currency, &items, total_amount) {
            check_total(fields, items, [shipping_fee, tax], discount, total);
        }
        let (payment_kind, payment_token) = payment?;
        currency?;
        Some(Self {
            order_id: order_id?,
            customer_id: customer_id?,
            customer_email: customer_email?,
            customer_phone,
            items: items?,
            total_amount: total_amount?,
            shipping_fee,
            discount,
            tax,
            payment_kind,
            payment_token,
            shipping_address: shipping_address?,
            shipping_method: shipping_method?,
            locale,
            reservation,
        })
    }
}

fn read_item(item: &Fields<'_>, currency: Currency) -> Option<OrderLine> {
    let product_id = item.required("product_id", id::<ProductId>);
    let product_name = item.required("product_name", title(PRODUCT_NAME_MAX));
    let variant_id = item.optional("variant_id", id::<VariantId>);
    let quantity = item.required("quantity", pieces);
    let price = item.required("price", unit_price(currency));
    let product_id = product_id?;
    Some(OrderLine {
        variant_id: variant_id.unwrap_or_else(|| product_id.clone().into()),
        product_id,
        product_name: product_name?,
        quantity: quantity?,
        price: price?,
    })
}

/// Stock is counted in pieces. Goods that are sold by length or weight are counted in a smaller unit, whose price may
/// be finer than the coin.
fn pieces(value: &RawValue) -> Result<u32, Refusal> {
    if digits(value).is_ok_and(|number| !number.is_integer()) {
        let fix = "count in a smaller unit, with its price: 50 (cm) at 0.0199 instead of 0.5 (m) at 1.99";
        return refuse("is not a whole number", fix);
    }
    count(QUANTITY_MAX)(value)
}

/// The prices of the lines together; `None`: more than can be counted.
fn sum_of(items: &[OrderLine], currency: Currency) -> Option<Money> {
    items.iter().try_fold(Money::zero(currency), |sum, item| sum.checked_add(item.total()?))
}

/// An order that costs nothing, because a voucher pays for all of it, needs no token.
fn read_payment(payment: &Fields<'_>, is_free: bool) -> Option<(PaymentKind, Option<PaymentToken>)> {
    let kind = payment.required("type", |value| {
        let name = text(50)(value)?;
        PaymentKind::from_name(&name).map_or_else(
            || {
                let known: Vec<_> = PaymentKind::ALL.iter().map(|kind| kind.name()).collect();
                refuse("is not a known payment method", format!("use one of {}", known.join(", ")))
            },
            Ok,
        )
    });
    let token = payment.optional("card_token", |value| Ok(opaque(500)(value)));
    match &token {
        Some(Err(Refusal { problem, fix })) => payment.problem("card_token", problem, fix),
        None if kind == Some(PaymentKind::CreditCard) && !is_free => {
            payment.problem("card_token", "is missing", "send the token that the checkout got for the card");
        }
        _ => {}
    }
    Some((kind?, token.and_then(Result::ok).map(PaymentToken::new)))
}

fn read_address(address: &Fields<'_>) -> Option<Address> {
    let name = address.required("name", text(200));
    let phone = address.optional("phone", phone);
    let street = address.required("address", text(500));
    let district = address.optional("district", text(200));
    let city = address.required("city", text(200));
    let state = address.optional("state", text(100));
    let postal_code = address.optional("postal_code", text(20));
    let country = address.required("country", text(100));
    let (name, street, city, country) = (name?, street?, city?, country?);
    Some(Address { name, phone, address: street, district, city, state, postal_code, country })
}

/// The total must be what the lines add up to: a wrong one is a bug at the door, and would be charged.
fn check_total(fields: &Fields<'_>, items: &[OrderLine], added: [Money; 2], discount: Money, total: Money) {
    let lines = sum_of(items, total.currency());
    let Some(gross) = lines.and_then(|sum| added.into_iter().try_fold(sum, Money::checked_add)) else {
        fields.problem("items", "add up to more than can be counted", "check quantities and prices");
        return;
    };
    match gross.checked_sub(discount) {
        None => fields.problem(
            "discount",
            format!("is {discount}, more than the {gross} it is taken from"),
            "lower the discount",
        ),
        Some(expected) if expected != total => fields.problem(
            "total_amount",
            format!("is {total}, but items + shipping_fee + tax − discount make {expected}"),
            "correct the total, a price or a quantity",
        ),
        Some(_) => {}
    }
}

fn minutes(value: &RawValue) -> Result<Duration, Refusal> {
    let minutes = digits(value)?;
    let is_in_range = minutes > Decimal::ZERO && minutes <= Decimal::from(RESERVATION_MINUTES_MAX);
    let millis = if is_in_range { u64::try_from(minutes * Decimal::from(60_000)).unwrap_or(0) } else { 0 };
    if millis == 0 {
        return refuse(
            format!("is {minutes}"),
            format!("send minutes above 0 and up to {RESERVATION_MINUTES_MAX} (a week)"),
        );
    }
    Ok(Duration::from_millis(millis))
}

#[cfg(test)]
mod tests;
