//! The follow-up mails of a new customer: a series that runs on after the onboarding and through deployments, and stops
//! when the customer does not want it any more.
//!
//! 1. `send-onboarding-tips`: 24 hours after the registration, how the shop works.
//! 2. `send-product-recommendations`: 7 days after the registration, what the platform recommends **then**.
//! 3. `tell-platform`: only when the customer unsubscribed here, or a mail bounced: the platform has to know it.
//!
//! Before each mail the platform is asked, at that moment: consent to marketing, unsubscription, bounce, complaint,
//! an order. In the customer's quiet hours the mail waits until they end, and then the platform is asked again. Why a
//! mail was not sent is in the result. `unsubscribe`, `first_order_placed`, `erase` and the undo of the onboarding end
//! the series at once. A mail that is due while `consent_changed` says "no" is not sent, whatever the platform still
//! says; a later yes counts for the mails after it.
//!
//! Deliberately absent: campaigns. Two mails, then it is over.

mod face;
mod input;
mod mails;

use contracts::customers::{Customers, Suppress, Unsubscribe};
use contracts::values::{CustomerRef, IdempotencyKey};

pub use face::{ConsentChanged, ENDED, ENDING, FollowUpEmails, FollowUpResult, TAKEN, search_attributes};
pub use input::FollowUpData;
pub use mails::{Fate, MailReport};

use crate::customer_onboarding;
use crate::input::Problem;
use crate::policy;
use crate::report::StepSpec;
use crate::saga::{About, Halt, Process, Saga, named_exactly};
use crate::search_attributes::CUSTOMER_REF;
use mails::Series;

/// The workflow id of a customer's series.
#[must_use]
pub fn workflow_id(customer: &CustomerRef) -> String {
    format!("{}/follow-up", customer_onboarding::workflow_id(customer))
}

const TIPS: &str = "send-onboarding-tips";
const RECOMMENDATIONS: &str = "send-product-recommendations";
const TELL_PLATFORM: &str = "tell-platform";

impl Process for FollowUpEmails {
    const NAME: &'static str = "FollowUpEmails";
    const INVALID: &'static str = "FollowUpInvalid";
    const STEPS: &'static [StepSpec] = &[
        StepSpec::retriable(TIPS, "a day later, how the shop works"),
        StepSpec::retriable(RECOMMENDATIONS, "a week later, what the customer may like"),
        StepSpec::retriable(TELL_PLATFORM, "pass the unsubscription on"),
    ];
    type Input = FollowUpData;

    fn named(workflow_id: &str, data: &FollowUpData) -> Result<About, Problem> {
        named_exactly(workflow_id, &self::workflow_id(&data.customer_ref))?;
        Ok(Some((CUSTOMER_REF, data.customer_ref.to_string())))
    }
}

type FollowUpSaga = Saga<FollowUpEmails>;

/// Sends what may be sent, then tells the platform what was heard of here, however the series ended.
async fn forward(
    saga: &mut FollowUpSaga,
    data: &FollowUpData,
    name: &str,
) -> (Result<(), Halt>, Vec<MailReport>) {
    let mut series = Series::new(saga, data, name.to_owned());
    let sent = series.send_all().await;
    let mails = series.into_mails();
    // A cancel does not take back the word of a customer.
    saga.shield();
    tell_platform(saga, data, name).await;
    (sent, mails)
}

/// Tells the platform of an unsubscription or a bounce that was heard of here: the sender of the next newsletter must
/// know it.
async fn tell_platform(saga: &FollowUpSaga, data: &FollowUpData, name: &str) {
    let heard = || saga.ctx().state(|w| (w.unsubscribed, w.bounced));
    let (unsubscribed, bounced) = heard();
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
    // Telling took time; the customer may have spoken meanwhile.
    if heard().0 {
        let news = Unsubscribe { key, customer_id };
        let step = saga.step(TELL_PLATFORM, Customers::unsubscribe, news, policy::aftermath());
        let _reported = step.or_report().await;
    }
}
