//! A problem with something that was sent: the fault, its place, and the fix.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Refusal;

/// One thing that is wrong. JSON: `{"field": "items[1].quantity", "problem": "is 0", "fix": "…"}`, and `at` where the
/// place is known. No problem repeats the value: it may be personal, or a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The subject, as its author calls it: the path of a field, a setting, a column. Empty: all that was sent.
    pub field: String,
    /// The fault, to be read after the field's name.
    pub problem: String,
    /// The fix.
    pub fix: String,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Place>,
}

/// A place in what was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Place {
    /// In a text that people edit. Both are counted from 1, the column in characters.
    Line {
        /// The line.
        line: usize,
        /// The character in it.
        column: usize,
    },
    /// In a file that nobody counts lines of, or in a part of a text whose beginning is known to somebody else.
    Byte {
        /// Counted from 0.
        byte: usize,
    },
    /// In a table of a spreadsheet.
    Cell {
        /// The sheet's name.
        sheet: String,
        /// `C7`, or `A2:A6`.
        cell: String,
    },
}

impl Place {
    /// The line and column of a byte in a text.
    #[must_use]
    pub fn in_text(text: &str, byte: usize) -> Self {
        let before = text.get(..byte).unwrap_or(text);
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Self::Line { line: before.matches('\n').count() + 1, column }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { line, column } => write!(f, "line {line}, column {column}"),
            Self::Byte { byte } => write!(f, "byte {byte}"),
            Self::Cell { sheet, cell } => write!(f, "{sheet}!{cell}"),
        }
    }
}

impl Problem {
    /// A problem whose place is not known, or said by its field.
    #[must_use]
    pub fn new(field: impl Into<String>, problem: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { field: field.into(), problem: problem.into(), fix: fix.into(), at: None }
    }

    /// The same, with its place.
    #[must_use]
    pub fn at(self, place: Place) -> Self {
        Self { at: Some(place), ..self }
    }

    /// The same about a field that stands below another one; `""` is the field itself.
    #[must_use]
    pub fn below(self, field: &str) -> Self {
        let field = match (field, self.field.as_str()) {
            ("", own) => own.to_owned(),
            (outer, "") => outer.to_owned(),
            (outer, own) if own.starts_with('[') => format!("{outer}{own}"),
            (outer, own) => format!("{outer}.{own}"),
        };
        Self { field, ..self }
    }

    /// The same in the whole text, of which the part with the problem begins at a byte.
    #[must_use]
    pub fn in_whole(self, text: &str, begins: usize) -> Self {
        match self.at {
            Some(Place::Byte { byte }) => self.at(Place::in_text(text, begins + byte)),
            _ => self,
        }
    }

    /// The problem in words, with its place, and without the fix: `price is not a number (line 3, column 5)`.
    #[must_use]
    pub fn what(&self) -> String {
        let Self { field, problem, at, .. } = self;
        let subject = if field.is_empty() { String::new() } else { format!("{field} ") };
        match at {
            Some(place) => format!("{subject}{problem} ({place})"),
            None => format!("{subject}{problem}"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (fix: {})", self.what(), self.fix)
    }
}

impl std::error::Error for Problem {}

impl Refusal {
    /// The refusal as a problem of a field.
    #[must_use]
    pub fn of(self, field: impl Into<String>) -> Problem {
        Problem::new(field, self.problem, self.fix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_travels_as_json_and_says_where_it_is() {
        let plain = Problem::new("name", "is empty", "fill it in");
        for (problem, json, said) in [
            (
                plain.clone(),
                r#"{"field":"name","problem":"is empty","fix":"fill it in"}"#,
                "name is empty (fix: fill it in)",
            ),
            (
                plain.clone().at(Place::Line { line: 3, column: 5 }),
                r#"{"field":"name","problem":"is empty","fix":"fill it in","at":{"line":3,"column":5}}"#,
                "name is empty (line 3, column 5) (fix: fill it in)",
            ),
            (
                plain.clone().at(Place::Cell { sheet: "Prices".to_owned(), cell: "C7".to_owned() }),
                r#"{"field":"name","problem":"is empty","fix":"fill it in","at":{"sheet":"Prices","cell":"C7"}}"#,
                "name is empty (Prices!C7) (fix: fill it in)",
            ),
            (
                Problem::new("", "is not JSON", "mend it").at(Place::Byte { byte: 7 }),
                r#"{"field":"","problem":"is not JSON","fix":"mend it","at":{"byte":7}}"#,
                "is not JSON (byte 7) (fix: mend it)",
            ),
        ] {
            assert_eq!(serde_json::to_string(&problem).expect("JSON"), json);
            assert_eq!(serde_json::from_str::<Problem>(json).expect("a problem"), problem);
            assert_eq!(problem.to_string(), said);
        }
    }

    #[test]
    fn a_place_in_a_part_becomes_one_in_the_whole() {
        let text = "{\n  \"ễ\": [1,\n x]}";
        let part = text.find('[').expect("there");
        let problem = Problem::new("[1]", "is not JSON", "mend it").at(Place::Byte { byte: 5 });
        let whole = problem.below("ễ").in_whole(text, part);
        assert_eq!(whole.what(), "ễ[1] is not JSON (line 3, column 2)");
        assert_eq!(Place::in_text(text, text.find('1').expect("there")), Place::Line { line: 2, column: 9 });
        assert_eq!(Problem::new("", "a", "b").below("x").below("").field, "x");
        assert_eq!(Problem::new("y", "a", "b").below("x").field, "x.y");
    }
}
