//! The harness of the whole-system tests: a real Temporal server, real workers, the sandbox shop.
//!
//! - [`servers`]: Temporal's dev server, shared by the tests of one run, and the time-skipping test server;
//! - [`world`]: one shop with a worker of its own on a task queue of its own, and what a test asks them;
//! - [`shop`]: the sandbox, and what a test asks it;
//! - [`processes`]: child processes that do not outlive the test run;
//! - [`orders`]: orders to place;
//! - [`customers`], [`follow_up`]: customers to onboard, and the mails of their first week;
//! - [`clear`]: histories in clear, to be searched;
//! - [`erp`]: a shop with an ERP, and their syncs;
//! - [`catalog`]: a shop that gets a catalogue;
//! - [`matrix`]: fault matrices: the faults, the columns, and what a process brings;
//! - [`scenarios`]: each way in which an order can go, for the replay corpus;
//! - [`chaos`]: many orders while everything is killed and fails;
//! - [`stripe`]: a Stripe to be paid through, and the wire to it;
//! - [`mail`]: a mail server;
//! - [`twilio`]: a Twilio, for SMS;
//! - [`own_worker`]: a worker for workflows that only a test knows;
//! - [`schedules`]: files of schedules, applied and looked at;
//! - [`bulk`]: a throw-away user of bulk work;
//! - [`prices`]: price runs;
//! - [`starter`]: the command line, as a person calls it;
//! - [`proxy`]: a proxy before Temporal that counts calls, and can be away;
//! - [`mod@bench`]: what an order costs.
//!
//! `cargo xtask test` installs what is needed and says where it is (`TEMPORAL_CLI`, `TEMPORAL_TEST_SERVER`,
//! `SUNFLOW_PROMTOOL`, `SUNFLOW_LOCALSTRIPE`, `SUNFLOW_AIOSMTPD`). A test that misses something fails and names that
//! command.

#![expect(
    missing_docs,
    reason = "tests alone import the harness: a doc stands where it says more than the name"
)]

pub mod bench;
pub mod bulk;
pub mod catalog;
pub mod chaos;
pub mod clear;
pub mod customers;
pub mod erp;
pub mod follow_up;
pub mod mail;
pub mod matrix;
pub mod orders;
pub mod own_worker;
pub mod prices;
pub mod processes;
pub mod proxy;
pub mod scenarios;
pub mod schedules;
pub mod servers;
pub mod shop;
pub mod starter;
pub mod stripe;
pub mod twilio;
pub mod world;
