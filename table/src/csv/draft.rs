//! A record, complete and while it is read.

use crate::{Flaw, wrong};

/// The values of one record.
pub(crate) struct Record {
    /// The byte where it begins.
    pub(crate) at: u64,
    pub(crate) values: Vec<Value>,
    /// The byte of the last quote that took in a line break.
    pub(crate) wide_quote: Option<u64>,
}

/// The sign that DOS put behind the last line of a text, and some programs still do.
pub(crate) const END_SIGN: &str = "\u{1a}";

impl Record {
    /// Whether no value of it says anything.
    pub(crate) fn says_nothing(&self) -> bool {
        self.values.iter().all(|value| text::shows_nothing(&value.text))
    }

    /// Whether it is the sign of the file's end, if it stands there.
    pub(crate) fn is_end_sign(&self) -> bool {
        matches!(self.values.as_slice(), [value] if value.text == END_SIGN)
    }

    /// Refuses a sign that no program writes on purpose: a disk that lost power leaves thousands of them.
    pub(crate) fn refuse_nul(&self) -> Result<(), Flaw> {
        match self.values.iter().find(|value| value.text.contains('\0')) {
            Some(value) => wrong(value.at, "has a NUL byte: it is damaged, or no text", "export it anew"),
            None => Ok(()),
        }
    }
}

/// One value.
pub(crate) struct Value {
    /// The byte where it begins.
    pub(crate) at: u64,
    pub(crate) text: String,
    pub(crate) is_quoted: bool,
}

/// How many values a record has.
#[derive(Clone, Copy)]
pub(crate) struct Width {
    pub(crate) columns: usize,
    /// Whether a delimiter stands at each line's end, too.
    pub(crate) has_open_end: bool,
}

/// A record while it is read.
pub(super) struct Draft {
    pub(super) at: u64,
    pub(super) values: Vec<Value>,
    pub(super) value: String,
    /// The byte where the value begins.
    pub(super) value_at: u64,
    pub(super) is_quoted: bool,
    /// The lines that the record takes in.
    pub(super) lines: Vec<Line>,
    pub(super) wide_quote: Option<u64>,
}

/// One line of a record.
#[derive(Clone, Copy)]
pub(super) struct Line {
    /// Delimiters in it, those in quotes included.
    pub(super) delimiters: usize,
    /// Whether nothing but blanks stands behind the last of them.
    is_open: bool,
    /// Whether nothing but blanks stands in it: then it would be passed over.
    is_blank: bool,
}

impl Line {
    pub(super) const BLANK: Self = Self { delimiters: 0, is_open: false, is_blank: true };

    /// Whether it has the values of a record, with or without a delimiter at its end; with one, if the heading has it.
    fn is_row(self, width: Width) -> bool {
        let is_closed = !width.has_open_end && self.delimiters + 1 == width.columns;
        is_closed || (self.is_open && self.delimiters == width.columns)
    }
}

/// The end of a value: another one follows, or the record is complete.
pub(super) enum End {
    Value,
    Record,
}

impl Draft {
    pub(super) fn new(at: u64) -> Self {
        Self {
            at,
            values: Vec::new(),
            value: String::new(),
            value_at: at,
            is_quoted: false,
            lines: vec![Line::BLANK],
            wide_quote: None,
        }
    }

    /// Takes note of a sign of the present line, in quotes or not.
    pub(super) fn note(&mut self, sign: char, delimiter: char) {
        if let Some(line) = self.lines.last_mut() {
            let is_delimiter = sign == delimiter;
            line.delimiters += usize::from(is_delimiter);
            line.is_open = is_delimiter || (line.is_open && sign.is_whitespace());
            line.is_blank &= sign.is_whitespace() && !is_delimiter;
        }
    }

    pub(super) fn end_value(&mut self) {
        let (text, is_quoted) = (std::mem::take(&mut self.value), std::mem::take(&mut self.is_quoted));
        self.values.push(Value { at: self.value_at, text, is_quoted });
    }

    /// A value whose quotes stand in one line is quoted rightly, and its delimiters are its own.
    pub(super) fn forget_delimiters_since(&mut self, (lines, delimiters): (usize, usize)) {
        if self.lines.len() == lines
            && let Some(line) = self.lines.last_mut()
        {
            line.delimiters = delimiters;
        }
    }

    /// Whether each of its lines could be a record of its own: then a quote was left open, and closed by another
    /// row's. Where in them the quotes stand says nothing: that is what is wrong. In a file of one column every line
    /// could be.
    pub(super) fn takes_in_rows(&self, width: Width) -> bool {
        let mut lines = self.lines.iter().filter(|line| !line.is_blank).peekable();
        let are_several = self.lines.len() > 1 && lines.peek().is_some();
        are_several && (width.columns == 1 || lines.all(|line| line.is_row(width)))
    }
}
