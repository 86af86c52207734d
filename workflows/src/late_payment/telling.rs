//! The shop hears how late money ended, and the customer what went back of it, in the words and under the key of the
//! order's own mail: one per order.
//!
//! A person is asked where the shop cannot be told, as of the order's own word. More news of the money ends the
//! question: the shop is told anew then. The mail is best effort.

use contracts::commerce::{Commerce, UpdatePayment};
use contracts::money::Money;
use contracts::notification::{Delivery, Notifications};
use contracts::payment::{Balance, FindPayment, Payments};
use contracts::values::IdempotencyKey;
use temporalio_workflow::join;

use super::{GivenBack, LatePayment, LatePaymentData, NOTIFY, TELL, workflow_id};
use crate::order_processing::charge_key;
use crate::order_processing::going_back::said_by_hand;
use crate::order_processing::telling::{BY_THE_SHOP, Decided};
use crate::policy;
use crate::saga::{Heed, Saga, Settled};

/// Why a question is over that keeps the shop's word back.
const MORE_NEWS: &str = "more news came: the shop is told again";

/// Tells how the money ended, as far as the provider shows it.
pub(super) async fn tell(saga: &Saga<LatePayment>, late: &LatePaymentData, given: &mut GivenBack) {
    let heard = saga.ctx().state(|w| w.news);
    let mut word = None;
    if std::mem::take(&mut given.is_news) {
        given.balance = match read(saga, late, given, heard).await {
            Settled::Done(balance) => Some(balance),
            Settled::ByHand(_) | Settled::Left(_) | Settled::Kept(_) => None,
            Settled::Overtaken { .. } => {
                given.is_news = true;
                return;
            }
        };
        word = given.balance.as_ref().and_then(|balance| word_of(late, balance));
        if given.balance.is_some() && word.is_none() {
            saga.skip(TELL, "the provider shows no payment of this order");
        }
    } else if given.balance.is_none() {
        saga.skip(TELL, "no money moved here");
    }
    // The customer does not wait for the shop.
    let (is_overtaken, is_told) = join!(tell_shop(saga, word, heard), tell_customer(saga, late, given));
    given.is_news |= is_overtaken;
    given.is_told |= is_told;
}

/// Ends a question when there is more news than that.
fn more_than(heard: u32) -> impl Fn(&LatePayment) -> Heed + 'static {
    move |w| if w.news == heard { Heed::Nothing } else { Heed::Over(MORE_NEWS) }
}

/// Reads how the money ended.
async fn read(
    saga: &Saga<LatePayment>,
    late: &LatePaymentData,
    given: &GivenBack,
    heard: u32,
) -> Settled<Balance> {
    let order_id = late.order_id.clone();
    let payment_id = given.payment_id.clone();
    let other_ids = saga.ctx().state(|w| w.named_beside(payment_id.as_ref()));
    let question =
        FindPayment { key: charge_key(&order_id), order_id, payment_id, other_ids, until_one: false };
    let read = saga.step(TELL, Payments::refunded, question, policy::bookkeeping());
    match Box::pin(read.heeding(more_than(heard)).or_ask()).await {
        Settled::Done(balance) if given.last_word == Decided::ByHand => Settled::Done(said_by_hand(balance)),
        settled => settled,
    }
}

/// `None`: there is no payment, and the number may be that of another customer's order in the shop, as it is where this
/// order was refused. Its money must not be overwritten.
fn word_of(late: &LatePaymentData, balance: &Balance) -> Option<UpdatePayment> {
    let payment_id = Some(balance.payment_id.clone()?);
    Some(UpdatePayment {
        key: IdempotencyKey::new(&workflow_id(&late.order_id), TELL),
        order_id: late.order_id.clone(),
        payment_status: balance.status,
        payment_id,
        refund_ids: balance.refund_ids.clone(),
    })
}

/// The shop hears how the money ended. Whether more news came before it has.
async fn tell_shop(saga: &Saga<LatePayment>, word: Option<UpdatePayment>, heard: u32) -> bool {
    let Some(word) = word else { return false };
    let step = saga.step(TELL, Commerce::update_payment, word, policy::tell_shop());
    let settled = Box::pin(step.heeding(more_than(heard)).or_ask()).await;
    matches!(settled, Settled::Overtaken { .. })
}

/// The customer hears what went back. Whether there was something to tell.
async fn tell_customer(saga: &Saga<LatePayment>, late: &LatePaymentData, given: &GivenBack) -> bool {
    if given.is_told {
        return false;
    }
    let skip = |why: &str| {
        saga.skip(NOTIFY, why);
        false
    };
    if late.reader().is_none() {
        return skip("the start of this run does not say whom to tell");
    }
    // The customer was told then of money that had gone back before.
    if !given.may_have_gone_back {
        return skip("nothing went back here");
    }
    let Some(balance) = &given.balance else { return skip("how much went back could not be read") };
    let Some(amount) = balance.refunded else { return skip(given.last_word.why_none(balance.status)) };
    mail(saga, late, amount).await;
    true
}

async fn mail(saga: &Saga<LatePayment>, late: &LatePaymentData, amount: Money) {
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
