//! The steps of order processing, each with its undo.

use std::cell::RefCell;
use std::time::Duration;

use contracts::commerce::{Commerce, OrderProblem, OrderValidation};
use contracts::customers::{Customers, Suppress};
use contracts::inventory::{Confirmation, Hold, Inventory, Reservation, Shortage};
use contracts::notification::{Delivery, Notifications};
use contracts::shipping::{Label, Shipment, Shipping};
use jiff::Timestamp;
use temporalio_workflow::join;

use super::kept::{Number, SoFar};
use super::paying::Paid;
use super::requests::Requests;
use super::telling::BY_THE_SHOP;
use super::{ANALYTICS, CONFIRM, NOTIFY, OrderData, OrderProcessing, RESERVE, SHIP, UPDATE, VALIDATE};
use crate::clock::{later, now};
use crate::policy::{self, Policy};
use crate::report::StepSpec;
use crate::saga::{Halt, Process, Saga};

pub(super) const TELL_SHOP: &str = "update-order";
pub(super) const TELL_MONEY: &str = "update-payment";
pub(super) const SELL_KEPT: &str = "sell-kept-goods";
pub(super) const READ: &str = "read-payment";
pub(super) const CHECK: &str = "check-payment";

/// The steps of the way back, of an order whose parcel is kept, and of one that hears of its payment once more: of a
/// second one, or that its own is gone.
pub(super) const UNDO_STEPS: &[StepSpec] = &[
    StepSpec::compensable(TELL_SHOP, "tell the shop how it ended")
        .undo("tell the shop how it ended", "the shop holds the order open"),
    StepSpec::compensable(TELL_MONEY, "tell the shop how the money ended")
        .undo("tell the shop how the money ended", "the shop does not know what became of the money"),
    StepSpec::retriable(SELL_KEPT, "turn the hold of a kept parcel into a sale")
        .if_left("goods that are under way stay for sale"),
    StepSpec::retriable(READ, "ask the provider what is there")
        .if_left("if the customer paid twice, the shop keeps both"),
    StepSpec::retriable(CHECK, "read the payment again")
        .if_left("the parcel goes although its money is gone"),
];

/// The part of the notifications that tells the platform of a bounce.
pub(super) const SUPPRESS: &str = "suppress";

/// Holds outlive the deadline by this much, so that a payment that is found settled at the last look still finds them.
const HOLD_MARGIN: Duration = Duration::from_secs(5 * 60);

/// One order on its way through the steps. They know nothing of the process that takes them, so that another order of
/// them can be measured beside this one.
#[derive(Debug)]
pub struct OrderRun<'o> {
    pub(super) order: &'o OrderData,
    /// The requests that the order makes.
    pub requests: Requests<'o>,
    plan: fn(Policy) -> Policy,
    pub(super) so_far: RefCell<SoFar>,
}

pub(super) type OrderSaga = Saga<OrderProcessing>;

impl<'o> OrderRun<'o> {
    /// An order that runs under this workflow id.
    #[must_use]
    pub fn new(order: &'o OrderData, workflow_id: &str) -> Self {
        Self {
            order,
            requests: Requests::new(order, workflow_id),
            plan: |policy| policy,
            so_far: RefCell::default(),
        }
    }

    /// The same, each step being an activity of its own: none runs inside a workflow task.
    #[must_use]
    pub fn all_activities(self) -> Self {
        Self { plan: Policy::as_activity, ..self }
    }

    fn plan(&self, policy: Policy) -> Policy {
        (self.plan)(policy)
    }

    /// The shop agrees to the order. Whether it knew it before.
    ///
    /// # Errors
    /// When it refuses, or is away for longer than the step's patience; so it is with each step before the label.
    pub async fn validate<P: Process>(&self, saga: &Saga<P>) -> Result<bool, Halt> {
        let verdict = saga
            .step(
                VALIDATE,
                Commerce::validate_order,
                self.requests.validation(),
                // The question makes an order known: whether it came through is known before the run ends.
                self.plan(policy::bookkeeping().awaited()),
            )
            .nothing_to_undo("the shop only answers a question")
            .await?;
        self.so_far.borrow_mut().is_checked = true;
        let set = |number| self.so_far.borrow_mut().number = number;
        match verdict {
            OrderValidation::Valid { was_known } => {
                set(Number::of(was_known));
                Ok(was_known)
            }
            OrderValidation::Invalid { problems, was_known } => {
                let is_refused = problems.iter().any(OrderProblem::is_of_the_number);
                set(if is_refused { Number::Refused } else { Number::of(was_known) });
                Err(refused_by_shop(saga, &problems))
            }
        }
    }

    /// Every line is held, or none.
    ///
    /// # Errors
    /// When a line is short.
    pub async fn reserve<P: Process>(&self, saga: &Saga<P>) -> Result<Vec<Hold>, Halt> {
        let hold = self.requests.hold(self.hold_until(saga));
        let held = saga
            .step(RESERVE, Inventory::reserve, hold, self.plan(policy::stock()))
            .undo_by(Inventory::release, self.requests.release());
        let reservation = Box::pin(held).await?;
        match reservation {
            Reservation::Held { holds } => {
                self.so_far.borrow_mut().holds.clone_from(&holds);
                Ok(holds)
            }
            Reservation::Short { lines } => {
                saga.amend_undo(RESERVE, Inventory::release, self.requests.release_of_short());
                Err(saga.refused(RESERVE, "OutOfStock", format!("out of stock: {}", in_words(&lines))))
            }
        }
    }

    /// The held stock becomes sold stock.
    ///
    /// # Errors
    /// When a hold is gone.
    pub async fn confirm<P: Process>(&self, saga: &Saga<P>, holds: Vec<Hold>) -> Result<(), Halt> {
        let sale = saga
            .step(CONFIRM, Inventory::confirm, self.requests.sale(holds.clone()), self.plan(policy::stock()))
            .undo_by(Inventory::restock, self.requests.restock());
        self.so_far.borrow_mut().sale.is_unclear = true;
        let confirmation = Box::pin(sale).await?;
        self.note_sale(saga, &confirmation);
        match confirmation {
            Confirmation::Confirmed => Ok(()),
            Confirmation::HoldLost { variants, .. } => {
                Box::pin(self.confirm_again(saga, holds, &variants)).await
            }
        }
    }

    /// An undo that knows what was sold believes no list that does not show it.
    fn note_sale<P: Process>(&self, saga: &Saga<P>, said: &Confirmation) {
        let sale = &mut self.so_far.borrow_mut().sale;
        sale.is_said(self.order, said);
        saga.amend_undo(CONFIRM, Inventory::restock, self.requests.restock_of(&sale.sold));
    }

    /// A paid order is not given up for a hold that can be had again: what was lost is held once more, and sold.
    async fn confirm_again<P: Process>(
        &self,
        saga: &Saga<P>,
        mut holds: Vec<Hold>,
        lost: &[String],
    ) -> Result<(), Halt> {
        let gone = format!("the hold was gone before it was confirmed: {}", lost.join(", "));
        let hold = self.requests.hold_again(lost, self.hold_until(saga));
        let reservation = saga
            .step(RESERVE, Inventory::reserve, hold, self.plan(policy::stock()))
            .nothing_to_undo("the release of the first holds frees these, too")
            .await;
        let why = match reservation {
            Ok(Reservation::Held { holds: again }) => {
                holds.retain(|hold| !again.iter().any(|new| new.variant_id == hold.variant_id));
                holds.extend(again);
                self.so_far.borrow_mut().holds.clone_from(&holds);
                return self.sell_again(saga, holds, &gone).await;
            }
            Ok(Reservation::Short { lines }) => format!("out of stock meanwhile: {}", in_words(&lines)),
            // A hold that was released by hand may be barred.
            Err(Halt::Outage { reason, is_final: true, .. }) => format!("not held again: {reason}"),
            Err(halt) => return Err(halt),
        };
        Err(saga.refused(CONFIRM, "OutOfStock", format!("{gone}; {why}")))
    }

    async fn sell_again<P: Process>(&self, saga: &Saga<P>, holds: Vec<Hold>, gone: &str) -> Result<(), Halt> {
        let sale = {
            let known = &mut self.so_far.borrow_mut().sale;
            known.is_unclear = true;
            self.requests.sale_again(holds, &known.sold)
        };
        let confirmation = saga
            .step(CONFIRM, Inventory::confirm, sale, self.plan(policy::stock()))
            .nothing_to_undo("the restock of the first sale takes this one back, too")
            .await?;
        self.note_sale(saga, &confirmation);
        match confirmation {
            Confirmation::Confirmed => Ok(()),
            Confirmation::HoldLost { .. } => {
                Err(saga.refused(CONFIRM, "OutOfStock", format!("{gone}, twice")))
            }
        }
    }

    /// The label is bought.
    ///
    /// # Errors
    /// When the carrier refuses the parcel.
    pub async fn ship<P: Process>(&self, saga: &Saga<P>) -> Result<Label, Halt> {
        let parcel = saga
            .step(SHIP, Shipping::create_shipment, self.requests.parcel(), self.plan(policy::carrier()))
            .or_look_up(Shipping::find_shipment, self.requests.label())
            .undo_by(Shipping::void_shipment, self.requests.label());
        let shipment = Box::pin(parcel).await?;
        match shipment {
            Shipment::Labelled(label) => {
                saga.fact(SHIP, "tracking_number", &label.tracking_number);
                // A void that knows the label believes no search that does not find it.
                saga.amend_undo(SHIP, Shipping::void_shipment, self.requests.bought(&label));
                self.so_far.borrow_mut().label = Some(label.clone());
                Ok(label)
            }
            Shipment::Refused { code } => {
                Err(saga.refused(SHIP, "ShippingFailed", format!("the carrier refused: {code}")))
            }
        }
    }

    /// The shop hears that the order is confirmed; a person is asked if it cannot be told.
    pub async fn tell_shop<P: Process>(&self, saga: &Saga<P>, paid: &Paid, label: Option<&Label>) {
        let confirmed = self.requests.confirmed(paid, label);
        // A shop that never hears of a paid order with a label would sell its goods, or charge, again: a person is
        // asked.
        let step = saga.step(UPDATE, Commerce::update_order, confirmed, self.plan(policy::tell_shop()));
        let _noted_by_the_saga = Box::pin(step.or_ask()).await;
    }

    /// The customer is told, on each way at once.
    pub(super) async fn notify(&self, saga: &OrderSaga, label: &Label) {
        join!(self.send_mail(saga, label), self.send_sms(saga, label), self.push(saga, label));
    }

    /// The customer gets a mail. One that bounces is told to the platform.
    pub async fn send_mail<P: Process>(&self, saga: &Saga<P>, label: &Label) {
        let mail = self.requests.email(label);
        let step = saga.step(NOTIFY, Notifications::send_email, mail, self.plan(policy::notice()));
        let delivery = step.part("email").or_report().await;
        note_delivery(saga, "email", delivery.as_ref());
        if let Some(Delivery::Bounced { .. }) = delivery {
            Box::pin(self.suppress(saga)).await;
        }
    }

    /// The customer gets an SMS, if there is a phone.
    pub async fn send_sms<P: Process>(&self, saga: &Saga<P>, label: &Label) {
        let Some(message) = self.requests.sms(label) else { return };
        let step = saga.step(NOTIFY, Notifications::send_sms, message, self.plan(policy::notice()));
        note_delivery(saga, "sms", step.part("sms").or_report().await.as_ref());
    }

    /// The customer's app gets a message.
    pub async fn push<P: Process>(&self, saga: &Saga<P>, label: &Label) {
        let message = self.requests.push(label);
        let step = saga.step(NOTIFY, Notifications::send_push, message, self.plan(policy::notice()));
        note_delivery(saga, "push", step.part("push").or_report().await.as_ref());
    }

    /// The mail bounced: the platform has to know it, or marketing mails would go on bouncing.
    async fn suppress<P: Process>(&self, saga: &Saga<P>) {
        let key = self.requests.key(NOTIFY).part(SUPPRESS);
        let news = Suppress { key, customer_id: self.order.customer_id.clone() };
        let step =
            saga.step(NOTIFY, Customers::suppress, news, self.plan(policy::aftermath())).part(SUPPRESS);
        let _reported = step.or_report().await;
    }

    /// The sale is counted.
    pub async fn count_sale<P: Process>(&self, saga: &Saga<P>) {
        let event = self.requests.completed();
        let step =
            saga.step(ANALYTICS, Commerce::track_order_completed, event, self.plan(policy::aftermath()));
        let _reported = step.or_report().await;
    }

    /// Until when the payment may settle, for a reservation that begins now.
    pub(super) fn deadline<P: Process>(&self, saga: &Saga<P>) -> Timestamp {
        later(now(saga.ctx()), self.order.reservation)
    }

    /// Until when stock is held, from now on.
    pub(super) fn hold_until<P: Process>(&self, saga: &Saga<P>) -> Timestamp {
        later(self.deadline(saga), HOLD_MARGIN)
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
fn note_delivery<P: Process>(saga: &Saga<P>, channel: &'static str, delivery: Option<&Delivery>) {
    match delivery {
        Some(Delivery::Refused { code } | Delivery::Bounced { code }) => {
            saga.part(NOTIFY, channel).failed(&format!("refused: {code}"));
        }
        Some(Delivery::SwitchedOff) => saga.part(NOTIFY, channel).skip(BY_THE_SHOP),
        Some(Delivery::Accepted { .. }) | None => {}
    }
}

/// The failure that a refusal by the shop means: a shortage is a shortage wherever it is noticed.
fn refused_by_shop<P: Process>(saga: &Saga<P>, problems: &[OrderProblem]) -> Halt {
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
