//! Customer onboarding: from a registration to an account with points, a coupon and a personal home page.
//!
//! 0. **Input check**: the input is complete. Wrong input fails the run before any call.
//! 1. `create-customer`: the worker checks that the workflow id has this customer's pseudonym; then the account is
//!    opened. An email address that has an account ends the run (`CustomerExists`: no points, no coupon, no mail),
//!    unless the input says `if_registered: "continue"`: then the run goes on with that account (`known_address`).
//! 2. `setup-loyalty`: a bronze loyalty account with 100 welcome points.
//! 3. `send-welcome-emails`: side by side, the welcome coupon is created (a code that is taken stops nothing) and the
//!    follow-up series begins ([`crate::follow_up_emails`], which outlives this run). Then **the point of no
//!    return**: the welcome mail, unless the platform says that mail to the address bounced or was reported as spam. It
//!    has the code if the customer agreed to marketing. Mail cannot be undone.
//! 4. `personalize-experience`: what to recommend, and the home page's three sections.
//! 5. `assign-segments`: `new_customer`, and one for each interest and for the budget.
//! 6. `track-completion`: the onboarding is counted in the platform's analytics.
//!
//! Before the first attempt to send the welcome mail, whatever ends the run undoes every step that has begun, newest
//! first: the coupon is revoked, the series ends, the points go back, and the account is marked
//! `incomplete_onboarding`, not deleted. From then on failures, of that mail too, are reported and nothing is undone.
//!
//! Deliberately absent: the week of waiting (the series), changing an account that exists, mail addresses in ids (crate
//! `pseudonym`).

mod face;
mod input;
mod known_address;
mod result;
mod steps;

use contracts::values::CustomerRef;

pub use face::{CustomerOnboarding, search_attributes};
pub use input::{CustomerRegistrationData, IfRegistered, WORDS_MAX};
pub use result::OnboardingResult;

use crate::input::Problem;
use crate::report::StepSpec;
use crate::saga::{About, Halt, Process, Saga, misnamed};
use crate::search_attributes::CUSTOMER_REF;
use result::Onboarded;
use steps::{Account, OnboardingRun};

/// The prefix of a workflow id, before the pseudonym.
pub const ID_PREFIX: &str = "onboarding/";

/// The workflow id of a customer's onboarding.
#[must_use]
pub fn workflow_id(customer: &CustomerRef) -> String {
    format!("{ID_PREFIX}{customer}")
}

const CREATE: &str = "create-customer";
const LOYALTY: &str = "setup-loyalty";
const WELCOME: &str = "send-welcome-emails";
const PERSONALIZE: &str = "personalize-experience";
const SEGMENTS: &str = "assign-segments";
const TRACK: &str = "track-completion";

const INVALID: &str = "RegistrationInvalid";

impl Process for CustomerOnboarding {
    const NAME: &'static str = "CustomerOnboarding";
    const INVALID: &'static str = INVALID;
    const STEPS: &'static [StepSpec] = &[
        StepSpec::compensable(CREATE, "open the account")
            .undo("mark the account as incomplete", "the account stays open"),
        StepSpec::compensable(LOYALTY, "give the welcome points")
            .undo("take the points back", "the customer keeps the points"),
        StepSpec::pivot(WELCOME, "make the coupon, begin the series, welcome")
            .undo("revoke the coupon, end the series", "the coupon can be used, or the mails go on"),
        StepSpec::retriable(PERSONALIZE, "lay out the home page"),
        StepSpec::retriable(SEGMENTS, "put the customer into segments"),
        StepSpec::retriable(TRACK, "count the customer"),
    ];
    type Input = CustomerRegistrationData;

    fn named(workflow_id: &str, _data: &CustomerRegistrationData) -> Result<About, Problem> {
        Ok(Some((CUSTOMER_REF, named_by(workflow_id)?.to_string())))
    }
}

async fn forward(run: &OnboardingRun<'_>, saga: &mut Saga<CustomerOnboarding>) -> Result<Onboarded, Halt> {
    let Account { customer, was_registered } = run.create(saga).await?;
    let known = if was_registered { run.welcomed_before(saga, &customer).await? } else { None };
    if let Some(loyalty) = known {
        saga.check()?;
        saga.pivot();
        run.go_on(saga, &customer).await;
        return Ok(Onboarded { customer, was_registered, loyalty, code: None, is_followed_up: false });
    }
    let loyalty = run.set_up_loyalty(saga, &customer).await?;
    let code = run.prepare_welcome(saga, &customer).await?;
    saga.check()?;
    saga.pivot();
    run.welcome(saga, &customer, &loyalty, code.clone()).await;
    run.personalize(saga, &customer).await;
    run.assign_segments(saga, &customer, run.segments()).await;
    run.track(saga, &customer).await;
    Ok(Onboarded { customer, was_registered, loyalty, code, is_followed_up: true })
}

/// The pseudonym in a workflow id. The worker checks in `create-customer` that it is this customer's.
fn named_by(workflow_id: &str) -> Result<CustomerRef, Problem> {
    let name = workflow_id.strip_prefix(ID_PREFIX).unwrap_or_default();
    CustomerRef::new(name).map_err(|problem| {
        misnamed(format!("is not {ID_PREFIX}<pseudonym>: the part behind {ID_PREFIX} {problem}"))
    })
}
