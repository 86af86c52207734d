//! `starter schedule …`

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand, ValueEnum};
use temporalio_common::protos::temporal::api::enums::v1::ScheduleOverlapPolicy;

#[derive(Subcommand)]
pub(crate) enum ScheduleCommand {
    /// Make Temporal's schedules what a file says; what is so already is not touched
    #[command(after_help = "\
The whole file is checked before anything is changed; every problem is told with its line and the fix (exit code 2).
A schedule in the file is compared with Temporal's in everything: times, zone, policies, process, input, note. One that
is paused stays paused. A schedule of the same id that this tool did not make is left alone (exit code 1), and so is one
that somebody else changes at the same moment. docs/schedules.md explains every key of the file.

Examples:
  starter schedule apply -f starter/samples/schedules.toml --diff
  starter schedule apply -f schedules.toml --prune")]
    Apply(ApplyArgs),
    /// List schedules: when they run next, and which are paused
    List(ScheduleListArgs),
    /// Show one schedule: its settings, the next ten times in its zone, the last runs, what was missed or skipped
    Show {
        /// The schedule's id
        id: String,
    },
    /// Stop starting runs; a run under way goes on
    Pause(PauseArgs),
    /// Start runs again from now on; times that passed while it was paused are not made up for
    Unpause {
        /// The schedule's id
        id: String,
    },
    /// Start a run now, beside the plan
    Trigger(TriggerArgs),
    /// Start the runs of times that have passed, one after the other
    #[command(after_help = "\
Times are RFC 3339 (2026-11-01T02:00:00Z), or a date, or date and time as a clock in the schedule's zone shows them
(2026-11-01T02:00). Both ends belong to the range, and neither may lie ahead. --dry-run shows which times would be run.

Example:
  starter schedule backfill erp-001-hourly --from 2026-11-01T00:00 --to 2026-11-01T06:00")]
    Backfill(BackfillArgs),
    /// Delete a schedule; runs under way go on
    Delete {
        /// The schedule's id
        id: String,
    },
}

#[derive(Args)]
pub(crate) struct ApplyArgs {
    /// The schedules, TOML; - is stdin
    #[arg(long, short, value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Also delete the schedules that this tool made, in this namespace, and that are not in the file
    #[arg(long)]
    pub(crate) prune: bool,
    /// Say what would change, field by field, and change nothing
    #[arg(long)]
    pub(crate) diff: bool,
    /// With --diff: exit code 1 if something would change
    #[arg(long, requires = "diff")]
    pub(crate) exit_code: bool,
}

#[derive(Args)]
pub(crate) struct ScheduleListArgs {
    /// Only those that this tool made
    #[arg(long)]
    pub(crate) ours: bool,
}

#[derive(Args)]
pub(crate) struct PauseArgs {
    /// The schedule's id
    pub(crate) id: String,
    /// Why; everybody who looks at the schedule sees it
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) reason: String,
}

#[derive(Args)]
pub(crate) struct TriggerArgs {
    /// The schedule's id
    pub(crate) id: String,
    /// The choice if a run is under way [default: as the schedule says]
    #[arg(long, value_enum, value_name = "POLICY")]
    pub(crate) overlap: Option<Overlap>,
}

#[derive(Args)]
pub(crate) struct BackfillArgs {
    /// The schedule's id
    pub(crate) id: String,
    /// The first time
    #[arg(long, value_name = "TIME")]
    pub(crate) from: String,
    /// The last time
    #[arg(long, value_name = "TIME")]
    pub(crate) to: String,
    /// The choice while a run is under way
    #[arg(long, value_enum, value_name = "POLICY", default_value = "buffer_all")]
    pub(crate) overlap: Overlap,
    /// Say which times would be run, and start nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// The rule for a time that comes while the last run is still under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Overlap {
    /// No run for this time
    Skip,
    /// One waits; further ones are left out
    BufferOne,
    /// All wait and run one after the other
    BufferAll,
    /// The run under way is cancelled, then this one starts
    CancelOther,
    /// The run under way is ended by force, nothing undone, then this one starts
    TerminateOther,
    /// Both run
    AllowAll,
}

impl Overlap {
    /// As Temporal calls it.
    pub(crate) fn policy(self) -> ScheduleOverlapPolicy {
        match self {
            Self::Skip => ScheduleOverlapPolicy::Skip,
            Self::BufferOne => ScheduleOverlapPolicy::BufferOne,
            Self::BufferAll => ScheduleOverlapPolicy::BufferAll,
            Self::CancelOther => ScheduleOverlapPolicy::CancelOther,
            Self::TerminateOther => ScheduleOverlapPolicy::TerminateOther,
            Self::AllowAll => ScheduleOverlapPolicy::AllowAll,
        }
    }

    /// As a person writes it.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// The one of a policy; Temporal's own default is to skip.
    pub(crate) fn of(policy: ScheduleOverlapPolicy) -> Self {
        let all = Self::value_variants().iter().copied();
        all.into_iter().find(|overlap| overlap.policy() == policy).unwrap_or(Self::Skip)
    }
}
