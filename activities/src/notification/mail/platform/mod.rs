//! Mails by the platform's endpoint.

use std::sync::Arc;

use contracts::notification::{Delivery, SendEmail};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use messages::EmailText;
use temporalio_sdk::activities::ActivityError;

use super::MailSender;
use crate::http::CallError;
use crate::notification::Attempt;
use crate::notification::platform::{self, Senders};
use crate::provider::Kind;

/// The platform, or what speaks like it.
pub(super) const KIND: Kind<dyn MailSender> = Kind {
    name: "platform",
    help: "the message senders at SUN_NOTIFICATION_API_URL",
    settings: &[],
    open: |given| Ok(Arc::new(platform::open(given)?)),
};

impl MailSender for Senders {
    fn system(&self) -> &'static str {
        platform::SYSTEM
    }

    fn health(&self) -> BoxFuture<'_, Result<(), String>> {
        async { Self::health(self).await.map_err(|error| error.to_string()) }.boxed()
    }

    fn knows_keys(&self) -> bool {
        true
    }

    fn send<'a>(
        &'a self,
        mail: &'a SendEmail,
        text: &'a EmailText,
        _attempt: Attempt<'a>,
    ) -> BoxFuture<'a, Result<Delivery, ActivityError>> {
        async { self.email(mail, text).await.map_err(CallError::into_failure) }.boxed()
    }
}
