//! Files of rows, as every process reads them.

mod show;

use crate::cli::table::TableCommand;
use crate::terminal::exit::{Exit, Failure};
use crate::terminal::output::Out;

/// `starter table …`
pub(crate) fn run(out: &Out, command: &TableCommand) -> Result<Exit, Failure> {
    match command {
        TableCommand::Show(args) => show::run(out, args),
    }
}
