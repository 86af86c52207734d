//! The mail to the shop's team when a run went through. Where it goes is a setting: no history has the address.

use std::fmt;
use std::sync::Arc;

use contracts::notification::{Delivery, SendEmail};
use contracts::prices::MailTeam;
use contracts::values::{Locale, Recipient};
use messages::Texts;
use temporalio_common::error::ApplicationFailure;
use temporalio_sdk::activities::ActivityError;

use crate::notification::Attempt;
use crate::notification::mail::MailSender;

/// The team, and who takes mails to it.
#[derive(Clone)]
pub struct Team {
    to: Recipient,
    locale: Locale,
    mail: Arc<dyn MailSender>,
    texts: Arc<Texts>,
}

impl fmt::Debug for Team {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Team").field("to", &self.to).field("locale", &self.locale).finish_non_exhaustive()
    }
}

impl Team {
    /// At a mail address that was checked, in a language.
    #[must_use]
    pub fn new(to: Recipient, locale: Locale, mail: Arc<dyn MailSender>, texts: Arc<Texts>) -> Self {
        Self { to, locale, mail, texts }
    }

    pub(super) async fn mail(
        &self,
        input: MailTeam,
        attempt: Attempt<'_>,
    ) -> Result<Delivery, ActivityError> {
        let MailTeam { key, content } = input;
        let text = self.texts.email(&content, self.locale, None);
        // Rendering again would fail again.
        let text =
            text.map_err(|error| ActivityError::application(ApplicationFailure::non_retryable(error)))?;
        let (to, locale) = (self.to.clone(), self.locale);
        let mail = SendEmail { key, to, locale, content, list_unsubscribe: None };
        self.mail.send(&mail, &text, attempt).await
    }
}
