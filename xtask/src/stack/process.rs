//! One child process: its own process group, its output in a log file, no life without its parent.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::Service;
use crate::environment::without_temporal_settings;

pub(super) struct Process {
    child: Child,
    started: Instant,
}

impl Process {
    /// Starts the service. Call it from a thread that lives as long as the stack: the kernel takes the end of
    /// the starting thread for the death of the parent.
    pub(super) fn start(service: &Service) -> Result<Self> {
        let cannot = || format!("cannot start {}", service.program.display());
        let log = OpenOptions::new().create(true).append(true).open(&service.log).with_context(cannot)?;
        let mut command = leashed(service);
        without_temporal_settings(&mut command)
            .args(&service.arguments)
            .envs(service.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone().with_context(cannot)?)
            .stderr(log)
            // The terminal sends Ctrl-C to its whole foreground group; in a group of their own the children
            // do not get it, so that we can stop them in order.
            .process_group(0);
        let child = command.spawn().with_context(cannot)?;
        Ok(Self { child, started: Instant::now() })
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// How it ended, if it has.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Asks it to end. A process that just has is fine, hence no error.
    pub(super) fn terminate(&mut self) {
        if self.ended().is_none() {
            kill_process(Pid::from_child(&self.child), Signal::TERM).ok();
        }
    }

    /// Ends it and whatever it has started, without asking.
    pub(super) fn kill(&mut self) {
        if self.ended().is_none() {
            kill_process_group(Pid::from_child(&self.child), Signal::KILL).ok();
            self.child.wait().ok();
        }
    }
}

/// The safety net for a panic and for errors nobody foresaw.
impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The service's command, run so that the kernel kills it when xtask dies without having stopped it (`kill -9`).
///
/// Asking the kernel takes a system call between fork and exec, which std only offers as unsafe code;
/// `setpriv` from util-linux, part of every Debian, does it for us and then becomes the program, so the process
/// number stays. Where it is missing (macOS) the next run finds the left-overs by their numbers and avoids them.
fn leashed(service: &Service) -> Command {
    static SETPRIV: LazyLock<bool> = LazyLock::new(|| {
        let mut probe = Command::new("setpriv");
        probe
            .args(["--pdeathsig", "KILL", "true"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        probe.status().is_ok_and(|status| status.success())
    });
    if !*SETPRIV {
        return Command::new(&service.program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(&service.program);
    command
}

/// The last lines of a log, to be shown when its writer died.
pub(super) fn tail(log: &Path, lines: usize) -> String {
    /// Far more than the lines asked for; a log can be gigabytes.
    const WINDOW: u64 = 64 * 1024;
    let read = || -> std::io::Result<String> {
        let mut file = File::open(log)?;
        let start = file.metadata()?.len().saturating_sub(WINDOW);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
