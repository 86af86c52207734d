//! The business processes, as durable workflows. No I/O, no clock, no randomness, no Temporal client.
//!
//! Reading order:
//! - [`order_processing`]: the first process; it reads top to bottom as a shop owner would tell it;
//! - [`late_payment`]: money that arrives for an order that has ended goes back;
//! - [`customer_onboarding`]: a registration becomes a customer with points, a coupon and a home page;
//! - [`follow_up_emails`]: the mails of the week after, each asked about when it is due;
//! - [`erp_sync`]: what changed in an ERP comes into the shop, page by page, losing nothing;
//! - [`bulk_price_update`]: a list of new prices comes into the shop, in batches that can be paused;
//! - [`price_revert`]: the prices of such a run go back;
//! - [`price_export`]: the shop's prices as a list;
//! - [`catalog_setup`]: a file's categories, pictures, products and rules come into the shop;
//! - [`unsubscription`]: one click in a mail ends all marketing mail;
//! - [`store_clean_up`]: lists in the object store go some days after their run;
//! - [`store_probe`]: `doctor` asks whether the worker reads the starter's object store;
//! - [`saga`]: what makes it safe: a step and its undo in one statement, the stop, the pivot, the stuck undo;
//! - [`policy`]: every timeout and retry, by name;
//! - [`input`]: how a process's input is checked, field by field, in the starter and again in the workflow;
//! - [`report`]: what a run says about itself: the step table, progress, the final report;
//! - [`search_attributes`]: what a list of runs can be filtered by;
//! - [`observe`]: where the worker listens to count outcomes;
//! - `clock`: the present of a run;
//! - `consent`: whether a person has agreed to what a run would change.
//!
//! Deliberately absent: anything that a replay could see differently (`clippy.toml` bans it, with reasons), HTTP
//! shapes, and configuration other than [`policy`].
#![deny(unused_must_use)]

pub mod bulk_price_update;
pub mod catalog_setup;
mod clock;
mod consent;
pub mod customer_onboarding;
pub mod erp_sync;
pub mod follow_up_emails;
pub mod input;
pub mod late_payment;
pub mod observe;
pub mod order_processing;
pub mod policy;
pub mod price_export;
pub mod price_revert;
pub mod report;
pub mod saga;
pub mod search_attributes;
pub mod store_clean_up;
pub mod store_probe;
pub mod unsubscription;

/// The task queue that workers of every process poll, unless configured otherwise.
pub const TASK_QUEUE: &str = "sunflow";
