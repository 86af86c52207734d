//! Which Temporal, and as which worker.

use clap::Args;

/// Which Temporal.
#[derive(Debug, Args)]
#[command(next_help_heading = "Temporal")]
pub(super) struct TemporalArgs {
    /// Profile of temporal.toml to use (TEMPORAL_PROFILE).
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Temporal's address, host:port; wins over the profile (TEMPORAL_ADDRESS).
    #[arg(long, value_name = "HOST:PORT")]
    address: Option<String>,
    /// Temporal's namespace; wins over the profile (TEMPORAL_NAMESPACE).
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,
    /// Task queue to poll.
    #[arg(long, env = "SUN_TASK_QUEUE", default_value = workflows::TASK_QUEUE, value_name = "NAME")]
    task_queue: String,
    /// Name of the worker deployment; set it to switch worker versioning on.
    #[arg(long, env = "TEMPORAL_DEPLOYMENT_NAME", value_name = "NAME")]
    deployment_name: Option<String>,
    /// Build id of this worker within the deployment; default: a hash of the executable.
    #[arg(long, env = "TEMPORAL_WORKER_BUILD_ID", value_name = "ID")]
    build_id: Option<String>,
}

/// Which Temporal, and as which worker, checked.
#[derive(Clone, Debug)]
pub struct TemporalSettings {
    /// Profile of temporal.toml.
    pub profile: Option<String>,
    /// Temporal's address, if it is not to be taken from environment or profile.
    pub address: Option<String>,
    /// Temporal's namespace, if it is not to be taken from environment or profile.
    pub namespace: Option<String>,
    /// Task queue to poll.
    pub task_queue: String,
    /// Deployment name and build id, when worker versioning is on.
    pub deployment: Option<Deployment>,
}

/// A worker version.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// The deployment's name.
    pub name: String,
    /// This build's id within it.
    pub build_id: String,
}

impl TemporalArgs {
    pub(super) fn read(self) -> TemporalSettings {
        let Self { profile, address, namespace, task_queue, deployment_name, build_id } = self;
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let this_build = || temporalio_common::worker::build_id_from_current_exe().to_owned();
        let deployment = given(deployment_name)
            .map(|name| Deployment { name, build_id: given(build_id).unwrap_or_else(this_build) });
        TemporalSettings { profile, address, namespace, task_queue, deployment }
    }
}
