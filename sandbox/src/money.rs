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

    /// Like [`Self::minor`], refusing zero.
    pub(crate) fn positive_minor(&self, currency: &str, field: &str) -> Result<i64, Refusal> {
        match self.minor(currency, field)? {
            0 => Err(Refusal::invalid(field, "must be more than zero")),
            minor => Ok(minor),
        }
    }
}

/// Reads a JSON number exactly; trailing zeros beyond the currency's decimals do no harm.
fn minor_units(text: &str, exponent: u32) -> Result<i64, &'static str> {
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
    let minor = if scale >= 0 {
        factor(scale).and_then(|factor| digits.checked_mul(factor))
    } else {
        match factor(-scale) {
            Some(divisor) if digits % divisor == 0 => Some(digits / divisor),
            _ => return Err("has more decimals than its currency"),
        }
    };
    let minor = minor.filter(|minor| *minor <= MINOR_UNITS_MAX).ok_or("is out of range")?;
    i64::try_from(minor).map_err(|_| "is out of range")
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
    fn amounts_are_written_in_major_units() {
        assert_eq!(Major::new(25_000_000, "VND").to_string(), "25000000");
        assert_eq!(Major::new(1999, "USD").to_string(), "19.99");
        assert_eq!(Major::new(7, "USD").to_string(), "0.07");
        assert_eq!(Major::new(-7, "USD").to_string(), "-0.07");
        assert_eq!(Major::new(1234, "BHD").to_string(), "1.234");
    }
}
