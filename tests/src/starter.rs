//! The command line as a script calls it.

use std::process::Stdio;

use anyhow::Context as _;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

use crate::processes::binary;
use crate::world::{LIMIT, World};

/// The outcome of a call.
#[derive(Debug)]
pub struct Called {
    /// The exit code.
    pub code: Option<i32>,
    /// stdout.
    pub out: String,
    /// stderr.
    pub err: String,
}

impl Called {
    /// stdout as the one JSON document that it is.
    ///
    /// # Errors
    /// When it is none.
    pub fn json(&self) -> anyhow::Result<Value> {
        serde_json::from_str(&self.out).with_context(|| format!("stdout {:?}, stderr {}", self.out, self.err))
    }
}

/// Calls the starter against a world, with an input on stdin.
///
/// # Errors
/// When it does not start, or does not end in time.
pub async fn starter(world: &World, args: &[&str], input: Option<&Value>) -> anyhow::Result<Called> {
    at(world.address(), &world.task_queue, args, input).await
}

/// The same at an address.
///
/// # Errors
/// When it does not start, or does not end in time.
pub async fn at(address: &str, queue: &str, args: &[&str], input: Option<&Value>) -> anyhow::Result<Called> {
    let mut command = Command::new(binary("starter")?);
    command.args(args).args(["--address", address, "--task-queue", queue]);
    call(&mut command, input).await
}

/// Gives a command a pseudo-terminal and copies what it shows there to stdout.
const TERMINAL: &str = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";

/// Calls the starter on a terminal, which shows stdout and stderr as one: `out`.
///
/// # Errors
/// When it does not start, or does not end in time.
pub async fn on_terminal(world: &World, args: &[&str]) -> anyhow::Result<Called> {
    let mut command = Command::new("python3");
    command.args(["-c", TERMINAL]).arg(binary("starter")?).args(args);
    command.args(["--address", world.address(), "--task-queue", &world.task_queue]);
    call(command.env("TERM", "xterm").env_remove("NO_COLOR"), None).await
}

/// Runs a command to its end, with an input on stdin.
///
/// # Errors
/// When it does not start, or does not end in time.
pub async fn call(command: &mut Command, input: Option<&Value>) -> anyhow::Result<Called> {
    let mut child = spawn(command)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that does not read its stdin may close it early.
        stdin.write_all(input.map(Value::to_string).unwrap_or_default().as_bytes()).await.ok();
    }
    let output = tokio::time::timeout(LIMIT, child.wait_with_output()).await??;
    Ok(Called {
        code: output.status.code(),
        out: String::from_utf8(output.stdout)?,
        err: String::from_utf8(output.stderr)?,
    })
}

fn spawn(command: &mut Command) -> anyhow::Result<Child> {
    command
        .env_remove("SUN_WEB_UI_URL")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    Ok(command.spawn()?)
}

/// A call that is under way: what it says is read while it says it.
pub struct Talking {
    child: Child,
    out: Option<ChildStdout>,
    lines: Lines<BufReader<ChildStderr>>,
    /// Its output so far.
    pub said: Vec<String>,
}

impl Talking {
    /// Calls the starter at an address.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(address: &str, queue: &str, args: &[&str]) -> anyhow::Result<Self> {
        let mut command = Command::new(binary("starter")?);
        let mut child = spawn(command.args(args).args(["--address", address, "--task-queue", queue]))?;
        let lines = BufReader::new(child.stderr.take().context("stderr is a pipe")?).lines();
        Ok(Self { out: child.stdout.take(), child, lines, said: Vec::new() })
    }

    /// Waits until it says something that contains these words.
    ///
    /// # Errors
    /// When it ends, or is silent for too long, before that.
    pub async fn says(&mut self, words: &str) -> anyhow::Result<()> {
        let reading = async {
            while let Some(line) = self.lines.next_line().await? {
                self.said.push(line);
                if self.said.last().is_some_and(|line| line.contains(words)) {
                    return Ok(());
                }
            }
            anyhow::bail!("it ended")
        };
        let read = tokio::time::timeout(LIMIT, reading).await.context("it was silent").flatten();
        read.with_context(|| format!("{words:?} was not said; said: {:#?}", self.said))
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it does not end in time.
    pub async fn ended(mut self) -> anyhow::Result<Called> {
        let ending = async {
            while let Some(line) = self.lines.next_line().await? {
                self.said.push(line);
            }
            let mut out = String::new();
            if let Some(stdout) = &mut self.out {
                tokio::io::AsyncReadExt::read_to_string(stdout, &mut out).await?;
            }
            Ok::<_, anyhow::Error>((self.child.wait().await?.code(), out))
        };
        let (code, out) = tokio::time::timeout(LIMIT, ending).await??;
        Ok(Called { code, out, err: self.said.join("\n") })
    }
}
