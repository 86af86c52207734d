//! Talk goes to stderr, one line each; stdout is kept for answers (`up --json` promises a single line there).

use std::fmt::Arguments;
use std::io::{self, Write};

/// Says one line, formatted like [`println!`].
macro_rules! say {
    ($($part:tt)*) => { $crate::say::line(format_args!($($part)*)) };
}
pub(crate) use say;

/// The function behind [`say!`]. Unlike `eprintln!` it survives a stderr that is gone: when the terminal
/// window is closed there is nobody left to talk to, but there are children left to stop.
pub(crate) fn line(text: Arguments<'_>) {
    writeln!(io::stderr().lock(), "xtask: {text}").ok();
}
