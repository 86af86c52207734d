//! A file of schedules, checked in full: what each one should be, or everything that is wrong with it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use clap::ValueEnum as _;
use jiff::SignedDuration;
use text::nearest;
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use workflows::input::{Place, Problem};

use super::calendar::{Calendar, Field};
use super::reader::{Entry, Reader, kind, to_json};
use crate::cli::schedule::Overlap;
use crate::processes::plan::Plan;
use crate::processes::{self, Process};
use crate::terminal::exit::Failure;
use crate::terminal::input::{self, InputError};
use crate::terminal::program::command;

/// How late a run may start, unless the file says otherwise. Temporal's own default is a year: a server that comes
/// back would make up for everything. With the overlap `skip` it is one run, not one for each time.
pub(crate) const CATCH_UP: SignedDuration = SignedDuration::from_mins(10);
/// The server takes less for this.
const CATCH_UP_MIN: SignedDuration = SignedDuration::from_secs(10);
const ID_MAX: usize = 200;
const KEYS: &[&str] = &[
    "id",
    "process",
    "every",
    "offset",
    "cron",
    "at",
    "zone",
    "overlap",
    "catch_up",
    "pause_on_failure",
    "jitter",
    "note",
    "input",
];
const AT_KEYS: &[&str] = &["second", "minute", "hour", "day_of_month", "month", "year", "day_of_week"];

/// A schedule as the file describes it.
pub(crate) struct Wanted {
    pub(crate) id: String,
    pub(crate) process: &'static Process,
    pub(crate) plan: Plan,
    /// The process's input.
    pub(crate) json: String,
    pub(crate) calendars: Vec<Calendar>,
    /// Every so long, counted from 1970 on, and how much later than that.
    pub(crate) interval: Option<(SignedDuration, SignedDuration)>,
    pub(crate) zone: String,
    pub(crate) overlap: Overlap,
    pub(crate) catch_up: SignedDuration,
    pub(crate) pause_on_failure: bool,
    pub(crate) jitter: SignedDuration,
    pub(crate) note: String,
}

/// Reads a file's text; inputs in files of their own are looked for in `folder`.
pub(crate) fn read(text: &str, folder: &Path) -> Result<Vec<Wanted>, Vec<Problem>> {
    let mut reader = Reader::new(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let at = error.span().map_or(0, |span| span.start);
        reader.wrong(at, "", format!("this is not TOML: {}", error.message()), "correct this line");
    }
    // Values that are read from a broken file would lead to wrong problems.
    if !reader.problems.is_empty() {
        return Err(reader.into_problems());
    }
    let mut wanted = Vec::new();
    let mut places: BTreeMap<String, Place> = BTreeMap::new();
    let root = reader.table(table.get_ref(), 0, "the file", &["schedule"]);
    for entry in schedules(&mut reader, &root) {
        let (table, start) = entry;
        let one = schedule(&mut reader, table, start, folder);
        if let Some((id, at)) = id_of(table) {
            match places.get(id) {
                Some(first) => reader.wrong(
                    at,
                    format!("id '{id}'"),
                    format!("is used twice: first in {first}"),
                    "give each schedule an id of its own",
                ),
                None => {
                    places.insert(id.to_owned(), reader.place(at));
                }
            }
        }
        wanted.extend(one);
    }
    if reader.problems.is_empty() { Ok(wanted) } else { Err(reader.into_problems()) }
}

/// The entries of `[[schedule]]`, each with its place.
fn schedules<'v, 't>(reader: &mut Reader<'t>, root: &Entry<'v, 't>) -> Vec<(&'v DeTable<'t>, usize)> {
    const FIX: &str = "begin each schedule with a line [[schedule]]";
    // A file without schedules is right, and with --prune it means: delete them all.
    let Some(list) = root.get("schedule") else {
        return Vec::new();
    };
    let Some(list) = list.get_ref().as_array().filter(|list| !list.is_empty()) else {
        reader.wrong(list.span().start, "schedule", "is not a list of tables", FIX);
        return Vec::new();
    };
    let mut entries = Vec::new();
    for entry in list.iter() {
        match entry.get_ref().as_table() {
            Some(table) => entries.push((table, entry.span().start)),
            None => reader.wrong(entry.span().start, "schedule", "is not a list of tables", FIX),
        }
    }
    entries
}

fn id_of<'v>(table: &'v DeTable<'_>) -> Option<(&'v str, usize)> {
    let value = table.get("id")?;
    Some((value.get_ref().as_str()?, value.span().start))
}

fn schedule<'t>(reader: &mut Reader<'t>, table: &DeTable<'t>, start: usize, folder: &Path) -> Option<Wanted> {
    let owner = id_of(table).map_or("a schedule without id".to_owned(), |(id, _)| format!("schedule '{id}'"));
    let entry = reader.table(table, start, &owner, KEYS);
    let id = id(reader, &entry);
    let process = process(reader, &entry);
    let times = times(reader, &entry);
    let zone = zone(reader, &entry);
    let overlap = overlap(reader, &entry);
    let late = "the server makes 10s of anything shorter";
    let catch_up = entry.duration(reader, "catch_up", CATCH_UP_MIN, late);
    let pause_on_failure = entry.flag(reader, "pause_on_failure");
    if pause_on_failure == Some(true) && overlap == Some(Overlap::AllowAll) {
        let place = entry.place("pause_on_failure");
        let problem = "has no effect with overlap 'allow_all': Temporal does not follow such runs";
        reader.wrong(entry.at("pause_on_failure"), place, problem, "leave it out, or take another overlap");
    }
    let jitter = entry.duration(reader, "jitter", SignedDuration::ZERO, "it cannot be below zero");
    let note = entry.text(reader, "note");
    let (plan, json) = input(reader, &entry, process?, folder)?;
    let (interval, calendars) = times?;
    Some(Wanted {
        id: id?,
        process: process?,
        plan,
        json,
        calendars,
        interval,
        zone: zone?,
        overlap: overlap?,
        catch_up: catch_up.unwrap_or(CATCH_UP),
        pause_on_failure: pause_on_failure.unwrap_or(false),
        jitter: jitter.unwrap_or(SignedDuration::ZERO),
        note: note.unwrap_or_default().to_owned(),
    })
}

fn id<'t>(reader: &mut Reader<'t>, entry: &Entry<'_, 't>) -> Option<String> {
    const FIX: &str = "letters, digits and - _ . /, at most 200, such as id = \"erp-001-hourly\"";
    if entry.get("id").is_none() {
        reader.wrong(entry.start, &entry.owner, "has no id", FIX);
    }
    let id = entry.text(reader, "id")?;
    let is_fine = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    if id.is_empty() || id.len() > ID_MAX || !id.chars().all(is_fine) {
        reader.wrong(entry.at("id"), format!("id '{id}'"), "cannot be used", FIX);
        return None;
    }
    Some(id.to_owned())
}

fn process<'t>(reader: &mut Reader<'t>, entry: &Entry<'_, 't>) -> Option<&'static Process> {
    let recurring = processes::ALL.iter().copied().filter(|process| process.is_recurring);
    let known = recurring.map(|process| process.name).collect::<Vec<_>>().join(", ");
    if entry.get("process").is_none() {
        reader.wrong(entry.start, &entry.owner, "has no process", format!("one of: {known}"));
    }
    let name = entry.text(reader, "process")?;
    let (at, place) = (entry.at("process"), entry.place("process"));
    match processes::ALL.iter().copied().find(|process| process.name == name) {
        Some(process) if process.is_recurring => return Some(process),
        // An order is charged once and a customer welcomed once: nobody means to do it again at each time.
        Some(process) => {
            let fix = match process.started_by {
                Some(words) => {
                    format!(
                        "start it with '{}', or schedule one of: {known}",
                        command!("{words} --input FILE")
                    )
                }
                None => format!("schedule one of: {known}"),
            };
            reader.wrong(at, place, format!("'{name}' is started for one input, not again and again"), fix);
        }
        None => reader.wrong(at, place, format!("'{name}' is not known"), format!("one of: {known}")),
    }
    None
}

type Times = (Option<(SignedDuration, SignedDuration)>, Vec<Calendar>);

fn times<'t>(reader: &mut Reader<'t>, entry: &Entry<'_, 't>) -> Option<Times> {
    let before = reader.problems.len();
    let second = SignedDuration::from_secs(1);
    let every = entry.duration(reader, "every", second, "it has to be a second at least");
    let offset = entry.duration(reader, "offset", SignedDuration::ZERO, "it cannot be below zero");
    match (every, offset) {
        (Some(every), Some(offset)) if offset >= every => reader.wrong(
            entry.at("offset"),
            entry.place("offset"),
            format!("{offset:#} is not shorter than every {every:#}"),
            "write the part of the interval by which it is later",
        ),
        (None, Some(_)) if entry.get("every").is_none() => {
            reader.wrong(entry.at("offset"), entry.place("offset"), "goes with every only", "leave it out");
        }
        _ => {}
    }
    let mut calendars = Vec::new();
    for line in list(entry, "cron") {
        calendars.extend(cron(reader, entry, line));
    }
    for one in list(entry, "at") {
        calendars.extend(calendar(reader, entry, one));
    }
    if reader.problems.len() > before {
        return None;
    }
    if every.is_none() && calendars.is_empty() {
        let fix =
            "write every = \"1h\", or cron = [\"0 3 * * MON-FRI\"], or at = [{ hour = 2, minute = 30 }]";
        reader.wrong(entry.start, &entry.owner, "does not say when", fix);
        return None;
    }
    Some((every.map(|every| (every, offset.unwrap_or(SignedDuration::ZERO))), calendars))
}

/// The values of a list; one value counts as a list of one.
fn list<'v, 't>(entry: &Entry<'v, 't>, key: &str) -> Vec<&'v Spanned<DeValue<'t>>> {
    match entry.get(key).map(|value| (value, value.get_ref().as_array())) {
        Some((_, Some(list))) => list.iter().collect(),
        Some((one, None)) => vec![one],
        None => Vec::new(),
    }
}

fn cron<'t>(reader: &mut Reader<'t>, entry: &Entry<'_, 't>, line: &Spanned<DeValue<'t>>) -> Option<Calendar> {
    let (at, place) = (line.span().start, entry.place("cron"));
    let fix = "five fields such as \"0 3 * * MON-FRI\"; seconds and years go into 'at', the zone into 'zone'";
    let Some(text) = line.get_ref().as_str() else {
        reader.wrong(at, place, format!("is {}", kind(line.get_ref())), fix);
        return None;
    };
    Calendar::cron(text).map_err(|problem| reader.wrong(at, place, format!("\"{text}\" {problem}"), fix)).ok()
}

fn calendar<'t>(
    reader: &mut Reader<'t>,
    entry: &Entry<'_, 't>,
    one: &Spanned<DeValue<'t>>,
) -> Option<Calendar> {
    let (start, place) = (one.span().start, entry.place("at"));
    let fix = "write it as at = [{ hour = \"2\", minute = \"30\", day_of_week = \"SUN\" }]";
    let Some(table) = one.get_ref().as_table() else {
        reader.wrong(start, place, format!("is {}", kind(one.get_ref())), fix);
        return None;
    };
    let at = reader.table(table, start, &place, AT_KEYS);
    if table.is_empty() {
        reader.wrong(start, &place, "is empty", fix);
    }
    let mut sets: BTreeMap<Field, BTreeSet<i32>> = BTreeMap::new();
    for field in Field::ALL {
        let Some(value) = at.get(field.name()) else { continue };
        let text = match value.get_ref() {
            DeValue::Integer(number) => Ok(number.as_str()),
            DeValue::String(text) => Ok(&**text),
            other => Err(format!("is {}", kind(other))),
        };
        match text.and_then(|text| field.parse(text)) {
            Ok(set) => {
                sets.insert(field, set);
            }
            Err(problem) => {
                let place = format!("{} in {place}", field.name());
                reader.wrong(value.span().start, place, problem, "a number, 1-5, 1,3,5, */15, a name, or *");
            }
        }
    }
    (!sets.is_empty()).then(|| Calendar::at(|field| sets.remove(&field)))
}

fn zone<'t>(reader: &mut Reader<'t>, entry: &Entry<'_, 't>) -> Option<String> {
    let Some(name) = entry.text(reader, "zone") else {
        return entry.get("zone").is_none().then(|| "UTC".to_owned());
    };
    let (at, place) = (entry.at("zone"), entry.place("zone"));
    // Found here whatever its case; the server is strict about that.
    let known = jiff::tz::db().get(name).ok();
    match known.as_ref().and_then(|zone| zone.iana_name()) {
        Some(exact) if exact == name => match text::named_zone(name) {
            Ok(_) => Some(name.to_owned()),
            Err(refusal) => {
                reader.wrong(at, place, format!("'{name}' {}", refusal.problem), refusal.fix);
                None
            }
        },
        Some(exact) => {
            reader.wrong(at, place, format!("'{name}' is not written right"), format!("write {exact}"));
            None
        }
        None => {
            let all: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
            let guess = nearest(name, all.iter().map(String::as_str));
            let guess = guess.map_or_else(String::new, |guess| format!("did you mean {guess}? "));
            let fix = format!("{guess}write an IANA name such as Asia/Ho_Chi_Minh, or UTC");
            reader.wrong(at, place, format!("'{name}' is no time zone"), fix);
            None
        }
    }
}

fn overlap<'t>(reader: &mut Reader<'t>, entry: &Entry<'_, 't>) -> Option<Overlap> {
    let Some(name) = entry.text(reader, "overlap") else {
        return entry.get("overlap").is_none().then_some(Overlap::Skip);
    };
    let known = Overlap::from_str(name, false);
    if known.is_err() {
        let names: Vec<_> = Overlap::value_variants().iter().map(|overlap| overlap.name()).collect();
        let fix = format!("one of: {}", names.join(", "));
        reader.wrong(entry.at("overlap"), entry.place("overlap"), format!("'{name}' is not known"), fix);
    }
    known.ok()
}

fn input<'t>(
    reader: &mut Reader<'t>,
    entry: &Entry<'_, 't>,
    process: &Process,
    folder: &Path,
) -> Option<(Plan, String)> {
    const FIX: &str =
        "name a file as in input = \"erp-001.json\", or write the fields below [schedule.input]";
    let (at, place) = (entry.at("input"), entry.place("input"));
    let Some(value) = entry.get("input") else {
        reader.wrong(at, &entry.owner, "has no input", FIX);
        return None;
    };
    let (name, json) = match value.get_ref() {
        DeValue::String(file) => match input::read(&folder.join(&**file)) {
            Ok(read) => (format!("{place} ({file})"), read.json),
            Err(failure) => {
                let (problem, fix) = parts(&failure);
                reader.wrong(at, place, problem, fix);
                return None;
            }
        },
        table @ DeValue::Table(_) => match to_json(table) {
            Ok(json) => (place, json),
            Err(problem) => {
                reader.wrong(at, place, problem, "write numbers as JSON knows them");
                return None;
            }
        },
        other => {
            reader.wrong(at, place, format!("is {}", kind(other)), FIX);
            return None;
        }
    };
    match (process.plan)(&json) {
        Ok(plan) => return Some((plan, json)),
        Err(InputError::Fields(problems)) => {
            for Problem { field, problem, fix, .. } in problems {
                reader.wrong(at, format!("{field} in {name}"), problem, fix);
            }
        }
        Err(InputError::Json(error)) => {
            reader.wrong(at, name, error.what(), "correct it there");
        }
        Err(InputError::Setting { problem, fix }) => {
            reader.wrong(at, name, format!("cannot be checked: {problem}"), fix)
        }
    }
    None
}

/// The problem, and the fix.
fn parts(failure: &Failure) -> (String, String) {
    let words = failure.to_string();
    let (problem, fix) = words.split_once("\n  fix: ").unwrap_or((&words, "correct the file"));
    (problem.to_owned(), fix.replace("; nothing was started", "").replace(", or - for stdin", ""))
}

#[cfg(test)]
mod tests;
