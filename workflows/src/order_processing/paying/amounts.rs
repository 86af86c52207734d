//! The money that came is compared with the money that is due, before goods and label are spent on it.
//!
//! A provider says "paid" of a transfer that brought less than the order costs, or more, or other money. More is
//! enough: the order goes on, and the report says how much is too much. For less, and for other money, a person decides
//! while the stock is held: to take what came, to wait for the rest, or to give it back. Meanwhile the payment is read
//! on ([`super::paying`]): the rest may come by itself, and the question closes. When the reservation is over, the
//! order expires, and its undo gives back what came.

use std::fmt;
use std::time::Duration;

use contracts::money::Money;

use super::super::{OrderProcessing, PAY};
use super::{Missing, NOT_IN_TIME, Wait};
use crate::saga::{Asked, Decision, Fact, Saga};

const SHORT: &str = "short";
const OTHER_CURRENCY: &str = "other_currency";
/// The causes of the questions about money that is not what is due.
pub const AMOUNT_CAUSES: [&str; 2] = [SHORT, OTHER_CURRENCY];

/// How the money that came stands to what is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// The money that is due. Answers from before amounts were told count as that.
    Enough,
    /// More than that.
    More {
        due: Money,
        received: Money,
    },
    NotEnough(Lack),
}

/// Less than what is due, or other money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lack {
    due: Money,
    received: Money,
    /// Whether another payment holds money beside it.
    is_beside: bool,
}

impl Came {
    pub(super) fn of(received: Option<Money>, due: Money) -> Self {
        let Some(received) = received else { return Self::Enough };
        if received == due {
            return Self::Enough;
        }
        match received.checked_sub(due) {
            Some(_) => Self::More { due, received },
            None => Self::NotEnough(Lack { due, received, is_beside: false }),
        }
    }
}

impl Lack {
    fn cause(self) -> &'static str {
        if self.due.currency() == self.received.currency() { SHORT } else { OTHER_CURRENCY }
    }

    /// The money that came.
    pub(super) fn received(self) -> Money {
        self.received
    }

    /// Asks a person. `patience`: how long the stock is held for an answer. `another`: the provider's words about a
    /// payment beside this one; together they may be enough, or too much.
    pub(super) fn ask(
        self,
        saga: &Saga<OrderProcessing>,
        patience: Duration,
        another: Option<&str>,
    ) -> Asked<OrderProcessing> {
        let another =
            another.map(|said| format!("; another payment came beside it: {said}")).unwrap_or_default();
        let fact = |name: &str, money: Money| Fact { name: name.to_owned(), value: money.to_string() };
        let decision = Decision {
            step: PAY,
            cause: self.cause(),
            reason: format!("{self}{another}"),
            facts: vec![fact("received", self.received), fact("due", self.due)],
            approve: "the order is fulfilled for what came".to_owned(),
            reject: "the order ends, and what came goes back".to_owned(),
            patience,
        };
        decision.ask(
            saga,
            "nothing is decided: the order goes on when the rest has come, or expires when its reservation is over, and \
             what came goes back",
        )
    }
}

impl Wait<'_> {
    /// The money that is missing, and whether another payment holds money beside it.
    pub(super) fn beside<'p>(&self, missing: Missing<'p>) -> Missing<'p> {
        match missing {
            Missing::Money(lack) => Missing::Money(Lack { is_beside: self.another.is_some(), ..lack }),
            action @ Missing::Action(_) => action,
        }
    }

    pub(super) fn why_not_in_time(&self, missing: Missing<'_>) -> String {
        match (missing, &self.trouble) {
            (Missing::Money(lack), _) if self.question.is_some() => {
                format!("{lack}, and nobody decided about it while the stock was held")
            }
            (Missing::Money(lack), _) => {
                format!("{lack}, and the rest did not come while the stock was held")
            }
            (Missing::Action(_), None) => NOT_IN_TIME.to_owned(),
            (Missing::Action(_), Some(reason)) => {
                format!("the payment could not be read when its time was over: {reason}")
            }
        }
    }
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { due, received, .. } = self;
        match self.cause() {
            SHORT => write!(f, "{received} came, and {due} are due"),
            _ => write!(f, "{received} came, in another currency than the {due} that are due"),
        }
    }
}

#[cfg(test)]
mod tests {
    use contracts::money::Currency;

    use super::*;

    fn dong(amount: i64) -> Money {
        Money::from_minor_units(amount, Currency::VND)
    }

    #[test]
    fn what_is_due_is_enough_and_so_is_an_answer_without_an_amount() {
        assert_eq!(Came::of(Some(dong(25_000_000)), dong(25_000_000)), Came::Enough);
        assert_eq!(Came::of(None, dong(25_000_000)), Came::Enough);
    }

    #[test]
    fn more_is_enough_and_less_is_not() {
        let more = Came::More { due: dong(25_000_000), received: dong(26_000_000) };
        assert_eq!(Came::of(Some(dong(26_000_000)), dong(25_000_000)), more);
        for received in [0, 1, 24_999_999] {
            let lack = Lack { due: dong(25_000_000), received: dong(received), is_beside: false };
            assert_eq!(Came::of(Some(dong(received)), dong(25_000_000)), Came::NotEnough(lack));
            assert_eq!(lack.cause(), "short");
            assert_eq!(lack.to_string(), format!("{received} VND came, and 25000000 VND are due"));
        }
    }

    /// Whatever the figures say: nobody knows here what the other money is worth.
    #[test]
    fn other_money_is_never_enough() {
        for cents in [1, 2_500_000_000, 2_500_000_001] {
            let received = Money::from_minor_units(cents, Currency::USD);
            let Came::NotEnough(lack) = Came::of(Some(received), dong(25_000_000)) else {
                panic!("{received} is enough");
            };
            assert_eq!(lack.cause(), "other_currency");
            let words = "came, in another currency than the 25000000 VND that are due";
            assert_eq!(lack.to_string(), format!("{received} {words}"));
        }
    }
}
