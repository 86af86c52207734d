//! The view of a person or a script: exit codes, stderr, stdout. Nothing here has a server to talk to: every connection
//! would go to a port that nobody listens on, and fail.

mod errors;
mod tables;

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

const SAMPLE: &str = include_str!("../../samples/order.json");
/// The discard port: nobody listens there.
const NOBODY: &str = "127.0.0.1:9";

/// How one call ended.
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Ended {
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error} in stdout {:?}", self.stdout))
    }

    /// Refused before anything was sent: exit 2, words on stderr, no data on stdout.
    fn assert_refused(&self, words: &[&str]) {
        assert_eq!(self.code, Some(2), "stderr: {}", self.stderr);
        if !self.stdout.is_empty() {
            // A caller who asks for JSON gets the error as JSON too.
            self.assert_error("Usage");
        }
        for word in words.iter().chain(&["fix: ", "nothing was started"]) {
            assert!(self.stderr.contains(word), "{word:?} is missing in {}", self.stderr);
        }
    }
}

impl Ended {
    /// One document on stdout, which says the same as the exit code and stderr.
    fn assert_error(&self, kind: &str) {
        let document = self.json();
        assert_eq!(document["success"], json!(false), "{document}");
        assert_eq!(document["exit_code"].as_i64(), self.code.map(i64::from), "{document}");
        assert_eq!(document["error"]["type"], json!(kind), "{document}");
        let message = document["error"]["message"].as_str().unwrap_or_default();
        let first = message.lines().next().unwrap_or_default();
        assert!(!first.is_empty() && self.stderr.contains(first), "{first:?} is not in {}", self.stderr);
    }
}

fn starter(args: &[&str], input: &str) -> Ended {
    called_as(env!("CARGO_BIN_EXE_starter"), args, input)
}

fn called_as(program: impl AsRef<std::ffi::OsStr>, args: &[&str], input: &str) -> Ended {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let ours =
            name.to_str().is_some_and(|name| name.starts_with("TEMPORAL_") || name.starts_with("SUN_"));
        if ours {
            command.env_remove(name);
        }
    }
    command
        .args(args)
        .env("TEMPORAL_ADDRESS", NOBODY)
        .env("TEMPORAL_CONFIG_FILE", file("no-such-temporal.toml"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("the starter starts");
    let mut stdin = child.stdin.take().expect("stdin is a pipe");
    // A command that does not read its stdin closes it early.
    stdin.write_all(input.as_bytes()).ok();
    drop(stdin);
    let Output { status, stdout, stderr } = child.wait_with_output().expect("the starter ends");
    Ended {
        code: status.code(),
        stdout: String::from_utf8(stdout).expect("stdout is text"),
        stderr: String::from_utf8(stderr).expect("stderr is text"),
    }
}

fn start(input: &str) -> Ended {
    starter(&["order", "start", "--input", "-", "-o", "json"], input)
}

/// The sample with one change.
fn changed(change: impl FnOnce(&mut Value)) -> String {
    let mut order: Value = serde_json::from_str(SAMPLE).expect("the sample is JSON");
    change(&mut order);
    order.to_string()
}

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}

#[test]
fn a_missing_file_is_refused() {
    let ended = starter(&["order", "start", "--input", "no/such/order.json"], "");
    ended.assert_refused(&["cannot read no/such/order.json"]);
}

#[test]
fn broken_json_is_refused_with_file_line_and_column() {
    let path = file("broken.json");
    std::fs::write(&path, "{\n  \"order_id\": \"ORDER-001\",\n  \"items\": [}\n")
        .expect("a file of this test");
    let path = path.to_str().expect("a path that is text");
    starter(&["order", "start", "--input", path], "").assert_refused(&[&format!("{path}:3:13 is not JSON")]);
    start("").assert_refused(&["stdin:1:0 is not JSON"]);
}

#[test]
fn a_wrong_total_is_refused() {
    let ended = start(&changed(|order| order["total_amount"] = json!(24_999_999)));
    ended.assert_refused(&["total_amount is 24999999 VND", "make 25000000 VND"]);
}

#[test]
fn wrong_quantities_are_refused() {
    let whole = "send a whole number from 1 to";
    for (quantity, fix) in [(json!(-1), whole), (json!(0), whole), (json!(1.5), "count in a smaller unit")] {
        let ended = start(&changed(|order| order["items"][0]["quantity"] = quantity.clone()));
        ended.assert_refused(&["items[0].quantity", fix]);
    }
}

#[test]
fn an_unknown_currency_is_refused() {
    start(&changed(|order| order["currency"] = json!("DONG")))
        .assert_refused(&["currency is not an ISO-4217 currency code"]);
}

#[test]
fn empty_items_are_refused() {
    start(&changed(|order| order["items"] = json!([])))
        .assert_refused(&["items is empty", "add at least one entry"]);
}

#[test]
fn an_unknown_field_is_refused() {
    start(&changed(|order| order["custumer_phone"] = json!("+84901234567")))
        .assert_refused(&["custumer_phone is not a known field", "correct its spelling"]);
}

#[test]
fn an_oversize_input_is_refused() {
    let long = changed(|order| order["shipping_method"] = json!("x".repeat(256 * 1024)));
    start(&long).assert_refused(&["stdin is larger than 262144 bytes"]);
}

#[test]
fn input_that_is_no_text_or_no_object_is_refused() {
    let path = file("latin1.json");
    std::fs::write(&path, b"{\"order_id\": \"\xe9\"}").expect("a file of this test");
    let path = path.to_str().expect("a path that is text");
    starter(&["order", "start", "--input", path], "").assert_refused(&["is not UTF-8 text"]);
    start("[]").assert_refused(&["(input) is not a JSON object"]);
}

#[test]
fn every_problem_is_named_at_once_and_personal_values_are_not_repeated() {
    let ended = start(&changed(|order| {
        order["customer_email"] = json!("nguyen.van.a");
        order["customer_phone"] = json!("0901234567");
        order["currency"] = Value::Null;
        order["payment_method"]["card_token"] = Value::Null;
    }));
    ended.assert_refused(&[
        "4 problems",
        "customer_email",
        "customer_phone",
        "currency",
        "payment_method.card_token",
    ]);
    for personal in ["nguyen.van.a", "0901234567", "Nguyen Van A"] {
        assert!(!ended.stderr.contains(personal), "{personal:?} is repeated in {}", ended.stderr);
    }
}

#[test]
fn a_dry_run_says_what_would_start_and_asks_nobody() {
    let ended = starter(&["order", "start", "--input", "-", "--dry-run", "-o", "json"], SAMPLE);
    assert_eq!(ended.code, Some(0), "stderr: {}", ended.stderr);
    let expected = json!({
        "dry_run": true,
        "workflow_id": "order/ORDER-001",
        "workflow_type": "OrderProcessing",
        "task_queue": "sunflow",
        "summary": "Order ORDER-001: 1 item, 25000000 VND",
        "amount": "25000000 VND",
        "payment": "credit_card",
        "line_count": "1",
        "lines": "1 × LAPTOP-001-16GB-512GB at 25000000 VND",
    });
    assert_eq!(ended.json(), expected);
    let text = starter(&["order", "start", "--input", "-", "--dry-run"], SAMPLE);
    for word in ["order/ORDER-001", "OrderProcessing", "sunflow", "25000000 VND"] {
        assert!(text.stdout.contains(word), "{word:?} is missing in {}", text.stdout);
    }
    for personal in ["customer@example.com", "+84901234567", "Nguyen", "District", "card_token_123"] {
        let said = [&ended.stdout, &ended.stderr, &text.stdout, &text.stderr];
        assert!(said.iter().all(|text| !text.contains(personal)), "{personal:?} was printed");
    }
}

#[test]
fn a_server_that_is_not_there_is_named_with_the_fix() {
    let commands: [&[&str]; 5] = [
        &["order", "start", "--input", "-"],
        &["order", "status", "ORDER-001"],
        &["order", "cancel", "ORDER-001", "--reason", "changed my mind"],
        &["list"],
        &["history", "export", "order/ORDER-001"],
    ];
    for args in commands {
        let ended = starter(args, SAMPLE);
        assert_eq!(ended.code, Some(3), "{args:?}: {}", ended.stderr);
        assert_eq!(ended.stdout, "", "{args:?}");
        for word in
            ["cannot connect to Temporal at 127.0.0.1:9", "fix: is Temporal running?", "cargo xtask up"]
        {
            assert!(ended.stderr.contains(word), "{args:?}: {word:?} is missing in {}", ended.stderr);
        }
    }
}

#[test]
fn the_doctor_reports_a_server_that_is_not_there() {
    let ended = starter(&["doctor", "-o", "json"], "");
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    let report = ended.json();
    assert_eq!(report["ok"], false);
    assert_eq!(report["checks"][0]["name"], "temporal");
    assert_eq!(report["checks"][0]["ok"], false);
    assert!(
        report["checks"][0]["fix"].as_str().is_some_and(|fix| fix.contains("cargo xtask up")),
        "{report}"
    );
}

#[test]
fn a_flag_wins_over_the_environment() {
    let ended = starter(&["list", "--address", "localhost:1"], "");
    assert_eq!(ended.code, Some(3));
    assert!(ended.stderr.contains("cannot connect to Temporal at localhost:1:"), "{}", ended.stderr);
}

#[test]
fn wrong_usage_is_refused_by_the_command_line_itself() {
    let wrong: [&[&str]; 8] = [
        &[],
        &["order", "start"],
        &["order", "start", "--input", "-", "--wait", "--detach"],
        &["order", "start", "--input", "-", "--timeout", "10m"],
        &["order", "status", "not an order"],
        &["order", "cancel", "ORDER-001"],
        &[
            "order",
            "resolve-undo",
            "ORDER-001",
            "--step",
            "process-payment",
            "--action",
            "ignore",
            "--reason",
            "x",
        ],
        &["list", "-o", "yaml"],
    ];
    for args in wrong {
        let ended = starter(args, "");
        assert_eq!(ended.code, Some(2), "{args:?}: {}", ended.stderr);
        assert_eq!(ended.stdout, "", "{args:?}");
        assert!(!ended.stderr.is_empty(), "{args:?} says nothing");
    }
}

#[test]
fn wrong_connection_settings_are_named() {
    let ended = starter(&["list", "--profile", "staging"], "");
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("staging"), "{}", ended.stderr);
    assert!(ended.stderr.contains("note: TEMPORAL_CONFIG_FILE names"), "{}", ended.stderr);
    let ended = starter(&["list", "--tls-cert-path", "cert.pem"], "");
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
}

#[test]
fn help_is_the_reference() {
    let ended = starter(&["--help"], "");
    assert_eq!(ended.code, Some(0));
    for word in ["Exit codes:", "TEMPORAL_ADDRESS", "SUN_TASK_QUEUE", "Examples:", "starter order start"] {
        assert!(ended.stdout.contains(word), "{word:?} is missing in {}", ended.stdout);
    }
    let ended = starter(&["completions", "bash"], "");
    assert_eq!(ended.code, Some(0));
    assert!(ended.stdout.contains("starter"));
}

#[test]
fn a_mail_is_previewed_without_any_connection() {
    let folder = tempfile_in_target("mail-preview");
    let out = folder.to_str().expect("a path in UTF-8");
    let sample = include_str!("../../samples/mail_order_confirmation.json");
    let args = ["mail", "preview", "--template", "order_confirmation", "--data", "-", "--out", out];
    let ended = starter(&args, sample);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stdout.starts_with("Xác nhận đơn hàng ORDER-001\n"), "{}", ended.stdout);
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect("written");
    let text = read("order_confirmation.vi-VN.txt");
    assert!(text.starts_with("Subject: Xác nhận đơn hàng ORDER-001\n\nCảm ơn bạn"), "{text}");
    assert!(read("order_confirmation.vi-VN.html").contains("<strong>25.000.000 VND</strong>"));

    let ended = starter(&[&args[..], &["--locale", "en-US", "-o", "json"]].concat(), sample);
    assert_eq!(ended.json()["subject"], "Your order ORDER-001 is confirmed");
    assert!(read("order_confirmation.en-US.html").contains("<strong>25,000,000 VND</strong>"));
    std::fs::remove_dir_all(&folder).expect("removed");
}

#[test]
fn every_sample_of_a_mail_fills_its_template_in_every_locale() {
    let folder = tempfile_in_target("mail-samples");
    let out = folder.to_str().expect("a path in UTF-8");
    let samples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let mut rendered = 0;
    for sample in std::fs::read_dir(samples).expect("samples").map(|entry| entry.expect("a file").path()) {
        let name = sample.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let template = name.strip_prefix("mail_").and_then(|name| name.strip_suffix(".json"));
        let Some(template) = template else { continue };
        let file = sample.to_str().expect("a path in UTF-8");
        for locale in ["vi-VN", "en-US"] {
            let args =
                ["mail", "preview", "--template", template, "--data", file, "--locale", locale, "--out", out];
            let ended = starter(&args, "");
            assert_eq!(ended.code, Some(0), "{template} {locale}: {}", ended.stderr);
        }
        rendered += 1;
    }
    assert_eq!(rendered, 10, "a template without a sample, or a sample without a template");
    std::fs::remove_dir_all(&folder).expect("removed");
}

#[test]
fn a_preview_that_cannot_be_made_says_why() {
    for (template, locale, input, words) in [
        ("nothing", "vi-VN", "{}", "there is no template `nothing`, there are: order_confirmation"),
        ("order_confirmation", "vi-VN", "{", "data is not JSON"),
        ("order_confirmation", "vi-VN", "{}", "missing field `order_id`"),
        ("order_confirmation", "fr-FR", "{}", "there are texts for: vi-VN, en-US"),
    ] {
        let args = [
            "mail",
            "preview",
            "--template",
            template,
            "--locale",
            locale,
            "--data",
            "-",
            "--out",
            "/nowhere/x",
        ];
        let ended = starter(&args, input);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{}", ended.stderr);
        assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
    }
}

/// A folder of this test's own.
fn tempfile_in_target(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()))
}
