//! Ids, quantities and keys: validated when built, so that no process or adapter checks them again.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The longest name of a product, in characters: the shop takes no longer one, so no door does.
pub const PRODUCT_NAME_MAX: usize = 255;

/// Why a text is not an id.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum IdError {
    /// Nothing there.
    #[error("is empty")]
    Empty,
    /// Longer than the limit.
    #[error("is longer than {0} characters")]
    TooLong(usize),
    /// `.` or `..`: in a path, another place.
    #[error("is made of dots")]
    Dots,
    /// Holds a character outside the allowed set.
    #[error("holds a character other than {0}")]
    BadCharacter(&'static str),
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $max:literal, $allowed:expr, $words:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks and wraps an id.
            ///
            /// # Errors
            /// When it is empty, too long, a path's dots or holds a character outside the allowed set.
            pub fn new(text: impl Into<String>) -> Result<Self, IdError> {
                let text = text.into();
                let allowed: fn(char) -> bool = $allowed;
                if text.is_empty() {
                    Err(IdError::Empty)
                } else if text.chars().count() > $max {
                    Err(IdError::TooLong($max))
                } else if text == "." || text == ".." {
                    Err(IdError::Dots)
                } else if !text.chars().all(allowed) {
                    Err(IdError::BadCharacter($words))
                } else {
                    Ok(Self(text))
                }
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    };
}

id! {
    /// The shop's number of an order. It becomes part of the workflow id, of idempotency keys and of links,
    /// so it holds only letters, digits, `.`, `_` and `-` (hence no mail address), at most 64 of them.
    OrderId, 64, |c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'),
    "letters, digits, '.', '_' and '-'"
}
id! {
    /// The shop's id of a customer. Opaque, at most 100 printable characters; a payload, never an id of ours.
    CustomerId, 100, |c| !c.is_control(), "printable characters"
}
id! {
    /// The shop's id (in the seed: the SKU) of a product, at most 100 printable ASCII characters without blanks.
    ProductId, 100, |c| c.is_ascii_graphic(), "printable ASCII characters without blanks"
}
id! {
    /// One variant of a product, as it is stocked and shipped: at most 100 printable ASCII characters without blanks.
    VariantId, 100, |c| c.is_ascii_graphic(), "printable ASCII characters without blanks"
}

id! {
    /// A payment provider's id of an event. It becomes part of a workflow id: letters, digits, `.`, `_`, `:` and
    /// `-`, at most 128 of them.
    EventId, 128, |c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '-'),
    "letters, digits, '.', '_', ':' and '-'"
}

id! {
    /// A pseudonym of a customer: the first 16 hex digits of a keyed hash of the mail address (crate `pseudonym`).
    /// It stands in workflow ids and search attributes, which Temporal never encrypts.
    CustomerRef, 16, |c| matches!(c, '0'..='9' | 'a'..='f'), "lower-case hex digits"
}

id! {
    /// The shop's name of an integration with another system. It becomes part of workflow ids and of keys in the object
    /// store: letters, digits, `.`, `_` and `-`, at most 64 of them.
    IntegrationId, 64, |c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'),
    "letters, digits, '.', '_' and '-'"
}

id! {
    /// Names a price run. It becomes part of workflow ids and of keys in the object store: letters, digits, `.`, `_`
    /// and `-`, at most 64 of them.
    PriceBatchId, 64, |c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'),
    "letters, digits, '.', '_' and '-'"
}

id! {
    /// The shop's name of a catalogue. It becomes part of workflow ids and of keys in the object store: letters,
    /// digits, `.`, `_` and `-`, at most 64 of them.
    CatalogId, 64, |c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'),
    "letters, digits, '.', '_' and '-'"
}

impl CustomerRef {
    /// The first 8 bytes of a keyed hash, in hex.
    #[must_use]
    pub fn from_hash(hash: &[u8; 32]) -> Self {
        Self(hash[..8].iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl From<ProductId> for VariantId {
    /// A product without variants is its own variant.
    fn from(product: ProductId) -> Self {
        Self(product.0)
    }
}

/// Names one outside effect for as long as the provider remembers keys: the same key, the same effect.
///
/// `<workflow id>/<step>` or `<workflow id>/<step>/<line>`; never made per attempt, never from volatile fields.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The key of a step's effect.
    #[must_use]
    pub fn new(workflow_id: &str, step: &str) -> Self {
        Self(format!("{workflow_id}/{step}"))
    }

    /// The key of one part of this effect: a line of an order, the undo of a step.
    #[must_use]
    pub fn part(&self, part: &str) -> Self {
        Self(format!("{}/{part}", self.0))
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A payment token (a card's, a wallet's). `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PaymentToken(String);

impl PaymentToken {
    /// Wraps a token as the shop's checkout got it from the payment provider.
    #[must_use]
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    /// The token itself, for the payment adapter alone.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PaymentToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PaymentToken(hidden)")
    }
}

/// The language and country of customer-facing text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Locale {
    /// Vietnamese, Vietnam: the seed's shop.
    #[default]
    #[serde(rename = "vi-VN")]
    ViVn,
    /// English, United States.
    #[serde(rename = "en-US")]
    EnUs,
}

impl Locale {
    /// Every locale there are texts for.
    pub const ALL: [Self; 2] = [Self::ViVn, Self::EnUs];

    /// The BCP-47 tag.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::ViVn => "vi-VN",
            Self::EnUs => "en-US",
        }
    }

    /// The locale of a BCP-47 tag, if there are texts for it.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|locale| locale.tag() == tag)
    }
}

/// Where a parcel goes. Personal data: never in an id, summary, log or failure text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// The receiver's name.
    pub name: String,
    /// A phone number for the carrier, in the international form `+84901234567`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// House and street.
    pub address: String,
    /// District or ward, where the country has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub district: Option<String>,
    /// City or province.
    pub city: String,
    /// State, region or prefecture, where an address of the country has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Postal code, where the country has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// Country, as the shop writes it.
    pub country: String,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(hidden)")
    }
}

/// A mail address or phone number. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Recipient(String);

impl Recipient {
    /// Wraps an address that its reader has checked.
    #[must_use]
    pub fn new(address: impl Into<String>) -> Self {
        Self(address.into())
    }

    /// The address itself, for the adapter that sends.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recipient(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_id_cannot_be_a_mail_address_or_a_path() {
        assert!(OrderId::new("ORDER-001").is_ok());
        for bad in ["", "a@example.com", "a/b", "a b", "é", ".", ".."] {
            assert!(OrderId::new(bad).is_err(), "{bad:?} was taken");
        }
        assert_eq!(OrderId::new("x".repeat(65)), Err(IdError::TooLong(64)));
    }

    #[test]
    fn what_is_personal_is_not_shown() {
        let address = Address {
            name: "Nguyen Van A".into(),
            phone: None,
            address: "123 Nguyen Hue Street".into(),
            district: None,
            city: "Ho Chi Minh City".into(),
            state: None,
            postal_code: Some("700000".into()),
            country: "Vietnam".into(),
        };
        let shown =
            format!("{:?} {:?} {address:?}", PaymentToken::new("tok"), Recipient::new("a@example.com"));
        assert_eq!(shown, "PaymentToken(hidden) Recipient(hidden) Address(hidden)");
    }

    #[test]
    fn a_key_names_step_and_line() {
        let key = IdempotencyKey::new("order/ORDER-001", "reserve-inventory");
        assert_eq!(key.part("LAPTOP-001").as_str(), "order/ORDER-001/reserve-inventory/LAPTOP-001");
    }
}
