//! The follow-up mails of a new customer: a series that outlives the onboarding, deployments, and the customer's wish
//! to get it.
//!
//! 1. `send-onboarding-tips`: 24 hours after the registration, how the shop works.
//! 2. `send-product-recommendations`: 7 days after the registration, what the platform recommends **then**.
//! 3. `tell-platform`: only when the customer unsubscribed here, or a mail bounced: the platform has to know it.
//!
//! Before each mail the platform is asked, at that moment: consent to marketing, unsubscription, bounce, complaint,
//! an order. In the customer's quiet hours the mail waits until they end, and then the platform is asked again. Why a
//! mail was not sent is in the result. `unsubscribe`, `first_order_placed`, `erase` and the undo of the onboarding end
//! the series at once; `consent_changed` to "no" holds mails back whatever the platform still says.
//!
//! Deliberately absent: campaigns. Two mails, then it is over.

#![expect(
    missing_docs,
    reason = "the workflow_methods macro generates markers without docs; everything else has them"
)]

mod mails;

use std::fmt;

use contracts::customers::{Customers, KeptBack, Suppress, Unsubscribe};
use contracts::values::{CustomerId, CustomerRef, IdempotencyKey, Locale, Recipient};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use temporalio_common::search_attributes::SearchAttributeUpdate;
use temporalio_workflow::{
    SyncWorkflowContext, WorkflowContext, WorkflowContextView, WorkflowResult, workflow, workflow_methods,
};

use crate::customer_onboarding;
use crate::input::people::{locale, mail_address};
use crate::input::{Checked, Fields, Refusal, Unchecked, id, refuse, text};
use crate::policy;
use crate::report::{Progress, Report, StepClass, StepSpec};
use crate::saga::{self, Process, Saga, SagaState};
use crate::search_attributes::{CUSTOMER_REF, STAGE, Stage};
use mails::Series;

/// The workflow id of a customer's series.
#[must_use]
pub fn workflow_id(customer: &CustomerRef) -> String {
    format!("{}/follow-up", customer_onboarding::workflow_id(customer))
}

/// The search attributes of a series that begins.
#[must_use]
pub fn search_attributes(customer: &CustomerRef) -> [SearchAttributeUpdate; 2] {
    [CUSTOMER_REF.value_set(customer.to_string()), STAGE.value_set(Stage::Processing.name().to_owned())]
}

const TIPS: &str = "send-onboarding-tips";
const RECOMMENDATIONS: &str = "send-product-recommendations";
const TELL_PLATFORM: &str = "tell-platform";

/// Whom the mails are for. Personal data; `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowUpData {
    /// `customer_ref`: the pseudonym.
    pub customer_ref: CustomerRef,
    /// `customer_id`: the platform's.
    pub customer_id: CustomerId,
    /// `email`
    pub email: Recipient,
    /// `first_name`
    pub first_name: String,
    /// `locale`
    pub locale: Locale,
    /// `registered_at`: what the mails are counted from.
    pub registered_at: Timestamp,
}

impl fmt::Debug for FollowUpData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FollowUpData").field("customer_ref", &self.customer_ref).finish_non_exhaustive()
    }
}

impl Checked for FollowUpData {
    fn read(fields: &Fields<'_>) -> Option<Self> {
        let customer_ref = fields.required("customer_ref", id);
        let customer_id = fields.required("customer_id", id);
        let email = fields.required("email", mail_address);
        let first_name = fields.required("first_name", text(100));
        let locale = fields.optional("locale", locale).unwrap_or_default();
        let registered_at = fields.required("registered_at", moment);
        Some(Self {
            customer_ref: customer_ref?,
            customer_id: customer_id?,
            email: email?,
            first_name: first_name?,
            locale,
            registered_at: registered_at?,
        })
    }
}

fn moment(value: &RawValue) -> Result<Timestamp, Refusal> {
    text(50)(value)?.parse().or_else(|_| refuse("is no moment", "send it as 2026-01-31T12:00:00Z"))
}

/// What became of the series.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowUpResult {
    /// Always: a mail that was held back is no failure.
    pub success: bool,
    /// The pseudonym.
    pub customer_ref: CustomerRef,
    /// This run's workflow id.
    pub workflow_id: String,
    /// What became of each mail, in order.
    pub mails: Vec<MailReport>,
    /// What ended the series early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<KeptBack>,
    /// What every step did.
    pub report: Report,
}

/// What became of one mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailReport {
    /// The mail's template.
    pub template: String,
    /// What became of it.
    pub fate: Fate,
    /// When that was, by workflow time.
    pub at: Timestamp,
}

/// What becomes of a mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fate", rename_all = "snake_case")]
pub enum Fate {
    /// The sender took it.
    Sent,
    /// It was not to be sent.
    KeptBack {
        /// Why not.
        reason: KeptBack,
    },
    /// The sender will never take it.
    Refused {
        /// The sender's code.
        code: String,
    },
    /// It could not be sent for as long as it was news.
    GivenUp,
}

/// News of a customer's consent to marketing: the input of `consent_changed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentChanged {
    /// Whether the customer agrees now.
    pub marketing_consent: bool,
}

/// The workflow.
#[workflow]
#[derive(Default)]
pub struct FollowUpEmails {
    saga: SagaState,
    /// Why the series ends.
    ended: Option<KeptBack>,
    /// The customer withdrew the consent here, whatever the platform still says.
    withdrawn: bool,
    /// The customer unsubscribed here.
    unsubscribed: bool,
    /// A mail bounced here.
    bounced: bool,
}

impl Process for FollowUpEmails {
    const NAME: &'static str = "FollowUpEmails";
    const STEPS: &'static [StepSpec] = &[
        StepSpec { name: TIPS, words: "a day later, how the shop works", class: StepClass::Retriable },
        StepSpec {
            name: RECOMMENDATIONS,
            words: "a week later, what the customer may like",
            class: StepClass::Retriable,
        },
        StepSpec { name: TELL_PLATFORM, words: "pass the unsubscription on", class: StepClass::Retriable },
    ];
    fn saga(&self) -> &SagaState {
        &self.saga
    }
    fn saga_mut(&mut self) -> &mut SagaState {
        &mut self.saga
    }
}

#[workflow_methods]
impl FollowUpEmails {
    /// Runs the series to its end.
    #[run(name = "FollowUpEmails")]
    pub async fn run(
        ctx: &mut WorkflowContext<Self>,
        input: Unchecked<FollowUpData>,
    ) -> WorkflowResult<FollowUpResult> {
        let data = input.check().map_err(|problems| saga::invalid_input("FollowUpInvalid", problems))?;
        // The onboarding sets them with the start; whoever else starts a series may not.
        if ctx.search_attributes().get(&CUSTOMER_REF).as_deref() != Some(data.customer_ref.as_str()) {
            ctx.upsert_search_attributes(search_attributes(&data.customer_ref));
        }
        let workflow_id = ctx.workflow_id().to_owned();
        let mut saga = Saga::begin(ctx);
        let name = format!("{workflow_id}/{:016x}", ctx.random::<u64>());
        let mut series = Series::new(&saga, &data, name.clone());
        let ended = series.send_all().await;
        let mails = series.into_mails();
        // What a customer has said is not taken back by a cancel.
        saga.shield();
        tell_platform(&saga, &data, &name).await;
        let ended_by = ctx.state(|w| w.ended);
        let result = |report| FollowUpResult {
            success: true,
            customer_ref: data.customer_ref.clone(),
            workflow_id,
            mails,
            ended_by,
            report,
        };
        match ended {
            Ok(()) => Ok(result(saga.completed().await)),
            Err(halt) => {
                saga.unwind().await;
                saga.halted(halt, |_| "StepFailed", |_, report| result(report)).await
            }
        }
    }

    /// The customer wants no more marketing mail: the series ends, and the platform is told. Answers [`ENDED`], or
    /// [`ENDING`] when it was ending already.
    #[update]
    pub fn unsubscribe(&mut self, _ctx: &mut SyncWorkflowContext<Self>) -> String {
        self.unsubscribed = true;
        self.end(KeptBack::Unsubscribed)
    }

    /// The customer agreed to marketing, or no longer does. Mails that are due are held back or not accordingly.
    #[update]
    pub fn consent_changed(&mut self, _ctx: &mut SyncWorkflowContext<Self>, news: ConsentChanged) -> String {
        self.withdrawn = !news.marketing_consent;
        TAKEN.to_owned()
    }

    /// The customer has ordered: there is nothing left to introduce. Answers as `unsubscribe` does.
    #[update]
    pub fn first_order_placed(&mut self, _ctx: &mut SyncWorkflowContext<Self>) -> String {
        self.end(KeptBack::Ordered)
    }

    /// The customer's data is erased: no more mails. Answers as `unsubscribe` does.
    #[update]
    pub fn erase(&mut self, _ctx: &mut SyncWorkflowContext<Self>) -> String {
        self.end(KeptBack::Erased)
    }

    /// Ends the series for a reason; from the onboarding that is undone.
    #[signal]
    pub fn end_series(&mut self, _ctx: &mut SyncWorkflowContext<Self>, reason: KeptBack) {
        let _answer = self.end(reason);
    }

    /// How far the series is.
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

/// The series ends.
pub const ENDED: &str = "ended";
/// The series was ending already.
pub const ENDING: &str = "ending already";
/// The news is taken.
pub const TAKEN: &str = "taken";

impl FollowUpEmails {
    fn end(&mut self, reason: KeptBack) -> String {
        let answer = if self.ended.is_some() { ENDING } else { ENDED };
        self.ended.get_or_insert(reason);
        answer.to_owned()
    }
}

/// What was heard of here must reach whoever sends the next newsletter.
async fn tell_platform(saga: &Saga<FollowUpEmails>, data: &FollowUpData, name: &str) {
    let (unsubscribed, bounced) = saga.ctx().state(|w| (w.unsubscribed, w.bounced));
    if !unsubscribed && !bounced {
        saga.skip(TELL_PLATFORM, "nobody unsubscribed here, and nothing bounced");
        return;
    }
    let (key, customer_id) = (IdempotencyKey::new(name, TELL_PLATFORM), data.customer_id.clone());
    // Reported by the saga when one fails; there is nothing to decide here.
    if bounced {
        let news = Suppress { key: key.part("suppress"), customer_id: customer_id.clone() };
        let step = saga.step(TELL_PLATFORM, Customers::suppress, news, policy::aftermath());
        let _reported = step.or_report().await;
    }
    if unsubscribed {
        let news = Unsubscribe { key, customer_id };
        let step = saga.step(TELL_PLATFORM, Customers::unsubscribe, news, policy::aftermath());
        let _reported = step.or_report().await;
    }
}
