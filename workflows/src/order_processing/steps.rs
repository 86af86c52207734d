//! The steps of order processing, each with its undo.

use std::time::Duration;

use contracts::commerce::{Commerce, OrderProblem, OrderValidation};
use contracts::customers::{Customers, Suppress};
use contracts::inventory::{Confirmation, Hold, Inventory, Reservation, Shortage};
use contracts::notification::{Delivery, Notifications};
use contracts::payment::Payments;
use contracts::shipping::{Label, Shipment, Shipping};
use jiff::Timestamp;
use temporalio_workflow::join;

use super::paying::Paid;
use super::requests::Requests;
use super::{
    ANALYTICS, CONFIRM, NOTIFY, OrderData, OrderProcessing, PAY, RESERVE, SHIP, TELL_SHOP, UPDATE, VALIDATE,
};
use crate::clock::{later, now};
use crate::policy;
use crate::saga::{Back, Halt, Saga, WayBack};

/// The part of the notifications that tells the platform of a bounce.
const SUPPRESS: &str = "suppress";

/// The cause of a question about money that somebody decided about before.
pub(crate) const DECIDED_BEFORE: &str = "decided_before";

/// Holds outlive the deadline by this much, so that a payment that is found settled at the last look still finds them.
const HOLD_MARGIN: Duration = Duration::from_secs(5 * 60);

/// One order on its way through the steps.
pub(super) struct OrderRun<'o> {
    pub(super) order: &'o OrderData,
    pub(super) requests: Requests<'o>,
}

pub(super) type OrderSaga = Saga<OrderProcessing>;

impl OrderRun<'_> {
    /// Whether the shop knew the order before.
    pub(super) async fn validate(&self, saga: &OrderSaga) -> Result<bool, Halt> {
        let verdict = saga
            .step(VALIDATE, Commerce::validate_order, self.requests.validation(), policy::bookkeeping())
            .nothing_to_undo("the shop only answers a question")
            .await?;
        match verdict {
            OrderValidation::Valid { was_known } => Ok(was_known),
            OrderValidation::Invalid { problems } => Err(refused_by_shop(saga, &problems)),
        }
    }

    pub(super) async fn reserve(&self, saga: &OrderSaga) -> Result<Vec<Hold>, Halt> {
        let hold = self.requests.hold(self.hold_until(saga));
        let reservation = saga
            .step(RESERVE, Inventory::reserve, hold, policy::stock())
            .undo_by(Inventory::release, self.requests.release())
            .await?;
        match reservation {
            Reservation::Held { holds } => Ok(holds),
            Reservation::Short { lines } => {
                saga.amend_undo(RESERVE, Inventory::release, self.requests.release_of_short());
                Err(saga.refused(RESERVE, "OutOfStock", format!("out of stock: {}", in_words(&lines))))
            }
        }
    }

    pub(super) async fn confirm(&self, saga: &OrderSaga, holds: Vec<Hold>) -> Result<(), Halt> {
        let confirmation = saga
            .step(CONFIRM, Inventory::confirm, self.requests.sale(holds.clone()), policy::stock())
            .undo_by(Inventory::restock, self.requests.restock())
            .await?;
        match confirmation {
            Confirmation::Confirmed => Ok(()),
            Confirmation::HoldLost { variants } => self.confirm_again(saga, holds, &variants).await,
        }
    }

    /// A paid order is not given up for a hold that can be had again: what was lost is held once more, and sold.
    async fn confirm_again(
        &self,
        saga: &OrderSaga,
        mut holds: Vec<Hold>,
        lost: &[String],
    ) -> Result<(), Halt> {
        let gone = format!("the hold was gone before it was confirmed: {}", lost.join(", "));
        let hold = self.requests.hold_again(lost, self.hold_until(saga));
        let reservation = saga
            .step(RESERVE, Inventory::reserve, hold, policy::stock())
            .nothing_to_undo("the release of the first holds frees these, too")
            .await;
        let why = match reservation {
            Ok(Reservation::Held { holds: again }) => {
                holds.retain(|hold| !again.iter().any(|new| new.variant_id == hold.variant_id));
                holds.extend(again);
                return self.sell_again(saga, holds, &gone).await;
            }
            Ok(Reservation::Short { lines }) => format!("out of stock meanwhile: {}", in_words(&lines)),
            // A hold that was released by hand may be barred.
            Err(Halt::Outage { reason, is_final: true, .. }) => format!("not held again: {reason}"),
            Err(halt) => return Err(halt),
        };
        Err(saga.refused(CONFIRM, "OutOfStock", format!("{gone}; {why}")))
    }

    async fn sell_again(&self, saga: &OrderSaga, holds: Vec<Hold>, gone: &str) -> Result<(), Halt> {
        let confirmation = saga
            .step(CONFIRM, Inventory::confirm, self.requests.sale_again(holds), policy::stock())
            .nothing_to_undo("the restock of the first sale takes this one back, too")
            .await?;
        match confirmation {
            Confirmation::Confirmed => Ok(()),
            Confirmation::HoldLost { .. } => {
                Err(saga.refused(CONFIRM, "OutOfStock", format!("{gone}, twice")))
            }
        }
    }

    pub(super) async fn ship(&self, saga: &OrderSaga) -> Result<Label, Halt> {
        let shipment = saga
            .step(SHIP, Shipping::create_shipment, self.requests.parcel(), policy::carrier())
            .or_look_up(Shipping::find_shipment, self.requests.label())
            .undo_by(Shipping::void_shipment, self.requests.label())
            .await?;
        match shipment {
            Shipment::Labelled(label) => {
                saga.fact(SHIP, "tracking_number", &label.tracking_number);
                Ok(label)
            }
            Shipment::Refused { code } => {
                Err(saga.refused(SHIP, "ShippingFailed", format!("the carrier refused: {code}")))
            }
        }
    }

    pub(super) async fn tell_shop(&self, saga: &OrderSaga, paid: &Paid, label: &Label) {
        let confirmed = self.requests.confirmed(paid.status, label);
        // A shop that never hears of a paid order with a label would sell its goods, or charge, again: a person is
        // asked.
        let step = saga.step(UPDATE, Commerce::update_order, confirmed, policy::tell_shop());
        let _noted_by_the_saga = step.or_ask().await;
    }

    pub(super) async fn notify(&self, saga: &OrderSaga, label: &Label) {
        let email = async {
            let mail = self.requests.email(label);
            let step = saga.step(NOTIFY, Notifications::send_email, mail, policy::notice()).part("email");
            let delivery = step.or_report().await;
            note_delivery(saga, "email", delivery.as_ref());
            if let Some(Delivery::Bounced { .. }) = delivery {
                self.suppress(saga).await;
            }
        };
        let sms = async {
            let Some(message) = self.requests.sms(label) else { return };
            let step = saga.step(NOTIFY, Notifications::send_sms, message, policy::notice()).part("sms");
            note_delivery(saga, "sms", step.or_report().await.as_ref());
        };
        let push = async {
            let message = self.requests.push(label);
            let step = saga.step(NOTIFY, Notifications::send_push, message, policy::notice()).part("push");
            note_delivery(saga, "push", step.or_report().await.as_ref());
        };
        join!(email, sms, push);
    }

    /// The mail bounced: the platform has to know it, or marketing mails would go on bouncing.
    async fn suppress(&self, saga: &OrderSaga) {
        let key = self.requests.key(NOTIFY).part(SUPPRESS);
        let news = Suppress { key, customer_id: self.order.customer_id.clone() };
        let step = saga.step(NOTIFY, Customers::suppress, news, policy::aftermath()).part(SUPPRESS);
        let _reported = step.or_report().await;
    }

    pub(super) async fn count_sale(&self, saga: &OrderSaga) {
        let event = self.requests.completed();
        let step = saga.step(ANALYTICS, Commerce::track_order_completed, event, policy::aftermath());
        let _reported = step.or_report().await;
    }

    /// Until when the payment may settle, for a reservation that begins now.
    pub(super) fn deadline(&self, saga: &OrderSaga) -> Timestamp {
        later(now(saga.ctx()), self.order.reservation)
    }

    /// Until when stock is held, from now on.
    fn hold_until(&self, saga: &OrderSaga) -> Timestamp {
        later(self.deadline(saga), HOLD_MARGIN)
    }
}

/// The order's own part of the way back: a payment that settles meanwhile, after its own undo, is undone once more
/// (where a person has decided about it, only if that person says so), and the shop is told last.
impl WayBack<OrderProcessing> for OrderRun<'_> {
    /// An order that no carrier takes is not shippable, whichever way the carrier put it.
    fn outage_type(&self, step: &str) -> &'static str {
        if step == SHIP { "ShippingFailed" } else { "StepFailed" }
    }

    async fn go_back(&self, back: &Back<'_, OrderProcessing>, halt: &Halt) {
        let ended = self.requests.ended_early(halt.ending(), back.has_undos());
        back.undo_last_with(TELL_SHOP, Commerce::update_order, ended, policy::tell_shop());
        loop {
            let heard = back.ctx().state(|w| w.settlements.len());
            // Money that arrives does not wait for an answer about something else.
            back.undo_until(|w| w.settlements.len() > heard && !w.saga.is_asked_about(PAY)).await;
            if back.ctx().state(|w| w.settlements.len()) == heard {
                return;
            }
            let reversal = self.requests.reversal(back.ctx().state(|w| w.payment_id.clone()));
            if back.was_decided(PAY) {
                let news = "the provider sent news of the payment while somebody decided about it; not touched again";
                back.ask_last(PAY, Payments::reverse, reversal, DECIDED_BEFORE, news);
            } else {
                back.undo_last(PAY, Payments::reverse, reversal);
            }
        }
    }
}

/// The lines that are short, with their pieces where they are known.
fn in_words(short: &[Shortage]) -> String {
    let line = |line: &Shortage| match (line.requested, line.available) {
        (Some(requested), Some(available)) => {
            format!("{} ({requested} wanted, {available} there)", line.variant_id)
        }
        _ => line.variant_id.clone(),
    };
    match short {
        [] => "the stock system does not say which line".to_owned(),
        short => short.iter().map(line).collect::<Vec<_>>().join(", "),
    }
}

/// A message that the sender refuses for good is a failed part of the step, not an outage.
fn note_delivery(saga: &OrderSaga, channel: &'static str, delivery: Option<&Delivery>) {
    if let Some(Delivery::Refused { code } | Delivery::Bounced { code }) = delivery {
        saga.part(NOTIFY, channel).failed(&format!("refused: {code}"));
    }
}

/// The failure that a refusal by the shop means: a shortage is a shortage wherever it is noticed.
fn refused_by_shop(saga: &OrderSaga, problems: &[OrderProblem]) -> Halt {
    let is_shortage = |problem: &OrderProblem| problem.check == "inventory_availability";
    if !problems.is_empty() && problems.iter().all(is_shortage) {
        let short: Vec<_> =
            problems.iter().map(|p| p.variant_id.as_deref().unwrap_or(p.field.as_str())).collect();
        return saga.refused(VALIDATE, "OutOfStock", format!("out of stock: {}", short.join(", ")));
    }
    // The shop's own words may hold personal data: the failure names fields and checks.
    let named: Vec<_> = problems.iter().map(|p| format!("{} ({})", p.field, p.check)).collect();
    saga.refused(VALIDATE, "OrderInvalid", format!("the shop refuses the order: {}", named.join(", ")))
}
