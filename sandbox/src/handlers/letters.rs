//! Mails that came by SMTP. A mail server knows no idempotency keys: what makes two mails one is their `Message-ID`.

use rusqlite::params;
use serde_json::json;

use crate::answer::{Answer, Stop};
use crate::body;
use crate::call::Call;
use crate::shop::Shop;
use crate::smtp::Letter;

pub(super) fn data(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let letter: Letter = body::parse(&call.body)?;
    let mut has_effect = false;
    for recipient in &letter.recipients {
        if shop.switches.keys_count() && is_there(shop, &letter.message_id, recipient)? {
            continue;
        }
        put(shop, &letter, recipient)?;
        has_effect = true;
    }
    let answer = Answer::raw(250, String::new());
    Ok(if has_effect { answer.with_effect("took a mail".to_owned()) } else { answer })
}

fn is_there(shop: &Shop<'_>, message_id: &str, recipient: &str) -> rusqlite::Result<bool> {
    let sql = "SELECT 1 FROM outbox WHERE channel = 'email' AND idempotency_key = ?1 AND recipient = ?2";
    Ok(shop.find(sql, [message_id, recipient], |_| Ok(()))?.is_some())
}

fn put(shop: &Shop<'_>, letter: &Letter, recipient: &str) -> Result<(), Stop> {
    let message = json!({
        "to": recipient,
        "from": letter.from,
        "mail_from": letter.mail_from,
        "subject": letter.subject,
        "text": letter.text,
        "html": letter.html,
        "headers": letter.headers,
    });
    shop.run(
        "INSERT INTO outbox
             (message_id, channel, order_id, idempotency_key, time, recipient, subject, message)
         VALUES (?1, 'email', NULL, ?2, ?3, ?4, ?5, ?6)",
        params![
            shop.next_id("msg")?,
            letter.message_id,
            shop.now,
            recipient,
            letter.subject,
            message.to_string()
        ],
    )?;
    Ok(())
}
