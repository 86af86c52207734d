//! The parts of a Sunflow on this machine: a Temporal dev server, the sandbox, and the worker.

mod facts;
mod services;

use std::path::PathBuf;

use anyhow::Result;

use crate::cargo::{Profile, Workspace};
use crate::interrupt::Interrupt;
use crate::lock::lock;
use crate::ports::Ports;
use crate::run_dir::RunDir;
use crate::say::say;
use crate::stack::Stack;
use crate::tools::TEMPORAL_CLI;
pub(crate) use facts::Facts;
use services::Services;

/// Everything that has to be there before the first process starts.
pub(crate) struct Site {
    temporal_cli: PathBuf,
    bin_dir: PathBuf,
    run_dir: RunDir,
    /// Held from the choice of the ports until all listen on theirs, or two stacks could choose the same.
    starting: PathBuf,
}

impl Site {
    /// Finds the Temporal CLI, builds the binaries, and claims the folder `target/<name>`.
    pub(crate) fn prepare(workspace: &Workspace, name: &str, profile: Profile, fresh: bool) -> Result<Self> {
        // The tool first: a machine without pip should not learn of it after minutes of compiling.
        let temporal_cli = TEMPORAL_CLI.find_or_install(&workspace.target)?;
        profile.build(workspace)?;
        let run_dir = RunDir::claim(&workspace.target, name)?;
        if fresh {
            run_dir.wipe_databases()?;
        }
        let starting = workspace.target.join("sunflow-starting.lock");
        Ok(Self { temporal_cli, bin_dir: profile.bin_dir(workspace), run_dir, starting })
    }

    /// Starts everything, does `work` while it is up, and stops everything, whatever happened.
    pub(crate) fn run(
        self,
        restart: bool,
        work: impl FnOnce(&Facts, &mut Stack, &Interrupt) -> Result<()>,
    ) -> Result<()> {
        let starting = lock(&self.starting, "starting")?;
        let ports = Ports::choose()?;
        let facts = Facts::new(&ports, &self.run_dir, self.bin_dir);
        facts.write_env_file(&self.temporal_cli)?;
        let services = Services { temporal_cli: self.temporal_cli, ports };
        let interrupt = Interrupt::listen()?;
        let mut stack = Stack::new(self.run_dir.pids_file(), restart);

        say!("starting; databases and logs are in {}", self.run_dir.path().display());
        let started = services.start(&mut stack, &facts, &self.run_dir, &interrupt);
        drop(starting);
        let outcome = started.and_then(|()| work(&facts, &mut stack, &interrupt));
        stack.stop(&interrupt);
        say!("everything is stopped; logs: {}", facts.log_dir.display());
        outcome
    }
}
