//! Processes that run together: started in order, watched, started again when they die, stopped in reverse order.
//!
//! Nothing here knows Sunflow; [`crate::site`] says which processes there are.

mod backoff;
mod process;
mod service;

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

use crate::interrupt::Interrupt;
use crate::say::say;
use backoff::Backoff;
use process::Process;
pub(crate) use service::Service;

/// How often the processes are looked at.
const PULSE: Duration = Duration::from_millis(100);
/// How long one may take to become ready. Seconds are usual; a busy machine may need more.
const START_LIMIT: Duration = Duration::from_secs(90);
/// How much of a dead process's log is shown.
const TAIL_LINES: usize = 25;

pub(crate) struct Stack {
    members: Vec<Member>,
    pids_file: PathBuf,
    restart: bool,
}

struct Member {
    service: Service,
    process: Option<Process>,
    backoff: Backoff,
    restart_at: Option<Instant>,
}

impl Stack {
    /// An empty stack that keeps `pids_file` current, and starts dead processes again if `restart`.
    pub(crate) fn new(pids_file: PathBuf, restart: bool) -> Self {
        Self { members: Vec::new(), pids_file, restart }
    }

    /// Starts `services` side by side and waits until all are ready. A process that dies meanwhile makes it fail.
    pub(crate) fn start(&mut self, services: Vec<Service>, interrupt: &Interrupt) -> Result<()> {
        let first = self.members.len();
        for service in services {
            keep_previous_log(&service)?;
            let process = Some(Process::start(&service)?);
            self.members.push(Member { service, process, backoff: Backoff::default(), restart_at: None });
            self.write_pids()?;
        }
        let deadline = Instant::now() + START_LIMIT;
        for member in &mut self.members[first..] {
            member.wait_until_ready(deadline, interrupt)?;
        }
        Ok(())
    }

    /// One look at every process: notes who died, starts again who is due. Call it every now and then.
    pub(crate) fn tend(&mut self) {
        let mut changed = false;
        for member in &mut self.members {
            changed |= member.tend(self.restart);
        }
        if changed {
            self.note_pids();
        }
    }

    /// Tends the processes until a signal asks us to end.
    pub(crate) fn tend_until(&mut self, interrupt: &Interrupt) {
        while !interrupt.wait(PULSE) {
            self.tend();
        }
    }

    /// Ends the processes, last started first. A second signal ends the patience.
    pub(crate) fn stop(&mut self, interrupt: &Interrupt) {
        let asked_at = Instant::now();
        for index in (0..self.members.len()).rev() {
            self.members[index].stop(|| {
                // One Ctrl-C can arrive twice, from the terminal and from a wrapper that passes it on.
                let signalled = interrupt.wait(PULSE);
                signalled && asked_at.elapsed() > Duration::from_secs(1)
            });
            self.note_pids();
        }
    }

    /// The process numbers by service name; null where it is dead.
    pub(crate) fn pids(&self) -> Value {
        let pid = |member: &Member| Value::from(member.process.as_ref().map(Process::id));
        let pids = self.members.iter().map(|member| (member.service.name.to_owned(), pid(member)));
        Value::Object(pids.collect::<Map<_, _>>())
    }

    /// A full disk is not a reason to take down what runs, nor to leave running what is to stop.
    fn note_pids(&self) {
        if let Err(error) = self.write_pids() {
            say!("{error:#}");
        }
    }

    /// Replaces the file as a whole, so that a reader never sees half of it.
    fn write_pids(&self) -> Result<()> {
        let unfinished = self.pids_file.with_extension("json.unfinished");
        let write = || {
            fs::write(&unfinished, format!("{}\n", self.pids()))?;
            fs::rename(&unfinished, &self.pids_file)
        };
        write().with_context(|| format!("cannot write {}", self.pids_file.display()))
    }
}

impl Member {
    fn wait_until_ready(&mut self, deadline: Instant, interrupt: &Interrupt) -> Result<()> {
        let name = self.service.name;
        loop {
            if let Some(ended) = self.process.as_mut().and_then(Process::ended) {
                bail!("{name} died during its start ({ended})\n{}", self.last_words());
            }
            let Err(missing) = (self.service.ready)() else { break };
            if Instant::now() > deadline {
                let seconds = START_LIMIT.as_secs();
                bail!("{name} was not ready within {seconds} s: {missing:#}\n{}", self.last_words());
            }
            if interrupt.wait(PULSE) {
                bail!("interrupted while {name} was starting");
            }
        }
        if let Some(process) = &self.process {
            say!("{name} is ready (process {}, {:.1} s)", process.id(), process.age().as_secs_f32());
        }
        Ok(())
    }

    /// True if its process number changed.
    fn tend(&mut self, restart: bool) -> bool {
        let name = self.service.name;
        if let Some(process) = &mut self.process {
            let Some(ended) = process.ended() else { return false };
            let lived = process.age();
            self.process = None;
            if restart {
                let wait = self.backoff.after_death(lived);
                self.restart_at = Some(Instant::now() + wait);
                say!("{name} died ({ended}); starting it again in {} s; {}", wait.as_secs(), self.log_hint());
            } else {
                say!("{name} died ({ended}) and stays dead, as --no-restart wants it; {}", self.log_hint());
            }
            return true;
        }
        if self.restart_at.is_none_or(|due| Instant::now() < due) {
            return false;
        }
        self.restart_at = None;
        match Process::start(&self.service) {
            Ok(process) => {
                say!("{name} started again (process {})", process.id());
                self.process = Some(process);
                true
            }
            Err(error) => {
                let wait = self.backoff.after_death(Duration::ZERO);
                self.restart_at = Some(Instant::now() + wait);
                say!("{error:#}; trying again in {} s", wait.as_secs());
                false
            }
        }
    }

    /// SIGTERM, patience, SIGKILL. `hurry` is asked every now and then and takes its time to answer.
    fn stop(&mut self, hurry: impl Fn() -> bool) {
        self.restart_at = None;
        let Some(mut process) = self.process.take() else { return };
        let name = self.service.name;
        say!("stopping {name}");
        let asked_at = Instant::now();
        process.terminate();
        while process.ended().is_none() {
            let patience_is_over = asked_at.elapsed() > self.service.patience;
            if patience_is_over || hurry() {
                say!("killing {name}, which had {:.0} s to stop", asked_at.elapsed().as_secs_f32());
                process.kill();
            }
        }
    }

    fn last_words(&self) -> String {
        format!("{}\n{}", process::tail(&self.service.log, TAIL_LINES), self.log_hint())
    }

    fn log_hint(&self) -> String {
        format!("its log: {}", self.service.log.display())
    }
}

/// Each run starts its logs anew; those of the run before are kept once, as `<name>.previous.log`.
fn keep_previous_log(service: &Service) -> Result<()> {
    if !service.log.exists() {
        return Ok(());
    }
    let previous = service.log.with_extension("previous.log");
    fs::rename(&service.log, &previous).with_context(|| format!("cannot write {}", previous.display()))
}

#[cfg(test)]
mod tests;
