//! The measure: order processing as it would be written without thought for its cost.
//!
//! The steps are those of the shipped process, with the same input, policies, undos, timer, search attributes and
//! report. Two things differ: nothing runs inside a workflow task, and nothing runs side by side. The wait for a
//! customer is its own: it never ends.

#![expect(
    missing_docs,
    reason = "the workflow_methods macro generates markers without docs; everything else has them"
)]

use contracts::commerce::PaymentStatus;
use contracts::payment::{PaymentState, Payments};
use contracts::shipping::Label;
use temporalio_workflow::{WorkflowContext, WorkflowResult, workflow};
use workflows::face;
use workflows::input::{Problem, Unchecked};
use workflows::order_processing::{OrderData, OrderProcessing, OrderProcessingResult, OrderRun, PAY, Paid};
use workflows::policy;
use workflows::report::StepSpec;
use workflows::saga::{About, Halt, Process, Saga, SagaState, UndoAll};
use workflows::search_attributes::{ORDER_ID, STAGE, Stage};

/// The workflow.
#[workflow]
#[derive(Default)]
pub struct SequentialOrder {
    saga: SagaState,
}

impl Process for SequentialOrder {
    const NAME: &'static str = "SequentialOrder";
    const INVALID: &'static str = OrderProcessing::INVALID;
    const STEPS: &'static [StepSpec] = OrderProcessing::STEPS;
    type Input = OrderData;

    // It runs beside the shipped process, under names of the bench.
    fn named(_workflow_id: &str, order: &OrderData) -> Result<About, Problem> {
        Ok(Some((ORDER_ID, order.order_id.to_string())))
    }
}

face! {
pub impl SequentialOrder {
    /// Runs an order from start to end.
    #[run(name = "SequentialOrder")]
    pub async fn run(
        ctx: &mut WorkflowContext<Self>,
        input: Unchecked<OrderData>,
    ) -> WorkflowResult<OrderProcessingResult> {
        let (order, mut saga) = Saga::open(ctx, &input)?;
        let run = OrderRun::new(&order, ctx.workflow_id()).all_activities();
        let story = forward(&mut saga, &order, &run).await;
        let ended = saga.end(story, &UndoAll).await?;
        let (payment_id, label) = ended.value.map_or((None, None), |(paid, label)| (paid, Some(label)));
        Ok(OrderProcessingResult {
            success: label.is_some(),
            order_id: order.order_id.clone(),
            payment_status: Some(PaymentStatus::Paid),
            payment_id,
            refund_ids: Vec::new(),
            tracking_number: label.as_ref().map(|label| label.tracking_number.clone()),
            estimated_delivery: label.and_then(|label| label.estimated_delivery),
            workflow_id: ctx.workflow_id().to_owned(),
            execution_time: ended.took_ms,
            outcome: ended.outcome.name().to_owned(),
            reason: ended.reason,
            report: ended.report,
        })
    }
}
}

type OrderSaga = Saga<SequentialOrder>;

/// The steps of the shipped process, one after the other, as regular activities.
async fn forward(
    saga: &mut OrderSaga,
    order: &OrderData,
    run: &OrderRun<'_>,
) -> Result<(Option<String>, Label), Halt> {
    let was_known = run.validate(saga).await?;
    let hold_and_pay = async {
        let holds = run.reserve(saga).await?;
        let payment_id = pay(saga, run, was_known).await?;
        Ok((holds, payment_id))
    };
    let reason = "the payment did not settle while the stock was held";
    let (holds, payment_id) = saga.within(order.reservation, "stock held", reason, hold_and_pay).await?;
    run.confirm(saga, holds).await?;
    let label = run.ship(saga).await?;
    saga.pivot();
    let paid = Paid { payment_id: payment_id.clone(), status: PaymentStatus::Paid };
    run.tell_shop(saga, &paid, Some(&label)).await;
    run.send_mail(saga, &label).await;
    run.send_sms(saga, &label).await;
    run.push(saga, &label).await;
    run.count_sale(saga).await;
    Ok((payment_id, label))
}

async fn pay(saga: &OrderSaga, run: &OrderRun<'_>, was_known: bool) -> Result<Option<String>, Halt> {
    let payment = saga
        .step(PAY, Payments::charge, run.requests.charge(was_known), policy::money())
        .or_look_up(Payments::find, run.requests.payment())
        .undo_by(Payments::reverse, run.requests.reversal(None))
        .await?;
    match payment.state {
        PaymentState::Paid => Ok(payment.payment_id),
        PaymentState::RequiresAction { action } => {
            saga.waits(PAY, &format!("waits for the customer ({})", action.kind));
            let waiting = Stage::AwaitingPayment.name().to_owned();
            saga.ctx().upsert_search_attributes([STAGE.value_set(waiting)]);
            // The bench measures what waits; nobody settles it.
            saga.wait_for(|_| false).await?;
            Err(unpaid(saga))
        }
        _ => Err(unpaid(saga)),
    }
}

/// The bench places orders that nobody declines.
fn unpaid(saga: &OrderSaga) -> Halt {
    saga.refused(PAY, "PaymentDeclined", "the payment was declined".to_owned())
}
