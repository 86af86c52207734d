//! Programs that Debian carries and PyPI does not: unpacked below `target/tools`, not installed, so nobody has to be
//! root. apt checks Debian's signature; the version is the one of this machine's Debian.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow, ensure};

use super::pypi::{last_lines, whole_or_not_at_all};
use crate::lock::lock;
use crate::say::say;

/// A program of a Debian package that is used where it is found, and unpacked where it is not.
pub(crate) struct Packed {
    /// The package.
    package: &'static str,
    /// The program in its `usr/bin`.
    program: &'static str,
    /// The variable that names a path to it, for those who bring their own.
    pub(crate) variable: &'static str,
}

/// Checks Prometheus' rules, and tests them.
pub(crate) static PROMTOOL: Packed =
    Packed { package: "prometheus", program: "promtool", variable: "SUNFLOW_PROMTOOL" };

impl Packed {
    /// An absolute path to a copy that runs: the user's own, one on PATH, one unpacked earlier, or one unpacked now.
    pub(crate) fn find_or_install(&self, target: &Path) -> Result<PathBuf> {
        if let Some(path) = env::var_os(self.variable).filter(|path| !path.is_empty()) {
            let path = std::path::absolute(&path)?;
            let wrong = || format!("{}={} will not do; unset it", self.variable, path.display());
            runs(&path).with_context(wrong)?;
            return Ok(path);
        }
        let search = env::var_os("PATH").unwrap_or_default();
        let mut on_path = env::split_paths(&search).map(|folder| folder.join(self.program));
        if let Some(path) = on_path.find(|path| runs(path).is_ok()) {
            return Ok(std::path::absolute(path)?);
        }
        let tools = target.join("tools");
        let folder = tools.join(format!("debian-{}", self.package));
        let program = folder.join("usr/bin").join(self.program);
        if runs(&program).is_ok() {
            return Ok(program);
        }
        let _one_at_a_time = lock(&tools.join("lock"), "installing")?;
        if runs(&program).is_ok() {
            return Ok(program); // by the one we waited for
        }
        say!("unpacking Debian's package {} into {}", self.package, folder.display());
        let unpacked = whole_or_not_at_all(&folder, |unfinished| self.unpack(unfinished));
        unpacked.and_then(|()| runs(&program)).map_err(|error| anyhow!("{error:#}\n{}", self.ways_out()))?;
        Ok(program)
    }

    fn unpack(&self, folder: &Path) -> Result<()> {
        let apt = folder.join("apt");
        let download = || ran(apt_get(&apt, &["download", self.package]));
        fs::create_dir_all(&apt).with_context(|| format!("cannot create {}", apt.display()))?;
        if download().is_err() {
            // A fresh machine or container has no lists of packages yet. These go where nobody has to be root.
            own_lists(&apt)?;
            ran(with_own_lists(apt_get(&apt, &["update"]), &apt))?;
            ran(with_own_lists(apt_get(&apt, &["download", self.package]), &apt))?;
        }
        let deb = fs::read_dir(&apt)?
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .find(|path| path.extension() == Some(OsStr::new("deb")))
            .context("apt-get download left no package")?;
        let mut unpack = Command::new("dpkg-deb");
        unpack.arg("--extract").arg(&deb).arg(folder);
        ran(unpack)?;
        fs::remove_dir_all(&apt).with_context(|| format!("cannot remove {}", apt.display()))
    }

    fn ways_out(&self) -> String {
        format!(
            "Do one of these, then run the command again:\n  \
             - Debian and Ubuntu: `apt-get install {}`\n  \
             - put {} on PATH (https://prometheus.io/download)\n  \
             - set {}=/path/to/{}",
            self.package, self.program, self.variable, self.program
        )
    }
}

fn apt_get(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    // As root, apt would write as a user of its own, who may not come into this folder.
    command.args(["--quiet", "-o", "APT::Sandbox::User=root"]).args(arguments).current_dir(folder);
    command
}

fn own_lists(folder: &Path) -> Result<()> {
    for own in ["lists/partial", "cache/archives/partial"] {
        let own = folder.join(own);
        fs::create_dir_all(&own).with_context(|| format!("cannot create {}", own.display()))?;
    }
    Ok(())
}

fn with_own_lists(mut command: Command, folder: &Path) -> Command {
    let option = |name: &str, own: &str| format!("{name}={}", folder.join(own).display());
    command.arg("-o").arg(option("Dir::State::lists", "lists"));
    command.arg("-o").arg(option("Dir::Cache", "cache"));
    command
}

fn ran(mut command: Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("{name} does not run"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{name} failed ({}):\n{}", output.status, last_lines(&said, 8));
    Ok(())
}

fn runs(program: &Path) -> Result<()> {
    let mut command = Command::new(program);
    command.arg("--version");
    ran(command)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cargo::Workspace;

    /// Downloads on a fresh machine; afterwards, and under `cargo xtask test`, it only looks.
    #[test]
    fn promtool_can_be_had_on_this_machine() {
        let target = Workspace::locate().expect("a workspace").target;
        let promtool = PROMTOOL.find_or_install(&target).expect("found or unpacked");
        runs(&promtool).expect("runs");
    }

    #[test]
    fn a_package_that_is_not_there_is_named_with_the_ways_out() {
        let none =
            Packed { package: "sunflow-no-such-package", program: "no-such", variable: "SUNFLOW_NONE" };
        let words = none.ways_out();
        assert!(words.contains("apt-get install sunflow-no-such-package"), "{words}");
        let error = runs(Path::new("/nowhere/promtool")).expect_err("is not there");
        assert_eq!(format!("{error}"), "/nowhere/promtool does not run");
    }
}
