//! Reads TOML with the place of every value, and collects what is wrong instead of stopping at the first.

use jiff::SignedDuration;
use text::{Place, Problem, nearest};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The text, and what was found wrong in it.
pub(crate) struct Reader<'t> {
    text: &'t str,
    pub(crate) problems: Vec<Problem>,
}

impl<'t> Reader<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text, problems: Vec::new() }
    }

    /// The line and column of a byte.
    pub(crate) fn place(&self, at: usize) -> Place {
        Place::in_text(self.text, at)
    }

    /// Takes note of a problem of the value at a byte; `field` says whose it is: `zone of schedule 'erp-001-hourly'`.
    pub(crate) fn wrong(
        &mut self,
        at: usize,
        field: impl Into<String>,
        problem: impl Into<String>,
        fix: impl Into<String>,
    ) {
        let problem = Problem::new(field, problem, fix).at(self.place(at));
        // One mistake is told once, even where two readers meet it.
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// All that is wrong, in the order of the file.
    pub(crate) fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| match problem.at {
            Some(Place::Line { line, column }) => (line, column),
            _ => (0, 0),
        });
        self.problems
    }

    /// A table whose keys are known; others are problems.
    pub(crate) fn table<'v>(
        &mut self,
        table: &'v DeTable<'t>,
        start: usize,
        owner: &str,
        known: &'static [&'static str],
    ) -> Entry<'v, 't> {
        for key in table.keys() {
            if !known.contains(&&**key.get_ref()) {
                let name = key.get_ref();
                let guess = nearest(name, known.iter().copied());
                let guess = guess.map_or_else(String::new, |guess| format!("did you mean '{guess}'? "));
                let fix = format!("{guess}known are: {}", known.join(", "));
                self.wrong(key.span().start, owner, format!("has an unknown key '{name}'"), fix);
            }
        }
        Entry { table, start, owner: owner.to_owned() }
    }
}

/// One table of the file, with its name for messages.
pub(crate) struct Entry<'v, 't> {
    table: &'v DeTable<'t>,
    /// Where it begins.
    pub(crate) start: usize,
    /// `schedule 'erp-001-hourly'`
    pub(crate) owner: String,
}

impl<'v, 't> Entry<'v, 't> {
    pub(crate) fn get(&self, key: &str) -> Option<&'v Spanned<DeValue<'t>>> {
        self.table.get(key)
    }

    /// `zone of schedule 'erp-001-hourly'`
    pub(crate) fn place(&self, key: &str) -> String {
        format!("{key} of {}", self.owner)
    }

    /// Where a value stands; where the table does, if it is missing.
    pub(crate) fn at(&self, key: &str) -> usize {
        self.get(key).map_or(self.start, |value| value.span().start)
    }

    pub(crate) fn text(&self, reader: &mut Reader<'t>, key: &str) -> Option<&'v str> {
        let value = self.get(key)?;
        let text = value.get_ref().as_str();
        if text.is_none() {
            let problem = format!("is {}", kind(value.get_ref()));
            reader.wrong(value.span().start, self.place(key), problem, "write it in quotes");
        }
        text
    }

    pub(crate) fn flag(&self, reader: &mut Reader<'t>, key: &str) -> Option<bool> {
        let value = self.get(key)?;
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            let problem = format!("is {}", kind(value.get_ref()));
            reader.wrong(value.span().start, self.place(key), problem, "write true or false, without quotes");
        }
        flag
    }

    /// `30s`, `10m`, `1h30m`, at least `least`.
    pub(crate) fn duration(
        &self,
        reader: &mut Reader<'t>,
        key: &str,
        least: SignedDuration,
        why: &str,
    ) -> Option<SignedDuration> {
        let text = self.text(reader, key)?;
        let place = self.place(key);
        match text.parse::<SignedDuration>() {
            Err(_) => reader.wrong(
                self.at(key),
                place,
                format!("'{text}' is no duration"),
                "write it as 30s, 10m or 1h30m; a day is 24h",
            ),
            Ok(duration) if duration < least => {
                reader.wrong(
                    self.at(key),
                    place,
                    format!("is '{text}', and {why}"),
                    format!("write {least:#} or more"),
                );
            }
            Ok(duration) if duration.subsec_nanos() != 0 => {
                reader.wrong(
                    self.at(key),
                    place,
                    format!("'{text}' is not in whole seconds"),
                    "leave the fraction out",
                );
            }
            Ok(duration) => return Some(duration),
        }
        None
    }
}

/// The type of a value in words, for texts such as "is a number".
pub(crate) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// A value as JSON text. Numbers keep their digits: money must not pass through floating point.
pub(crate) fn to_json(value: &DeValue<'_>) -> Result<String, String> {
    let text = |text: &str| serde_json::Value::from(text).to_string();
    match value {
        DeValue::String(string) => Ok(text(string)),
        DeValue::Boolean(flag) => Ok(flag.to_string()),
        DeValue::Datetime(date) => Ok(text(&date.to_string())),
        DeValue::Integer(number) if number.radix() == 10 => digits(number.as_str()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map(|n| n.to_string())
            .map_err(|error| error.to_string()),
        DeValue::Float(number) => digits(number.as_str()),
        DeValue::Array(list) => {
            let parts: Result<Vec<_>, _> = list.iter().map(|value| to_json(value.get_ref())).collect();
            Ok(format!("[{}]", parts?.join(",")))
        }
        DeValue::Table(table) => {
            let part = |(key, value): (&Spanned<_>, &Spanned<_>)| {
                let key: &std::borrow::Cow<'_, str> = key.get_ref();
                Ok::<_, String>(format!("{}:{}", text(key), to_json(value.get_ref())?))
            };
            let parts: Result<Vec<_>, _> = table.iter().map(part).collect();
            Ok(format!("{{{}}}", parts?.join(",")))
        }
    }
}

fn digits(number: &str) -> Result<String, String> {
    let number = number.trim_start_matches('+').replace('_', "");
    match serde_json::from_str::<Box<serde_json::value::RawValue>>(&number) {
        Ok(_) => Ok(number),
        Err(_) => Err(format!("{number} is no number in JSON")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inline_input_keeps_its_digits() {
        let text = "a = 25_000_000\nb = 0.10\nc = [+1, 0x10, 'x\"y']\nd = { e = true, f = 2026-11-01 }\n";
        let table = DeTable::parse(text).expect("TOML");
        let json = to_json(&DeValue::Table(table.into_inner())).expect("JSON");
        assert_eq!(json, r#"{"a":25000000,"b":0.10,"c":[1,16,"x\"y"],"d":{"e":true,"f":"2026-11-01"}}"#);
        assert!(digits("inf").is_err());
    }
}
