//! Brings news of a customer to the series of mails.

use contracts::customers::KeptBack;
use serde_json::json;
use temporalio_common::data_converters::TemporalDeserializable;
use temporalio_common::{HasWorkflowDefinition, UpdateDefinition};
use workflows::follow_up_emails::{self, ConsentChanged, FollowUpEmails};

use crate::cli::onboarding::{ConsentArgs, NewsArgs};
use crate::commands::call::Call;
use crate::processes::FOLLOW_UP;
use crate::runs::update::{Sending, send};
use crate::terminal::exit::{Exit, Failure};

/// `starter onboarding unsubscribe`.
pub(crate) async fn unsubscribe(call: &Call<'_>, args: NewsArgs) -> Result<Exit, Failure> {
    say(call, args, FollowUpEmails::unsubscribe, (), KeptBack::Unsubscribed.words()).await
}

/// `starter onboarding consent`.
pub(crate) async fn consent(call: &Call<'_>, args: ConsentArgs) -> Result<Exit, Failure> {
    let news = ConsentChanged { marketing_consent: args.marketing };
    let what = if args.marketing { "consent to marketing" } else { KeptBack::NoConsent.words() };
    say(call, args.news, FollowUpEmails::consent_changed, news, what).await
}

/// `starter onboarding ordered`.
pub(crate) async fn ordered(call: &Call<'_>, args: NewsArgs) -> Result<Exit, Failure> {
    say(call, args, FollowUpEmails::first_order_placed, (), KeptBack::Ordered.words()).await
}

/// `starter onboarding erase`.
pub(crate) async fn erase(call: &Call<'_>, args: NewsArgs) -> Result<Exit, Failure> {
    say(call, args, FollowUpEmails::erase, (), KeptBack::Erased.words()).await
}

/// Brings news to the series of mails, and prints its answer.
async fn say<U>(
    call: &Call<'_>,
    args: NewsArgs,
    update: U,
    news: U::Input,
    what: &str,
) -> Result<Exit, Failure>
where
    U: UpdateDefinition<Workflow = <FollowUpEmails as HasWorkflowDefinition>::Run, Output = String>,
    U::Input: Send,
    U::Output: TemporalDeserializable + 'static,
{
    let workflow_id = follow_up_emails::workflow_id(&args.customer.customer_ref()?);
    let session = call.connect().await?;
    let sending = Sending {
        process: Some(&FOLLOW_UP),
        workflow_id: workflow_id.clone(),
        run_id: None,
        update_id: None,
        limit: args.timeout,
    };
    let answer = send::<FollowUpEmails, _>(&session, call.out, sending, update, news).await?;
    let document = json!({ "workflow_id": workflow_id, "news": what, "answer": answer });
    call.out.document(&document, |_| format!("{what}: {answer}"))?;
    Ok(Exit::Ok)
}
