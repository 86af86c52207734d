//! Numbers in texts, read exactly: from their digits, never through floating point, and never rounded.
//!
//! One reader for amounts, quantities, percentages and factors. The decimal type's own readers take more than numbers
//! (`25_000`, `+5`, `.5`), and of a power of ten they round the part before it.

use rust_decimal::Decimal;
use thiserror::Error;

/// Digits that any decimal can hold.
const DIGITS: usize = 28;

/// Why a text is not a number that can be held exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NumberError {
    /// Not written as a number is ([`is_number`]).
    #[error("is not a number")]
    NotANumber,
    /// More than 28 digits, or zeros, before the point.
    #[error("has too many digits")]
    TooLarge,
    /// More than 28 decimals, or more than 28 digits of which some are decimals.
    #[error("has too many decimals")]
    TooFine,
}

/// Whether a text is written as JSON writes numbers, of whatever size: digits, with a minus before them, decimals
/// behind
/// a point and a power of ten, if any. Zeros may stand before it, as programs fill columns up.
#[must_use]
pub fn is_number(text: &str) -> bool {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    is_digits(whole.strip_prefix('-').unwrap_or(whole))
        && is_digits(fraction)
        && is_digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))
}

/// The number that a text says, without zeros at its end.
///
/// # Errors
/// When it is not written as a number, or cannot be held exactly.
pub fn decimal(text: &str) -> Result<Decimal, NumberError> {
    if !is_number(text) {
        return Err(NumberError::NotANumber);
    }
    let (mantissa, power) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (is_negative, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let shortened = all.trim_end_matches('0');
    let digits = shortened.trim_start_matches('0');
    if digits.is_empty() {
        return Ok(Decimal::ZERO);
    }
    let out_of_bounds = if power.starts_with('-') { i64::MIN } else { i64::MAX };
    let power = power.parse::<i64>().unwrap_or(out_of_bounds);
    // How far the last digit stands behind the point.
    let decimals = (length(fraction.len()) - length(all.len() - shortened.len())).saturating_sub(power);
    let (zeros, scale) = if decimals < 0 { (decimals.saturating_neg(), 0) } else { (0, decimals) };
    let before_the_point = length(digits.len()).saturating_add(zeros).saturating_sub(scale);
    if before_the_point > length(DIGITS) + 1 {
        return Err(NumberError::TooLarge);
    }
    let too_long = if scale > 0 { NumberError::TooFine } else { NumberError::TooLarge };
    let written = format!("{digits}{}", "0".repeat(usize::try_from(zeros).map_err(|_| too_long)?));
    let coefficient = written.parse::<i128>().map_err(|_| too_long)?;
    let scale = u32::try_from(scale).map_err(|_| too_long)?;
    let signed = if is_negative { -coefficient } else { coefficient };
    Decimal::try_from_i128_with_scale(signed, scale).map_err(|_| too_long)
}

/// The product, if it can be held exactly.
#[must_use]
pub fn product(one: Decimal, other: Decimal) -> Option<Decimal> {
    let (one, other) = (one.normalize(), other.normalize());
    let mut coefficient = one.mantissa().checked_mul(other.mantissa())?;
    let mut scale = one.scale() + other.scale();
    while scale > 0 && coefficient % 10 == 0 {
        (coefficient, scale) = (coefficient / 10, scale - 1);
    }
    Decimal::try_from_i128_with_scale(coefficient, scale).ok()
}

fn length(of: usize) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, NumberError> {
        decimal(text).map(|number| number.to_string())
    }

    #[test]
    fn a_number_is_read_exactly_however_it_is_written() {
        for (written, meant) in [
            ("0", "0"),
            ("-0.00", "0"),
            ("0e400", "0"),
            ("007", "7"),
            ("00012.50", "12.5"),
            ("-1.250", "-1.25"),
            ("25000000.0", "25000000"),
            ("2.5e7", "25000000"),
            ("2.5E+7", "25000000"),
            ("125e-4", "0.0125"),
            ("0.0000001e7", "1"),
            // Long powers: the decimal type's own readers refuse the first two and round the third.
            ("1000000000000000000000000000000e-30", "1"),
            ("0.0000000000000000000000000000001e31", "1"),
            ("0.12345678901234567890123456789e29", "12345678901234567890123456789"),
            ("79228162514264337593543950335", "79228162514264337593543950335"),
            ("0.1234567890123456789012345678", "0.1234567890123456789012345678"),
            ("1.00000000000000000000000000000000000000000000", "1"),
        ] {
            assert_eq!(read(written).as_deref(), Ok(meant), "{written}");
        }
    }

    #[test]
    fn a_product_is_exact_or_none() {
        let product = |one: &str, other: &str| {
            let product = product(decimal(one).ok()?, decimal(other).ok()?)?;
            Some(product.to_string())
        };
        assert_eq!(product("1299.50", "-1000").as_deref(), Some("-1299500"));
        assert_eq!(
            product("0.00000000000005", "0.00000000000002").as_deref(),
            Some("0.000000000000000000000000001")
        );
        assert_eq!(product("0", "7").as_deref(), Some("0"));
        // The decimal type makes nothing of the first, and rounds the second.
        for (one, other) in [("1e-28", "0.1"), ("1.234567890123456", "1.23456789012345678"), ("1e28", "10")] {
            assert_eq!(product(one, other), None, "{one} × {other}");
        }
    }

    #[test]
    fn a_text_that_is_no_number_or_cannot_be_held_is_refused() {
        for text in [
            "",
            " ",
            "-",
            "+5",
            "1_000",
            "25_000_000",
            "1__0",
            "_1",
            "1_",
            "1.",
            ".5",
            "1.2.3",
            "1,5",
            "1e",
            "e5",
            "1e5.0",
            "1e1_0",
            "0x10",
            "٣",
            "１",
            "inf",
            "NaN",
            "--1",
            "1 000",
            "1\u{a0}000",
            " 1",
        ] {
            assert_eq!(read(text), Err(NumberError::NotANumber), "{text:?}");
        }
        for text in [
            "79228162514264337593543950336",
            "1e29",
            "-1e400",
            "1e99999999999999999999",
            "123456789012345678901234567890.5",
        ] {
            assert_eq!(read(text), Err(NumberError::TooLarge), "{text}");
        }
        for text in [
            "1e-29",
            "1e-99999999999999999999",
            "0.12345678901234567890123456789",
            // Rounded by the decimal type: its last digits do not fit.
            "12345678901234567890.1234567890123e1",
            "12345678901234567890.12345678901e-20",
        ] {
            assert_eq!(read(text), Err(NumberError::TooFine), "{text}");
        }
    }
}
