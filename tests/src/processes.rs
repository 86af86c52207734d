//! Child processes that do not outlive the test run, however it ends.

use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context as _, bail};

/// A program from the environment variable that `cargo xtask test` sets.
///
/// # Errors
/// When it is not set; names what sets it.
pub fn tool(variable: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::var_os(variable).map(PathBuf::from);
    let path =
        path.with_context(|| format!("{variable} is not set: run `cargo xtask test`, which installs it"))?;
    if !path.is_file() {
        bail!("{variable} names {}, which is not there: run `cargo xtask test`", path.display());
    }
    Ok(path)
}

/// A program of this workspace, built beside the tests.
///
/// # Errors
/// When it was not built; names what builds it.
pub fn binary(name: &str) -> anyhow::Result<PathBuf> {
    let test = std::env::current_exe()?;
    let folder = test.parent().and_then(Path::parent).context("the tests are not in a target folder")?;
    let path = folder.join(name);
    if !path.is_file() {
        bail!("{} is not built: run `cargo xtask test`, which builds it", path.display());
    }
    Ok(path)
}

/// A child whose life depends on a pipe: when this value goes, or the test run dies in whatever way, the pipe
/// closes and a small watchdog ends the program.
pub struct Leashed {
    watchdog: Child,
    _leash: ChildStdin,
}

const WATCHDOG: &str = r#"program=$1; shift
"$program" "$@" </dev/null >/dev/null 2>&1 &
child=$!
cat >/dev/null
kill -9 "$child" 2>/dev/null"#;

impl Leashed {
    /// Starts a program.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(program: &Path, args: &[String]) -> anyhow::Result<Self> {
        let mut watchdog = Command::new("sh")
            .arg("-c")
            .arg(WATCHDOG)
            .arg("watchdog")
            .arg(program)
            .args(args)
            .stdin(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} cannot be started", program.display()))?;
        let leash = watchdog.stdin.take().context("the watchdog has no pipe")?;
        Ok(Self { watchdog, _leash: leash })
    }
}

impl Drop for Leashed {
    fn drop(&mut self) {
        // The pipe closes after this; the watchdog is reaped by whoever comes later, or by the system.
        let _still_running = self.watchdog.try_wait();
    }
}

/// A port that is free now.
///
/// # Errors
/// When there is none.
pub fn free_port() -> anyhow::Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
