//! The result of an onboarding.

use contracts::customers::Customer;
use contracts::loyalty::LoyaltyAccount;
use serde::{Deserialize, Serialize};

use super::steps::OnboardingRun;
use crate::follow_up_emails;
use crate::report::Report;
use crate::saga::Ended;

/// The result of a run that went through: the seed's `OnboardingResult`, and the report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OnboardingResult {
    /// Whether the customer is onboarded.
    pub success: bool,
    /// The account; `null` when it was undone.
    pub customer: Option<Customer>,
    /// The loyalty account; `null` when it was undone.
    pub loyalty_account: Option<LoyaltyAccount>,
    /// This run's workflow id.
    pub workflow_id: String,
    /// Suggestions to the customer, in the seed's words.
    pub next_steps: Vec<String>,
    /// The welcome coupon's code; absent when it was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub welcome_discount_code: Option<String>,
    /// Whether the address had an account before, which was gone on with (`if_registered`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub was_registered: bool,
    /// The workflow id of the series of follow-up mails; absent when none was begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follow_up: Option<String>,
    /// Milliseconds of workflow time from start to end.
    pub execution_time: i64,
    /// `completed`, or `cancelled`.
    pub outcome: String,
    /// Why it was stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Every step with its outcome.
    pub report: Report,
}

/// The findings with which the story ends; the result is made of them.
pub(super) struct Onboarded {
    pub(super) customer: Customer,
    pub(super) was_registered: bool,
    pub(super) loyalty: LoyaltyAccount,
    pub(super) code: Option<String>,
    /// Whether the series of mails has begun.
    pub(super) is_followed_up: bool,
}

impl OnboardingResult {
    pub(super) fn of(workflow_id: &str, run: &OnboardingRun<'_>, ended: Ended<Onboarded>) -> Self {
        let success = ended.is_success();
        let next_steps = ended.value.as_ref().map(next_steps).unwrap_or_default();
        let is_followed_up = ended.value.as_ref().is_some_and(|onboarded| onboarded.is_followed_up);
        let was_registered = ended.value.as_ref().is_some_and(|onboarded| onboarded.was_registered);
        let (customer, rest) = ended.value.map(|o| (o.customer, (o.loyalty, o.code))).unzip();
        let (loyalty_account, code) = rest.unzip();
        Self {
            success,
            customer,
            loyalty_account,
            workflow_id: workflow_id.to_owned(),
            next_steps,
            welcome_discount_code: code.flatten(),
            was_registered,
            follow_up: is_followed_up.then(|| follow_up_emails::workflow_id(&run.customer_ref)),
            execution_time: ended.took_ms,
            outcome: ended.outcome.name().to_owned(),
            reason: ended.reason,
            report: ended.report,
        }
    }
}

/// The suggestions of the seed to the customer; without a code there is none to use.
fn next_steps(onboarded: &Onboarded) -> Vec<String> {
    let mut steps = vec!["Complete profile setup".to_owned(), "Browse recommended products".to_owned()];
    if onboarded.code.is_some() {
        steps.push("Use welcome discount code".to_owned());
    }
    steps
}
