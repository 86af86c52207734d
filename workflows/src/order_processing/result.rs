//! The result of an order.

use contracts::commerce::PaymentStatus;
use contracts::payment::Balance;
use contracts::shipping::Label;
use contracts::values::OrderId;
use serde::{Deserialize, Serialize};

use super::OrderData;
use super::paying::Paid;
use crate::report::Report;
use crate::saga::Ended;

/// The result of a process that went through, or was stopped by the business: the seed's `OrderProcessingResult`, and
/// the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderProcessingResult {
    /// Whether the order is on its way.
    pub success: bool,
    /// The order.
    pub order_id: OrderId,
    /// The provider's id of the payment; `null` where none was made.
    pub payment_id: Option<String>,
    /// The carrier's number.
    pub tracking_number: Option<String>,
    /// When the parcel should arrive, as the carrier says it.
    pub estimated_delivery: Option<String>,
    /// This run's workflow id.
    pub workflow_id: String,
    /// Milliseconds of workflow time from start to end.
    pub execution_time: i64,
    /// `completed`, `expired` or `cancelled`.
    pub outcome: String,
    /// Why it was stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// `paid`, or `pending` for cash on delivery; of an order that was undone how its money ended, `null` where nobody
    /// knows that.
    pub payment_status: Option<PaymentStatus>,
    /// The provider's ids of the refunds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refund_ids: Vec<String>,
    /// Every step with its outcome.
    pub report: Report,
}

/// The findings with which the story ends; the result is made of them.
pub(super) struct Fulfilled {
    pub(super) paid: Paid,
    /// `None`: the parcel is under way, and its label could not be read.
    pub(super) label: Option<Label>,
}

impl OrderProcessingResult {
    /// `balance`: how the money of an order ended that was undone.
    pub(super) fn of(
        order: &OrderData,
        workflow_id: &str,
        ended: Ended<Fulfilled>,
        balance: Option<Balance>,
    ) -> Self {
        let success = ended.is_success();
        let (paid, label) = ended.value.map(|fulfilled| (fulfilled.paid, fulfilled.label)).unzip();
        let (status, payment_id, refund_ids) = match (paid, balance) {
            (Some(Paid { payment_id, status }), _) => (Some(status), payment_id, Vec::new()),
            (None, Some(Balance { status, payment_id, refund_ids, .. })) => {
                (Some(status), payment_id, refund_ids)
            }
            (None, None) => (None, None, Vec::new()),
        };
        let label = label.flatten();
        Self {
            success,
            order_id: order.order_id.clone(),
            payment_status: status,
            payment_id,
            refund_ids,
            tracking_number: label.as_ref().map(|label| label.tracking_number.clone()),
            estimated_delivery: label.and_then(|label| label.estimated_delivery),
            workflow_id: workflow_id.to_owned(),
            execution_time: ended.took_ms,
            outcome: ended.outcome.name().to_owned(),
            reason: ended.reason,
            report: ended.report,
        }
    }
}
