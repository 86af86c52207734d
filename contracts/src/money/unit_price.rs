//! The price of one piece, which may be finer than the coin it is paid in.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Currency, Money, MoneyError, as_json, exponent, read};

/// A unit price has at most so many decimals, whatever its currency. More come from floating point, not from a shop.
pub const UNIT_DECIMALS_MAX: u32 = 12;

/// The price of one piece, exact, not negative: a screw may cost 0.0125 USD. Nobody pays a unit price: what is paid is
/// the price of a line ([`Self::times`]), in whole coins.
///
/// JSON: as [`Money`], with as many decimals as it has, and at least those of its currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnitPrice {
    amount: Decimal,
    currency: Currency,
}

impl UnitPrice {
    /// Reads the digits of a decimal amount such as `25000000`, `0.0125` or `125e-4`.
    ///
    /// # Errors
    /// When the text is not a number, is negative, has more than [`UNIT_DECIMALS_MAX`] decimals, or is too large.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let amount = read(text, MoneyError::TooFine)?;
        if amount.scale() > UNIT_DECIMALS_MAX {
            return Err(MoneyError::TooFine);
        }
        let price = Self { amount, currency };
        price.times(1).map(|_| price).ok_or(MoneyError::TooLarge)
    }

    /// The price of so many pieces: the exact product, rounded half up to the currency's coin. `None` when it does not
    /// fit.
    #[must_use]
    pub fn times(self, quantity: u32) -> Option<Money> {
        let product = self.amount.mantissa().checked_mul(i128::from(quantity))?;
        let (scale, coin) = (self.amount.scale(), u32::from(exponent(self.currency)));
        let minor_units = if scale <= coin {
            product.checked_mul(10_i128.pow(coin - scale))?
        } else {
            let of_a_coin = 10_i128.pow(scale - coin);
            (product + of_a_coin / 2) / of_a_coin
        };
        Some(Money::from_minor_units(i64::try_from(minor_units).ok()?, self.currency))
    }

    /// The amount in major units, with at least the currency's number of decimals: `25000000`, `19.90`, `0.0125`.
    #[must_use]
    pub fn amount(self) -> Decimal {
        let mut amount = self.amount;
        let decimals = u32::from(exponent(self.currency));
        if amount.scale() < decimals {
            amount.rescale(decimals);
        }
        amount
    }

    /// The currency.
    #[must_use]
    pub fn currency(self) -> Currency {
        self.currency
    }
}

impl From<Money> for UnitPrice {
    fn from(money: Money) -> Self {
        Self { amount: money.amount().normalize(), currency: money.currency() }
    }
}

impl fmt::Display for UnitPrice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount(), self.currency.code())
    }
}

impl Serialize for UnitPrice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        as_json::write(self.amount(), self.currency, serializer)
    }
}

impl<'de> Deserialize<'de> for UnitPrice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        as_json::read(deserializer, Self::parse)
    }
}

#[cfg(test)]
mod tests {
    use serde::de;

    use super::*;

    fn line(price: &str, quantity: u32, currency: Currency) -> Option<String> {
        let price = UnitPrice::parse(price, currency).ok()?;
        price.times(quantity).map(|money| money.to_string())
    }

    #[test]
    fn a_line_is_rounded_half_up_once() {
        let cases = [
            ("0.125", 3, Currency::EUR, "0.38 EUR"),
            ("0.125", 1, Currency::EUR, "0.13 EUR"),
            ("0.0125", 1_000, Currency::USD, "12.50 USD"),
            ("0.0125", 1, Currency::USD, "0.01 USD"),
            ("0.004999999999", 1, Currency::USD, "0.00 USD"),
            ("0.005", 1, Currency::USD, "0.01 USD"),
            ("0.5", 3, Currency::VND, "2 VND"),
            ("0.4", 1, Currency::VND, "0 VND"),
            ("0.0005", 1, Currency::KWD, "0.001 KWD"),
            ("0.0398", 25, Currency::EUR, "1.00 EUR"),
            ("19.99", 3, Currency::USD, "59.97 USD"),
            ("25000000", 100_000, Currency::VND, "2500000000000 VND"),
        ];
        for (price, quantity, currency, expected) in cases {
            assert_eq!(line(price, quantity, currency).as_deref(), Some(expected), "{quantity} × {price}");
        }
    }

    #[test]
    fn a_line_that_does_not_fit_is_none() {
        assert_eq!(line("9223372036854775807", 1, Currency::VND).as_deref(), Some("9223372036854775807 VND"));
        assert_eq!(line("9223372036854775807", 2, Currency::VND), None);
        assert_eq!(UnitPrice::parse("9223372036854775808", Currency::VND), Err(MoneyError::TooLarge));
        assert_eq!(UnitPrice::parse("92233720368547758.08", Currency::USD), Err(MoneyError::TooLarge));
    }

    #[test]
    fn a_price_is_read_exactly_and_only_so_fine() {
        assert_eq!(UnitPrice::parse("1.25e-2", Currency::USD), UnitPrice::parse("0.01250", Currency::USD));
        for fine in ["0.1000000000000000055511151231", "3.3000000000000003", "1e-13", "1e-400"] {
            assert_eq!(UnitPrice::parse(fine, Currency::USD), Err(MoneyError::TooFine), "{fine}");
        }
        assert!(UnitPrice::parse("0.000000000001", Currency::USD).is_ok());
        assert_eq!(UnitPrice::parse("-0.01", Currency::USD), Err(MoneyError::Negative));
        for text in ["ten", "0.012_5", "1_0e-2"] {
            assert_eq!(UnitPrice::parse(text, Currency::USD), Err(MoneyError::NotANumber), "{text}");
        }
    }

    #[test]
    fn json_is_that_of_money_and_keeps_finer_digits() -> Result<(), serde_json::Error> {
        for (price, json) in [
            ("19.9", r#"{"amount":"19.90","currency":"USD"}"#),
            ("20", r#"{"amount":"20.00","currency":"USD"}"#),
            ("0.0125", r#"{"amount":"0.0125","currency":"USD"}"#),
        ] {
            let price = UnitPrice::parse(price, Currency::USD).map_err(de::Error::custom)?;
            assert_eq!(serde_json::to_string(&price)?, json);
            assert_eq!(serde_json::from_str::<UnitPrice>(json)?, price);
        }
        let money = Money::from_minor_units(1_990, Currency::USD);
        assert_eq!(serde_json::to_string(&UnitPrice::from(money))?, serde_json::to_string(&money)?);
        Ok(())
    }
}
