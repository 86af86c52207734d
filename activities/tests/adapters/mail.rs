//! Mail by SMTP: what each answer of a server comes to, once per Message-ID, over few connections.

mod once;
mod refused;
mod server;

use std::sync::Arc;
use std::time::Duration;

use activities::notification::NotificationActivities;
use activities::notification::mail::smtp::{MailError, MailServer, Mailer, Security};
use contracts::failure::OUTCOME_UNKNOWN;
use contracts::notification::{Delivery, Notifications, SendEmail};
use contracts::values::Recipient;
use messages::Texts;
use serde_json::json;
use tokio::net::TcpListener;

use self::server::{Does, Server, patient, sending, server_at, with_login};
use crate::TestResult;
use crate::notification::email;
use crate::shop::Shop;
use crate::temporal::{FIRST, SECOND, Temporal};

const LIMIT: Duration = Duration::from_millis(500);

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
    let server = patient(server_at(port)?);
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
    let server = patient(server_at(port)?);
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
