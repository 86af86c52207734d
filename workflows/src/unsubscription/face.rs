//! How Temporal reaches an unsubscription: its input, its result and `run`.

#![expect(
    missing_docs,
    reason = "the workflow_methods macro generates markers without docs; everything else has them"
)]

use contracts::values::{CustomerId, CustomerRef};
use serde::{Deserialize, Serialize};
use temporalio_common::search_attributes::SearchAttributeUpdate;
use temporalio_workflow::{WorkflowContext, WorkflowResult, workflow};

use super::forward;
use crate::face;
use crate::follow_up_emails;
use crate::input::{Checked, Fields, Unchecked, id};
use crate::report::Report;
use crate::saga::{Saga, SagaState, UndoAll};

/// The search attributes of a run that begins.
#[must_use]
pub fn search_attributes(customer: &CustomerRef) -> [SearchAttributeUpdate; 2] {
    follow_up_emails::search_attributes(customer)
}

/// The customer who wants no more mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnsubscriptionData {
    /// The pseudonym.
    pub customer_ref: CustomerRef,
    /// The platform's id.
    pub customer_id: CustomerId,
}

impl Checked for UnsubscriptionData {
    fn read(fields: &Fields<'_>) -> Option<Self> {
        let customer_ref = fields.required("customer_ref", id);
        let customer_id = fields.required("customer_id", id);
        Some(Self { customer_ref: customer_ref?, customer_id: customer_id? })
    }
}

/// The result of an unsubscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnsubscriptionResult {
    /// Always: whatever did not succeed is a failure.
    pub success: bool,
    /// The pseudonym.
    pub customer_ref: CustomerRef,
    /// Every step with its outcome.
    pub report: Report,
}

/// The workflow.
#[workflow]
#[derive(Default)]
pub struct Unsubscription {
    saga: SagaState,
}

face! {
pub impl Unsubscription {
    /// Ends a customer's marketing mails.
    #[run(name = "Unsubscription")]
    pub async fn run(
        ctx: &mut WorkflowContext<Self>,
        input: Unchecked<UnsubscriptionData>,
    ) -> WorkflowResult<UnsubscriptionResult> {
        let (data, mut saga) = Saga::open(ctx, &input)?;
        let name = format!("{}/{:016x}", ctx.workflow_id(), ctx.random::<u64>());
        let story = forward(&mut saga, &data, &name).await;
        let ended = saga.end(story, &UndoAll).await?;
        let success = ended.is_success();
        Ok(UnsubscriptionResult { success, customer_ref: data.customer_ref, report: ended.report })
    }
}
}
