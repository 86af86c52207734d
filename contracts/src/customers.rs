//! The platform's customers: accounts, preferences, the home page, segments, and whether a mail may be sent.

#![expect(
    missing_docs,
    clippy::unimplemented,
    reason = "activity_definitions wants this body and generates markers without docs; everything else has them"
)]

mod mails;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use temporalio_macros::activity_definitions;

use crate::money::Money;
use crate::values::{CustomerId, CustomerRef, IdempotencyKey, ProductId, Recipient};
pub use mails::{KeptBack, MailVerdict, MayMail, MayWelcome, WelcomeVerdict};

/// The customer activities.
pub struct Customers;

#[activity_definitions]
impl Customers {
    /// Whether a pseudonym is the one of an address. Asks nobody: the worker knows the key.
    #[activity(name = "customers.check_ref")]
    pub fn check_ref(input: CheckRef) -> bool {
        unimplemented!()
    }

    /// Opens an account, once per key. An address that is registered already is a value.
    #[activity(name = "customers.create")]
    pub fn create(input: CreateCustomer) -> Registration {
        unimplemented!()
    }

    /// Looks for the account opened under a key; `None` when there is none.
    #[activity(name = "customers.find")]
    pub fn find(input: AccountRef) -> Option<Registration> {
        unimplemented!()
    }

    /// Looks for the active account of an address, whoever opened it; `None` when there is none, or it is closed.
    #[activity(name = "customers.find_registered")]
    pub fn find_registered(input: RegisteredAddress) -> Option<Customer> {
        unimplemented!()
    }

    /// Undoes [`Customers::create`]: marks the account `incomplete_onboarding`. Nothing there is success.
    #[activity(name = "customers.mark_incomplete")]
    pub fn mark_incomplete(input: AccountRef) {
        unimplemented!()
    }

    /// Writes what the customer wants recommended. The same fields: the same state.
    #[activity(name = "customers.update_preferences")]
    pub fn update_preferences(input: UpdatePreferences) {
        unimplemented!()
    }

    /// Lays out the customer's own home page. The same sections: the same page.
    #[activity(name = "customers.personalize_home")]
    pub fn personalize_home(input: PersonalizeHome) {
        unimplemented!()
    }

    /// Adds the customer to segments. One that holds the customer already stays.
    #[activity(name = "customers.assign_segments")]
    pub fn assign_segments(input: AssignSegments) {
        unimplemented!()
    }

    /// Whether a marketing mail may be sent to a customer at this moment.
    #[activity(name = "customers.may_mail")]
    pub fn may_mail(input: MayMail) -> MailVerdict {
        unimplemented!()
    }

    /// Asks whether a customer may be welcomed by mail, and whether the mail may promote anything.
    #[activity(name = "customers.may_welcome")]
    pub fn may_welcome(input: MayWelcome) -> WelcomeVerdict {
        unimplemented!()
    }

    /// Writes down that a customer wants no more marketing mail. Saying it again changes nothing.
    #[activity(name = "customers.unsubscribe")]
    pub fn unsubscribe(input: Unsubscribe) {
        unimplemented!()
    }

    /// Writes down that mail to a customer bounces. Saying it again changes nothing.
    #[activity(name = "customers.suppress")]
    pub fn suppress(input: Suppress) {
        unimplemented!()
    }

    /// The platform's recommendations to a customer, as of now.
    #[activity(name = "customers.recommend")]
    pub fn recommend(input: Recommend) -> Vec<RecommendedProduct> {
        unimplemented!()
    }
}

/// The generated markers that an implementation points at.
pub mod defs {
    pub use super::customers::*;
}

/// The question of [`Customers::check_ref`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRef {
    /// The pseudonym that the run is named by.
    pub customer_ref: CustomerRef,
    /// The address that it should stand for.
    pub email: Recipient,
}

/// A request for an account. Personal data; `Debug` does not show it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct CreateCustomer {
    /// Names the account.
    pub key: IdempotencyKey,
    /// The mail address.
    pub email: Recipient,
    /// As the customer wrote it.
    pub first_name: String,
    /// As the customer wrote it; empty for a person with one name.
    pub last_name: String,
    /// In the international form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Recipient>,
    /// `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_of_birth: Option<String>,
    /// Whatever the shop's registration form asked, unread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferences: Option<Map<String, Value>>,
    /// Whether the customer agreed to marketing.
    pub marketing_consent: bool,
}

impl fmt::Debug for CreateCustomer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreateCustomer").field("key", &self.key).finish_non_exhaustive()
    }
}

/// The outcome of a request for an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Registration {
    /// The account is open.
    Created(Customer),
    /// The address has an account that somebody else's request opened.
    AlreadyRegistered,
    /// The platform does not take it.
    Refused {
        /// The platform's code.
        code: String,
    },
}

/// An account. Personal data; `Debug` shows the id alone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    /// The platform's id.
    pub customer_id: CustomerId,
    /// The mail address.
    pub email: Recipient,
    /// As the customer wrote it.
    pub first_name: String,
}

impl fmt::Debug for Customer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Customer").field("customer_id", &self.customer_id).finish_non_exhaustive()
    }
}

/// Names the account opened under a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRef {
    /// The account's key.
    pub key: IdempotencyKey,
}

/// Names the account of an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisteredAddress {
    /// The mail address.
    pub email: Recipient,
}

/// Categories and brands a customer wants recommended: the seed's `recommendation_settings`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdatePreferences {
    /// Names this change.
    pub key: IdempotencyKey,
    /// The customer.
    pub customer_id: CustomerId,
    /// Categories of products.
    pub categories: Vec<String>,
    /// The shop's word for a range of prices: `medium`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_range: Option<String>,
    /// Brands.
    pub brands: Vec<String>,
}

/// A home page of one's own: the seed's three sections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonalizeHome {
    /// Names this change.
    pub key: IdempotencyKey,
    /// The customer.
    pub customer_id: CustomerId,
    /// From top to bottom.
    pub sections: Vec<HomeSection>,
}

/// One section of a home page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum HomeSection {
    /// A banner.
    HeroBanner {
        /// The banner's name, in the shop's words.
        content: String,
    },
    /// Products for this customer.
    ProductRecommendations {
        /// Where they come from.
        source: String,
    },
    /// Categories to look at.
    CategoryHighlights {
        /// Their names, in the shop's words.
        categories: Vec<String>,
    },
}

/// Segments for a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssignSegments {
    /// Names this change.
    pub key: IdempotencyKey,
    /// The customer.
    pub customer_id: CustomerId,
    /// `new_customer`, `interested_in_electronics`, …
    pub segments: Vec<String>,
}

/// The customer wants no more marketing mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsubscribe {
    /// Names this change.
    pub key: IdempotencyKey,
    /// The customer.
    pub customer_id: CustomerId,
}

/// There is no mailbox at the customer's address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppress {
    /// Names this change.
    pub key: IdempotencyKey,
    /// The customer.
    pub customer_id: CustomerId,
}

/// A question for recommendations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recommend {
    /// The customer.
    pub customer_id: CustomerId,
    /// Products at most.
    pub limit: u32,
}

/// A product that is recommended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecommendedProduct {
    /// The product.
    pub product_id: ProductId,
    /// The name the customer sees.
    pub name: String,
    /// The price now, if the platform says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
}
