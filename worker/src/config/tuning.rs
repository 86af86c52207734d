//! How much a worker does at once.

use std::time::Duration;

use clap::Args;
use text::Problem;

use super::duration;
use super::problems::Problems;

/// How much at once.
#[derive(Debug, Args)]
#[command(next_help_heading = "Tuning")]
pub(super) struct TuningArgs {
    /// Workflow tasks at once.
    #[arg(long, env = "SUN_WORKFLOW_SLOTS", default_value_t = 100, value_name = "N",
          value_parser = clap::value_parser!(u32).range(2..=10_000))]
    workflow_slots: u32,
    /// Activities at once.
    #[arg(long, env = "SUN_ACTIVITY_SLOTS", default_value_t = 100, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    activity_slots: u32,
    /// Local activities at once.
    #[arg(long, env = "SUN_LOCAL_ACTIVITY_SLOTS", default_value_t = 100, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    local_activity_slots: u32,
    /// Open workflows kept in memory between tasks (about 100 KiB each): several times the workflow slots, never fewer.
    /// The one that was idle longest is put away, and its history read again when something happens to it.
    #[arg(long, env = "SUN_CACHED_WORKFLOWS", default_value_t = 600, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..))]
    cached_workflows: u32,
    /// Pollers of workflow tasks, at most.
    #[arg(long, env = "SUN_WORKFLOW_POLLERS", default_value_t = 10, value_name = "N",
          value_parser = clap::value_parser!(u16).range(2..=500))]
    workflow_pollers: u16,
    /// Pollers of activities, at most.
    #[arg(long, env = "SUN_ACTIVITY_POLLERS", default_value_t = 10, value_name = "N",
          value_parser = clap::value_parser!(u16).range(1..=500))]
    activity_pollers: u16,
    /// Threads for activities, HTTP and gRPC, beside those that workflows take. More of them cost CPU, as they wake
    /// each other: where one is busy all the time, start another worker rather.
    #[arg(long, env = "SUN_IO_THREADS", default_value_t = 1, value_name = "N",
          value_parser = clap::value_parser!(u16).range(1..=64))]
    io_threads: u16,
    /// How soon the runs of a worker that was killed move to another one.
    #[arg(long, env = "SUN_STICKY_TIMEOUT", default_value = "2s", value_parser = duration, value_name = "TIME")]
    sticky_timeout: Duration,
}

/// How much a worker does at once.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// Workflow tasks at once.
    pub workflow_slots: usize,
    /// Activities at once.
    pub activity_slots: usize,
    /// Local activities at once.
    pub local_activity_slots: usize,
    /// Open workflows kept in memory.
    pub cached_workflows: usize,
    /// Pollers of workflow tasks, at most.
    pub workflow_pollers: usize,
    /// Pollers of activities, at most.
    pub activity_pollers: usize,
    /// Threads for activities, HTTP and gRPC.
    pub io_threads: usize,
    /// How soon the runs of a killed worker move on.
    pub sticky_timeout: Duration,
}

impl TuningArgs {
    pub(super) fn check(self, problems: &mut Problems) -> Tuning {
        if self.cached_workflows < self.workflow_slots {
            problems.add(Problem::new(
                "SUN_CACHED_WORKFLOWS",
                format!(
                    "({}) is less than SUN_WORKFLOW_SLOTS ({}), so that runs would be put away in the middle of their \
                     tasks",
                    self.cached_workflows, self.workflow_slots
                ),
                "keep several times as many as there are slots, or lower the slots",
            ));
        }
        Tuning {
            workflow_slots: self.workflow_slots as usize,
            activity_slots: self.activity_slots as usize,
            local_activity_slots: self.local_activity_slots as usize,
            cached_workflows: self.cached_workflows as usize,
            workflow_pollers: self.workflow_pollers.into(),
            activity_pollers: self.activity_pollers.into(),
            io_threads: self.io_threads.into(),
            sticky_timeout: self.sticky_timeout,
        }
    }
}
