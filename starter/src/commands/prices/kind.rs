//! The columns of a price list.

use mapping::targets::Kind;

use crate::commands::lists::columns::ListKind;

/// A price list.
pub(crate) const PRICES: ListKind = ListKind {
    name: "a price list",
    fields: &[
        ("sku", Kind::Key),
        ("variant", Kind::Key),
        ("old_price", Kind::Money),
        ("new_price", Kind::Money),
        ("currency", Kind::Text),
        ("effective_date", Kind::Date),
        ("reason", Kind::Text),
    ],
    keys: &["sku", "variant"],
    currency: Some("currency"),
    // An export calls it so.
    also: &[("price", "new_price")],
    passed_over: &["line", "causes", "name"],
};
