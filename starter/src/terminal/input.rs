//! Reads and checks an input before anything is started: every field, every problem, every fix.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read, Write as _};
use std::path::Path;

use workflows::input::{Checked, INPUT_BYTES_MAX, Place, Problem, Unchecked};

use super::exit::{Exit, Failure};

/// Why an input cannot be started.
#[derive(Debug)]
pub(crate) enum InputError {
    /// Not JSON; has line and column.
    Json(Problem),
    /// Fields with problems.
    Fields(Vec<Problem>),
    /// The input may be right, but a setting is missing that names the run; with the fix.
    Setting {
        /// The problem.
        problem: String,
        /// The fix.
        fix: String,
    },
}

/// Reads text as a process's input, strictly.
pub(crate) fn check<T: Checked>(json: &str) -> Result<T, InputError> {
    Unchecked::<T>::from_json(json).map_err(InputError::Json)?.check_strictly().map_err(InputError::Fields)
}

/// An input's text, and what to call it in messages.
pub(crate) struct InputText {
    pub(crate) name: String,
    pub(crate) json: String,
}

/// Reads a file, or stdin for `-`.
pub(crate) fn read(path: &Path) -> Result<InputText, Failure> {
    read_at_most(path, INPUT_BYTES_MAX)
}

/// The same of a file that may be larger than an input: its lists are put into the object store.
pub(crate) fn read_at_most(path: &Path, max: usize) -> Result<InputText, Failure> {
    let is_stdin = path.as_os_str() == "-";
    let name = if is_stdin { "stdin".to_owned() } else { path.display().to_string() };
    let read = |source: &mut dyn Read| read_limited(source, max);
    let bytes =
        if is_stdin { read(&mut io::stdin()) } else { File::open(path).and_then(|mut file| read(&mut file)) };
    let bytes = bytes.map_err(|error| {
        Failure::because(Exit::Usage, error, format!("cannot read {name}"))
            .fix("give the path of a JSON file, or - for stdin; nothing was started")
    })?;
    if bytes.len() > max {
        return Err(Failure::new(Exit::Usage, format!("{name} is larger than {max} bytes"))
            .fix("split it into several inputs; nothing was started"));
    }
    match text::json::decoded(&bytes) {
        Ok(json) => Ok(InputText { name, json: json.to_owned() }),
        Err(problem) => Err(Failure::new(Exit::Usage, format!("{name} {}", problem.what()))
            .fix(format!("{}; nothing was started", problem.fix))),
    }
}

/// One byte more than allowed is enough to know.
fn read_limited(source: &mut dyn Read, max: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(max as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Asks for a yes on the terminal; `None` where nobody is there to be asked.
pub(crate) fn confirmed(question: &str) -> io::Result<Option<bool>> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(None);
    }
    let mut stderr = io::stderr().lock();
    write!(stderr, "{question} [y/N] ")?;
    stderr.flush()?;
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(Some(["y", "yes"].contains(&line.trim().to_lowercase().as_str())))
}

/// The message for an input that was refused.
pub(crate) fn refused(name: &str, error: &InputError) -> Failure {
    match error {
        InputError::Json(Problem { problem, at: Some(Place::Line { line, column }), .. }) => {
            Failure::new(Exit::Usage, format!("{name}:{line}:{column} {problem}"))
                .fix(format!("correct line {line}, column {column}; nothing was started"))
        }
        InputError::Json(problem) => Failure::new(Exit::Usage, format!("{name} {}", problem.what()))
            .fix(format!("{}; nothing was started", problem.fix)),
        InputError::Fields(problems) => {
            let count = problems.len();
            let noun = if count == 1 { "problem" } else { "problems" };
            Failure::new(Exit::Usage, format!("{name} has {count} {noun}; nothing was started"))
                .problems(problems.clone())
        }
        InputError::Setting { problem, fix } => {
            Failure::new(Exit::Usage, problem.clone()).fix(format!("{fix}; nothing was started"))
        }
    }
}

impl From<InputError> for Failure {
    fn from(error: InputError) -> Self {
        refused("the input", &error)
    }
}
