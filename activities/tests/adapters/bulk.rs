//! Bulk work from both ends: a worker of the SDK, an object store in a folder, and a till of prices in memory.

mod apply;
mod stage;
mod till;
