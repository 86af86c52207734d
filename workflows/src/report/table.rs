//! The step table of the current details: written for the Web UI, read back by whoever watches a run.
//!
//! Temporal keeps current details with the run, and any of its user interfaces shows them. They cost no history event,
//! and one built-in query reads them; so the table carries all that a watcher tells: parts and times too.

use jiff::{SignedDuration, Timestamp};
use thiserror::Error;

use super::{PartReport, Report, StepReport, StepStatus};

/// Bytes that current details have at most: Temporal's own limit for texts of this kind.
pub const DETAILS_BYTES_MAX: usize = 20_000;

const HEADER: &str = "| step | status | began | took | |\n|---|---|---|---|---|\n";
/// The beginning of a part's row, in place of its step's name.
const PART: &str = "↳ ";
/// Bytes that the line about rows that were left out may need.
const CUT_BYTES: usize = 100;
const CUT: (&str, &str) = ("\n*Steps left out for want of room: ", ". The query `progress` has them all.*\n");

/// A step table that was read back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// The steps that it shows, in order.
    pub steps: Vec<StepReport>,
    /// How many further steps there was no room for.
    pub left_out: usize,
}

/// Why a step table cannot be read: a worker of another version wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TableError {
    /// A row that has not five cells.
    #[error("the step table has a row that is not of this version: {0}")]
    Row(String),
    /// A status that is not known here.
    #[error("the step table has a status that is not known: {0}")]
    Status(String),
    /// A time that cannot be read.
    #[error("the step table has a time that cannot be read: {0}")]
    Time(String),
}

impl Table {
    /// How many steps the run has.
    #[must_use]
    pub fn total(&self) -> usize {
        self.steps.len() + self.left_out
    }

    /// The step that is under way, or waits.
    #[must_use]
    pub fn current(&self) -> Option<&StepReport> {
        super::current(&self.steps)
    }

    /// Reads the step table in current details; `None` where there is none yet.
    ///
    /// # Errors
    /// When it was written by a worker of another version.
    pub fn read(details: &str) -> Result<Option<Self>, TableError> {
        // The last one: above it there is room for what an outside system says.
        let Some((_, rows)) = details.rsplit_once(HEADER) else { return Ok(None) };
        let mut table = Self::default();
        for row in rows.lines().take_while(|line| line.starts_with('|')) {
            table.add(row)?;
        }
        table.left_out = left_out(rows).unwrap_or(0);
        Ok(Some(table))
    }

    fn add(&mut self, row: &str) -> Result<(), TableError> {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [name, status, began, took, detail] = cells[..] else {
            return Err(TableError::Row(row.to_owned()));
        };
        let status = StepStatus::of_name(status).ok_or_else(|| TableError::Status(status.to_owned()))?;
        let detail = Some(unescaped(detail)).filter(|detail| !detail.is_empty());
        match (name.strip_prefix(PART), self.steps.last_mut()) {
            (Some(part), Some(step)) => {
                step.parts.push(PartReport { part: unescaped(part), status, detail });
            }
            _ => {
                let started_at = time(began)?;
                let ended_at = ended(started_at, took)?;
                let step = unescaped(name);
                let (parts, facts) = (Vec::new(), Vec::new());
                self.steps.push(StepReport { step, status, started_at, ended_at, detail, parts, facts });
            }
        }
        Ok(())
    }
}

/// The step table of a report, in at most so many bytes: cut between two steps, with a line that says so.
pub(super) fn write(report: &Report, bytes: usize) -> String {
    let rows: Vec<String> = report.steps.iter().map(rows).collect();
    let mut table = HEADER.to_owned();
    if HEADER.len() + rows.iter().map(String::len).sum::<usize>() <= bytes {
        table.extend(rows);
        return table;
    }
    let room = bytes.saturating_sub(CUT_BYTES);
    let fits = |end: &mut usize, row: &String| {
        *end += row.len();
        (*end <= room).then_some(())
    };
    let shown = rows.iter().scan(HEADER.len(), fits).count();
    table.extend(rows.iter().take(shown).map(String::as_str));
    table.push_str(&format!("{}{}{}", CUT.0, rows.len() - shown, CUT.1));
    table
}

/// A step's row, and one for each of its parts.
fn rows(StepReport { step, status, started_at, ended_at, detail, parts, facts: _ }: &StepReport) -> String {
    let began = started_at.map_or_else(String::new, |time| format!("{time:.3}"));
    let took = match (started_at, ended_at) {
        (Some(from), Some(to)) => seconds(to.as_millisecond() - from.as_millisecond()),
        _ => String::new(),
    };
    let mut rows = row(step, *status, &began, &took, detail.as_deref());
    for PartReport { part, status, detail } in parts {
        rows.push_str(&row(&format!("{PART}{part}"), *status, "", "", detail.as_deref()));
    }
    rows
}

fn row(name: &str, status: StepStatus, began: &str, took: &str, detail: Option<&str>) -> String {
    let (name, detail) = (escaped(name), escaped(detail.unwrap_or_default()));
    format!("| {name} | {} | {began} | {took} | {detail} |\n", status.name())
}

/// `1.250 s`: exact to the millisecond, so that it can be read back.
fn seconds(ms: i64) -> String {
    format!("{}{}.{:03} s", if ms < 0 { "-" } else { "" }, ms.abs() / 1_000, ms.abs() % 1_000)
}

fn time(cell: &str) -> Result<Option<Timestamp>, TableError> {
    if cell.is_empty() {
        return Ok(None);
    }
    cell.parse().map(Some).map_err(|_| TableError::Time(cell.to_owned()))
}

fn ended(began: Option<Timestamp>, took: &str) -> Result<Option<Timestamp>, TableError> {
    let Some(began) = began.filter(|_| !took.is_empty()) else { return Ok(None) };
    let wrong = || TableError::Time(took.to_owned());
    let digits: String = took.strip_suffix(" s").ok_or_else(wrong)?.split('.').collect();
    let ms: i64 = digits.parse().map_err(|_| wrong())?;
    began.checked_add(SignedDuration::from_millis(ms)).map(Some).map_err(|_| wrong())
}

fn left_out(rows: &str) -> Option<usize> {
    let (_, rest) = rows.split_once(CUT.0)?;
    rest.split_once(CUT.1)?.0.parse().ok()
}

/// The words of an outside system must not break out of their cell, nor become a link or an element of a page.
const ESCAPES: [(char, &str); 4] = [('&', "&amp;"), ('|', "&#124;"), ('<', "&lt;"), ('[', "&#91;")];

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match ESCAPES.iter().find(|(plain, _)| *plain == c) {
            Some((_, entity)) => escaped.push_str(entity),
            None if c.is_control() => escaped.push(' '),
            None => escaped.push(c),
        }
    }
    escaped
}

fn unescaped(text: &str) -> String {
    // The ampersand last: it begins the others.
    ESCAPES
        .iter()
        .rev()
        .fold(text.to_owned(), |text, (plain, entity)| text.replace(entity, &plain.to_string()))
}

#[cfg(test)]
mod tests;
