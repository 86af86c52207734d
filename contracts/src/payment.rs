//! The payment provider: charge, read, reverse.

#![expect(
    missing_docs,
    clippy::unimplemented,
    reason = "activity_definitions wants this body and generates markers without docs; everything else has them"
)]

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use temporalio_macros::activity_definitions;

use crate::commerce::PaymentStatus;
use crate::money::Money;
use crate::rounds::{Round, Tried};
use crate::values::{CustomerId, IdempotencyKey, OrderId, PaymentToken};

/// The payment provider's activities.
pub struct Payments;

#[activity_definitions]
impl Payments {
    /// Charges the customer, once per key. Declined is a value; an unknown outcome is looked up before a retry.
    #[activity(name = "payment.charge")]
    pub fn charge(input: ChargePayment) -> Payment {
        unimplemented!()
    }

    /// Reads the state of the payment made under a key; `None` when the provider knows of none.
    #[activity(name = "payment.find")]
    pub fn find(input: FindPayment) -> Option<Payment> {
        unimplemented!()
    }

    /// Undoes [`Payments::charge`]: voids an open attempt, refunds a captured one, and where the provider can,
    /// bars the key so that a late charge is refused. Nothing there is success. Of several payments each is undone for
    /// itself: a refund's key names the payment and what was read of it, which is the amount refunded so far, how many
    /// refunds are listed, and the round.
    #[activity(name = "payment.reverse")]
    pub fn reverse(input: ReversePayment) {
        unimplemented!()
    }

    /// Reads how the money ended that was charged under a key: what is here of it, and what went back, whoever gave it
    /// back.
    #[activity(name = "payment.refunded")]
    pub fn refunded(input: FindPayment) -> Balance {
        unimplemented!()
    }
}

/// The generated markers that an implementation points at.
pub mod defs {
    pub use super::payments::*;
}

/// How the customer pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentKind {
    /// A card, by its token.
    CreditCard,
    /// A wallet app, by redirect.
    EWallet,
    /// A transfer the customer makes.
    BankTransfer,
    /// Collected by the carrier: nothing is charged now.
    CashOnDelivery,
}

impl PaymentKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::CreditCard, Self::EWallet, Self::BankTransfer, Self::CashOnDelivery];

    /// The name in the seed's input and on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CreditCard => "credit_card",
            Self::EWallet => "e_wallet",
            Self::BankTransfer => "bank_transfer",
            Self::CashOnDelivery => "cash_on_delivery",
        }
    }

    /// The kind of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A request to charge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChargePayment {
    /// Names the charge.
    pub key: IdempotencyKey,
    /// The order that is paid.
    pub order_id: OrderId,
    /// The customer who pays.
    pub customer_id: CustomerId,
    /// The amount to charge.
    pub amount: Money,
    /// The payment method.
    pub kind: PaymentKind,
    /// The card's or wallet's token, where the kind has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<PaymentToken>,
    /// Whether the first attempt looks for an earlier charge, too: the order is older than this run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub looks_first: bool,
}

/// A payment as the provider sees it now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Payment {
    /// The provider's id, if it made one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<String>,
    /// The money that came, of a payment that is paid: a transfer may bring less than was asked for, or more, or other
    /// money. Absent in answers from before it was told: they count as what was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received: Option<Money>,
    /// Where it stands.
    #[serde(flatten)]
    pub state: PaymentState,
}

/// Where a payment stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum PaymentState {
    /// The money is captured.
    Paid,
    /// The customer has to do something first.
    RequiresAction {
        /// The action that the customer has to take.
        action: CustomerAction,
    },
    /// Refused by the provider, the bank, or by a settlement that failed.
    Declined {
        /// The provider's code: `card_declined`, `insufficient_funds`, …
        code: String,
        /// Whether the same customer may try again (in a new order).
        customer_may_retry: bool,
    },
    /// Voided before capture, or refunded after it.
    Reversed,
}

/// The action a customer has to take before a payment settles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerAction {
    /// The provider's word for it: `three_d_secure`, `redirect`, `bank_transfer`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where to send the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Words for the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instruction: Option<String>,
}

/// A question for the payment made under a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindPayment {
    /// The charge's key.
    pub key: IdempotencyKey,
    /// The order that is paid.
    pub order_id: OrderId,
    /// The provider's id of a payment that is read as well, if it was made under the key: one that a search may not
    /// have seen yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<String>,
    /// The ids of further payments that news has named, read in the same way: an order may be paid more than once.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub other_ids: BTreeSet<String>,
    /// Whether two payments that hold money are waited out rather than the last word: a person is asked about them, and
    /// meanwhile one may go back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub until_one: bool,
}

impl Tried for FindPayment {
    /// A round that has to wait is one that is tried by itself, beside a person who is asked.
    fn in_round(self, round: Round) -> Self {
        Self { until_one: round.not_before.is_some(), ..self }
    }
}

/// The money that was charged under a key, as the provider shows it now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// Where it stands, of all payments under the key together.
    pub status: PaymentStatus,
    /// The provider's id of the payment; of several, of one that brought money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<String>,
    /// The money that went back to the customer, and that the provider shows as gone; `None`: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refunded: Option<Money>,
    /// The provider's ids of the refunds that were made, or are under way, in its order; those that came back are left
    /// out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refund_ids: Vec<String>,
}

/// A request to undo whatever was charged under a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReversePayment {
    /// The charge's key.
    pub key: IdempotencyKey,
    /// The order that was paid.
    pub order_id: OrderId,
    /// The provider's id of the payment, where it is known: a provider that knows nothing of it is not believed that
    /// there is nothing to undo. Somebody may have changed the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<String>,
    /// The ids of further payments that news has named. Those that were made under the key are undone too, each under a
    /// key of its own; another one is not touched.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub other_ids: BTreeSet<String>,
    /// Why, for the provider's books.
    pub reason: String,
    /// The round ([`Round`]): part of a refund's key, so that an answer which the provider stored is left behind.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub round: u32,
    /// Until then a refund is not sent: what came of the round before may still show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
}

fn is_zero(round: &u32) -> bool {
    *round == 0
}

impl Tried for ReversePayment {
    const COUNTS_ROUNDS: bool = true;

    fn in_round(self, Round { number, not_before }: Round) -> Self {
        Self { round: number, not_before, ..self }
    }
}
