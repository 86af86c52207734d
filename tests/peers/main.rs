//! Tests for `cargo xtask test --all` alone: against servers from npm, because Node is not among what everybody has, and
//! against an ERP, whose database takes more than a minute to make.

mod object_store;
mod stripe_transport;
mod tryton;
