//! `starter store …`

use super::any;
use super::call::Call;
use crate::cli::store::StoreCommand;
use crate::processes::STORE;
use crate::terminal::exit::{Exit, Failure};

pub(crate) async fn run(call: &Call<'_>, command: StoreCommand) -> Result<Exit, Failure> {
    match command {
        StoreCommand::CleanUp(args) => any::start::run(call, &STORE, args).await,
    }
}
