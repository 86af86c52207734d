//! The customer hears of late money that went back, in the words and under the key of the order's own mail: one per
//! order. Best effort, when there is no more news.

use contracts::notification::{Delivery, Notifications};
use contracts::payment::{FindPayment, Payments};

use super::{GivenBack, LatePayment, LatePaymentData, NOTIFY};
use crate::order_processing::charge_key;
use crate::order_processing::telling::BY_THE_SHOP;
use crate::policy;
use crate::saga::Saga;

/// The words for a refund of nothing.
pub(super) const NO_MONEY: &str = "there was no money to give back";

/// The customer hears what went back, if the provider shows it.
pub(super) async fn tell(saga: &Saga<LatePayment>, late: &LatePaymentData, given: &mut GivenBack) {
    if given.is_told {
        return;
    }
    let Some(reader) = late.reader() else {
        return saga.skip(NOTIFY, "the start of this run does not say whom to tell");
    };
    // The customer was told then of money that had gone back before.
    if !given.may_have_gone_back {
        return saga.skip(NOTIFY, "nothing went back here");
    }
    let order_id = late.order_id.clone();
    let payment_id = given.payment_id.clone();
    let other_ids = saga.ctx().state(|w| w.named_beside(payment_id.as_ref()));
    let refund = FindPayment { key: charge_key(&order_id), order_id, payment_id, other_ids };
    let read = saga.step(NOTIFY, Payments::refunded, refund, policy::bookkeeping()).or_report().await;
    let amount = match read {
        Some(Some(amount)) => amount,
        Some(None) => return saga.skip(NOTIFY, NO_MONEY),
        None => return,
    };
    given.is_told = true;
    let mail = reader.refunded(amount);
    match saga.step(NOTIFY, Notifications::send_email, mail, policy::notice()).or_report().await {
        Some(Delivery::SwitchedOff) => saga.skip(NOTIFY, BY_THE_SHOP),
        Some(Delivery::Refused { code } | Delivery::Bounced { code }) => {
            saga.failed(NOTIFY, &format!("refused: {code}"));
        }
        Some(Delivery::Accepted { .. }) | None => {}
    }
}
