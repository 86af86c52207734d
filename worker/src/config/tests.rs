use super::*;

mod mail;

fn problems(args: &[&str]) -> Result<String, Box<dyn std::error::Error>> {
    let config = Config::try_parse_from([&["worker"], args].concat())?;
    Ok(config.check().err().map(|problems| problems.to_string()).unwrap_or_default())
}

type TestResult<T = ()> = Result<T, Box<dyn std::error::Error>>;

#[test]
fn a_missing_platform_is_named_with_its_fix() -> TestResult {
    let problems = problems(&[])?;
    assert!(problems.contains("SUN_ECOMMERCE_API_URL is missing: set it to"), "{problems}");
    Ok(())
}

#[test]
fn a_wrong_url_is_named_with_its_fix() -> TestResult {
    for (url, words) in [
        ("shop", "is not a URL"),
        ("ftp://shop", "is not an HTTP URL"),
        ("http://a:b@shop", "credentials"),
        ("http://shop/?key=1", "has something behind its path"),
        ("http://shop/#api", "has something behind its path"),
    ] {
        let problems = problems(&["--ecommerce-api-url", url])?;
        assert!(problems.contains("SUN_ECOMMERCE_API_URL") && problems.contains(words), "{url}: {problems}");
    }
    Ok(())
}

#[test]
fn a_wrong_duration_is_named_with_its_fix() {
    for bad in ["20", "soon", "-5s", "0s"] {
        let error = Config::try_parse_from(["worker", &format!("--undo-patience={bad}")]).err();
        let text = error.map(|e| e.to_string()).unwrap_or_default();
        assert!(text.contains("--undo-patience") && text.contains("500ms, 20s, 15m, 24h"), "{bad}: {text}");
    }
}

#[test]
fn a_system_of_its_own_never_gets_the_platforms_token() -> TestResult {
    let config = Config::try_parse_from([
        "worker",
        "--ecommerce-api-url",
        "http://shop",
        "--ecommerce-api-token",
        "secret",
        "--payment-api-url",
        "http://pay",
    ])?;
    let settings = config.check().map_err(|problems| problems.to_string())?;
    let payment = format!("{:?}", settings.payment);
    assert!(payment.contains("token: None") && payment.contains("Domain(\"pay\")"), "{payment}");
    assert!(settings.shop.loyalty.token.is_some());
    assert_eq!(settings.shop.loyalty.base, settings.shop.commerce.base);
    assert!(!format!("{settings:?}").contains("secret"));
    Ok(())
}

#[test]
fn an_undo_must_be_able_to_look_twice() -> TestResult {
    let problems =
        problems(&["--ecommerce-api-url", "http://shop", "--undo-patience", "5s", "--second-look", "10s"])?;
    assert!(problems.contains("SUN_SECOND_LOOK") && problems.contains("shorten it"), "{problems}");
    Ok(())
}

#[test]
fn fewer_runs_in_memory_than_tasks_at_once_are_refused() -> TestResult {
    let problems = problems(&["--ecommerce-api-url", "http://shop", "--workflow-slots", "601"])?;
    assert!(
        problems.contains("SUN_CACHED_WORKFLOWS (600)") && problems.contains("lower the slots"),
        "{problems}"
    );
    Ok(())
}

#[test]
fn a_token_file_is_read_and_its_problem_named() -> TestResult {
    let problems =
        problems(&["--ecommerce-api-url", "http://shop", "--ecommerce-api-token-file", "/nowhere/token"])?;
    assert!(
        problems.contains("SUN_ECOMMERCE_API_TOKEN_FILE") && problems.contains("/nowhere/token"),
        "{problems}"
    );
    Ok(())
}

const SHOP: [&str; 2] = ["--ecommerce-api-url", "http://shop"];

#[test]
fn the_mails_about_an_order_are_those_that_are_named() -> TestResult {
    let read = |mails: &str| -> TestResult<Result<BTreeSet<OrderMail>, String>> {
        let mails = format!("--order-mails={mails}");
        let config = Config::try_parse_from([&["worker", mails.as_str()][..], &SHOP].concat())?;
        Ok(config.check().map(|settings| settings.order_mails).map_err(|problems| problems.to_string()))
    };
    let all = BTreeSet::from(OrderMail::ALL);
    let some = BTreeSet::from([OrderMail::Declined, OrderMail::Refunded]);
    for (mails, wanted) in [
        ("all", all.clone()),
        ("", all.clone()),
        ("none", BTreeSet::new()),
        (" declined , refunded", some),
        ("confirmation,awaiting_payment,declined,expired,cancelled,refunded", all),
    ] {
        assert_eq!(read(mails)?, Ok(wanted), "{mails}");
    }
    for (mails, word) in [("declined,refund", "refund"), ("all,declined", "all"), ("declined,", "")] {
        let problems = read(mails)?.err().unwrap_or_default();
        let said = format!("SUN_ORDER_MAILS has '{word}', which is not a mail about an order: write some of");
        assert!(problems.contains(&said), "{mails}: {problems}");
    }
    Ok(())
}

#[test]
fn stripe_is_chosen_by_name_and_its_key_is_not_shown() -> TestResult {
    let own = ["worker", "--payment-provider=stripe", "--stripe-secret-key=sk_test_secret"];
    let config = Config::try_parse_from([&own[..], &SHOP].concat())?;
    let settings = config.check().map_err(|problems| problems.to_string())?;
    let stripe = format!("{:?}", settings.payment);
    assert!(stripe.starts_with("Stripe") && stripe.contains("api.stripe.com"), "{stripe}");
    assert!(!format!("{settings:?}").contains("sk_test"), "{settings:?}");
    // A look-up (two requests), a look at what news has named, and twice three, each within its HTTP limit.
    assert_eq!(settings.patience.policies.attempt, Duration::from_secs(9 * 30 + 5));
    Ok(())
}

#[test]
fn a_wrong_choice_of_provider_is_named_with_its_fix() -> TestResult {
    for (args, words) in [
        (&["--payment-provider=stripe"][..], "SUN_STRIPE_SECRET_KEY is missing: set it"),
        (&["--stripe-secret-key=sk_1"], "set SUN_PAYMENT_PROVIDER to stripe"),
        (&["--stripe-secret-key-file=/nowhere"], "set SUN_PAYMENT_PROVIDER to stripe"),
        (&["--payment-provider=stripe", "--stripe-secret-key=pk_1"], "use the secret one"),
        (&["--payment-provider=stripe", "--stripe-secret-key=hunter2"], "begin with sk_ or rk_"),
        (&["--payment-provider=stripe", "--stripe-secret-key-file=/nowhere"], "SUN_STRIPE_SECRET_KEY_FILE"),
        (
            &["--payment-provider=stripe", "--stripe-secret-key=sk_1", "--payment-api-url=http://pay"],
            "SUN_PAYMENT_API_URL is set, but SUN_PAYMENT_PROVIDER is stripe",
        ),
        (
            &["--payment-provider=stripe", "--stripe-secret-key=sk_1", "--stripe-api-url=stripe"],
            "SUN_STRIPE_API_URL is not a URL",
        ),
        (
            &["--payment-provider=stripe", "--stripe-secret-key=sk_1", "--stripe-api-url="],
            "SUN_STRIPE_API_URL is not a URL",
        ),
        (
            &["--payment-provider=stripe", "--stripe-secret-key=sk_live_1", "--stripe-api-url=http://pay"],
            "SUN_STRIPE_API_URL is not https, so that a live key would travel",
        ),
    ] {
        let problems = problems(&[&SHOP, args].concat())?;
        assert!(problems.contains(words), "{args:?}: {problems}");
        assert!(!problems.contains("hunter2") && !problems.contains("sk_1"), "a key is shown: {problems}");
    }
    for fine in ["--stripe-api-url=http://127.0.0.1:8420", "--stripe-api-url=https://pay"] {
        let live = ["--payment-provider=stripe", "--stripe-secret-key=rk_live_1", fine];
        assert_eq!(problems(&[&SHOP[..], &live].concat())?, "", "{fine}");
    }
    Ok(())
}

#[test]
fn a_door_without_a_secret_stays_shut_and_says_so() -> TestResult {
    for (given, missing) in [
        ("--webhook-listen=127.0.0.1:0", "SUN_PAYMENT_WEBHOOK_SECRET"),
        ("--webhook-listen=127.0.0.1:0", "SUN_UNSUBSCRIBE_URL"),
        ("--payment-webhook-secret=s", "SUN_WEBHOOK_LISTEN"),
    ] {
        let problems = problems(&["--ecommerce-api-url", "http://shop", given])?;
        assert!(problems.contains(missing), "{given}: {problems}");
    }
    Ok(())
}

#[test]
fn a_door_lets_in_what_is_configured() -> TestResult {
    const LISTEN: &str = "--webhook-listen=127.0.0.1:0";
    const KEY: &str = "--ref-key=a key for tests only";
    const LINK: &str = "--unsubscribe-url=https://shop.example.com/unsubscribe";
    for (args, payments, unsubscribe) in [
        (&[LISTEN, "--payment-webhook-secret=s"][..], true, false),
        (&[LISTEN, KEY, LINK], false, true),
        (&[LISTEN, KEY, LINK, "--payment-webhook-secret=s"], true, true),
    ] {
        let config = Config::try_parse_from([&["worker"], &SHOP[..], args].concat())?;
        let door = config.check().map_err(|problems| problems.to_string())?.door.ok_or("no door")?;
        assert_eq!(
            (door.payments.is_some(), door.unsubscribe.is_some()),
            (payments, unsubscribe),
            "{args:?}"
        );
        assert!(!format!("{door:?}").contains("a key for"), "{door:?}");
    }
    let config = Config::try_parse_from([&["worker"], &SHOP[..], &[KEY, LINK]].concat())?;
    let settings = config.check().map_err(|problems| problems.to_string())?;
    assert!(settings.door.is_none(), "the links may lead to another worker's door");
    Ok(())
}

#[test]
fn twilio_is_chosen_by_name_and_its_token_is_not_shown() -> TestResult {
    const TWILIO: &str = "--sms-provider=twilio";
    const ACCOUNT: &str = "--twilio-account-sid=AC0123456789abcdef0123456789abcdef";
    const TOKEN: &str = "--twilio-auth-token=hunter2";
    const FROM: &str = "--sms-from=+14155550100";
    for (args, words) in [
        (&[TWILIO, ACCOUNT, TOKEN][..], "SUN_SMS_FROM is missing: set it to"),
        (&[TWILIO, FROM, TOKEN], "SUN_TWILIO_ACCOUNT_SID is missing"),
        (&[TWILIO, FROM, ACCOUNT], "SUN_TWILIO_AUTH_TOKEN is missing"),
        (
            &[TWILIO, FROM, TOKEN, "--twilio-account-sid=SK1"],
            "SUN_TWILIO_ACCOUNT_SID is not an account of Twilio's",
        ),
        (&[TWILIO, FROM, TOKEN, ACCOUNT, "--twilio-api-url=http://sms"], "SUN_TWILIO_API_URL is not https"),
        (
            &[TWILIO, FROM, ACCOUNT, "--twilio-auth-token-file=/nowhere"],
            "SUN_TWILIO_AUTH_TOKEN_FILE names /nowhere, which cannot be read",
        ),
        (&[TWILIO, TOKEN, ACCOUNT, "--sms-from= \n"], "SUN_SMS_FROM is missing"),
        (&[FROM], "SUN_SMS_FROM is set, but SUN_SMS_PROVIDER is platform"),
        (&[TOKEN], "SUN_TWILIO_AUTH_TOKEN is set, but SUN_SMS_PROVIDER is platform"),
    ] {
        let problems = problems(&[&SHOP, args].concat())?;
        assert!(problems.contains(words), "{args:?}: {problems}");
        assert!(!problems.contains("hunter2"), "a token is shown: {problems}");
    }
    let config = Config::try_parse_from([&["worker", TWILIO, FROM, TOKEN, ACCOUNT], &SHOP[..]].concat())?;
    let settings = config.check().map_err(|problems| problems.to_string())?;
    assert!(!format!("{settings:?}").contains("hunter2"), "{settings:?}");
    let sms = format!("{:?}", settings.sms);
    assert!(sms.starts_with("Twilio") && sms.contains("api.twilio.com"), "{sms}");
    Ok(())
}

#[test]
fn what_onboarding_needs_is_checked_and_its_key_is_not_shown() -> TestResult {
    for (args, words) in [
        (&["--ref-key=hunter2"][..], "SUN_REF_KEY is shorter than 16 bytes: use at least 16 random bytes"),
        (&["--ref-key-file=/nowhere"], "SUN_REF_KEY_FILE names /nowhere, which cannot be read"),
        (&["--unsubscribe-url=https://shop/bye"], "SUN_REF_KEY is not, so that no link could be made"),
        (
            &["--ref-key=a key for tests only", "--unsubscribe-url=http://shop/bye"],
            "SUN_UNSUBSCRIBE_URL is http, and mail providers take one click over https only",
        ),
        (
            &["--follow-up-tips=2h", "--follow-up-recommendations=1h"],
            "SUN_FOLLOW_UP_RECOMMENDATIONS is not longer than SUN_FOLLOW_UP_TIPS",
        ),
        (&["--loyalty-api-url=ftp://points"], "SUN_LOYALTY_API_URL"),
    ] {
        let problems = problems(&[&SHOP, args].concat())?;
        assert!(problems.contains(words), "{args:?}: {problems}");
        assert!(!problems.contains("hunter2"), "a key is shown: {problems}");
    }
    let own = ["worker", "--ref-key=a key for tests only", "--loyalty-api-url=http://points"];
    let config = Config::try_parse_from([&own[..], &SHOP].concat())?;
    let settings = config.check().map_err(|problems| problems.to_string())?;
    assert!(settings.pseudonyms.key.is_some());
    assert_eq!(settings.shop.loyalty.base.as_str(), "http://points/");
    assert_eq!(settings.patience.policies.follow_up_tips, Duration::from_secs(24 * 3600));
    assert_eq!(settings.patience.policies.follow_up_recommendations, Duration::from_secs(7 * 24 * 3600));
    assert!(!format!("{settings:?}").contains("a key for"), "{settings:?}");
    Ok(())
}

/// S4
#[test]
fn a_secret_is_the_same_by_value_and_by_file_and_what_would_be_sent_along_is_refused() -> TestResult {
    let folder = std::env::temp_dir().join(format!("sunflow-secrets-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let file = folder.join("key");
    for written in ["sk_test_1\n", " sk_test_1", "\u{feff}sk_test_1\r\n"] {
        std::fs::write(&file, written)?;
        let by_file = format!("--stripe-secret-key-file={}", file.display());
        let by_value = format!("--stripe-secret-key={written}");
        for given in [by_file, by_value] {
            let args = [&SHOP[..], &["--payment-provider=stripe", &given]].concat();
            assert_eq!(problems(&args)?, "", "{written:?}");
        }
    }
    for (written, said) in [
        ("sk_test_1\nsk_test_2", "has more than one line: give the secret alone"),
        ("\"sk_test_1\"", "stands in quotes, which would be a part of it: leave the quotes out"),
        ("sk_te\tst_1", "holds a control character: copy the secret anew"),
    ] {
        std::fs::write(&file, written)?;
        let by_file = format!("--stripe-secret-key-file={}", file.display());
        let by_value = format!("--stripe-secret-key={written}");
        for (given, variable) in
            [(by_file, "SUN_STRIPE_SECRET_KEY_FILE"), (by_value, "SUN_STRIPE_SECRET_KEY")]
        {
            let args = [&SHOP[..], &["--payment-provider=stripe", &given]].concat();
            let problems = problems(&args)?;
            assert!(problems.contains(said) && problems.contains(variable), "{written:?}: {problems}");
            assert!(!problems.contains("sk_te"), "a key is shown: {problems}");
            assert_eq!(problems.matches("  - ").count(), 1, "{problems}");
        }
    }
    std::fs::remove_dir_all(&folder)?;
    // Those that no list of providers has.
    for secret in ["--ecommerce-api-token", "--loyalty-api-token", "--ref-key", "--payment-webhook-secret"] {
        let given = format!("{secret}='a secret of sixteen bytes'");
        let problems = problems(&[&SHOP[..], &[&given, "--webhook-listen=127.0.0.1:0"]].concat())?;
        assert!(problems.contains("stands in quotes"), "{secret}: {problems}");
        assert!(!problems.contains("sixteen"), "{secret}: {problems}");
    }
    Ok(())
}

#[test]
fn the_settings_of_a_provider_that_is_not_chosen_are_named() -> TestResult {
    for (args, words) in [
        (
            &["--stripe-api-url=http://127.0.0.1:1"][..],
            "SUN_STRIPE_API_URL is set, but SUN_PAYMENT_PROVIDER is platform, so that it would not be used: set \
             SUN_PAYMENT_PROVIDER to stripe, or remove SUN_STRIPE_API_URL",
        ),
        (&["--mail-bounces=of-the-address"], "SUN_MAIL_BOUNCES is set, but SUN_MAIL_URL is not"),
        (
            &["--twilio-auth-token-file=/nowhere"],
            "SUN_TWILIO_AUTH_TOKEN_FILE is set, but SUN_SMS_PROVIDER is",
        ),
    ] {
        let problems = problems(&[&SHOP, args].concat())?;
        assert!(problems.contains(words), "{args:?}: {problems}");
    }
    for unknown in ["--payment-provider=paypal", "--shipping-provider=pigeon", "--mail-bounces=none"] {
        let error = Config::try_parse_from(["worker", unknown]).err().ok_or("taken")?;
        assert!(error.to_string().contains("possible values"), "{error}");
    }
    Ok(())
}

#[test]
fn a_failure_names_the_settings_that_were_used() -> TestResult {
    const PLATFORM: (&str, &str) = ("SUN_ECOMMERCE_API_URL", "SUN_ECOMMERCE_API_TOKEN");
    const OWN: (&str, &str) = ("SUN_LOYALTY_API_URL", "SUN_LOYALTY_API_TOKEN");
    for (args, (url, token)) in [
        (&[][..], PLATFORM),
        (&["--loyalty-api-token=t"], (PLATFORM.0, OWN.1)),
        (&["--loyalty-api-url=http://points"], OWN),
    ] {
        let config = Config::try_parse_from([&["worker"], &SHOP[..], args].concat())?;
        let names = config.check().map_err(|problems| problems.to_string())?.shop.loyalty.names;
        assert_eq!((names.url.as_ref(), names.token.as_ref()), (url, token), "{args:?}");
    }
    Ok(())
}
