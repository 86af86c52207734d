//! How Temporal reaches a series of follow-up mails: its state, its result, `run`, and what ends it early.

#![expect(
    missing_docs,
    reason = "the workflow_methods macro generates markers without docs; everything else has them"
)]

use contracts::customers::KeptBack;
use contracts::values::CustomerRef;
use serde::{Deserialize, Serialize};
use temporalio_common::search_attributes::SearchAttributeUpdate;
use temporalio_workflow::{SyncWorkflowContext, WorkflowContext, WorkflowResult, workflow};

use super::{FollowUpData, MailReport, forward};
use crate::face;
use crate::input::{Said, Unchecked};
use crate::report::Report;
use crate::saga::{Saga, SagaState, UndoAll};
use crate::search_attributes::{CUSTOMER_REF, STAGE, Stage};

/// The search attributes of a series that begins.
#[must_use]
pub fn search_attributes(customer: &CustomerRef) -> [SearchAttributeUpdate; 2] {
    [CUSTOMER_REF.value_set(customer.to_string()), STAGE.value_set(Stage::Processing.name().to_owned())]
}

/// The outcome of the series.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowUpResult {
    /// Always: a mail that was held back is not a failure.
    pub success: bool,
    /// The pseudonym.
    pub customer_ref: CustomerRef,
    /// This run's workflow id.
    pub workflow_id: String,
    /// The outcome of each mail, in the order of the series.
    pub mails: Vec<MailReport>,
    /// The reason why the series ended early; absent when it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<KeptBack>,
    /// Every step with its outcome.
    pub report: Report,
}

/// News of a customer's consent to marketing: the input of `consent_changed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentChanged {
    /// Whether the customer agrees now.
    pub marketing_consent: bool,
}

/// The series ends.
pub const ENDED: &str = "ended";
/// The series was ending already.
pub const ENDING: &str = "ending already";
/// The news is taken.
pub const TAKEN: &str = "taken";

/// The note about a signal whose reason cannot be read.
const UNREADABLE: &str = "a signal end_series gave no reason that is known, and ended nothing: use the update \
    unsubscribe, first_order_placed or erase";

impl FollowUpEmails {
    fn end(&mut self, reason: KeptBack) -> String {
        let answer = if self.ended.is_some() { ENDING } else { ENDED };
        self.ended.get_or_insert(reason);
        answer.to_owned()
    }
}

/// The workflow.
#[workflow]
#[derive(Default)]
pub struct FollowUpEmails {
    saga: SagaState,
    /// Why the series ends.
    pub(super) ended: Option<KeptBack>,
    /// The customer withdrew the consent here, whatever the platform still says.
    pub(super) withdrawn: bool,
    /// The customer unsubscribed here.
    pub(super) unsubscribed: bool,
    /// A mail bounced here.
    pub(super) bounced: bool,
}

face! {
pub impl FollowUpEmails {
    /// Runs the series to its end.
    #[run(name = "FollowUpEmails")]
    pub async fn run(
        ctx: &mut WorkflowContext<Self>,
        input: Unchecked<FollowUpData>,
    ) -> WorkflowResult<FollowUpResult> {
        let (data, mut saga) = Saga::open(ctx, &input)?;
        let name = format!("{}/{:016x}", ctx.workflow_id(), ctx.random::<u64>());
        let (story, mails) = forward(&mut saga, &data, &name).await;
        let ended = saga.end(story, &UndoAll).await?;
        Ok(FollowUpResult {
            success: true,
            customer_ref: data.customer_ref,
            workflow_id: ctx.workflow_id().to_owned(),
            mails,
            ended_by: ctx.state(|w| w.ended),
            report: ended.report,
        })
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

    /// Ends the series for a reason; from the onboarding that is undone, or a click in a mail. One whose reason cannot
    /// be read ends nothing, and the report says so: it was sent by hand, and the updates do the same with an answer.
    #[signal]
    pub fn end_series(&mut self, _ctx: &mut SyncWorkflowContext<Self>, reason: Said<KeptBack>) {
        match reason.0 {
            Some(reason) => drop(self.end(reason)),
            None => self.saga.note(UNREADABLE),
        }
    }
}
}
