//! The program: its start, its death, its help.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::harness::{Shop, client, payment};

struct Program {
    child: Child,
    url: String,
    client: Client,
}

impl Program {
    fn start(database: &Path) -> Self {
        Self::start_with_token(database, "")
    }

    fn start_with_token(database: &Path, token: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sandbox"))
            .args(["--listen", "127.0.0.1:0", "--database"])
            .arg(database)
            .env("SUN_SANDBOX_TOKEN", token)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let stderr = child.stderr.take().expect("its stderr");
        // Whatever fails from here on, the program is ended with its guard.
        let mut program = Self { child, url: String::new(), client: client() };
        let mut line = String::new();
        BufReader::new(stderr).read_line(&mut line).expect("its first line");
        program.url = line.trim().strip_prefix("sandbox listening on ").expect("its address").to_owned();
        program
    }

    async fn get(&self, path: &str) -> Value {
        let response = self.client.get(format!("{}{path}", self.url)).send().await;
        let body = response.expect("an answer").text().await.expect("a body");
        serde_json::from_str(&body).expect("JSON")
    }

    fn charge(&self, key: &str) -> impl Future<Output = reqwest::Result<reqwest::Response>> + 'static {
        let request = self.client.post(format!("{}/api/v1/payments", self.url));
        request.header("Idempotency-Key", key).body(payment(key, "t").to_string()).send()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may be dead already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[tokio::test]
async fn a_killed_program_has_lost_no_effect() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("shop.db");
    let mut program = Program::start(&file);
    assert!(program.charge("ORDER-001").await.is_ok_and(|response| response.status() == 201));
    let hold = json!([{ "operation": "payments.create", "kind": "hold_reply" }]);
    let url = format!("{}/_sandbox/faults", program.url);
    let set = program.client.request(Method::PUT, url).body(hold.to_string()).send().await;
    assert!(set.is_ok_and(|response| response.status() == 200));
    let held = tokio::spawn(program.charge("ORDER-002"));
    while program.get("/_sandbox/audit").await["totals"]["charges"] != 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    program.child.kill().expect("SIGKILL");
    program.child.wait().expect("its end");
    assert!(held.await.expect("the caller ends").is_err());

    let program = Program::start(&file);
    let audit = program.get("/_sandbox/audit").await;
    assert_eq!((&audit["ok"], &audit["totals"]["charges"]), (&json!(true), &json!(2)));
    let cleared = program.client.delete(format!("{}/_sandbox/faults", program.url)).send().await;
    assert!(cleared.is_ok());
    let retried = program.charge("ORDER-002").await.expect("an answer");
    assert_eq!(retried.status(), 201);
    assert!(retried.headers().contains_key("idempotent-replayed"));
    assert_eq!(program.get("/_sandbox/audit").await["totals"]["charges"], 2);
}

#[tokio::test]
async fn a_terminated_program_ends_well() {
    let mut program = Program::start_with_token(Path::new(":memory:"), "sun_secret");
    let refused = program.charge("ORDER-001").await.expect("an answer");
    assert_eq!(refused.status(), 401, "the token comes from the environment");
    let pid = program.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().is_ok_and(|sent| sent.success()));
    let ended = tokio::task::spawn_blocking(move || program.child.wait()).await.expect("the wait ends");
    assert!(ended.is_ok_and(|status| status.success()));
}

#[test]
fn an_address_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_sandbox"))
        .args(["--listen", &address])
        .output()
        .expect("the program runs");
    assert!(!output.status.success());
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("cannot listen on") && message.contains(&address), "{message}");
}

/// The words in backticks or commas of a refusal that lists what is known.
fn known(message: &str) -> Vec<String> {
    let list = message.split(" one of ").nth(1).unwrap_or_default();
    list.split(',').map(|word| word.trim_matches(|c| " `".contains(c)).to_owned()).collect()
}

#[tokio::test]
async fn the_help_and_the_reference_name_everything() {
    let output = Command::new(env!("CARGO_BIN_EXE_sandbox")).arg("--help").output();
    let help = String::from_utf8(output.expect("the program runs").stdout).expect("text");
    let reference = include_str!("../../../docs/sandbox.md");

    let shop = Shop::open().await;
    let mut names: Vec<String> = Vec::new();
    for wrong in [json!([{ "operation": "?", "kind": "status" }]), json!([{ "operation": "*", "kind": "?" }])]
    {
        let refused = shop.put("/_sandbox/faults", wrong).send().await;
        let listed = known(refused.json()["error"]["message"].as_str().expect("a message"));
        assert!(listed.len() >= 6, "{listed:?}");
        names.extend(listed);
    }
    let switches = shop.get("/_sandbox/switches").await;
    names.extend(switches.as_object().expect("an object").keys().cloned());
    let sources = [
        include_str!("../../src/http.rs"),
        include_str!("../../src/control.rs"),
        include_str!("../../src/handlers/payments/card.rs"),
    ];
    // Routes as they are registered, and the special card tokens as they are matched.
    for literal in sources.iter().flat_map(|source| source.split('"').skip(1).step_by(2)) {
        if literal.starts_with('/') && literal != "/api/v1" || literal.starts_with("card_") {
            names.push(literal.to_owned());
        }
    }
    assert!(names.len() > 60, "{names:?}");
    for name in names {
        assert!(help.contains(&name), "--help does not name {name}");
        assert!(reference.contains(&name), "docs/sandbox.md does not name {name}");
    }
}
