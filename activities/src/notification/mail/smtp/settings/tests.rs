use std::collections::BTreeMap;
use std::time::Duration;

use super::*;

type Checked = Result<MailServer, Vec<Problem>>;

const KEY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dkim_key.pem");

fn checked(settings: &[(&'static str, &str)]) -> Checked {
    let from = [(FROM, "orders@example.com")];
    let values: BTreeMap<_, _> =
        from.iter().chain(settings).map(|(variable, value)| (*variable, (*value).to_owned())).collect();
    server(&Given {
        values: &values,
        settings: KIND.settings,
        home: None,
        timeout: Duration::from_secs(1),
        response_bytes_max: 1,
    })
}

#[test]
fn the_url_says_where_and_how() -> Result<(), Vec<Problem>> {
    for (url, host, port, security) in [
        ("smtp://mail.example.com", "mail.example.com", 587, Security::StartTls),
        ("smtp://mail.example.com:25", "mail.example.com", 25, Security::StartTls),
        ("smtps://mail.example.com", "mail.example.com", 465, Security::Wrapped),
        ("smtp://10.0.0.1", "10.0.0.1", 587, Security::StartTls),
        ("smtp://localhost:1025", "localhost", 1025, Security::StartTlsIfOffered),
        ("smtp://127.0.0.1:1025/", "127.0.0.1", 1025, Security::StartTlsIfOffered),
        ("smtp://[::1]:1025", "::1", 1025, Security::StartTlsIfOffered),
        ("smtps://localhost", "localhost", 465, Security::Wrapped),
    ] {
        let server = checked(&[(URL, url)])?;
        assert_eq!((server.host.as_str(), server.port, server.security), (host, port, security), "{url}");
        assert!(server.login.is_none() && server.dkim.is_none());
    }
    Ok(())
}

#[test]
fn the_user_is_in_the_url_or_beside_it_and_the_password_is_not_shown() -> Result<(), Vec<Problem>> {
    for settings in [
        &[(URL, "smtps://shop%40example.com@mail.example.com"), (PASSWORD, "hunter2")][..],
        &[(URL, "smtps://mail.example.com"), (USER, "shop@example.com"), (PASSWORD, "hunter2")],
    ] {
        let server = checked(settings)?;
        assert!(!format!("{server:?}").contains("hunter2"), "{server:?}");
        assert_eq!(server.login.map(|login| login.user).as_deref(), Some("shop@example.com"));
    }
    Ok(())
}

#[test]
fn mails_are_signed_by_the_senders_domain_unless_another_is_named() -> Result<(), Vec<Problem>> {
    let url = (URL, "smtp://mail.example.com");
    let signed = [url, (DKIM_SELECTOR, "s1"), (DKIM_KEY_FILE, KEY)];
    let server = checked(&signed)?;
    assert_eq!(server.dkim.as_ref().map(Dkim::domain), Some("example.com"));
    assert!(!format!("{server:?}").contains("PRIVATE"), "{server:?}");
    let of_another = |domain| {
        checked(&[&signed[..], &[(FROM, "orders@shop.example.com"), (DKIM_DOMAIN, domain)]].concat())
    };
    assert!(of_another("example.com").is_ok());
    for domain in ["example.org", "op.example.com"] {
        let problems = of_another(domain).map(drop).expect_err(domain);
        let said = problems.iter().map(Problem::what).collect::<String>();
        assert!(said.contains("is not the domain of SUN_MAIL_FROM (shop.example.com)"), "{said}");
    }
    Ok(())
}

#[test]
fn what_has_the_address_suppressed_is_chosen_by_name() -> Result<(), Vec<Problem>> {
    let url = (URL, "smtp://mail.example.com");
    assert_eq!(checked(&[url])?.bounces, Bounces::NoSuchMailbox);
    for (name, bounces) in [
        ("every-refusal", Bounces::EveryRefusal),
        ("of-the-address", Bounces::OfTheAddress),
        ("no-such-mailbox", Bounces::NoSuchMailbox),
    ] {
        assert_eq!(checked(&[url, (BOUNCES, name)])?.bounces, bounces);
    }
    let problems = checked(&[url, (BOUNCES, "none")]).map(drop).expect_err("unknown");
    assert_eq!(problems.first().map(|problem| problem.field.as_str()), Some(BOUNCES));
    Ok(())
}
