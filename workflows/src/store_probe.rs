//! A look into the object store with the worker's eyes: `starter doctor` puts an object there and has the worker look
//! for it. Two programs that have different stores lose each other's lists, and nothing else tells.
//!
//! 1. `see-probe`: the worker looks for the object.
//!
//! Deliberately absent: removing the object, which whoever put it there does; and patience, because somebody waits for
//! the answer. The start limits the run.

mod face;

use contracts::objects::{Objects, Sight};

pub use face::{StoreProbe, StoreProbeData, StoreProbeResult};

use crate::input::Problem;
use crate::policy;
use crate::report::StepSpec;
use crate::saga::{About, Halt, Process, Saga, named_exactly};

/// The prefix of a workflow id, before the object's hash.
pub const ID_PREFIX: &str = "store/probe/";

/// Where probes lie: nothing else in the store can be asked about.
const FOLDER: &str = "probes/";

const SEE_PROBE: &str = "see-probe";

impl Process for StoreProbe {
    const NAME: &'static str = "StoreProbe";
    const INVALID: &'static str = "ProbeInvalid";
    const STEPS: &'static [StepSpec] =
        &[StepSpec::compensable(SEE_PROBE, "look for an object of the starter's")];
    type Input = StoreProbeData;

    fn named(workflow_id: &str, data: &StoreProbeData) -> Result<About, Problem> {
        named_exactly(workflow_id, &data.workflow_id())?;
        Ok(None)
    }
}

async fn forward(saga: &Saga<StoreProbe>, data: StoreProbeData) -> Result<Sight, Halt> {
    saga.step(SEE_PROBE, Objects::see_probe, data.object, policy::erp()).nothing_to_undo("looks only").await
}
