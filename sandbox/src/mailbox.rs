//! The mailbox page: the mails of the outbox, as their readers see them. No scripts, nothing loaded from anywhere.

use axum::extract::{Path, State};
use axum::response::Response;
use serde::Deserialize;

use crate::answer::{Refusal, Stop};
use crate::clock;
use crate::html::{escaped, page};
use crate::http::{Shared, answer_or_stop};
use crate::shop::Shop;

const STYLE: &str = "body{font:15px/1.5 sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#222}\
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .8rem .3rem 0;vertical-align:top;\
border-bottom:1px solid #ddd}pre{white-space:pre-wrap;background:#f6f6f4;padding:1rem}\
iframe{width:100%;height:32rem;border:1px solid #ddd}.aside{color:#666}";

/// A mail as either way into the outbox keeps it.
#[derive(Deserialize)]
struct Mail {
    to: String,
    from: Option<String>,
    template: Option<String>,
    subject: Option<String>,
    text: Option<String>,
    html: Option<String>,
    #[serde(default)]
    headers: Vec<(String, String)>,
}

struct Kept {
    message_id: String,
    time: String,
    /// `None` when the kept text cannot be shown as a mail.
    mail: Option<Mail>,
}

const SELECT: &str = "SELECT message_id, time, message FROM outbox WHERE channel = 'email'";

fn kept(row: &rusqlite::Row<'_>) -> rusqlite::Result<Kept> {
    let message: String = row.get(2)?;
    Ok(Kept {
        message_id: row.get(0)?,
        time: clock::text(row.get(1)?),
        mail: serde_json::from_str(&message).ok(),
    })
}

/// `GET /_sandbox/mailbox`: newest first.
pub(crate) async fn list(State(service): State<Shared>) -> Response {
    let mails = service.transact(|shop| Ok(all(shop)?)).await;
    match mails {
        Ok(mails) => page("Mailbox", STYLE, &listed(&mails)),
        Err(stop) => answer_or_stop(Err(stop)),
    }
}

/// `GET /_sandbox/mailbox/{message_id}`: one mail.
pub(crate) async fn show(State(service): State<Shared>, Path(message_id): Path<String>) -> Response {
    let mail = service.transact(move |shop| one(shop, &message_id)).await;
    match mail {
        Ok(kept) => page("Mail", STYLE, &shown(&kept)),
        Err(stop) => answer_or_stop(Err(stop)),
    }
}

fn all(shop: &Shop<'_>) -> rusqlite::Result<Vec<Kept>> {
    shop.list(&format!("{SELECT} ORDER BY id DESC LIMIT 200"), [], kept)
}

fn one(shop: &Shop<'_>, message_id: &str) -> Result<Kept, Stop> {
    let found = shop.find(&format!("{SELECT} AND message_id = ?1"), [message_id], kept)?;
    found.ok_or_else(|| Refusal::not_found("there is no such mail").into())
}

fn listed(mails: &[Kept]) -> String {
    if mails.is_empty() {
        return "<p>No mail yet.</p>".to_owned();
    }
    let rows = mails.iter().map(|Kept { message_id, time, mail }| {
        let to = mail.as_ref().map_or("?", |mail| &mail.to);
        format!(
            "<tr><td>{}</td><td>{}</td><td><a href=\"mailbox/{}\">{}</a></td></tr>\n",
            escaped(time),
            escaped(to),
            escaped(message_id),
            escaped(title(mail.as_ref()))
        )
    });
    format!("<table><tr><th>time</th><th>to</th><th>subject</th></tr>\n{}</table>", rows.collect::<String>())
}

/// The subject, or what else there is to go by.
fn title(mail: Option<&Mail>) -> &str {
    let named = mail.and_then(|mail| mail.subject.as_deref().filter(|subject| !subject.is_empty()));
    named.or_else(|| mail?.template.as_deref()).unwrap_or("(no subject)")
}

fn shown(Kept { message_id, time, mail }: &Kept) -> String {
    let Some(mail) = mail else { return "<p>This mail cannot be shown.</p>".to_owned() };
    let row =
        |name: &str, value: &str| format!("<tr><th>{}</th><td>{}</td></tr>\n", escaped(name), escaped(value));
    let mut html = "<p><a href=\"../mailbox\">all mails</a></p>\n<table>".to_owned();
    html += &row("Time", time);
    if mail.headers.is_empty() {
        html += &row("Subject", title(Some(mail)));
        html += &row("From", mail.from.as_deref().unwrap_or("the platform"));
        html += &row("To", &mail.to);
    } else {
        html += &row("Subject, decoded", title(Some(mail)));
        html += &row("Delivered to", &mail.to);
        for (name, value) in &mail.headers {
            html += &row(name, value);
        }
    }
    html += &format!("</table>\n<p class=\"aside\">{}</p>\n", escaped(message_id));
    if let Some(page) = &mail.html {
        // An empty `sandbox` takes scripts, forms and links to the top away.
        html += &format!(
            "<h2>HTML</h2>\n<iframe sandbox title=\"HTML\" srcdoc=\"{}\"></iframe>\n",
            escaped(page)
        );
    }
    if let Some(text) = &mail.text {
        html += &format!("<h2>Text</h2>\n<pre>{}</pre>\n", escaped(text));
    }
    html
}
