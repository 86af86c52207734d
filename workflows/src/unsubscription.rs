//! A customer wants no more marketing mail: said by one click in a mail (RFC 8058), at whatever time.
//!
//! 1. `end-follow-up`: a series of follow-up mails that is under way ends at once. None is under way: nothing to do.
//! 2. `tell-platform`: the platform writes it down, so that every later mail, which asks before it is sent, is held
//!    back too, also when the series has ended or has not begun.
//!
//! A process of its own, because whoever takes the click (the worker's door) may promise nothing before it is written
//! down where it survives; mail providers do not click twice. Saying it again changes nothing. When the platform gives
//! no answer for as long as the policy is patient, the run fails, and somebody has to look at it.
//!
//! Deliberately absent: the way back. Whoever wants mails again says so in the shop.

#![expect(
    missing_docs,
    reason = "the workflow_methods macro generates markers without docs; everything else has them"
)]

use contracts::customers::{Customers, KeptBack, Unsubscribe};
use contracts::values::{CustomerId, CustomerRef, IdempotencyKey};
use serde::{Deserialize, Serialize};
use temporalio_common::search_attributes::SearchAttributeUpdate;
use temporalio_workflow::{
    SignalWorkflowOptions, WorkflowCancellationToken as Token, WorkflowContext, WorkflowContextView,
    WorkflowResult, WorkflowSignalError, workflow, workflow_methods,
};

use crate::customer_onboarding;
use crate::follow_up_emails::{self, FollowUpEmails};
use crate::input::{Checked, Fields, Unchecked, id};
use crate::policy;
use crate::report::{Progress, Report, StepClass, StepSpec};
use crate::saga::{self, Process, Saga, SagaState};
use crate::search_attributes::CUSTOMER_REF;

/// The workflow id: one run at a time per customer, however often the click comes.
#[must_use]
pub fn workflow_id(customer: &CustomerRef) -> String {
    format!("{}/unsubscribe", customer_onboarding::workflow_id(customer))
}

/// The search attributes of a run that begins.
#[must_use]
pub fn search_attributes(customer: &CustomerRef) -> [SearchAttributeUpdate; 2] {
    follow_up_emails::search_attributes(customer)
}

/// Who wants no more mail.
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

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnsubscriptionResult {
    /// Always: whatever did not succeed is a failure.
    pub success: bool,
    /// The pseudonym.
    pub customer_ref: CustomerRef,
    /// What every step did.
    pub report: Report,
}

const END_FOLLOW_UP: &str = "end-follow-up";
const TELL_PLATFORM: &str = "tell-platform";

/// The workflow.
#[workflow]
#[derive(Default)]
pub struct Unsubscription {
    saga: SagaState,
}

impl Process for Unsubscription {
    const NAME: &'static str = "Unsubscription";
    const STEPS: &'static [StepSpec] = &[
        StepSpec { name: END_FOLLOW_UP, words: "end the follow-up mails", class: StepClass::Retriable },
        StepSpec { name: TELL_PLATFORM, words: "have it written down", class: StepClass::Retriable },
    ];
    fn saga(&self) -> &SagaState {
        &self.saga
    }
    fn saga_mut(&mut self) -> &mut SagaState {
        &mut self.saga
    }
}

#[workflow_methods]
impl Unsubscription {
    /// Ends a customer's marketing mails.
    #[run(name = "Unsubscription")]
    pub async fn run(
        ctx: &mut WorkflowContext<Self>,
        input: Unchecked<UnsubscriptionData>,
    ) -> WorkflowResult<UnsubscriptionResult> {
        let UnsubscriptionData { customer_ref, customer_id } =
            input.check().map_err(|problems| saga::invalid_input("UnsubscriptionInvalid", problems))?;
        // The door sets them with the start; whoever else starts a run may not.
        if ctx.search_attributes().get(&CUSTOMER_REF).as_deref() != Some(customer_ref.as_str()) {
            ctx.upsert_search_attributes(search_attributes(&customer_ref));
        }
        let name = format!("{}/{:016x}", ctx.workflow_id(), ctx.random::<u64>());
        let mut saga = Saga::begin(ctx);
        // What a customer has said is not taken back by a cancel.
        saga.pivot();
        end_follow_up(&saga, &customer_ref).await;
        let news = Unsubscribe { key: IdempotencyKey::new(&name, TELL_PLATFORM), customer_id };
        let told = saga
            .step(TELL_PLATFORM, Customers::unsubscribe, news, policy::aftermath())
            .nothing_to_undo("whoever wants mails again says so in the shop")
            .await;
        match told {
            Ok(()) => {
                let report = saga.completed().await;
                Ok(UnsubscriptionResult { success: true, customer_ref, report })
            }
            Err(halt) => {
                let result = |_, report| UnsubscriptionResult { success: false, customer_ref, report };
                saga.halted(halt, |_| "StepFailed", result).await
            }
        }
    }

    /// How far it is.
    #[query]
    pub fn progress(&self, ctx: &WorkflowContextView) -> Progress {
        self.saga.progress(ctx)
    }

    /// What every step did so far.
    #[query]
    pub fn report(&self, _ctx: &WorkflowContextView) -> Report {
        self.saga.report()
    }
}

/// A failure is in the report: a mail that is due asks the platform before it leaves.
async fn end_follow_up(saga: &Saga<Unsubscription>, customer: &CustomerRef) {
    let options = SignalWorkflowOptions::builder()
        .cancellation_token(Token::new())
        .summary("the customer unsubscribed".to_owned())
        .build();
    let series = saga.ctx().external_workflow(follow_up_emails::workflow_id(customer), None);
    match series.signal(FollowUpEmails::end_series, KeptBack::Unsubscribed, options).await {
        Ok(()) => saga.done(END_FOLLOW_UP, "told to end"),
        Err(WorkflowSignalError::NotFound(_)) => saga.skip(END_FOLLOW_UP, "no series is under way"),
        Err(error) => saga.failed(END_FOLLOW_UP, &format!("the series could not be told: {error}")),
    }
}
