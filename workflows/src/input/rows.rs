//! Fields that may be emptied, and lists of which one wrong entry costs itself alone.

use std::collections::BTreeMap;

use contracts::catalog::Given;
use serde_json::value::RawValue;
use text::json;

use super::{Fields, Findings, Problem, Refusal};

/// An entry that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongEntry {
    /// Its place in the list, from 1.
    pub row: u32,
    /// The name that it gives itself, where that is a text.
    pub key: Option<String>,
    /// Everything that is wrong with it.
    pub problems: Vec<Problem>,
}

/// Characters of a key that a report repeats.
const KEY_MAX: usize = 100;

impl Fields<'_> {
    /// A field that may be absent, `null`, or given: three things.
    pub fn given<T>(&self, name: &str, read: impl FnOnce(&RawValue) -> Result<T, Refusal>) -> Given<T> {
        let is_null = self.unread.borrow().get(name).is_some_and(|value| value.get() == "null");
        match (is_null, self.take(name)) {
            (true, _) => Given::Empty,
            (false, None) => Given::Absent,
            (false, Some(value)) => self.accept(name, value, read).map_or(Given::Absent, Given::Value),
        }
    }

    /// Notes problems that were found elsewhere, with their paths.
    pub fn problems(&self, problems: Vec<Problem>) {
        self.found.problems.borrow_mut().extend(problems);
    }

    /// Whether a field holds an object.
    #[must_use]
    pub fn is_object(&self, name: &str) -> bool {
        self.unread.borrow().get(name).is_some_and(|value| value.get().starts_with('{'))
    }

    /// A list of texts that may be absent; `null` is the empty list.
    pub fn given_list<T>(
        &self,
        name: &str,
        read: impl FnOnce(&RawValue) -> Result<Vec<T>, Refusal>,
    ) -> Option<Vec<T>> {
        match self.given(name, read) {
            Given::Absent => None,
            Given::Empty => Some(Vec::new()),
            Given::Value(list) => Some(list),
        }
    }

    /// The entries of a list that may be absent, each read by itself: a fault of one is not a problem of the
    /// input. `key` is the field by which an entry is called. A field that nothing reads is a problem all the same: a
    /// misspelt one is usually misspelt in every entry.
    pub fn rows<T>(
        &self,
        name: &str,
        key: &str,
        mut read: impl FnMut(u32, &Fields<'_>) -> Option<T>,
    ) -> Vec<Result<T, WrongEntry>> {
        let Some(value) = self.take(name) else { return Vec::new() };
        let Some(entries) = json::entries(value.get()) else {
            self.problem(name, "is not a list", "send a JSON list of objects");
            return Vec::new();
        };
        let path = self.path_of(name);
        let entries = (1..).zip(entries);
        entries.map(|(row, entry): (u32, _)| self.row(&path, key, row, entry, &mut read)).collect()
    }

    fn row<T>(
        &self,
        path: &str,
        key: &str,
        row: u32,
        entry: &RawValue,
        read: &mut impl FnMut(u32, &Fields<'_>) -> Option<T>,
    ) -> Result<T, WrongEntry> {
        let path = format!("{path}[{}]", row - 1);
        let (text, places) = (self.found.text, self.found.places.clone());
        let found = Findings { text, places, ..Findings::default() };
        let value = match json::fields(entry.get()) {
            Some(object) => {
                let fields = Fields::new(path, object, &found);
                let value = read(row, &fields);
                fields.note_unread();
                value
            }
            None => {
                let problem = Problem::new(path, "is not an object", "send a JSON object");
                found.problems.borrow_mut().push(found.problem_of(Some(entry), problem));
                None
            }
        };
        let Findings { problems, unknown, places, .. } = found;
        self.found.places.set(places.get());
        self.found.unknown.borrow_mut().extend(unknown.into_inner());
        let problems = problems.into_inner();
        match value {
            Some(value) if problems.is_empty() => Ok(value),
            _ => Err(WrongEntry { row, key: called(entry, key), problems }),
        }
    }
}

/// How an entry calls itself.
fn called(entry: &RawValue, key: &str) -> Option<String> {
    let fields: BTreeMap<String, &RawValue> = serde_json::from_str(entry.get()).ok()?;
    let text: String = serde_json::from_str(fields.get(key)?.get()).ok()?;
    Some(text.chars().filter(|sign| !sign.is_control()).take(KEY_MAX).collect())
}

/// A flat object of texts; `null` takes a key away. Numbers and yes or no are texts, too: by their digits, `true`.
pub fn changes(
    max: usize,
    keys: Option<&[&str]>,
) -> impl Fn(&RawValue) -> Result<contracts::catalog::Changes, Refusal> {
    let known: Option<Vec<String>> = keys.map(|keys| keys.iter().map(|key| (*key).to_owned()).collect());
    move |value| {
        let Some(fields) = json::fields(value.get()) else {
            return super::refuse("is not an object", "send a JSON object of names and values");
        };
        let mut read = contracts::catalog::Changes::new();
        for (name, field) in fields {
            let name = text::key(&name, 100)?;
            if let Some(known) = known.as_ref().filter(|known| !known.contains(&name)) {
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                return super::refuse(format!("has a key '{name}'"), text::did_you_mean(&name, &known));
            }
            let value = if field.is_null() { None } else { Some(plain(&name, field.value, max)?) };
            if read.insert(name.clone(), value).is_some() {
                return super::refuse(format!("has '{name}' twice"), "keep one");
            }
        }
        Ok(read)
    }
}

/// A value of a flat object, as text.
fn plain(name: &str, value: &RawValue, max: usize) -> Result<String, Refusal> {
    let written = value.get();
    if written.starts_with(['{', '[']) {
        return super::refuse(format!("has a list or an object as '{name}'"), "send a text or a number");
    }
    let text = match serde_json::from_str::<String>(written) {
        Ok(text) => text,
        Err(_) => written.to_owned(),
    };
    text::title(&text, max).map_err(|refusal| Refusal {
        problem: format!("has '{name}', which {}", refusal.problem),
        fix: refusal.fix,
    })
}
