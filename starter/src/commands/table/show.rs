//! The first rows of a file as they are read, and everything that is wrong with it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;

use contracts::erp::{Entity, Record};
use mapping::{EntityMapping, Rules, Unseen};
use serde::Serialize;
use table::{Fields, Flaw, Format, Reader, Row};
use text::{Place, Problem};

use crate::cli::table::ShowArgs;
use crate::terminal::exit::{Exit, Failure};
use crate::terminal::input;
use crate::terminal::output::{Out, Paint};

/// Problems that are told; the rest is counted.
const PROBLEMS_MAX: usize = 1_000;

/// A file, read.
#[derive(Serialize)]
struct Shown {
    file: String,
    columns: Vec<String>,
    /// The first ones.
    rows: Vec<ShownRow>,
    /// Of all rows.
    problems: Vec<Problem>,
    /// Those that are not told.
    #[serde(skip_serializing_if = "is_zero")]
    more_problems: u64,
    rows_read: u64,
    rows_with_problems: u64,
    /// Columns that no rule asks for.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    unknown_columns: BTreeSet<String>,
}

/// One row of it.
#[derive(Serialize)]
struct ShownRow {
    at: Place,
    fields: Fields,
    /// Columns whose cells show a percentage.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    percent: Vec<String>,
    /// The record that the rules make of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<Record>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// `starter table show`
pub(crate) fn run(out: &Out, args: &ShowArgs) -> Result<Exit, Failure> {
    let name = args.file.display().to_string();
    let format = args.format.read().map_err(|problem| refused("the options of the file", problem))?;
    let rules = rules(args)?;
    let mapping = rules.as_ref().map(|(rules, entity)| rules.of(*entity, args.currency));
    let opened = table::open(&name, file(args)?, &format);
    let reader = opened.map_err(|flaw| failure(args, &format, flaw))?;
    let mut shown = Shown {
        columns: reader.columns().into_iter().map(str::to_owned).collect(),
        file: name,
        rows: Vec::new(),
        problems: Vec::new(),
        more_problems: 0,
        rows_read: 0,
        rows_with_problems: 0,
        unknown_columns: BTreeSet::new(),
    };
    shown.check_columns(mapping.as_ref());
    // A file without a heading names its columns in its rows.
    let unseen = mapping.as_ref().filter(|_| shown.columns.is_empty()).map(EntityMapping::unseen);
    shown.read(reader, args.rows, mapping.as_ref(), unseen)?;
    shown.find_lines(args, &format)?;
    out.document(&shown, |paint| shown.text(paint))?;
    let Shown { rows_read, rows_with_problems, problems, more_problems, .. } = &shown;
    let count = problems.len() as u64 + more_problems;
    out.say(format!("{rows_read} rows, {rows_with_problems} with problems; {count} problems"));
    Ok(if count == 0 { Exit::Ok } else { Exit::Usage })
}

fn file(args: &ShowArgs) -> Result<File, Failure> {
    File::open(&args.file).map_err(|error| {
        Failure::because(Exit::Usage, error, format!("cannot read {}", args.file.display()))
            .fix("give the path of a .csv, .jsonl or .xlsx file")
    })
}

/// The rules, and what the rows are records of; `None`: rows stay as they are.
fn rules(args: &ShowArgs) -> Result<Option<(Rules, Entity)>, Failure> {
    let rules = match &args.map {
        Some(path) => {
            let text = input::read(path)?;
            Rules::parse(&text.json).map_err(|problems| {
                let whole = problems.into_iter().map(|problem| problem.in_whole(&text.json, 0)).collect();
                Failure::new(Exit::Usage, format!("the rules of {} are wrong", text.name)).problems(whole)
            })?
        }
        None if args.entity.is_none() => return Ok(None),
        None => Rules::default(),
    };
    let mut about = rules.entities();
    let entity = match (args.entity, about.next(), about.next()) {
        (Some(entity), ..) | (None, Some(entity), None) => entity,
        (None, None, _) => return Ok(None),
        (None, Some(_), Some(_)) => {
            return Err(Failure::new(Exit::Usage, "the rules are about several kinds of records")
                .fix("say which these rows are with --entity"));
        }
    };
    drop(about);
    Ok(Some((rules, entity)))
}

fn refused(what: &str, problem: Problem) -> Failure {
    Failure::new(Exit::Usage, format!("{what} cannot be used")).problems(vec![problem])
}

/// A file that cannot be read at all.
fn failure(args: &ShowArgs, format: &Format, flaw: Flaw) -> Failure {
    let name = args.file.display();
    match flaw {
        Flaw::Io(error) => Failure::because(Exit::Usage, error, format!("cannot read {name}")),
        Flaw::Wrong(mut problem) => {
            let found = byte(&problem).and_then(|byte| lines(args, format, [byte].into()).ok());
            if let Some(place) = found.and_then(|found| found.into_values().next()) {
                problem.at = Some(place);
            }
            refused(&name.to_string(), *problem)
        }
    }
}

fn byte(problem: &Problem) -> Option<u64> {
    match problem.at {
        Some(Place::Byte { byte }) => Some(byte as u64),
        _ => None,
    }
}

fn lines(args: &ShowArgs, format: &Format, bytes: BTreeSet<u64>) -> Result<BTreeMap<u64, Place>, Failure> {
    table::in_lines(file(args)?, format, &bytes)
        .map_err(|_| Failure::new(Exit::Usage, format!("{} changed while it was read", args.file.display())))
}

impl Shown {
    /// Tells of columns that rules read, and that the heading does not name.
    fn check_columns(&mut self, mapping: Option<&EntityMapping<'_>>) {
        let Some(mapping) = mapping.filter(|_| !self.columns.is_empty()) else { return };
        let known: BTreeSet<&str> = self.columns.iter().map(String::as_str).collect();
        for defect in mapping.missing(|column| known.contains(column)) {
            let fix = defect.fix.unwrap_or_default();
            self.problems.push(Problem::new(defect.field, defect.problem, fix));
        }
    }

    fn read(
        &mut self,
        mut reader: Reader<File>,
        first: usize,
        mapping: Option<&EntityMapping<'_>>,
        mut unseen: Option<Unseen<'_>>,
    ) -> Result<(), Failure> {
        loop {
            match reader.next_row() {
                Ok(Some(row)) => {
                    unseen.iter_mut().for_each(|unseen| unseen.note(row.readable()));
                    self.take(row, first, mapping);
                }
                Ok(None) => {
                    let unseen = unseen.map(|unseen| unseen.problems()).unwrap_or_default();
                    // Before the rows that lack them, as what a heading lacks is.
                    self.problems.splice(0..0, unseen);
                    return Ok(());
                }
                // The rows up to there help to find it.
                Err(Flaw::Wrong(problem)) => {
                    self.tell(*problem);
                    return Ok(());
                }
                Err(Flaw::Io(error)) => {
                    return Err(Failure::because(Exit::Usage, error, format!("cannot read {}", self.file)));
                }
            }
        }
    }

    fn take(&mut self, row: Row, first: usize, mapping: Option<&EntityMapping<'_>>) {
        self.rows_read += 1;
        let mut problems = row.problems().to_vec();
        let mut output = None;
        if let Some(mapping) = mapping {
            let unknown = mapping.unknown_fields(row.readable()).into_iter().map(str::to_owned);
            self.unknown_columns.extend(unknown);
            if problems.is_empty() {
                let defects = match mapping.apply(row.readable()) {
                    Ok((record, left_out)) => {
                        output = Some(record);
                        left_out
                    }
                    Err(defect) => vec![defect],
                };
                problems.extend(defects.into_iter().map(|defect| {
                    let column = mapping.source_of(&defect.field).unwrap_or_default();
                    let place = row.place_of(&column);
                    let blanket = || "correct the value, or the rule of the field".to_owned();
                    let fix = defect.fix.unwrap_or_else(blanket);
                    Problem::new(defect.field.as_str(), defect.problem.as_str(), fix).at(place)
                }));
            }
        }
        if !problems.is_empty() {
            self.rows_with_problems += 1;
        }
        if self.rows.len() < first {
            let percent = row.readable().keys().filter(|column| row.is_percent(column)).cloned().collect();
            self.rows.push(ShownRow { at: row.place(), fields: row.readable().clone(), percent, output });
        }
        problems.into_iter().for_each(|problem| self.tell(problem));
    }

    fn tell(&mut self, problem: Problem) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem);
        } else {
            self.more_problems += 1;
        }
    }

    /// People find a line in an editor, and no byte.
    fn find_lines(&mut self, args: &ShowArgs, format: &Format) -> Result<(), Failure> {
        let of_row = |row: &ShownRow| match row.at {
            Place::Byte { byte } => Some(byte as u64),
            _ => None,
        };
        let asked: BTreeSet<u64> =
            self.problems.iter().filter_map(byte).chain(self.rows.iter().filter_map(of_row)).collect();
        if asked.is_empty() {
            return Ok(());
        }
        let found = lines(args, format, asked)?;
        for row in &mut self.rows {
            if let Some(place) = of_row(row).and_then(|byte| found.get(&byte)) {
                row.at = place.clone();
            }
        }
        for problem in &mut self.problems {
            if let Some(place) = byte(problem).and_then(|byte| found.get(&byte)) {
                problem.at = Some(place.clone());
            }
        }
        Ok(())
    }

    fn text(&self, paint: Paint) -> String {
        let mut text = String::new();
        for row in &self.rows {
            let fields = plain(&serde_json::to_string(&row.fields).unwrap_or_default());
            text += &format!("{}  {fields}\n", paint.faint(&row.at));
            if !row.percent.is_empty() {
                text += &format!("  {}\n", paint.faint(format!("in percent: {}", row.percent.join(", "))));
            }
            if let Some(record) = &row.output {
                text += &format!("  → {}\n", plain(&serde_json::to_string(record).unwrap_or_default()));
            }
        }
        for problem in &self.problems {
            let (what, fix) = (paint.bad(problem.what()), &problem.fix);
            text += &format!("{}: {what}\n  fix: {fix}\n", self.file);
        }
        if self.more_problems > 0 {
            text += &format!("and {} more problems\n", self.more_problems);
        }
        if !self.unknown_columns.is_empty() {
            let columns: Vec<&str> = self.unknown_columns.iter().map(String::as_str).collect();
            text += &format!("{}\n", paint.faint(format!("no rule asks for: {}", columns.join(", "))));
        }
        text
    }
}

/// A text without signs that command a terminal: JSON lets some of them stand.
fn plain(text: &str) -> String {
    text.chars().map(|sign| if sign.is_control() { '\u{fffd}' } else { sign }).collect()
}
