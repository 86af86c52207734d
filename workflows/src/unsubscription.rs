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
//! Deliberately absent: the way back. A customer who wants mails again says so in the shop.

mod face;

use contracts::customers::{Customers, KeptBack, Unsubscribe};
use contracts::values::{CustomerId, CustomerRef, IdempotencyKey};
use temporalio_workflow::{SignalWorkflowOptions, WorkflowCancellationToken as Token, WorkflowSignalError};

pub use face::{Unsubscription, UnsubscriptionData, UnsubscriptionResult, search_attributes};

use crate::customer_onboarding;
use crate::follow_up_emails::{self, FollowUpEmails};
use crate::input::{Problem, Said};
use crate::policy;
use crate::report::StepSpec;
use crate::saga::{About, Halt, Process, Saga, named_exactly};
use crate::search_attributes::CUSTOMER_REF;

/// The workflow id: one run at a time per account, however often the click comes. An address may have had several, and
/// a click for one of them tells the platform nothing of the others.
#[must_use]
pub fn workflow_id(customer: &CustomerRef, account: &CustomerId) -> String {
    format!("{}/unsubscribe/{account}", customer_onboarding::workflow_id(customer))
}

const END_FOLLOW_UP: &str = "end-follow-up";
const TELL_PLATFORM: &str = "tell-platform";

impl Process for Unsubscription {
    const NAME: &'static str = "Unsubscription";
    const INVALID: &'static str = "UnsubscriptionInvalid";
    const STEPS: &'static [StepSpec] = &[
        StepSpec::retriable(END_FOLLOW_UP, "end the follow-up mails"),
        StepSpec::retriable(TELL_PLATFORM, "have it written down"),
    ];
    type Input = UnsubscriptionData;

    fn named(workflow_id: &str, data: &UnsubscriptionData) -> Result<About, Problem> {
        named_exactly(workflow_id, &self::workflow_id(&data.customer_ref, &data.customer_id))?;
        Ok(Some((CUSTOMER_REF, data.customer_ref.to_string())))
    }
}

async fn forward(saga: &mut Saga<Unsubscription>, data: &UnsubscriptionData, name: &str) -> Result<(), Halt> {
    // A cancel does not take back the word of a customer.
    saga.pivot();
    end_follow_up(saga, &data.customer_ref).await;
    let customer_id = data.customer_id.clone();
    let news = Unsubscribe { key: IdempotencyKey::new(name, TELL_PLATFORM), customer_id };
    saga.step(TELL_PLATFORM, Customers::unsubscribe, news, policy::aftermath())
        .nothing_to_undo("whoever wants mails again says so in the shop")
        .await
}

/// A failure is in the report: a mail that is due asks the platform before it leaves.
async fn end_follow_up(saga: &Saga<Unsubscription>, customer: &CustomerRef) {
    let options = SignalWorkflowOptions::builder()
        .cancellation_token(Token::new())
        .summary("the customer unsubscribed".to_owned())
        .build();
    let series = saga.ctx().external_workflow(follow_up_emails::workflow_id(customer), None);
    match series.signal(FollowUpEmails::end_series, Said(Some(KeptBack::Unsubscribed)), options).await {
        Ok(()) => saga.done(END_FOLLOW_UP, "told to end"),
        Err(WorkflowSignalError::NotFound(_)) => saga.skip(END_FOLLOW_UP, "no series is under way"),
        Err(error) => saga.failed(END_FOLLOW_UP, &format!("the series could not be told: {error}")),
    }
}
