//! The JSON of everything that crosses the border: running workflows and recorded histories hold it.
//!
//! A failing test here means that a worker of the next version could not read what one of this version wrote. The
//! fix is in `contracts`, not here; only a new variant or a new optional field adds a line.

mod catalog;
mod customers;
mod loyalty;
mod messages;
mod names;
mod orders;
mod parcels;
mod payments;
mod pinned;
mod prices;
mod samples;
mod stock;

type TestResult<T = ()> = Result<T, Box<dyn std::error::Error>>;
