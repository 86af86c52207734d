//! The shop hears how late money ended, and the customer what went back of it, in the words and under the key of the
//! order's own mail: one per order. Best effort, when there is no more news.

use contracts::commerce::{Commerce, UpdatePayment};
use contracts::money::Money;
use contracts::notification::{Delivery, Notifications};
use contracts::payment::{Balance, FindPayment, Payments};
use contracts::values::IdempotencyKey;

use super::{GivenBack, LatePayment, LatePaymentData, NOTIFY, TELL, workflow_id};
use crate::order_processing::charge_key;
use crate::order_processing::going_back::said_by_hand;
use crate::order_processing::telling::BY_THE_SHOP;
use crate::policy;
use crate::saga::Saga;

/// The words for a refund of nothing.
pub(super) const NO_MONEY: &str = "there was no money to give back";

/// Tells how the money ended, as far as the provider shows it.
pub(super) async fn tell(saga: &Saga<LatePayment>, late: &LatePaymentData, given: &mut GivenBack) {
    if std::mem::take(&mut given.is_news) {
        given.balance = tell_shop(saga, late, given).await;
    } else if given.balance.is_none() {
        saga.skip(TELL, "no money moved here");
    }
    if given.is_told {
        return;
    }
    if late.reader().is_none() {
        return saga.skip(NOTIFY, "the start of this run does not say whom to tell");
    }
    // The customer was told then of money that had gone back before.
    if !given.may_have_gone_back {
        return saga.skip(NOTIFY, "nothing went back here");
    }
    match given.balance.as_ref().map(|balance| balance.refunded) {
        Some(Some(amount)) => {
            given.is_told = true;
            tell_customer(saga, late, amount).await;
        }
        Some(None) => saga.skip(NOTIFY, NO_MONEY),
        None => saga.skip(NOTIFY, "how much went back could not be read"),
    }
}

/// The shop hears how the money ended. `None`: nobody could read it.
async fn tell_shop(saga: &Saga<LatePayment>, late: &LatePaymentData, given: &GivenBack) -> Option<Balance> {
    let order_id = late.order_id.clone();
    let payment_id = given.payment_id.clone();
    let other_ids = saga.ctx().state(|w| w.named_beside(payment_id.as_ref()));
    let question = FindPayment { key: charge_key(&order_id), order_id, payment_id, other_ids };
    let read = saga.step(TELL, Payments::refunded, question, policy::bookkeeping()).or_report().await?;
    let balance = if given.is_by_hand { said_by_hand(read) } else { read };
    let word = UpdatePayment {
        key: IdempotencyKey::new(&workflow_id(&late.order_id), TELL),
        order_id: late.order_id.clone(),
        payment_status: balance.status,
        payment_id: balance.payment_id.clone(),
        refund_ids: balance.refund_ids.clone(),
    };
    let policy = policy::aftermath().refusal_is_final();
    let _reported = saga.step(TELL, Commerce::update_payment, word, policy).or_report().await;
    Some(balance)
}

async fn tell_customer(saga: &Saga<LatePayment>, late: &LatePaymentData, amount: Money) {
    let Some(reader) = late.reader() else { return };
    let mail = reader.refunded(amount);
    match saga.step(NOTIFY, Notifications::send_email, mail, policy::notice()).or_report().await {
        Some(Delivery::SwitchedOff) => saga.skip(NOTIFY, BY_THE_SHOP),
        Some(Delivery::Refused { code } | Delivery::Bounced { code }) => {
            saga.failed(NOTIFY, &format!("refused: {code}"));
        }
        Some(Delivery::Accepted { .. }) | None => {}
    }
}
