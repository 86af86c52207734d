//! Lists orders.

use workflows::search_attributes::{OUTCOME, STAGE};

use crate::cli::order::OrderListArgs;
use crate::commands::any::list;
use crate::commands::call::Call;
use crate::processes::{LATE_PAYMENT, ORDER};
use crate::terminal::exit::{Exit, Failure};

/// `starter order list`.
pub(crate) async fn run(call: &Call<'_>, args: OrderListArgs) -> Result<Exit, Failure> {
    // Late money of an order asks like the order, and whoever looks for questions about orders means both.
    let mut filters = vec![match args.needs_human {
        true => format!("WorkflowType IN ('{}', '{}')", ORDER.workflow_type, LATE_PAYMENT.workflow_type),
        false => format!("WorkflowType = '{}'", ORDER.workflow_type),
    }];
    if let Some(stage) = args.stage {
        filters.push(format!("{} = '{}'", STAGE.name(), list::value_name(&stage)));
    }
    if let Some(outcome) = args.outcome {
        filters.push(format!("{} = '{}'", OUTCOME.name(), list::value_name(&outcome)));
    }
    if args.needs_human {
        filters.push(list::needs_human());
    }
    list::ours(call, &filters.join(" AND "), args.limit.get()).await
}
