//! Whose fault a refusal is, by its codes and the step of the conversation.

use std::time::Duration;

use activities::notification::mail::smtp::{Bounces, MailServer};
use contracts::failure::{OUTCOME_UNKNOWN, SETTING, UNAVAILABLE};
use contracts::notification::{Delivery, Notifications, SendEmail};
use contracts::values::IdempotencyKey;

use super::server::{Does, Server, sending, server_at, with_login};
use crate::TestResult;
use crate::notification::email;
use crate::temporal::FIRST;

#[tokio::test]
async fn what_the_server_will_never_take_is_an_outcome() -> TestResult {
    use Does::Says;
    // Of the address by the widest and the wider setting, and of no mailbox; by the server's codes, not its words.
    for (verb, says, shown, is_of_address, is_no_mailbox) in [
        ("RCPT", "550 5.1.1 customer@example.com unknown", "550 5.1.1", true, true),
        ("RCPT", "550-5.1.1 customer@example.com\r\n550 5.1.1 unknown", "550 5.1.1", true, true),
        ("RCPT", "550 #5.1.1 unknown", "550 5.1.1", true, true),
        ("RCPT", "550 5.1.2 no such domain", "550 5.1.2", true, true),
        ("RCPT", "553 5.1.3 no such mailbox", "553 5.1.3", true, true),
        ("RCPT", "501 5.1.3 bad address", "501 5.1.3", true, true),
        ("RCPT", "550 5.1.10 it takes no mail", "550 5.1.10", true, true),
        ("RCPT", "550 5.2.1 mailbox disabled", "550 5.2.1", true, true),
        ("RCPT", "551 5.1.6 moved", "551 5.1.6", true, false),
        ("RCPT", "550 5.1.0 Sender address rejected", "550 5.1.0", true, false),
        ("RCPT", "550 no such user 5.1.1", "550", true, false),
        // M3
        ("RCPT", "552 5.2.2 mailbox full", "552 5.2.2", false, false),
        (".", "552 5.2.2 mailbox full", "552 5.2.2", false, false),
        (".", "550 5.1.1 said too late", "550 5.1.1", true, false),
        (".", "554 no", "554", false, false),
        (".", "554 5.6.0 cannot be read", "554 5.6.0", false, false),
    ] {
        let server = Server::start(&[(verb, Says(says))]).await?;
        for (bounces, is_bounce) in [
            (Bounces::OfTheAddress, is_of_address),
            (Bounces::EveryRefusal, true),
            (Bounces::NoSuchMailbox, is_no_mailbox),
        ] {
            let code = shown.to_owned();
            let outcome = match is_bounce {
                true => Delivery::Bounced { code },
                false => Delivery::Refused { code },
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

/// Permission or policy: of the recipient, of the mail, or of ours. No setting has an address suppressed for it.
#[tokio::test]
async fn policy_is_put_off_whatever_the_setting_says() -> TestResult {
    for (verb, says) in [
        ("RCPT", "550 5.7.1 your address is on a list"),
        ("RCPT", "554 5.7.1 Relay access denied"),
        ("DATA", "554 5.7.1 no"),
        (".", "554 5.7.1 looks like spam"),
        (".", "550 5.7.26 unauthenticated"),
    ] {
        let server = Server::start(&[(verb, Does::Says(says))]).await?;
        for bounces in [Bounces::OfTheAddress, Bounces::EveryRefusal, Bounces::NoSuchMailbox] {
            let (_shop, temporal) = sending(MailServer { bounces, ..server_at(server.port)? }).await?;
            for number in 1..=5 {
                let mail = SendEmail { key: IdempotencyKey::new("run", &number.to_string()), ..email()? };
                let failed =
                    temporal.run(Notifications::send_email, FIRST, &mail).await?.err().ok_or("sent")?;
                assert_eq!((failed.kind.as_str(), failed.is_final), (UNAVAILABLE, false), "{verb} {says}");
                assert_eq!(failed.next_retry_delay, Some(Duration::from_secs(60)), "{verb} {says}");
                let is_named = failed.message.contains("the mail server of SUN_MAIL_URL refuses most mails");
                assert_eq!(is_named, number == 5, "{}", failed.message);
                let is_by_code =
                    failed.message.contains(&says[..9]) && !failed.message.contains("your address");
                assert!(is_by_code, "{}", failed.message);
            }
        }
    }
    Ok(())
}

/// A server that changes what it says does not silence every customer.
#[tokio::test]
async fn ten_addresses_without_a_mailbox_in_an_hour_are_the_last_that_are_suppressed() -> TestResult {
    let server = Server::start(&[("RCPT", Does::Says("550 5.1.1 unknown"))]).await?;
    let (_shop, temporal) = sending(server_at(server.port)?).await?;
    for number in 1..=12 {
        let mail = SendEmail { key: IdempotencyKey::new("run", &number.to_string()), ..email()? };
        let code = "550 5.1.1".to_owned();
        let wanted = if number <= 10 { Delivery::Bounced { code } } else { Delivery::Refused { code } };
        assert_eq!(temporal.run(Notifications::send_email, FIRST, &mail).await?, Ok(wanted), "{number}");
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
            "(554 5.7.1); it does not let this worker speak: is SUN_MAIL_URL",
        ),
        ("CONNECT", Says("421 4.3.2 busy"), UNAVAILABLE, "puts the connection off (421)"),
        (
            "CONNECT",
            Nothing,
            UNAVAILABLE,
            "did not answer within 500ms; is it running? A port where TLS begins",
        ),
        ("CONNECT", HangsUp, UNAVAILABLE, "is SUN_MAIL_URL a mail server's submission port?"),
        ("AUTH", Says("535 5.7.8 wrong"), SETTING, "correct SUN_MAIL_USER and SUN_MAIL_PASSWORD"),
        ("AUTH", Says("454 4.7.0 later"), UNAVAILABLE, "puts the login off (454)"),
        ("EHLO", Says("250 hello"), UNAVAILABLE, "offers no login by PLAIN or LOGIN here"),
        ("MAIL", Says("550 5.7.1 not yours"), SETTING, "refuses the sender: correct SUN_MAIL_FROM"),
        ("MAIL", Says("530 5.7.0 login first"), SETTING, "set SUN_MAIL_USER and SUN_MAIL_PASSWORD"),
        ("RCPT", Says("553 5.1.7 not your address"), SETTING, "refuses the sender: correct SUN_MAIL_FROM"),
        ("RCPT", Says("550 5.1.8 no such sender"), SETTING, "refuses the sender: correct SUN_MAIL_FROM"),
        ("MAIL", HangsUp, UNAVAILABLE, "is SUN_MAIL_URL a mail server's"),
        (
            "RCPT",
            Says("450 4.2.0 customer@example.com is greylisted"),
            UNAVAILABLE,
            "puts the recipient off (450)",
        ),
        ("RCPT", Says("503 5.5.1 what?"), UNAVAILABLE, "does not follow the protocol"),
        // M2: a limit of ours, at whatever step it is said.
        ("MAIL", Says("550 5.4.5 daily sending limit"), UNAVAILABLE, "(550 5.4.5); that is a limit, a fault"),
        ("RCPT", Says("550 5.4.5 daily sending limit"), UNAVAILABLE, "(550 5.4.5); that is a limit, a fault"),
        (
            "DATA",
            Says("554 5.5.1 no valid recipients"),
            UNAVAILABLE,
            "mail server of SUN_MAIL_URL, or of our",
        ),
        (".", Says("554 5.3.4 too large"), UNAVAILABLE, "(554 5.3.4); that is a limit, a fault"),
        (".", Says("550 5.3.2 not now"), UNAVAILABLE, "not the recipient's: its keeper knows more"),
        (".", Says("550 5.1.8 no such sender"), SETTING, "refuses the sender: correct SUN_MAIL_FROM"),
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
