//! The update `answer`, which every process has, and the id under which the same answer counts once.

use sha2::{Digest as _, Sha256};
use temporalio_client::NamespacedClient as _;
use temporalio_common::UpdateDefinition;
use temporalio_common::protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_common::protos::temporal::api::update::v1::{UpdateRef, WaitPolicy};
use temporalio_common::protos::temporal::api::workflowservice::v1::PollWorkflowExecutionUpdateRequest;
use tonic::{Code, IntoRequest as _, Status};
use workflows::saga::{Answer, Answered};

use super::connect::Session;
use super::run::AnyProcess;
use super::subject::Subject;

/// The update `answer`.
pub(crate) struct TakeAnswer;

impl UpdateDefinition for TakeAnswer {
    type Workflow = AnyProcess;
    type Input = Answer;
    type Output = Answered;
    fn name(&self) -> &str {
        "answer"
    }
}

/// The id under which an answer counts once: the same run, question, action and reason have the same id. A reason may
/// be longer than Temporal lets an id be, so it is a checksum.
pub(crate) fn update_id(run_id: &str, answer: &Answer) -> String {
    let Answer { question, action, reason, .. } = answer;
    // Lengths before the parts: no two answers are written alike.
    let parts = [run_id, question, action.name(), reason.trim()];
    let text: String = parts.iter().map(|part| format!("{}:{part}", part.len())).collect();
    let sum: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("answer-{}-{sum}", action.name())
}

/// Whether a run has an update of this id already: it was given before, and gets the outcome that it got then.
///
/// # Errors
/// When Temporal does not say.
pub(crate) async fn was_given(session: &Session, subject: &Subject, update_id: &str) -> Result<bool, Status> {
    let request = PollWorkflowExecutionUpdateRequest {
        namespace: session.client.namespace(),
        update_ref: Some(UpdateRef {
            workflow_execution: Some(WorkflowExecution {
                workflow_id: subject.workflow_id.clone(),
                run_id: subject.run_id.clone(),
            }),
            update_id: update_id.to_owned(),
        }),
        identity: session.identity.clone(),
        // No stage to wait for: it answers at once.
        wait_policy: Some(WaitPolicy::default()),
    };
    let mut service = session.client.connection().workflow_service();
    match service.poll_workflow_execution_update(request.into_request()).await {
        Ok(_) => Ok(true),
        Err(status) if status.code() == Code::NotFound => Ok(false),
        Err(status) => Err(status),
    }
}

#[cfg(test)]
mod tests {
    use workflows::saga::Action;

    use super::*;

    fn answer(question: &str, action: Action, reason: &str) -> Answer {
        Answer::new(question, action, reason)
    }

    #[test]
    fn the_same_answer_has_the_same_id_and_another_one_has_another() {
        let first = update_id("r1", &answer("pay", Action::Retry, "back"));
        assert_eq!(first, update_id("r1", &answer("pay", Action::Retry, " back ")));
        let others = [
            update_id("r2", &answer("pay", Action::Retry, "back")),
            update_id("r1", &answer("pay.2", Action::Retry, "back")),
            update_id("r1", &answer("pay", Action::Leave, "back")),
            update_id("r1", &answer("pay", Action::Retry, "back again")),
        ];
        assert!(!others.contains(&first), "{others:?}");
        let long = update_id("r1", &answer("pay", Action::DoneByHand, &"ầ".repeat(500)));
        assert!(long.len() < 100, "{long}");
    }
}
