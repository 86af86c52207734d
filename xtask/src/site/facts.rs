//! Where everything of a running Sunflow is, in the forms people and programs ask for it.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::ports::Ports;
use crate::run_dir::RunDir;

pub(super) const NAMESPACE: &str = "default";

/// The token that the worker shows and the sandbox asks for. Known to everybody: it opens a sandbox on loopback, no
/// more.
pub(super) const SANDBOX_TOKEN: &str = "sunflow-development";

/// Makes the pseudonyms of customers that nobody has. Known to everybody, too.
const REF_KEY: &str = "sunflow-development-pseudonyms";

pub(crate) struct Facts {
    pub(crate) temporal_address: String,
    pub(crate) web_ui: String,
    pub(crate) sandbox: SocketAddr,
    pub(crate) worker_url: String,
    pub(crate) bin_dir: PathBuf,
    pub(crate) log_dir: PathBuf,
    env_file: PathBuf,
    worker_listen: String,
    door: SocketAddr,
    /// The object store of worker and starter.
    store: PathBuf,
}

impl Facts {
    pub(super) fn new(ports: &Ports, run_dir: &RunDir, bin_dir: PathBuf) -> Self {
        Self {
            temporal_address: ports.temporal.to_string(),
            web_ui: format!("http://{}", ports.web_ui),
            sandbox: ports.sandbox,
            worker_url: format!("http://{}", ports.worker),
            bin_dir,
            log_dir: run_dir.logs(),
            env_file: run_dir.env_file(),
            worker_listen: ports.worker.to_string(),
            door: ports.door,
            store: run_dir.store(),
        }
    }

    /// The sandbox's ERP, and what it lets in.
    fn erp_credential(&self) -> String {
        let endpoints = [format!("{}/erp", self.sandbox_url())];
        json!({ "username": "api_user", "password": "api_password", "endpoints": endpoints }).to_string()
    }

    fn sandbox_url(&self) -> String {
        format!("http://{}", self.sandbox)
    }

    /// The environment of a worker or starter of this stack.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        // Tests shorten it; what the user has set is meant.
        let undo_patience = env::var("SUN_UNDO_PATIENCE").unwrap_or_else(|_| "20s".to_owned());
        vec![
            ("TEMPORAL_ADDRESS", self.temporal_address.clone()),
            ("TEMPORAL_NAMESPACE", NAMESPACE.to_owned()),
            // An empty file: the developer's own profile may ask for TLS or an API key, which fits no dev server.
            ("TEMPORAL_CONFIG_FILE", "/dev/null".to_owned()),
            ("SUN_ECOMMERCE_API_URL", self.sandbox_url()),
            ("SUN_ECOMMERCE_API_TOKEN", SANDBOX_TOKEN.to_owned()),
            ("SUN_REF_KEY", REF_KEY.to_owned()),
            // Without it marketing mails are kept back.
            ("SUN_UNSUBSCRIBE_URL", format!("http://{}/unsubscribe", self.door)),
            ("SUN_WORKER_LISTEN", self.worker_listen.clone()),
            ("SUN_WORKER_URL", self.worker_url.clone()),
            ("SUN_WEB_UI_URL", self.web_ui.clone()),
            ("SUN_UNDO_PATIENCE", undo_patience),
            ("SUN_STORE", self.store.display().to_string()),
            ("SUN_ERP_CREDENTIALS_ERP_001", self.erp_credential()),
        ]
    }

    /// The environment of this stack's own worker, whose webhook door is open.
    pub(super) fn of_the_worker(&self) -> Vec<(&'static str, String)> {
        let mut environment = self.environment();
        environment.push(("SUN_WEBHOOK_LISTEN", self.door.to_string()));
        environment
    }

    /// Writes the environment as a file for `.` in a shell: with the binaries on PATH, and Temporal's CLI, which runs
    /// the starter as `temporal sun`.
    pub(super) fn write_env_file(&self, temporal_cli: &Path) -> Result<()> {
        let lines = self.environment().into_iter().map(|(name, value)| export(name, &value));
        let path = env::var_os("PATH").unwrap_or_default();
        let text = lines.chain([self.on_path(temporal_cli, &path)]).collect::<String>();
        fs::write(&self.env_file, text).with_context(|| format!("cannot write {}", self.env_file.display()))
    }

    /// The line that puts the binaries on PATH, and the CLI unless its folder is there.
    fn on_path(&self, temporal_cli: &Path, path: &OsStr) -> String {
        let cli_dir =
            temporal_cli.parent().filter(|folder| !env::split_paths(path).any(|known| known == *folder));
        let folders = [Some(self.bin_dir.as_path()), cli_dir].into_iter().flatten();
        let folders: String =
            folders.map(|folder| format!("{}:", quoted(&folder.display().to_string()))).collect();
        format!("export PATH={folders}\"$PATH\"\n")
    }

    /// The text that `up --json` prints.
    pub(crate) fn as_json(&self, pids: &Value) -> Value {
        json!({
            "temporal_address": self.temporal_address,
            "namespace": NAMESPACE,
            "web_ui": self.web_ui,
            "sandbox_url": self.sandbox_url(),
            "worker_url": self.worker_url,
            "bin_dir": self.bin_dir,
            "log_dir": self.log_dir,
            "env_file": self.env_file,
            "pids": pids,
        })
    }

    /// The text that `up` prints for people.
    pub(crate) fn as_text(&self) -> String {
        format!(
            "\n\
             Sunflow is up.\n\
             \n\
             \x20 Temporal Web UI  {}\n\
             \x20 Temporal         {} (namespace {NAMESPACE})\n\
             \x20 sandbox shop     {}/_sandbox/audit\n\
             \x20 its shelf        {}/_sandbox/shop\n\
             \x20 its mailbox      {}/_sandbox/mailbox\n\
             \x20 worker           {}/readyz\n\
             \x20 logs             {}\n\
             \n\
             Place the sample order from another terminal:\n\
             \n\
             \x20 . {}\n\
             \x20 {} order start --input starter/samples/order.json --wait\n\
             \n\
             Ctrl-C here stops everything; the databases are kept for the next run (`--fresh` forgets them).\n",
            self.web_ui,
            self.temporal_address,
            self.sandbox_url(),
            self.sandbox_url(),
            self.sandbox_url(),
            self.worker_url,
            self.log_dir.display(),
            self.env_file.display(),
            self.bin_dir.join("starter").display(),
        )
    }

    /// Where the Web UI shows a workflow.
    pub(crate) fn workflow_link(&self, workflow_id: &str) -> String {
        format!("{}/namespaces/{NAMESPACE}/workflows/{}", self.web_ui, url_encode(workflow_id))
    }
}

/// One line of shell that sets `name` to exactly `value`.
fn export(name: &str, value: &str) -> String {
    format!("export {name}={}\n", quoted(value))
}

/// A value as one word of a shell.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

fn url_encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn facts() -> Facts {
        Facts {
            temporal_address: "127.0.0.1:7233".to_owned(),
            web_ui: "http://127.0.0.1:8233".to_owned(),
            sandbox: ([127, 0, 0, 1], 8484).into(),
            worker_url: "http://127.0.0.1:9464".to_owned(),
            bin_dir: "/t/debug".into(),
            log_dir: "/t/sunflow/logs".into(),
            env_file: "/t/sunflow/env.sh".into(),
            worker_listen: "127.0.0.1:9464".to_owned(),
            door: ([127, 0, 0, 1], 9565).into(),
            store: PathBuf::from("/run/store"),
        }
    }

    #[test]
    fn the_json_has_what_it_promises_on_one_line() {
        let pids = json!({"temporal": 1, "sandbox": 2, "worker": 3});
        let answer = facts().as_json(&pids);
        let names: Vec<_> = answer.as_object().expect("an object").keys().map(String::as_str).collect();
        let mut promised =
            ["temporal_address", "namespace", "web_ui", "sandbox_url", "worker_url", "bin_dir"].to_vec();
        promised.extend(["log_dir", "env_file", "pids"]);
        promised.sort_unstable();
        assert_eq!(names, promised);
        assert_eq!(answer["bin_dir"], "/t/debug");
        assert_eq!(answer["pids"], pids);
        assert!(!answer.to_string().contains('\n'));
    }

    #[test]
    fn a_shell_reads_back_exactly_what_was_exported() {
        let awkward = "it's $HOME \"and\" `more` \\ of\nit";
        let script = format!("{}printf %s \"$X\"", export("X", awkward));
        let output = Command::new("sh").args(["-c", &script]).output().expect("sh runs");
        assert_eq!(String::from_utf8_lossy(&output.stdout), awkward);
    }

    #[test]
    fn the_cli_is_put_on_path_where_it_is_not_there_yet() {
        let line = |path: &str| facts().on_path(Path::new("/t/tools/it's/bin/temporal"), OsStr::new(path));
        let both = "export PATH='/t/debug':'/t/tools/it'\\''s/bin':\"$PATH\"\n";
        assert_eq!(line("/usr/bin:/bin"), both);
        assert_eq!(line("/usr/bin:/t/tools/it's/bin"), "export PATH='/t/debug':\"$PATH\"\n");
    }

    #[test]
    fn a_workflow_id_is_one_segment_of_its_link() {
        let link = facts().workflow_link("order/ORDER-001");
        assert_eq!(link, "http://127.0.0.1:8233/namespaces/default/workflows/order%2FORDER-001");
        assert_eq!(url_encode("ä b"), "%C3%A4%20b");
    }
}
