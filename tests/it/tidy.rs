//! The rules that no compiler knows. A failure names the place and the fix.
//!
//! - `processes`: a process stands in every list that names processes;
//! - `files`: how long files and lines may be, and that nothing is left undone;
//! - `functions`: how long functions may be;
//! - `folders`: folders, modules and dependencies stand in the lists that explain them;
//! - `page`: reads a Markdown page, or the comments of a Rust file;
//! - `command`: reads a command as a shell would, and has its program parse it;
//! - `documents`: commands, flags, settings, files and links named in documents exist;
//! - `rooms`: every process tells its story on the first screen, and can be answered;
//! - `words`: sentences that begin with "What" and the like.
//!
//! They read the tree and run `--help` of the programs. They need no server, and take about a second. Each rule has a
//! test that shows it failing on bad text, because a rule that never fails is not noticed.

mod command;
mod documents;
mod files;
mod folders;
mod functions;
mod page;
mod processes;
mod rooms;
mod words;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A file of this workspace. A file that is not there is empty, so that every line it should have is missing.
fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_default()
}

/// The names in a folder of this workspace, sorted.
fn names(folder: &str) -> anyhow::Result<Vec<String>> {
    let entries = fs::read_dir(root().join(folder)).with_context(|| folder.to_owned())?;
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names = names.collect::<anyhow::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

/// Whether a folder is ours: cargo, git and npm have theirs in the tree as well.
fn is_ours(folder: &str) -> bool {
    !matches!(folder, "target" | "node_modules") && !folder.starts_with('.')
}

/// Every file of the workspace whose name ends so, by its path from the root, with its text; in the order of the paths.
fn files(end: &str) -> anyhow::Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        for name in names(&folder)? {
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            if root().join(&path).is_dir() {
                if is_ours(&name) {
                    folders.push(path);
                }
            } else if name.ends_with(end) {
                let text = text(&path);
                found.push((path, text));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The text between `start` and the first character that ends it.
fn between(text: &str, start: &str, ends: impl Fn(char) -> bool) -> Option<String> {
    let (_, rest) = text.split_once(start)?;
    rest.split(ends).next().map(str::to_owned)
}

fn has_line(text: &str, line: &str) -> bool {
    text.lines().any(|l| l.trim() == line)
}

/// Fails with the rule and every offender, if there is one.
fn none(offenders: &[String], rule: &str) {
    assert!(offenders.is_empty(), "{rule}\n  {}\n", offenders.join("\n  "));
}
