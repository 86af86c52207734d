//! Tests against servers from npm, for `cargo xtask test --all` alone: Node is not among what everybody has.

mod stripe_transport;
