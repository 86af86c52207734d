//! The lowest floor: what a person or a script meets. It knows no process and no server.
//!
//! - `output`: data to stdout, talk to stderr;
//! - `exit`: exit codes, and the errors that carry one;
//! - `input`: files and stdin, read and checked;
//! - `bar`: how much of something is done, on one line that is drawn anew;
//! - `program`: the name this program was called by, and commands of ours as somebody would type them.

pub(crate) mod bar;
pub(crate) mod exit;
pub(crate) mod input;
pub(crate) mod output;
pub(crate) mod program;
