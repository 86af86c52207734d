//! How Temporal reaches late money: its state, its result and `run`.

#![expect(
    missing_docs,
    reason = "the workflow_methods macro generates markers without docs; everything else has them"
)]

use contracts::values::OrderId;
use serde::{Deserialize, Serialize};
use temporalio_common::search_attributes::SearchAttributeUpdate;
use temporalio_workflow::{WorkflowContext, WorkflowResult, workflow};

use super::{LatePaymentData, forward};
use crate::face;
use crate::input::Unchecked;
use crate::order_processing;
use crate::report::Report;
use crate::saga::{Saga, SagaState, UndoAll};

/// The search attributes of a run that begins.
#[must_use]
pub fn search_attributes(order_id: &OrderId) -> [SearchAttributeUpdate; 2] {
    order_processing::search_attributes(order_id)
}

/// The outcome for late money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatePaymentResult {
    /// The order that ended without it, or had its money.
    pub order_id: OrderId,
    /// The provider's id of the payment, if there is one.
    pub payment_id: Option<String>,
    /// Whether money went back; `null` when the provider could not be asked first, or the payment was open then:
    /// whatever was there went back.
    pub refunded: Option<bool>,
    /// Every step with its outcome.
    pub report: Report,
}

/// The workflow.
#[workflow]
#[derive(Default)]
pub struct LatePayment {
    saga: SagaState,
}

face! {
pub impl LatePayment {
    /// Gives late money back.
    #[run(name = "LatePayment")]
    pub async fn run(
        ctx: &mut WorkflowContext<Self>,
        input: Unchecked<LatePaymentData>,
    ) -> WorkflowResult<LatePaymentResult> {
        let (late, mut saga) = Saga::open(ctx, &input)?;
        let story = forward(&mut saga, &late).await;
        let ended = saga.end(story, &UndoAll).await?;
        let (payment_id, was_paid) =
            ended.value.map_or((None, None), |given| (given.payment_id, given.was_paid));
        let is_left = !ended.report.left_standing.is_empty();
        Ok(LatePaymentResult {
            order_id: late.order_id,
            payment_id,
            refunded: was_paid.map(|was_paid| was_paid && !is_left),
            report: ended.report,
        })
    }
}
}
