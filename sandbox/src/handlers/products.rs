//! Products: one model, written by the platform's own callers and by syncs.

mod create;
mod fields;
mod read;
mod remove;
mod seo;
mod sync;
mod update;

pub(super) use create::create;
pub(super) use read::{by_handle, get, list};
pub(super) use remove::delete;
pub(super) use seo::seo_content;
pub(crate) use sync::page;
pub(super) use sync::{lookup, skus};
pub(super) use update::update;

use crate::answer::Refusal;

/// 404 `PRODUCT_NOT_FOUND`.
pub(super) fn unknown(sku: &str) -> Refusal {
    Refusal::new(404, "PRODUCT_NOT_FOUND", format!("there is no product {sku}"))
}
