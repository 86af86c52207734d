//! `starter catalog …`
//!
//! - `pictures`: files of a folder become objects of the store;
//! - `products`: a table of products becomes a list;
//! - `long_lists`: lists that are too long for an input, too;
//! - `setup`: starts it;
//! - `report`: what became of every row.

mod long_lists;
mod pictures;
mod products;
mod report;
mod setup;

use super::any;
use super::call::Call;
use crate::cli::catalog::CatalogCommand;
use crate::terminal::exit::{Exit, Failure};

pub(crate) async fn run(call: &Call<'_>, command: CatalogCommand) -> Result<Exit, Failure> {
    match command {
        CatalogCommand::Setup(args) => setup::run(call, *args).await,
        CatalogCommand::Look(look) => any::look(call, look).await,
        CatalogCommand::Report(args) => report::run(call, args).await,
        CatalogCommand::Cancel(args) => match args.undo {
            true => any::cancel::by(call, args.cancel, UNDO).await,
            false => any::cancel::run(call, args.cancel).await,
        },
    }
}

/// The update that stops a setup and takes everything back.
const UNDO: &str = "undo_setup";

#[cfg(test)]
mod tests {
    use temporalio_common::UpdateDefinition as _;
    use workflows::catalog_setup::CatalogSetup;

    use super::*;

    #[test]
    fn the_other_cancel_is_the_process_own() {
        assert_eq!(UNDO, CatalogSetup::undo_setup.name());
    }
}
