//! The adapters from both ends: a real SDK worker asks them, and the sandbox shop or a scripted peer answers.
//!
//! The worker's Temporal is a few functions in this process (`temporal`), so that a test sees exactly what a server
//! would: a payload, or a failure with its type, its retryability and its delay. The SDK's own test environment would
//! bring 18 crates and a second build of the SDK's core into every test run.

mod bulk;
mod by_id;
mod call;
mod commerce;
mod conflicts;
mod customers;
mod everything;
mod heartbeats;
mod held;
mod inventory;
mod inventory_doubts;
mod inventory_looks;
mod inventory_many;
mod inventory_open_holds;
mod loyalty;
mod mail;
mod notification;
mod order_money;
mod paths;
mod payment;
mod peer;
mod platform;
mod request;
mod samples;
mod several;
mod shipping;
mod shop;
mod siblings;
mod stripe;
mod temporal;
mod told;

type TestResult<T = ()> = Result<T, Box<dyn std::error::Error>>;
