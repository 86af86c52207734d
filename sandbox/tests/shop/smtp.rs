//! Mail by SMTP: strict about what is said, once per Message-ID, with faults, and shown on the mailbox page.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use sandbox::Options;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::harness::{Shop, text};

/// A conversation with the shop's mail server.
struct Talk(BufReader<TcpStream>);

impl Talk {
    async fn with(shop: &Shop) -> Self {
        let url = shop.running.smtp_url().expect("a mail server");
        let address = url.trim_start_matches("smtp://");
        let mut talk = Self(BufReader::new(TcpStream::connect(address).await.expect("connected")));
        assert_eq!(talk.hear().await.as_deref(), Some("220 sandbox ESMTP"));
        talk
    }

    /// Greeted already.
    async fn greeted(shop: &Shop) -> Self {
        let mut talk = Self::with(shop).await;
        talk.say("EHLO tests.example.com", "250").await;
        talk
    }

    /// The last line of a reply, or `None` when the connection is closed.
    async fn hear(&mut self) -> Option<String> {
        loop {
            let mut line = String::new();
            let read = tokio::time::timeout(Duration::from_secs(10), self.0.read_line(&mut line)).await;
            if read.expect("an answer in time").unwrap_or(0) == 0 {
                return None;
            }
            let line = line.trim_end_matches("\r\n");
            if line.as_bytes().get(3) != Some(&b'-') {
                return Some(line.to_owned());
            }
        }
    }

    async fn send(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).await.expect("sent");
    }

    /// Says a line and expects a reply that starts like this.
    async fn say(&mut self, line: &str, start: &str) {
        self.send(format!("{line}\r\n").as_bytes()).await;
        let reply = self.hear().await.unwrap_or_default();
        assert!(reply.starts_with(start), "{line}: {reply}");
    }

    /// Envelope and content of a mail to one recipient; the reply to the content.
    async fn mail(&mut self, content: &str) -> Option<String> {
        self.say("MAIL FROM:<orders@example.com>", "250").await;
        self.say("RCPT TO:<customer@example.com>", "250").await;
        self.say("DATA", "354").await;
        self.send(format!("{content}\r\n.\r\n").as_bytes()).await;
        self.hear().await
    }
}

async fn open() -> Shop {
    let smtp_listen = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    Shop::open_with(Options { smtp_listen, ..Options::default() }).await
}

fn mail(id: &str, body: &str) -> String {
    let date = "Sun, 22 Nov 2026 10:00:00 +0000";
    format!(
        "From: orders@example.com\r\nTo: customer@example.com\r\nDate: {date}\r\nMessage-ID: <{id}@example.com>\r\n\
         Subject: =?utf-8?b?xJDGoW4gaMOgbmc=?=\r\n\r\n{body}"
    )
}

async fn outbox(shop: &Shop) -> Vec<Value> {
    shop.get("/_sandbox/outbox").await.as_array().expect("a list").clone()
}

#[tokio::test]
async fn a_mail_ends_in_the_outbox_as_its_reader_sees_it() {
    let shop = open().await;
    let mut talk = Talk::greeted(&shop).await;
    let reply = talk.mail(&mail("one", "..Hello\r\n...\r\nbye")).await;
    assert_eq!(reply.as_deref(), Some("250 2.0.0 taken"));
    talk.say("QUIT", "221").await;
    assert_eq!(talk.hear().await, None);
    let sent = &outbox(&shop).await[0];
    assert_eq!((&sent["channel"], &sent["idempotency_key"]), (&json!("email"), &json!("<one@example.com>")));
    let message = &sent["message"];
    assert_eq!(
        (&message["to"], &message["from"]),
        (&json!("customer@example.com"), &json!("orders@example.com"))
    );
    assert_eq!(message["subject"], "Đơn hàng");
    assert_eq!(text(&message["text"]).replace("\r\n", "\n").trim_end(), ".Hello\n..\nbye");
    assert_eq!(shop.get("/_sandbox/audit").await["totals"]["mails"], 1);
    assert_eq!(shop.get("/_sandbox/effects").await[0]["operation"], "smtp.data");
}

#[tokio::test]
async fn the_same_message_id_counts_once_unless_dedupe_is_off() {
    let shop = open().await;
    let mut talk = Talk::greeted(&shop).await;
    for body in ["first", "another body, as of a second attempt"] {
        assert_eq!(talk.mail(&mail("one", body)).await.as_deref(), Some("250 2.0.0 taken"));
    }
    assert_eq!(outbox(&shop).await.len(), 1);
    assert_eq!(shop.get("/_sandbox/effects").await[0]["attempts"], 2);
    assert!(shop.violations().await.is_empty());
    talk.mail(&mail("two", "first")).await;
    let violations = shop.violations().await;
    assert!(violations[0].starts_with("duplicate message: email"), "{violations:?}");
    shop.switch(json!({ "dedupe": "off" })).await;
    talk.mail(&mail("one", "first")).await;
    assert_eq!(outbox(&shop).await.len(), 3);
}

#[tokio::test]
async fn faults_strike_after_and_before_the_mail_is_taken() {
    let shop = open().await;
    for (fault, reply) in [
        (json!({ "kind": "status" }), Some("451 4.3.0 not now")),
        (json!({ "kind": "status", "status": 554 }), Some("554 5.3.0 not taken")),
        (json!({ "kind": "rate_limit" }), Some("450 4.7.1 slow down")),
        (json!({ "kind": "reply_lost" }), None),
        (json!({ "kind": "malformed" }), Some("this is no reply")),
    ] {
        let mut fault = fault;
        (fault["operation"], fault["count"]) = (json!("smtp.data"), json!(1));
        shop.set_faults(json!([fault])).await;
        let before = outbox(&shop).await.len();
        let id = format!("{}{}", text(&fault["kind"]), fault["status"]);
        let said = Talk::greeted(&shop).await.mail(&mail(&id, &id)).await;
        assert_eq!(said.as_deref(), reply, "{fault}");
        let is_taken = matches!(text(&fault["kind"]), "reply_lost" | "malformed");
        assert_eq!(outbox(&shop).await.len() - before, usize::from(is_taken), "{fault}");
        Talk::greeted(&shop).await.mail(&mail(&id, &id)).await;
        assert_eq!(outbox(&shop).await.len() - before, 1, "{fault}");
    }
}

#[tokio::test]
async fn what_comes_in_the_wrong_order_or_shape_is_refused() {
    let shop = open().await;
    let mut talk = Talk::with(&shop).await;
    talk.say("MAIL FROM:<a@example.com>", "503").await;
    talk.say("EHLO tests.example.com", "250").await;
    talk.say("RCPT TO:<b@example.com>", "503").await;
    talk.say("DATA", "503").await;
    talk.say("MAIL FROM:<a@example.com> SIZE=99999999", "552").await;
    talk.say("MAIL FROM:<a@example.com>", "250").await;
    talk.say("MAIL FROM:<a@example.com>", "503").await;
    talk.say("DATA", "503").await;
    talk.say("RCPT TO:<b@example.com>", "250").await;
    talk.say("RSET", "250").await;
    talk.say("RCPT TO:<b@example.com>", "503").await;
    talk.say("STARTTLS", "502").await;
    for (content, why) in [
        (mail("a", "x").replace("Message-ID", "X-ID"), "554 5.6.0 the mail lacks Date, From or Message-ID"),
        (format!("Date: x\r\n{}", mail("a", "x")), "554 5.6.0 the mail has Date, From or Message-ID twice"),
        (mail("a", "Xin chào"), "554 5.6.0 the body has letters that are not encoded"),
        (mail("a", "x").replace("=?utf-8?b?xJDGoW4gaMOgbmc=?=", "Đơn"), "554 5.6.0 a header has letters"),
        (mail("a", &"x".repeat(1_000)), "554 5.6.0 a line of the mail is longer"),
        (mail("a", &"0123456789\r\n".repeat(100_000)), "552 5.3.4"),
    ] {
        let reply = talk.mail(&content).await.unwrap_or_default();
        assert!(reply.starts_with(why), "{why}: {reply}");
    }
    assert!(outbox(&shop).await.is_empty());
    // The way mails are smuggled past servers that take any line end.
    talk.say("MAIL FROM:<a@example.com>", "250").await;
    talk.say("RCPT TO:<b@example.com>", "250").await;
    talk.say("DATA", "354").await;
    talk.send(format!("{}\n.\nMAIL FROM:<c@example.com>\r\n.\r\n", mail("a", "x")).as_bytes()).await;
    assert_eq!(talk.hear().await.as_deref(), Some("500 5.5.2 lines end with CR LF"));
    assert_eq!(talk.hear().await, None);
    assert!(outbox(&shop).await.is_empty());
}

#[tokio::test]
async fn the_mailbox_shows_mails_of_both_ways_and_runs_nothing_of_them() {
    let shop = open().await;
    let page = async |path: &str| shop.ask(reqwest::Method::GET, path).send().await;
    assert!(page("/_sandbox/mailbox").await.text.contains("No mail yet."));
    let html = "<p title=\"'x'\">Xin chào</p><script>alert(1)</script>";
    let by_http = json!({
        "to": "customer@example.com", "template": "order_confirmation", "subject": "<b>Đơn</b>",
        "text": "a < b", "html": html,
    });
    let sent = shop.post("/notifications/email", by_http).send().await.data(202);
    Talk::greeted(&shop).await.mail(&mail("one", "hello")).await;
    let list = page("/_sandbox/mailbox").await.text;
    assert!(list.contains("&lt;b&gt;Đơn&lt;/b&gt;") && !list.contains("<b>"), "{list}");
    assert!(list.contains(">Đơn hàng</a>"), "{list}");
    let shown = page(&format!("/_sandbox/mailbox/{}", text(&sent["message_id"]))).await;
    let frame = "<iframe sandbox title=\"HTML\" srcdoc=\"&lt;p title=&quot;&#39;x&#39;&quot;&gt;Xin chào";
    assert!(shown.text.contains(frame) && !shown.text.contains("<script"), "{}", shown.text);
    assert!(shown.text.contains("<pre>a &lt; b</pre>"), "{}", shown.text);
    assert!(shown.text.contains("<a href=\"../mailbox\">"), "{}", shown.text);
    assert_eq!(page("/_sandbox/mailbox/msg_0").await.status, 404);
    let url = format!("{}/_sandbox/mailbox", shop.running.url());
    let answer = shop.client.get(url).send().await.expect("an answer");
    let policy = answer.headers().get("content-security-policy").expect("a policy");
    assert!(policy.to_str().expect("text").contains("default-src 'none'"));
}
