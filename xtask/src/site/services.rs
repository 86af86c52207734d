//! How the three processes are started, and how one can tell that they are ready.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::facts::{Facts, NAMESPACE, SANDBOX_TOKEN};
use crate::environment::without_temporal_settings;
use crate::http;
use crate::interrupt::Interrupt;
use crate::ports::Ports;
use crate::run_dir::RunDir;
use crate::stack::{Service, Stack};

/// Time to finish what is in hand. The worker drains: it lets running activities end before it goes.
const PATIENCE: Duration = Duration::from_secs(10);
const WORKER_PATIENCE: Duration = Duration::from_secs(35);

/// Registered when the server starts, so that the first workflow finds them. The worker adds the missing ones too,
/// which is what counts against a server that is not ours.
const SEARCH_ATTRIBUTES: [(&str, &str); 7] = [
    ("SunOrderId", "Keyword"),
    ("SunCustomerRef", "Keyword"),
    ("SunStage", "Keyword"),
    ("SunOutcome", "Keyword"),
    ("SunNeedsHuman", "Bool"),
    ("SunQuestion", "KeywordList"),
    ("SunSource", "Keyword"),
];

/// How long closed runs are kept, as `starter doctor` wants it; a dev server keeps them for a day.
const RETENTION: &str = "30d";

pub(super) struct Services {
    pub(super) temporal_cli: PathBuf,
    pub(super) ports: Ports,
}

impl Services {
    /// Temporal and the sandbox side by side, then the worker, which needs both.
    pub(super) fn start(
        &self,
        stack: &mut Stack,
        facts: &Facts,
        run_dir: &RunDir,
        interrupt: &Interrupt,
    ) -> Result<()> {
        stack.start(vec![self.temporal(run_dir), self.sandbox(facts, run_dir)], interrupt)?;
        stack.start(vec![self.worker(facts, run_dir)], interrupt)
    }

    fn temporal(&self, run_dir: &RunDir) -> Service {
        let (address, web_ui, cli) = (self.ports.temporal, self.ports.web_ui, self.temporal_cli.clone());
        let mut arguments = words(&["server", "start-dev", "--ip"]);
        arguments.extend(words(&[&address.ip().to_string(), "--port", &address.port().to_string()]));
        arguments.extend(words(&["--ui-port", &web_ui.port().to_string(), "--log-level", "warn"]));
        arguments.extend([OsString::from("--db-filename"), run_dir.temporal_database().into()]);
        // The dev server looks for new workflow tasks 20 times a second; at that rate a dozen steps take most of
        // a second of waiting.
        arguments.extend(words(&["--dynamic-config-value", "history.transferProcessorMaxPollRPS=2000"]));
        for (name, kind) in SEARCH_ATTRIBUTES {
            arguments.extend(words(&["--search-attribute", &format!("{name}={kind}")]));
        }
        Service {
            name: "temporal",
            program: self.temporal_cli.clone(),
            arguments,
            environment: vec![("TEMPORAL_CONFIG_FILE", "/dev/null".to_owned())],
            log: run_dir.log("temporal"),
            ready: Box::new(move || {
                temporal_is_ready(&cli, address)?;
                keep_closed_runs(&cli, address)?;
                answers(web_ui, "/")
            }),
            patience: PATIENCE,
        }
    }

    fn sandbox(&self, facts: &Facts, run_dir: &RunDir) -> Service {
        let address = self.ports.sandbox;
        let mut arguments = words(&["--listen", &address.to_string()]);
        arguments.extend([OsString::from("--database"), run_dir.sandbox_database().into()]);
        Service {
            name: "sandbox",
            program: facts.bin_dir.join("sandbox"),
            arguments,
            environment: vec![("SUN_SANDBOX_TOKEN", SANDBOX_TOKEN.to_owned())],
            log: run_dir.log("sandbox"),
            ready: Box::new(move || answers(address, "/api/v1/health")),
            patience: PATIENCE,
        }
    }

    fn worker(&self, facts: &Facts, run_dir: &RunDir) -> Service {
        let address = self.ports.worker;
        Service {
            name: "worker",
            program: facts.bin_dir.join("worker"),
            arguments: Vec::new(),
            environment: facts.of_the_worker(),
            log: run_dir.log("worker"),
            ready: Box::new(move || answers(address, "/readyz")),
            patience: WORKER_PATIENCE,
        }
    }
}

fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

/// Ready when `GET path` is answered with 200.
fn answers(server: SocketAddr, path: &str) -> Result<()> {
    let response = http::get(server, path).with_context(|| format!("http://{server}{path}"))?;
    ensure!(
        response.status == 200,
        "http://{server}{path} answers {}: {}",
        response.status,
        response.body.trim()
    );
    Ok(())
}

/// Asks the server by its own command line.
fn operator(cli: &Path, address: SocketAddr, words: &[&str]) -> Result<Vec<u8>> {
    let mut command = Command::new(cli);
    without_temporal_settings(&mut command)
        .arg("operator")
        .args(words)
        .args(["--output", "json", "--command-timeout", "5s"])
        .args(["--address", &address.to_string(), "--namespace", NAMESPACE])
        .env("TEMPORAL_CONFIG_FILE", "/dev/null")
        .stdin(Stdio::null());
    let output = command.output().with_context(|| format!("{} does not run", cli.display()))?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(output.stdout)
}

/// A number that Temporal has forgotten counts as new, and an order that was shipped could be started once more.
fn keep_closed_runs(cli: &Path, address: SocketAddr) -> Result<()> {
    operator(cli, address, &["namespace", "update", "--retention", RETENTION]).map(drop)
}

/// Ready when the namespace is there and knows our search attributes: both come a moment after the port opens.
fn temporal_is_ready(cli: &Path, address: SocketAddr) -> Result<()> {
    let listed = operator(cli, address, &["search-attribute", "list"])?;
    let answer: Value =
        serde_json::from_slice(&listed).context("the list of search attributes is not JSON")?;
    for (name, _) in SEARCH_ATTRIBUTES {
        ensure!(
            answer["customAttributes"].get(name).is_some(),
            "search attribute {name} is not registered yet"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cargo::Workspace;
    use crate::tools::TEMPORAL_CLI;
    use std::fs;
    use std::net::{Ipv4Addr, TcpListener};
    use std::time::Instant;

    /// Far from the usual ports, where a stack may be running.
    fn any_free_ports() -> Ports {
        let held = [0; 5].map(|any| TcpListener::bind((Ipv4Addr::LOCALHOST, any)).expect("a free port"));
        let [temporal, web_ui, sandbox, worker, door] =
            held.map(|listener| listener.local_addr().expect("bound"));
        Ports { temporal, web_ui, sandbox, worker, door }
    }

    /// The real server, twice on the same database, killed in between: what `up` does on a second run.
    #[test]
    fn the_temporal_server_comes_up_stops_and_comes_up_again() {
        let target = Workspace::locate().expect("a workspace").target;
        let temporal_cli = TEMPORAL_CLI.find_or_install(&target).expect("a Temporal CLI");
        let folder = std::env::temp_dir().join(format!("xtask-temporal-{}", std::process::id()));
        let run_dir = RunDir::claim(&folder, "sunflow").expect("claimed");
        let services = Services { temporal_cli: temporal_cli.clone(), ports: any_free_ports() };
        let address = services.ports.temporal;
        let (_raise, interrupt) = Interrupt::by_hand();

        let mut killed = Stack::new(run_dir.pids_file(), true);
        killed.start(vec![services.temporal(&run_dir)], &interrupt).expect("ready");
        drop(killed);

        let mut stack = Stack::new(run_dir.pids_file(), true);
        stack.start(vec![services.temporal(&run_dir)], &interrupt).expect("ready on the same file");
        let described = operator(&temporal_cli, address, &["namespace", "describe"]).expect("a namespace");
        let described: Value = serde_json::from_slice(&described).expect("JSON");
        assert_eq!(described["config"]["workflowExecutionRetentionTtl"], "2592000s", "30 days: {described}");
        let asked_at = Instant::now();
        stack.stop(&interrupt);
        assert!(asked_at.elapsed() < PATIENCE, "SIGTERM alone was enough");
        assert!(run_dir.temporal_database().is_file());
        fs::remove_dir_all(folder).expect("cleaned");
    }
}
