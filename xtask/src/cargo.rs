//! Running cargo from inside cargo.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fs, io};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::Value;

use crate::say::say;

/// The folders cargo works in; both absolute.
#[derive(Clone)]
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) target: PathBuf,
}

impl Workspace {
    pub(crate) fn locate() -> Result<Self> {
        let output = cargo()
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .stderr(Stdio::inherit())
            .output()
            .context("cargo metadata did not run")?;
        ensure!(output.status.success(), "cargo metadata failed ({})", output.status);
        let metadata: Value =
            serde_json::from_slice(&output.stdout).context("cargo metadata did not print JSON")?;
        let folder = |name: &str| {
            let path = metadata[name].as_str().map(PathBuf::from);
            path.with_context(|| format!("cargo metadata names no {name}"))
        };
        Ok(Self { root: folder("workspace_root")?, target: folder("target_directory")? })
    }
}

/// How the binaries are built.
#[derive(Args, Clone, Copy)]
pub(crate) struct Profile {
    /// Build the binaries with optimisations
    #[arg(long)]
    release: bool,
}

impl Profile {
    /// Where cargo puts the binaries of this profile.
    pub(crate) fn bin_dir(self, workspace: &Workspace) -> PathBuf {
        workspace.target.join(if self.release { "release" } else { "debug" })
    }

    /// Builds what a running Sunflow is made of, with the link by which Temporal's CLI finds the starter.
    pub(crate) fn build(self, workspace: &Workspace) -> Result<()> {
        let mut arguments = vec!["build", "-p", "worker", "-p", "starter", "-p", "sandbox"];
        if self.release {
            arguments.push("--release");
        }
        run(&arguments)?;
        link_extension(&self.bin_dir(workspace))
    }
}

impl Profile {
    pub(crate) const DEBUG: Self = Self { release: false };
    pub(crate) const RELEASE: Self = Self { release: true };
}

/// Temporal's CLI runs `temporal-sun` from PATH as `temporal sun`.
const EXTENSION: &str = "temporal-sun";

/// Links the extension to the starter beside it, unless it is linked already.
fn link_extension(bin_dir: &Path) -> Result<()> {
    let link = bin_dir.join(EXTENSION);
    if fs::read_link(&link).is_ok_and(|target| target == Path::new("starter")) {
        return Ok(());
    }
    // Made aside and moved into place: another xtask may do the same at this moment.
    let new = bin_dir.join(format!("{EXTENSION}.{}", std::process::id()));
    symlink("starter", &new)
        .and_then(|()| fs::rename(&new, &link))
        .with_context(|| format!("cannot link {} to the starter", link.display()))
}

/// Says the cargo command, runs it with its talk on stderr, and fails if it fails.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    let shown = format!("cargo {}", arguments.join(" "));
    say!("{shown}");
    let status = cargo()
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(io::stderr())
        .status()
        .with_context(|| format!("`{shown}` did not run"))?;
    ensure!(status.success(), "`{shown}` failed ({status})");
    Ok(())
}

/// The cargo that runs us, with the variables taken out that `cargo run` set for us: build scripts that watch
/// them (ring's does) would otherwise rebuild whenever `cargo xtask …` and plain cargo take turns.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(is_set_by_cargo_run) {
            command.env_remove(name);
        }
    }
    command
}

fn is_set_by_cargo_run(name: &str) -> bool {
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_own_cargo_settings_are_passed_on() {
        assert!(is_set_by_cargo_run("CARGO_PKG_NAME"));
        assert!(is_set_by_cargo_run("CARGO_MANIFEST_DIR"));
        assert!(!is_set_by_cargo_run("CARGO_TARGET_DIR"));
        assert!(!is_set_by_cargo_run("CARGO_BUILD_JOBS"));
    }

    #[test]
    fn the_extension_leads_to_the_starter_and_is_linked_once() -> Result<()> {
        let folder = std::env::temp_dir().join(format!("sunflow-link-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("starter"), "the starter")?;
        fs::write(folder.join(EXTENSION), "an old copy")?;
        for _ in 0..2 {
            link_extension(&folder)?;
            assert_eq!(fs::read_to_string(folder.join(EXTENSION))?, "the starter");
            assert_eq!(fs::read_dir(&folder)?.count(), 2, "something was left behind");
        }
        fs::remove_dir_all(&folder)?;
        Ok(())
    }

    #[test]
    fn the_workspace_is_found_from_inside_a_crate() {
        let workspace = Workspace::locate().expect("cargo metadata runs");
        assert!(workspace.root.join("xtask/Cargo.toml").is_file(), "{}", workspace.root.display());
        assert!(workspace.target.is_absolute());
    }
}
