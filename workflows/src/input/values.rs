//! The readers of single values. The rules for texts are those of crate `text`.

use contracts::money::{Currency, Money, UNIT_DECIMALS_MAX, UnitPrice};
use contracts::number::{self, NumberError};
use rust_decimal::Decimal;
use serde_json::value::RawValue;

use text::json;

use super::{Refusal, refuse};

/// A line of `1..=max` characters that a person wrote ([`text::line`]).
pub fn text(max: usize) -> impl Fn(&RawValue) -> Result<String, Refusal> {
    move |value| text::line(&string(value)?, max)
}

/// A customer's name, or a part of it, of `1..=max` characters, as it goes into mails ([`text::name`]).
pub fn name(max: usize) -> impl Fn(&RawValue) -> Result<String, Refusal> {
    move |value| text::name(&string(value)?, max)
}

/// A line of `1..=max` characters that a shop wrote ([`text::title`]).
pub fn title(max: usize) -> impl Fn(&RawValue) -> Result<String, Refusal> {
    move |value| text::title(&string(value)?, max)
}

/// A text of `1..=max` characters that another system made and wants back as it is: a token, a cursor.
pub fn opaque(max: usize) -> impl Fn(&RawValue) -> Result<String, Refusal> {
    move |value| {
        let text = string(value)?;
        if text::shows_nothing(&text) {
            refuse("is empty", "fill it in")
        } else if text.chars().count() > max {
            refuse(format!("is longer than {max} characters"), "shorten it")
        } else if text.chars().any(char::is_control) {
            refuse("holds control characters", "remove line breaks and other control characters")
        } else {
            Ok(text)
        }
    }
}

pub(super) fn string(value: &RawValue) -> Result<String, Refusal> {
    json::text(value)
}

/// An id of [`contracts::values`].
pub fn id<T: TryFrom<String, Error = contracts::values::IdError>>(value: &RawValue) -> Result<T, Refusal> {
    let text = text::key(&string(value)?, 1_000)?;
    T::try_from(text).or_else(|e| refuse(e.to_string(), "use the shop's id, unchanged"))
}

/// A whole number in `1..=max`.
pub fn count(max: u32) -> impl Fn(&RawValue) -> Result<u32, Refusal> {
    move |value| {
        let number = digits(value)?;
        let fix = format!("send a whole number from 1 to {max}");
        if !number.is_integer() {
            return refuse("is not a whole number", fix);
        }
        match u32::try_from(number) {
            Ok(n) if (1..=max).contains(&n) => Ok(n),
            _ => refuse(format!("is {number}"), fix),
        }
    }
}

/// An amount of money in a currency, as a JSON number or as text. A text that may mean thousands (`"25.000"`) is
/// refused.
pub fn money(currency: Currency) -> impl Fn(&RawValue) -> Result<Money, Refusal> {
    move |value| {
        let decimals = contracts::money::exponent(currency);
        Money::parse(&number_text(value, u32::from(decimals))?, currency).or_else(|e| {
            refuse(e.to_string(), format!("send an amount ≥ 0 with at most {decimals} decimals"))
        })
    }
}

/// The price of one piece, which may be finer than the currency's coin; otherwise as [`money`].
pub fn unit_price(currency: Currency) -> impl Fn(&RawValue) -> Result<UnitPrice, Refusal> {
    move |value| {
        let decimals = contracts::money::exponent(currency);
        UnitPrice::parse(&number_text(value, u32::from(decimals))?, currency).or_else(|e| {
            refuse(e.to_string(), format!("send a price ≥ 0 with at most {UNIT_DECIMALS_MAX} decimals"))
        })
    }
}

/// A decimal number, exact. A text that may mean thousands is refused.
pub fn digits(value: &RawValue) -> Result<Decimal, Refusal> {
    let text = number_text(value, 0)?;
    number::decimal(&text).or_else(|error| match error {
        NumberError::NotANumber => refuse("is not a number", "send a JSON number"),
        NumberError::TooLarge | NumberError::TooFine => {
            refuse("has too many digits", "send a number of at most 28 digits")
        }
    })
}

/// The digits of a JSON number, or of a number given as text. `decimals` are those that it usually has.
fn number_text(value: &RawValue, decimals: u32) -> Result<String, Refusal> {
    let raw = value.get();
    if raw.starts_with('"') {
        let text: Result<String, _> = serde_json::from_str(raw);
        let text = text.or_else(|_| refuse("is not a number", "send a JSON number"))?;
        let text = text::number(&text);
        return match text::is_of_two_minds(&text, decimals) {
            true => {
                refuse("may be written in thousands or with decimals", "send a JSON number, without quotes")
            }
            false => Ok(text),
        };
    }
    if raw.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
        Ok(raw.to_owned())
    } else {
        refuse("is not a number", "send a JSON number")
    }
}
