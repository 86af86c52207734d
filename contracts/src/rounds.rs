//! Rounds: an effect is tried again under the next idempotency key.
//!
//! A provider may store what it answered under a key, a 500 included, and repeat it for ever. As long as nobody knows
//! what became of a try, the same key is the safe one. Once so much time has passed that its effect would show, a look
//! that finds nothing allows the next key. The process counts these rounds, and the activity's input carries the count:
//! attempts are counted anew by a reset, and every attempt of one activity may be the one that lands.

use jiff::Timestamp;

use crate::catalog::ApplyRows;
use crate::commerce::{UpdateOrder, UpdatePayment};
use crate::customers::AccountRef;
use crate::inventory::{ConfirmStock, ReleaseStock};
use crate::loyalty::GrantRef;
use crate::shipping::ShipmentRef;

/// One round of tries of an effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// Its number. The first is 0.
    pub number: u32,
    /// Until then nothing is sent under the key of this round.
    pub not_before: Option<Timestamp>,
}

/// The input of an effect that is tried again while somebody is asked about it: an undo, or a step that has to happen.
pub trait Tried: Clone {
    /// Whether its key names the round. Where it does not, every try has the same key.
    const COUNTS_ROUNDS: bool = false;

    /// The same in a round.
    #[must_use]
    fn in_round(self, round: Round) -> Self {
        let _round = round;
        self
    }

    /// The same behind another try, which may have gone through although its answer was lost. An activity counts only
    /// its own attempts.
    #[must_use]
    fn behind_another(self) -> Self {
        self
    }
}

// These have one key, or none: what they take back is the same however often it is sent.
impl Tried for ReleaseStock {}
impl Tried for ShipmentRef {}
impl Tried for UpdateOrder {}
impl Tried for UpdatePayment {}
impl Tried for AccountRef {}
impl Tried for GrantRef {}
impl Tried for ApplyRows {}
impl Tried for ConfirmStock {
    fn behind_another(self) -> Self {
        Self { may_be_sold: true, ..self }
    }
}
