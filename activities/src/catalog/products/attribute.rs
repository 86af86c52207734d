//! The value of a product's attribute.

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

/// The value of an attribute as the shop has it. A catalogue gives texts; a number, a list or a yes that the shop has
/// besides stays one when another attribute is changed, as a product's attributes are written together.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::catalog) struct Attribute(Box<RawValue>);

impl Attribute {
    /// A text.
    pub(super) fn text(text: &str) -> Option<Self> {
        to_raw_value(text).ok().map(Self)
    }

    pub(super) fn of(value: Box<RawValue>) -> Self {
        Self(value)
    }

    /// Whether it says the same as a text: `16` does as a number and as a text.
    pub(super) fn says(&self, text: &str) -> bool {
        match serde_json::from_str::<String>(self.0.get()) {
            Ok(own) => own == text,
            Err(_) => self.0.get() == text,
        }
    }
}

impl PartialEq for Attribute {
    fn eq(&self, other: &Self) -> bool {
        let text = |value: &Self| serde_json::from_str::<String>(value.0.get()).ok();
        self.0.get() == other.0.get() || text(self).is_some_and(|own| text(other) == Some(own))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(json: &str) -> Attribute {
        serde_json::from_str(json).expect("JSON")
    }

    #[test]
    fn a_number_stays_one_and_says_its_digits() {
        let cores = attribute("16");
        assert!(cores.says("16") && !cores.says("16.0"));
        assert!(attribute("\"16\"").says("16"));
        assert_ne!(cores, attribute("\"16\""));
        assert_eq!(serde_json::to_string(&attribute("1.50")).expect("JSON"), "1.50");
    }

    #[test]
    fn a_text_is_the_same_however_it_is_escaped() {
        assert_eq!(Attribute::text("Bình"), Some(attribute("\"B\\u00ecnh\"")));
    }
}
