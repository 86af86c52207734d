//! The machine's figures: CPU time and memory of a process, and how quiet it is. Linux only, from `/proc`.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::Serialize;
use tokio::process::Command;

/// `USER_HZ`: the unit of CPU time in `/proc`, the same on every Linux a worker runs on.
const TICKS_PER_SECOND: f64 = 100.0;

/// The machine that measured.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// Cores this program may use.
    pub cores: usize,
    /// The processor, in its own words.
    pub processor: String,
    /// Load of the last minute, before the bench began.
    pub load: f64,
}

impl Machine {
    /// Reads the machine's figures before a bench.
    pub fn look() -> anyhow::Result<Self> {
        let load = read("/proc/loadavg")?;
        let load = load.split_whitespace().next().and_then(|load| load.parse().ok());
        let cpus = read("/proc/cpuinfo")?;
        let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
        Ok(Self {
            cores: std::thread::available_parallelism()?.get(),
            processor: model.map_or("unknown", |(_, model)| model.trim()).to_owned(),
            load: load.context("/proc/loadavg has no number")?,
        })
    }
}

fn read(path: &str) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("{path} cannot be read: the bench needs Linux"))
}

/// CPU seconds a process has used, threads included.
pub fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    let stat = read(&format!("/proc/{pid}/stat"))?;
    // The program's name may hold blanks and brackets; what follows it does not.
    let (_, fields) = stat.rsplit_once(')').context("/proc/…/stat has no name")?;
    let ticks =
        |field: usize| fields.split_whitespace().nth(field).and_then(|ticks| ticks.parse::<u64>().ok());
    // utime and stime are the 14th and 15th of all, the 12th and 13th after the name.
    let (user, system) = ticks(11).zip(ticks(12)).context("/proc/…/stat has no times")?;
    Ok((user + system) as f64 / TICKS_PER_SECOND)
}

/// CPU seconds all processes have used.
pub fn all_cpu_seconds() -> anyhow::Result<f64> {
    let stat = read("/proc/stat")?;
    let line = stat.lines().next().unwrap_or_default();
    let ticks: Vec<u64> = line.split_whitespace().skip(1).filter_map(|ticks| ticks.parse().ok()).collect();
    // user, nice, system, (idle, iowait), irq, softirq
    let busy: u64 = [0, 1, 2, 5, 6].iter().filter_map(|field| ticks.get(*field)).sum();
    Ok(busy as f64 / TICKS_PER_SECOND)
}

/// Memory a process holds now, in KiB.
pub fn rss_kib(pid: u32) -> anyhow::Result<f64> {
    memory(pid, "VmRSS:")
}

/// The most memory a process has ever held, in KiB.
pub fn peak_rss_kib(pid: u32) -> anyhow::Result<f64> {
    memory(pid, "VmHWM:")
}

/// Forgets the most memory that a process has held: from now on it is the most from here.
pub fn forget_peak(pid: u32) -> anyhow::Result<()> {
    fs::write(format!("/proc/{pid}/clear_refs"), "5").with_context(|| format!("process {pid} has ended"))
}

fn memory(pid: u32, name: &str) -> anyhow::Result<f64> {
    let status = read(&format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u32>().ok());
    kib.map(f64::from).with_context(|| format!("process {pid} has no memory: it has ended"))
}

/// Runs a program to its end, without its output; returns the most memory that it held, in KiB.
pub async fn memory_of(mut program: Command) -> anyhow::Result<f64> {
    let mut running = program.stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).spawn()?;
    let pid = running.id().context("it ended at once")?;
    let mut most = 0_f64;
    loop {
        // Gone between two looks: the last one counts.
        most = most.max(peak_rss_kib(pid).unwrap_or_default());
        if let Ok(status) = tokio::time::timeout(Duration::from_millis(100), running.wait()).await {
            let status = status?;
            ensure!(status.success(), "the run did not go through: {status}");
            return Ok(most);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_cpu_and_memory() {
        let me = std::process::id();
        let before = cpu_seconds(me).expect("read");
        let begun = std::time::Instant::now();
        while begun.elapsed() < std::time::Duration::from_millis(200) {
            std::hint::spin_loop();
        }
        assert!(cpu_seconds(me).expect("read") > before);
        let rss = rss_kib(me).expect("read");
        assert!(rss > 1_000.0);
        assert!(peak_rss_kib(me).expect("read") >= rss);
        assert!(all_cpu_seconds().expect("read") >= before);
    }
}
