//! No mail is sent a second time while the first attempt may still deliver.

use std::collections::BTreeSet;
use std::time::Duration;

use activities::notification::mail::smtp::MailServer;
use contracts::failure::{OUTCOME_UNKNOWN, UNAVAILABLE};
use contracts::notification::{Delivery, Notifications, SendEmail};
use contracts::values::IdempotencyKey;
use futures::future::{join_all, try_join_all};

use super::server::{Does, Server, sending, server_at};
use crate::TestResult;
use crate::notification::email;
use crate::temporal::{FIRST, SECOND};

fn is_all() -> bool {
    std::env::var_os("SUNFLOW_TEST_ALL").is_some()
}

/// As after a heartbeat that was late: Temporal begins another attempt while the first one goes on.
#[tokio::test]
async fn one_message_id_is_under_way_once() -> TestResult {
    let server = Server::start(&[(".", Does::Later(300))]).await?;
    let (_shop, temporal) = sending(server_at(server.port)?).await?;
    let mail = email()?;
    let attempts =
        [FIRST, SECOND, SECOND].map(|attempt| temporal.run(Notifications::send_email, attempt, &mail));
    let (mut sent, mut put_off) = (0, 0);
    for outcome in try_join_all(attempts).await? {
        match outcome {
            Ok(Delivery::Accepted { .. }) => sent += 1,
            Err(failed) => {
                assert_eq!((failed.kind.as_str(), failed.is_final), (UNAVAILABLE, false), "{failed:?}");
                assert!(failed.message.contains("an attempt before is still handing it over"), "{failed:?}");
                put_off += 1;
            }
            other => return Err(format!("{other:?}").into()),
        }
    }
    assert_eq!((sent, put_off, server.times("Message-ID:")), (1, 2, 1));
    // Once it has ended, another one may begin.
    assert!(temporal.run(Notifications::send_email, SECOND, &mail).await?.is_ok());
    Ok(())
}

/// A relay that takes the mail and replies later than anybody waits.
#[tokio::test]
async fn a_server_that_never_replies_in_time_gets_a_mail_twice_at_most() -> TestResult {
    let server = Server::start(&[(".", Does::Later(5_000))]).await?;
    let (_shop, temporal) = sending(server_at(server.port)?).await?;
    let doubt = Ok(Delivery::Refused { code: "no_reply".to_owned() });
    let mail = email()?;
    let first = temporal.run(Notifications::send_email, FIRST, &mail).await?.err().ok_or("sent")?;
    assert_eq!((first.kind.as_str(), first.is_final), (OUTCOME_UNKNOWN, false), "{first:?}");
    for _ in 0..5 {
        assert_eq!(temporal.run(Notifications::send_email, SECOND, &mail).await?, doubt);
    }
    assert_eq!(server.times("Message-ID:"), 2);
    // Another worker goes on counting where the last attempt ended.
    for (told, mails) in [(1, 1), (2, 0)] {
        let server = Server::start(&[(".", Does::Later(5_000))]).await?;
        let (_shop, temporal) = sending(server_at(server.port)?).await?;
        temporal.told(&told)?;
        assert_eq!(temporal.run(Notifications::send_email, SECOND, &mail).await?, doubt, "{told}");
        assert_eq!(server.times("Message-ID:"), mails, "{told}");
    }
    Ok(())
}

/// The reply has more time than the conversation.
#[tokio::test]
async fn a_reply_that_is_late_is_awaited() -> TestResult {
    let server = Server::start(&[(".", Does::Later(1_500))]).await?;
    let reply = Duration::from_secs(20);
    let (_shop, temporal) = sending(MailServer { reply, ..server_at(server.port)? }).await?;
    let sent = temporal.run(Notifications::send_email, FIRST, &email()?).await?;
    assert!(matches!(sent, Ok(Delivery::Accepted { .. })), "{sent:?}");
    assert_eq!(server.times("Message-ID:"), 1);
    Ok(())
}

/// M4: 200 mails over 8 connections. Waiting for one of them costs a mail nothing of the server's limit, and a mail
/// that finds no place to wait comes again, as Temporal would have it.
#[tokio::test]
async fn a_burst_to_a_slow_server_is_one_message_each() -> TestResult {
    const MAILS: usize = 200;
    let delays: &[u64] = if is_all() { &[50, 500, 2_500] } else { &[50] };
    for &delay in delays {
        let server = Server::start(&[(".", Does::Later(delay))]).await?;
        let timeout = Duration::from_millis(delay * 2 + 10_000);
        let (_shop, temporal) =
            sending(MailServer { timeout, reply: timeout, ..server_at(server.port)? }).await?;
        let mut open: Vec<usize> = (0..MAILS).collect();
        let mut put_off = 0;
        while !open.is_empty() {
            let attempts = open.iter().map(|number| {
                let temporal = &temporal;
                async move {
                    let key = IdempotencyKey::new("burst", &number.to_string());
                    let outcome = temporal
                        .run(Notifications::send_email, FIRST, &SendEmail { key, ..email()? })
                        .await?;
                    TestResult::Ok((*number, outcome))
                }
            });
            let mut again = Vec::new();
            for attempt in join_all(attempts).await {
                match attempt? {
                    (_, Ok(Delivery::Accepted { .. })) => {}
                    (number, Err(failed))
                        if failed.message.contains("connections to the mail server are in use") =>
                    {
                        again.push(number);
                    }
                    other => return Err(format!("{other:?}").into()),
                }
            }
            put_off += again.len();
            open = again;
        }
        let heard = server.heard();
        let ids: Vec<_> = heard.iter().filter(|line| line.starts_with("Message-ID:")).collect();
        let different: BTreeSet<_> = ids.iter().collect();
        assert_eq!((ids.len(), different.len()), (MAILS, MAILS), "{delay} ms");
        assert!(server.times("EHLO") <= 8, "{delay} ms: {} connections", server.times("EHLO"));
        assert!(put_off > 0, "{delay} ms: nobody was put off");
    }
    Ok(())
}
