//! Prices by SKU: looked up by many keys, listed page by page, written one by one or a thousand at once.

mod read;
mod write;

pub(super) use read::{list, lookup};
pub(super) use write::{set, set_many};
