//! The stock system's words. Reserve and release have two documented generations: `items[]` in camelCase, and one
//! variant in snake_case. Confirm, restock and the list of holds are ours, siblings of release.
//!
//! The platform documents no answer to any of them beyond its envelope, so an answer counts for what it names: a hold,
//! a quantity, a state. One that says nothing but `success` is as documented, and its effect is looked for.

use contracts::inventory::{ConfirmStock, Hold, ReserveStock, Shortage, StockLine};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::http::{Api, CallError};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReserveBatch<'a> {
    items: Vec<BatchItem<'a>>,
    order_id: &'a str,
    expires_at: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchItem<'a> {
    product_id: &'a str,
    variant_id: &'a str,
    quantity: u32,
}

impl<'a> ReserveBatch<'a> {
    pub(super) fn of(input: &'a ReserveStock) -> Self {
        let items = input.lines.iter().map(|line| BatchItem {
            product_id: line.product_id.as_str(),
            variant_id: line.variant_id.as_str(),
            quantity: line.quantity,
        });
        Self { items: items.collect(), order_id: input.order_id.as_str(), expires_at: &input.expires_at }
    }
}

#[derive(Serialize)]
pub(super) struct ReserveOne<'a> {
    variant_id: &'a str,
    quantity: u32,
    reservation_expires_at: &'a str,
    reference_id: &'a str,
}

impl<'a> ReserveOne<'a> {
    pub(super) fn of(input: &'a ReserveStock, line: &'a StockLine) -> Self {
        Self {
            variant_id: line.variant_id.as_str(),
            quantity: line.quantity,
            reservation_expires_at: &input.expires_at,
            reference_id: input.order_id.as_str(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct ConfirmBatch<'a> {
    items: Vec<ConfirmItem<'a>>,
    reference_id: &'a str,
    order_id: &'a str,
}

#[derive(Serialize)]
pub(super) struct ConfirmOne<'a> {
    #[serde(flatten)]
    item: ConfirmItem<'a>,
    reference_id: &'a str,
    order_id: &'a str,
}

#[derive(Serialize)]
struct ConfirmItem<'a> {
    variant_id: &'a str,
    quantity: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    reservation_id: Option<&'a str>,
}

impl<'a> ConfirmItem<'a> {
    fn of(input: &'a ConfirmStock, line: &'a StockLine) -> Self {
        let hold = input.holds.iter().find(|hold| hold.variant_id == line.variant_id);
        Self {
            variant_id: line.variant_id.as_str(),
            quantity: line.quantity,
            reservation_id: hold.and_then(|hold| hold.reservation_id.as_deref()),
        }
    }
}

impl<'a> ConfirmBatch<'a> {
    pub(super) fn of(input: &'a ConfirmStock) -> Self {
        let order = input.order_id.as_str();
        let items = input.lines.iter().map(|line| ConfirmItem::of(input, line));
        Self { items: items.collect(), reference_id: order, order_id: order }
    }
}

impl<'a> ConfirmOne<'a> {
    pub(super) fn of(input: &'a ConfirmStock, line: &'a StockLine) -> Self {
        let order = input.order_id.as_str();
        Self { item: ConfirmItem::of(input, line), reference_id: order, order_id: order }
    }
}

/// How much of a variant is given back.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Pieces<'a> {
    pub(super) variant_id: &'a str,
    pub(super) quantity: u64,
}

#[derive(Serialize)]
pub(super) struct Release<'a> {
    #[serde(flatten)]
    pub(super) pieces: Pieces<'a>,
    pub(super) reference_id: &'a str,
}

#[derive(Serialize)]
pub(super) struct Restock<'a> {
    pub(super) items: Vec<Pieces<'a>>,
    pub(super) reference_id: &'a str,
    pub(super) reason: &'static str,
}

/// The states of a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Held,
    Sold,
    Released,
    Expired,
    Restocked,
}

impl State {
    pub(super) const ALL: [Self; 5] =
        [Self::Held, Self::Sold, Self::Released, Self::Expired, Self::Restocked];

    fn of(word: &str) -> Option<Self> {
        match word {
            "held" => Some(Self::Held),
            "confirmed" => Some(Self::Sold),
            "released" => Some(Self::Released),
            "expired" => Some(Self::Expired),
            "restocked" => Some(Self::Restocked),
            _ => None,
        }
    }

    pub(super) fn read(api: &Api, word: &str) -> Result<Self, CallError> {
        Self::of(word).ok_or_else(|| api.new_word("a hold in a state", word))
    }
}

/// An answer to any of the requests: the holds of several lines, or of the one that was asked about; how much was
/// released or restocked.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Said {
    /// The envelope's own, where nothing else is in it.
    #[serde(default)]
    success: Option<bool>,
    #[serde(default)]
    reservations: Option<Vec<SaidHold>>,
    #[serde(default)]
    released: Option<u64>,
    #[serde(default)]
    restocked: Option<Vec<SaidPieces>>,
    #[serde(flatten)]
    one: SaidHold,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
struct SaidHold {
    #[serde(default, alias = "variantId")]
    variant_id: Option<String>,
    #[serde(flatten)]
    id: HoldId,
    #[serde(default)]
    quantity: Option<u64>,
    #[serde(default)]
    status: Option<String>,
}

/// The id of a hold. The platform's records have it as `id`; some have a number there and their own id beside it.
#[derive(Debug, Default, PartialEq, Deserialize)]
pub(super) struct HoldId {
    #[serde(default, alias = "reservationId")]
    reservation_id: Option<String>,
    #[serde(default)]
    id: Option<Value>,
}

impl HoldId {
    pub(super) fn get(&self) -> Option<String> {
        self.reservation_id.clone().or_else(|| match self.id.as_ref()? {
            Value::String(id) => Some(id.clone()),
            Value::Number(id) => Some(id.to_string()),
            _ => None,
        })
    }
}

#[derive(Debug, Deserialize)]
struct SaidPieces {
    #[serde(alias = "variantId")]
    variant_id: String,
    quantity: u64,
}

impl Said {
    /// A success without a body.
    pub(super) fn silence() -> Self {
        Self { success: Some(true), ..Self::default() }
    }

    /// Whether it is the envelope alone.
    pub(super) fn is_silent(&self) -> bool {
        let Self { success, reservations, released, restocked, one } = self;
        let names_nothing = reservations.is_none()
            && released.is_none()
            && restocked.is_none()
            && *one == SaidHold::default();
        *success == Some(true) && names_nothing
    }

    /// The hold of a line, if it is named as it was asked for: in that state and quantity, where they are said. An
    /// answer about one line need not name its variant.
    pub(super) fn hold_of(
        &self,
        api: &Api,
        line: &StockLine,
        state: State,
    ) -> Result<Option<Hold>, CallError> {
        let variant = line.variant_id.as_str();
        let named = match &self.reservations {
            Some(holds) => holds.iter().find(|hold| hold.variant_id.as_deref() == Some(variant)),
            None => Some(&self.one).filter(|hold| hold.names(variant)),
        };
        let Some(hold) = named else { return Ok(None) };
        if let Some(word) = &hold.status
            && State::read(api, word)? != state
        {
            return Ok(None);
        }
        if hold.quantity.is_some_and(|quantity| quantity != u64::from(line.quantity)) {
            return Ok(None);
        }
        Ok(Some(Hold { variant_id: line.variant_id.clone(), reservation_id: hold.id.get() }))
    }

    /// How much it says was released.
    pub(super) fn released(&self) -> Option<u64> {
        self.released
    }

    /// How much of a variant it says was restocked.
    pub(super) fn restocked(&self, variant: &str) -> Option<u64> {
        let mut lines = self.restocked.iter().flatten().filter(|line| line.variant_id == variant);
        lines.next().map(|line| line.quantity)
    }
}

impl SaidHold {
    fn names(&self, variant: &str) -> bool {
        match &self.variant_id {
            Some(named) => named == variant,
            None => self.id.get().is_some(),
        }
    }
}

/// Of the lines that were asked for, those that the details of a refusal name, with their quantities where they are
/// numbers. Other names stay out: they may be anything.
pub(super) fn named_by(details: &Value, asked: &[&StockLine]) -> Vec<Shortage> {
    let lines = details.get("lines").and_then(Value::as_array);
    let shortage = |line: &Value| {
        let variant = line.get("variant_id").and_then(Value::as_str)?;
        let pieces = |field| line.get(field).and_then(Value::as_u64);
        let is_asked = asked.iter().any(|line| line.variant_id.as_str() == variant);
        is_asked.then(|| Shortage {
            variant_id: variant.to_owned(),
            requested: pieces("requested"),
            available: pieces("available"),
        })
    };
    lines.into_iter().flatten().filter_map(shortage).collect()
}
