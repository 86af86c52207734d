//! Whole-system tests: a real Temporal server, real workers, the sandbox shop.

mod order_cancelled;
mod order_crash;
mod order_crowd;
mod order_fulfilled;
mod order_lost_replies;
mod order_refused;
mod order_waiting;
mod stripe;
mod worker_life;
