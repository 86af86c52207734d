//! The kinds, values and conditions of rules, and their checks.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::answer::{Refusal, Stop};
use crate::body::{self, Text};
use crate::handlers::categories;
use crate::money::{Amount, Major};
use crate::shop::Shop;

/// A currency with four decimals: those of percentages and of fixed discounts.
const FOUR_DECIMALS: &str = "CLF";
/// A hundred percent in ten-thousandths of a percent.
pub(super) const HUNDRED_PERCENT: i64 = 1_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Percentage,
    Fixed,
    BuyXGetY,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Percentage => "percentage",
            Self::Fixed => "fixed",
            Self::BuyXGetY => "buy_x_get_y",
        }
    }

    /// The kind of a rule that is kept already.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::Percentage, Self::Fixed, Self::BuyXGetY].into_iter().find(|kind| kind.name() == name)
    }
}

/// A discount as a number with up to four decimals, without zeros at its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Discount(pub(super) i64);

impl Discount {
    pub(super) fn read(amount: &Amount, kind: Kind) -> Result<Self, Refusal> {
        let value = amount.minor(FOUR_DECIMALS, "discount_value")?;
        let refuse = |message: &str| Err(Refusal::invalid("discount_value", message));
        match kind {
            Kind::Percentage if value > HUNDRED_PERCENT => refuse("is more than 100 percent"),
            Kind::Percentage | Kind::Fixed if value == 0 => refuse("must be more than zero"),
            _ => Ok(Self(value)),
        }
    }

    pub(super) fn text(self) -> String {
        let text = Major::new(self.0, FOUR_DECIMALS).to_string();
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

/// The bounds of a rule; an unknown condition is refused.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Conditions {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) category_ids: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) product_ids: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) min_quantity: Option<NonZeroU32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) min_amount: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    buy_quantity: Option<NonZeroU32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    get_quantity: Option<NonZeroU32>,
}

impl Conditions {
    /// Reads the JSON text of a request; ids in it must exist.
    pub(super) fn read(shop: &Shop<'_>, text: &Text, kind: Kind) -> Result<Self, Stop> {
        let conditions: Self = body::parse_text("conditions", text)?;
        let Self { category_ids, product_ids, buy_quantity, get_quantity, .. } = &conditions;
        for (field, list) in [("category_ids", category_ids), ("product_ids", product_ids)] {
            if list.as_ref().is_some_and(Vec::is_empty) {
                let message = "must not be empty: a rule for everything does not name it";
                return Err(Refusal::invalid(&format!("conditions.{field}"), message).into());
            }
        }
        for id in category_ids.iter().flatten() {
            categories::must_exist(shop, id, "conditions.category_ids")?;
        }
        for id in product_ids.iter().flatten() {
            if shop.number("SELECT count(*) FROM products WHERE sku = ?1", [id])? == 0 {
                let message = format!("conditions.product_ids: there is no product {id}");
                return Err(Refusal::new(422, "PRODUCT_NOT_FOUND", message).into());
            }
        }
        let has_both = buy_quantity.is_some() && get_quantity.is_some();
        if kind == Kind::BuyXGetY && !has_both {
            let message = "buy_x_get_y needs buy_quantity and get_quantity";
            return Err(Refusal::invalid("conditions", message).into());
        }
        Ok(conditions)
    }
}

/// The JSON text of an object, as it is kept.
pub(super) fn actions(text: Option<&Text>) -> Result<Option<String>, Stop> {
    let Some(text) = text else { return Ok(None) };
    let object: serde_json::Map<String, serde_json::Value> = body::parse_text("actions", text)?;
    Ok(Some(serde_json::to_string(&object)?))
}

/// An end that is not after its beginning.
pub(super) fn check_window(start: Option<i64>, end: Option<i64>) -> Result<(), Refusal> {
    match (start, end) {
        (Some(start), Some(end)) if end <= start => {
            Err(Refusal::invalid("end_date", "must be after start_date"))
        }
        _ => Ok(()),
    }
}
