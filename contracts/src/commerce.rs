//! The commerce platform: orders and events.

#![expect(
    missing_docs,
    clippy::unimplemented,
    reason = "activity_definitions wants this body and generates markers without docs; everything else has them"
)]

use serde::{Deserialize, Serialize};
use temporalio_macros::activity_definitions;

use crate::money::{Money, UnitPrice};
use crate::payment::{CustomerAction, PaymentKind};
use crate::values::{Address, CustomerId, IdempotencyKey, OrderId, ProductId, Recipient, VariantId};

/// The platform's activities.
pub struct Commerce;

#[activity_definitions]
impl Commerce {
    /// Asks the platform whether an order may go ahead. Reads (and lets the platform note an unknown order). An order
    /// that the platform holds as another customer's, or no longer as open, may not.
    #[activity(name = "commerce.validate_order")]
    pub fn validate_order(input: ValidateOrder) -> OrderValidation {
        unimplemented!()
    }

    /// Writes an order's state, unless the shop has it, or has gone on from it. The order is read first. That an order
    /// has ended which the shop goes on with is refused (`held_as_…`).
    #[activity(name = "commerce.update_order")]
    pub fn update_order(input: UpdateOrder) {
        unimplemented!()
    }

    /// Writes how the money of an order ended, and leaves its state as it is. The same fields: the same state.
    #[activity(name = "commerce.update_payment")]
    pub fn update_payment(input: UpdatePayment) {
        unimplemented!()
    }

    /// Reports a business event to the platform's analytics.
    #[activity(name = "commerce.track_order_completed")]
    pub fn track_order_completed(input: OrderCompleted) {
        unimplemented!()
    }

    /// Reports to the platform's analytics that a customer was onboarded.
    #[activity(name = "commerce.track_customer_onboarded")]
    pub fn track_customer_onboarded(input: CustomerOnboarded) {
        unimplemented!()
    }
}

/// The generated markers that an implementation points at.
pub mod defs {
    pub use super::commerce::*;
}

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderLine {
    /// The product.
    pub product_id: ProductId,
    /// The name the customer sees.
    pub product_name: String,
    /// The stocked variant; a product without variants is its own.
    pub variant_id: VariantId,
    /// Pieces, above zero.
    pub quantity: u32,
    /// Price of one piece, which may be finer than the currency's coin.
    pub price: UnitPrice,
}

impl OrderLine {
    /// The price of the line: price × quantity, rounded half up to the coin; `None` when it does not fit.
    #[must_use]
    pub fn total(&self) -> Option<Money> {
        self.price.times(self.quantity)
    }
}

/// The question put to the platform by `validate-order`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValidateOrder {
    /// The order.
    pub order_id: OrderId,
    /// Which of the platform's checks to run.
    pub checks: Vec<OrderCheck>,
    /// The buyer.
    pub customer_id: CustomerId,
    /// Where the confirmation goes.
    pub customer_email: Recipient,
    /// A phone for SMS, if given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_phone: Option<Recipient>,
    /// The lines of the order, at least one.
    pub items: Vec<OrderLine>,
    /// The price the customer pays: items + fee + tax − discount.
    pub total: Money,
    /// Added for shipping.
    pub shipping_fee: Money,
    /// Taken off.
    pub discount: Money,
    /// Added for tax.
    pub tax: Money,
    /// How it is paid; the token stays out of this request.
    pub payment_kind: PaymentKind,
    /// Where it goes.
    pub shipping_address: Address,
    /// How it goes, in the shop's words (`standard`, `express`).
    pub shipping_method: String,
}

/// The platform's checks, with its own names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderCheck {
    /// The lines are sold and available.
    InventoryAvailability,
    /// Prices and total are the shop's.
    PricingAccuracy,
    /// The customer may buy.
    CustomerEligibility,
    /// The address is served.
    ShippingAddress,
    /// The payment method is accepted.
    PaymentMethod,
}

impl OrderCheck {
    /// The seed's five checks, in its order.
    pub const ALL: [Self; 5] = [
        Self::InventoryAvailability,
        Self::PricingAccuracy,
        Self::CustomerEligibility,
        Self::ShippingAddress,
        Self::PaymentMethod,
    ];
}

/// The platform's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum OrderValidation {
    /// Go ahead.
    Valid {
        /// Whether the platform knew the order before it was asked: then a process that nobody remembers may have
        /// charged it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        was_known: bool,
    },
    /// Do not, and why.
    Invalid {
        /// At least one.
        problems: Vec<OrderProblem>,
        /// Whether the platform knew the order before it was asked.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        was_known: bool,
    },
}

impl OrderValidation {
    /// The check that fails where the number is another customer's.
    pub const ANOTHER_CUSTOMERS: &str = "another_customers";
    /// The beginning of the check that fails where the number has had its process: its state follows.
    pub const HELD_AS: &str = "held_as_";
}

/// One reason why the platform refuses an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderProblem {
    /// Which check failed, in the platform's words.
    pub check: String,
    /// Which field is meant, in the platform's words.
    pub field: String,
    /// The platform's words; they may hold personal data, so they stay in payloads.
    pub message: String,
    /// The variant it is about, if it is about a line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant_id: Option<String>,
}

impl OrderProblem {
    /// Whether the number itself is refused: it is another customer's, or has had its process.
    #[must_use]
    pub fn is_of_the_number(&self) -> bool {
        self.check == OrderValidation::ANOTHER_CUSTOMERS || self.check.starts_with(OrderValidation::HELD_AS)
    }
}

/// A change of an order's state. A field that is `None` stays as it is, but for `only_over` and
/// `may_become_known`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UpdateOrder {
    /// Names this change.
    pub key: IdempotencyKey,
    /// The order.
    pub order_id: OrderId,
    /// Its new state.
    pub status: OrderStatus,
    /// Written only over an order of this customer that is still open; over anything else, and where there is no order,
    /// nothing is written. For a run that has begun nothing: the order may be another customer's, or an older one. And
    /// for a state that others follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_over: Option<CustomerId>,
    /// With `only_over`: the shop's check of the order was cut off, and may make the order known yet. That it is not is
    /// believed at a second look.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub may_become_known: bool,
    /// The action that the customer has to take, of an order that waits for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_action: Option<CustomerAction>,
    /// The state of the money, if it changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_status: Option<PaymentStatus>,
    /// The provider's id of the payment, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<String>,
    /// The provider's ids of the refunds that were made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refund_ids: Vec<String>,
    /// The state of the parcel, if it changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipping_status: Option<ShippingStatus>,
    /// The carrier's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking_number: Option<String>,
    /// When it should arrive, as the carrier says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_delivery: Option<String>,
    /// Why it ended without delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_reason: Option<String>,
}

/// How the money of an order ended, for a shop that knows how the order did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdatePayment {
    /// Names this change.
    pub key: IdempotencyKey,
    /// The order.
    pub order_id: OrderId,
    /// Where the money stands.
    pub payment_status: PaymentStatus,
    /// The provider's id of the payment, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<String>,
    /// The provider's ids of the refunds that were made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refund_ids: Vec<String>,
}

/// The states a process gives an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// Reserved; the customer has to act before the payment settles.
    AwaitingPayment,
    /// Reserved, paid (or to be paid on delivery) and with a label.
    Confirmed,
    /// Ended by a refusal or an outage; everything undone.
    Failed,
    /// Ended because somebody asked; everything undone.
    Cancelled,
    /// Ended because the payment did not settle in time; everything undone.
    Expired,
}

/// The state of an order's money, as the shop shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// No money yet, and it may still come: to be collected on delivery, or a customer or a bank has it in hand.
    Pending,
    /// No money was taken: nothing was charged, or the charge was declined.
    Unpaid,
    /// A payment was begun, and taken back before any money came.
    Voided,
    /// Captured, and all of it is here.
    Paid,
    /// Captured, and a part of it went back.
    PartiallyRefunded,
    /// Captured, and all of it went back.
    Refunded,
}

impl PaymentStatus {
    /// Every status.
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::Unpaid, Self::Voided, Self::Paid, Self::PartiallyRefunded, Self::Refunded];

    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Unpaid => "unpaid",
            Self::Voided => "voided",
            Self::Paid => "paid",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Refunded => "refunded",
        }
    }
}

/// The state of an order's parcel, as the shop shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShippingStatus {
    /// A label exists; not handed over yet.
    Pending,
}

/// The seed's `order_completed` event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderCompleted {
    /// Names this event.
    pub key: IdempotencyKey,
    /// The order.
    pub order_id: OrderId,
    /// The buyer.
    pub customer_id: CustomerId,
    /// The price the customer paid, or will pay on delivery.
    pub revenue: Money,
    /// The lines of the order.
    pub items: Vec<OrderLine>,
}

/// The seed's `customer_onboarded` event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerOnboarded {
    /// Names this event.
    pub key: IdempotencyKey,
    /// The customer.
    pub customer_id: CustomerId,
    /// Where the customer came from, in the shop's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onboarding_source: Option<String>,
    /// Interests the customer named at the registration.
    pub interests: Vec<String>,
    /// Whether the customer agreed to marketing.
    pub marketing_consent: bool,
    /// Milliseconds of workflow time from the start to now.
    pub completion_time: i64,
}
