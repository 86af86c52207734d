//! Pricing rules: discounts while their window is open, on everything or on some categories and products.

mod fields;
mod read;
mod reduce;
mod write;

pub(super) use read::{by_name, get, list};
pub(crate) use reduce::{Offer, OpenRules, Reduced};
pub(super) use write::{create, delete, set_status, update};
