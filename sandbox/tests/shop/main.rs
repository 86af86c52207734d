//! The sandbox over HTTP, as its callers see it.

mod audit;
mod control;
mod customers;
mod durability;
mod faults;
mod harness;
mod idempotency;
mod inventory;
mod messages;
mod orders;
mod payments;
mod program;
mod shipments;
mod smtp;
mod strictness;
