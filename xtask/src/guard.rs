//! `cargo xtask guard`: what the workflow side must never be able to reach.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};

use crate::cargo::cargo;
use crate::say::say;

/// The crates a workflow is made of.
const GUARDED: [&str; 2] = ["workflows", "contracts"];

/// Crates that talk to the outside. The clients are named along with what they stand on, so that one nobody
/// thought of shows too. `tonic` itself is allowed: Temporal's protobuf types name its `Status`; a tonic that can
/// connect brings `hyper` and `h2` along.
const FORBIDDEN: [&str; 18] = [
    // HTTP clients and what carries them
    "attohttpc",
    "awc",
    "curl",
    "h2",
    "h3",
    "hyper",
    "hyper-util",
    "isahc",
    "minreq",
    "reqwest",
    "surf",
    "ureq",
    // TLS
    "native-tls",
    "rustls",
    // Temporal's client and worker
    "temporalio-client",
    "temporalio-common",
    "temporalio-sdk",
    "temporalio-sdk-core",
];

pub(crate) fn run() -> Result<()> {
    for package in GUARDED {
        let looked_at = check(package)?;
        say!("`{package}` reaches no HTTP client and no Temporal client ({looked_at} crates looked at)");
    }
    Ok(())
}

/// The number of crates that `package` reaches; an error if a forbidden one is among them.
fn check(package: &str) -> Result<usize> {
    let tree = cargo_tree(package, &["--prefix", "none", "--format", "{p}"])?;
    let crates: BTreeSet<_> = crates(&tree).collect();
    if let Some((name, version)) = crates.iter().find(|(name, _)| FORBIDDEN.contains(name)) {
        let chain = cargo_tree(package, &["--invert", &format!("{name}@{version}")])?;
        bail!(
            "`{package}` must not reach `{name}`: a workflow has no I/O. It gets there like this:\n{chain}"
        );
    }
    Ok(crates.len())
}

/// Normal dependencies only: tests may use what they like.
fn cargo_tree(package: &str, arguments: &[&str]) -> Result<String> {
    let mut command = cargo();
    command.args(["tree", "--package", package, "--edges", "normal"]).args(arguments);
    let output = command.output().context("cargo tree did not run")?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "cargo tree for `{package}` failed:\n{complaint}");
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Name and version of each crate in lines like `serde v1.0.229 (*)`.
fn crates(tree: &str) -> impl Iterator<Item = (&str, &str)> {
    tree.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        Some((words.next()?, words.next()?.strip_prefix('v')?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_tree_is_a_name_and_a_version() {
        let tree = "workflows v0.1.0 (/w)\nhyper v1.6.0 (*)\n\nbon-macros v3.10.3 (proc-macro)\n";
        let expected = [("workflows", "0.1.0"), ("hyper", "1.6.0"), ("bon-macros", "3.10.3")];
        assert_eq!(crates(tree).collect::<Vec<_>>(), expected);
    }

    /// `activities` may have an HTTP client and has one: the guard must not be blind to it.
    #[test]
    fn what_is_forbidden_is_seen_where_it_is_and_the_way_to_it_shown() {
        let said = check("activities").expect_err("has an HTTP client").to_string();
        assert!(said.starts_with("`activities` must not reach `"), "{said}");
        assert!(said.contains("└── activities v"), "{said}");
    }
}
