//! Brings news of a payment to its order, by hand.

use contracts::values::EventId;
use jiff::Timestamp;
use serde_json::json;
use settlement::{Heard, SettleError};

use crate::cli::order::SettleArgs;
use crate::commands::call::Call;
use crate::processes::name::Name as _;
use crate::terminal::exit::{Exit, Failure};
use crate::terminal::program::{command, word};

/// `starter order settle-payment`. For an order that has ended without the money it starts the refund; for one that has
/// its money a run looks if it was paid twice.
pub(crate) async fn run(call: &Call<'_>, args: SettleArgs) -> Result<Exit, Failure> {
    let order_id = args.order.order.clone();
    // A person who says it by hand means "look again now", each time anew.
    let given = args.event_id.unwrap_or_else(|| format!("by-hand-{}", Timestamp::now().as_microsecond()));
    let event_id = EventId::new(given.as_str()).map_err(|problem| {
        Failure::new(Exit::Usage, format!("--event-id {problem}")).fix("use the id that the provider gave it")
    })?;
    let session = call.connect().await?;
    let settled =
        settlement::settle(&session.client, call.task_queue(), &order_id, &event_id, args.timeout).await;
    let heard = match settled {
        Ok(heard) => heard,
        Err(error @ (SettleError::Rpc(_) | SettleError::NoWorker(..))) => {
            let found = session.find(&args.order.workflow_id()?).await.ok();
            let task = match &found {
                Some((run, _)) => run.failing_task().await.map(|task| task.not_taken(&run.subject)),
                None => None,
            };
            return Err(task.unwrap_or_else(|| unsettled(error)));
        }
        Err(error) => return Err(unsettled(error)),
    };
    let late = match &heard {
        Heard::Late { workflow_id, asks_first } => Some((workflow_id.clone(), *asks_first)),
        _ => None,
    };
    let paid_before = match &heard {
        Heard::PaidBefore { workflow_id } => Some(workflow_id),
        _ => None,
    };
    let document = json!({
        "workflow_id": args.order.workflow_id()?, "event_id": event_id, "answer": heard.words(),
        "late_payment": late.as_ref().map(|(workflow_id, _)| workflow_id).or(paid_before),
        "asks_first": late.as_ref().map(|(_, asks_first)| asks_first),
    });
    call.out.document(&document, |_| heard.words().to_owned())?;
    if heard == Heard::Taken {
        let status = command!("order status {order_id}");
        call.out.say(format!("the order reads its payment again; what it found: {status}"));
    }
    if let Some(run) = paid_before {
        let show = command!("show {}", word(run));
        call.out.say(format!("whether it was paid twice is looked at; what it found: {show}"));
    }
    match late {
        Some((late, true)) => {
            let answer = command!("answer {}", word(&late));
            call.out.say(format!("when it asks: {answer}"));
        }
        Some((late, false)) => {
            let show = command!("show {}", word(&late));
            call.out.say(format!("the order had ended; follow the refund with: {show}"));
        }
        None => {}
    }
    Ok(Exit::Ok)
}

fn unsettled(error: SettleError) -> Failure {
    let (exit, fix) = match &error {
        SettleError::Rpc(status) => return Failure::of_status(status),
        SettleError::UnknownOrder(_) => (Exit::NotFound, format!("'{}' shows them", command!("order list"))),
        SettleError::EndedByForce(_) => (
            Exit::Failed,
            "look at the payment at the provider, and at the order's history; refund there if it was not shipped"
                .to_owned(),
        ),
        SettleError::NoWorker(..) => (
            Exit::Failed,
            format!(
                "is a worker running? '{}' looks closer; then say it again, which is always safe",
                command!("doctor")
            ),
        ),
        SettleError::NoLook(_) | SettleError::Temporal(_) => return Failure::new(Exit::Failed, error.to_string()),
    };
    Failure::new(exit, error.to_string()).fix(fix)
}
