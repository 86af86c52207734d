//! What can be asked of an order and said to it.

use serde_json::json;
use workflows::order_processing::{
    CancelOrder, OrderData, OrderProcessing, PaymentSettled, search_attributes, workflow_id,
};
use workflows::saga::ResolveUndo;

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
    let request = CancelOrder { reason: args.reason };
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

/// `starter order settle-payment`.
pub(crate) async fn settle_payment(global: &Global, out: &Out, args: SettleArgs) -> Result<Exit, Failure> {
    let session = connect(global, out).await?;
    let workflow_id = args.order.workflow_id();
    let sending = Sending {
        process: &ORDER,
        workflow_id: workflow_id.clone(),
        update_id: Some(args.event_id.clone()),
        limit: args.timeout,
    };
    let event = PaymentSettled { event_id: args.event_id.clone() };
    let answer =
        send::<OrderProcessing, _>(&session, out, sending, OrderProcessing::payment_settled, event).await?;
    let document = json!({ "workflow_id": workflow_id, "event_id": args.event_id, "answer": answer });
    out.document(&document, |_| answer.clone())?;
    if answer == "too late" {
        out.say("the order no longer waits for a payment: see how it ended with 'starter order result'");
        return Ok(Exit::Failed);
    }
    Ok(Exit::Ok)
}

/// `starter order resolve-undo`.
pub(crate) async fn resolve_undo(global: &Global, out: &Out, args: ResolveArgs) -> Result<Exit, Failure> {
    let session = connect(global, out).await?;
    let workflow_id = args.order.workflow_id();
    let sending =
        Sending { process: &ORDER, workflow_id: workflow_id.clone(), update_id: None, limit: args.timeout };
    let answer = ResolveUndo { step: args.step.clone(), action: args.action.into(), reason: args.reason };
    let outcome =
        send::<OrderProcessing, _>(&session, out, sending, OrderProcessing::resolve_undo, answer).await?;
    let document = json!({ "workflow_id": workflow_id, "step": args.step, "outcome": outcome });
    out.document(&document, |_| format!("{}: {outcome}", args.step))?;
    // A retry that failed leaves the order where it was: waiting for a person.
    Ok(if outcome.starts_with("failed again") { Exit::NeedsPerson } else { Exit::Ok })
}
