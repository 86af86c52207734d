//! The platform's wire: `/orders/{id}/validate`, `/events`; `/orders/{id}` is in `known` and `update`.

use contracts::commerce::{
    CustomerOnboarded, OrderCheck, OrderCompleted, OrderLine, OrderProblem, OrderValidation, ValidateOrder,
};
use contracts::values::{Address, IdempotencyKey};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::known::{CLOSED, KnownOrder, OPEN};
use crate::http::wire::{Amount, amount, unit_price};
use crate::http::{Api, CallError};

pub(super) struct Client {
    pub(super) api: Api,
}

#[derive(Serialize)]
struct ValidateBody<'a> {
    checks: &'a [OrderCheck],
    customer_id: &'a str,
    customer_email: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_phone: Option<&'a str>,
    items: Vec<Line<'a>>,
    total_amount: Amount,
    currency: &'static str,
    shipping_fee: Amount,
    discount: Amount,
    tax: Amount,
    payment_method: MethodBody,
    shipping_address: &'a Address,
    shipping_method: &'a str,
}

#[derive(Serialize)]
struct MethodBody {
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
struct Line<'a> {
    product_id: &'a str,
    variant_id: &'a str,
    product_name: &'a str,
    quantity: u32,
    price: Amount,
}

impl<'a> Line<'a> {
    fn of(line: &'a OrderLine) -> Self {
        Self {
            product_id: line.product_id.as_str(),
            variant_id: line.variant_id.as_str(),
            product_name: &line.product_name,
            quantity: line.quantity,
            price: unit_price(line.price),
        }
    }
}

#[derive(Deserialize)]
struct Verdict {
    is_valid: bool,
    #[serde(default)]
    errors: Vec<VerdictError>,
}

/// The platform documents `errors` without saying of what: an object is read by field, a text as its message.
#[derive(Deserialize)]
#[serde(untagged)]
enum VerdictError {
    Named {
        #[serde(default)]
        check: String,
        #[serde(default)]
        field: String,
        #[serde(default)]
        message: String,
        #[serde(default)]
        variant_id: Option<String>,
    },
    Text(String),
}

#[derive(Serialize)]
struct EventBody<'a> {
    event_type: &'static str,
    customer_id: &'a str,
    order_id: &'a str,
    revenue: Amount,
    currency: &'static str,
    items: Vec<SoldLine<'a>>,
}

#[derive(Serialize)]
struct OnboardedBody<'a> {
    event_type: &'static str,
    customer_id: &'a str,
    properties: OnboardedProperties<'a>,
}

#[derive(Serialize)]
struct OnboardedProperties<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    onboarding_source: Option<&'a str>,
    interests: &'a [String],
    marketing_consent: bool,
    completion_time: i64,
}

#[derive(Serialize)]
struct SoldLine<'a> {
    product_id: &'a str,
    quantity: u32,
    revenue: Amount,
}

impl Client {
    pub(super) fn new(api: Api) -> Self {
        Self { api }
    }

    /// Why an order that the platform knows may not go ahead: it is somebody else's, or has had its process.
    fn objection(
        &self,
        known: &KnownOrder,
        order: &ValidateOrder,
    ) -> Result<Option<OrderProblem>, CallError> {
        let (check, message) = match known.status.as_str() {
            _ if known.is_of_another_than(&order.customer_id) => {
                (OrderValidation::ANOTHER_CUSTOMERS.to_owned(), "belongs to another customer".to_owned())
            }
            open if OPEN.contains(&open) => return Ok(None),
            closed if CLOSED.contains(&closed) => (
                format!("{}{closed}", OrderValidation::HELD_AS),
                format!("the shop holds this number as {closed}"),
            ),
            other => return Err(self.new_state(other)),
        };
        Ok(Some(OrderProblem { check, field: "order_id".to_owned(), message, variant_id: None }))
    }

    pub(super) async fn validate(&self, order: &ValidateOrder) -> Result<OrderValidation, CallError> {
        // Before the question, which makes an unknown order known.
        let known = self.known(&order.order_id).await?;
        if let Some(known) = &known
            && let Some(objection) = self.objection(known, order)?
        {
            return Ok(OrderValidation::Invalid { problems: vec![objection], was_known: true });
        }
        let body = ValidateBody {
            checks: &order.checks,
            customer_id: order.customer_id.as_str(),
            customer_email: order.customer_email.reveal(),
            customer_phone: order.customer_phone.as_ref().map(|phone| phone.reveal()),
            items: order.items.iter().map(Line::of).collect(),
            total_amount: amount(order.total),
            currency: order.total.currency().code(),
            shipping_fee: amount(order.shipping_fee),
            discount: amount(order.discount),
            tax: amount(order.tax),
            payment_method: MethodBody { kind: order.payment_kind.name() },
            shipping_address: &order.shipping_address,
            shipping_method: &order.shipping_method,
        };
        let path = ["orders", order.order_id.as_str(), "validate"];
        let verdict: Verdict = self.api.send(Method::POST, &path, None, &body).await?;
        if verdict.is_valid {
            return Ok(OrderValidation::Valid { was_known: known.is_some() });
        }
        let mut problems: Vec<OrderProblem> = verdict.errors.into_iter().map(OrderProblem::from).collect();
        if problems.is_empty() {
            problems.push(VerdictError::Text("no reason given".to_owned()).into());
        }
        Ok(OrderValidation::Invalid { problems, was_known: known.is_some() })
    }

    pub(super) async fn track(&self, event: &OrderCompleted) -> Result<(), CallError> {
        let items = event
            .items
            .iter()
            .map(|line| SoldLine {
                product_id: line.product_id.as_str(),
                quantity: line.quantity,
                // The order was checked to fit when it came in.
                revenue: amount(line.total().unwrap_or(event.revenue)),
            })
            .collect();
        let body = EventBody {
            event_type: "order_completed",
            customer_id: event.customer_id.as_str(),
            order_id: event.order_id.as_str(),
            revenue: amount(event.revenue),
            currency: event.revenue.currency().code(),
            items,
        };
        self.count(&event.key, &body).await
    }

    pub(super) async fn track_onboarded(&self, event: &CustomerOnboarded) -> Result<(), CallError> {
        let body = OnboardedBody {
            event_type: "customer_onboarded",
            customer_id: event.customer_id.as_str(),
            properties: OnboardedProperties {
                onboarding_source: event.onboarding_source.as_deref(),
                interests: &event.interests,
                marketing_consent: event.marketing_consent,
                completion_time: event.completion_time,
            },
        };
        self.count(&event.key, &body).await
    }

    async fn count(&self, key: &IdempotencyKey, event: &impl Serialize) -> Result<(), CallError> {
        let answer = self.api.send::<_, Value>(Method::POST, &["events"], Some(key), event).await;
        answer.map(drop).map_err(|error| self.api.of_conflict(error, &[]))
    }
}

impl From<VerdictError> for OrderProblem {
    fn from(error: VerdictError) -> Self {
        let or_unnamed = |text: String| if text.is_empty() { "unnamed".to_owned() } else { text };
        match error {
            VerdictError::Named { check, field, message, variant_id } => {
                Self { check: or_unnamed(check), field: or_unnamed(field), message, variant_id }
            }
            VerdictError::Text(message) => {
                Self { check: "unnamed".to_owned(), field: "order".to_owned(), message, variant_id: None }
            }
        }
    }
}
