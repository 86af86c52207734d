//! Tests for `cargo xtask test --all` alone: against servers from npm, because Node is not among what everybody has;
//! against an ERP, whose database takes more than a minute to make; of so many records that they take minutes; and of
//! every recorded scenario once more.

mod erp_many;
mod object_store;
mod played_anew;
mod stripe_transport;
mod tryton;
