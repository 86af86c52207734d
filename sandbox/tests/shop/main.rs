//! The sandbox over HTTP, as its callers see it.

mod audit;
mod catalog;
mod control;
mod customers;
mod durability;
mod erp;
mod erp_control;
mod externals;
mod faults;
mod harness;
mod idempotency;
mod integrations;
mod inventory;
mod levels;
mod messages;
mod orders;
mod payments;
mod prices;
mod program;
mod shipments;
mod smtp;
mod strictness;
