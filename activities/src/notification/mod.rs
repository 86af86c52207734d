//! The message senders: mail, SMS, push. All three are the platform's endpoints, unless mail has a server of its own,
//! or SMS go by Twilio.

#![expect(
    missing_docs,
    reason = "the activities macro generates markers without docs; everything else has them"
)]

mod client;
mod twilio;

use std::sync::Arc;

use contracts::notification::{Delivery, SendEmail, SendPush, SendSms, defs};
use contracts::values::Recipient;
use messages::{TextError, Texts};
use temporalio_common::error::ApplicationFailure;
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use crate::effect::alive;
use crate::http::{Api, CallError};
use crate::mail::{Letter, MailError, Mailer};
use client::Client;
pub use twilio::{Twilio, TwilioEndpoint};

/// The message senders' activities, on a connection to them.
pub struct NotificationActivities {
    client: Client,
    /// Takes the mails, instead of the client.
    mailer: Option<Mailer>,
    /// Takes the SMS, instead of the client.
    twilio: Option<Twilio>,
    texts: Texts,
}

impl NotificationActivities {
    /// On a connection to the senders, with the texts.
    #[must_use]
    pub fn new(api: Api, texts: Texts) -> Self {
        Self { client: Client::new(api), mailer: None, twilio: None, texts }
    }

    /// With a mail server of its own.
    #[must_use]
    pub fn with_mailer(self, mailer: Option<Mailer>) -> Self {
        Self { mailer, ..self }
    }

    /// With SMS by Twilio.
    #[must_use]
    pub fn with_twilio(self, twilio: Option<Twilio>) -> Self {
        Self { twilio, ..self }
    }
}

#[activities]
impl NotificationActivities {
    /// See [`contracts::notification::Notifications`].
    #[activity(definition = defs::SendEmail)]
    pub async fn send_email(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: SendEmail,
    ) -> Result<Delivery, ActivityError> {
        let Some(input) = checked(input, text::mail_address, |input| &mut input.to) else {
            return Ok(Delivery::Refused { code: "invalid_address".to_owned() });
        };
        let unsubscribe = input.list_unsubscribe.as_deref();
        let text = self.texts.email(&input.content, input.locale, unsubscribe).map_err(give_up)?;
        let Some(mailer) = &self.mailer else {
            return alive(&ctx, self.client.email(&input, &text)).await.map_err(CallError::into_failure);
        };
        let letter = Letter { key: &input.key, to: &input.to, text: &text, unsubscribe };
        alive(&ctx, mailer.send(&letter)).await.map_err(MailError::into_failure)
    }

    /// See [`contracts::notification::Notifications`].
    #[activity(definition = defs::SendSms)]
    pub async fn send_sms(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: SendSms,
    ) -> Result<Delivery, ActivityError> {
        let Some(input) = checked(input, text::phone, |input| &mut input.to) else {
            return Ok(Delivery::Refused { code: "invalid_number".to_owned() });
        };
        let message = self.texts.sms(&input.content, input.locale).map_err(give_up)?;
        let Some(twilio) = &self.twilio else {
            return alive(&ctx, self.client.sms(&input, &message)).await.map_err(CallError::into_failure);
        };
        alive(&ctx, twilio.send(&input, &message)).await.map_err(CallError::into_failure)
    }

    /// See [`contracts::notification::Notifications`].
    #[activity(definition = defs::SendPush)]
    pub async fn send_push(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: SendPush,
    ) -> Result<Delivery, ActivityError> {
        let text = self.texts.push(&input.content, input.locale).map_err(give_up)?;
        alive(&ctx, self.client.push(&input, &text)).await.map_err(CallError::into_failure)
    }
}

/// The message with its recipient in the form in which it is sent; `None`: it can be sent to nobody.
fn checked<M>(
    mut message: M,
    read: impl Fn(&str) -> Result<String, text::Refusal>,
    to: impl Fn(&mut M) -> &mut Recipient,
) -> Option<M> {
    let recipient = to(&mut message);
    *recipient = Recipient::new(read(recipient.reveal()).ok()?);
    Some(message)
}

/// Rendering again would fail again: the mistake is in a template, not in an order.
fn give_up(error: TextError) -> ActivityError {
    ActivityError::application(ApplicationFailure::non_retryable(error))
}
