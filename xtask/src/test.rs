//! `cargo xtask test`: the whole suite, with everything it needs.

use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::cargo::{Profile, Workspace, cargo};
use crate::environment::without_temporal_settings;
use crate::guard;
use crate::say::say;
use crate::tools::debian::PROMTOOL;
use crate::tools::peers::{AIOSMTPD, LOCALSTRIPE, SEAWEEDFS, STRIPE_MOCK, TRYTON};
use crate::tools::{TEMPORAL_CLI, TEST_SERVER};

/// Run every test, with a real Temporal server: guard, build, `cargo test --workspace`
///
/// Finds or installs the Temporal CLI, the time-skipping test server, promtool, localstripe and aiosmtpd, and exports
/// TEMPORAL_CLI, TEMPORAL_TEST_SERVER, SUNFLOW_PROMTOOL, SUNFLOW_LOCALSTRIPE and SUNFLOW_AIOSMTPD for the tests; builds
/// the binaries, because the whole-system tests start them as processes.
/// Stops at the first failure and names it.
#[derive(Args)]
pub(crate) struct Options {
    /// Run the long tests too (sets SUNFLOW_TEST_ALL=1), and those against servers from npm, which is needed then,
    /// an ERP and an object store (installs stripe-stateful-mock, Tryton and SeaweedFS, exports SUNFLOW_STRIPE_MOCK,
    /// SUNFLOW_TRYTON and SUNFLOW_SEAWEEDFS)
    #[arg(long)]
    all: bool,

    /// Run only tests whose name contains one of these; passed to the test binaries as they are
    ///
    /// So are their options, after `--`: `cargo xtask test -- --nocapture order`.
    #[arg(value_name = "FILTER")]
    filters: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let workspace = Workspace::locate()?;
    let mut parts = Parts::default();
    parts.time("guard", guard::run)?;
    let mut settings = parts.time("tools", || tools(&workspace.target, options.all))?;
    if options.all {
        settings.push(("SUNFLOW_TEST_ALL", "1".into()));
    }
    parts.time("build", || Profile::DEBUG.build(&workspace))?;
    parts.time("tests", || run_tests(options, &settings))?;
    say!("all passed: {}", parts.summary());
    Ok(())
}

type Settings = Vec<(&'static str, OsString)>;

fn tools(target: &Path, all: bool) -> Result<Settings> {
    let mut settings = Settings::new();
    for tool in [&TEMPORAL_CLI, &TEST_SERVER] {
        settings.push((tool.variable, tool.find_or_install(target)?.into()));
    }
    settings.push((PROMTOOL.variable, PROMTOOL.find_or_install(target)?.into()));
    let of_all = [&STRIPE_MOCK, &TRYTON, &SEAWEEDFS].into_iter().filter(|_| all);
    for peer in [&LOCALSTRIPE, &AIOSMTPD].into_iter().chain(of_all) {
        settings.push((peer.variable, peer.find_or_install(target)?.into()));
    }
    Ok(settings)
}

fn run_tests(options: &Options, settings: &Settings) -> Result<()> {
    let filters = &options.filters;
    let mut arguments = vec!["test", "--workspace"];
    if options.all {
        arguments.extend(["--features", "tests/peers"]);
    }
    if !filters.is_empty() {
        arguments.push("--");
        arguments.extend(filters.iter().map(String::as_str));
    }
    for (name, value) in settings {
        say!("export {name}={}", value.display());
    }
    let shown = format!("cargo {}", arguments.join(" "));
    say!("{shown}");
    let mut command = cargo();
    without_temporal_settings(&mut command).args(arguments);
    command.envs(settings.iter().map(|(name, value)| (name, value)));
    let status = command.status().with_context(|| format!("`{shown}` did not run"))?;
    ensure!(status.success(), "`{shown}` failed ({status}); the failing test is named above");
    Ok(())
}

/// The parts that ran, and how long each took.
#[derive(Default)]
struct Parts(Vec<(&'static str, Duration)>);

impl Parts {
    fn time<T>(&mut self, name: &'static str, part: impl FnOnce() -> Result<T>) -> Result<T> {
        let begun = Instant::now();
        let made = part().with_context(|| format!("{name} failed"))?;
        self.0.push((name, begun.elapsed()));
        Ok(made)
    }

    fn summary(&self) -> String {
        let parts = self.0.iter().map(|(name, time)| format!("{name} {:.1} s", time.as_secs_f32()));
        parts.collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;

    #[test]
    fn the_parts_are_listed_with_their_times() {
        let parts = Parts(vec![("guard", Duration::from_millis(460)), ("tests", Duration::from_secs(61))]);
        assert_eq!(parts.summary(), "guard 0.5 s, tests 61.0 s");
    }

    #[test]
    fn a_failing_part_is_named_and_not_listed() {
        let mut parts = Parts::default();
        let error = parts.time("build", || -> Result<()> { bail!("no compiler") }).expect_err("failed");
        assert_eq!(format!("{error:#}"), "build failed: no compiler");
        assert_eq!(parts.summary(), "");
    }
}
