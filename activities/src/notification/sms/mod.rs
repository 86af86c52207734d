//! The senders of SMS: the port ([`SmsSender`]) and the list of who can be behind it ([`KINDS`]). Adding a sender is a
//! folder and a line in `KINDS`.
//!
//! - `platform`: the platform's endpoint;
//! - [`twilio`]: Twilio's Messages API.

mod platform;
pub mod twilio;

use std::fmt;

use contracts::notification::{Delivery, SendSms};
use futures::future::BoxFuture;

use super::Attempt;
use crate::http::CallError;
use crate::provider::Kind;

/// Takes SMS.
pub trait SmsSender: fmt::Debug + Send + Sync {
    /// The outside system behind it, as `/readyz` calls it.
    fn system(&self) -> &'static str;

    /// Asks whether the sender is there, and lets us in.
    fn health(&self) -> BoxFuture<'_, Result<(), CallError>>;

    /// Whether it sends once per key. One that does not sends nothing inside a workflow task.
    fn knows_keys(&self) -> bool;

    /// Sends an SMS with this text, under its key.
    fn send<'a>(
        &'a self,
        sms: &'a SendSms,
        text: &'a str,
        attempt: Attempt<'a>,
    ) -> BoxFuture<'a, Result<Delivery, CallError>>;
}

/// Every sender of SMS, by the name that it is chosen by; the first one unless another is named.
pub const KINDS: &[Kind<dyn SmsSender>] = &[platform::KIND, twilio::KIND];
