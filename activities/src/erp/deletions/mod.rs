//! Records that are gone at the source, found by comparing keys.
//!
//! - `ledger.rs`: which products came from an integration, and which were taken out of sale for it;
//! - `scan.rs`: the keys of everything that the ERP has;
//! - `find.rs`: which products the shop sells that came from it and are not among them;
//! - `deactivate.rs`: those are taken out of sale.

pub(super) mod deactivate;
pub(super) mod find;
pub(super) mod ledger;
pub(super) mod scan;
