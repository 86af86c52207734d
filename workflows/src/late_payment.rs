//! Late payment: a payment that settles after its order has ended without it.
//!
//! An order failed, expired or was cancelled, and then the bank transfer arrives. The order's stock may be sold to
//! somebody else by then, so the order is never revived: the money goes back. The webhook door, or `starter order
//! settle-payment`, starts this run when an order is closed; an open one does the same on its own way back.
//!
//! All late money of an order goes through one run, so that two pieces of news cannot refund beside each other, each
//! with a count of its own: news that comes while it is open is signalled to it (`payment_settled`).
//!
//! 1. `read-payment`: the payment is read at the provider; the event was only a sign to look.
//! 2. `refund-payment`: an open payment is voided, a captured one refunded, under the charge's own key: this run and
//!    the order's own undo together refund once. A person is asked about a refund that is refused, or gets no answer
//!    for its patience; the latter is tried on meanwhile. Where somebody has decided about this payment before,
//!    or the order's last run never asked for one (`decided`), a person is asked before anything is sent: the money may
//!    have gone back by hand, or be that of a run before, whose goods have left. If the read shows
//!    that there is no money, and none to come, nobody needs to be asked.
//! 3. `update-payment`: the shop is told how the money ended, as the provider shows it then. A person is asked where it
//!    cannot be told; more news closes that question, and the shop is told anew.
//! 4. `send-notifications`: the customer gets the mail `refunded`, once the provider shows what went back.
//!
//! News that has come meanwhile begins with 1 again.
//!
//! News of an order that has its money (`is_paid`) moves nothing: the payment is read, and where two hold money a
//! person is asked. `retry` reads once more, and it is read on by itself: the question closes when one payment at most
//! holds money. Somebody who has decided about two is asked again only about one that was not named before.
//!
//! A cancel changes nothing of that: the money is owed. Deliberately absent: reviving the order. A customer who still
//! wants the goods places a new one.

mod face;
mod input;
mod telling;

use std::collections::BTreeSet;

use contracts::payment::{Balance, FindPayment, Payment, PaymentState, Payments, ReversePayment};
use contracts::values::OrderId;

pub use face::{LatePayment, LatePaymentResult, search_attributes};
pub(crate) use input::PAYMENT_ID_MAX;
pub use input::{LateNews, LatePaymentData};

use crate::input::Problem;
use crate::order_processing;
use crate::order_processing::going_back::DECIDED_BEFORE;
use crate::order_processing::telling::{Decided, NO_MONEY};
use crate::policy;
use crate::report::StepSpec;
use crate::saga::{About, Halt, Heed, Process, Saga, Settled, named_exactly};
use crate::search_attributes::ORDER_ID;

/// The workflow id: one run at a time per order, whatever is heard of.
#[must_use]
pub fn workflow_id(order_id: &OrderId) -> String {
    format!("{}/late", order_processing::workflow_id(order_id))
}

/// The step that looks whether an order was paid twice; of the order itself, too.
pub const READ: &str = "read-payment";
/// The step that gives the money back.
pub const REFUND: &str = "refund-payment";
const TELL: &str = "update-payment";
const NOTIFY: &str = "send-notifications";

impl Process for LatePayment {
    const NAME: &'static str = "LatePayment";
    const INVALID: &'static str = "LatePaymentInvalid";
    const STEPS: &'static [StepSpec] = &[
        StepSpec::retriable(READ, "ask the provider what is there")
            .if_left("if the customer paid twice, the shop keeps both"),
        StepSpec::retriable(REFUND, "give the money back")
            .if_left("the shop keeps money that bought nothing"),
        StepSpec::retriable(TELL, "tell the shop how the money ended")
            .if_left("the shop does not know what became of the money"),
        StepSpec::retriable(NOTIFY, "tell the customer"),
    ];
    type Input = LatePaymentData;

    fn named(workflow_id: &str, late: &LatePaymentData) -> Result<About, Problem> {
        named_exactly(workflow_id, &self::workflow_id(&late.order_id))?;
        Ok(Some((ORDER_ID, late.order_id.to_string())))
    }
}

/// Gives late money back, for as long as there is news of it; only a person can leave it.
async fn forward(saga: &mut Saga<LatePayment>, late: &LatePaymentData) -> Result<GivenBack, Halt> {
    // From here on no cancel reaches a step.
    saga.pivot();
    let mut given = GivenBack { was_paid: Some(false), is_decided: late.decided, ..GivenBack::default() };
    loop {
        let (heard, is_owed, is_decided) = saga.ctx().state(|w| (w.news, w.is_owed, w.is_decided));
        given.is_decided |= is_decided;
        match is_owed {
            true => give_back(saga, &late.order_id, &mut given).await,
            false => look_for_a_second(saga, &late.order_id, &mut given).await,
        }
        let has_news = || saga.ctx().state(|w| w.news) != heard;
        if has_news() {
            continue;
        }
        telling::tell(saga, late, &mut given).await;
        if !has_news() {
            return Ok(given);
        }
    }
}

/// The findings of the story, of which the result is made.
#[derive(Default)]
struct GivenBack {
    payment_id: Option<String>,
    /// Whether money was captured; `None`: the read got no answer, or the payment was open.
    was_paid: Option<bool>,
    /// Whether somebody has decided about this money.
    is_decided: bool,
    /// Whether money may have gone back here.
    may_have_gone_back: bool,
    /// Whether the customer was told so.
    is_told: bool,
    /// Whether the money may have ended anew since the shop was told.
    is_news: bool,
    /// The last word about the refund.
    last_word: Decided,
    /// How it ended, where that was read.
    balance: Option<Balance>,
    /// The payments that were named when somebody decided about two that hold money.
    decided_about: Option<BTreeSet<String>>,
}

/// The words about an order whose payments have all gone back: nobody has anything to decide.
const NOTHING_LEFT: &str = "the order's payment holds no money any more: nothing is left to decide";

/// Why the question is over whether an order was paid twice.
const ORDER_HAS_ENDED: &str = "the order has ended since without its money: whatever came goes back";

/// Where two payments hold money, the read refuses to choose, and a person is asked. Money that is owed by then does
/// not wait for the answer.
async fn look_for_a_second(saga: &Saga<LatePayment>, order_id: &OrderId, given: &mut GivenBack) {
    saga.skip(REFUND, "the order has its money");
    let since = saga.ctx().state(|w| w.news);
    let find = look(saga, order_id);
    if given.decided_about.as_ref() == Some(&find.other_ids) {
        return;
    }
    let named = find.other_ids.clone();
    let read = saga.step(READ, Payments::find, find, policy::money()).reading_on();
    let read =
        read.heeding(move |w| if w.is_owed { Heed::Over(ORDER_HAS_ENDED) } else { w.heard_since(since) });
    match read.or_ask().await {
        Settled::Done(found) => {
            if found.is_some() && was_captured(&found) == Some(false) {
                saga.done(READ, NOTHING_LEFT);
            }
            given.payment_id = found.and_then(|payment| payment.payment_id);
        }
        Settled::ByHand(_) | Settled::Left(_) | Settled::Kept(_) => {
            given.is_decided = true;
            saga.ctx().state_mut(|w| w.saga.note_decided_about(READ, &named));
            given.decided_about = Some(named);
        }
        Settled::Overtaken { by_hand } => given.is_decided |= by_hand,
    }
}

/// The question for the payment; those that the news names are read by their ids.
fn look(saga: &Saga<LatePayment>, order_id: &OrderId) -> FindPayment {
    FindPayment {
        key: order_processing::charge_key(order_id),
        order_id: order_id.clone(),
        payment_id: None,
        other_ids: saga.ctx().state(|w| w.named_beside(None)),
        until_one: false,
    }
}

/// Reads the payment and gives back what is there.
async fn give_back(saga: &Saga<LatePayment>, order_id: &OrderId, given: &mut GivenBack) {
    let since = saga.ctx().state(|w| w.news);
    let find = look(saga, order_id);
    let FindPayment { key, order_id, .. } = find.clone();
    let read = saga.step(READ, Payments::find, find, policy::money()).or_report().await;
    let was_paid = read.as_ref().and_then(was_captured);
    // Money that went back for earlier news is not forgotten.
    if was_paid != Some(false) && given.was_paid != Some(true) {
        given.was_paid = was_paid;
    }
    if let Some(payment_id) = read.flatten().and_then(|payment| payment.payment_id) {
        saga.fact(REFUND, "payment_id", &payment_id);
        given.payment_id = Some(payment_id);
    }
    // By every id that was heard of: a read without an answer forgets none.
    let refund = ReversePayment {
        key,
        order_id,
        payment_id: given.payment_id.clone(),
        other_ids: saga.ctx().state(|w| w.named_beside(given.payment_id.as_ref())),
        reason: "the order had ended when the payment settled".to_owned(),
        round: 0,
        not_before: None,
    };
    let mut step = saga.step(REFUND, Payments::reverse, refund, policy::undo());
    if given.is_decided && was_paid != Some(false) {
        let news = "news of a payment that somebody has decided about, or that the order's last run did not make; \
                    nothing was sent";
        step = step.ask_first(DECIDED_BEFORE, news);
    }
    let settled = step.heeding(move |w| w.heard_since(since)).or_ask().await;
    match settled {
        Settled::Done(()) => saga.done(REFUND, said_of(given.was_paid)),
        Settled::ByHand(_) | Settled::Left(_) | Settled::Kept(_) => given.is_decided = true,
        Settled::Overtaken { by_hand } => given.is_decided |= by_hand,
    }
    given.last_word = match settled {
        Settled::ByHand(_) => Decided::ByHand,
        Settled::Left(_) | Settled::Kept(_) => Decided::Left,
        // Nothing was there any more: that ended before.
        Settled::Done(()) if was_paid == Some(false) => given.last_word,
        Settled::Done(()) | Settled::Overtaken { .. } => Decided::ByNobody,
    };
    given.is_news |= was_paid != Some(false);
    given.may_have_gone_back |= was_paid != Some(false) && !matches!(settled, Settled::Left(_));
}

/// Whether a payment that was read holds money. `None`: it is open, and may hold some by the time it is taken back.
fn was_captured(found: &Option<Payment>) -> Option<bool> {
    match found.as_ref().map(|payment| &payment.state) {
        Some(PaymentState::Paid) => Some(true),
        Some(PaymentState::RequiresAction { .. }) => None,
        None | Some(PaymentState::Declined { .. } | PaymentState::Reversed) => Some(false),
    }
}

/// The words about a refund that went through; it also goes through where there was nothing to refund.
fn said_of(was_paid: Option<bool>) -> &'static str {
    match was_paid {
        Some(true) => "the money went back",
        Some(false) => NO_MONEY,
        None => "whatever was there went back",
    }
}
