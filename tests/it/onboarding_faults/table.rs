//! The outcome of every fault at every step of an onboarding: one expectation per cell, to be read by people.

use workflows::customer_onboarding::CustomerOnboarding;

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
    /// The business stopped it, everything undone. By Temporal's cancel: the same, as Canceled.
    Stopped,
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

/// How the outside system of a step says no for good.
#[derive(Clone, Copy, Debug)]
pub(super) enum Refusal {
    /// By that HTTP status.
    Status(u16),
    /// Because the address has an account.
    Registered,
}

/// One operation of a step under every fault.
pub(super) struct Row {
    pub(super) step: &'static str,
    pub(super) operation: &'static str,
    pub(super) refusal: Refusal,
    /// Refused for good.
    pub(super) refused: Expected,
    /// HTTP 503 twice, then the right answer.
    pub(super) transient: Expected,
    /// The effect happens, its reply does not arrive; or arrives garbled.
    pub(super) reply_lost: Expected,
    /// `kill -9` of the worker after the effect, before it is reported; another worker takes over.
    pub(super) killed: Expected,
    /// The business, or Temporal, cancels while the call is under way.
    pub(super) cancelled: Expected,
}

const ONBOARDED: Expected =
    Expected { ends: Ends::Onboarded, undone: &[], taken_back: TakenBack::Nothing, missing: None };

const fn onboarded_without(missing: Missing) -> Expected {
    Expected { missing: Some(missing), ..ONBOARDED }
}

const fn failed(kind: &'static str, undone: &'static [&'static str], taken_back: TakenBack) -> Expected {
    Expected { ends: Ends::Failed(kind), undone, taken_back, missing: None }
}

const fn cancelled(undone: &'static [&'static str], taken_back: TakenBack) -> Expected {
    Expected { ends: Ends::Stopped, undone, taken_back, missing: None }
}

const OPENED: &[&str] = &["create-customer"];
const GIVEN: &[&str] = &["setup-loyalty", "create-customer"];
/// The series begins before the coupon is asked for, so it ends after it.
const PREPARED: &[&str] =
    &["send-welcome-emails/coupon", "send-welcome-emails/follow-up", "setup-loyalty", "create-customer"];

pub(super) const FORWARD: [Row; 8] = [
    Row {
        step: "create-customer",
        operation: "customers.create",
        refusal: Refusal::Registered,
        // The account that is there is somebody else's: it is not marked.
        refused: failed("CustomerExists", OPENED, TakenBack::Nothing),
        transient: ONBOARDED,
        reply_lost: ONBOARDED,
        killed: ONBOARDED,
        cancelled: cancelled(OPENED, TakenBack::Account),
    },
    Row {
        step: "setup-loyalty",
        operation: "loyalty.create",
        refusal: Refusal::Status(422),
        refused: failed("StepFailed", GIVEN, TakenBack::Account),
        transient: ONBOARDED,
        reply_lost: ONBOARDED,
        killed: ONBOARDED,
        cancelled: cancelled(GIVEN, TakenBack::Points),
    },
    Row {
        step: "send-welcome-emails",
        operation: "coupons.create",
        refusal: Refusal::Status(422),
        refused: failed("StepFailed", PREPARED, TakenBack::Points),
        transient: ONBOARDED,
        reply_lost: ONBOARDED,
        killed: ONBOARDED,
        cancelled: cancelled(PREPARED, TakenBack::Coupon),
    },
    // With the welcome mail under way nothing is rolled back, and no cancel is taken.
    Row {
        step: "send-welcome-emails",
        operation: "notifications.email",
        refusal: Refusal::Status(422),
        refused: onboarded_without(Missing::Mail),
        transient: ONBOARDED,
        reply_lost: ONBOARDED,
        killed: ONBOARDED,
        cancelled: ONBOARDED,
    },
    Row {
        step: "personalize-experience",
        operation: "customers.preferences",
        refusal: Refusal::Status(422),
        refused: onboarded_without(Missing::Preferences),
        transient: ONBOARDED,
        reply_lost: ONBOARDED,
        killed: ONBOARDED,
        cancelled: ONBOARDED,
    },
    Row {
        step: "personalize-experience",
        operation: "customers.content",
        refusal: Refusal::Status(422),
        refused: onboarded_without(Missing::Homepage),
        transient: ONBOARDED,
        reply_lost: ONBOARDED,
        killed: ONBOARDED,
        cancelled: ONBOARDED,
    },
    Row {
        step: "assign-segments",
        operation: "customers.segments",
        refusal: Refusal::Status(422),
        refused: onboarded_without(Missing::Segments),
        transient: ONBOARDED,
        reply_lost: ONBOARDED,
        killed: ONBOARDED,
        cancelled: ONBOARDED,
    },
    Row {
        step: "track-completion",
        operation: "events.track",
        refusal: Refusal::Status(422),
        refused: onboarded_without(Missing::Event),
        transient: ONBOARDED,
        reply_lost: ONBOARDED,
        killed: ONBOARDED,
        cancelled: ONBOARDED,
    },
];

// A step that is added to the process without a row here does not compile.
tests::every_step_has_cells!(FORWARD, CustomerOnboarding);

/// The causes that make an onboarding turn back.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    /// The loyalty programme refuses.
    NoPoints,
    /// The coupon is refused.
    NoCoupon,
    /// The business cancels while the coupon is made.
    CancelledAtCoupon,
}

/// The undo of a step, by the operation that does it. The series is ended by a signal, which no shop can keep from
/// arriving: it is asserted in every cell.
pub(super) struct Undo {
    pub(super) step: &'static str,
    pub(super) operation: &'static str,
    pub(super) way: Way,
    /// HTTP 503 twice, its reply lost, or its worker killed after the effect: all end alike.
    pub(super) always: Expected,
}

pub(super) const BACKWARD: [Undo; 5] = [
    Undo {
        step: "send-welcome-emails/coupon",
        operation: "coupons.revoke",
        way: Way::CancelledAtCoupon,
        always: cancelled(PREPARED, TakenBack::Coupon),
    },
    Undo {
        step: "setup-loyalty",
        operation: "loyalty.reverse",
        way: Way::NoCoupon,
        always: failed("StepFailed", PREPARED, TakenBack::Points),
    },
    Undo {
        step: "setup-loyalty",
        operation: "loyalty.reverse",
        way: Way::CancelledAtCoupon,
        always: cancelled(PREPARED, TakenBack::Coupon),
    },
    Undo {
        step: "create-customer",
        operation: "customers.update",
        way: Way::NoPoints,
        always: failed("StepFailed", GIVEN, TakenBack::Account),
    },
    Undo {
        step: "create-customer",
        operation: "customers.update",
        way: Way::CancelledAtCoupon,
        always: cancelled(PREPARED, TakenBack::Coupon),
    },
];
