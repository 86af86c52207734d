//! From words to the bytes of a mail.

use lettre::address::{Address, Envelope};
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart};
use reqwest::Url;
use sha2::{Digest as _, Sha256};

use super::Letter;

/// A mail, ready to be handed over.
pub(super) struct Mail {
    pub(super) from: Address,
    pub(super) to: Address,
    /// With its angle brackets.
    pub(super) message_id: String,
    pub(super) bytes: Vec<u8>,
}

/// Why a mail can never be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// The recipient is not an address.
    Recipient,
    /// The link that unsubscribes is not a URL.
    Unsubscribe,
    /// The mail cannot be put together.
    Message,
}

impl Flaw {
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Recipient => "invalid_address",
            Self::Unsubscribe => "invalid_unsubscribe_url",
            Self::Message => "invalid_message",
        }
    }
}

pub(super) fn compose(from: &Mailbox, letter: &Letter<'_>) -> Result<Mail, Flaw> {
    let to: Address = letter.to.reveal().parse().map_err(|_| Flaw::Recipient)?;
    let message_id = message_id(letter.key.as_str(), from.email.domain());
    // Said here, because reading it back out of the header loses the quotes of `"a..b"@example.com`.
    let envelope = Envelope::new(Some(from.email.clone()), vec![to.clone()]).map_err(|_| Flaw::Recipient)?;
    let mut builder = Message::builder()
        .envelope(envelope)
        .from(from.clone())
        .to(Mailbox::new(None, to.clone()))
        .subject(&letter.text.subject)
        .message_id(Some(message_id.clone()))
        // RFC 3834: keeps holiday notices and other machines from answering.
        .raw_header(header("Auto-Submitted", "auto-generated".to_owned())?);
    if let Some(url) = letter.unsubscribe {
        // As a URL is written, nothing in it can end the header.
        let url = Url::parse(url).map_err(|_| Flaw::Unsubscribe)?;
        builder = builder.raw_header(header("List-Unsubscribe", format!("<{url}>"))?);
        // RFC 8058 wants one click over https, and from nothing else.
        if url.scheme() == "https" {
            let one_click = "List-Unsubscribe=One-Click".to_owned();
            builder = builder.raw_header(header("List-Unsubscribe-Post", one_click)?);
        }
    }
    let parts = MultiPart::alternative_plain_html(letter.text.text.clone(), letter.text.html.clone());
    let bytes = builder.multipart(parts).map_err(|_| Flaw::Message)?.formatted();
    Ok(Mail { from: from.email.clone(), to, message_id, bytes })
}

fn header(name: &str, value: String) -> Result<HeaderValue, Flaw> {
    let name = HeaderName::new_from_ascii(name.to_owned()).map_err(|_| Flaw::Message)?;
    Ok(HeaderValue::new(name, value))
}

/// The same key, the same id; of the key itself nothing shows.
fn message_id(key: &str, domain: &str) -> String {
    let digest = Sha256::digest(key.as_bytes());
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("<{hex}@{domain}>")
}

#[cfg(test)]
mod tests;
