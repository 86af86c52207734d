//! Customers to onboard, and what a test asks of their runs.

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, bail};
use contracts::values::{CustomerId, CustomerRef, Recipient};
use pseudonym::RefKey;
use serde_json::{Value, json};
use temporalio_client::errors::{WorkflowGetResultError, WorkflowUpdateError};
use temporalio_client::{
    Client, WorkflowCancelOptions, WorkflowDescribeOptions, WorkflowExecuteUpdateOptions,
    WorkflowGetResultOptions, WorkflowHandle, WorkflowIdConflictPolicy, WorkflowIdReusePolicy,
    WorkflowQueryOptions, WorkflowStartOptions,
};
use temporalio_common::error::IncomingError;
use temporalio_common::search_attributes::SearchAttributes;
use workflows::customer_onboarding::{self, CustomerOnboarding, CustomerRegistrationData, OnboardingResult};
use workflows::input::Unchecked;
use workflows::report::{Progress, Report};
use workflows::saga::{Action, Answer, AnswerOutcome, CancelAccepted, CancelRequest};

use crate::servers;
use crate::world::{LIMIT, World, until};

/// The seed's registration, as the README's sample has it.
pub const SAMPLE: &str = include_str!("../../starter/samples/onboarding.json");

/// The key of the pseudonyms in every test.
pub const REF_KEY: &str = "a key for tests only";

/// The sample under another address, so that runs do not meet.
///
/// # Panics
/// When the sample is not JSON.
#[must_use]
pub fn registration() -> Value {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    #[expect(clippy::expect_used, reason = "a broken sample must fail every test loudly")]
    let mut registration: Value =
        serde_json::from_str(SAMPLE).expect("starter/samples/onboarding.json is JSON");
    let (run, n) = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    registration["email"] = json!(format!("newcustomer-{run}-{n}@example.com"));
    registration
}

/// The pseudonym of a registration's address.
pub fn customer_ref(registration: &Value) -> anyhow::Result<CustomerRef> {
    let address = Recipient::new(registration["email"].as_str().unwrap_or_default());
    Ok(RefKey::new(REF_KEY)?.customer_ref(&address))
}

/// How a run ended.
#[derive(Debug)]
pub enum Ended<R> {
    /// Completed, with its result.
    Completed(Box<R>),
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

impl<R: std::fmt::Debug> Ended<R> {
    /// The result of a run that completed.
    pub fn completed(self) -> anyhow::Result<R> {
        match self {
            Self::Completed(result) => Ok(*result),
            other => bail!("not completed: {other:?}"),
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

/// A started onboarding.
pub struct Onboarding<'w> {
    pub(crate) world: &'w World,
    pub workflow_id: String,
    /// The pseudonym.
    pub customer_ref: CustomerRef,
}

pub(crate) fn ended<R>(result: Result<R, WorkflowGetResultError>) -> anyhow::Result<Ended<R>> {
    match result {
        Ok(result) => Ok(Ended::Completed(Box::new(result))),
        Err(WorkflowGetResultError::Failed(error)) => match *error {
            IncomingError::Application(failure) => Ok(Ended::Failed {
                kind: failure.type_name().unwrap_or_default().to_owned(),
                message: failure.to_string(),
                report: failure.details().ok().flatten().unwrap_or_default(),
            }),
            other => bail!("failed without an application failure: {other}"),
        },
        Err(WorkflowGetResultError::Cancelled { details }) => Ok(Ended::Canceled(details.deserialize()?)),
        Err(other) => bail!("ended as {other}"),
    }
}

/// The answer to an update, or the refusal's message; not waited for for ever.
pub(crate) async fn answered<T>(
    update: impl Future<Output = Result<T, WorkflowUpdateError>>,
) -> Result<T, String> {
    match tokio::time::timeout(LIMIT, update).await {
        Ok(answer) => answer.map_err(refusal),
        Err(_) => Err(format!("no answer within {LIMIT:?}")),
    }
}

fn refusal(error: WorkflowUpdateError) -> String {
    match error {
        WorkflowUpdateError::Failed(failure) => failure.message.clone(),
        other => other.to_string(),
    }
}

impl World {
    /// Starts an onboarding, or attaches to its run.
    pub async fn register(&self, registration: &Value) -> anyhow::Result<Onboarding<'_>> {
        self.register_as(&customer_ref(registration)?, registration).await
    }

    /// The same under a pseudonym of the test's choice.
    pub async fn register_as(
        &self,
        customer_ref: &CustomerRef,
        registration: &Value,
    ) -> anyhow::Result<Onboarding<'_>> {
        let workflow_id = customer_onboarding::workflow_id(customer_ref);
        let attributes = servers::has_attributes(self.address())
            .then(|| SearchAttributes::new(customer_onboarding::search_attributes(customer_ref)));
        let options = WorkflowStartOptions::new(self.task_queue.clone(), workflow_id.clone())
            .id_reuse_policy(WorkflowIdReusePolicy::AllowDuplicate)
            .id_conflict_policy(WorkflowIdConflictPolicy::UseExisting)
            .maybe_search_attributes(attributes)
            .build();
        let input = Unchecked::<CustomerRegistrationData>::from_json(&registration.to_string())?;
        self.client.start_workflow(CustomerOnboarding::run, input, options).await?;
        Ok(Onboarding { world: self, workflow_id, customer_ref: customer_ref.clone() })
    }

    /// Runs an onboarding to its end.
    pub async fn onboard(&self, registration: &Value) -> anyhow::Result<Ended<OnboardingResult>> {
        self.register(registration).await?.ended().await
    }

    /// Opens an account at the shop, beside any process; returns the platform's id.
    pub async fn open_account(&self, registration: &Value) -> anyhow::Result<CustomerId> {
        let mut body = registration.clone();
        if let Some(fields) = body.as_object_mut() {
            for name in ["interests", "budget_range", "preferred_brands", "source", "locale", "if_registered"]
            {
                fields.remove(name);
            }
        }
        let url = format!("{}/api/v1/customers", self.shop.url());
        let request = reqwest::Client::new().post(url).header("content-type", "application/json");
        let answer = request.body(body.to_string()).send().await?;
        let text = answer.text().await?;
        let answer: Value = serde_json::from_str(&text)?;
        let id = answer["data"]["customer_id"].as_str().with_context(|| text.clone())?;
        Ok(CustomerId::new(id)?)
    }

    /// The shop's only customer, with everything that belongs to it.
    pub async fn only_customer(&self) -> anyhow::Result<Value> {
        let customers = self.shop.get("customers").await?;
        match customers.as_array().map(Vec::as_slice) {
            Some([customer]) => Ok(customer.clone()),
            _ => bail!("not one customer: {customers}"),
        }
    }

    /// The templates of the mails that left, in order.
    pub async fn mailed(&self) -> anyhow::Result<Vec<String>> {
        let outbox = self.shop.get("outbox").await?;
        let template = |sent: &Value| sent["message"]["template"].as_str().unwrap_or_default().to_owned();
        Ok(outbox.as_array().into_iter().flatten().map(template).collect())
    }
}

impl Onboarding<'_> {
    fn handle(&self) -> WorkflowHandle<Client, CustomerOnboarding> {
        self.world.client.get_workflow_handle::<CustomerOnboarding>(self.workflow_id.clone())
    }

    /// How it ended.
    pub async fn ended(&self) -> anyhow::Result<Ended<OnboardingResult>> {
        let handle = self.handle();
        let result =
            tokio::time::timeout(LIMIT, handle.get_result(WorkflowGetResultOptions::default())).await;
        let Ok(result) = result else {
            bail!("{} did not end within {LIMIT:?}: {:?}", self.workflow_id, self.progress().await);
        };
        ended(result)
    }

    /// The query `progress`.
    pub async fn progress(&self) -> anyhow::Result<Progress> {
        Ok(self.handle().query(CustomerOnboarding::progress, (), WorkflowQueryOptions::default()).await?)
    }

    /// Waits until the progress is as wanted.
    pub async fn until(&self, what: &str, wanted: impl Fn(&Progress) -> bool) -> anyhow::Result<Progress> {
        until(&self.workflow_id, what, || self.progress(), wanted).await
    }

    /// The update `cancel_onboarding`.
    pub async fn cancel(&self, reason: &str) -> Result<CancelAccepted, String> {
        let request = CancelRequest { reason: reason.to_owned() };
        let options = WorkflowExecuteUpdateOptions::default();
        let update = CustomerOnboarding::cancel_onboarding;
        answered(self.handle().execute_update(update, request, options)).await
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
        let update = CustomerOnboarding::answer;
        answered(self.handle().execute_update(update, answer, options)).await.map(|answered| answered.outcome)
    }

    /// Temporal's own cancel.
    pub async fn temporal_cancel(&self) -> anyhow::Result<()> {
        Ok(self.handle().cancel(WorkflowCancelOptions::builder().reason("operator").build()).await?)
    }

    /// Events and state transitions so far.
    pub async fn cost(&self) -> anyhow::Result<(i64, i64)> {
        let description = self.handle().describe(WorkflowDescribeOptions::default()).await?;
        let info = description.raw().workflow_execution_info.clone().unwrap_or_default();
        Ok((info.history_length, info.state_transition_count))
    }
}
