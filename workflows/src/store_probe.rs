//! A look into the object store with the worker's eyes: `starter doctor` puts an object there and has the worker look for it.
//! Two programs that have different stores lose each other's lists, and nothing else tells.
//!
//! 1. `see-probe`: the worker looks for the object.
//!
//! Deliberately absent: removing the object, which whoever put it there does; and patience, because somebody waits for the
//! answer. The start limits the run.

#![expect(
    missing_docs,
    reason = "the workflow_methods macro generates markers without docs; everything else has them"
)]

use contracts::objects::{ObjectRef, Objects, Sight};
use serde::{Deserialize, Serialize};
use temporalio_workflow::{WorkflowContext, WorkflowContextView, WorkflowResult, workflow, workflow_methods};

use crate::input::parsed::at_most;
use crate::input::{Checked, Fields, Refusal, Unchecked, refuse, text};
use crate::policy;
use crate::report::{Progress, Report, StepClass, StepSpec};
use crate::saga::{self, Process, Saga, SagaState};

/// What stands before the object's hash in a workflow id.
pub const ID_PREFIX: &str = "store/probe/";

/// Where probes lie: nothing else in the store can be asked about.
const FOLDER: &str = "probes/";

const SEE_PROBE: &str = "see-probe";

/// Which object to look for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreProbeData {
    /// `key`, `bytes`, `sha256`: as it was put there.
    #[serde(flatten)]
    pub object: ObjectRef,
}

impl StoreProbeData {
    /// The workflow id of this look.
    #[must_use]
    pub fn workflow_id(&self) -> String {
        let hash: String = self.object.sha256.chars().take(16).collect();
        format!("{ID_PREFIX}{hash}")
    }
}

impl Checked for StoreProbeData {
    fn read(fields: &Fields<'_>) -> Option<Self> {
        let key = fields.required("key", probe);
        let bytes = fields.required("bytes", at_most(1_000));
        let sha256 = fields.required("sha256", text(64));
        Some(Self { object: ObjectRef { key: key?, bytes: bytes?.into(), sha256: sha256? } })
    }
}

fn probe(value: &serde_json::value::RawValue) -> Result<String, Refusal> {
    let key = text(200)(value)?;
    if !key.starts_with(FOLDER) || key.contains("..") {
        return refuse("is no probe", "leave this process to starter doctor");
    }
    Ok(key)
}

/// What the worker saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreProbeResult {
    /// Whether the worker sees the object.
    pub success: bool,
    /// What it saw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Sight>,
    /// What every step did.
    pub report: Report,
}

/// The workflow.
#[workflow]
#[derive(Default)]
pub struct StoreProbe {
    saga: SagaState,
}

impl Process for StoreProbe {
    const NAME: &'static str = "StoreProbe";
    const STEPS: &'static [StepSpec] = &[StepSpec {
        name: SEE_PROBE,
        words: "look for an object of the starter's",
        class: StepClass::Compensable,
    }];
    fn saga(&self) -> &SagaState {
        &self.saga
    }
    fn saga_mut(&mut self) -> &mut SagaState {
        &mut self.saga
    }
}

#[workflow_methods]
impl StoreProbe {
    /// Looks for the object.
    #[run(name = "StoreProbe")]
    pub async fn run(
        ctx: &mut WorkflowContext<Self>,
        input: Unchecked<StoreProbeData>,
    ) -> WorkflowResult<StoreProbeResult> {
        let data = input.check().map_err(|problems| saga::invalid_input("ProbeInvalid", problems))?;
        let saga = Saga::begin(ctx);
        let step = saga.step(SEE_PROBE, Objects::see_probe, data.object, policy::erp());
        match step.nothing_to_undo("looks only").await {
            Ok(sight) => {
                let success = sight == Sight::Seen;
                Ok(StoreProbeResult { success, seen: Some(sight), report: saga.completed().await })
            }
            Err(halt) => {
                saga.turn_back(&halt);
                let result = |_, report| StoreProbeResult { success: false, seen: None, report };
                saga.halted(halt, |_| "StepFailed", result).await
            }
        }
    }

    /// How far it is.
    #[query]
    pub fn progress(&self, ctx: &WorkflowContextView) -> Progress {
        self.saga.progress(ctx)
    }

    /// What its step did so far.
    #[query]
    pub fn report(&self, _ctx: &WorkflowContextView) -> Report {
        self.saga.report()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_probes_can_be_asked_about() {
        let check = |key: &str| {
            let object = ObjectRef { key: key.to_owned(), bytes: 3, sha256: "0".repeat(64) };
            let input = Unchecked::of(&StoreProbeData { object }).expect("JSON");
            input.check_strictly().map(|data| data.workflow_id())
        };
        assert_eq!(check("probes/abc.txt").as_deref(), Ok("store/probe/0000000000000000"));
        for key in ["quarantine/erp-001/x.jsonl", "probes/../quarantine/x.jsonl", ""] {
            let problems = check(key).expect_err("refused");
            assert_eq!(problems[0].field, "key", "{key}");
        }
    }
}
