//! SMS by the platform's endpoint.

use std::sync::Arc;

use contracts::notification::{Delivery, SendSms};
use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::SmsSender;
use crate::http::CallError;
use crate::notification::Attempt;
use crate::notification::platform::{self, Senders};
use crate::provider::Kind;

/// The platform, or what speaks like it.
pub(super) const KIND: Kind<dyn SmsSender> = Kind {
    name: "platform",
    help: "the message senders at SUN_NOTIFICATION_API_URL",
    settings: &[],
    open: |given| Ok(Arc::new(platform::open(given)?)),
};

impl SmsSender for Senders {
    fn system(&self) -> &'static str {
        platform::SYSTEM
    }

    fn health(&self) -> BoxFuture<'_, Result<(), CallError>> {
        Self::health(self).boxed()
    }

    fn knows_keys(&self) -> bool {
        true
    }

    fn send<'a>(
        &'a self,
        sms: &'a SendSms,
        text: &'a str,
        _attempt: Attempt<'a>,
    ) -> BoxFuture<'a, Result<Delivery, CallError>> {
        self.sms(sms, text).boxed()
    }
}
