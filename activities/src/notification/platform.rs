//! The platform's message senders: `/notifications/email`, `/notifications/sms`, `/notifications/push`. Mails and SMS
//! can go by another provider; push messages go this way always.

use contracts::commerce::OrderLine;
use contracts::customers::RecommendedProduct;
use contracts::notification::{Content, Delivery, SendEmail, SendPush, SendSms};
use contracts::payment::CustomerAction;
use contracts::values::IdempotencyKey;
use messages::{EmailText, PushText};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use text::Problem;

use crate::http::wire::{Amount, amount, unit_price};
use crate::http::{Api, CallError};
use crate::provider::Given;

/// The system's name, for failure texts.
pub(super) const SYSTEM: &str = "notification";

/// The platform's message senders; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Senders {
    api: Api,
}

/// The senders as a provider of mails or SMS: they are where push messages go, too.
pub(super) fn open(given: &Given<'_>) -> Result<Senders, Vec<Problem>> {
    let endpoint = given.home.cloned().ok_or_else(Vec::new)?;
    let api = Api::new(endpoint).map_err(|error| vec![error.of("SUN_NOTIFICATION_API_TOKEN")])?;
    Ok(Senders::new(api))
}

#[derive(Serialize)]
struct EmailBody<'a> {
    to: &'a str,
    template: &'static str,
    locale: &'static str,
    subject: &'a str,
    text: &'a str,
    html: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<Headers>,
    data: EmailData<'a>,
}

/// The seed's data of each template.
#[derive(Serialize)]
#[serde(untagged)]
enum EmailData<'a> {
    OrderConfirmation {
        order_id: &'a str,
        items: Vec<Item<'a>>,
        total_amount: Amount,
        tracking_number: &'a str,
    },
    OrderAwaitingPayment {
        order_id: &'a str,
        total_amount: Amount,
        currency: &'static str,
        payment_action: &'a CustomerAction,
        held_minutes: u64,
    },
    /// An order that was not paid: declined, or expired.
    OrderUnpaid {
        order_id: &'a str,
        total_amount: Amount,
        currency: &'static str,
    },
    OrderCancelled {
        order_id: &'a str,
    },
    OrderRefunded {
        order_id: &'a str,
        amount: Amount,
        currency: &'static str,
    },
    Welcome {
        first_name: &'a str,
        loyalty_points: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        welcome_discount_code: Option<&'a str>,
    },
    OnboardingTips {
        first_name: &'a str,
    },
    ProductRecommendations {
        first_name: &'a str,
        recommendations: Vec<Recommendation<'a>>,
    },
    PricesUpdated {
        batch_id: &'a str,
        rows: u64,
        applied: u64,
        unchanged: u64,
        conflicts: u64,
        refused: u64,
        invalid: u64,
    },
}

#[derive(Serialize)]
struct Recommendation<'a> {
    product_id: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<&'static str>,
}

/// Mail headers that the sender has to set.
#[derive(Serialize)]
struct Headers {
    #[serde(rename = "List-Unsubscribe")]
    list_unsubscribe: String,
    #[serde(rename = "List-Unsubscribe-Post", skip_serializing_if = "Option::is_none")]
    list_unsubscribe_post: Option<&'static str>,
}

impl Headers {
    /// One click, without a question: RFC 8058, which wants it over https.
    fn one_click(url: &str) -> Self {
        let post = url.starts_with("https:").then_some("List-Unsubscribe=One-Click");
        Self { list_unsubscribe: format!("<{url}>"), list_unsubscribe_post: post }
    }
}

impl<'a> EmailData<'a> {
    fn of(content: &'a Content) -> Self {
        match content {
            Content::OrderConfirmation { order_id, items, total_amount, tracking_number } => {
                Self::OrderConfirmation {
                    order_id: order_id.as_str(),
                    items: items.iter().map(Item::of).collect(),
                    total_amount: amount(*total_amount),
                    tracking_number,
                }
            }
            Content::OrderAwaitingPayment { order_id, total_amount, action, held_minutes } => {
                Self::OrderAwaitingPayment {
                    order_id: order_id.as_str(),
                    total_amount: amount(*total_amount),
                    currency: total_amount.currency().code(),
                    payment_action: action,
                    held_minutes: *held_minutes,
                }
            }
            Content::OrderDeclined { order_id, total_amount }
            | Content::OrderExpired { order_id, total_amount } => Self::OrderUnpaid {
                order_id: order_id.as_str(),
                total_amount: amount(*total_amount),
                currency: total_amount.currency().code(),
            },
            Content::OrderCancelled { order_id } => Self::OrderCancelled { order_id: order_id.as_str() },
            Content::OrderRefunded { order_id, amount: refunded } => Self::OrderRefunded {
                order_id: order_id.as_str(),
                amount: amount(*refunded),
                currency: refunded.currency().code(),
            },
            Content::Welcome { first_name, loyalty_points, welcome_discount_code } => Self::Welcome {
                first_name,
                loyalty_points: *loyalty_points,
                welcome_discount_code: welcome_discount_code.as_deref(),
            },
            Content::OnboardingTips { first_name } => Self::OnboardingTips { first_name },
            Content::PricesUpdated { batch_id, rows, applied, unchanged, conflicts, refused, invalid } => {
                let batch_id = batch_id.as_str();
                let (rows, applied, unchanged) = (*rows, *applied, *unchanged);
                let (conflicts, refused, invalid) = (*conflicts, *refused, *invalid);
                Self::PricesUpdated { batch_id, rows, applied, unchanged, conflicts, refused, invalid }
            }
            Content::ProductRecommendations { first_name, recommendations } => Self::ProductRecommendations {
                first_name,
                recommendations: recommendations.iter().map(Recommendation::of).collect(),
            },
        }
    }
}

impl<'a> Recommendation<'a> {
    fn of(product: &'a RecommendedProduct) -> Self {
        Self {
            product_id: product.product_id.as_str(),
            name: &product.name,
            price: product.price.map(amount),
            currency: product.price.map(|price| price.currency().code()),
        }
    }
}

#[derive(Serialize)]
struct Item<'a> {
    product_id: &'a str,
    variant_id: &'a str,
    product_name: &'a str,
    quantity: u32,
    price: Amount,
}

#[derive(Serialize)]
struct SmsBody<'a> {
    to: &'a str,
    message: &'a str,
}

#[derive(Serialize)]
struct PushBody<'a> {
    user_id: &'a str,
    title: &'a str,
    body: &'a str,
    data: PushData<'a>,
}

#[derive(Serialize)]
struct PushData<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<&'a str>,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Deserialize)]
struct Sent {
    #[serde(default, alias = "id")]
    message_id: Option<String>,
}

impl Senders {
    pub(super) fn new(api: Api) -> Self {
        Self { api }
    }

    pub(super) async fn health(&self) -> Result<(), CallError> {
        self.api.health().await
    }

    pub(super) async fn email(&self, mail: &SendEmail, text: &EmailText) -> Result<Delivery, CallError> {
        let body = EmailBody {
            to: mail.to.reveal(),
            template: mail.content.template(),
            locale: mail.locale.tag(),
            subject: &text.subject,
            text: &text.text,
            html: &text.html,
            headers: mail.list_unsubscribe.as_deref().map(Headers::one_click),
            data: EmailData::of(&mail.content),
        };
        self.send("email", &mail.key, &body).await
    }

    pub(super) async fn sms(&self, sms: &SendSms, message: &str) -> Result<Delivery, CallError> {
        self.send("sms", &sms.key, &SmsBody { to: sms.to.reveal(), message }).await
    }

    pub(super) async fn push(&self, push: &SendPush, text: &PushText) -> Result<Delivery, CallError> {
        let order_id = match &push.content {
            Content::OrderConfirmation { order_id, .. }
            | Content::OrderAwaitingPayment { order_id, .. }
            | Content::OrderDeclined { order_id, .. }
            | Content::OrderExpired { order_id, .. }
            | Content::OrderCancelled { order_id }
            | Content::OrderRefunded { order_id, .. } => Some(order_id.as_str()),
            Content::Welcome { .. }
            | Content::OnboardingTips { .. }
            | Content::PricesUpdated { .. }
            | Content::ProductRecommendations { .. } => None,
        };
        let body = PushBody {
            user_id: push.user_id.as_str(),
            title: &text.title,
            body: &text.body,
            data: PushData { order_id, kind: push.content.template() },
        };
        self.send("push", &push.key, &body).await
    }

    async fn send(
        &self,
        channel: &str,
        key: &IdempotencyKey,
        body: &impl Serialize,
    ) -> Result<Delivery, CallError> {
        let path = ["notifications", channel];
        let answer: Result<Option<Sent>, _> = self.api.send(Method::POST, &path, Some(key), body).await;
        match answer {
            Ok(sent) => Ok(Delivery::Accepted { message_id: sent.and_then(|sent| sent.message_id) }),
            Err(error) => match error.refusal() {
                Some(refusal) if refusal.status == 422 => {
                    Ok(Delivery::Refused { code: refusal.code.clone() })
                }
                _ => Err(self.api.of_conflict(error, &[])),
            },
        }
    }
}

impl<'a> Item<'a> {
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
