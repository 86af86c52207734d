//! Money: whole minor units of an ISO-4217 currency, never floating point. Unit prices may be finer.

mod unit_price;

use std::fmt;

pub use iso_currency::Currency;
pub use unit_price::{UNIT_DECIMALS_MAX, UnitPrice};

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::number::{self, NumberError};

/// An amount of money, not negative, exact to the currency's minor unit (VND has none, USD has cents).
///
/// JSON: `{"amount": "25000000", "currency": "VND"}`. The amount is text, so that no reader turns it into a
/// floating-point number; the seed's plain JSON numbers are accepted at the doors (a process's input, an
/// adapter's wire), where they are read from their digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub struct Money {
    minor_units: i64,
    currency: Currency,
}

/// Why a text is not an amount in the given currency.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MoneyError {
    /// Not a plain decimal number.
    #[error("is not a decimal number")]
    NotANumber,
    /// Below zero.
    #[error("is negative")]
    Negative,
    /// More decimals than the currency has.
    #[error("has more decimals than {currency} allows ({allowed})")]
    TooPrecise {
        /// The ISO-4217 code.
        currency: &'static str,
        /// How many decimals the currency has.
        allowed: u16,
    },
    /// Of a unit price: finer than any shop's.
    #[error("has more than {UNIT_DECIMALS_MAX} decimals")]
    TooFine,
    /// Does not fit 64 bits of minor units, or has more digits than any amount.
    #[error("is too large")]
    TooLarge,
}

impl Money {
    /// An amount given in minor units (cents; whole dong).
    #[must_use]
    pub fn from_minor_units(minor_units: i64, currency: Currency) -> Self {
        Self { minor_units, currency }
    }

    /// Reads the digits of a decimal amount such as `25000000`, `19.99` or `2.5e7`.
    ///
    /// # Errors
    /// When the text is not a number, is negative, has more decimals than the currency, or is too large.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let amount = read(text, too_precise(currency))?;
        if amount.scale() > u32::from(exponent(currency)) {
            return Err(too_precise(currency));
        }
        let minor = Decimal::from(10_i64.pow(u32::from(exponent(currency))))
            .checked_mul(amount)
            .ok_or(MoneyError::TooLarge)?;
        let minor_units = i64::try_from(minor).map_err(|_| MoneyError::TooLarge)?;
        Ok(Self { minor_units, currency })
    }

    /// Zero in a currency.
    #[must_use]
    pub fn zero(currency: Currency) -> Self {
        Self::from_minor_units(0, currency)
    }

    /// The amount in minor units.
    #[must_use]
    pub fn minor_units(self) -> i64 {
        self.minor_units
    }

    /// The currency.
    #[must_use]
    pub fn currency(self) -> Currency {
        self.currency
    }

    /// The amount in major units, with the currency's number of decimals: `25000000`, `19.90`.
    #[must_use]
    pub fn amount(self) -> Decimal {
        Decimal::new(self.minor_units, u32::from(exponent(self.currency)))
    }

    /// The sum, or `None` when the currencies differ or the sum does not fit.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.same_currency(other)?;
        Some(Self { minor_units: self.minor_units.checked_add(other.minor_units)?, ..self })
    }

    /// The difference, or `None` when the currencies differ or it would be negative.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.same_currency(other)?;
        let minor_units = self.minor_units.checked_sub(other.minor_units)?;
        (minor_units >= 0).then_some(Self { minor_units, ..self })
    }

    fn same_currency(self, other: Self) -> Option<()> {
        (self.currency == other.currency).then_some(())
    }
}

/// How many decimals a currency has; codes without a minor unit of their own (gold, funds) count as none.
#[must_use]
pub fn exponent(currency: Currency) -> u16 {
    currency.exponent().unwrap_or(0)
}

/// The digits of an amount that is not negative, without zeros at the end.
fn read(text: &str, too_precise: MoneyError) -> Result<Decimal, MoneyError> {
    let amount = number::decimal(text).map_err(|error| match error {
        NumberError::NotANumber => MoneyError::NotANumber,
        NumberError::TooLarge => MoneyError::TooLarge,
        NumberError::TooFine => too_precise,
    })?;
    if amount.is_sign_negative() { Err(MoneyError::Negative) } else { Ok(amount) }
}

fn too_precise(currency: Currency) -> MoneyError {
    MoneyError::TooPrecise { currency: currency.code(), allowed: exponent(currency) }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount(), self.currency.code())
    }
}

/// The JSON of amounts, in coins or finer.
mod as_json {
    use std::str::FromStr as _;

    use rust_decimal::Decimal;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    use super::{Currency, MoneyError};

    #[derive(Serialize, Deserialize)]
    struct Json {
        amount: String,
        currency: String,
    }

    pub(super) fn write<S: Serializer>(
        amount: Decimal,
        currency: Currency,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        Json { amount: amount.to_string(), currency: currency.code().to_owned() }.serialize(serializer)
    }

    pub(super) fn read<'de, D: Deserializer<'de>, T>(
        deserializer: D,
        parse: impl Fn(&str, Currency) -> Result<T, MoneyError>,
    ) -> Result<T, D::Error> {
        let json = Json::deserialize(deserializer)?;
        let currency = Currency::from_str(&json.currency)
            .map_err(|_| de::Error::custom("currency is not an ISO-4217 code"))?;
        parse(&json.amount, currency).map_err(|error| de::Error::custom(format!("amount {error}")))
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        as_json::write(self.amount(), self.currency, serializer)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        as_json::read(deserializer, Self::parse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_currency_decides_how_many_decimals_there_are() {
        assert_eq!(Money::parse("25000000", Currency::VND).map(Money::minor_units), Ok(25_000_000));
        assert_eq!(Money::parse("2.5e7", Currency::VND).map(Money::minor_units), Ok(25_000_000));
        assert_eq!(Money::parse("19.99", Currency::USD).map(Money::minor_units), Ok(1_999));
        assert_eq!(Money::parse("19.990", Currency::USD).map(Money::minor_units), Ok(1_999));
        let long = "25000000000000000000000000000000000000e-30";
        assert_eq!(Money::parse(long, Currency::VND).map(Money::minor_units), Ok(25_000_000));
        assert_eq!(Money::parse("0.001", Currency::KWD).map(Money::minor_units), Ok(1));
        assert_eq!(
            Money::parse("1.5", Currency::VND),
            Err(MoneyError::TooPrecise { currency: "VND", allowed: 0 })
        );
        assert_eq!(
            Money::parse("0.1000000000000000055511151231", Currency::USD),
            Err(MoneyError::TooPrecise { currency: "USD", allowed: 2 })
        );
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        assert_eq!(Money::parse("-1", Currency::VND), Err(MoneyError::Negative));
        assert_eq!(Money::parse("ten", Currency::VND), Err(MoneyError::NotANumber));
        for text in ["", "25_000_000", "2_5e6", "+5", ".5", "5."] {
            assert_eq!(Money::parse(text, Currency::VND), Err(MoneyError::NotANumber), "{text:?}");
        }
        assert_eq!(Money::parse("9223372036854775808", Currency::VND), Err(MoneyError::TooLarge));
        assert_eq!(Money::parse("1e40", Currency::VND), Err(MoneyError::TooLarge));
        // No digit is rounded away: this is not 0.10 USD, and not 12 VND.
        for (text, currency) in [
            ("0.0999999999999999999999999999999e0", Currency::USD),
            ("1.19999999999999999999999999999999e1", Currency::VND),
        ] {
            let too_precise =
                MoneyError::TooPrecise { currency: currency.code(), allowed: exponent(currency) };
            assert_eq!(Money::parse(text, currency), Err(too_precise), "{text}");
        }
    }

    #[test]
    fn arithmetic_is_checked() {
        let dong = |n| Money::from_minor_units(n, Currency::VND);
        let cent = Money::from_minor_units(1, Currency::USD);
        assert_eq!(dong(2).checked_add(dong(3)), Some(dong(5)));
        assert_eq!(dong(i64::MAX).checked_add(dong(1)), None);
        assert_eq!(dong(2).checked_sub(dong(3)), None);
        assert_eq!(dong(2).checked_add(cent), None);
    }

    #[test]
    fn json_keeps_the_digits() -> Result<(), serde_json::Error> {
        let money = Money::from_minor_units(1_990, Currency::USD);
        let json = serde_json::to_string(&money)?;
        assert_eq!(json, r#"{"amount":"19.90","currency":"USD"}"#);
        assert_eq!(serde_json::from_str::<Money>(&json)?, money);
        Ok(())
    }
}
