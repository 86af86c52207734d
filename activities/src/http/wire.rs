//! Amounts on the wire: plain JSON numbers in major units, written and read by their digits.

use contracts::money::{Currency, Money, UnitPrice};
use rust_decimal::Decimal;
use serde_json::value::RawValue;

/// A JSON number with exactly the digits of an amount.
pub(crate) type Amount = Box<RawValue>;

/// `25000000`, `19.90`.
pub(crate) fn amount(money: Money) -> Amount {
    number(money.amount())
}

/// `25000000`, `19.90`, `0.0125`.
pub(crate) fn unit_price(price: UnitPrice) -> Amount {
    number(price.amount())
}

fn number(amount: Decimal) -> Amount {
    RawValue::from_string(amount.to_string()).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// Reads an amount that the wire gives as number or text, from its digits.
pub(crate) fn money(json: &RawValue, currency: Currency) -> Option<Money> {
    let text = json.get();
    let digits = serde_json::from_str::<String>(text);
    Money::parse(digits.as_deref().unwrap_or(text), currency).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_a_number_with_its_own_digits() -> Result<(), serde_json::Error> {
        let dong = Money::from_minor_units(25_000_000, Currency::VND);
        let dollars = Money::from_minor_units(1_990, Currency::USD);
        assert_eq!(serde_json::to_string(&[amount(dong), amount(dollars)])?, "[25000000,19.90]");
        let screw = UnitPrice::parse("0.0125", Currency::USD).map_err(serde::de::Error::custom)?;
        assert_eq!(
            serde_json::to_string(&[unit_price(screw), unit_price(dollars.into())])?,
            "[0.0125,19.90]"
        );
        for text in ["19.9", "\"19.90\""] {
            assert_eq!(money(serde_json::from_str(text)?, Currency::USD), Some(dollars));
        }
        Ok(())
    }
}
