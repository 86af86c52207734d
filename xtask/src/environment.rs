//! The settings that a child process does not inherit.

use std::process::Command;

/// Takes all `TEMPORAL_*` out of what the command inherits: this machine's own server is meant, not the cloud
/// namespace, TLS files or API key that the developer's shell may be set up for.
pub(crate) fn without_temporal_settings(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("TEMPORAL_")) {
            command.env_remove(name);
        }
    }
    command
}
