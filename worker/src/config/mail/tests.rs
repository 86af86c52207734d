use activities::mail::Dkim;
use clap::Parser as _;

use super::*;
use crate::config::{Config, Settings};

type TestResult = Result<(), Box<dyn std::error::Error>>;

fn checked(args: &[&str]) -> Result<Result<Settings, String>, clap::Error> {
    let shop = ["worker", "--ecommerce-api-url", "http://shop"];
    let config = Config::try_parse_from([&shop[..], args].concat())?;
    Ok(config.check().map_err(|problems| problems.to_string()))
}

fn server(args: &[&str]) -> Result<MailServer, Box<dyn std::error::Error>> {
    Ok(checked(&[&["--mail-from=orders@example.com"][..], args].concat())??.mail.ok_or("no mail server")?)
}

#[test]
fn mail_goes_to_the_platform_unless_a_server_is_named() -> TestResult {
    assert!(checked(&[])??.mail.is_none());
    assert!(checked(&["--mail-url="])??.mail.is_none());
    Ok(())
}

#[test]
fn the_url_says_where_and_how() -> TestResult {
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
        let server = server(&["--mail-url", url])?;
        assert_eq!((server.host.as_str(), server.port, server.security), (host, port, security), "{url}");
        assert!(server.login.is_none());
    }
    Ok(())
}

#[test]
fn the_user_is_in_the_url_or_beside_it_and_the_password_is_not_shown() -> TestResult {
    for (url, user) in [
        ("--mail-url=smtps://shop%40example.com@mail.example.com", None),
        ("--mail-url=smtps://mail.example.com", Some("--mail-user=shop@example.com")),
    ] {
        let password = "--mail-password=hunter2";
        let args: Vec<&str> = [url, password].into_iter().chain(user).collect();
        let server = server(&args)?;
        assert!(!format!("{server:?}").contains("hunter2"), "{server:?}");
        assert_eq!(server.login.map(|login| login.user).as_deref(), Some("shop@example.com"));
    }
    Ok(())
}

#[test]
fn mails_are_signed_by_the_senders_domain_unless_another_is_named() -> TestResult {
    let key =
        concat!("--mail-dkim-key-file=", env!("CARGO_MANIFEST_DIR"), "/../activities/tests/dkim_key.pem");
    let url = "--mail-url=smtp://mail.example.com";
    assert!(server(&[url])?.dkim.is_none());
    let signed = server(&[url, "--mail-dkim-selector=s1", key])?;
    assert_eq!(signed.dkim.as_ref().map(Dkim::domain), Some("example.com"));
    assert!(!format!("{signed:?}").contains("PRIVATE"), "{signed:?}");
    const FROM: &str = "--mail-from=orders@shop.example.com";
    let checked_with = |domain| checked(&[FROM, url, "--mail-dkim-selector=s1", key, domain]);
    assert!(checked_with("--mail-dkim-domain=example.com")?.is_ok());
    for domain in ["--mail-dkim-domain=example.org", "--mail-dkim-domain=op.example.com"] {
        let problems = checked_with(domain)?.err().unwrap_or_default();
        assert!(problems.contains("is not the domain of SUN_MAIL_FROM (shop.example.com)"), "{problems}");
    }
    Ok(())
}

#[test]
fn a_wrong_setting_is_named_with_its_fix_and_no_secret() -> TestResult {
    const FROM: &str = "--mail-from=orders@example.com";
    const URL: &str = "--mail-url=smtp://mail.example.com";
    for (args, words) in [
        (&[URL][..], "SUN_MAIL_FROM is missing"),
        (&[URL, "--mail-from=shop"], "SUN_MAIL_FROM is not a mail address: set it"),
        (&[URL, "--mail-from=đơn@thử.example.com"], "SUN_MAIL_FROM has letters in its address"),
        (&[FROM], "SUN_MAIL_FROM is set, but SUN_MAIL_URL is not"),
        (&["--mail-password=hunter2"], "SUN_MAIL_PASSWORD is set, but SUN_MAIL_URL is not"),
        (&["--mail-ca-file=/nowhere"], "SUN_MAIL_CA_FILE is set, but SUN_MAIL_URL is not"),
        (&[FROM, "--mail-url=mail.example.com"], "SUN_MAIL_URL is not"),
        (&[FROM, "--mail-url=http://mail.example.com"], "SUN_MAIL_URL is not of a mail server"),
        (&[FROM, "--mail-url=smtp://mail.example.com/box"], "SUN_MAIL_URL is more or less"),
        (
            &[FROM, "--mail-url=smtp://u:hunter2@mail.example.com"],
            "SUN_MAIL_URL holds a password: give it as",
        ),
        (&[FROM, "--mail-url=smtp://a%zz@mail.example.com"], "the user in SUN_MAIL_URL cannot be read"),
        (&[FROM, URL, "--mail-user=u"], "there is no password: set SUN_MAIL_PASSWORD"),
        (&[FROM, URL, "--mail-password=hunter2"], "SUN_MAIL_PASSWORD is set, but no user"),
        (&[FROM, URL, "--mail-user=u", "--mail-password-file=/nowhere"], "SUN_MAIL_PASSWORD_FILE: /nowhere"),
        (&[FROM, URL, "--mail-ca-file=/nowhere"], "SUN_MAIL_CA_FILE: /nowhere cannot be read"),
        (&[FROM, URL, "--mail-ca-file=/dev/null"], "SUN_MAIL_CA_FILE: /dev/null holds no certificate"),
        (&["--mail-dkim-selector=s1"], "SUN_MAIL_DKIM_SELECTOR is set, but SUN_MAIL_URL is not"),
        (&[FROM, URL, "--mail-dkim-selector=s1"], "SUN_MAIL_DKIM_KEY_FILE together: set both"),
        (&[FROM, URL, "--mail-dkim-key-file=/dev/null"], "SUN_MAIL_DKIM_KEY_FILE together: set both"),
        (
            &[FROM, URL, "--mail-dkim-selector=s1", "--mail-dkim-key-file=/nowhere"],
            "SUN_MAIL_DKIM_KEY_FILE: /nowhere cannot be read",
        ),
        (
            &[FROM, URL, "--mail-dkim-selector=s1", "--mail-dkim-key-file=/dev/null"],
            "SUN_MAIL_DKIM_KEY_FILE: /dev/null holds no private key in PEM; `openssl genrsa 2048` makes one",
        ),
        (
            &[FROM, "--mail-url=smtp://a@mail.example.com", "--mail-user=b", "--mail-password=hunter2"],
            "keep one of them",
        ),
    ] {
        let problems = checked(args)?.err().unwrap_or_default();
        assert!(problems.contains(words), "{args:?}: {problems}");
        assert!(!problems.contains("hunter2"), "a password is shown: {problems}");
    }
    Ok(())
}
