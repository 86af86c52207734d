//! Customer onboarding: from a registration to an account with points, a coupon and a home page of its own.
//!
//! 0. **Shape check**: the input is complete. Wrong input ends the run before any call.
//! 1. `create-customer`: the account is opened. First the worker checks that the run is named by this customer's
//!    pseudonym. An address that is registered already ends the run: no points, no coupon, no mail; unless the input says
//!    `if_registered: "continue"` (`registered`).
//! 2. `setup-loyalty`: a bronze loyalty account with 100 welcome points.
//! 3. `send-welcome-emails`: the welcome coupon is made (a code that is taken is no reason to stop) and the series of
//!    follow-up mails begins ([`crate::follow_up_emails`], which outlives this run); then, **the point of no return**, the
//!    welcome mail leaves with points and code. What a customer has in the mailbox is not taken back.
//! 4. `personalize-experience`: what to recommend, and the home page's three sections.
//! 5. `assign-segments`: `new_customer`, and one for each interest and for the budget.
//! 6. `track-completion`: the platform's analytics hear of it.
//!
//! Whatever ends the run before the welcome mail undoes all that may have happened, newest first: the series of mails
//! ends, the coupon is revoked, the points go back, and the account is marked `incomplete_onboarding`, not deleted.
//! After it, a step that fails is reported and nothing is rolled back.
//!
//! Deliberately absent: the week of waiting (the child's), changing an account that exists, and the address in any
//! id: runs are named by a pseudonym (crate `pseudonym`).

#![expect(
    missing_docs,
    reason = "the workflow_methods macro generates markers without docs; everything else has them"
)]

mod registered;
mod registration;
mod steps;

use std::error::Error;

use contracts::customers::Customer;
use contracts::loyalty::LoyaltyAccount;
use contracts::values::CustomerRef;
use serde::{Deserialize, Serialize};
use temporalio_common::search_attributes::SearchAttributeUpdate;
use temporalio_workflow::{WorkflowContext, WorkflowContextView, WorkflowResult, workflow, workflow_methods};

pub use registration::{CustomerRegistrationData, IfRegistered, WORDS_MAX};

use crate::follow_up_emails;
use crate::input::{Problem, Unchecked};
use crate::report::{Progress, Report, StepClass, StepSpec, timestamp};
use crate::saga::{
    self, CancelAccepted, CancelRequest, Halt, Outcome, Process, ResolveUndo, Saga, SagaState,
};
use crate::search_attributes::{CUSTOMER_REF, STAGE, Stage};
use steps::{Account, OnboardingRun};

/// What stands before the pseudonym in a workflow id.
pub const ID_PREFIX: &str = "onboarding/";

/// The workflow id of a customer's onboarding.
#[must_use]
pub fn workflow_id(customer: &CustomerRef) -> String {
    format!("{ID_PREFIX}{customer}")
}

/// The search attributes of an onboarding that begins.
#[must_use]
pub fn search_attributes(customer: &CustomerRef) -> [SearchAttributeUpdate; 2] {
    [CUSTOMER_REF.value_set(customer.to_string()), STAGE.value_set(Stage::Processing.name().to_owned())]
}

const CREATE: &str = "create-customer";
const LOYALTY: &str = "setup-loyalty";
const WELCOME: &str = "send-welcome-emails";
const PERSONALIZE: &str = "personalize-experience";
const SEGMENTS: &str = "assign-segments";
const TRACK: &str = "track-completion";

/// What a run that went through returns: the seed's `OnboardingResult`, and the report.
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
    /// What the customer may do next, in the seed's words.
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
    /// What every step did.
    pub report: Report,
}

/// The workflow.
#[workflow]
#[derive(Default)]
pub struct CustomerOnboarding {
    saga: SagaState,
}

impl Process for CustomerOnboarding {
    const NAME: &'static str = "CustomerOnboarding";
    const STEPS: &'static [StepSpec] = &[
        StepSpec { name: CREATE, words: "open the account", class: StepClass::Compensable },
        StepSpec { name: LOYALTY, words: "give the welcome points", class: StepClass::Compensable },
        StepSpec {
            name: WELCOME,
            words: "make the coupon, begin the series, welcome",
            class: StepClass::Pivot,
        },
        StepSpec { name: PERSONALIZE, words: "lay out the home page", class: StepClass::Retriable },
        StepSpec { name: SEGMENTS, words: "put the customer into segments", class: StepClass::Retriable },
        StepSpec { name: TRACK, words: "count the customer", class: StepClass::Retriable },
    ];
    fn saga(&self) -> &SagaState {
        &self.saga
    }
    fn saga_mut(&mut self) -> &mut SagaState {
        &mut self.saga
    }
}

/// What the forward path ends with.
struct Onboarded {
    customer: Customer,
    was_registered: bool,
    loyalty: LoyaltyAccount,
    code: Option<String>,
    /// Whether the series of mails has begun.
    is_followed_up: bool,
}

#[workflow_methods]
impl CustomerOnboarding {
    /// Runs an onboarding from start to end.
    #[run(name = "CustomerOnboarding")]
    pub async fn run(
        ctx: &mut WorkflowContext<Self>,
        input: Unchecked<CustomerRegistrationData>,
    ) -> WorkflowResult<OnboardingResult> {
        let data = input.check().map_err(|problems| saga::invalid_input(INVALID, problems))?;
        let workflow_id = ctx.workflow_id().to_owned();
        let customer_ref = named_by(&workflow_id).map_err(|p| saga::invalid_input(INVALID, vec![p]))?;
        // The starter sets them with the start, which costs no event; whoever else starts a run may not.
        if ctx.search_attributes().get(&CUSTOMER_REF).as_deref() != Some(customer_ref.as_str()) {
            ctx.upsert_search_attributes(search_attributes(&customer_ref));
        }
        let started = ctx.workflow_time();
        let mut saga = Saga::begin(ctx);
        let run = OnboardingRun::new(ctx, &data, customer_ref);
        let (ended, onboarded, reason, report) = match forward(&run, &mut saga).await {
            Ok(onboarded) => (Outcome::Completed, Some(onboarded), None, saga.completed().await),
            Err(halt) => {
                saga.turn_back(&halt);
                saga.unwind().await;
                let (ending, report) =
                    saga.halted(halt, |_| "StepFailed", |ending, report| (ending, report)).await?;
                (ending.outcome, None, Some(ending.reason), report)
            }
        };
        let took = timestamp(started).zip(timestamp(ctx.workflow_time()));
        let next_steps = onboarded.as_ref().map(next_steps).unwrap_or_default();
        let follow_up = onboarded.as_ref().filter(|o| o.is_followed_up);
        let follow_up = follow_up.map(|_| follow_up_emails::workflow_id(&run.customer_ref));
        let was_registered = onboarded.as_ref().is_some_and(|o| o.was_registered);
        let (customer, rest) = onboarded.map(|o| (o.customer, (o.loyalty, o.code))).unzip();
        let (loyalty_account, code) = rest.unzip();
        Ok(OnboardingResult {
            success: ended == Outcome::Completed,
            customer,
            loyalty_account,
            workflow_id,
            next_steps,
            welcome_discount_code: code.flatten(),
            was_registered,
            follow_up,
            execution_time: took.map_or(0, |(from, to)| to.as_millisecond() - from.as_millisecond()),
            outcome: ended.name().to_owned(),
            reason,
            report,
        })
    }

    /// The business stops. Returns what will be undone; refused once the welcome mail is under way.
    #[update]
    pub async fn cancel_onboarding(
        ctx: &mut WorkflowContext<Self>,
        request: CancelRequest,
    ) -> Result<CancelAccepted, Box<dyn Error + Send + Sync>> {
        saga::request_stop(ctx, &request, TOO_LATE_TO_CANCEL).await
    }

    #[update_validator(cancel_onboarding)]
    fn check_cancel(
        &self,
        _ctx: &WorkflowContextView,
        request: &CancelRequest,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        saga::check_stop(self, request, TOO_LATE_TO_CANCEL)
    }

    /// A person answers about an undo that stuck.
    #[update]
    pub async fn resolve_undo(
        ctx: &mut WorkflowContext<Self>,
        answer: ResolveUndo,
    ) -> Result<String, Box<dyn Error + Send + Sync>> {
        saga::resolve_undo(ctx, answer).await
    }

    #[update_validator(resolve_undo)]
    fn check_resolution(
        &self,
        _ctx: &WorkflowContextView,
        answer: &ResolveUndo,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        saga::check_resolution(self, answer)
    }

    /// How far the onboarding is.
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

const INVALID: &str = "RegistrationInvalid";

const TOO_LATE_TO_CANCEL: &str = "the customer has been welcomed, and what is in the mailbox is not taken back: end the \
    follow-up mails with 'unsubscribe', and close the account in the shop";

/// The pseudonym that a run is named by.
fn named_by(workflow_id: &str) -> Result<CustomerRef, Problem> {
    let name = workflow_id.strip_prefix(ID_PREFIX).unwrap_or_default();
    CustomerRef::new(name).map_err(|problem| {
        let problem = format!("is not {ID_PREFIX}<pseudonym>: what should be the pseudonym {problem}");
        let fix = "start the run with the starter, or name it by the customer's pseudonym";
        Problem::new("(workflow id)", problem, fix)
    })
}

/// What the seed tells the customer to do next; without a code there is none to use.
fn next_steps(onboarded: &Onboarded) -> Vec<String> {
    let mut steps = vec!["Complete profile setup".to_owned(), "Browse recommended products".to_owned()];
    if onboarded.code.is_some() {
        steps.push("Use welcome discount code".to_owned());
    }
    steps
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
