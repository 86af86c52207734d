//! Series of follow-up mails, and what a test asks of them.

use anyhow::Context as _;
use contracts::values::{CustomerId, Locale, Recipient};
use jiff::Timestamp;
use serde_json::Value;
use temporalio_client::errors::WorkflowInteractionError;
use temporalio_client::{
    Client, WorkflowCancelOptions, WorkflowDescribeOptions, WorkflowExecuteUpdateOptions,
    WorkflowExecutionStatus, WorkflowGetResultOptions, WorkflowHandle, WorkflowQueryOptions,
    WorkflowStartOptions,
};
use workflows::follow_up_emails::{self, ConsentChanged, FollowUpData, FollowUpEmails, FollowUpResult};
use workflows::input::Unchecked;
use workflows::report::Progress;

use crate::customers::{Ended, Onboarding, answered, customer_ref, ended};
use crate::world::{LIMIT, World, until};

/// A series of follow-up mails.
pub struct FollowUp<'w> {
    world: &'w World,
    pub workflow_id: String,
}

impl World {
    /// Starts a series of mails on its own, for a customer who registered at this moment.
    pub async fn follow_up(
        &self,
        registration: &Value,
        customer_id: &CustomerId,
        registered_at: Timestamp,
    ) -> anyhow::Result<FollowUp<'_>> {
        let customer_ref = customer_ref(registration)?;
        let data = FollowUpData {
            customer_ref: customer_ref.clone(),
            customer_id: customer_id.clone(),
            email: Recipient::new(registration["email"].as_str().unwrap_or_default()),
            first_name: registration["first_name"].as_str().unwrap_or_default().to_owned(),
            locale: Locale::ViVn,
            registered_at,
        };
        let workflow_id = follow_up_emails::workflow_id(&customer_ref);
        let options = WorkflowStartOptions::new(self.task_queue.clone(), workflow_id.clone()).build();
        self.client.start_workflow(FollowUpEmails::run, Unchecked::of(&data)?, options).await?;
        Ok(FollowUp { world: self, workflow_id })
    }
}

impl<'w> Onboarding<'w> {
    /// The series that it began.
    #[must_use]
    pub fn follow_up(&self) -> FollowUp<'w> {
        let workflow_id = follow_up_emails::workflow_id(&self.customer_ref);
        FollowUp { world: self.world, workflow_id }
    }
}

impl FollowUp<'_> {
    fn handle(&self) -> WorkflowHandle<Client, FollowUpEmails> {
        self.world.client.get_workflow_handle::<FollowUpEmails>(self.workflow_id.clone())
    }

    /// How it ended.
    pub async fn ended(&self) -> anyhow::Result<Ended<FollowUpResult>> {
        let handle = self.handle();
        let result =
            tokio::time::timeout(LIMIT, handle.get_result(WorkflowGetResultOptions::default())).await;
        ended(result.with_context(|| format!("{} did not end within {LIMIT:?}", self.workflow_id))?)
    }

    /// The query `progress`.
    pub async fn progress(&self) -> anyhow::Result<Progress> {
        Ok(self.handle().query(FollowUpEmails::progress, (), WorkflowQueryOptions::default()).await?)
    }

    /// Waits until the progress is as wanted.
    pub async fn until(&self, what: &str, wanted: impl Fn(&Progress) -> bool) -> anyhow::Result<Progress> {
        until(&self.workflow_id, what, || self.progress(), wanted).await
    }

    /// Whether the run is open; `None` when there is none.
    pub async fn is_open(&self) -> anyhow::Result<Option<bool>> {
        match self.handle().describe(WorkflowDescribeOptions::default()).await {
            Ok(found) => Ok(Some(found.status() == WorkflowExecutionStatus::Running)),
            Err(WorkflowInteractionError::NotFound(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The update `unsubscribe`.
    pub async fn unsubscribe(&self) -> Result<String, String> {
        let options = WorkflowExecuteUpdateOptions::default();
        answered(self.handle().execute_update(FollowUpEmails::unsubscribe, (), options)).await
    }

    /// The update `consent_changed`.
    pub async fn consent_changed(&self, marketing_consent: bool) -> Result<String, String> {
        let (news, options) = (ConsentChanged { marketing_consent }, WorkflowExecuteUpdateOptions::default());
        answered(self.handle().execute_update(FollowUpEmails::consent_changed, news, options)).await
    }

    /// The update `first_order_placed`.
    pub async fn first_order_placed(&self) -> Result<String, String> {
        let options = WorkflowExecuteUpdateOptions::default();
        answered(self.handle().execute_update(FollowUpEmails::first_order_placed, (), options)).await
    }

    /// The update `erase`.
    pub async fn erase(&self) -> Result<String, String> {
        let options = WorkflowExecuteUpdateOptions::default();
        answered(self.handle().execute_update(FollowUpEmails::erase, (), options)).await
    }

    /// Temporal's own cancel.
    pub async fn temporal_cancel(&self) -> anyhow::Result<()> {
        Ok(self.handle().cancel(WorkflowCancelOptions::builder().reason("operator").build()).await?)
    }
}
