//! Logs, on stderr.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, Settings};

/// Installs the log, once per operating-system process.
pub fn init(settings: &Settings) {
    let filter = EnvFilter::builder().parse_lossy(&settings.operation.log_filter);
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let installed = match settings.operation.log_format {
        LogFormat::Text => log.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => log.json().try_init(),
    };
    if let Err(error) = installed {
        eprintln!("worker: the log was installed before: {error}");
    }
}
