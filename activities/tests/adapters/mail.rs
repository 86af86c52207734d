//! Mail by SMTP: what each answer of a server comes to, once per Message-ID, over few connections.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use activities::http::Credential;
use activities::notification::NotificationActivities;
use activities::notification::mail::smtp::{Bounces, Login, MailError, MailServer, Mailer, Security};
use contracts::failure::{OUTCOME_UNKNOWN, UNAVAILABLE};
use contracts::notification::{Delivery, Notifications, SendEmail};
use contracts::values::Recipient;
use messages::Texts;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::TestResult;
use crate::notification::email;
use crate::shop::Shop;
use crate::temporal::{FIRST, SECOND, Temporal};

const LIMIT: Duration = Duration::from_millis(500);

/// The deeds of a scripted server when it hears a command.
#[derive(Clone, Copy, Debug)]
enum Does {
    Says(&'static str),
    HangsUp,
    Nothing,
}

/// A mail server that answers as told, and politely where nothing is told.
struct Server {
    port: u16,
    heard: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    async fn start(told: &[(&'static str, Does)]) -> TestResult<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let (told, heard) = (Arc::new(told.iter().copied().collect::<HashMap<_, _>>()), Arc::default());
        let ears = Arc::clone(&heard);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, Arc::clone(&told), Arc::clone(&ears)));
            }
        });
        Ok(Self { port, heard, task })
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn times(&self, verb: &str) -> usize {
        self.heard().iter().filter(|line| line.starts_with(verb)).count()
    }
}

async fn converse(stream: TcpStream, told: Arc<HashMap<&'static str, Does>>, heard: Arc<Mutex<Vec<String>>>) {
    let mut stream = BufReader::new(stream);
    let mut verb = "CONNECT".to_owned();
    loop {
        let polite = match verb.as_str() {
            "CONNECT" => "220 hello",
            "EHLO" => "250-hello\r\n250 AUTH PLAIN LOGIN",
            "AUTH" => "235 2.7.0 come in",
            "DATA" => "354 go on",
            _ => "250 2.0.0 fine",
        };
        let reply = match told.get(verb.as_str()).copied().unwrap_or(Does::Says(polite)) {
            Does::Says(reply) => reply,
            Does::HangsUp => return,
            Does::Nothing => std::future::pending().await,
        };
        let in_mail = verb == "DATA" && reply.starts_with('3');
        if stream.get_mut().write_all(format!("{reply}\r\n").as_bytes()).await.is_err() {
            return;
        }
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            let line = line.trim_end();
            if !in_mail || line == "." {
                heard.lock().unwrap_or_else(PoisonError::into_inner).push(line.to_owned());
                line.split(' ').next().unwrap_or_default().clone_into(&mut verb);
                break;
            }
        }
    }
}

fn server_at(port: u16) -> TestResult<MailServer> {
    Ok(MailServer {
        host: "127.0.0.1".to_owned(),
        port,
        security: Security::StartTlsIfOffered,
        login: None,
        from: "Sun Shop <orders@shop.example.com>".parse()?,
        authorities: None,
        bounces: Bounces::default(),
        dkim: None,
        timeout: LIMIT,
    })
}

fn with_login(server: MailServer) -> MailServer {
    let password = Credential::new("very-secret-password");
    MailServer { login: Some(Login { user: "shop".to_owned(), password }), ..server }
}

async fn sending(server: MailServer) -> TestResult<(Shop, Temporal)> {
    let shop = Shop::open().await?;
    let activities = NotificationActivities::new(shop.api()?, Texts::load()?);
    Ok((shop, Temporal::with(activities.with_mail(Arc::new(Mailer::new(server)?))).await?))
}

#[tokio::test]
async fn what_the_server_will_never_take_is_an_outcome() -> TestResult {
    use Does::Says;
    // Of the address, and of no mailbox, by the server's own words.
    for (verb, says, is_of_address, is_no_mailbox) in [
        ("RCPT", "550 5.1.1 customer@example.com unknown", true, true),
        ("RCPT", "553 5.1.3 no such mailbox", true, true),
        ("RCPT", "501 5.1.3 bad address", true, true),
        ("RCPT", "550 5.1.10 it takes no mail", true, true),
        ("RCPT", "550 5.2.1 mailbox disabled", true, true),
        ("RCPT", "550 5.1.0 Sender address rejected", true, false),
        ("RCPT", "550 no", true, false),
        ("RCPT", "550 5.7.1 your address is on a list", false, false),
        ("RCPT", "554 5.7.1 Relay access denied", false, false),
        ("DATA", "554 5.5.1 no valid recipients", true, false),
        ("DATA", "554 5.7.1 no", false, false),
        (".", "554 5.7.1 looks like spam", false, false),
        (".", "550 5.1.1 said too late", true, false),
        (".", "552 5.3.4 too large", true, false),
    ] {
        let server = Server::start(&[(verb, Says(says))]).await?;
        let code = says.chars().take(3).collect::<String>();
        for (bounces, is_bounce) in [
            (Bounces::OfTheAddress, is_of_address),
            (Bounces::EveryRefusal, true),
            (Bounces::NoSuchMailbox, is_no_mailbox),
        ] {
            let outcome = match is_bounce {
                true => Delivery::Bounced { code: code.clone() },
                false => Delivery::Refused { code: code.clone() },
            };
            let told = server.times("EHLO");
            let (_shop, temporal) = sending(MailServer { bounces, ..server_at(server.port)? }).await?;
            for _ in 0..2 {
                let found = temporal.run(Notifications::send_email, FIRST, &email()?).await?;
                assert_eq!(found, Ok(outcome.clone()), "{verb} {says} {bounces:?}");
            }
            // The connection serves the next mail.
            assert_eq!(server.times("EHLO"), told + 1, "{verb}: {:?}", server.heard());
        }
    }
    Ok(())
}

#[tokio::test]
async fn everything_else_is_tried_again_and_names_setting_and_fix() -> TestResult {
    use Does::{HangsUp, Nothing, Says};
    for (verb, does, kind, words) in [
        (
            "CONNECT",
            Says("554 5.7.1 go away"),
            UNAVAILABLE,
            "(554); it does not let this worker speak: is SUN_MAIL_URL",
        ),
        ("CONNECT", Says("421 4.3.2 busy"), UNAVAILABLE, "puts the connection off (421)"),
        (
            "CONNECT",
            Nothing,
            UNAVAILABLE,
            "did not answer within 500ms; is it running? A port where TLS begins",
        ),
        ("CONNECT", HangsUp, UNAVAILABLE, "is SUN_MAIL_URL a mail server's submission port?"),
        ("AUTH", Says("535 5.7.8 wrong"), UNAVAILABLE, "correct SUN_MAIL_USER and SUN_MAIL_PASSWORD"),
        ("AUTH", Says("454 4.7.0 later"), UNAVAILABLE, "puts the login off (454)"),
        ("EHLO", Says("250 hello"), UNAVAILABLE, "offers no login by PLAIN or LOGIN here"),
        ("MAIL", Says("550 5.7.1 not yours"), UNAVAILABLE, "refuses the sender: correct SUN_MAIL_FROM"),
        ("MAIL", Says("530 5.7.0 login first"), UNAVAILABLE, "set SUN_MAIL_USER and SUN_MAIL_PASSWORD"),
        (
            "RCPT",
            Says("553 5.1.7 not your address"),
            UNAVAILABLE,
            "refuses the sender: correct SUN_MAIL_FROM",
        ),
        ("RCPT", Says("550 5.1.8 no such sender"), UNAVAILABLE, "refuses the sender: correct SUN_MAIL_FROM"),
        ("MAIL", HangsUp, UNAVAILABLE, "is SUN_MAIL_URL a mail server's"),
        (
            "RCPT",
            Says("450 4.2.0 customer@example.com is greylisted"),
            UNAVAILABLE,
            "puts the recipient off (450)",
        ),
        ("RCPT", Says("503 5.5.1 what?"), UNAVAILABLE, "does not follow the protocol"),
        ("DATA", Nothing, UNAVAILABLE, "did not answer within 500ms"),
        (".", Says("451 4.3.0 disk full"), UNAVAILABLE, "puts the message off (451)"),
        (".", HangsUp, OUTCOME_UNKNOWN, "the mail server's reply cannot be read"),
        (".", Nothing, OUTCOME_UNKNOWN, "none within 500ms"),
        (".", Says("what?"), OUTCOME_UNKNOWN, "the mail server's reply cannot be read"),
    ] {
        let server = Server::start(&[(verb, does)]).await?;
        let (_shop, temporal) = sending(with_login(server_at(server.port)?)).await?;
        let failed = temporal.run(Notifications::send_email, FIRST, &email()?).await?.err().ok_or("sent")?;
        assert_eq!((failed.kind.as_str(), failed.is_final), (kind, false), "{verb} {does:?}");
        assert!(failed.message.contains(words), "{verb} {does:?}: {}", failed.message);
        for secret in ["example.com", "very-secret", "greylisted"] {
            assert!(!failed.message.contains(secret), "{}", failed.message);
        }
    }
    Ok(())
}

#[tokio::test]
async fn off_loopback_nothing_is_said_in_the_open() -> TestResult {
    let server = Server::start(&[]).await?;
    let open = MailServer { security: Security::StartTls, ..with_login(server_at(server.port)?) };
    let said = Mailer::new(open)?.health().await.err().ok_or("healthy")?;
    assert!(said.to_string().contains("offers no STARTTLS"), "{said}");
    assert_eq!((server.times("AUTH"), server.times("MAIL")), (0, 0), "{:?}", server.heard());
    let wrapped = MailServer { security: Security::Wrapped, ..with_login(server_at(server.port)?) };
    let said = Mailer::new(wrapped)?.health().await.err().ok_or("healthy")?;
    assert!(said.to_string().contains("does not answer in TLS: write SUN_MAIL_URL with smtp://"), "{said}");
    assert_eq!((server.times("AUTH"), server.times("MAIL")), (0, 0), "{:?}", server.heard());
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_away_is_named_by_its_setting() -> TestResult {
    let port = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
    let said = Mailer::new(server_at(port)?)?.health().await;
    let Err(MailError::NotSent { why }) = said else { return Err(format!("{said:?}").into()) };
    assert!(why.contains("the connection is refused; is it running, and is SUN_MAIL_URL right?"), "{why}");
    Ok(())
}

#[tokio::test]
async fn connections_are_kept_and_a_lost_one_is_replaced() -> TestResult {
    let server = Server::start(&[]).await?;
    let (_shop, temporal) = sending(server_at(server.port)?).await?;
    for _ in 0..3 {
        let sent = temporal.run(Notifications::send_email, FIRST, &email()?).await?;
        assert!(matches!(&sent, Ok(Delivery::Accepted { .. })), "{sent:?}");
    }
    assert_eq!((server.times("EHLO"), server.times("MAIL")), (1, 3));
    // It hangs up on whoever asks whether it is still there.
    let server = Server::start(&[("NOOP", Does::HangsUp)]).await?;
    let (_shop, temporal) = sending(server_at(server.port)?).await?;
    for _ in 0..3 {
        let sent = temporal.run(Notifications::send_email, FIRST, &email()?).await?;
        assert!(matches!(&sent, Ok(Delivery::Accepted { .. })), "{sent:?}");
    }
    assert_eq!((server.times("EHLO"), server.times("MAIL")), (3, 3));
    Ok(())
}

#[tokio::test]
async fn a_lost_reply_costs_a_second_message_under_the_same_id() -> TestResult {
    let (shop, port) = Shop::with_mail().await?;
    let server = MailServer { timeout: Duration::from_secs(10), ..server_at(port)? };
    let activities = NotificationActivities::new(shop.api()?, Texts::load()?);
    let temporal = Temporal::with(activities.with_mail(Arc::new(Mailer::new(server)?))).await?;
    shop.switch(json!({ "dedupe": "off" })).await?;
    shop.fault("smtp.data", "reply_lost", json!({})).await?;
    let failed = temporal.run(Notifications::send_email, FIRST, &email()?).await?.err().ok_or("answered")?;
    assert_eq!((failed.kind.as_str(), failed.is_final), (OUTCOME_UNKNOWN, false));
    let sent = temporal.run(Notifications::send_email, SECOND, &email()?).await?;
    let Ok(Delivery::Accepted { message_id: Some(id) }) = sent else {
        return Err(format!("{sent:?}").into());
    };
    let outbox = shop.get("/_sandbox/outbox").await?;
    let ids: Vec<_> = outbox.as_array().into_iter().flatten().map(|sent| &sent["idempotency_key"]).collect();
    assert_eq!(ids, [&json!(id), &json!(id)]);
    let message = &outbox[1]["message"];
    assert_eq!(message["subject"], "Xác nhận đơn hàng ORDER-001");
    assert_eq!(
        (&message["to"], &message["from"]),
        (&json!("customer@example.com"), &json!("orders@shop.example.com"))
    );
    for part in ["text", "html"] {
        let part = message[part].as_str().unwrap_or_default();
        assert!(part.contains("Tổng cộng") && part.contains("25.000.000 VND"), "{part}");
    }
    assert_eq!(shop.total("mails").await?, 2);
    Ok(())
}

#[tokio::test]
async fn the_link_to_unsubscribe_is_in_the_headers_of_a_mail_that_has_one() -> TestResult {
    let (shop, port) = Shop::with_mail().await?;
    let server = MailServer { timeout: Duration::from_secs(10), ..server_at(port)? };
    let activities = NotificationActivities::new(shop.api()?, Texts::load()?);
    let temporal = Temporal::with(activities.with_mail(Arc::new(Mailer::new(server)?))).await?;
    let link = "https://shop.example.com/bye/1/2";
    let mail = SendEmail { list_unsubscribe: Some(link.to_owned()), ..email()? };
    let sent = temporal.run(Notifications::send_email, FIRST, &mail).await?;
    assert!(matches!(&sent, Ok(Delivery::Accepted { .. })), "{sent:?}");
    let outbox = shop.get("/_sandbox/outbox").await?;
    let headers = outbox[0]["message"]["headers"].as_array().cloned().unwrap_or_default();
    for header in [
        json!(["List-Unsubscribe", format!("<{link}>")]),
        json!(["List-Unsubscribe-Post", "List-Unsubscribe=One-Click"]),
    ] {
        assert!(headers.contains(&header), "{header} is not in {headers:?}");
    }
    Ok(())
}

/// M5 and M7
#[tokio::test]
async fn the_server_hears_quotes_where_they_are_needed_and_domains_as_it_knows_them() -> TestResult {
    let server = Server::start(&[]).await?;
    let (_shop, temporal) = sending(server_at(server.port)?).await?;
    for (to, heard) in [
        ("\"abc..def\"@example.com", "RCPT TO:<\"abc..def\"@example.com>"),
        ("lan@thử.example.com", "RCPT TO:<lan@xn--th-yct.example.com>"),
    ] {
        let mail = SendEmail { to: Recipient::new(to), ..email()? };
        let sent = temporal.run(Notifications::send_email, FIRST, &mail).await?;
        assert!(matches!(sent, Ok(Delivery::Accepted { .. })), "{sent:?}");
        assert!(server.heard().iter().any(|line| line == heard), "{:?}", server.heard());
    }
    Ok(())
}
