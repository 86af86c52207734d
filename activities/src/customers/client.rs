//! The platform's wire: `/customers` and what hangs below it, `/products/recommendations`.

use contracts::customers::{
    AssignSegments, CreateCustomer, Customer, HomeSection, PersonalizeHome, Recommend, RecommendedProduct,
    Registration, Suppress, Unsubscribe, UpdatePreferences,
};
use contracts::money::Currency;
use contracts::values::{CustomerId, IdempotencyKey, ProductId, Recipient};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::permission::Facts;
use crate::http::wire::money;
use crate::http::{Api, CallError};

pub(super) struct Client {
    api: Api,
}

#[derive(Serialize)]
struct CreateBody<'a> {
    email: &'a str,
    first_name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    last_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date_of_birth: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preferences: Option<&'a Map<String, Value>>,
    marketing_consent: bool,
}

#[derive(Serialize)]
struct StatusBody {
    status: &'static str,
}

#[derive(Serialize)]
struct PreferencesBody<'a> {
    recommendation_settings: RecommendationSettings<'a>,
}

#[derive(Serialize)]
struct RecommendationSettings<'a> {
    categories: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    price_range: Option<&'a str>,
    brands: &'a [String],
}

#[derive(Serialize)]
struct ContentBody<'a> {
    content_type: &'static str,
    sections: &'a [HomeSection],
}

#[derive(Serialize)]
struct SegmentsBody<'a> {
    segments: &'a [String],
}

/// The facts that change; the rest stays.
#[derive(Default, Serialize)]
struct PermissionBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    unsubscribed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suppressed: Option<&'static str>,
}

#[derive(Deserialize)]
struct CustomerBody {
    #[serde(alias = "id")]
    customer_id: CustomerId,
    email: String,
    #[serde(default)]
    first_name: Option<String>,
    #[serde(default)]
    status: Option<String>,
    /// The key that the account was opened under, if it was opened under one.
    #[serde(default)]
    idempotency_key: Option<String>,
}

#[derive(Deserialize)]
struct Recommendations {
    #[serde(default)]
    products: Vec<Product>,
}

#[derive(Deserialize)]
struct Product {
    #[serde(alias = "id")]
    product_id: ProductId,
    name: String,
    #[serde(default)]
    price: Option<Box<RawValue>>,
    #[serde(default)]
    currency: Option<String>,
}

/// The words for an address that has an account already.
const REGISTERED: [&str; 3] = ["EMAIL_ALREADY_REGISTERED", "CUSTOMER_EXISTS", "DUPLICATE_EMAIL"];

impl Client {
    pub(super) fn new(api: Api) -> Self {
        Self { api }
    }

    pub(super) async fn create(&self, customer: &CreateCustomer) -> Result<Registration, CallError> {
        let Ok(email) = text::mail_address(customer.email.reveal()) else {
            return Ok(Registration::Refused { code: "INVALID_EMAIL".to_owned() });
        };
        let body = CreateBody {
            email: &email,
            first_name: &customer.first_name,
            last_name: &customer.last_name,
            phone: customer.phone.as_ref().map(Recipient::reveal),
            date_of_birth: customer.date_of_birth.as_deref(),
            preferences: customer.preferences.as_ref(),
            marketing_consent: customer.marketing_consent,
        };
        let answer = self.api.send(Method::POST, &["customers"], Some(&customer.key), &body).await;
        match answer {
            Ok(created) => Ok(Registration::Created(CustomerBody::into(created))),
            Err(error) => match error.refusal() {
                Some(refusal) if REGISTERED.contains(&refusal.code.as_str()) => {
                    Ok(Registration::AlreadyRegistered)
                }
                Some(refusal) if matches!(refusal.status, 400 | 422) => {
                    Ok(Registration::Refused { code: refusal.code.clone() })
                }
                _ => Err(self.api.of_conflict(error, &[])),
            },
        }
    }

    /// The account that was opened under a key.
    pub(super) async fn find(&self, key: &IdempotencyKey) -> Result<Option<Customer>, CallError> {
        let query = [("idempotency_key", key.as_str())];
        let found: Vec<CustomerBody> = self.api.get(&["customers"], &query).await?;
        let ours = self.api.only_under(key, found, |customer| customer.idempotency_key.as_deref())?;
        Ok(ours.into_iter().next().map(Customer::from))
    }

    /// The active account of an address. A platform that passes over the filter answers with everybody's: only those
    /// with this address count.
    pub(super) async fn find_registered(&self, address: &Recipient) -> Result<Option<Customer>, CallError> {
        let found: Vec<CustomerBody> = self.api.get(&["customers"], &[("email", address.reveal())]).await?;
        let of_address = |customer: &CustomerBody| is_one_mailbox(&customer.email, address.reveal());
        for customer in found.into_iter().filter(of_address) {
            match customer.status.as_deref() {
                None | Some("active") => return Ok(Some(customer.into())),
                Some("incomplete_onboarding" | "closed") => {}
                Some(status) => return Err(self.api.new_word("an account in a state", status)),
            }
        }
        Ok(None)
    }

    /// Idempotent by nature, so it carries no key: a stored answer must not hide a status written since.
    pub(super) async fn mark_incomplete(&self, customer: &CustomerId) -> Result<(), CallError> {
        let body = StatusBody { status: "incomplete_onboarding" };
        let path = ["customers", customer.as_str()];
        self.api.send::<_, Value>(Method::PUT, &path, None, &body).await.map(drop)
    }

    pub(super) async fn update_preferences(&self, wishes: &UpdatePreferences) -> Result<(), CallError> {
        let body = PreferencesBody {
            recommendation_settings: RecommendationSettings {
                categories: &wishes.categories,
                price_range: wishes.price_range.as_deref(),
                brands: &wishes.brands,
            },
        };
        let path = ["customers", wishes.customer_id.as_str(), "preferences"];
        self.write(Method::PUT, &path, &wishes.key, &body).await
    }

    pub(super) async fn personalize_home(&self, home: &PersonalizeHome) -> Result<(), CallError> {
        let body = ContentBody { content_type: "homepage", sections: &home.sections };
        let path = ["customers", home.customer_id.as_str(), "personalized-content"];
        self.write(Method::POST, &path, &home.key, &body).await
    }

    pub(super) async fn assign_segments(&self, segments: &AssignSegments) -> Result<(), CallError> {
        let body = SegmentsBody { segments: &segments.segments };
        let path = ["customers", segments.customer_id.as_str(), "segments"];
        self.write(Method::POST, &path, &segments.key, &body).await
    }

    /// The platform's facts about mail to a customer; `None` when it does not know the customer.
    pub(super) async fn permission(&self, customer: &CustomerId) -> Result<Option<Facts>, CallError> {
        let path = ["customers", customer.as_str(), "mail-permission"];
        match self.api.get(&path, &[]).await {
            Ok(facts) => Ok(Some(facts)),
            Err(error) if error.refusal().is_some_and(|refusal| refusal.status == 404) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn unsubscribe(&self, customer: &Unsubscribe) -> Result<(), CallError> {
        let body = PermissionBody { unsubscribed: Some(true), ..PermissionBody::default() };
        self.permit(&customer.customer_id, &customer.key, &body).await
    }

    pub(super) async fn suppress(&self, customer: &Suppress) -> Result<(), CallError> {
        let body = PermissionBody { suppressed: Some("bounce"), ..PermissionBody::default() };
        self.permit(&customer.customer_id, &customer.key, &body).await
    }

    /// A customer that the platform does not know (any more) gets no mail either.
    async fn permit(
        &self,
        customer: &CustomerId,
        key: &IdempotencyKey,
        body: &PermissionBody,
    ) -> Result<(), CallError> {
        let path = ["customers", customer.as_str(), "mail-permission"];
        match self.write(Method::PUT, &path, key, body).await {
            Err(error) if error.refusal().is_some_and(|refusal| refusal.status == 404) => Ok(()),
            answer => answer,
        }
    }

    async fn write(
        &self,
        method: Method,
        path: &[&str],
        key: &IdempotencyKey,
        body: &impl Serialize,
    ) -> Result<(), CallError> {
        let answer = self.api.send::<_, Value>(method, path, Some(key), body).await;
        answer.map(drop).map_err(|error| self.api.of_conflict(error, &[]))
    }

    pub(super) async fn recommend(&self, wish: &Recommend) -> Result<Vec<RecommendedProduct>, CallError> {
        let limit = wish.limit.to_string();
        let query =
            [("customer_id", wish.customer_id.as_str()), ("type", "onboarding"), ("limit", limit.as_str())];
        let found: Recommendations = self.api.get(&["products", "recommendations"], &query).await?;
        let most = usize::try_from(wish.limit).unwrap_or(usize::MAX);
        Ok(found.products.into_iter().take(most).map(RecommendedProduct::from).collect())
    }
}

/// Whether two spellings are one mailbox. Case counts for none: the platform keeps one account of an address without
/// regard to it.
fn is_one_mailbox(one: &str, other: &str) -> bool {
    let spelt = |address: &str| text::mail_address(address).unwrap_or_else(|_| address.to_owned());
    spelt(one).to_lowercase() == spelt(other).to_lowercase()
}

impl From<CustomerBody> for Customer {
    fn from(body: CustomerBody) -> Self {
        let CustomerBody { customer_id, email, first_name, .. } = body;
        // An address that the platform took long ago may be one that no door takes today: it stays as it is.
        let email = text::mail_address(&email).unwrap_or(email);
        Self { customer_id, email: Recipient::new(email), first_name: first_name.unwrap_or_default() }
    }
}

impl From<Product> for RecommendedProduct {
    /// A price whose currency is not known is left out rather than guessed.
    fn from(product: Product) -> Self {
        let currency = product.currency.as_deref().and_then(Currency::from_code);
        let price = currency.zip(product.price).and_then(|(currency, price)| money(&price, currency));
        Self { product_id: product.product_id, name: product.name, price }
    }
}
