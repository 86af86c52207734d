//! Names exactly the changes that somebody has seen in a preview, so that nothing else is done in their name.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Hex digits of each half.
const DIGITS: usize = 16;

/// A receipt: one half names the list and the terms under which it is worked off, the other one the changes that come
/// of it where things stand. `3f2a91c07be41d58-90c1d2e3f4a5b6c7` as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    asked: String,
    changes: String,
}

/// The likeness of two receipts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// The same changes.
    Same,
    /// The same list under the same terms, but other changes come of it now.
    Moved,
    /// Another list, or other terms.
    Other,
}

/// A text that is not a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("is not a receipt: copy it as the dry run prints it, 16 hex digits, a hyphen and 16 more")]
pub struct ReceiptError;

impl Receipt {
    /// From the hashes of the list with its terms, and of the changes, as hex digits.
    ///
    /// # Errors
    /// When one of them is not a hash.
    pub fn of(asked: &str, changes: &str) -> Result<Self, ReceiptError> {
        let half = |hash: &str| {
            let digits = hash.get(..DIGITS).ok_or(ReceiptError)?;
            let is_hex = digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
            if is_hex { Ok(digits.to_owned()) } else { Err(ReceiptError) }
        };
        Ok(Self { asked: half(asked)?, changes: half(changes)? })
    }

    /// Compares it with an earlier one.
    #[must_use]
    pub fn likeness(&self, earlier: &Self) -> Likeness {
        match (self.asked == earlier.asked, self.changes == earlier.changes) {
            (false, _) => Likeness::Other,
            (true, false) => Likeness::Moved,
            (true, true) => Likeness::Same,
        }
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.asked, self.changes)
    }
}

impl FromStr for Receipt {
    type Err = ReceiptError;

    fn from_str(text: &str) -> Result<Self, ReceiptError> {
        let (asked, changes) = text.trim().split_once('-').ok_or(ReceiptError)?;
        match asked.len() == DIGITS && changes.len() == DIGITS {
            true => Self::of(asked, changes),
            false => Err(ReceiptError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_tells_other_rows_from_a_shop_that_has_moved() -> Result<(), ReceiptError> {
        let (a, b) = ("0123456789abcdef00", "fedcba98765432100");
        let receipt = Receipt::of(a, b)?;
        assert_eq!(receipt.to_string(), "0123456789abcdef-fedcba9876543210");
        assert_eq!(receipt.to_string().parse(), Ok(receipt.clone()));
        assert_eq!(receipt.likeness(&Receipt::of(a, b)?), Likeness::Same);
        assert_eq!(receipt.likeness(&Receipt::of(a, a)?), Likeness::Moved);
        assert_eq!(receipt.likeness(&Receipt::of(b, b)?), Likeness::Other);
        for wrong in ["", "0123456789abcdef", "0123456789abcdef-", "0123456789ABCDEF-fedcba9876543210"] {
            assert_eq!(wrong.parse::<Receipt>(), Err(ReceiptError), "{wrong}");
        }
        Ok(())
    }
}
