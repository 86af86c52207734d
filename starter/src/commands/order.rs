//! `starter order …`

mod list;
mod settle_payment;

use super::any;
use super::call::Call;
use crate::cli::order::OrderCommand;
use crate::processes::ORDER;
use crate::terminal::exit::{Exit, Failure};

pub(crate) async fn run(call: &Call<'_>, command: OrderCommand) -> Result<Exit, Failure> {
    match command {
        OrderCommand::Start(args) => any::start::run(call, &ORDER, args).await,
        OrderCommand::Look(look) => any::look(call, look).await,
        OrderCommand::Say(say) => any::say(call, say).await,
        OrderCommand::SettlePayment(args) => settle_payment::run(call, args).await,
        OrderCommand::List(args) => list::run(call, args).await,
    }
}
