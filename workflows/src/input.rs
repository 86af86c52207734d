//! How a process's input is checked: every field, with its problem and the fix, before anything starts.
//!
//! A run's input may come from anywhere (the starter, another service, Temporal's own CLI). A type that serde
//! refuses would fail the workflow *task*, which is retried for ever; so a process takes [`Unchecked`] JSON and
//! checks it in its first line, and the starter makes the same check before it starts the run. Numbers are read
//! from their digits, never through floating point. No problem text repeats a personal value.

pub mod parsed;
pub mod people;
pub mod rows;
mod same;
mod values;
mod wire;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::marker::PhantomData;

use serde::Serialize;
use serde_json::value::RawValue;
pub use text::{Place, Problem, Refusal, refuse};
use text::{json, nearest};
pub use wire::Said;

pub use values::{count, digits, id, money, name, opaque, text, title, unit_price};

/// The largest input in bytes that a process takes; longer lists travel as a reference to an object store.
pub const INPUT_BYTES_MAX: usize = 256 * 1024;

/// The most problems of an input that are told with their places: each is counted out from the text's beginning.
const PLACES_MAX: usize = 1_000;

/// JSON that claims to be a `T` and has not been checked yet. Whatever a start brings can be read as one, even a text
/// that is not JSON, or nothing at all: it is then an input with a problem, which fails the run instead of its task for
/// ever.
pub struct Unchecked<T> {
    json: Result<Box<RawValue>, Problem>,
    claims: PhantomData<fn() -> T>,
}

/// An input that can be read out of JSON fields.
pub trait Checked: Sized {
    /// Reads the input. Problems go into `fields`; `None` when there is no value to go on with.
    fn read(fields: &Fields<'_>) -> Option<Self>;
}

impl<T> Unchecked<T> {
    /// Takes JSON text.
    ///
    /// # Errors
    /// When it is not JSON, with its place.
    pub fn from_json(text: &str) -> Result<Self, Problem> {
        Ok(Self { json: Ok(json::value(text)?.to_owned()), claims: PhantomData })
    }
}

impl<T: Serialize> Unchecked<T> {
    /// Wraps a value that code made, to be checked again where it arrives.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn of(value: &T) -> Result<Self, serde_json::Error> {
        Ok(Self { json: Ok(serde_json::value::to_raw_value(value)?), claims: PhantomData })
    }
}

impl<T: Checked> Unchecked<T> {
    /// Checks every field.
    ///
    /// # Errors
    /// Every problem found, in the order of the fields.
    pub fn check(&self) -> Result<T, Vec<Problem>> {
        self.read(0).map(|(value, _unknown)| value)
    }

    /// As [`Self::check`], and fields that nothing reads (a typing error, usually) are problems too; each problem has
    /// its line and column. For the door where a person types; a run ignores them, so that a newer starter can talk to
    /// an older worker, and its input was packed by a program.
    ///
    /// # Errors
    /// Every problem found.
    pub fn check_strictly(&self) -> Result<T, Vec<Problem>> {
        let (value, unknown) = self.read(PLACES_MAX)?;
        if unknown.is_empty() { Ok(value) } else { Err(unknown) }
    }

    fn read(&self, places: usize) -> Result<(T, Vec<Problem>), Vec<Problem>> {
        let json = self.json.as_ref().map_err(|problem| vec![problem.clone()])?;
        let found = Findings { text: json.get(), places: Cell::new(places), ..Findings::default() };
        let value = match json::fields(json.get()) {
            Some(object) => {
                let fields = Fields::new(String::new(), object, &found);
                let value = T::read(&fields);
                fields.note_unread();
                value
            }
            None => {
                found.problem("(input)", "is not a JSON object", "send an object, as in the sample input");
                None
            }
        };
        let Findings { problems, unknown, .. } = found;
        let (mut problems, unknown) = (problems.into_inner(), unknown.into_inner());
        match value {
            Some(value) if problems.is_empty() => Ok((value, unknown)),
            _ => {
                problems.extend(unknown);
                Err(problems)
            }
        }
    }
}

#[derive(Default)]
struct Findings<'t> {
    /// The input as it was written, for the place of a mistake.
    text: &'t str,
    /// The places that are still told; none of a text that no person has before him.
    places: Cell<usize>,
    problems: RefCell<Vec<Problem>>,
    unknown: RefCell<Vec<Problem>>,
}

impl Findings<'_> {
    fn problem(&self, field: &str, problem: impl Into<String>, fix: impl Into<String>) {
        self.problems.borrow_mut().push(Problem::new(field, problem, fix));
    }

    /// A problem with a part of the text.
    fn problem_of(&self, part: Option<&RawValue>, problem: Problem) -> Problem {
        match part.filter(|_| self.places.get() > 0) {
            Some(part) => {
                self.places.set(self.places.get() - 1);
                problem.at(Place::in_text(self.text, json::place(self.text, part.get())))
            }
            None => problem,
        }
    }
}

/// The fields of one JSON object, each read at most once, with the path to it.
pub struct Fields<'a> {
    path: String,
    /// By their names as they are seen.
    given: BTreeMap<String, &'a RawValue>,
    unread: RefCell<BTreeMap<String, &'a RawValue>>,
    /// The names that were asked for: what a misspelt one could mean.
    asked: RefCell<Vec<String>>,
    found: &'a Findings<'a>,
}

impl<'a> Fields<'a> {
    fn new(path: String, given: Vec<(String, json::Field<'a>)>, found: &'a Findings<'a>) -> Self {
        let (mut fields, mut twice) = (BTreeMap::new(), Vec::new());
        for (name, field) in given {
            // Two names that look alike are one; and which of the two values is meant, nobody can say.
            let name = ::text::as_seen(&name).into_owned();
            if fields.insert(name.clone(), field.value).is_some() {
                twice.push((name, field.value));
            }
        }
        let unread = RefCell::new(fields.clone());
        let fields = Self { path, given: fields, unread, asked: RefCell::default(), found };
        for (name, second) in twice {
            let problem = Problem::new(fields.path_of(&name), "is given twice", "keep one");
            found.problems.borrow_mut().push(found.problem_of(Some(second), problem));
        }
        fields
    }

    /// Notes a problem of one field that shows only beside others.
    pub fn problem(&self, name: &str, problem: impl Into<String>, fix: impl Into<String>) {
        let problem = Problem::new(self.path_of(name), problem, fix);
        let problem = self.found.problem_of(self.given.get(name).copied(), problem);
        self.found.problems.borrow_mut().push(problem);
    }

    /// A field that must be there.
    pub fn required<T>(&self, name: &str, read: impl FnOnce(&RawValue) -> Result<T, Refusal>) -> Option<T> {
        self.accept(name, self.needed(name)?, read)
    }

    /// The value of a field that must be there: `null` says that somebody has none, which is another mistake than none
    /// said.
    fn needed(&self, name: &str) -> Option<&'a RawValue> {
        let is_there = self.unread.borrow().contains_key(name);
        let value = self.take(name);
        match (is_there, value) {
            (false, _) => self.problem(name, "is missing", "add it"),
            (true, None) => self.problem(name, "is null", "give it a value"),
            (true, Some(_)) => {}
        }
        value
    }

    /// A field that may be absent or `null`.
    pub fn optional<T>(&self, name: &str, read: impl FnOnce(&RawValue) -> Result<T, Refusal>) -> Option<T> {
        self.accept(name, self.take(name)?, read)
    }

    /// A nested object that must be there.
    pub fn nested<T>(&self, name: &str, read: impl FnOnce(&Fields<'_>) -> Option<T>) -> Option<T> {
        let value = self.needed(name)?;
        self.nest(self.path_of(name), value, read)
    }

    /// A list of objects that must be there, with `1..=max` entries.
    pub fn list<T>(
        &self,
        name: &str,
        max: usize,
        mut read: impl FnMut(&Fields<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Some(entries) = json::entries(self.needed(name)?.get()) else {
            self.problem(name, "is not a list", "send a JSON list of objects");
            return None;
        };
        if entries.is_empty() {
            self.problem(name, "is empty", "add at least one entry");
            return None;
        }
        if entries.len() > max {
            self.problem(name, format!("has {} entries", entries.len()), format!("send at most {max}"));
            return None;
        }
        let path = self.path_of(name);
        let read: Vec<Option<T>> = (0..)
            .zip(entries)
            .map(|(i, entry): (usize, _)| self.nest(format!("{path}[{i}]"), entry, &mut read))
            .collect();
        read.into_iter().collect()
    }

    fn nest<T>(
        &self,
        path: String,
        value: &RawValue,
        read: impl FnOnce(&Fields<'_>) -> Option<T>,
    ) -> Option<T> {
        let Some(object) = json::fields(value.get()) else {
            let problem = Problem::new(path, "is not an object", "send a JSON object");
            self.found.problems.borrow_mut().push(self.found.problem_of(Some(value), problem));
            return None;
        };
        let fields = Fields::new(path, object, self.found);
        let value = read(&fields);
        fields.note_unread();
        value
    }

    /// Whether something is said: not `null`, and not an empty text.
    #[must_use]
    pub fn says(&self, name: &str) -> bool {
        let unread = self.unread.borrow();
        let is_said = |value: &&RawValue| match serde_json::from_str::<String>(value.get()) {
            Ok(said) => !text::shows_nothing(&said),
            Err(_) => value.get() != "null",
        };
        unread.get(name).is_some_and(is_said)
    }

    /// Passes over a field that may be there and says nothing.
    pub fn pass_over(&self, name: &str) {
        self.take(name);
    }

    fn take(&self, name: &str) -> Option<&'a RawValue> {
        self.asked.borrow_mut().push(name.to_owned());
        self.unread.borrow_mut().remove(name).filter(|value| value.get() != "null")
    }

    fn accept<T>(
        &self,
        name: &str,
        value: &RawValue,
        read: impl FnOnce(&RawValue) -> Result<T, Refusal>,
    ) -> Option<T> {
        read(value).map_err(|Refusal { problem, fix }| self.problem(name, problem, fix)).ok()
    }

    fn note_unread(&self) {
        let asked = self.asked.borrow();
        for (name, value) in &*self.unread.borrow() {
            let meant = nearest(name, asked.iter().map(String::as_str));
            let meant = meant.map(|meant| format!("did you mean '{meant}'? ")).unwrap_or_default();
            let fix = format!("{meant}remove it, or correct its spelling");
            let problem = Problem::new(self.path_of(name), "is not a known field", fix);
            self.found.unknown.borrow_mut().push(self.found.problem_of(Some(*value), problem));
        }
    }

    fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }
}

#[cfg(test)]
mod tests;
