//! The problems with the settings, each with its setting and its fix.

use std::fmt;

use text::Problem;

/// The problems with the settings, each with its fix.
#[derive(Debug, Default)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// One problem more.
    pub(super) fn add(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Some more.
    pub(super) fn extend(&mut self, problems: impl IntoIterator<Item = Problem>) {
        self.0.extend(problems);
    }

    /// Takes a value that was read, or notes the problem.
    pub(super) fn take<T>(&mut self, read: Result<T, Problem>) -> Option<T> {
        read.map_err(|problem| self.add(problem)).ok()
    }

    /// The settings, unless something is wrong.
    ///
    /// # Errors
    /// Every problem found.
    pub(super) fn or<T>(self, settings: Option<T>) -> Result<T, Self> {
        match settings {
            Some(settings) if self.0.is_empty() => Ok(settings),
            _ => Err(self),
        }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.0 {
            writeln!(f, "  - {}: {}", problem.what(), problem.fix)?;
        }
        write!(f, "See `worker --help`.")
    }
}
