//! Money without floating point: JSON numbers in major units, kept as whole minor units.

use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::answer::Refusal;

/// Far above any price, far below the limits of the sums made with it.
const MINOR_UNITS_MAX: i128 = 1_000_000_000_000_000;

/// How many decimals the currency has (ISO 4217).
pub(crate) fn exponent(currency: &str) -> u32 {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI"
        | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "CLF" | "UYW" => 4,
        _ => 2,
    }
}

/// An ISO 4217 currency code.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Currency(String);

impl TryFrom<String> for Currency {
    type Error = &'static str;

    fn try_from(code: String) -> Result<Self, Self::Error> {
        if code.len() == 3 && code.bytes().all(|letter| letter.is_ascii_uppercase()) {
            Ok(Self(code))
        } else {
            Err("must be an ISO 4217 code of three capital letters")
        }
    }
}

impl Currency {
    pub(crate) fn code(&self) -> &str {
        &self.0
    }
}

/// An amount as it was written in the request.
#[derive(Debug, Deserialize, Serialize)]
#[serde(try_from = "Box<RawValue>")]
pub(crate) struct Amount(Box<RawValue>);

impl TryFrom<Box<RawValue>> for Amount {
    type Error = &'static str;

    fn try_from(raw: Box<RawValue>) -> Result<Self, Self::Error> {
        let is_number = raw.get().starts_with(|first: char| first.is_ascii_digit() || first == '-');
        if is_number { Ok(Self(raw)) } else { Err("must be a JSON number") }
    }
}

impl Amount {
    /// The amount in minor units of the currency; `field` names it in a refusal.
    pub(crate) fn minor(&self, currency: &str, field: &str) -> Result<i64, Refusal> {
        minor_units(self.0.get(), exponent(currency))
            .map_err(|problem| Refusal::invalid(field, format!("{problem} ({currency})")))
    }

    /// The price of one piece, which may be finer than the coin; `field` names it in a refusal.
    pub(crate) fn unit_price(&self, field: &str) -> Result<UnitPrice, Refusal> {
        UnitPrice::read(self.0.get()).map_err(|problem| Refusal::invalid(field, problem))
    }

    /// Like [`Self::minor`], refusing zero.
    pub(crate) fn positive_minor(&self, currency: &str, field: &str) -> Result<i64, Refusal> {
        match self.minor(currency, field)? {
            0 => Err(Refusal::invalid(field, "must be more than zero")),
            minor => Ok(minor),
        }
    }
}

/// A price of one piece has at most so many decimals.
const UNIT_DECIMALS: u32 = 12;

/// The price of one piece, exact: so many parts of 10^-12 of the currency's unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UnitPrice(i128);

impl UnitPrice {
    fn read(text: &str) -> Result<Self, &'static str> {
        let parts = scaled(text, UNIT_DECIMALS).map_err(|problem| match problem {
            TOO_FINE => "has more than 12 decimals",
            other => other,
        })?;
        Ok(Self(parts))
    }

    /// One that was written by `Display`.
    pub(crate) fn stored(text: &str) -> Option<Self> {
        Self::read(text).ok()
    }

    /// The price of so many pieces in minor units, rounded half up.
    pub(crate) fn times(self, quantity: u32, currency: &str) -> Option<i64> {
        let of_a_coin = 10_i128.pow(UNIT_DECIMALS - exponent(currency));
        let product = self.0.checked_mul(i128::from(quantity))?.checked_add(of_a_coin / 2)?;
        i64::try_from(product / of_a_coin).ok()
    }

    /// Whether the currency has no coin for it.
    pub(crate) fn is_finer_than(self, currency: &str) -> bool {
        self.0 % 10_i128.pow(UNIT_DECIMALS - exponent(currency)) != 0
    }

    /// A price in minor units.
    pub(crate) fn of_minor(minor: i64, currency: &str) -> Self {
        Self(i128::from(minor) * 10_i128.pow(UNIT_DECIMALS - exponent(currency)))
    }
}

impl std::fmt::Display for UnitPrice {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let unit = 10_i128.pow(UNIT_DECIMALS);
        let decimals = format!("{:0width$}", self.0 % unit, width = UNIT_DECIMALS as usize);
        match decimals.trim_end_matches('0') {
            "" => write!(formatter, "{}", self.0 / unit),
            decimals => write!(formatter, "{}.{decimals}", self.0 / unit),
        }
    }
}

impl Serialize for UnitPrice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.to_string()).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

const TOO_FINE: &str = "has more decimals than its currency";

/// Reads a JSON number exactly; trailing zeros beyond the currency's decimals do no harm.
fn minor_units(text: &str, exponent: u32) -> Result<i64, &'static str> {
    let minor = Some(scaled(text, exponent)?).filter(|minor| *minor <= MINOR_UNITS_MAX);
    i64::try_from(minor.ok_or("is out of range")?).map_err(|_| "is out of range")
}

/// A JSON number in parts of 10^-`exponent`, exactly.
fn scaled(text: &str, exponent: u32) -> Result<i128, &'static str> {
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(if text.starts_with('-') { "must not be negative" } else { "must be a JSON number" });
    }
    let (mantissa, power) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let power: i32 = power.parse().map_err(|_| "is out of range")?;
    let (whole, decimals) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let decimals = decimals.trim_end_matches('0');
    let digits: i128 = format!("{whole}{decimals}").parse().map_err(|_| "is out of range")?;
    if digits == 0 {
        return Ok(0);
    }
    let scale = i64::from(power) + i64::from(exponent)
        - i64::try_from(decimals.len()).map_err(|_| "is out of range")?;
    let factor = |places: i64| u32::try_from(places).ok().and_then(|places| 10_i128.checked_pow(places));
    if scale >= 0 {
        return factor(scale).and_then(|factor| digits.checked_mul(factor)).ok_or("is out of range");
    }
    match factor(-scale) {
        Some(divisor) if digits % divisor == 0 => Ok(digits / divisor),
        _ => Err(TOO_FINE),
    }
}

/// Minor units written as a JSON number in major units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Major {
    minor: i64,
    exponent: u32,
}

impl Major {
    pub(crate) fn new(minor: i64, currency: &str) -> Self {
        Self { minor, exponent: exponent(currency) }
    }

    /// In minor units.
    pub(crate) fn minor(self) -> i64 {
        self.minor
    }
}

impl std::fmt::Display for Major {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let unit = 10_i64.pow(self.exponent);
        let (whole, rest) = (self.minor / unit, (self.minor % unit).abs());
        if self.exponent == 0 {
            write!(formatter, "{whole}")
        } else {
            let sign = if self.minor < 0 && whole == 0 { "-" } else { "" };
            write!(formatter, "{sign}{whole}.{rest:0width$}", width = self.exponent as usize)
        }
    }
}

impl Serialize for Major {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.to_string()).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_exactly() {
        assert_eq!(minor_units("25000000", 0), Ok(25_000_000));
        assert_eq!(minor_units("25000000.0", 0), Ok(25_000_000));
        assert_eq!(minor_units("2.5e7", 0), Ok(25_000_000));
        assert_eq!(minor_units("19.99", 2), Ok(1999));
        assert_eq!(minor_units("0.07", 2), Ok(7));
        assert_eq!(minor_units("1.234", 3), Ok(1234));
        assert_eq!(minor_units("0.0", 0), Ok(0));
        assert_eq!(minor_units("1999e-2", 2), Ok(1999));
    }

    #[test]
    fn amounts_that_do_not_fit_are_refused() {
        assert_eq!(minor_units("0.5", 0), Err("has more decimals than its currency"));
        assert_eq!(minor_units("19.999", 2), Err("has more decimals than its currency"));
        assert_eq!(minor_units("-1", 2), Err("must not be negative"));
        assert_eq!(minor_units("\"1\"", 2), Err("must be a JSON number"));
        assert_eq!(minor_units("1e300", 2), Err("is out of range"));
        assert_eq!(minor_units("1e-300", 2), Err("has more decimals than its currency"));
        assert_eq!(minor_units("1e99999999999", 2), Err("is out of range"));
        assert_eq!(minor_units(&"9".repeat(60), 2), Err("is out of range"));
    }

    #[test]
    fn a_unit_price_is_exact_and_its_line_is_rounded_half_up() {
        let price = |text| UnitPrice::read(text).expect("a price");
        let lines = [
            ("0.125", 3, "EUR", 38),
            ("0.0125", 1_000, "USD", 1_250),
            ("0.5", 3, "VND", 2),
            ("0.4", 1, "VND", 0),
        ];
        for (text, quantity, currency, minor) in lines {
            assert_eq!(price(text).times(quantity, currency), Some(minor), "{quantity} x {text}");
        }
        assert_eq!(
            ["0.0125", "19.90", "25000000", "1e-12"].map(|text| price(text).to_string()),
            ["0.0125", "19.9", "25000000", "0.000000000001"]
        );
        assert_eq!(price("19.99"), UnitPrice::of_minor(1999, "USD"));
        assert_eq!(["19.99", "19.999"].map(|text| price(text).is_finer_than("USD")), [false, true]);
        assert_eq!(UnitPrice::read("1e-13"), Err("has more than 12 decimals"));
        assert_eq!(UnitPrice::read("-1"), Err("must not be negative"));
    }

    #[test]
    fn amounts_are_written_in_major_units() {
        assert_eq!(Major::new(25_000_000, "VND").to_string(), "25000000");
        assert_eq!(Major::new(1999, "USD").to_string(), "19.99");
        assert_eq!(Major::new(7, "USD").to_string(), "0.07");
        assert_eq!(Major::new(-7, "USD").to_string(), "-0.07");
        assert_eq!(Major::new(1234, "BHD").to_string(), "1.234");
    }
}
