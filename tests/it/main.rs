//! Whole-system tests: a real Temporal server, real workers, the sandbox shop.

mod order_fulfilled;
mod order_undone;
