//! The platform's wire: `/orders/{id}/validate`, `/orders/{id}`, `/events`.

use contracts::commerce::{
    CustomerOnboarded, OrderCheck, OrderCompleted, OrderLine, OrderProblem, OrderStatus, OrderValidation,
    PaymentStatus, ShippingStatus, UpdateOrder, ValidateOrder,
};
use contracts::payment::CustomerAction;
use contracts::values::{Address, CustomerId, OrderId};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::http::wire::{Amount, amount, unit_price};
use crate::http::{Api, CallError, NOT_FOUND};

pub(super) struct Client {
    api: Api,
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

/// An order as the platform holds it.
#[derive(Deserialize)]
struct KnownOrder {
    /// A text or a number; none for an order without an account.
    #[serde(default)]
    customer_id: Option<Value>,
    status: String,
}

/// The states in which an order waits for its process.
const OPEN: [&str; 2] = ["pending", "awaiting_payment"];
/// Those that a confirmed order has in the shop.
const CONFIRMED: [&str; 5] = ["confirmed", "processing", "shipped", "delivered", "completed"];
/// Those in which it has had a process.
const CLOSED: [&str; 9] = [
    "confirmed",
    "processing",
    "shipped",
    "delivered",
    "completed",
    "refunded",
    "failed",
    "cancelled",
    "expired",
];

/// Those of an order that waits for its payment, or has gone on since.
const WAITING: [&str; 10] = [
    "awaiting_payment",
    "confirmed",
    "processing",
    "shipped",
    "delivered",
    "completed",
    "refunded",
    "failed",
    "cancelled",
    "expired",
];

/// The states in the shop that an order has come to once it was told one, or has gone on to since.
fn reached(told: OrderStatus) -> &'static [&'static str] {
    match told {
        OrderStatus::AwaitingPayment => &WAITING,
        OrderStatus::Confirmed => &CONFIRMED,
        OrderStatus::Failed | OrderStatus::Cancelled | OrderStatus::Expired => &CLOSED,
    }
}

/// The platform's answer to a word about an order.
#[derive(Deserialize)]
struct WrittenOrder {
    #[serde(default)]
    status: Value,
}

impl KnownOrder {
    fn is_of_another_than(&self, customer: &CustomerId) -> bool {
        let id = match &self.customer_id {
            None | Some(Value::Null) => return false,
            Some(Value::String(id)) => id.clone(),
            Some(number) => number.to_string(),
        };
        id != customer.as_str()
    }

    fn is_among(&self, states: &[&str]) -> bool {
        states.contains(&self.status.as_str())
    }
}

#[derive(Serialize)]
struct UpdateBody<'a> {
    status: OrderStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_action: Option<&'a CustomerAction>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_status: Option<PaymentStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shipping_status: Option<ShippingStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tracking_number: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    estimated_delivery: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_reason: Option<&'a str>,
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

    /// The order as the platform holds it; `None`: it knows none of that number.
    async fn known(&self, order_id: &OrderId) -> Result<Option<KnownOrder>, CallError> {
        match self.api.get(&["orders", order_id.as_str()], &[]).await {
            Ok(known) => Ok(Some(known)),
            Err(error) => match error.refusal() {
                Some(refusal) if refusal.status == 404 && refusal.code == NOT_FOUND => Ok(None),
                _ => Err(error),
            },
        }
    }

    /// Why an order that the platform knows may not go ahead: it is somebody else's, or has had its process.
    fn objection(
        &self,
        known: &KnownOrder,
        order: &ValidateOrder,
    ) -> Result<Option<OrderProblem>, CallError> {
        let (check, message) = match known.status.as_str() {
            _ if known.is_of_another_than(&order.customer_id) => {
                ("another_customers".to_owned(), "belongs to another customer".to_owned())
            }
            open if OPEN.contains(&open) => return Ok(None),
            closed if CLOSED.contains(&closed) => {
                (format!("held_as_{closed}"), format!("the shop holds this number as {closed}"))
            }
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
            return Ok(OrderValidation::Invalid { problems: vec![objection] });
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
        Ok(OrderValidation::Invalid { problems })
    }

    fn new_state(&self, state: &str) -> CallError {
        self.api.new_word("an order in a state", state)
    }

    /// Whether a state need not be written. The order is read first where it may only be written over an open one of
    /// one customer, and by a repeated attempt, whose first request may have landed long ago: the shop has gone on
    /// since, and the platform has no conditional update.
    async fn is_told(&self, order: &UpdateOrder, is_repeated: bool) -> Result<bool, CallError> {
        if order.only_over.is_none() && !is_repeated {
            return Ok(false);
        }
        let Some(known) = self.known(&order.order_id).await? else { return Ok(order.only_over.is_some()) };
        if order.only_over.as_ref().is_some_and(|customer| known.is_of_another_than(customer)) {
            return Ok(true);
        }
        match known.status.as_str() {
            // That the parcel is under way has to be known, whatever the shop made of the order meanwhile.
            _ if order.status == OrderStatus::Confirmed => Ok(known.is_among(&CONFIRMED)),
            _ if known.is_among(&OPEN) => Ok(false),
            _ if known.is_among(&CLOSED) => Ok(true),
            other => Err(self.new_state(other)),
        }
    }

    /// Writes a state, unless the shop has it already.
    pub(super) async fn update(&self, order: &UpdateOrder, is_repeated: bool) -> Result<(), CallError> {
        if self.is_told(order, is_repeated).await? {
            return Ok(());
        }
        let body = UpdateBody {
            status: order.status,
            payment_action: order.payment_action.as_ref(),
            payment_status: order.payment_status,
            shipping_status: order.shipping_status,
            tracking_number: order.tracking_number.as_deref(),
            estimated_delivery: order.estimated_delivery.as_deref(),
            failure_reason: order.failure_reason.as_deref(),
        };
        let path = ["orders", order.order_id.as_str()];
        // Without a key: the same fields twice are the same state, and a stored 500 would be repeated for ever.
        let written: Option<WrittenOrder> = self.api.send(Method::PUT, &path, None, &body).await?;
        let state = written.as_ref().and_then(|written| written.status.as_str());
        if state.is_some_and(|state| reached(order.status).contains(&state)) {
            return Ok(());
        }
        self.is_written(order).await
    }

    /// The answer did not name the state that was written: the order does.
    async fn is_written(&self, order: &UpdateOrder) -> Result<(), CallError> {
        let held = match self.known(&order.order_id).await? {
            Some(known) if known.is_among(reached(order.status)) => return Ok(()),
            Some(known) if known.is_among(&OPEN) || known.is_among(&CLOSED) => known.status,
            Some(known) => return Err(self.new_state(&known.status)),
            None => "unknown".to_owned(),
        };
        let why =
            format!("an answer that does not name the order's new state, and the order is held as {held}");
        Err(self.api.unknown(why))
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
        self.api.send::<_, Value>(Method::POST, &["events"], Some(&event.key), &body).await.map(drop)
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
        self.api.send::<_, Value>(Method::POST, &["events"], Some(&event.key), &body).await.map(drop)
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
