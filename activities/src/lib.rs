//! The activities: one folder per outside system. `mod.rs` is contract in, client call, contract out; `client.rs`
//! is the wire, whose shapes never leave it. Where several providers can be behind a system, it has a trait, a list and
//! a folder per provider in its place.
//!
//! - `effect`: what adapters with effects share: staying alive, and the second look;
//! - [`provider`]: what the lists of providers have in common;
//! - [`http`]: the one place where an HTTP outcome becomes "retry", "give up" or "nobody knows";
//! - [`commerce`], [`customers`], [`inventory`], [`loyalty`], [`payment`], [`shipping`], [`notification`]: the systems;
//! - [`bulk`]: long lists of rows, whatever they are about; `lease`: the right to go on, where only one run may;
//! - [`catalog`]: the shop's catalogue, written from a file and taken back;
//! - [`erp`]: what changed in an ERP, and the shop's side of a sync;
//! - [`prices`]: lists of new prices, checked, written in batches, and taken back;
//! - [`objects`]: the object store's housekeeping;
//! - [`observe`]: what becomes of messages, for whoever counts it;
//! - [`webhook`]: news that a payment provider pushes, and how to know that it is from them.
//!
//! Deliberately absent: retry loops (Temporal's, by policy), workflow code, configuration files.

pub mod bulk;
pub mod catalog;
pub mod commerce;
pub mod customers;
mod effect;
pub mod erp;
pub mod http;
pub mod inventory;
mod lease;
pub mod loyalty;
pub mod notification;
pub mod objects;
pub mod observe;
pub mod payment;
pub mod prices;
pub mod provider;
pub mod shipping;
pub mod webhook;
