//! The folder a running Sunflow keeps its things in, and the promise that no two share one.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::lock::try_lock;
use crate::say::say;

/// `target/sunflow`, or `target/sunflow-2`, … while that is in use. Ours until it is dropped.
///
/// Two Temporal servers on one database file would corrupt it, so a folder is in use when either of two things
/// says so: its lock file is held (another xtask runs; the kernel lets go of it however that one ends), or
/// `logs/pids.json` names a process that still lives (its xtask was killed and left it behind).
pub(crate) struct RunDir {
    path: PathBuf,
    /// Locked for as long as it is open.
    _lock: File,
}

/// Nobody runs more stacks than this on one machine; past it, something else is wrong.
const TRIES: u32 = 20;

impl RunDir {
    pub(crate) fn claim(target: &Path, name: &str) -> Result<Self> {
        for number in 1..=TRIES {
            let path = target.join(if number == 1 { name.to_owned() } else { format!("{name}-{number}") });
            fs::create_dir_all(path.join("logs"))
                .with_context(|| format!("cannot create {}", path.display()))?;
            let Some(lock) = try_lock(&path.join("lock"))? else {
                say!("{} is in use by another xtask", path.display());
                continue;
            };
            let run_dir = Self { path, _lock: lock };
            let Some((name, pid)) = run_dir.left_over() else { return Ok(run_dir) };
            let path = run_dir.path.display();
            say!("{path} is in use by a {name} that a killed xtask left behind (`kill {pid}` ends it)");
        }
        bail!("{TRIES} folders below {} are in use; stop some of the stacks that run", target.display())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.path.join("logs")
    }

    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.logs().join(format!("{name}.log"))
    }

    pub(crate) fn pids_file(&self) -> PathBuf {
        self.logs().join("pids.json")
    }

    pub(crate) fn env_file(&self) -> PathBuf {
        self.path.join("env.sh")
    }

    pub(crate) fn temporal_database(&self) -> PathBuf {
        self.path.join("temporal.db")
    }

    /// The object store of worker and starter.
    pub(crate) fn store(&self) -> PathBuf {
        self.path.join("store")
    }

    pub(crate) fn sandbox_database(&self) -> PathBuf {
        self.path.join("sandbox.db")
    }

    /// Forgets every workflow and every order: removes the databases and SQLite's files beside them.
    pub(crate) fn wipe_databases(&self) -> Result<()> {
        for database in [self.temporal_database(), self.sandbox_database()] {
            for suffix in ["", "-wal", "-shm", "-journal"] {
                let mut file = database.clone().into_os_string();
                file.push(suffix);
                match fs::remove_file(&file) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        return Err(error).with_context(|| format!("cannot remove {}", file.display()));
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// A process of an earlier run that still lives.
    fn left_over(&self) -> Option<(String, u64)> {
        let pids: Value = serde_json::from_str(&fs::read_to_string(self.pids_file()).ok()?).ok()?;
        pids.as_object()?.iter().find_map(|(name, pid)| {
            let pid = pid.as_u64()?;
            is_ours(&command_line(pid)?, name, &self.path).then(|| (name.clone(), pid))
        })
    }
}

/// The program and arguments of a living process. Not every system has `/proc`; all have `ps` then.
fn command_line(pid: u64) -> Option<Vec<String>> {
    if Path::new("/proc/self/cmdline").exists() {
        let bytes = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let words = bytes.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned());
        return Some(words.filter(|word| !word.is_empty()).collect());
    }
    let output = Command::new("ps").args(["-o", "command=", "-p", &pid.to_string()]).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    Some(text.split_whitespace().map(str::to_owned).collect())
}

/// Process numbers are used again, so a living one counts only if it is called like ours or works in our folder.
fn is_ours(command_line: &[String], name: &str, run_dir: &Path) -> bool {
    let Some(program) = command_line.first() else { return false };
    let same_name = Path::new(program).file_name().is_some_and(|file| file == name);
    let run_dir = run_dir.to_string_lossy();
    same_name || command_line.iter().any(|word| word.starts_with(&format!("{run_dir}/")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::process::Stdio;

    fn scratch(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("xtask-run-dir-{}-{name}", std::process::id()));
        if path.exists() {
            fs::remove_dir_all(&path).expect("cleaned");
        }
        path
    }

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn two_stacks_never_share_a_folder_and_a_third_run_gets_the_first_again() {
        let target = scratch("share");
        let first = RunDir::claim(&target, "sunflow").expect("claimed");
        let second = RunDir::claim(&target, "sunflow").expect("claimed");
        assert_eq!(first.path, target.join("sunflow"));
        assert_eq!(second.path, target.join("sunflow-2"));
        drop(first);
        let third = RunDir::claim(&target, "sunflow").expect("claimed");
        assert_eq!(third.path, target.join("sunflow"));
        fs::remove_dir_all(target).expect("cleaned");
    }

    #[test]
    fn a_left_over_process_keeps_its_folder_and_a_dead_one_does_not() {
        let target = scratch("left-over");
        let first = RunDir::claim(&target, "sunflow").expect("claimed");
        let database = first.temporal_database();
        let mut command = Command::new("sh");
        command.args(["-c", "echo up; read line", "sh"]).arg(&database);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("sh runs");
        // The kernel shows a command line only a moment after the spawn.
        child.stdout.as_mut().expect("piped").read_exact(&mut [0; 2]).expect("is up");
        let pids = serde_json::json!({"temporal": child.id(), "sandbox": null});
        fs::write(first.pids_file(), pids.to_string()).expect("written");
        drop(first);
        assert_eq!(RunDir::claim(&target, "sunflow").expect("claimed").path, target.join("sunflow-2"));
        child.kill().expect("killed");
        child.wait().expect("reaped");
        assert_eq!(RunDir::claim(&target, "sunflow").expect("claimed").path, target.join("sunflow"));
        fs::remove_dir_all(target).expect("cleaned");
    }

    #[test]
    fn a_process_number_that_somebody_else_uses_now_is_not_ours() {
        let run_dir = Path::new("/t/sunflow");
        assert!(is_ours(&words("/t/debug/worker"), "worker", run_dir));
        assert!(is_ours(
            &words("/opt/temporal-1.9 server --db-filename /t/sunflow/temporal.db"),
            "temporal",
            run_dir
        ));
        assert!(!is_ours(
            &words("/opt/temporal-1.9 server --db-filename /t/sunflow-2/t.db"),
            "temporal",
            run_dir
        ));
        assert!(!is_ours(&words("/usr/bin/vim worker.rs"), "worker", run_dir));
        assert!(!is_ours(&[], "worker", run_dir));
    }

    #[test]
    fn wiping_takes_the_databases_and_nothing_else() {
        let target = scratch("wipe");
        let run_dir = RunDir::claim(&target, "sunflow").expect("claimed");
        for file in ["temporal.db", "temporal.db-wal", "sandbox.db", "sandbox.db-shm", "env.sh"] {
            fs::write(run_dir.path.join(file), "x").expect("written");
        }
        run_dir.wipe_databases().expect("wiped");
        run_dir.wipe_databases().expect("nothing there is fine");
        let mut left: Vec<_> =
            fs::read_dir(&run_dir.path).expect("there").flatten().map(|e| e.file_name()).collect();
        left.sort();
        assert_eq!(left, ["env.sh", "lock", "logs"]);
        fs::remove_dir_all(target).expect("cleaned");
    }
}
