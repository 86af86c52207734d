//! Data to stdout, talk to stderr; colour only where it is wanted.

use std::cell::Cell;
use std::env;
use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use serde::Serialize;

use super::exit::{Exit, Failure};

/// How data is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON document.
    Json,
    /// One JSON document per line.
    Jsonl,
}

impl Format {
    /// The one that was asked for on a command line that could not be read.
    pub(crate) fn typed(args: &[OsString]) -> Self {
        let args: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
        let values = args.iter().enumerate().filter_map(|(at, arg)| match &**arg {
            "-o" | "--output" => args.get(at + 1).map(|value| &**value),
            arg => arg.strip_prefix("--output=").or_else(|| arg.strip_prefix("-o")),
        });
        let mut formats =
            values.filter_map(|value| Self::from_str(value.trim_start_matches('='), false).ok());
        formats.next_back().unwrap_or_default()
    }
}

/// When colour is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// In any case.
    Always,
    /// Not at all.
    Never,
}

/// Colours words, or leaves them as they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    on: bool,
}

impl Paint {
    fn when(when: When, is_terminal: bool) -> Self {
        let wanted = || {
            let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
            is_terminal && !is_set("NO_COLOR") && env::var_os("TERM").is_none_or(|term| term != "dumb")
        };
        let on = match when {
            When::Auto => wanted(),
            When::Always => true,
            When::Never => false,
        };
        Self { on }
    }

    /// Never colours.
    #[cfg(test)]
    pub(crate) fn plain() -> Self {
        Self { on: false }
    }

    pub(crate) fn good(self, text: impl Display) -> String {
        self.with(AnsiColor::Green.on_default(), text)
    }

    pub(crate) fn bad(self, text: impl Display) -> String {
        self.with(AnsiColor::Red.on_default().bold(), text)
    }

    pub(crate) fn busy(self, text: impl Display) -> String {
        self.with(AnsiColor::Yellow.on_default(), text)
    }

    pub(crate) fn faint(self, text: impl Display) -> String {
        self.with(Style::new().dimmed(), text)
    }

    pub(crate) fn strong(self, text: impl Display) -> String {
        self.with(Style::new().bold(), text)
    }

    fn with(self, style: Style, text: impl Display) -> String {
        if self.on { format!("{style}{text}{style:#}") } else { text.to_string() }
    }
}

/// Where a command's words go.
#[derive(Debug)]
pub(crate) struct Out {
    format: Format,
    data: Paint,
    talk: Paint,
    live: bool,
    /// Whether anything went to stdout.
    has_data: Cell<bool>,
}

impl Out {
    pub(crate) fn new(format: Format, color: When) -> Self {
        let live = io::stderr().is_terminal();
        Self {
            format,
            data: Paint::when(color, io::stdout().is_terminal()),
            talk: Paint::when(color, live),
            live,
            has_data: Cell::new(false),
        }
    }

    /// Words on a terminal, without colour.
    #[cfg(test)]
    pub(crate) fn on_terminal() -> Self {
        Self { live: true, ..Self::new(Format::Text, When::Never) }
    }

    /// How data is written.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// How words on stderr are coloured.
    pub(crate) fn paint(&self) -> Paint {
        self.talk
    }

    /// Whether stderr is a terminal, where a line can be written over.
    pub(crate) fn is_live(&self) -> bool {
        self.live
    }

    /// Writes the one document of a command: as JSON, or as the text that `text` makes (an empty one is not written).
    pub(crate) fn document(
        &self,
        document: &impl Serialize,
        text: impl FnOnce(Paint) -> String,
    ) -> Result<(), Failure> {
        let written = match self.format {
            Format::Text => match text(self.data) {
                text if text.is_empty() => return Ok(()),
                text => text,
            },
            Format::Json => json(document, true)?,
            Format::Jsonl => json(document, false)?,
        };
        self.raw(format!("{}\n", written.trim_end()).as_bytes())
    }

    /// Writes a list: one JSON array, one JSON document per line, or the text that `text` makes.
    pub(crate) fn list(
        &self,
        list: &[impl Serialize],
        text: impl FnOnce(Paint) -> String,
    ) -> Result<(), Failure> {
        if self.format != Format::Jsonl {
            return self.document(&list, text);
        }
        let lines: Result<Vec<_>, _> = list.iter().map(|entry| json(entry, false)).collect();
        let mut lines = lines?;
        lines.push(String::new());
        self.raw(lines.join("\n").as_bytes())
    }

    /// Writes bytes to stdout. A reader that went away (`| head`) is not a failure.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Result<(), Failure> {
        self.has_data.set(true);
        let mut stdout = io::stdout().lock();
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(Failure::because(Exit::Failed, error, "cannot write to stdout"))
            }
            _ => Ok(()),
        }
    }

    /// Says a line on stderr. A stderr that went away must not stop the command: nobody listens, nothing is lost.
    pub(crate) fn say(&self, line: impl Display) {
        writeln!(io::stderr().lock(), "{line}").ok();
    }

    /// Writes over the current line of the terminal.
    pub(crate) fn say_over(&self, line: &str) {
        let mut stderr = io::stderr().lock();
        write!(stderr, "\r\x1b[2K{line}").and_then(|()| stderr.flush()).ok();
    }

    /// Says why a command failed: in words on stderr, and where JSON was asked for, as the document on stdout.
    pub(crate) fn failure(&self, failure: &Failure) {
        self.say(format!("{} {failure}", self.talk.bad("error:")));
        self.failure_document(failure);
    }

    /// The document of a failure. Where data went to stdout already, a second document would spoil it.
    pub(crate) fn failure_document(&self, failure: &Failure) {
        if self.format != Format::Text && !self.has_data.get() {
            // A caller who is not told by stdout is told by stderr and the exit code.
            self.document(&failure.document(), |_| String::new()).ok();
        }
    }
}

fn json(document: &impl Serialize, pretty: bool) -> Result<String, Failure> {
    let written =
        if pretty { serde_json::to_string_pretty(document) } else { serde_json::to_string(document) };
    written.map_err(|error| Failure::because(Exit::Failed, error, "cannot write JSON"))
}

/// Lines up cells in columns, two blanks apart; the last column is left as it is. Colour is put on afterwards, by
/// `paint`, so that it does not count as width.
pub(crate) fn table<const N: usize>(
    rows: &[[String; N]],
    paint: impl Fn(usize, usize, String) -> String,
) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for (r, row) in rows.iter().enumerate() {
        let mut line = String::new();
        let last = row.iter().rposition(|cell| !cell.is_empty()).unwrap_or(0);
        for (c, (cell, width)) in row.iter().zip(widths).enumerate().take(last + 1) {
            let blanks = if c == last { 0 } else { width - cell.chars().count() + 2 };
            line.push_str(&paint(r, c, cell.clone()));
            line.extend(std::iter::repeat_n(' ', blanks));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Lines up names and values; rows without a value are left out.
pub(crate) fn facts(paint: Paint, rows: &[(&str, Option<String>)]) -> String {
    let rows: Vec<_> =
        rows.iter().filter_map(|(name, value)| Some([(*name).to_owned(), value.clone()?])).collect();
    table(&rows, |_, column, cell| if column == 0 { paint.faint(cell) } else { cell })
}

/// Milliseconds in words: `85 ms`, `1.2 s`, `3 min 20 s`, `2 h 5 min`.
pub(crate) fn duration(ms: i64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        ..=0 => format!("{ms} ms"),
        1..60 if ms % 1_000 < 100 => format!("{seconds} s"),
        1..60 => format!("{seconds}.{} s", ms % 1_000 / 100),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_have_no_trailing_blanks() {
        let rows = [["a".to_owned(), "bb".to_owned()], ["ccc".to_owned(), String::new()]];
        assert_eq!(table(&rows, |_, _, cell| cell), "a    bb\nccc\n");
    }

    #[test]
    fn the_format_is_found_where_the_command_line_cannot_be_read() {
        let typed = |args: &[&str]| Format::typed(&args.iter().map(OsString::from).collect::<Vec<_>>());
        for args in
            [&["-o", "json"][..], &["-ojson"], &["--output=json"], &["--output", "json"], &["-o=json"]]
        {
            assert_eq!(typed(args), Format::Json, "{args:?}");
        }
        for args in [&["list", "-o"][..], &["-o", "yaml"], &["--output"], &[]] {
            assert_eq!(typed(args), Format::Text, "{args:?}");
        }
    }

    #[test]
    fn durations_are_in_words() {
        let words: Vec<_> = [0, 85, 1_250, 30_000, 200_000, 7_500_000].into_iter().map(duration).collect();
        assert_eq!(words, ["0 ms", "85 ms", "1.2 s", "30 s", "3 min 20 s", "2 h 5 min"]);
    }
}
