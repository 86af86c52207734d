//! `starter order …`

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand, ValueEnum};
use contracts::values::{EventId, OrderId};
use workflows::late_payment;
use workflows::order_processing::workflow_id;
use workflows::saga;

use super::duration;

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
    /// Show where an order stands, without waiting
    Status {
        /// Order number (ORDER-001) or workflow id (order/ORDER-001)
        order: OrderRef,
    },
    /// Follow an order's steps to its end, then print the result
    Watch(WaitArgs),
    /// Wait for an order's end and print the result
    Result(WaitArgs),
    /// Cancel an order: everything done so far is undone. Refused once stock is sold and label bought
    Cancel(CancelArgs),
    /// Tell a waiting order that its payment settled; the payment is read again from the provider
    SettlePayment(SettleArgs),
    /// Answer for a step whose undo is stuck
    ResolveUndo(ResolveArgs),
    /// List orders, newest first
    List(OrderListArgs),
}

#[derive(Args)]
pub(crate) struct StartArgs {
    /// JSON file, or - for stdin
    #[arg(long, short, value_name = "FILE")]
    pub(crate) input: PathBuf,
    /// Wait for the end with live progress, then print the result
    #[arg(long, conflicts_with_all = ["detach", "dry_run"])]
    pub(crate) wait: bool,
    /// Return as soon as Temporal has taken the start (the default)
    #[arg(long)]
    pub(crate) detach: bool,
    /// With --wait: give up waiting after this long, such as 10m; the run goes on
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "wait")]
    pub(crate) timeout: Option<Duration>,
    /// Check the input and say what would be started; connects to nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Args)]
pub(crate) struct WaitArgs {
    /// Order number (ORDER-001) or workflow id (order/ORDER-001)
    pub(crate) order: OrderRef,
    /// Give up waiting after this long, such as 10m; the run goes on
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
}

#[derive(Args)]
pub(crate) struct CancelArgs {
    /// Order number (ORDER-001) or workflow id (order/ORDER-001)
    pub(crate) order: OrderRef,
    /// Why; goes into the report and to the shop (1 to 500 characters, no personal data)
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) reason: String,
    /// How long to wait for the answer of a worker
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "30s")]
    pub(crate) timeout: Duration,
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
pub(crate) struct ResolveArgs {
    /// Order number (ORDER-001) or workflow id (order/ORDER-001)
    pub(crate) order: OrderRef,
    /// The step whose undo is stuck; 'starter order status' names it
    #[arg(long, value_name = "NAME")]
    pub(crate) step: String,
    /// What to do about it
    #[arg(long, value_enum)]
    pub(crate) action: Action,
    /// Why; goes into the report
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) reason: String,
    /// How long to wait for the outcome; a retry has the patience of a whole undo
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "20m")]
    pub(crate) timeout: Duration,
}

/// What to do about an undo that is stuck.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Action {
    /// Try it once more
    Retry,
    /// Somebody did it by hand
    MarkDone,
    /// Leave the effect standing
    Skip,
}

impl From<Action> for saga::Action {
    fn from(action: Action) -> Self {
        match action {
            Action::Retry => Self::Retry,
            Action::MarkDone => Self::DoneByHand,
            Action::Skip => Self::Leave,
        }
    }
}

#[derive(Args)]
pub(crate) struct OrderListArgs {
    /// Only orders at this stage
    #[arg(long, value_enum)]
    pub(crate) stage: Option<StageName>,
    /// Only orders that ended like this
    #[arg(long, value_enum)]
    pub(crate) outcome: Option<OutcomeName>,
    /// Only orders that wait for somebody to answer 'resolve-undo'
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

/// The values of the search attribute SunOutcome.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum OutcomeName {
    Completed,
    Failed,
    Expired,
    Cancelled,
}

/// An order, named by its number or its workflow id; or late money of one, by its workflow id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OrderRef {
    pub(crate) order: OrderId,
    late: Option<EventId>,
}

impl OrderRef {
    pub(crate) fn workflow_id(&self) -> String {
        match &self.late {
            None => workflow_id(&self.order),
            Some(event) => late_payment::workflow_id(&self.order, event),
        }
    }
}

impl FromStr for OrderRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let key = text.strip_prefix("order/").unwrap_or(text);
        let (number, event) = match key.split_once("/late/") {
            Some((number, event)) => (number, Some(event)),
            None => (key, None),
        };
        let order = OrderId::new(number).map_err(|problem| format!("an order number {problem}"))?;
        let late = event.map(EventId::new).transpose().map_err(|problem| format!("an event id {problem}"))?;
        Ok(Self { order, late })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_named_by_number_or_workflow_id() {
        let late: Result<OrderRef, _> = "order/ORDER-001/late/evt_1".parse();
        assert_eq!(late.map(|late| late.workflow_id()), Ok("order/ORDER-001/late/evt_1".to_owned()));
        for text in ["ORDER-001", "order/ORDER-001"] {
            let order: Result<OrderRef, _> = text.parse();
            assert_eq!(order.map(|order| order.workflow_id()), Ok("order/ORDER-001".to_owned()));
        }
        for text in ["", "order/", "a b", "order/order/ORDER-001", "customer@example.com"] {
            assert!(text.parse::<OrderRef>().is_err(), "{text:?} was taken");
        }
    }
}
