//! How Temporal reaches a probe: its input, its result and `run`.

#![expect(
    missing_docs,
    reason = "the workflow_methods macro generates markers without docs; everything else has them"
)]

use contracts::objects::{ObjectRef, Sight};
use serde::{Deserialize, Serialize};
use temporalio_workflow::{WorkflowContext, WorkflowResult, workflow};

use super::{FOLDER, ID_PREFIX, forward};
use crate::face;
use crate::input::parsed::at_most;
use crate::input::{Checked, Fields, Refusal, Unchecked, refuse, text};
use crate::report::Report;
use crate::saga::{Saga, SagaState, UndoAll};

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

/// The result of a look at the object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreProbeResult {
    /// Whether the worker sees the object.
    pub success: bool,
    /// The answer of the worker; absent when the run was stopped before there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Sight>,
    /// Every step with its outcome.
    pub report: Report,
}

/// The workflow.
#[workflow]
#[derive(Default)]
pub struct StoreProbe {
    saga: SagaState,
}

face! {
pub impl StoreProbe {
    /// Looks for the object.
    #[run(name = "StoreProbe")]
    pub async fn run(
        ctx: &mut WorkflowContext<Self>,
        input: Unchecked<StoreProbeData>,
    ) -> WorkflowResult<StoreProbeResult> {
        let (data, mut saga) = Saga::open(ctx, &input)?;
        let story = forward(&saga, data).await;
        let ended = saga.end(story, &UndoAll).await?;
        let success = ended.value == Some(Sight::Seen);
        Ok(StoreProbeResult { success, seen: ended.value, report: ended.report })
    }
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
