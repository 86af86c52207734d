//! Errors as documents, a port that is not Temporal's, and the other name.

use std::fs;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::{Ended, called_as, changed, file, start, starter};

/// `serve` answers every connection to a port of this test; the starter is sent there.
fn at_a_port(serve: impl Fn(TcpStream) + Send + 'static) -> Ended {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address").to_string();
    std::thread::spawn(move || listener.incoming().map_while(Result::ok).for_each(serve));
    starter(&["list", "--address", &address, "-o", "json"], "")
}

#[test]
fn a_port_that_speaks_http_is_no_temporal_and_the_hint_says_so() {
    let http = at_a_port(|mut connection| {
        connection.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").ok();
    });
    let mute = at_a_port(drop);
    for ended in [http, mute] {
        assert_eq!(ended.code, Some(3), "{}", ended.stderr);
        ended.assert_error("NoConnection");
        for word in ["does not speak gRPC", "fix: is it the port of the Web UI", "7233"] {
            assert!(ended.stderr.contains(word), "{word:?} is missing in {}", ended.stderr);
        }
    }
}

/// A port in the open, an address that says otherwise, and TLS that nobody there speaks.
#[test]
fn an_address_with_tls_of_a_port_without_it_is_told_as_that() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    std::thread::spawn(move || {
        let answer = |mut connection: TcpStream| {
            connection.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").ok();
        };
        listener.incoming().map_while(Result::ok).for_each(answer);
    });
    let (https, http) = (format!("https://127.0.0.1:{port}"), format!("http://127.0.0.1:{port}"));
    let open = format!("127.0.0.1:{port}");
    let (web_ui, tls) = ("fix: is it the port of the Web UI or of an HTTP API", "say --tls=false");
    for (args, words) in [
        (&["--address", &https][..], ["its address begins with https://, and TLS is off", web_ui]),
        (&["--address", &https, "--tls"], ["what listens there does not speak TLS", tls]),
        (&["--address", &open, "--tls"], ["what listens there does not speak TLS", web_ui]),
        (&["--address", &open, "--api-key", "k"], ["what listens there does not speak TLS", tls]),
        (&["--address", &http, "--api-key", "k"], ["TLS is on, which would then not be used", "HOST:PORT"]),
    ] {
        let ended = starter(&[&["list"], args].concat(), "");
        assert_eq!(ended.code, Some(3), "{args:?}: {}", ended.stderr);
        for word in words {
            assert!(ended.stderr.contains(word), "{args:?}: {word:?} is missing in {}", ended.stderr);
        }
    }
}

#[test]
fn errors_are_json_where_json_was_asked_for() {
    for (args, kind) in [
        (&["order", "status", "ORDER-001", "-ojson"][..], "NoConnection"),
        (&["-o", "jsonl", "list"], "NoConnection"),
        (&["order", "status", "not an order", "--output=json"], "Usage"),
        (&["order", "strat", "-o", "json"], "Usage"),
        (&["onboarding", "status", "a@example.com", "-o", "json"], "Usage"),
    ] {
        starter(args, "").assert_error(kind);
    }
    let wrong = start(&changed(|order| order["currency"] = json!("DONG"))).json();
    let problem = &wrong["error"]["problems"][0];
    assert_eq!(problem["field"], json!("currency"), "{wrong}");
    assert!(problem["fix"].is_string() && problem["problem"].is_string(), "{wrong}");
    // Text stays text.
    assert_eq!(starter(&["order", "status", "ORDER-001"], "").stdout, "");
}

/// Temporal's command line runs the link as `temporal sun`.
#[test]
fn a_link_of_another_name_says_what_its_caller_types() {
    let link = file("temporal-sun");
    fs::remove_file(&link).ok();
    symlink(env!("CARGO_BIN_EXE_starter"), &link).expect("a link");
    let wrong = called_as(&link, &["order", "status"], "");
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("temporal sun order status"), "{}", wrong.stderr);
    let help = called_as(&link, &["order", "start", "--help"], "").stdout;
    assert!(help.contains("  temporal sun order start --input order.json --wait"), "{help}");
    assert!(help.contains("starter/samples/order.json"), "{help}");
    // All of the help: what a command or a flag is about, too.
    for (noun, alias) in [("order", "temporal sun answer RUN"), ("erp", "temporal sun answer SYNC")] {
        let help = called_as(&link, &[noun, "--help"], "").stdout.replace(['\n', ' '], "");
        assert!(help.contains(&alias.replace(' ', "")), "{help}");
        assert!(!help.contains("starteranswer"), "{help}");
    }
    let flags = called_as(&link, &["erp", "approve", "--help"], "").stdout;
    assert!(flags.contains("temporal sun erp list") && !flags.contains("starter erp"), "{flags}");
    let key = called_as(
        &link,
        &["schedule", "apply", "-f", "-"],
        "[[schedule]]\nid = \"a\"\nprocess = \"order\"\n",
    );
    assert!(key.stderr.contains("temporal sun order start --input FILE"), "{}", key.stderr);
}

/// `starter --help | true`: the reader may be gone before the first line.
#[test]
fn help_that_nobody_reads_is_no_wrong_usage() {
    for (args, code) in [(&["--help"][..], 0), (&["order", "--help"], 0), (&["--version"], 0), (&["ordr"], 2)]
    {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = Command::new(env!("CARGO_BIN_EXE_starter"));
        let ended = command.args(args).stdout(writer).stderr(Stdio::null()).status();
        assert_eq!(ended.expect("the starter ends").code(), Some(code), "{args:?}");
    }
}
