//! An order that was started, and what a test asks and tells it.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use temporalio_client::errors::{WorkflowGetResultError, WorkflowUpdateError};
use temporalio_client::{
    Client, WorkflowCancelOptions, WorkflowDescribeOptions, WorkflowExecuteUpdateOptions,
    WorkflowFetchHistoryOptions, WorkflowGetResultOptions, WorkflowQueryOptions, WorkflowSignalOptions,
    WorkflowTerminateOptions,
};
use temporalio_common::error::IncomingError;
use temporalio_common::protos::temporal::api::enums::v1::EventType;
use temporalio_common::protos::temporal::api::history::v1::HistoryEvent;
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;
use workflows::input::Said;
use workflows::order_processing::{OrderProcessing, OrderProcessingResult, PaymentSettled};
use workflows::report::{Progress, Report, StepStatus, UndoRecord};
use workflows::saga::{Action, Answer, AnswerOutcome, CancelAccepted, CancelRequest};

use super::{LIMIT, World, until};

/// A started order.
pub struct Order<'w> {
    pub(super) world: &'w World,
    pub workflow_id: String,
    /// Its number.
    pub order_id: String,
}

impl Order<'_> {
    fn handle(&self) -> temporalio_client::WorkflowHandle<Client, OrderProcessing> {
        self.world.client.get_workflow_handle::<OrderProcessing>(self.workflow_id.clone())
    }

    /// How it ended.
    pub async fn ended(&self) -> anyhow::Result<Ended> {
        let handle = self.handle();
        let result = handle.get_result(WorkflowGetResultOptions::default());
        let result = tokio::time::timeout(LIMIT, result).await;
        match result.with_context(|| format!("{} did not end within {LIMIT:?}", self.workflow_id))? {
            Ok(result) => Ok(Ended::Completed(Box::new(result))),
            Err(WorkflowGetResultError::Failed(error)) => match *error {
                IncomingError::Application(failure) => Ok(Ended::Failed {
                    kind: failure.type_name().unwrap_or_default().to_owned(),
                    message: failure.to_string(),
                    report: failure.details().ok().flatten().unwrap_or_default(),
                }),
                other => bail!("{} failed without an application failure: {other}", self.workflow_id),
            },
            Err(WorkflowGetResultError::Cancelled { details }) => Ok(Ended::Canceled(details.deserialize()?)),
            Err(other) => bail!("{} ended as {other}", self.workflow_id),
        }
    }

    /// The query `progress`.
    pub async fn progress(&self) -> anyhow::Result<Progress> {
        Ok(self.handle().query(OrderProcessing::progress, (), WorkflowQueryOptions::default()).await?)
    }

    /// Waits until the progress is as wanted.
    pub async fn until(&self, what: &str, wanted: impl Fn(&Progress) -> bool) -> anyhow::Result<Progress> {
        until(&self.workflow_id, what, || self.progress(), wanted).await
    }

    /// Waits until a step has a status.
    pub async fn until_step(&self, step: &str, status: StepStatus) -> anyhow::Result<Progress> {
        let has = |p: &Progress| p.step(step).is_some_and(|step| step.status == status);
        self.until(&format!("{step} {status:?}"), has).await
    }

    /// Waits until it waits for the customer.
    pub async fn waits(&self) -> anyhow::Result<Progress> {
        self.until("waits for the customer", |p| p.has(StepStatus::Waiting)).await
    }

    /// Waits until shop and customer have been told what it waits for.
    pub async fn has_invited(&self) -> anyhow::Result<Progress> {
        let is_told = |p: &Progress, step: &str| {
            let told = p.step(step).into_iter().flat_map(|step| &step.parts);
            told.into_iter().any(|p| p.part == "awaiting_payment" && p.status == StepStatus::Completed)
        };
        self.until("has invited", |p| is_told(p, "update-order-status") && is_told(p, "send-notifications"))
            .await
    }

    /// The templates of the mails that its customer got, in their order, by the platform's sender.
    pub async fn mails(&self) -> anyhow::Result<Vec<String>> {
        let sent = self.world.shop.get(&format!("outbox?order_id={}", self.order_id)).await?;
        let mails = sent.as_array().into_iter().flatten().filter(|sent| sent["channel"] == "email");
        Ok(mails.map(|mail| mail["message"]["template"].as_str().unwrap_or_default().to_owned()).collect())
    }

    /// Waits until a step is under way or done.
    pub async fn reaches(&self, step: &str) -> anyhow::Result<Progress> {
        self.until(step, |p| p.current_step.as_deref() == Some(step)).await
    }

    /// The update `cancel_order`.
    pub async fn cancel_order(&self, reason: &str) -> Result<CancelAccepted, String> {
        let request = CancelRequest { reason: reason.to_owned() };
        let options = WorkflowExecuteUpdateOptions::default();
        self.handle().execute_update(OrderProcessing::cancel_order, request, options).await.map_err(refusal)
    }

    /// The update `payment_settled`.
    pub async fn payment_settled(&self, event_id: &str) -> Result<String, String> {
        let event = PaymentSettled { event_id: event_id.to_owned(), payment_id: None };
        let options = WorkflowExecuteUpdateOptions::default();
        self.handle().execute_update(OrderProcessing::payment_settled, event, options).await.map_err(refusal)
    }

    /// The signal `payment_heard`, and whether the order has taken the news.
    pub async fn payment_heard(&self, event_id: &str) -> anyhow::Result<bool> {
        let event = PaymentSettled { event_id: event_id.to_owned(), payment_id: None };
        let options = WorkflowSignalOptions::default();
        self.handle().signal(OrderProcessing::payment_heard, Said(Some(event.clone())), options).await?;
        let options = WorkflowQueryOptions::default();
        Ok(self.handle().query(OrderProcessing::has_heard, event, options).await?)
    }

    /// The update `answer`.
    pub async fn answer(
        &self,
        question: &str,
        action: Action,
        reason: &str,
    ) -> Result<AnswerOutcome, String> {
        let answer = Answer::new(question, action, reason);
        let options = WorkflowExecuteUpdateOptions::default();
        let answered = self.handle().execute_update(OrderProcessing::answer, answer, options).await;
        answered.map(|answered| answered.outcome).map_err(refusal)
    }

    /// Temporal's own cancel.
    pub async fn temporal_cancel(&self) -> anyhow::Result<()> {
        Ok(self.handle().cancel(WorkflowCancelOptions::builder().reason("operator").build()).await?)
    }

    /// Temporal's terminate.
    pub async fn terminate(&self, reason: &str) -> anyhow::Result<()> {
        Ok(self.handle().terminate(WorkflowTerminateOptions::builder().reason(reason).build()).await?)
    }

    /// The history.
    pub async fn history(&self) -> anyhow::Result<Vec<HistoryEvent>> {
        Ok(self.handle().fetch_history(WorkflowFetchHistoryOptions::default()).into_events().await?)
    }

    /// How many activities, not local ones, its history has of a type.
    pub async fn scheduled(&self, activity_type: &str) -> anyhow::Result<usize> {
        let is_of_type = |event: &HistoryEvent| {
            matches!(&event.attributes, Some(Attributes::ActivityTaskScheduledEventAttributes(scheduled))
                if scheduled.activity_type.as_ref().is_some_and(|kind| kind.name == activity_type))
        };
        Ok(self.history().await?.into_iter().filter(is_of_type).count())
    }

    /// The history as the replayer reads it.
    pub async fn history_json(&self) -> anyhow::Result<Vec<u8>> {
        Ok(self.handle().fetch_history(WorkflowFetchHistoryOptions::default()).to_json().await?)
    }

    /// Waits until a timer of it has fired, whether or not a worker has heard of that.
    pub async fn timer_fired(&self) -> anyhow::Result<()> {
        let until = Instant::now() + LIMIT;
        while !self.history().await?.iter().any(|event| event.event_type() == EventType::TimerFired) {
            anyhow::ensure!(Instant::now() < until, "{}: no timer fired", self.workflow_id);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// Waits until there is something for a worker to hear of.
    pub async fn has_a_task(&self) -> anyhow::Result<()> {
        let until = Instant::now() + LIMIT;
        loop {
            let description = self.handle().describe(WorkflowDescribeOptions::default()).await?;
            if description.raw().pending_workflow_task.is_some() {
                return Ok(());
            }
            anyhow::ensure!(Instant::now() < until, "{}: no task", self.workflow_id);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Events and state transitions so far.
    pub async fn cost(&self) -> anyhow::Result<(i64, i64)> {
        let description = self.handle().describe(WorkflowDescribeOptions::default()).await?;
        let info = description.raw().workflow_execution_info.clone().unwrap_or_default();
        Ok((info.history_length, info.state_transition_count))
    }

    /// The failures of the activities that wait for another attempt.
    pub async fn pending_failures(&self) -> anyhow::Result<Vec<String>> {
        let description = self.handle().describe(WorkflowDescribeOptions::default()).await?;
        let pending = &description.raw().pending_activities;
        Ok(pending
            .iter()
            .filter_map(|waiting| Some(waiting.last_failure.as_ref()?.message.clone()))
            .collect())
    }

    /// Waits until so many effects that a person is asked about were tried once more, in vain: the next try is minutes
    /// away, so whatever happens now is the person's doing.
    pub async fn tried_on(&self, effects: usize) -> anyhow::Result<()> {
        let until = Instant::now() + LIMIT;
        while self.pending_failures().await?.len() < effects {
            anyhow::ensure!(Instant::now() < until, "{}: never tried on", self.workflow_id);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// The value of the search attribute `SunQuestion`.
    pub async fn asked(&self) -> anyhow::Result<Vec<String>> {
        let description = self.handle().describe(WorkflowDescribeOptions::default()).await?;
        Ok(description.search_attributes().get(&workflows::search_attributes::QUESTION).unwrap_or_default())
    }

    /// Whether the search attribute `SunNeedsHuman` is set.
    pub async fn needs_human(&self) -> anyhow::Result<bool> {
        let description = self.handle().describe(WorkflowDescribeOptions::default()).await?;
        Ok(description.search_attributes().get(&workflows::search_attributes::NEEDS_HUMAN).unwrap_or(false))
    }
}

fn refusal(error: WorkflowUpdateError) -> String {
    match error {
        WorkflowUpdateError::Failed(failure) => failure.message.clone(),
        other => other.to_string(),
    }
}

/// Undos in words, as a person reads them.
#[must_use]
pub fn in_words(undos: &[UndoRecord]) -> Vec<String> {
    undos.iter().map(ToString::to_string).collect()
}

/// How a run ended.
#[derive(Debug)]
pub enum Ended {
    /// Completed, with its result.
    Completed(Box<OrderProcessingResult>),
    Failed {
        /// The failure's type.
        kind: String,
        /// The failure's first line.
        message: String,
        /// The failure's details, if they are a report.
        report: Report,
    },
    /// Canceled, with its details.
    Canceled(Report),
}

impl Ended {
    /// The result of a run that went through.
    pub fn fulfilled(self) -> anyhow::Result<OrderProcessingResult> {
        match self {
            Self::Completed(result) if result.success => Ok(*result),
            other => bail!("not fulfilled: {other:?}"),
        }
    }

    /// The result of a run that the business stopped.
    pub fn stopped_as(self, outcome: &str) -> anyhow::Result<OrderProcessingResult> {
        match self {
            Self::Completed(result) if !result.success && result.outcome == outcome => Ok(*result),
            other => bail!("not {outcome}: {other:?}"),
        }
    }

    /// Message and report of a run that failed in one way.
    pub fn failed_as(self, wanted: &str) -> anyhow::Result<(String, Report)> {
        match self {
            Self::Failed { kind, message, report } if kind == wanted => Ok((message, report)),
            other => bail!("not failed as {wanted}: {other:?}"),
        }
    }
}
