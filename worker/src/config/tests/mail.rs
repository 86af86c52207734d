use super::*;

fn checked(args: &[&str]) -> Result<Result<Settings, String>, clap::Error> {
    let config = Config::try_parse_from([&["worker"], &SHOP[..], args].concat())?;
    Ok(config.check().map_err(|problems| problems.to_string()))
}

#[test]
fn mail_goes_to_the_platform_unless_a_server_is_named() -> TestResult {
    for (args, system) in [
        (&[][..], "notification"),
        (&["--mail-url="], "notification"),
        (&["--mail-url=smtp://mail.example.com", "--mail-from=orders@example.com"], "mail"),
    ] {
        assert_eq!(checked(args)??.mail.system(), system, "{args:?}");
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
        (
            &[FROM, "--mail-url=smtp://a%zz@mail.example.com"],
            "SUN_MAIL_URL names a user that cannot be read: give it as SUN_MAIL_USER",
        ),
        (&[FROM, URL, "--mail-user=u"], "there is no password: set SUN_MAIL_PASSWORD"),
        (&[FROM, URL, "--mail-password=hunter2"], "SUN_MAIL_PASSWORD is set, but no user"),
        (
            &[FROM, URL, "--mail-user=u", "--mail-password-file=/nowhere"],
            "SUN_MAIL_PASSWORD_FILE names /nowhere, which cannot be read",
        ),
        (&[FROM, URL, "--mail-ca-file=/nowhere"], "SUN_MAIL_CA_FILE names /nowhere, which cannot be read"),
        (
            &[FROM, URL, "--mail-ca-file=/dev/null"],
            "SUN_MAIL_CA_FILE names /dev/null, which holds no certificate",
        ),
        (&["--mail-dkim-selector=s1"], "SUN_MAIL_DKIM_SELECTOR is set, but SUN_MAIL_URL is not"),
        (&[FROM, URL, "--mail-dkim-selector=s1"], "SUN_MAIL_DKIM_KEY_FILE together: set both"),
        (&[FROM, URL, "--mail-dkim-key-file=/dev/null"], "SUN_MAIL_DKIM_KEY_FILE together: set both"),
        (
            &[FROM, URL, "--mail-dkim-selector=s1", "--mail-dkim-key-file=/nowhere"],
            "SUN_MAIL_DKIM_KEY_FILE names /nowhere, which cannot be read",
        ),
        (
            &[FROM, URL, "--mail-dkim-selector=s1", "--mail-dkim-key-file=/dev/null"],
            "SUN_MAIL_DKIM_KEY_FILE names /dev/null, which holds no private key in PEM: `openssl genrsa 2048` makes one",
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
    // A file that cannot be read is named once, not as missing too.
    let unreadable = [FROM, URL, "--mail-user=u", "--mail-password-file=/nowhere"];
    let problems = checked(&unreadable)?.err().unwrap_or_default();
    assert_eq!(problems.matches("  - ").count(), 1, "{problems}");
    Ok(())
}
