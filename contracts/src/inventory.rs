//! The stock: holds with a deadline, their confirmation, and both undos.

#![expect(
    missing_docs,
    clippy::unimplemented,
    reason = "activity_definitions wants this body and generates markers without docs; everything else has them"
)]

use serde::{Deserialize, Serialize};
use temporalio_macros::activity_definitions;

use crate::values::{IdempotencyKey, OrderId, ProductId, VariantId};

/// The stock system's activities.
pub struct Inventory;

#[activity_definitions]
impl Inventory {
    /// Holds every line until a deadline, or none.
    #[activity(name = "inventory.reserve")]
    pub fn reserve(input: ReserveStock) -> Reservation {
        unimplemented!()
    }

    /// Undoes [`Inventory::reserve`]: frees what is held for the order. Nothing held is success, at the second look.
    #[activity(name = "inventory.release")]
    pub fn release(input: ReleaseStock) {
        unimplemented!()
    }

    /// Turns the order's holds into sold stock.
    #[activity(name = "inventory.confirm")]
    pub fn confirm(input: ConfirmStock) -> Confirmation {
        unimplemented!()
    }

    /// Undoes [`Inventory::confirm`]: a confirmed hold can no longer be released. Nothing confirmed is success, at
    /// the second look.
    #[activity(name = "inventory.restock")]
    pub fn restock(input: ReleaseStock) {
        unimplemented!()
    }
}

/// The generated markers that an implementation points at.
pub mod defs {
    pub use super::inventory::*;
}

/// How much of a variant; an order names each variant once here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockLine {
    /// The product.
    pub product_id: ProductId,
    /// The stocked variant.
    pub variant_id: VariantId,
    /// Pieces, above zero.
    pub quantity: u32,
}

/// A request to hold stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReserveStock {
    /// Names the holds.
    pub key: IdempotencyKey,
    /// The order they are for; the reference under which they are released.
    pub order_id: OrderId,
    /// The lines to hold.
    pub lines: Vec<StockLine>,
    /// When the stock system may take the holds back, RFC 3339 UTC.
    pub expires_at: String,
}

/// The outcome of a request to hold stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Reservation {
    /// Every line is held.
    Held {
        /// The holds, in the order of the lines.
        holds: Vec<Hold>,
    },
    /// Not every line could be held. Lines that were, if the system takes them one by one, are the undo's to free.
    Short {
        /// The lines that could not be held; none: the stock system does not say which of several.
        lines: Vec<Shortage>,
    },
}

/// One held line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The variant that is held.
    pub variant_id: VariantId,
    /// The stock system's own id of the hold, if it gives one (the platform documents none).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reservation_id: Option<String>,
}

/// One line without enough stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shortage {
    /// The variant that is short.
    pub variant_id: String,
    /// How many were asked for, where the system says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested: Option<u64>,
    /// How many there are, where the system says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available: Option<u64>,
}

/// A request to give stock back: held ([`Inventory::release`]) or sold ([`Inventory::restock`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseStock {
    /// The key of the step that is undone.
    pub key: IdempotencyKey,
    /// The order whose stock it is.
    pub order_id: OrderId,
    /// The lines to give back.
    pub lines: Vec<StockLine>,
    /// Whether every request for it was answered, so that none is on its way: nothing found is nothing there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_answered: bool,
    /// The variants whose sale was answered ([`Inventory::restock`]): of these something is there to give back,
    /// whatever a list shows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sold: Vec<String>,
}

/// A request to turn holds into sold stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmStock {
    /// Names the confirmation.
    pub key: IdempotencyKey,
    /// The order whose holds they are.
    pub order_id: OrderId,
    /// The lines that were held.
    pub lines: Vec<StockLine>,
    /// The holds, as [`Reservation::Held`] gave them.
    pub holds: Vec<Hold>,
    /// Whether a request before this one, under another key or by another activity, may have sold them: it got no
    /// answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub may_be_sold: bool,
}

/// The outcome of a request to turn holds into sold stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Confirmation {
    /// Sold.
    Confirmed,
    /// At least one hold was gone: swept after its deadline, or released by somebody else. Where the system takes lines
    /// one by one, others are sold.
    HoldLost {
        /// The variants of the order whose hold was gone.
        variants: Vec<String>,
        /// The variants of the order that are sold.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        sold: Vec<String>,
    },
}
