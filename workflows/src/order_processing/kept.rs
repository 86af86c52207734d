//! A parcel that cannot be called back any more, and that a person keeps: it goes, the money stays, and the order is
//! fulfilled after all.
//!
//! 1. The label is read at the carrier, where its answer never came.
//! 2. `sell-kept-goods`: the hold becomes a sale, unless it has become one; a person is asked if it does not. Its keys
//!    are its own: what was answered under the keys of the story is behind it.
//! 3. The shop, the customer and the figures are told, as of every order that is fulfilled.
//! 4. The payment is read, with news or without: somebody may have given the money back while the question was open,
//!    and nobody sends news of that. A second payment is asked about, too.

use contracts::inventory::{Confirmation, Hold, Inventory, Reservation};
use contracts::payment::Balance;
use contracts::shipping::{Label, Shipment, Shipping};
use temporalio_workflow::join;

use super::paying::Paid;
use super::result::Fulfilled;
use super::steps::{OrderRun, OrderSaga, SELL_KEPT};
use super::{NOTIFY, OrderData, SHIP};
use crate::policy;
use crate::saga::Settled;

/// The findings of an order so far, for whoever has to go on from them.
#[derive(Debug, Default)]
pub(super) struct SoFar {
    /// Whether the shop has answered the question about the order. Before that it may come to know the order yet.
    pub(super) is_checked: bool,
    pub(super) holds: Vec<Hold>,
    pub(super) paid: Option<Paid>,
    /// The provider's id of a payment that may hold money.
    pub(super) payment_id: Option<String>,
    pub(super) label: Option<Label>,
    /// The sale of the goods: another one would take them twice.
    pub(super) sale: Sale,
    /// The order's number, as the shop knew it before this run.
    pub(super) number: Number,
    /// Whether the provider declined the charge.
    pub(super) is_declined: bool,
    /// How the money of an order that ended early ended.
    pub(super) balance: Option<Balance>,
}

/// An order's number, as the shop knew it before this run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Number {
    /// The shop has not said: an earlier run may have charged it.
    #[default]
    Unsaid,
    /// It knew none: nobody has charged it.
    New,
    /// It held it as an open order of this customer: an earlier run may have charged it.
    Open,
    /// It refused the number: another customer's, or one that has had its process. Its money is not this run's.
    Refused,
}

impl Number {
    pub(super) fn of(was_known: bool) -> Self {
        if was_known { Self::Open } else { Self::New }
    }
}

/// The sale of an order's goods so far.
#[derive(Debug, Default)]
pub(super) struct Sale {
    /// The variants that are sold.
    pub(super) sold: Vec<String>,
    /// Whether all of them are.
    pub(super) is_done: bool,
    /// Whether a sale was asked for and not answered yet.
    pub(super) is_unclear: bool,
}

impl Sale {
    pub(super) fn is_said(&mut self, order: &OrderData, said: &Confirmation) {
        self.is_unclear = false;
        match said {
            Confirmation::HoldLost { sold, .. } => self.sold.extend_from_slice(sold),
            Confirmation::Confirmed => {
                self.is_done = true;
                self.sold = order.stock_lines().iter().map(|line| line.variant_id.to_string()).collect();
            }
        }
    }
}

impl OrderRun<'_> {
    /// Goes on to the goal of an order whose parcel is kept. `None`: it was never paid, so there is no parcel.
    pub(super) async fn keep_parcel(&self, saga: &OrderSaga) -> Option<Fulfilled> {
        let SoFar { holds, paid, label, sale, .. } = self.so_far.take();
        let paid = paid?;
        let label = match label {
            None => self.read_label(saga).await,
            known => known,
        };
        if !sale.is_done {
            self.sell_kept(saga, holds, sale).await;
        }
        let told = async {
            match &label {
                Some(label) => self.notify(saga, label).await,
                None => saga.skip(NOTIFY, "the parcel's tracking number is not known"),
            }
        };
        let looked = self.look_whether_paid(saga, &paid);
        join!(self.tell_shop(saga, &paid, label.as_ref()), told, self.count_sale(saga), looked);
        Some(Fulfilled { paid, label })
    }

    async fn read_label(&self, saga: &OrderSaga) -> Option<Label> {
        let read = saga.step(SHIP, Shipping::find_shipment, self.requests.label(), policy::carrier());
        match read.or_report().await.flatten() {
            Some(Shipment::Labelled(label)) => Some(label),
            Some(Shipment::Refused { .. }) | None => None,
        }
    }

    async fn sell_kept(&self, saga: &OrderSaga, mut holds: Vec<Hold>, mut sale: Sale) {
        let first = self.requests.sale_of_kept(holds.clone(), &sale);
        let said = saga.step(SELL_KEPT, Inventory::confirm, first, policy::undo()).or_ask().await;
        let Settled::Done(Confirmation::HoldLost { variants, sold }) = said else { return };
        sale.sold.extend(sold);
        let again = self.requests.hold_kept(&variants, self.hold_until(saga));
        let held = saga.step(SELL_KEPT, Inventory::reserve, again, policy::stock()).or_report().await;
        if let Some(Reservation::Held { holds: again }) = held {
            holds.retain(|hold| !again.iter().any(|new| new.variant_id == hold.variant_id));
            holds.extend(again);
            let again = self.requests.sale_of_kept_again(holds, &sale);
            let said = saga.step(SELL_KEPT, Inventory::confirm, again, policy::undo()).or_ask().await;
            if !matches!(said, Settled::Done(Confirmation::HoldLost { .. })) {
                return;
            }
        }
        let which = variants.join(", ");
        let why = format!(
            "the parcel is under way, and its stock was not held any more: correct the stock of {which}"
        );
        saga.failed(SELL_KEPT, &why);
    }
}
