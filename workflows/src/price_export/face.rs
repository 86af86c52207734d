//! How Temporal reaches an export: its input, its result and `run`.

#![expect(
    missing_docs,
    reason = "the workflow_methods macro generates markers without docs; everything else has them"
)]

use contracts::objects::ObjectRef;
use contracts::prices::ExportedPrices;
use serde::{Deserialize, Serialize};
use temporalio_workflow::{WorkflowContext, WorkflowResult, workflow};

use super::forward;
use crate::face;
use crate::input::{Checked, Fields, Unchecked, text};
use crate::report::Report;
use crate::saga::{Saga, SagaState, UndoAll};

/// The input of an export.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceExportData {
    /// `category`: only products of this category and those below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
}

impl Checked for PriceExportData {
    fn read(fields: &Fields<'_>) -> Option<Self> {
        Some(Self { category: fields.optional("category", text(200)) })
    }
}

/// The result of an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceExportResult {
    /// Whether it reached its end.
    pub success: bool,
    /// Variants listed.
    pub rows: u64,
    /// The list of the lists; `None`: the shop sells nothing there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<ObjectRef>,
    /// Products that are not listed, because the shop's answer about them cannot be read.
    #[serde(default)]
    pub left_out: u64,
    /// The steps, each with what it did.
    pub report: Report,
}

/// The workflow.
#[workflow]
#[derive(Default)]
pub struct PriceExport {
    saga: SagaState,
}

face! {
pub impl PriceExport {
    /// Runs an export.
    #[run(name = "PriceExport")]
    pub async fn run(
        ctx: &mut WorkflowContext<Self>,
        input: Unchecked<PriceExportData>,
    ) -> WorkflowResult<PriceExportResult> {
        let (data, mut saga) = Saga::open(ctx, &input)?;
        let story = forward(&saga, data).await;
        let ended = saga.end(story, &UndoAll).await?;
        let success = ended.is_success();
        let ExportedPrices { rows, list, left_out } = ended.value.unwrap_or_default();
        Ok(PriceExportResult { success, rows, list, left_out, report: ended.report })
    }
}
}
