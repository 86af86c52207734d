//! The fates of the two mails for every fault at every step: one expected outcome per cell, to be read by people.

use tests::matrix::Cell;
use workflows::follow_up_emails::FollowUpEmails;

use super::Series;

/// The fates of the two mails.
pub(super) type Fates = [&'static str; 2];

/// One operation of a step under every fault.
pub(super) struct Row {
    step: &'static str,
    operation: &'static str,
    /// Refused by HTTP 422, then and ever after.
    pub(super) refused: Fates,
    /// HTTP 503 twice; its reply lost; its worker killed after the effect.
    pub(super) transient: Fates,
    /// The customer unsubscribes while the call is under way.
    pub(super) unsubscribed: Fates,
}

const SENT: Fates = ["sent", "sent"];
const NOT_THE_SECOND: Fates = ["sent", "kept_back"];

const ROWS: [Row; 6] = [
    Row {
        step: "send-onboarding-tips",
        operation: "customers.permission",
        // Not known is not allowed.
        refused: ["given_up", "given_up"],
        transient: SENT,
        unsubscribed: ["kept_back", "kept_back"],
    },
    Row {
        step: "send-onboarding-tips",
        operation: "notifications.email",
        refused: ["refused", "refused"],
        transient: SENT,
        // A mail that is on its way arrives.
        unsubscribed: NOT_THE_SECOND,
    },
    Row {
        step: "send-product-recommendations",
        operation: "customers.permission",
        refused: ["sent", "given_up"],
        transient: SENT,
        unsubscribed: NOT_THE_SECOND,
    },
    Row {
        step: "send-product-recommendations",
        operation: "products.recommend",
        refused: ["sent", "given_up"],
        transient: SENT,
        unsubscribed: NOT_THE_SECOND,
    },
    Row {
        step: "send-product-recommendations",
        operation: "notifications.email",
        refused: ["sent", "refused"],
        transient: SENT,
        unsubscribed: SENT,
    },
    // The platform is told only when somebody unsubscribed, between the mails.
    Row {
        step: TELL,
        operation: "customers.unsubscribe",
        refused: NOT_THE_SECOND,
        transient: NOT_THE_SECOND,
        unsubscribed: NOT_THE_SECOND,
    },
];

pub(super) const TELL: &str = "tell-platform";

// A step that is added to the process without a row here does not compile.
tests::every_step_has_cells!(ROWS, FollowUpEmails);

/// A column.
pub(super) fn rows(expected: fn(&Row) -> Fates) -> impl Iterator<Item = Cell<Series>> {
    ROWS.into_iter().map(move |row| Cell::new(row.step, row.operation, expected(&row)))
}
