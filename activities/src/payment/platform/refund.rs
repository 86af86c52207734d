//! Refunds at the platform: their words, and how much of a payment's money is still there.

use contracts::money::{Currency, Money};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::refund::came_back;
use super::state::State;
use super::{PaymentBody, Platform};
use crate::http::CallError;
use crate::http::wire::money;

/// A refund, as it is listed and as it is answered.
#[derive(Deserialize)]
pub(super) struct RefundBody {
    #[serde(default)]
    refund_id: Option<Value>,
    #[serde(default)]
    id: Option<Value>,
    #[serde(default)]
    pub(super) status: Option<String>,
    #[serde(default)]
    amount: Option<Box<RawValue>>,
}

/// The outcome of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    /// Made, or under way.
    OnItsWay,
    /// The money did not get there.
    CameBack,
}

/// The words for a refund that was made, or is under way.
const MADE: [&str; 5] = ["refunded", "succeeded", "completed", "pending", "processing"];
/// Those of them for one that is over.
const GONE: [&str; 3] = ["refunded", "succeeded", "completed"];
/// The words for one whose money did not get there.
const CAME_BACK: [&str; 4] = ["failed", "canceled", "cancelled", "rejected"];

impl RefundBody {
    /// Whether it is an answer about a refund at all: it names it, or its state.
    pub(super) fn says_something(&self) -> bool {
        self.refund_id.is_some() || self.id.is_some() || self.status.is_some()
    }

    /// Its id, if it has one; a number is written out.
    fn name(&self) -> Option<String> {
        match self.refund_id.as_ref().or(self.id.as_ref())? {
            Value::String(id) => Some(id.clone()),
            Value::Number(id) => Some(id.to_string()),
            _ => None,
        }
    }

    /// Whether its money has gone, in its own words.
    fn is_gone(&self) -> bool {
        self.status.as_deref().is_some_and(|word| GONE.contains(&word))
    }

    /// `None`: in a state that nobody here knows. Without a word, that the platform took it says so.
    pub(super) fn made(&self) -> Option<Made> {
        match self.status.as_deref() {
            None => Some(Made::OnItsWay),
            Some(word) if MADE.contains(&word) => Some(Made::OnItsWay),
            Some(word) if CAME_BACK.contains(&word) => Some(Made::CameBack),
            Some(_) => None,
        }
    }
}

/// The refunds of a payment, as they are listed.
pub(super) struct Listed {
    /// The money of those that were made, or are under way.
    pub(super) on_its_way: Money,
    /// The part of it that has gone.
    pub(super) gone: Money,
    /// The ids of those, as far as they have one.
    pub(super) ids: Vec<String>,
    /// Whether the money of one did not get there.
    has_come_back: bool,
}

/// Captured money that is still there.
pub(super) struct Left {
    /// So much.
    pub(super) rest: Money,
    /// The money that went back before, or is on its way.
    pub(super) refunded: Money,
    /// The number of refunds listed.
    pub(super) listed: usize,
}

impl Platform {
    /// The part of the captured money that has not been refunded yet; `None` when none is there, nor ever will be.
    pub(super) fn money_left(&self, payment: &PaymentBody) -> Result<Option<Left>, CallError> {
        match self.state(payment)? {
            State::Captured => {}
            State::Void | State::Failed => return Ok(None),
            // The bank has it in hand, say: the money may come yet.
            State::Waiting => {
                return Err(self.api.unknown(format!("a payment in {} is not undone yet", payment.status)));
            }
        }
        let currency = payment.currency.as_deref().and_then(Currency::from_code);
        let captured = currency.and_then(|currency| Some((currency, read(&payment.amount, currency)?)));
        // A captured payment of unknown size is not "nothing": the undo has to fail until somebody looks.
        let unreadable = || self.api.unknown("a captured payment without a readable amount");
        let (currency, captured) = captured.ok_or_else(unreadable)?;
        let listed = self.listed(payment, currency)?;
        // Whether a pending refund is in the sum is the platform's affair: it is not money that is still there.
        let said = match &payment.refunded_amount {
            None => Money::zero(currency),
            said => read(said, currency).ok_or_else(unreadable)?,
        };
        let refunded = greater(said, listed.on_its_way);
        let rest = captured.checked_sub(refunded).ok_or_else(unreadable)?;
        match rest.minor_units() > 0 {
            false => Ok(None),
            true if listed.has_come_back => Err(came_back("payment", &payment.payment_id)),
            true => {
                let listed = payment.refunds.as_ref().map_or(0, Vec::len);
                Ok(Some(Left { rest, refunded, listed }))
            }
        }
    }

    /// Adds up the refunds that are listed with a payment.
    pub(super) fn listed(&self, payment: &PaymentBody, currency: Currency) -> Result<Listed, CallError> {
        let nothing = Money::zero(currency);
        let mut listed = Listed { on_its_way: nothing, gone: nothing, ids: Vec::new(), has_come_back: false };
        for refund in payment.refunds.as_deref().unwrap_or_default() {
            let word = refund.status.as_deref().unwrap_or_default();
            match refund.made().ok_or_else(|| self.api.new_word("a refund in a state", word))? {
                Made::CameBack => listed.has_come_back = true,
                Made::OnItsWay => {
                    let no_amount = || self.api.unknown("a refund without a readable amount");
                    let more = read(&refund.amount, currency).ok_or_else(no_amount)?;
                    listed.on_its_way = listed.on_its_way.checked_add(more).ok_or_else(no_amount)?;
                    if refund.is_gone() {
                        listed.gone = listed.gone.checked_add(more).ok_or_else(no_amount)?;
                    }
                    listed.ids.extend(refund.name());
                }
            }
        }
        Ok(listed)
    }
}

/// The greater of two amounts of one currency.
pub(super) fn greater(one: Money, other: Money) -> Money {
    if one.minor_units() < other.minor_units() { other } else { one }
}

pub(super) fn read(json: &Option<Box<RawValue>>, currency: Currency) -> Option<Money> {
    json.as_deref().and_then(|json| money(json, currency))
}
