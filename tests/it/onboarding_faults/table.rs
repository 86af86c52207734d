//! The outcome of every fault at every step of an onboarding: one expectation per cell, to be read by people.

use anyhow::{bail, ensure};
use serde_json::Value;
use tests::customers::Ended;
use tests::matrix::{self, Cell, is, slow};
use workflows::customer_onboarding::{CustomerOnboarding, OnboardingResult};
use workflows::report::Report;

use super::Onboardings;

pub(super) const CANCELLED_BECAUSE: &str = "the customer called";

/// How a cell ends, and what the shop's books say then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    pub(super) ends: Ends,
    /// The undos that the report names, newest first.
    pub(super) undone: &'static [&'static str],
    /// The gifts that were given and then taken back. Of a customer who is onboarded nothing is.
    pub(super) taken_back: TakenBack,
    /// The effect that is missing although the customer is onboarded.
    pub(super) missing: Option<Missing>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    /// One account, 100 points, one coupon, one mail, a home page, segments, one event, a series that waits.
    Onboarded,
    /// Failed with that type, everything undone.
    Failed(&'static str),
    /// The business stopped it, everything undone.
    Stopped,
    /// Temporal cancelled it, everything undone.
    Canceled,
}

impl Ends {
    /// The report of a run that ended so.
    pub(super) fn report(self, ended: Ended<OnboardingResult>) -> anyhow::Result<Report> {
        match (self, ended) {
            (Self::Failed(kind), ended) => Ok(ended.failed_as(kind)?.1),
            (Self::Canceled, Ended::Canceled(report)) => Ok(report),
            (Self::Onboarded, ended) => {
                let result = ended.completed()?;
                ensure!(result.success && result.customer.is_some(), "not onboarded: {result:?}");
                ensure!(result.welcome_discount_code.is_some(), "no code: {result:?}");
                Ok(result.report)
            }
            (Self::Stopped, Ended::Completed(result)) => {
                ensure!(!result.success && result.customer.is_none(), "not stopped: {result:?}");
                is("outcome", &result.outcome.as_str(), &"cancelled")?;
                is("reason", &result.reason.as_deref(), &Some(CANCELLED_BECAUSE))?;
                Ok(result.report)
            }
            (_, other) => bail!("not stopped: {other:?}"),
        }
    }
}

/// The gifts that had been given when the run turned back; each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TakenBack {
    Nothing,
    /// The account; it is marked.
    Account,
    Points,
    Coupon,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    Mail,
    Preferences,
    Homepage,
    Segments,
    Event,
}

/// How an onboarding comes to an operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Way {
    /// As every one does.
    #[default]
    Plain,
    /// The operation refuses by that HTTP status.
    Refused(u16),
    /// The address has an account.
    Registered,
    /// The loyalty programme refuses.
    NoPoints,
    /// The coupon is refused.
    NoCoupon,
    /// The business cancels while the coupon is made.
    CancelledAtCoupon,
}

impl matrix::Way for Way {
    fn faults(self, operation: &str) -> Vec<Value> {
        match self {
            Self::Plain | Self::Registered => Vec::new(),
            Self::Refused(status) => vec![matrix::refused(operation, status)],
            Self::NoPoints => vec![matrix::refused("loyalty.create", 422)],
            Self::NoCoupon => vec![matrix::refused("coupons.create", 422)],
            Self::CancelledAtCoupon => vec![slow("coupons.create", 800)],
        }
    }
}

/// One operation of a step under every fault. Whatever passes leads to a customer who is onboarded: HTTP 503 twice,
/// then the right answer; the effect happens and its reply does not arrive, or arrives garbled; `kill -9` of the worker
/// after the effect, before it is reported, and another one takes over.
pub(super) struct Row {
    step: &'static str,
    operation: &'static str,
    /// How its outside system says no for good, and what comes of it.
    refused: (Way, Expected),
    /// The business, or Temporal, cancels while the call is under way.
    pub(super) cancelled: Expected,
}

const NO: Way = Way::Refused(422);

/// With the welcome mail under way nothing is rolled back, and no cancel is taken.
const fn after(step: &'static str, operation: &'static str, missing: Missing) -> Row {
    Row { step, operation, refused: (NO, onboarded_without(missing)), cancelled: ONBOARDED }
}

pub(super) const ONBOARDED: Expected =
    Expected { ends: Ends::Onboarded, undone: &[], taken_back: TakenBack::Nothing, missing: None };

const fn onboarded_without(missing: Missing) -> Expected {
    Expected { missing: Some(missing), ..ONBOARDED }
}

const fn failed(kind: &'static str, undone: &'static [&'static str], taken_back: TakenBack) -> Expected {
    Expected { ends: Ends::Failed(kind), undone, taken_back, missing: None }
}

impl Expected {
    /// The same when Temporal cancels in place of the business.
    pub(super) fn by_temporal(self) -> Self {
        match self.ends {
            Ends::Stopped => Self { ends: Ends::Canceled, ..self },
            _ => self,
        }
    }

    /// The steps that a cancel says it will undo; `None`: it is refused.
    pub(super) fn will_undo(&self) -> Option<Vec<&'static str>> {
        let mut steps: Vec<_> = self.undone.iter().filter_map(|undo| undo.split('/').next()).collect();
        steps.dedup();
        (!steps.is_empty()).then_some(steps)
    }
}

const fn cancelled(undone: &'static [&'static str], taken_back: TakenBack) -> Expected {
    Expected { ends: Ends::Stopped, undone, taken_back, missing: None }
}

const OPENED: &[&str] = &["create-customer"];
const GIVEN: &[&str] = &["setup-loyalty", "create-customer"];
/// The series begins before the coupon is asked for, so it ends after it.
const PREPARED: &[&str] =
    &["send-welcome-emails/coupon", "send-welcome-emails/follow-up", "setup-loyalty", "create-customer"];

#[rustfmt::skip]
const FORWARD: [Row; 9] = [
    Row {
        step: "create-customer", operation: "customers.create",
        // The account that is there is somebody else's: it is not marked, and nothing is claimed of it.
        refused: (Way::Registered, failed("CustomerExists", &[], TakenBack::Nothing)),
        cancelled: cancelled(OPENED, TakenBack::Account),
    },
    Row {
        step: "setup-loyalty", operation: "loyalty.create",
        refused: (NO, failed("StepFailed", GIVEN, TakenBack::Account)),
        cancelled: cancelled(GIVEN, TakenBack::Points),
    },
    Row {
        step: "send-welcome-emails", operation: "coupons.create",
        refused: (NO, failed("StepFailed", PREPARED, TakenBack::Points)),
        cancelled: cancelled(PREPARED, TakenBack::Coupon),
    },
    after("send-welcome-emails", "customers.permission", Missing::Mail),
    after("send-welcome-emails", "notifications.email", Missing::Mail),
    after("personalize-experience", "customers.preferences", Missing::Preferences),
    after("personalize-experience", "customers.content", Missing::Homepage),
    after("assign-segments", "customers.segments", Missing::Segments),
    after("track-completion", "events.track", Missing::Event),
];

// A step that is added to the process without a row here does not compile.
tests::every_step_has_cells!(FORWARD, CustomerOnboarding);

/// A column of the steps.
pub(super) fn forward(expected: fn(&Row) -> Expected) -> impl Iterator<Item = Cell<Onboardings>> {
    FORWARD.into_iter().map(move |row| {
        let cell = Cell::new(row.step, row.operation, expected(&row));
        cell.looked_up_if(&["customers.create", "loyalty.create", "coupons.create"])
    })
}

/// The column in which each step is refused in its own way.
pub(super) fn refused() -> impl Iterator<Item = Cell<Onboardings>> {
    FORWARD.into_iter().map(|row| Cell::new(row.step, row.operation, row.refused.1).on(row.refused.0))
}

/// The undos, by the operations that do them; a fault that passes changes nothing, and all end alike. The series is
/// ended by a signal, which no shop can keep from arriving: it is asserted in every cell.
pub(super) fn backward() -> impl Iterator<Item = Cell<Onboardings>> {
    let cancelled = cancelled(PREPARED, TakenBack::Coupon);
    let undos = [
        ("send-welcome-emails/coupon", "coupons.revoke", Way::CancelledAtCoupon, cancelled),
        (
            "setup-loyalty",
            "loyalty.reverse",
            Way::NoCoupon,
            failed("StepFailed", PREPARED, TakenBack::Points),
        ),
        ("setup-loyalty", "loyalty.reverse", Way::CancelledAtCoupon, cancelled),
        (
            "create-customer",
            "customers.update",
            Way::NoPoints,
            failed("StepFailed", GIVEN, TakenBack::Account),
        ),
        ("create-customer", "customers.update", Way::CancelledAtCoupon, cancelled),
    ];
    undos.into_iter().map(|(step, operation, way, always)| Cell::new(step, operation, always).on(way))
}
