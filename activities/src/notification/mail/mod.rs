//! The senders of mails: the port ([`MailSender`]) and the list of who can be behind it ([`KINDS`]). Adding a sender is
//! a folder and a line in `KINDS`.
//!
//! - `platform`: the platform's endpoint;
//! - [`smtp`]: a mail server.

mod platform;
pub mod smtp;

use std::fmt;

use contracts::notification::{Delivery, SendEmail};
use futures::future::BoxFuture;
use messages::EmailText;
use temporalio_sdk::activities::ActivityError;

use super::Attempt;
use crate::provider::Kind;

/// Takes mails.
pub trait MailSender: fmt::Debug + Send + Sync {
    /// The outside system behind it, as `/readyz` calls it.
    fn system(&self) -> &'static str;

    /// Asks whether the sender is there, and lets us in; else says what is wrong.
    fn health(&self) -> BoxFuture<'_, Result<(), String>>;

    /// Whether it sends once per key. One that does not sends nothing inside a workflow task.
    fn knows_keys(&self) -> bool;

    /// Sends a mail with this text, under its key.
    fn send<'a>(
        &'a self,
        mail: &'a SendEmail,
        text: &'a EmailText,
        attempt: Attempt<'a>,
    ) -> BoxFuture<'a, Result<Delivery, ActivityError>>;
}

/// Every sender of mails. The first one unless the first setting of another is given.
pub const KINDS: &[Kind<dyn MailSender>] = &[platform::KIND, smtp::KIND];
