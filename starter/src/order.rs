//! What can be asked of an order and said to it.

use contracts::values::EventId;
use jiff::Timestamp;
use serde_json::json;
use settlement::{Heard, SettleError};
use workflows::late_payment::{self, LatePaymentData};
use workflows::order_processing::{OrderData, OrderProcessing, search_attributes, workflow_id};
use workflows::saga::{Answer, AnswerOutcome, Answered, CancelRequest};

use crate::cli::Global;
use crate::cli::order::{CancelArgs, OrderRef, ResolveArgs, SettleArgs, WaitArgs};
use crate::connect::connect;
use crate::exit::{Exit, Failure};
use crate::input::{InputError, Plan, check};
use crate::output::Out;
use crate::processes::ORDER;
use crate::progress::{self, Talk};
use crate::show;
use crate::update::{Sending, send};

/// Checks an order and says what would be started. Personal data stays out of it.
pub(crate) fn plan(json: &str) -> Result<Plan, InputError> {
    let order: OrderData = check(json)?;
    let pieces: u64 = order.items.iter().map(|item| u64::from(item.quantity)).sum();
    let noun = if pieces == 1 { "item" } else { "items" };
    let lines =
        order.items.iter().map(|item| format!("{} × {} at {}", item.quantity, item.variant_id, item.price));
    Ok(Plan {
        workflow_id: workflow_id(&order.order_id),
        summary: format!("Order {}: {pieces} {noun}, {}", order.order_id, order.total_amount),
        attributes: search_attributes(&order.order_id).into(),
        facts: vec![
            ("amount", order.total_amount.to_string()),
            ("payment", order.payment_kind.name().to_owned()),
            ("line count", order.items.len().to_string()),
            ("lines", lines.collect::<Vec<_>>().join(", ")),
        ],
    })
}

/// What would be started for late money. No command of its own: `order settle-payment` starts it.
pub(crate) fn plan_late_payment(json: &str) -> Result<Plan, InputError> {
    let late: LatePaymentData = check(json)?;
    Ok(Plan {
        workflow_id: late_payment::workflow_id(&late.order_id, &late.event_id),
        summary: format!("Late payment for order {}: goes back", late.order_id),
        attributes: late_payment::search_attributes(&late.order_id).into(),
        facts: vec![("order", late.order_id.to_string()), ("event", late.event_id.to_string())],
    })
}

/// `starter order status`.
pub(crate) async fn status(global: &Global, out: &Out, order: &OrderRef) -> Result<Exit, Failure> {
    show::run(global, out, &order.workflow_id()).await
}

/// `starter order watch` and `starter order result`.
pub(crate) async fn watch(global: &Global, out: &Out, args: WaitArgs, talk: Talk) -> Result<Exit, Failure> {
    let session = connect(global, out).await?;
    let (run, _) = session.find(&args.order.workflow_id()).await?;
    progress::wait(&run, out, talk, args.timeout).await
}

/// `starter order cancel`.
pub(crate) async fn cancel(global: &Global, out: &Out, args: CancelArgs) -> Result<Exit, Failure> {
    let session = connect(global, out).await?;
    let workflow_id = args.order.workflow_id();
    let sending =
        Sending { process: &ORDER, workflow_id: workflow_id.clone(), update_id: None, limit: args.timeout };
    let request = CancelRequest { reason: args.reason };
    let accepted =
        send::<OrderProcessing, _>(&session, out, sending, OrderProcessing::cancel_order, request).await?;
    let document = json!({ "workflow_id": workflow_id, "accepted": true, "will_undo": accepted.will_undo });
    out.document(&document, |_| {
        let undo = match accepted.will_undo.as_slice() {
            [] => "nothing to undo".to_owned(),
            steps => format!("will be undone: {}", steps.join(", ")),
        };
        format!("cancelled; {undo}")
    })?;
    Ok(Exit::Ok)
}

/// `starter order settle-payment`. For an order that has ended without the money it starts the refund.
pub(crate) async fn settle_payment(global: &Global, out: &Out, args: SettleArgs) -> Result<Exit, Failure> {
    let order_id = args.order.order.clone();
    // Whoever says it by hand means "look again now", each time anew.
    let given = args.event_id.unwrap_or_else(|| format!("by-hand-{}", Timestamp::now().as_microsecond()));
    let event_id = EventId::new(given.as_str()).map_err(|problem| {
        Failure::new(Exit::Usage, format!("--event-id {problem}")).fix("use the id that the provider gave it")
    })?;
    let session = connect(global, out).await?;
    let settled =
        settlement::settle(&session.client, &global.task_queue, &order_id, &event_id, args.timeout).await;
    let heard = match settled {
        Ok(heard) => heard,
        Err(error @ SettleError::UnknownOrder(_)) => {
            return Err(
                Failure::new(Exit::NotFound, error.to_string()).fix("'starter order list' shows them")
            );
        }
        Err(error @ SettleError::EndedByForce(_)) => {
            let fix = "look at the payment at the provider, and at the order's history; refund there if it was not shipped";
            return Err(Failure::new(Exit::Failed, error.to_string()).fix(fix));
        }
        Err(SettleError::Rpc(status)) => return Err(Failure::of_status(&status)),
        Err(error @ SettleError::NoWorker(..)) => {
            let fix =
                "is a worker running? 'starter doctor' looks closer; then say it again, which is always safe";
            return Err(Failure::new(Exit::Failed, error.to_string()).fix(fix));
        }
        Err(error @ SettleError::Temporal(_)) => return Err(Failure::new(Exit::Failed, error.to_string())),
    };
    let late = match &heard {
        Heard::Late { workflow_id } => Some(workflow_id.clone()),
        _ => None,
    };
    let document = json!({
        "workflow_id": args.order.workflow_id(), "event_id": event_id, "answer": heard.words(),
        "late_payment": late,
    });
    out.document(&document, |_| heard.words().to_owned())?;
    if heard == Heard::Taken {
        let status = format!("starter order status {order_id}");
        out.say(format!("the order reads its payment again; what it found: {status}"));
    }
    if let Some(late) = late {
        out.say(format!("the order had ended; follow the refund with: starter show {late}"));
    }
    Ok(Exit::Ok)
}

/// `starter order resolve-undo`.
pub(crate) async fn resolve_undo(global: &Global, out: &Out, args: ResolveArgs) -> Result<Exit, Failure> {
    let session = connect(global, out).await?;
    let workflow_id = args.order.workflow_id();
    let sending =
        Sending { process: &ORDER, workflow_id: workflow_id.clone(), update_id: None, limit: args.timeout };
    let answer = Answer { question: args.step, action: args.action.into(), reason: args.reason };
    let answered =
        send::<OrderProcessing, _>(&session, out, sending, OrderProcessing::answer, answer).await?;
    say_answered(out, &workflow_id, &answered)
}

/// Says what came of an answer. A retry that failed leaves the run where it was: waiting for a person.
pub(crate) fn say_answered(out: &Out, workflow_id: &str, answered: &Answered) -> Result<Exit, Failure> {
    let Answered { question, outcome, detail } = answered;
    let document = json!({
        "workflow_id": workflow_id, "question": question, "outcome": outcome, "detail": detail,
    });
    let detail = detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default();
    out.document(&document, |_| format!("{question}: {}{detail}", outcome.words()))?;
    Ok(match outcome {
        AnswerOutcome::FailedAgain | AnswerOutcome::HandsOff => Exit::NeedsPerson,
        _ => Exit::Ok,
    })
}
