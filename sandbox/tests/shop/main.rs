//! The sandbox over HTTP, as its callers see it.

mod audit;
mod catalog;
mod categories;
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
mod media;
mod messages;
mod orders;
mod payments;
mod prices;
mod products;
mod program;
mod rules;
mod shipments;
mod smtp;
mod strictness;
