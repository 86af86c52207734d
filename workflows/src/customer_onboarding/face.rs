//! How Temporal reaches an onboarding: its state, `run` and its cancel.

#![expect(
    missing_docs,
    reason = "the workflow_methods macro generates markers without docs; everything else has them"
)]

use contracts::values::CustomerRef;
use temporalio_common::search_attributes::SearchAttributeUpdate;
use temporalio_workflow::{WorkflowContext, WorkflowContextView, WorkflowResult, workflow};

use super::steps::OnboardingRun;
use super::{CustomerRegistrationData, INVALID, OnboardingResult, forward, named_by};
use crate::face;
use crate::input::Unchecked;
use crate::saga::{self, CancelAccepted, CancelRequest, Saga, SagaState, UpdateError};
use crate::search_attributes::{CUSTOMER_REF, STAGE, Stage};

/// The search attributes of an onboarding that begins.
#[must_use]
pub fn search_attributes(customer: &CustomerRef) -> [SearchAttributeUpdate; 2] {
    [CUSTOMER_REF.value_set(customer.to_string()), STAGE.value_set(Stage::Processing.name().to_owned())]
}

const TOO_LATE_TO_CANCEL: &str = "the customer has been welcomed, and what is in the mailbox is not taken back: end the \
    follow-up mails with 'unsubscribe', and close the account in the shop";

/// The workflow.
#[workflow]
#[derive(Default)]
pub struct CustomerOnboarding {
    saga: SagaState,
}

face! {
pub impl CustomerOnboarding {
    /// Runs an onboarding from start to end.
    #[run(name = "CustomerOnboarding")]
    pub async fn run(
        ctx: &mut WorkflowContext<Self>,
        input: Unchecked<CustomerRegistrationData>,
    ) -> WorkflowResult<OnboardingResult> {
        let (data, mut saga) = Saga::open(ctx, &input)?;
        let customer_ref =
            named_by(ctx.workflow_id()).map_err(|problem| saga::invalid_input(INVALID, vec![problem]))?;
        let run = OnboardingRun::new(ctx, &data, customer_ref);
        let story = forward(&run, &mut saga).await;
        let ended = saga.end(story, &run).await?;
        Ok(OnboardingResult::of(ctx.workflow_id(), &run, ended))
    }

    /// The business stops. Returns what will be undone; refused once the welcome mail is under way.
    #[update]
    pub async fn cancel_onboarding(
        ctx: &mut WorkflowContext<Self>,
        request: CancelRequest,
    ) -> Result<CancelAccepted, UpdateError> {
        saga::request_stop(ctx, &request, TOO_LATE_TO_CANCEL).await
    }

    #[update_validator(cancel_onboarding)]
    fn check_cancel(
        &self,
        _ctx: &WorkflowContextView,
        request: &CancelRequest,
    ) -> Result<(), UpdateError> {
        saga::check_stop(self, request, TOO_LATE_TO_CANCEL)
    }
}
}
