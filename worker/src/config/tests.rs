use super::*;

fn problems(args: &[&str]) -> Result<String, Box<dyn std::error::Error>> {
    let config = Config::try_parse_from([&["worker"], args].concat())?;
    Ok(config.check().err().map(|problems| problems.to_string()).unwrap_or_default())
}

type TestResult = Result<(), Box<dyn std::error::Error>>;

#[test]
fn a_missing_platform_is_named_with_its_fix() -> TestResult {
    let problems = problems(&[])?;
    assert!(problems.contains("SUN_ECOMMERCE_API_URL is missing: set it to"), "{problems}");
    Ok(())
}

#[test]
fn a_wrong_url_is_named_with_its_fix() -> TestResult {
    for (url, words) in
        [("shop", "is not a URL"), ("ftp://shop", "is not an HTTP URL"), ("http://a:b@shop", "credentials")]
    {
        let problems = problems(&["--ecommerce-api-url", url])?;
        assert!(problems.contains("SUN_ECOMMERCE_API_URL") && problems.contains(words), "{url}: {problems}");
    }
    Ok(())
}

#[test]
fn a_wrong_duration_is_named_with_its_fix() {
    for bad in ["20", "soon", "-5s", "0s"] {
        let error = Config::try_parse_from(["worker", "--undo-patience", bad]).err();
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
    assert!(settings.payment.token.is_none());
    assert!(settings.shipping.token.is_some());
    assert_eq!(settings.shipping.base, settings.commerce.base);
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
fn a_token_file_is_read_and_its_problem_named() -> TestResult {
    let problems =
        problems(&["--ecommerce-api-url", "http://shop", "--ecommerce-api-token-file", "/nowhere/token"])?;
    assert!(
        problems.contains("SUN_ECOMMERCE_API_TOKEN_FILE") && problems.contains("/nowhere/token"),
        "{problems}"
    );
    Ok(())
}
