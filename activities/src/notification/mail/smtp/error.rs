//! The ends of a mail that was not taken: an outcome, an outage, or nobody knows.

use std::error::Error as _;
use std::io;

use contracts::failure;
use contracts::notification::Delivery;
use lettre::transport::smtp;
use temporalio_common::error::ApplicationFailure;
use temporalio_sdk::activities::ActivityError;
use thiserror::Error;

/// Why a mail was not handed over. Both are tried again.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MailError {
    /// The server did not take it: nothing happened.
    #[error("mail was not sent: {why}")]
    NotSent {
        /// The reason, with the fix.
        why: String,
    },
    /// It was handed over, and nobody knows what became of it.
    #[error("mail was handed over, and the server gave no usable reply: {why}")]
    Unknown {
        /// The sign of it.
        why: String,
    },
}

impl MailError {
    pub(super) fn not_sent(why: impl Into<String>) -> Self {
        Self::NotSent { why: why.into() }
    }

    /// Turns the error into what Temporal retries.
    #[must_use]
    pub fn into_failure(self) -> ActivityError {
        let failure_type = match &self {
            Self::NotSent { .. } => failure::UNAVAILABLE,
            Self::Unknown { .. } => failure::OUTCOME_UNKNOWN,
        };
        let failure =
            ApplicationFailure::builder(self.to_string()).type_name(failure_type.to_owned()).build();
        ActivityError::application(failure)
    }
}

/// Which permanent refusals (5xx) of a recipient or a message say that nothing should be sent to the address any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bounces {
    /// Every one.
    #[default]
    EveryRefusal,
    /// Every one but those that the server itself calls a matter of permission or policy (enhanced codes 5.7.x, RFC
    /// 3463), which cost this mail and no more: where a server may refuse the shop itself so, every customer would be
    /// silenced.
    OfTheAddress,
    /// Only one of the recipient that names no such mailbox.
    NoSuchMailbox,
}

/// The last thing that the server was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// Nothing, or `EHLO`.
    Connect,
    /// `STARTTLS`, and the handshake.
    StartTls,
    /// `AUTH`.
    Login,
    /// `MAIL FROM`.
    Sender,
    /// `RCPT TO`.
    Recipient,
    /// `DATA`.
    Data,
    /// The message itself, and the dot after it.
    Message,
}

/// Judges an error of the conversation.
pub(super) fn judge(at: At, error: &smtp::Error, bounces: Bounces) -> Result<Delivery, MailError> {
    match error.status().map(u16::from) {
        Some(code) if error.is_transient() => Err(put_off(at, code)),
        Some(code) => {
            let said = enhanced(error);
            // Servers that answer MAIL FROM late speak of the sender here.
            let is_of_the_sender = matches!(said.as_str(), "5.1.7" | "5.1.8");
            let at = if at == At::Recipient && is_of_the_sender { At::Sender } else { at };
            let code = refused(at, code)?;
            let is_bounce = match bounces {
                Bounces::EveryRefusal => true,
                Bounces::OfTheAddress => !said.starts_with("5.7."),
                Bounces::NoSuchMailbox => at == At::Recipient && NO_MAILBOX.contains(&said.as_str()),
            };
            Ok(if is_bounce { Delivery::Bounced { code } } else { Delivery::Refused { code } })
        }
        None if at == At::Message => Err(MailError::Unknown { why: broken(error).to_owned() }),
        None => Err(MailError::not_sent(out_of_reach(at, error))),
    }
}

/// The enhanced codes of a recipient's address, or its mailbox, that is none (RFC 3463, RFC 7505).
const NO_MAILBOX: [&str; 6] = ["5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"];

/// The enhanced code of an answer; empty when it has none.
fn enhanced(error: &smtp::Error) -> String {
    let said = error.source().map(ToString::to_string).unwrap_or_default();
    let first = said.split_whitespace().next().unwrap_or_default();
    if first.starts_with("5.") { first.to_owned() } else { String::new() }
}

fn put_off(at: At, code: u16) -> MailError {
    let what = match at {
        At::Connect | At::StartTls => "the connection",
        At::Login => "the login",
        At::Sender => "the sender",
        At::Recipient => "the recipient",
        At::Data | At::Message => "the message",
    };
    MailError::not_sent(format!("the mail server puts {what} off ({code}); it is tried again"))
}

/// The code of a refusal that is about this mail; the others are outages that a setting mends.
fn refused(at: At, code: u16) -> Result<String, MailError> {
    let fix = match (at, code) {
        // Wanted by the server at any point.
        (_, 530 | 538) if at != At::Login => {
            "it wants a login or encryption first: set SUN_MAIL_USER and SUN_MAIL_PASSWORD, or use smtps:// in \
             SUN_MAIL_URL"
        }
        (At::Login, _) => "it does not accept the login: correct SUN_MAIL_USER and SUN_MAIL_PASSWORD",
        (At::Connect, _) => {
            "it does not let this worker speak: is SUN_MAIL_URL its submission port, and may this host use it?"
        }
        (At::StartTls, _) => "it refuses STARTTLS: use smtps:// in SUN_MAIL_URL if it has a port for that",
        (At::Sender, _) => "it refuses the sender: correct SUN_MAIL_FROM, or let SUN_MAIL_USER send as it",
        // Not about this mail: the server does not follow the conversation, or wants another login.
        (_, 500 | 502..=504 | 534 | 535) => {
            "it does not follow the protocol: is SUN_MAIL_URL a mail server's?"
        }
        (At::Recipient | At::Data | At::Message, _) => {
            return Ok(code.to_string());
        }
    };
    Err(MailError::not_sent(format!("the mail server refuses ({code}); {fix}")))
}

/// The connection, or what TLS makes of it.
fn out_of_reach(at: At, error: &smtp::Error) -> String {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(cause) = cause.downcast_ref::<io::Error>() {
            return of_io(at, cause);
        }
        source = cause.source();
    }
    match at {
        At::Login => "the mail server offers no login by PLAIN or LOGIN here: use its submission port in SUN_MAIL_URL, \
                      or remove SUN_MAIL_USER"
            .to_owned(),
        _ => format!("{}; is SUN_MAIL_URL a mail server's submission port?", broken(error)),
    }
}

fn of_io(at: At, error: &io::Error) -> String {
    use rustls::{CertificateError as C, Error as Tls};
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Tls>()) {
        Some(Tls::InvalidCertificate(flaw)) => {
            let (flaw, fix) = match flaw {
                C::UnknownIssuer | C::BadSignature => (
                    "is of an authority that is not trusted here",
                    "set SUN_MAIL_CA_FILE to the certificate of that authority",
                ),
                C::NotValidForName | C::NotValidForNameContext { .. } => {
                    ("is for another host", "write the host in SUN_MAIL_URL as the certificate has it")
                }
                C::Expired | C::ExpiredContext { .. } => ("has expired", "renew it at the mail server"),
                _ => ("is not valid", "correct it at the mail server, or SUN_MAIL_CA_FILE here"),
            };
            return format!("the mail server's certificate {flaw}: {fix}");
        }
        Some(Tls::InvalidMessage(_)) => {
            return "the mail server does not answer in TLS: write SUN_MAIL_URL with smtp:// where TLS begins with \
                    STARTTLS"
                .to_owned();
        }
        Some(_) => return "no TLS connection with the mail server comes about: see its log".to_owned(),
        None => {}
    }
    let what = match error.kind() {
        io::ErrorKind::ConnectionRefused => "the mail server cannot be reached: the connection is refused",
        io::ErrorKind::TimedOut => "the mail server cannot be reached: it does not answer",
        _ if at == At::Connect => "the mail server cannot be reached",
        _ => "the connection to the mail server broke",
    };
    format!("{what}; is it running, and is SUN_MAIL_URL right?")
}

fn broken(error: &smtp::Error) -> &'static str {
    if error.is_response() { "the mail server's reply cannot be read" } else { "the connection broke" }
}
