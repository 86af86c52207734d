//! The message senders: mail, SMS, push.
//!
//! - [`mail`], [`sms`]: who takes these; each a trait, a list and a folder per provider;
//! - `attempt`: how long an attempt may take, and when none may begin;
//! - `platform`: the platform's endpoints, which take all three.

#![expect(
    missing_docs,
    reason = "the activities macro generates markers without docs; everything else has them"
)]

mod attempt;
pub mod mail;
mod platform;
pub mod sms;

use std::collections::BTreeSet;
use std::sync::Arc;

use contracts::notification::{Delivery, OrderMail, SendEmail, SendPush, SendSms, defs};
use contracts::values::Recipient;
use messages::{TextError, Texts};
use temporalio_common::error::ApplicationFailure;
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use crate::effect::{alive, alive_saying};
use crate::http::{Api, CallError};
use crate::observe;
pub use attempt::Attempt;
use attempt::NO_REPLY;
pub(crate) use attempt::Told;
use mail::MailSender;
use platform::Senders;
use sms::SmsSender;

/// The message senders' activities, on connections to them.
pub struct NotificationActivities {
    mail: Arc<dyn MailSender>,
    sms: Arc<dyn SmsSender>,
    push: Senders,
    texts: Texts,
    /// The mails about an order that are written here. The shop writes the others itself.
    order_mails: BTreeSet<OrderMail>,
}

impl NotificationActivities {
    /// On a connection to the platform's senders, with the texts.
    #[must_use]
    pub fn new(api: Api, texts: Texts) -> Self {
        let senders = Senders::new(api);
        Self {
            mail: Arc::new(senders.clone()),
            sms: Arc::new(senders.clone()),
            push: senders,
            texts,
            order_mails: BTreeSet::from(OrderMail::ALL),
        }
    }

    /// With these mails about an order, and no others.
    #[must_use]
    pub fn with_order_mails(self, order_mails: BTreeSet<OrderMail>) -> Self {
        Self { order_mails, ..self }
    }

    /// With mails by this sender.
    #[must_use]
    pub fn with_mail(self, mail: Arc<dyn MailSender>) -> Self {
        Self { mail, ..self }
    }

    /// With SMS by this sender.
    #[must_use]
    pub fn with_sms(self, sms: Arc<dyn SmsSender>) -> Self {
        Self { sms, ..self }
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
        if input.content.order_mail().is_some_and(|mail| !self.order_mails.contains(&mail)) {
            return Ok(Delivery::SwitchedOff);
        }
        let Some(input) = checked(input, text::mail_address, |input| &mut input.to) else {
            return Ok(noted(&ctx, "email", Delivery::Refused { code: "invalid_address".to_owned() }));
        };
        let told = Told::before(&ctx);
        let attempt = Attempt::of(&ctx, &told);
        attempt.elsewhere_unless(self.mail.knows_keys())?;
        let unsubscribe = input.list_unsubscribe.as_deref();
        let text = self.texts.email(&input.content, input.locale, unsubscribe).map_err(give_up)?;
        let sent = self.mail.send(&input, &text, attempt);
        let delivery = alive_saying(&ctx, || told.doubts(), sent).await?;
        Ok(noted(&ctx, "email", delivery))
    }

    /// See [`contracts::notification::Notifications`].
    #[activity(definition = defs::SendSms)]
    pub async fn send_sms(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: SendSms,
    ) -> Result<Delivery, ActivityError> {
        let Some(input) = checked(input, text::phone, |input| &mut input.to) else {
            return Ok(noted(&ctx, "sms", Delivery::Refused { code: "invalid_number".to_owned() }));
        };
        let told = Told::before(&ctx);
        let attempt = Attempt::of(&ctx, &told);
        attempt.elsewhere_unless(self.sms.knows_keys())?;
        let message = self.texts.sms(&input.content, input.locale).map_err(give_up)?;
        let sent = self.sms.send(&input, &message, attempt);
        let delivery = alive_saying(&ctx, || told.doubts(), sent).await;
        Ok(noted(&ctx, "sms", delivery.map_err(CallError::into_failure)?))
    }

    /// See [`contracts::notification::Notifications`].
    #[activity(definition = defs::SendPush)]
    pub async fn send_push(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: SendPush,
    ) -> Result<Delivery, ActivityError> {
        let text = self.texts.push(&input.content, input.locale).map_err(give_up)?;
        let delivery = alive(&ctx, self.push.push(&input, &text)).await;
        Ok(noted(&ctx, "push", delivery.map_err(CallError::into_failure)?))
    }
}

/// Notes a message that will never be taken: none is lost in silence.
pub(crate) fn noted(ctx: &ActivityContext, channel: &'static str, delivery: Delivery) -> Delivery {
    if let Delivery::Refused { code } | Delivery::Bounced { code } = &delivery {
        let workflow_id = ctx.info().workflow_id.as_deref().unwrap_or_default();
        let fate = match code.as_str() {
            NO_REPLY => {
                "a message is in doubt: it was handed over twice without a reply, and is not sent again"
            }
            _ => "a message is lost: it was refused for good",
        };
        tracing::warn!(workflow_id, channel, code, "{fate}");
        observe::tell(|observer| observer.message_refused(channel));
    }
    delivery
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
