//! The ends of a mail that was not taken: an outcome, an outage, or nobody knows.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use contracts::failure;
use lettre::transport::smtp;
use temporalio_common::error::ApplicationFailure;
use temporalio_sdk::activities::ActivityError;
use thiserror::Error;

use crate::observe;

/// Why a mail was not handed over. Each is tried again.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MailError {
    /// The server did not take it: nothing happened.
    #[error("mail was not sent: {why}")]
    NotSent {
        /// The reason, with the fix.
        why: String,
    },
    /// The server does not take our login or our sender: nothing happened, and a setting mends it.
    #[error("mail was not sent: {why}")]
    Setting {
        /// The reason, with the settings.
        why: String,
    },
    /// The server refused it for good as a matter of permission or policy, which may be a matter of today.
    #[error("mail was not sent: {why}")]
    Refused {
        /// The reason, with the fix.
        why: String,
        /// The pause before the next attempt.
        again: Duration,
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
        let (failure_type, again) = match &self {
            Self::NotSent { .. } => (failure::UNAVAILABLE, None),
            Self::Setting { .. } => (failure::SETTING, None),
            Self::Refused { again, .. } => (failure::UNAVAILABLE, Some(*again)),
            Self::Unknown { .. } => (failure::OUTCOME_UNKNOWN, None),
        };
        let failure = ApplicationFailure::builder(self.to_string()).type_name(failure_type.to_owned());
        ActivityError::application(failure.maybe_next_retry_delay(again).build())
    }
}

/// Which permanent refusals (5xx) say that nothing should be sent to the address any more. None that is an outage, or a
/// matter of permission or policy (5.7.x), ever does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bounces {
    /// Every other one.
    EveryRefusal,
    /// One of the recipient, or whose enhanced code (RFC 3463) is about the address (5.1.x) or its mailbox (5.2.x), but
    /// for a full mailbox.
    OfTheAddress,
    /// Only one of the recipient that names no such mailbox or domain.
    #[default]
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

/// A refusal for good that is about this mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The code, and the enhanced code behind it if there is one: `550 5.1.1`.
    pub(super) code: String,
    pub(super) cause: Cause,
}

/// Whose fault a refusal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// A matter of permission or policy: of the recipient, of this mail, or of ours. The code does not say.
    Policy,
    /// The address: nothing should be sent there any more.
    Address,
    /// This mail, or the mailbox as it is now.
    Mail,
}

impl Refusal {
    /// One that costs this mail.
    pub(super) fn of_mail(code: impl Into<String>) -> Self {
        Self { code: code.into(), cause: Cause::Mail }
    }
}

/// Judges an error of the conversation.
pub(super) fn judge(at: At, error: &smtp::Error, bounces: Bounces) -> Result<Refusal, MailError> {
    match error.status().map(u16::from) {
        Some(code) if error.is_transient() => Err(put_off(at, code)),
        Some(code) => refused(at, code, Said::of(error), bounces),
        None if at == At::Message => Err(MailError::Unknown { why: broken(error).to_owned() }),
        None => Err(MailError::not_sent(out_of_reach(at, error))),
    }
}

/// The subject and the detail of an enhanced code for good: 1 and 10 of `5.1.10`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Said(u16, u16);

impl Said {
    /// That of an answer, if it begins with one.
    fn of(error: &smtp::Error) -> Option<Self> {
        let said = error.source()?.to_string();
        let first = said.split_whitespace().next()?.trim_matches(|c: char| !c.is_ascii_digit());
        let mut numbers = first.split('.').map(str::parse::<u16>);
        match (numbers.next()?, numbers.next()?, numbers.next()?, numbers.next()) {
            (Ok(5), Ok(subject), Ok(detail), None) => Some(Self(subject, detail)),
            _ => None,
        }
    }

    /// Servers that answer `MAIL FROM` late speak of the sender later on.
    fn is_of_the_sender(self) -> bool {
        matches!(self, Self(1, 7 | 8))
    }

    /// The system, the network or the protocol: quotas of the sender are among these (5.4.5).
    fn is_of_the_server(self) -> bool {
        matches!(self, Self(3..=5, _))
    }

    /// The address, or its mailbox, is none (RFC 3463, RFC 7505).
    fn is_no_mailbox(self) -> bool {
        matches!(self, Self(1, 1 | 2 | 3 | 10) | Self(2, 1))
    }

    /// The mailbox takes no more until somebody has cleared it.
    fn is_full(self) -> bool {
        self == Self(2, 2)
    }
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

/// A refusal that is about this mail; the others are outages that name what is to be mended.
fn refused(at: At, code: u16, said: Option<Said>, bounces: Bounces) -> Result<Refusal, MailError> {
    let shown = match said {
        Some(Said(subject, detail)) => format!("{code} 5.{subject}.{detail}"),
        None => code.to_string(),
    };
    if let Some(fix) = fix(at, code, said) {
        observe::tell(|observer| observer.relay_refused());
        let why = format!("the mail server refuses ({shown}); {fix}");
        let is_setting = [LOGIN_FIRST, LOGIN, SENDER].contains(&fix);
        return Err(if is_setting { MailError::Setting { why } } else { MailError::not_sent(why) });
    }
    let is_of_the_address = match bounces {
        Bounces::EveryRefusal => true,
        Bounces::OfTheAddress => {
            let is_about = at == At::Recipient || said.is_some_and(|said| matches!(said, Said(1 | 2, _)));
            is_about && !said.is_some_and(Said::is_full)
        }
        Bounces::NoSuchMailbox => at == At::Recipient && said.is_some_and(Said::is_no_mailbox),
    };
    let cause = match said {
        Some(Said(7, _)) => Cause::Policy,
        _ if is_of_the_address => Cause::Address,
        _ => Cause::Mail,
    };
    Ok(Refusal { code: shown, cause })
}

/// The thing to be mended, where a refusal is not about this mail.
fn fix(at: At, code: u16, said: Option<Said>) -> Option<&'static str> {
    let is_of_the_sender = said.is_some_and(Said::is_of_the_sender);
    let is_of_the_server = said.is_some_and(Said::is_of_the_server);
    Some(match (at, code) {
        // Wanted by the server at any point.
        (_, 530 | 538) if at != At::Login => LOGIN_FIRST,
        (At::Login, _) => LOGIN,
        (At::Connect, _) => {
            "it does not let this worker speak: is SUN_MAIL_URL its submission port, and may this host use it?"
        }
        (At::StartTls, _) => "it refuses STARTTLS: use smtps:// in SUN_MAIL_URL if it has a port for that",
        // Not about this mail: the server does not follow the conversation, or wants another login.
        (At::Recipient | At::Data | At::Message, 500 | 502..=504 | 534 | 535) => {
            "it does not follow the protocol: is SUN_MAIL_URL a mail server's?"
        }
        (At::Sender | At::Recipient | At::Data | At::Message, _) if is_of_the_server => {
            "that is a limit, a fault or a setting of the mail server of SUN_MAIL_URL, or of our account there, and \
             not the recipient's: its keeper knows more"
        }
        (At::Sender, _) => SENDER,
        (At::Recipient | At::Data | At::Message, _) if is_of_the_sender => SENDER,
        (At::Recipient | At::Data | At::Message, _) => return None,
    })
}

const LOGIN_FIRST: &str = "it wants a login or encryption first: set SUN_MAIL_USER and SUN_MAIL_PASSWORD, or use \
                           smtps:// in SUN_MAIL_URL";
const LOGIN: &str = "it does not accept the login: correct SUN_MAIL_USER and SUN_MAIL_PASSWORD";
const SENDER: &str = "it refuses the sender: correct SUN_MAIL_FROM, or let SUN_MAIL_USER send as it";

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
