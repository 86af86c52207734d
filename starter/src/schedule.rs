//! Schedules: processes that run again and again, as a file says.
//!
//! - `reader`, `calendar`, `file`: from TOML to what each schedule should be, every problem with its line;
//! - `proto`, `service`: Temporal's own form, through its raw service;
//! - `view`: two schedules compared in words;
//! - `apply`, `look`, `act`: the commands.

pub(crate) mod act;
pub(crate) mod apply;
mod calendar;
mod file;
pub(crate) mod look;
mod proto;
mod reader;
mod service;
mod view;
