//! `cargo xtask up`: everything Sunflow needs, running on this machine until Ctrl-C.

use std::io::{self, Write};

use anyhow::{Context, Result};
use clap::Args;

use crate::cargo::{Profile, Workspace};
use crate::site::Site;

/// Start Temporal, the sandbox shop and a worker, and keep them running until Ctrl-C
///
/// Finds or installs the Temporal CLI, builds the binaries, starts the three on 127.0.0.1 and waits until they are
/// healthy. The usual ports are 7233 (Temporal), 8233 (Web UI), 8484 (sandbox), 9464 (worker) and 9565 (its webhook
/// door); where one is busy, the next free one is taken. A process that dies is started again after 1 s, 2 s, 4 s …
/// 30 s.
///
/// Databases, logs and env.sh (the variables for a worker or starter started by hand) are in target/sunflow, or in
/// target/sunflow-2, … while another stack runs. Workflows and orders are kept between runs.
///
/// Ctrl-C, SIGTERM and SIGHUP stop the worker, then the sandbox, then Temporal, each given time to finish.
/// A second Ctrl-C kills what is left.
#[derive(Args)]
pub(crate) struct Options {
    /// Print one line of JSON on stdout when all is healthy, and nothing else there
    ///
    /// {"temporal_address", "namespace", "web_ui", "sandbox_url", "worker_url", "bin_dir", "log_dir", "env_file",
    /// "pids": {"temporal", "sandbox", "worker"}}. Later process numbers are in <log_dir>/pids.json, null for a
    /// process that is dead.
    #[arg(long)]
    json: bool,

    /// Leave a process that dies dead
    #[arg(long)]
    no_restart: bool,

    /// Forget the workflows and orders of earlier runs
    #[arg(long)]
    fresh: bool,

    #[command(flatten)]
    profile: Profile,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let workspace = Workspace::locate()?;
    let site = Site::prepare(&workspace, "sunflow", options.profile, options.fresh)?;
    site.run(!options.no_restart, |facts, stack, interrupt| {
        let answer =
            if options.json { format!("{}\n", facts.as_json(&stack.pids())) } else { facts.as_text() };
        let mut stdout = io::stdout().lock();
        stdout
            .write_all(answer.as_bytes())
            .and_then(|()| stdout.flush())
            .context("cannot write to stdout")?;
        stack.tend_until(interrupt);
        Ok(())
    })
}
