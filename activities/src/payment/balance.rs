//! How the money ended that was charged under one key: its payments, each read in its provider's words, told as one.

use contracts::commerce::PaymentStatus;
use contracts::money::Money;
use contracts::payment::Balance;

use crate::http::CallError;

/// One payment, as far as its money goes.
#[derive(Clone, Debug)]
pub(super) struct Account {
    /// The provider's id of it.
    pub(super) payment_id: String,
    /// Where its money is.
    pub(super) money: Moved,
    /// The ids of its refunds that were made, or are under way.
    pub(super) refund_ids: Vec<String>,
}

/// Where the money of a payment is. The order is that of the ids: the first one's payment is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moved {
    /// It came.
    Captured {
        /// So much.
        received: Money,
        /// The part that went back, or is on its way.
        back: Money,
        /// The part that the provider shows as gone.
        shown: Money,
    },
    /// None came, and some may come yet.
    Open,
    /// It was taken back before any came.
    Voided,
    /// Declined, or its settlement failed.
    Failed,
}

impl Moved {
    fn rank(self) -> u8 {
        match self {
            Self::Captured { received, back, .. } if back.minor_units() < received.minor_units() => 0,
            Self::Captured { .. } => 1,
            Self::Open => 2,
            Self::Voided => 3,
            Self::Failed => 4,
        }
    }
}

/// All payments under a key together.
pub(super) fn of(system: &'static str, mut accounts: Vec<Account>) -> Result<Balance, CallError> {
    accounts.sort_by_key(|account| account.money.rank());
    let captured = |part: fn(Money, Money, Money) -> Money| {
        let parts = accounts.iter().filter_map(|account| match account.money {
            Moved::Captured { received, back, shown } => Some(part(received, back, shown)),
            Moved::Open | Moved::Voided | Moved::Failed => None,
        });
        sum(system, parts)
    };
    let (received, back) = (captured(|received, _, _| received)?, captured(|_, back, _| back)?);
    let status = match (received, back) {
        (Some(_), None) => PaymentStatus::Paid,
        (Some(received), Some(back)) if back.minor_units() < received.minor_units() => {
            PaymentStatus::PartiallyRefunded
        }
        (Some(_), Some(_)) => PaymentStatus::Refunded,
        (None, _) => match accounts.first().map(|account| account.money) {
            Some(Moved::Open) => PaymentStatus::Pending,
            Some(Moved::Voided) => PaymentStatus::Voided,
            Some(Moved::Captured { .. } | Moved::Failed) | None => PaymentStatus::Unpaid,
        },
    };
    Ok(Balance {
        status,
        payment_id: accounts.first().map(|account| account.payment_id.clone()),
        refunded: captured(|_, _, shown| shown)?,
        refund_ids: accounts.into_iter().flat_map(|account| account.refund_ids).collect(),
    })
}

/// The sum; `None` where that is nothing.
fn sum(system: &'static str, parts: impl Iterator<Item = Money>) -> Result<Option<Money>, CallError> {
    let mut sum: Option<Money> = None;
    for part in parts.filter(|money| money.minor_units() > 0) {
        sum = Some(match sum {
            None => part,
            Some(sum) => sum.checked_add(part).ok_or_else(|| CallError::Unusable {
                system,
                why: "what was paid under one key is in several currencies".to_owned(),
            })?,
        });
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use contracts::money::Currency;

    use super::*;

    fn dong(amount: i64) -> Money {
        Money::from_minor_units(amount, Currency::VND)
    }

    fn account(payment_id: &str, money: Moved) -> Account {
        Account { payment_id: payment_id.to_owned(), money, refund_ids: Vec::new() }
    }

    fn captured(received: i64, back: i64) -> Moved {
        Moved::Captured { received: dong(received), back: dong(back), shown: dong(back) }
    }

    #[test]
    fn the_money_of_several_payments_is_told_as_one() {
        let told = |moved: &[Moved]| {
            let named = ["a", "b", "c"].iter().zip(moved).map(|(id, moved)| account(id, *moved)).collect();
            of("payment", named).map(|balance| (balance.status, balance.payment_id.unwrap_or_default()))
        };
        use PaymentStatus::{Paid, PartiallyRefunded, Pending, Refunded, Unpaid, Voided};
        for (moved, status, named) in [
            (&[][..], Unpaid, ""),
            (&[Moved::Failed], Unpaid, "a"),
            (&[Moved::Failed, Moved::Voided], Voided, "b"),
            (&[Moved::Voided, Moved::Open], Pending, "b"),
            (&[Moved::Open, captured(7, 0)], Paid, "b"),
            (&[captured(7, 7), captured(7, 0)], PartiallyRefunded, "b"),
            (&[captured(7, 2)], PartiallyRefunded, "a"),
            (&[captured(7, 7), Moved::Failed], Refunded, "a"),
        ] {
            assert_eq!(told(moved), Ok((status, named.to_owned())), "{moved:?}");
        }
    }

    #[test]
    fn money_of_several_currencies_is_no_sum() {
        let dollars = Money::from_minor_units(7, Currency::USD);
        let other = Moved::Captured { received: dollars, back: dollars, shown: dollars };
        let read = of("payment", vec![account("a", captured(7, 7)), account("b", other)]);
        assert!(matches!(read, Err(CallError::Unusable { .. })), "{read:?}");
    }
}
