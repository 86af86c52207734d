//! `starter order …`

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand, ValueEnum};

use super::shared::{Look, OutcomeName, Say, StartArgs, duration};
use crate::processes::order::OrderRef;

#[derive(Subcommand)]
pub(crate) enum OrderCommand {
    /// Start the process for an order; starting it again attaches to the same run
    #[command(after_help = "\
The input is the shop's order as JSON (sample: starter/samples/order.json). It is checked before anything is sent:
a wrong one exits with 2, names every field with its problem and fix, and starts nothing.

Examples:
  starter order start --input order.json                    return as soon as Temporal has taken it
  starter order start --input order.json --wait             watch it to the end; see 'Exit codes' in starter --help
  starter order start --input - --dry-run < order.json      check only, without any connection")]
    Start(StartArgs),
    #[command(flatten)]
    Look(Look<OrderRef>),
    #[command(flatten)]
    Say(Say<OrderRef>),
    /// Tell a waiting order that its payment settled; the payment is read again from the provider
    SettlePayment(SettleArgs),
    /// List orders, newest first
    List(OrderListArgs),
}

#[derive(Args)]
pub(crate) struct SettleArgs {
    /// Order number (ORDER-001) or workflow id (order/ORDER-001)
    pub(crate) order: OrderRef,
    /// The payment provider's id of the event: the same id twice counts once [default: a new one]
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) event_id: Option<String>,
    /// How long to wait for the answer of a worker
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "30s")]
    pub(crate) timeout: Duration,
}

#[derive(Args)]
pub(crate) struct OrderListArgs {
    /// Only orders at this stage
    #[arg(long, value_enum)]
    pub(crate) stage: Option<StageName>,
    /// Only orders that ended like this
    #[arg(long, value_enum)]
    pub(crate) outcome: Option<OutcomeName>,
    /// Only orders that wait for a person's answer
    #[arg(long)]
    pub(crate) needs_human: bool,
    /// Orders at most
    #[arg(long, value_name = "N", default_value = "50")]
    pub(crate) limit: NonZeroUsize,
}

/// The values of the search attribute SunStage.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum StageName {
    Processing,
    AwaitingPayment,
    Closed,
}
