//! Going on with an address that is registered already (`if_registered: "continue"`).
//!
//! The account stays as it is: no field of it is changed, its consent to marketing counts, and an undo does not mark
//! it, because the undo goes by the key of the account that this run would have opened. Whether its customer was
//! welcomed before is what the loyalty programme says:
//!
//! - without a loyalty account, the customer gets what every new one gets: points, coupon, mail, series;
//! - with one, none of it a second time. The interests, budget and brands of the registration are written down, and the
//!   customer is put into the segments that follow from them, `new_customer` not among them.

use contracts::customers::{Customer, Customers, RegisteredAddress};
use contracts::loyalty::{Loyalty, LoyaltyAccount, Member};

use super::steps::{OnboardingRun, OnboardingSaga};
use super::{CREATE, LOYALTY, PERSONALIZE, SEGMENTS, TRACK, WELCOME};
use crate::policy;
use crate::saga::Halt;

const NEW_CUSTOMER: &str = "new_customer";
const WELCOMED_BEFORE: &str = "the customer has a loyalty account, so was welcomed before";

impl OnboardingRun<'_> {
    /// The account that is there.
    pub(super) async fn registered(&self, saga: &OnboardingSaga) -> Result<Customer, Halt> {
        let question = RegisteredAddress { email: self.data.email.clone() };
        let found = saga
            .step(CREATE, Customers::find_registered, question, policy::bookkeeping())
            .nothing_to_undo("asks only")
            .await?;
        found.ok_or_else(|| {
            let reason = "the address is registered already, and its account is not active".to_owned();
            saga.refused(CREATE, "CustomerExists", reason)
        })
    }

    /// The loyalty account of a customer who was welcomed before.
    pub(super) async fn welcomed_before(
        &self,
        saga: &OnboardingSaga,
        customer: &Customer,
    ) -> Result<Option<LoyaltyAccount>, Halt> {
        let question = Member { customer_id: customer.customer_id.clone() };
        saga.step(LOYALTY, Loyalty::account_of, question, policy::bookkeeping())
            .nothing_to_undo("asks only")
            .await
    }

    /// The rest of the steps for a customer who was welcomed before.
    pub(super) async fn go_on(&self, saga: &OnboardingSaga, customer: &Customer) {
        for step in [LOYALTY, WELCOME, TRACK] {
            saga.skip(step, WELCOMED_BEFORE);
        }
        let says_nothing = self.data.interests.is_empty()
            && self.data.budget_range.is_none()
            && self.data.preferred_brands.is_empty();
        if says_nothing {
            saga.skip(PERSONALIZE, "the registration says nothing about what the customer likes");
        } else {
            let step = saga.step(
                PERSONALIZE,
                Customers::update_preferences,
                self.wishes(customer),
                policy::aftermath(),
            );
            // Reported by the saga when it fails; there is nothing to decide here.
            let _reported = step.part("preferences").or_report().await;
        }
        let segments: Vec<String> = self.segments().into_iter().filter(|name| name != NEW_CUSTOMER).collect();
        if segments.is_empty() {
            saga.skip(SEGMENTS, "no segment follows from the registration");
        } else {
            self.assign_segments(saga, customer, segments).await;
        }
    }
}
