//! Messages to customers: mail, SMS, push. Texts are templates per locale, rendered by the adapter.

#![expect(
    missing_docs,
    clippy::unimplemented,
    reason = "activity_definitions wants this body and generates markers without docs; everything else has them"
)]

use serde::{Deserialize, Serialize};
use temporalio_macros::activity_definitions;

use crate::commerce::OrderLine;
use crate::customers::RecommendedProduct;
use crate::money::Money;
use crate::payment::CustomerAction;
use crate::values::{CustomerId, IdempotencyKey, Locale, OrderId, PriceBatchId, Recipient};

/// The message senders' activities.
pub struct Notifications;

#[activity_definitions]
impl Notifications {
    /// Sends a mail, once per key.
    #[activity(name = "notification.send_email")]
    pub fn send_email(input: SendEmail) -> Delivery {
        unimplemented!()
    }

    /// Sends an SMS, once per key.
    #[activity(name = "notification.send_sms")]
    pub fn send_sms(input: SendSms) -> Delivery {
        unimplemented!()
    }

    /// Sends a push message to the customer's devices, once per key.
    #[activity(name = "notification.send_push")]
    pub fn send_push(input: SendPush) -> Delivery {
        unimplemented!()
    }
}

/// The generated markers that an implementation points at.
pub mod defs {
    pub use super::notifications::*;
}

/// The facts that a message tells, apart from its words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "template", rename_all = "snake_case")]
pub enum Content {
    /// An order is paid (or to be paid on delivery) and has a label.
    OrderConfirmation {
        /// The order.
        order_id: OrderId,
        /// The lines of the order.
        items: Vec<OrderLine>,
        /// The price the customer paid, or will pay on delivery.
        total_amount: Money,
        /// The number the customer follows the parcel by.
        tracking_number: String,
    },
    /// An order waits for the customer to pay.
    OrderAwaitingPayment {
        /// The order.
        order_id: OrderId,
        /// The price to pay.
        total_amount: Money,
        /// The action that the customer has to take.
        action: CustomerAction,
        /// How long the goods are held for it, in minutes.
        held_minutes: u64,
    },
    /// An order has ended because its payment was declined.
    OrderDeclined {
        /// The order.
        order_id: OrderId,
        /// The price that was to be paid.
        total_amount: Money,
    },
    /// An order has ended because it was not paid in time.
    OrderExpired {
        /// The order.
        order_id: OrderId,
        /// The price that was to be paid.
        total_amount: Money,
    },
    /// An order has ended because somebody cancelled it.
    OrderCancelled {
        /// The order.
        order_id: OrderId,
    },
    /// The payment provider has taken the refund of an order that was not fulfilled.
    OrderRefunded {
        /// The order.
        order_id: OrderId,
        /// The amount that goes back.
        amount: Money,
    },
    /// A customer has registered.
    Welcome {
        /// As the customer wrote it.
        first_name: String,
        /// Points to begin with.
        loyalty_points: u64,
        /// The welcome coupon, if there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        welcome_discount_code: Option<String>,
    },
    /// A day later: how the shop works. Marketing.
    OnboardingTips {
        /// As the customer wrote it.
        first_name: String,
    },
    /// A price run went through. For the shop's own team.
    PricesUpdated {
        /// The run.
        batch_id: PriceBatchId,
        /// Rows of the list.
        rows: u64,
        /// Prices that were written.
        applied: u64,
        /// Prices that were so already.
        unchanged: u64,
        /// Prices that were not the expected ones, and are left as they are.
        conflicts: u64,
        /// Prices that the shop refused.
        refused: u64,
        /// Rows that could not be used.
        invalid: u64,
    },
    /// A week later: what the customer may like. Marketing.
    ProductRecommendations {
        /// As the customer wrote it.
        first_name: String,
        /// As the platform recommended them when the mail was sent.
        recommendations: Vec<RecommendedProduct>,
    },
}

impl Content {
    /// The template's name, as the seed and the platform have it.
    #[must_use]
    pub fn template(&self) -> &'static str {
        match self {
            Self::OrderConfirmation { .. } => "order_confirmation",
            Self::OrderAwaitingPayment { .. } => "order_awaiting_payment",
            Self::OrderDeclined { .. } => "order_declined",
            Self::OrderExpired { .. } => "order_expired",
            Self::OrderCancelled { .. } => "order_cancelled",
            Self::OrderRefunded { .. } => "order_refunded",
            Self::Welcome { .. } => "welcome",
            Self::OnboardingTips { .. } => "onboarding_tips",
            Self::PricesUpdated { .. } => "prices_updated",
            Self::ProductRecommendations { .. } => "product_recommendations",
        }
    }
}

impl Content {
    /// The mail about an order that tells this; `None`: it is not about an order.
    #[must_use]
    pub fn order_mail(&self) -> Option<OrderMail> {
        Some(match self {
            Self::OrderConfirmation { .. } => OrderMail::Confirmation,
            Self::OrderAwaitingPayment { .. } => OrderMail::AwaitingPayment,
            Self::OrderDeclined { .. } => OrderMail::Declined,
            Self::OrderExpired { .. } => OrderMail::Expired,
            Self::OrderCancelled { .. } => OrderMail::Cancelled,
            Self::OrderRefunded { .. } => OrderMail::Refunded,
            Self::Welcome { .. }
            | Self::OnboardingTips { .. }
            | Self::PricesUpdated { .. }
            | Self::ProductRecommendations { .. } => return None,
        })
    }
}

/// The mails about an order, each of which a shop may write itself. An order gets one of a kind at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OrderMail {
    /// [`Content::OrderConfirmation`]
    Confirmation,
    /// [`Content::OrderAwaitingPayment`]
    AwaitingPayment,
    /// [`Content::OrderDeclined`]
    Declined,
    /// [`Content::OrderExpired`]
    Expired,
    /// [`Content::OrderCancelled`]
    Cancelled,
    /// [`Content::OrderRefunded`]
    Refunded,
}

impl OrderMail {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::Confirmation,
        Self::AwaitingPayment,
        Self::Declined,
        Self::Expired,
        Self::Cancelled,
        Self::Refunded,
    ];

    /// The kind's name: its template is called `order_` and this.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Confirmation => "confirmation",
            Self::AwaitingPayment => "awaiting_payment",
            Self::Declined => "declined",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Refunded => "refunded",
        }
    }

    /// The kind of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mail| mail.name() == name)
    }
}

/// A mail to send.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SendEmail {
    /// Names the mail.
    pub key: IdempotencyKey,
    /// Where it goes.
    pub to: Recipient,
    /// The language of the text.
    pub locale: Locale,
    /// The facts that the mail tells.
    pub content: Content,
    /// Where one request ends mails like this (RFC 8058): set for marketing, absent for what a customer has to know.
    /// Becomes `List-Unsubscribe` and `List-Unsubscribe-Post`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_unsubscribe: Option<String>,
}

/// An SMS to send.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SendSms {
    /// Names the SMS.
    pub key: IdempotencyKey,
    /// The phone number, in the international form.
    pub to: Recipient,
    /// The language of the text.
    pub locale: Locale,
    /// The facts that the SMS tells.
    pub content: Content,
}

/// A push message to send.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SendPush {
    /// Names the message.
    pub key: IdempotencyKey,
    /// Whose devices it goes to.
    pub user_id: CustomerId,
    /// The language of the text.
    pub locale: Locale,
    /// The facts that the push message tells.
    pub content: Content,
}

/// The outcome of sending a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Delivery {
    /// The sender took it.
    Accepted {
        /// The sender's id of the message, if it gives one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message_id: Option<String>,
    },
    /// The sender will never take it.
    Refused {
        /// The sender's code.
        code: String,
    },
    /// The same, and nothing should be sent to the address any more: the adapter's setting says which refusals do that.
    Bounced {
        /// The sender's code.
        code: String,
    },
    /// Nothing was sent: the shop writes messages of this kind itself, as the adapter's settings say.
    SwitchedOff,
}
