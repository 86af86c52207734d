//! A long-running process: how to start it, when it is ready, how long it may take to stop.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

pub(crate) struct Service {
    /// Short and unique: it names the log file and the entry in `pids.json`.
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    /// Set on top of what it inherits from xtask, which is all but the `TEMPORAL_*`.
    pub(crate) environment: Vec<(&'static str, String)>,
    pub(crate) log: PathBuf,
    /// Asked again and again during the start; the error says what is still missing.
    pub(crate) ready: Box<dyn Fn() -> Result<()>>,
    /// How long it may take after SIGTERM before SIGKILL follows.
    pub(crate) patience: Duration,
}
