//! Completion scripts of shells.

use clap_complete::Shell;

use crate::cli::Cli;
use crate::terminal::exit::{Exit, Failure};
use crate::terminal::output::Out;
use crate::terminal::program;

/// `starter completions`.
pub(crate) fn run(out: &Out, shell: Shell) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    // Temporal's own command line completes its extensions by itself.
    clap_complete::generate(shell, &mut Cli::definition(), program::OWN, &mut script);
    out.raw(&script)?;
    Ok(Exit::Ok)
}
