//! A received mail, read by a reader that shares nothing with the one who wrote it.

use mail_parser::{Message, MessageParser, PartType};
use serde::{Deserialize, Serialize};

use super::command::MailFrom;

/// A mail as the outbox keeps it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Letter {
    /// With its angle brackets.
    pub(crate) message_id: String,
    /// The sender that was named to the server, which need not be the one in the header.
    pub(crate) mail_from: String,
    pub(crate) recipients: Vec<String>,
    pub(crate) from: String,
    pub(crate) subject: String,
    pub(crate) text: Option<String>,
    pub(crate) html: Option<String>,
    /// Name and value of each, as they came, unfolded.
    pub(crate) headers: Vec<(String, String)>,
}

impl Letter {
    /// Reads a mail, or says what is wrong with it.
    pub(super) fn read(
        bytes: &[u8],
        mail_from: &MailFrom,
        recipients: Vec<String>,
    ) -> Result<Self, &'static str> {
        let head_end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let (head, body) = bytes.split_at(head_end.ok_or("the mail has no end of its headers")?);
        if !head.is_ascii() {
            return Err("a header has letters that are not encoded");
        }
        if !mail_from.is_eight_bit && !body.is_ascii() {
            return Err("the body has letters that are not encoded, and BODY=8BITMIME was not said");
        }
        let mail = MessageParser::default().parse(bytes).ok_or("the mail cannot be read")?;
        let headers: Vec<(String, String)> =
            mail.headers_raw().map(|(name, value)| (name.to_owned(), unfolded(value))).collect();
        for name in ["Date", "From", "Message-ID"] {
            match headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name)).count() {
                0 => return Err("the mail lacks Date, From or Message-ID"),
                1 => {}
                _ => return Err("the mail has Date, From or Message-ID twice"),
            }
        }
        if mail.date().is_none_or(|date| !date.is_valid()) {
            return Err("Date is no date");
        }
        let from = mail.from().and_then(|from| from.first()).and_then(|from| from.address());
        let from = from.filter(|from| from.contains('@')).ok_or("From is no address")?.to_owned();
        let message_id = mail.message_id().filter(|id| id.contains('@')).ok_or("Message-ID is no id")?;
        Ok(Self {
            message_id: format!("<{message_id}>"),
            mail_from: mail_from.address.clone(),
            recipients,
            from,
            subject: mail.subject().unwrap_or_default().to_owned(),
            text: part(&mail, |part| if let PartType::Text(text) = part { Some(text) } else { None }),
            html: part(&mail, |part| if let PartType::Html(html) = part { Some(html) } else { None }),
            headers,
        })
    }
}

fn unfolded(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The first part of that kind.
fn part<'m, 'x>(
    mail: &'m Message<'x>,
    pick: impl Fn(&'m PartType<'x>) -> Option<&'m std::borrow::Cow<'x, str>>,
) -> Option<String> {
    mail.parts.iter().find_map(|part| pick(&part.body)).map(|text| text.to_string())
}
