//! Brings news of a customer to the series of mails.

use std::time::Duration;

use contracts::customers::KeptBack;
use serde_json::json;
use temporalio_common::data_converters::TemporalDeserializable;
use temporalio_common::{HasWorkflowDefinition, UpdateDefinition};
use workflows::customer_onboarding;
use workflows::follow_up_emails::{self, ConsentChanged, FollowUpEmails};

use crate::cli::onboarding::{ConsentArgs, NewsArgs};
use crate::commands::call::Call;
use crate::processes::FOLLOW_UP;
use crate::runs::update::{Sending, Unanswered, Why, send};
use crate::terminal::exit::{Exit, Failure};
use crate::terminal::program::command;

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

/// The place of a name that the caller knows.
const PLACE: &str = "INTEGRATION";

/// `starter onboarding erase`: ends the mails, and says what of the customer is left. A series that has ended already
/// is as good.
pub(crate) async fn erase(call: &Call<'_>, args: NewsArgs) -> Result<Exit, Failure> {
    let customer = args.customer.customer_ref()?;
    let workflow_id = follow_up_emails::workflow_id(&customer);
    let session = call.connect().await?;
    let sending = sending(&workflow_id, args.timeout);
    let sent = send::<FollowUpEmails, _>(&session, call.out, sending, FollowUpEmails::erase, ()).await;
    let answer = match sent {
        Ok(answer) => answer,
        Err(Unanswered { why: Why::Ended, .. }) => "had ended before".to_owned(),
        Err(unanswered) => return Err(unanswered.into()),
    };
    let onboarding = customer_onboarding::workflow_id(&customer);
    let left = [
        "the account at the platform, with its points and coupons: erase it there".to_owned(),
        format!(
            "name and address in the histories of {onboarding}, of {workflow_id} and of the customer's orders: gone \
             with the namespace's retention, or delete the runs once they have ended (temporal workflow delete)"
        ),
        format!(
            "rows about the customer in the object store, where an ERP's records were refused: {}",
            command!("erp quarantine list {}", PLACE)
        ),
    ];
    let news = KeptBack::Erased.words();
    let document = json!({ "workflow_id": workflow_id, "news": news, "answer": answer, "left": left });
    call.out.document(&document, |_| {
        let left: String = left.iter().map(|left| format!("\n  - {left}")).collect();
        format!("follow-up mails: {answer}. Nothing else was touched; still there:{left}")
    })?;
    Ok(Exit::Ok)
}

fn sending(workflow_id: &str, limit: Duration) -> Sending {
    let workflow_id = workflow_id.to_owned();
    Sending { process: Some(&FOLLOW_UP), workflow_id, run_id: None, update_id: None, limit }
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
    let sending = sending(&workflow_id, args.timeout);
    let answer = send::<FollowUpEmails, _>(&session, call.out, sending, update, news).await?;
    let document = json!({ "workflow_id": workflow_id, "news": what, "answer": answer });
    call.out.document(&document, |_| format!("{what}: {answer}"))?;
    Ok(Exit::Ok)
}
