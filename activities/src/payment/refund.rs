//! The key of a refund, which every provider makes alike.
//!
//! `<charge key>/refund/<payment>/<amount refunded so far>/<refunds listed>[/<round>]`. It names what was read: as long
//! as nothing has changed, a refund is asked for under one key, with one body. Money that somebody gave back by hand
//! meanwhile, and a refund that is pending or failed, make another key. An answer that the provider stored is left
//! behind by the round ([`contracts::rounds`]), which the process counts.

use std::time::{Duration, SystemTime};

use contracts::payment::ReversePayment;
use contracts::values::IdempotencyKey;

use crate::http::{CallError, Refused, word};

/// An undo of a charge, at one attempt.
#[derive(Clone, Copy, Debug)]
pub struct Undo<'a> {
    /// The charge that is undone.
    pub asked: &'a ReversePayment,
    /// When this attempt was due, by Temporal's clock.
    pub now: SystemTime,
}

/// The state of a payment whose refund is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before<'a> {
    /// The payment.
    pub(super) payment_id: &'a str,
    /// The amount refunded so far, in minor units.
    pub(super) refunded: i64,
    /// The number of refunds listed, failed and pending ones too.
    pub(super) listed: usize,
}

impl Undo<'_> {
    /// The key under which the rest is refunded.
    ///
    /// # Errors
    /// When the time of this round has not come.
    pub(super) fn refund_key(
        &self,
        system: &'static str,
        before: Before<'_>,
    ) -> Result<IdempotencyKey, CallError> {
        if let Some(after) = self.left_to_wait() {
            return Err(CallError::TooSoon { system, after });
        }
        let Before { payment_id, refunded, listed } = before;
        let (refunded, listed) = (refunded.to_string(), listed.to_string());
        let key = self.asked.key.part("refund").part(payment_id).part(&refunded).part(&listed);
        Ok(if self.asked.round == 0 { key } else { key.part(&self.asked.round.to_string()) })
    }

    fn left_to_wait(&self) -> Option<Duration> {
        let moment = SystemTime::from(self.asked.not_before?);
        let left = moment.duration_since(self.now).ok().filter(|left| !left.is_zero())?;
        // Temporal counts in milliseconds, and the next attempt must not be early.
        Some(left + Duration::from_millis(1))
    }
}

/// The provider took a refund and found out later that the money cannot get there (a card that was closed).
pub(super) fn came_back(system: &'static str, payment_id: &str) -> CallError {
    let why = format!(
        "refund_failed: a refund came back, and so would another one; give the money back another way (payment {})",
        word(payment_id)
    );
    CallError::Unusable { system, why }
}

/// The provider repeats that it made this refund, and its payment shows nothing of it. The process does not ask for
/// another one by itself: what is not shown may have been made all the same.
pub(super) fn unseen(system: &'static str) -> CallError {
    let refusal = Refused { status: 200, code: "refund_unseen".to_owned(), details: serde_json::Value::Null };
    CallError::Refused { system, refusal: Box::new(refusal) }
}

/// A refusal, unless it says that our key was used with another body: then nobody knows what was made under it, and a
/// person has to look. `reused` is the provider's code for that.
pub(super) fn refused(error: CallError, reused: &str) -> CallError {
    match error {
        CallError::Refused { system, refusal } if refusal.code == reused => {
            let why = "key_reused: the key of this refund was used for another one; look at the payment";
            CallError::Unusable { system, why: why.to_owned() }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use contracts::rounds::{Round, Tried as _};
    use contracts::values::OrderId;
    use jiff::Timestamp;

    use super::*;

    const BEFORE: Before<'_> = Before { payment_id: "pay_1", refunded: 5, listed: 2 };

    fn key(round: Round, now: Timestamp) -> Result<String, CallError> {
        let asked = ReversePayment {
            key: IdempotencyKey::new("order/O-1", "process-payment"),
            order_id: OrderId::new("O-1").expect("an order number"),
            payment_id: None,
            other_ids: BTreeSet::new(),
            reason: "test".to_owned(),
            round: 0,
            not_before: None,
        };
        let asked = asked.in_round(round);
        Undo { asked: &asked, now: now.into() }.refund_key("payment", BEFORE).map(|key| key.to_string())
    }

    #[test]
    fn a_key_names_what_was_read_and_a_later_round_waits() {
        let (now, later) =
            (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_secs(60));
        let first = "order/O-1/process-payment/refund/pay_1/5/2";
        assert_eq!(key(Round::default(), now).as_deref(), Ok(first));
        let next = Round { number: 3, not_before: Some(later) };
        let after = Duration::from_millis(60_001);
        assert_eq!(key(next, now), Err(CallError::TooSoon { system: "payment", after }));
        assert_eq!(key(next, later), Ok(format!("{first}/3")));
    }
}
