//! The customer's side of an order that waits or ends early: shop and customer hear that it waits, and how it ended.
//!
//! | mail | when |
//! |---|---|
//! | `awaiting_payment` | the order waits, and there is something that the customer can do, at once or later |
//! | `declined`, `expired`, `cancelled` | the order has ended so, and the shop was told |
//! | `refunded` | the undo of the payment went through, and the provider shows what went back |
//!
//! One of each kind per order, whatever happens: its key is made of the order and the kind. All are best effort, beside
//! the story. A declined order whose money went back, because the provider had it after all, gets `refunded` alone.
//!
//! Deliberately absent: a mail about an order that had begun nothing (its number may be another customer's), and one
//! about any other failure. The shop shows `failed` with the reason, in words that it knows better than we do.

use std::cell::Cell;
use std::rc::Rc;

use contracts::commerce::{Commerce, PaymentStatus};
use contracts::customers::{Customers, Suppress};
use contracts::money::Money;
use contracts::notification::{Content, Delivery, Notifications, OrderMail, SendEmail};
use contracts::payment::{Balance, CustomerAction};
use contracts::values::{CustomerId, IdempotencyKey, Locale, OrderId, Recipient};
use temporalio_workflow::join;

use super::steps::{OrderRun, SUPPRESS};
use super::{NOTIFY, OrderProcessing, UPDATE, workflow_id};
use crate::policy;
use crate::saga::{Aside, Back, Halt, Outcome, Process, Refusal};

/// Why a mail is skipped.
pub(crate) const BY_THE_SHOP: &str = "the shop writes it itself";

/// The failure type of an order whose payment was declined.
pub(super) const DECLINED: &str = "PaymentDeclined";

/// The recipient of an order's mails, and its number.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    pub(crate) order_id: OrderId,
    pub(crate) email: Recipient,
    pub(crate) locale: Locale,
}

impl Reader {
    /// The mail that says that so much went back; late money is told of in the same words, under the same key.
    pub(crate) fn refunded(self, amount: Money) -> SendEmail {
        let order_id = self.order_id.clone();
        self.mail(Content::OrderRefunded { order_id, amount })
    }

    fn mail(self, content: Content) -> SendEmail {
        let kind = content.order_mail().map_or("email", OrderMail::name);
        let key = IdempotencyKey::new(&workflow_id(&self.order_id), NOTIFY).part(kind);
        SendEmail { key, to: self.email, locale: self.locale, content, list_unsubscribe: None }
    }
}

/// The customer of one order. It owns what it knows, because what it is told outlasts the story.
#[derive(Clone, Debug)]
pub(super) struct Customer {
    reader: Reader,
    customer_id: CustomerId,
    /// Whether the customer was told that money went back.
    knows_of_refund: Rc<Cell<bool>>,
    /// The key under which the platform hears of a bounce.
    suppress: IdempotencyKey,
}

impl Customer {
    /// The customer gets a mail. One that bounces is told to the platform.
    async fn told<W: Process>(self, aside: &Aside<W>, content: Content) {
        let Some(kind) = content.order_mail() else { return };
        let part = (NOTIFY, kind.name());
        let mail = self.reader.mail(content);
        match aside.tell(part, Notifications::send_email, mail, policy::notice()).await {
            Some(Delivery::SwitchedOff) => aside.skip(part, BY_THE_SHOP),
            Some(Delivery::Refused { code }) => aside.failed(part, &format!("refused: {code}")),
            Some(Delivery::Bounced { code }) => {
                aside.failed(part, &format!("refused: {code}"));
                let news = Suppress { key: self.suppress, customer_id: self.customer_id };
                let step = (NOTIFY, SUPPRESS);
                let _reported = aside.tell(step, Customers::suppress, news, policy::aftermath()).await;
            }
            Some(Delivery::Accepted { .. }) | None => {}
        }
    }

    /// The customer hears what went back. Whether there was something to tell, now or before.
    async fn told_of_refund<W: Process>(self, aside: &Aside<W>, refund: Refund) -> bool {
        if self.knows_of_refund.get() {
            return true;
        }
        match refund {
            Refund::Unknown => false,
            Refund::Nothing(why) => {
                aside.skip((NOTIFY, OrderMail::Refunded.name()), why);
                false
            }
            Refund::Made(amount) => {
                self.knows_of_refund.set(true);
                let order_id = self.reader.order_id.clone();
                self.told(aside, Content::OrderRefunded { order_id, amount }).await;
                true
            }
        }
    }
}

/// The part of the money that went back, as far as the customer is concerned.
#[derive(Clone, Copy, Debug)]
pub(super) enum Refund {
    /// Nobody knows, or the payment was not undone.
    Unknown,
    /// None of it, as the provider shows it; why.
    Nothing(&'static str),
    /// So much.
    Made(Money),
}

impl Refund {
    pub(super) fn of(balance: Option<&Balance>, decided: Decided) -> Self {
        match balance {
            None => Self::Unknown,
            Some(Balance { refunded: None, status, .. }) => Self::Nothing(decided.why_none(*status)),
            Some(Balance { refunded: Some(amount), .. }) => Self::Made(*amount),
        }
    }
}

/// The last word about a refund.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Decided {
    /// It is the provider's.
    #[default]
    ByNobody,
    /// Somebody gave the money back by hand.
    ByHand,
    /// Somebody left it.
    Left,
}

/// The words for a refund of nothing.
pub(crate) const NO_MONEY: &str = "there was no money to give back";

impl Decided {
    /// Why the provider shows nothing that went back.
    pub(crate) fn why_none(self, status: PaymentStatus) -> &'static str {
        match (self, status) {
            (Self::ByHand, _) => "given back by hand: the provider shows nothing that went back",
            (Self::Left, _) => "left by a person: nothing went back",
            (Self::ByNobody, PaymentStatus::Refunded | PaymentStatus::PartiallyRefunded) => {
                "a refund is on its way: the provider shows nothing that went back yet"
            }
            (Self::ByNobody, PaymentStatus::Paid) => "the provider shows nothing that went back",
            (Self::ByNobody, PaymentStatus::Pending | PaymentStatus::Unpaid | PaymentStatus::Voided) => {
                NO_MONEY
            }
        }
    }
}

/// Whether an action names something that the customer could do.
fn can_be_done(action: &CustomerAction) -> bool {
    action.url.is_some() || action.instruction.is_some()
}

/// Whether there is something else to do than the shop was told. That nothing is named any more, or another kind of
/// nothing, is none.
fn is_news(told: Option<&CustomerAction>, now: &CustomerAction) -> bool {
    told.is_none_or(|told| can_be_done(now) && (&told.url, &told.instruction) != (&now.url, &now.instruction))
}

impl OrderRun<'_> {
    /// The customer, who has been told nothing yet.
    pub(super) fn customer(&self) -> Customer {
        let order = self.order;
        let reader = Reader {
            order_id: order.order_id.clone(),
            email: order.customer_email.clone(),
            locale: order.locale,
        };
        let suppress = self.requests.key(NOTIFY).part(SUPPRESS);
        let (customer_id, knows_of_refund) = (order.customer_id.clone(), Rc::default());
        Customer { reader, customer_id, knows_of_refund, suppress }
    }

    /// The order waits for the customer: the shop hears of it, and the customer. A provider may name later what there
    /// is to do (a wallet makes its link behind the charge), or name something else: then the shop hears that, too. The
    /// customer gets one mail, about the first thing that can be done.
    pub(super) async fn invite(&self, aside: Aside<OrderProcessing>) {
        let (mut told, mut is_mailed) = (None, false);
        loop {
            let news =
                |w: &OrderProcessing| w.customer_action.clone().filter(|now| is_news(told.as_ref(), now));
            let Some(action) = aside.until(news).await else { return };
            let waits = self.requests.awaiting_payment(&action);
            let part = (UPDATE, OrderMail::AwaitingPayment.name());
            // An activity of its own, whose outcome is awaited when the wait is over: it must not land behind the word
            // that the order is confirmed.
            let policy = policy::bookkeeping().as_activity().awaited();
            let shop = async {
                let _reported = aside.tell(part, Commerce::update_order, waits, policy).await;
            };
            let mail = async {
                if !is_mailed {
                    self.mail_invitation(&aside, action.clone()).await;
                }
            };
            join!(shop, mail);
            is_mailed |= can_be_done(&action);
            told = Some(action);
        }
    }

    async fn mail_invitation<W: Process>(&self, aside: &Aside<W>, action: CustomerAction) {
        if !can_be_done(&action) {
            let part = (NOTIFY, OrderMail::AwaitingPayment.name());
            aside.skip(part, "the provider names nothing that the customer could do");
            return;
        }
        let content = Content::OrderAwaitingPayment {
            order_id: self.order.order_id.clone(),
            total_amount: self.order.total_amount,
            action,
            held_minutes: self.order.reservation.as_secs().div_ceil(60),
        };
        self.customer().told(aside, content).await;
    }

    /// The words about how the order ended, if there are any.
    fn farewell(&self, halt: &Halt) -> Option<Content> {
        let (order_id, total_amount) = (self.order.order_id.clone(), self.order.total_amount);
        match (halt, halt.ending().outcome) {
            (Halt::Refused(Refusal { failure_type: DECLINED, .. }), _) => {
                Some(Content::OrderDeclined { order_id, total_amount })
            }
            (_, Outcome::Expired) => Some(Content::OrderExpired { order_id, total_amount }),
            (_, Outcome::Cancelled) => Some(Content::OrderCancelled { order_id }),
            (_, Outcome::Failed | Outcome::Completed) => None,
        }
    }

    /// The customer hears how the order ended, if `ended` says so, and of money that went back.
    pub(super) fn tell_customer(
        &self,
        back: &Back<'_, OrderProcessing>,
        customer: &Customer,
        ended: Option<&Halt>,
        refund: Refund,
    ) {
        let farewell = ended.and_then(|halt| self.farewell(halt));
        if farewell.is_none() && matches!(refund, Refund::Unknown) {
            return;
        }
        let (customer, reader) = (customer.clone(), customer.clone());
        back.aside(|aside| async move {
            let is_declined = matches!(farewell, Some(Content::OrderDeclined { .. }));
            let refunded = customer.told_of_refund(&aside, refund);
            let ended = async {
                if let Some(content) = farewell {
                    reader.told(&aside, content).await;
                }
            };
            if !is_declined {
                join!(ended, refunded);
            } else if !refunded.await {
                ended.await;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_told_when_it_comes_and_when_it_changes() {
        let action = |kind: &str, url: Option<&str>| CustomerAction {
            kind: kind.to_owned(),
            url: url.map(str::to_owned),
            instruction: None,
        };
        let (nothing, link) =
            (action("pending", None), action("redirect", Some("https://pay.example.com/1")));
        assert!(is_news(None, &nothing) && is_news(None, &link) && is_news(Some(&nothing), &link));
        assert!(is_news(Some(&link), &action("redirect", Some("https://pay.example.com/2"))));
        assert!(!is_news(Some(&nothing), &action("processing", None)) && !is_news(Some(&link), &nothing));
        assert!(!is_news(Some(&link), &link));
    }

    #[test]
    fn money_that_is_on_its_way_or_was_decided_about_is_not_called_none() {
        use PaymentStatus::{Paid, PartiallyRefunded, Refunded, Unpaid, Voided};
        for (decided, status, words) in [
            (Decided::ByNobody, Refunded, "on its way"),
            (Decided::ByNobody, PartiallyRefunded, "on its way"),
            (Decided::ByHand, Refunded, "by hand"),
            (Decided::Left, Paid, "left by a person"),
            (Decided::ByNobody, Voided, NO_MONEY),
            (Decided::ByNobody, Unpaid, NO_MONEY),
        ] {
            assert!(decided.why_none(status).contains(words), "{decided:?} {status:?}");
        }
    }
}
