//! Late money: a payment that settles for an order that has already ended without it.
//!
//! An order expired or was cancelled, and then the bank transfer arrives all the same. The order's stock is sold to
//! somebody else by now, so the money is never honoured: it goes back.
//!
//! 1. `read-payment`: what the payment provider says now; the news itself is not believed.
//! 2. `refund-payment`: whatever of it is there is voided or refunded, under the charge's own key, so that the
//!    order's undo and this one together refund once. An outage that outlasts its patience asks a person. Where somebody
//!    has decided about this money before, a person is asked first: it may have gone back by hand.
//!
//! Deliberately absent: reviving the order. A customer who still wants it places a new one.
#![expect(
    missing_docs,
    reason = "the workflow_methods macro generates markers without docs; everything else has them"
)]

use std::error::Error;

use contracts::payment::{FindPayment, Payment, PaymentState, Payments, ReversePayment};
use contracts::values::{EventId, OrderId};
use serde::{Deserialize, Serialize};
use temporalio_common::search_attributes::SearchAttributeUpdate;
use temporalio_workflow::{WorkflowContext, WorkflowContextView, WorkflowResult, workflow, workflow_methods};

use crate::input::people::yes_or_no;
use crate::input::{Checked, Fields, Unchecked, id};
use crate::order_processing;
use crate::policy;
use crate::report::{Progress, Report, StepClass, StepSpec};
use crate::saga::{self, Process, ResolveUndo, Saga, SagaState};
use crate::search_attributes::{ORDER_ID, STAGE, Stage};

/// The workflow id: one run per order and event, however often the event is delivered.
#[must_use]
pub fn workflow_id(order_id: &OrderId, event_id: &EventId) -> String {
    format!("{}/late/{event_id}", order_processing::workflow_id(order_id))
}

/// The search attributes of a run that begins.
#[must_use]
pub fn search_attributes(order_id: &OrderId) -> [SearchAttributeUpdate; 2] {
    order_processing::search_attributes(order_id)
}

/// What is known when late money is heard of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatePaymentData {
    /// The order that ended without this money.
    pub order_id: OrderId,
    /// The provider's id of the event.
    pub event_id: EventId,
    /// `decided`, optional, default `false`: somebody has decided about this money before, or is being asked. Then nothing goes
    /// back before somebody says so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub decided: bool,
}

impl Checked for LatePaymentData {
    fn read(fields: &Fields<'_>) -> Option<Self> {
        let order_id = fields.required("order_id", id);
        let event_id = fields.required("event_id", id);
        let decided = fields.optional("decided", yes_or_no).unwrap_or(false);
        Some(Self { order_id: order_id?, event_id: event_id?, decided })
    }
}

/// What became of late money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatePaymentResult {
    /// The order that ended without it.
    pub order_id: OrderId,
    /// The provider's id of the payment, if there is one.
    pub payment_id: Option<String>,
    /// Whether money went back; `null` when the provider could not be asked first: whatever was there went back.
    pub refunded: Option<bool>,
    /// What every step did.
    pub report: Report,
}

const READ: &str = "read-payment";
/// The step that gives the money back.
pub const REFUND: &str = "refund-payment";

/// The workflow.
#[workflow]
#[derive(Default)]
pub struct LatePayment {
    saga: SagaState,
}

impl Process for LatePayment {
    const NAME: &'static str = "LatePayment";
    const STEPS: &'static [StepSpec] = &[
        StepSpec { name: READ, words: "ask the provider what is there", class: StepClass::Retriable },
        StepSpec { name: REFUND, words: "give the money back", class: StepClass::Retriable },
    ];
    fn saga(&self) -> &SagaState {
        &self.saga
    }
    fn saga_mut(&mut self) -> &mut SagaState {
        &mut self.saga
    }
}

#[workflow_methods]
impl LatePayment {
    /// Gives late money back.
    #[run(name = "LatePayment")]
    pub async fn run(
        ctx: &mut WorkflowContext<Self>,
        input: Unchecked<LatePaymentData>,
    ) -> WorkflowResult<LatePaymentResult> {
        let LatePaymentData { order_id, decided, .. } =
            input.check().map_err(|problems| saga::invalid_input("LatePaymentInvalid", problems))?;
        if ctx.search_attributes().get(&ORDER_ID).as_deref() != Some(order_id.as_str()) {
            ctx.upsert_search_attributes([
                ORDER_ID.value_set(order_id.to_string()),
                STAGE.value_set(Stage::Processing.name().to_owned()),
            ]);
        }
        let saga = Saga::begin(ctx);
        let key = order_processing::charge_key(&order_id);
        let find = FindPayment { key: key.clone(), order_id: order_id.clone() };
        let read = saga.step(READ, Payments::find, find, policy::money()).or_report().await;
        let was_paid =
            read.as_ref().map(|found| matches!(found, Some(Payment { state: PaymentState::Paid, .. })));
        let reason = "the order had ended when the payment settled".to_owned();
        let reverse = ReversePayment { key, order_id: order_id.clone(), payment_id: None, reason };
        if decided && was_paid != Some(false) {
            let news =
                "news of money that somebody has decided about, or is being asked about; not touched again";
            saga.ask_last(REFUND, Payments::reverse, reverse, news);
        } else {
            saga.undo_last(REFUND, Payments::reverse, reverse);
        }
        saga.unwind().await;
        let is_left = ctx.state(|w| !w.saga.report().left_standing.is_empty());
        let refunded = was_paid.map(|was_paid| was_paid && !is_left);
        saga.settled(
            REFUND,
            match was_paid {
                Some(true) => "the money went back",
                Some(false) => "there was no money to give back",
                None => "whatever was there went back",
            },
        );
        let mut report = saga.completed().await;
        // Here it is the goal, not a way back; what a person had to say about it stays.
        report.undone.retain(|line| line != REFUND);
        let payment_id = read.flatten().and_then(|payment| payment.payment_id);
        Ok(LatePaymentResult { order_id, payment_id, refunded, report })
    }

    /// A person answers about a refund that stuck.
    #[update]
    pub async fn resolve_undo(
        ctx: &mut WorkflowContext<Self>,
        answer: ResolveUndo,
    ) -> Result<String, Box<dyn Error + Send + Sync>> {
        saga::resolve_undo(ctx, answer).await
    }

    #[update_validator(resolve_undo)]
    fn check_resolution(
        &self,
        _ctx: &WorkflowContextView,
        answer: &ResolveUndo,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        saga::check_resolution(self, answer)
    }

    /// How far the refund is.
    #[query]
    pub fn progress(&self, ctx: &WorkflowContextView) -> Progress {
        self.saga.progress(ctx)
    }

    /// What every step did so far.
    #[query]
    pub fn report(&self, _ctx: &WorkflowContextView) -> Report {
        self.saga.report()
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    type TestResult = Result<(), Box<dyn Error>>;

    fn problems(json: &str) -> Result<Vec<String>, Box<dyn Error>> {
        let problems = Unchecked::<LatePaymentData>::from_json(json)?.check().err().ok_or("accepted")?;
        Ok(problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn an_order_and_an_event_are_all_it_takes() -> TestResult {
        let input =
            Unchecked::<LatePaymentData>::from_json(r#"{"order_id": "ORDER-001", "event_id": "evt_1"}"#)?;
        let data = input.check().map_err(|problems| format!("{problems:?}"))?;
        assert_eq!(workflow_id(&data.order_id, &data.event_id), "order/ORDER-001/late/evt_1");
        Ok(())
    }

    #[test]
    fn every_wrong_field_is_named() -> TestResult {
        let required = |field: &str| format!("{field} is missing");
        let said = problems("{}")?;
        assert_eq!(said.len(), 2, "{said:?}");
        for (problem, field) in said.iter().zip(["order_id", "event_id"]) {
            assert!(problem.starts_with(&required(field)), "{problem}");
        }
        for (json, field) in [
            (r#"{"order_id": 7, "event_id": "evt_1"}"#, "order_id"),
            (r#"{"order_id": "a b", "event_id": "evt_1"}"#, "order_id"),
            (r#"{"order_id": "ORDER-001", "event_id": ""}"#, "event_id"),
            (r#"{"order_id": "ORDER-001", "event_id": "evt/1"}"#, "event_id"),
            (r#"{"order_id": "ORDER-001", "event_id": null}"#, "event_id"),
        ] {
            let said = problems(json)?;
            assert_eq!(said.len(), 1, "{json}: {said:?}");
            assert!(said[0].starts_with(field), "{json}: {said:?}");
        }
        Ok(())
    }
}
