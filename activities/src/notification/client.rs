//! The senders' wire: `/notifications/email`, `/notifications/sms`, `/notifications/push`.

use contracts::commerce::OrderLine;
use contracts::notification::{Content, Delivery, SendEmail, SendPush, SendSms};
use contracts::values::IdempotencyKey;
use messages::{EmailText, PushText};
use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::http::wire::{Amount, amount};
use crate::http::{Api, CallError};

pub(super) struct Client {
    api: Api,
}

#[derive(Serialize)]
struct EmailBody<'a> {
    to: &'a str,
    template: &'static str,
    locale: &'static str,
    subject: &'a str,
    text: &'a str,
    html: &'a str,
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
    order_id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Deserialize)]
struct Sent {
    #[serde(default, alias = "id")]
    message_id: Option<String>,
}

impl Client {
    pub(super) fn new(api: Api) -> Self {
        Self { api }
    }

    pub(super) async fn email(&self, mail: &SendEmail, text: &EmailText) -> Result<Delivery, CallError> {
        let Content::OrderConfirmation { order_id, items, total_amount, tracking_number } = &mail.content;
        let data = EmailData::OrderConfirmation {
            order_id: order_id.as_str(),
            items: items.iter().map(Item::of).collect(),
            total_amount: amount(*total_amount),
            tracking_number,
        };
        let body = EmailBody {
            to: mail.to.reveal(),
            template: mail.content.template(),
            locale: mail.locale.tag(),
            subject: &text.subject,
            text: &text.text,
            html: &text.html,
            data,
        };
        self.send("email", &mail.key, &body).await
    }

    pub(super) async fn sms(&self, sms: &SendSms, message: &str) -> Result<Delivery, CallError> {
        self.send("sms", &sms.key, &SmsBody { to: sms.to.reveal(), message }).await
    }

    pub(super) async fn push(&self, push: &SendPush, text: &PushText) -> Result<Delivery, CallError> {
        let Content::OrderConfirmation { order_id, .. } = &push.content;
        let body = PushBody {
            user_id: push.user_id.as_str(),
            title: &text.title,
            body: &text.body,
            data: PushData { order_id: order_id.as_str(), kind: push.content.template() },
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
                _ => Err(error),
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
            price: amount(line.price),
        }
    }
}
