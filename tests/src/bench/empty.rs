//! The yardstick of machines: a workflow that does nothing. Its cost at Temporal says how fast the machine is.

#![expect(
    missing_docs,
    reason = "the workflow_methods macro generates markers without docs; everything else has them"
)]

use temporalio_workflow::{WorkflowContext, WorkflowResult, workflow, workflow_methods};

/// CPU seconds that 1,000 of them, 50 in flight, cost Temporal's dev server beside its worker on two cores, where the
/// worker's absolute target was set. That a worker is slower as its server is, is an assumption.
pub(super) const SERVER_CPU_OF_THE_TARGET: f64 = 12.7;

/// The workflow: five events, three state transitions.
#[workflow]
#[derive(Default)]
pub struct Empty;

#[workflow_methods]
impl Empty {
    /// Ends.
    #[run(name = "Empty")]
    pub async fn run(_ctx: &mut WorkflowContext<Self>) -> WorkflowResult<()> {
        Ok(())
    }
}
