//! Mail by SMTP: one server, spoken to over a few connections that are kept open.
//!
//! | what came back | what it is |
//! |---|---|
//! | 250 after the message | accepted; our own `Message-ID` is the id |
//! | 5xx: no such mailbox or domain | a bounce ([`Bounces`]), which suppresses the address, unless too many do (`record`) |
//! | 5xx of permission or policy (5.7.x) | put off for an hour, then it costs this mail, never the address |
//! | any other 5xx about the recipient or the message | it costs this mail |
//! | 5xx about sender, limits, system, login or protocol | an outage; the failure names what is to be mended |
//! | 4xx, no connection, no trust in the certificate | an outage: nothing happened, tried again |
//! | no reply once the message was handed over | nobody knows: tried once more, then it is `no_reply` |
//!
//! Whose fault a refusal is follows from its code, its enhanced code (RFC 3463) and the step of the conversation, never
//! from its words.
//!
//! SMTP has no look-up and no keys. So no attempt is made inside a workflow task, each ends before Temporal begins
//! another one, and one `Message-ID` is under way once. An attempt after the first sends the mail again, under the same
//! `Message-ID`, which is made of the idempotency key: mailboxes that go by the id show it once. A mail that was handed
//! over twice without a reply is not sent again, so that a server that takes mails and says so too late, or never, does
//! not send one for hours. The reply has a limit of its own, up to ten minutes of the attempt (RFC 5321, 4.5.3.2.6).
//!
//! Failure texts name the setting and the fix, never an address and never the server's own words.
//!
//! Deliberately absent: a queue of our own (Temporal's).

mod dkim;
mod error;
mod message;
mod record;
mod session;
mod settings;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use contracts::notification::{Delivery, SendEmail};
use contracts::values::{IdempotencyKey, Recipient};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use lettre::address::Address;
use lettre::message::Mailbox;
use lettre::transport::smtp::client::{Certificate, CertificateStore, TlsParameters};
use messages::EmailText;
use temporalio_sdk::activities::ActivityError;
use thiserror::Error;

use super::MailSender;
use crate::http::Credential;
use crate::notification::Attempt;
pub use dkim::{Dkim, DkimError};
pub use error::{Bounces, MailError};
use session::Sessions;
pub(super) use settings::KIND;

/// Where mail is handed over, and how.
#[derive(Clone, Debug)]
pub struct MailServer {
    /// Host name or address, as the certificate has it.
    pub host: String,
    /// Port: usually 587 for [`Security::StartTls`], 465 for [`Security::Wrapped`].
    pub port: u16,
    /// How the connection is secured.
    pub security: Security,
    /// The user who logs in, if there is one.
    pub login: Option<Login>,
    /// The sender of the mails.
    pub from: Sender,
    /// Certificates (PEM) that are trusted instead of the system's.
    pub authorities: Option<Vec<u8>>,
    /// Which refusals have the address suppressed.
    pub bounces: Bounces,
    /// The signer of the mails, if the server does not sign them.
    pub dkim: Option<Dkim>,
    /// Limit of one mail, from connecting to the server's word that it wants to see it; waiting for a free connection
    /// does not count.
    pub timeout: Duration,
    /// Limit of the reply to a mail that was handed over, as far as the attempt's time allows: a server may have it
    /// before it thinks about its reply.
    pub reply: Duration,
}

/// How a connection is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte (`smtps://`).
    Wrapped,
    /// TLS after `STARTTLS`; a server that does not offer it gets no mail.
    StartTls,
    /// TLS if the server offers it: for loopback, where nobody else listens.
    StartTlsIfOffered,
}

/// A user of the mail server.
#[derive(Clone, Debug)]
pub struct Login {
    /// The user's name there.
    pub user: String,
    /// The password.
    pub password: Credential,
}

/// The sender of a mail: `orders@example.com` or `Sun Shop <orders@example.com>`.
#[derive(Clone)]
pub struct Sender(Mailbox);

impl Sender {
    /// The domain of the address.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.email.domain()
    }
}

impl FromStr for Sender {
    type Err = SenderError;

    fn from_str(text: &str) -> Result<Self, SenderError> {
        let mut mailbox: Mailbox = text.trim().parse().map_err(|_| SenderError::NotAnAddress)?;
        // A domain in other letters is sent as mail servers know it. An address that is not public (a machine of
        // this network) is the operator's own.
        if let Some(address) = text::mail_address(mailbox.email.as_ref()).ok().and_then(|a| a.parse().ok()) {
            mailbox.email = address;
        }
        if is_ascii(&mailbox.email) { Ok(Self(mailbox)) } else { Err(SenderError::NotAscii) }
    }
}

fn is_ascii(address: &Address) -> bool {
    address.user().is_ascii() && address.domain().is_ascii()
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sender({})", self.0)
    }
}

/// Why a text is not a sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SenderError {
    /// It cannot be read.
    #[error("is not a mail address")]
    NotAnAddress,
    /// Not every server takes other letters in the address itself; in the name all are fine.
    #[error("has letters in its address that not every mail server takes")]
    NotAscii,
}

/// A mail to hand over.
#[derive(Clone, Copy)]
pub struct Letter<'a> {
    /// Names the mail: the same key, the same `Message-ID`.
    pub key: &'a IdempotencyKey,
    /// Where it goes.
    pub to: &'a Recipient,
    /// Its text.
    pub text: &'a EmailText,
    /// URL by which one click unsubscribes (RFC 8058), for mail that is not about business at hand. A mail whose URL
    /// is none does not go out.
    pub unsubscribe: Option<&'a str>,
}

/// Why a mail server cannot be used as configured.
#[derive(Debug, Error)]
pub enum MailServerError {
    /// The certificates cannot be read.
    #[error(
        "the certificates of SUN_MAIL_CA_FILE cannot be used: they must be PEM, of a certificate authority"
    )]
    Authorities,
    /// TLS cannot be set up.
    #[error("TLS with the mail server cannot be set up: {0}")]
    Tls(lettre::transport::smtp::Error),
}

/// A mail server; cheap to clone, connections are pooled.
#[derive(Clone)]
pub struct Mailer(Arc<Sessions>);

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.server.fmt(f)
    }
}

impl MailSender for Mailer {
    fn system(&self) -> &'static str {
        "mail"
    }

    fn health(&self) -> BoxFuture<'_, Result<(), String>> {
        async { Self::health(self).await.map_err(|error| error.to_string()) }.boxed()
    }

    fn knows_keys(&self) -> bool {
        false
    }

    fn send<'a>(
        &'a self,
        mail: &'a SendEmail,
        text: &'a EmailText,
        attempt: Attempt<'a>,
    ) -> BoxFuture<'a, Result<Delivery, ActivityError>> {
        async move {
            let unsubscribe = mail.list_unsubscribe.as_deref();
            let letter = Letter { key: &mail.key, to: &mail.to, text, unsubscribe };
            Self::send(self, &letter, attempt).await.map_err(MailError::into_failure)
        }
        .boxed()
    }
}

impl Mailer {
    /// Sets up what is needed to speak to the server; connects to nothing yet.
    ///
    /// # Errors
    /// When the certificates cannot be used.
    pub fn new(server: MailServer) -> Result<Self, MailServerError> {
        let mut tls = TlsParameters::builder(server.host.clone());
        if let Some(pem) = &server.authorities {
            let authorities = Certificate::from_pem(pem).map_err(|_| MailServerError::Authorities)?;
            tls = tls.certificate_store(CertificateStore::None).add_root_certificate(authorities);
        }
        let tls = tls.build().map_err(|error| match server.authorities {
            Some(_) => MailServerError::Authorities,
            None => MailServerError::Tls(error),
        })?;
        Ok(Self(Arc::new(Sessions::new(server, tls))))
    }

    /// Hands a mail over, under the `Message-ID` of its key.
    ///
    /// # Errors
    /// As [`MailError`]. That it will never be taken is not an error but [`Delivery::Refused`].
    pub async fn send(&self, letter: &Letter<'_>, attempt: Attempt<'_>) -> Result<Delivery, MailError> {
        match message::compose(&self.0.server.from.0, letter) {
            Ok(mut mail) => {
                if let Some(dkim) = &self.0.server.dkim {
                    let signed = dkim.sign(&mail.bytes);
                    mail.bytes =
                        signed.ok_or_else(|| MailError::not_sent("it could not be signed (DKIM)"))?;
                }
                self.0.send(&mail, attempt).await
            }
            Err(flaw) => Ok(Delivery::Refused { code: flaw.code().to_owned() }),
        }
    }

    /// Asks whether the server is there and lets us in.
    ///
    /// # Errors
    /// As [`MailError`].
    pub async fn health(&self) -> Result<(), MailError> {
        self.0.health().await
    }
}
