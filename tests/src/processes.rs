//! Child processes that do not outlive the test run, however it ends.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, bail};

/// A program from the environment variable that `cargo xtask test` sets.
pub fn tool(variable: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::var_os(variable).map(PathBuf::from);
    let path =
        path.with_context(|| format!("{variable} is not set: run `cargo xtask test`, which installs it"))?;
    if !path.is_file() {
        bail!("{variable} names {}, which is not there: run `cargo xtask test`", path.display());
    }
    Ok(path)
}

/// A program of this workspace, built beside the tests (or beside the program that asks).
pub fn binary(name: &str) -> anyhow::Result<PathBuf> {
    let asking = std::env::current_exe()?;
    let beside = asking.parent().context("this program is in no folder")?;
    // Cargo keeps tests one folder below the programs.
    let folder = if beside.ends_with("deps") { beside.parent().unwrap_or(beside) } else { beside };
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
    leash: Option<ChildStdin>,
    pid: u32,
}

// It ends when the program is gone, so that whoever waits for it finds ports and files free.
const WATCHDOG: &str = r#"log=$1; program=$2; shift 2
"$program" "$@" </dev/null >>"$log" 2>&1 &
child=$!
echo "$child"
exec >/dev/null 2>&1
cat
kill -9 "$child"
wait "$child""#;

impl Leashed {
    /// Starts a program.
    pub fn start(program: &Path, args: &[String]) -> anyhow::Result<Self> {
        Self::start_logging(program, args, Path::new("/dev/null"))
    }

    /// Starts a program; what it says is appended to a file.
    pub fn start_logging(program: &Path, args: &[String], log: &Path) -> anyhow::Result<Self> {
        let mut watchdog = Command::new("sh")
            .arg("-c")
            .arg(WATCHDOG)
            .arg("watchdog")
            .arg(log)
            .arg(program)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} cannot be started", program.display()))?;
        let leash = Some(watchdog.stdin.take().context("the watchdog has no pipe")?);
        let mut said = String::new();
        let stdout = watchdog.stdout.take().context("the watchdog has no output")?;
        BufReader::new(stdout).read_line(&mut said)?;
        let pid = said.trim().parse().context("the watchdog did not say its child's number")?;
        Ok(Self { watchdog, leash, pid })
    }

    /// The program's process number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// `kill -9`; returns when the program is gone.
    pub fn kill(mut self) -> anyhow::Result<()> {
        drop(self.leash.take());
        self.watchdog.wait()?;
        Ok(())
    }
}

impl Drop for Leashed {
    fn drop(&mut self) {
        // The pipe closes after this; the watchdog is reaped by whoever comes later, or by the system.
        let _still_running = self.watchdog.try_wait();
    }
}

/// A port that is free now, and that no outgoing connection is given: those start at 32768 (Linux) or higher. A server
/// that is killed finds it free when it comes back.
pub fn free_port() -> anyhow::Result<u16> {
    const FIRST: u32 = 20_000;
    const COUNT: u32 = 12_000;
    // Every process begins elsewhere, and no port is given twice.
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let begin = std::process::id().wrapping_mul(97);
    (0..COUNT)
        .map(|_| FIRST + begin.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed)) % COUNT)
        .filter_map(|port| u16::try_from(port).ok())
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .context("no port from 20000 to 31999 is free")
}
