//! What can be asked of an onboarding and its mails, and said to them.

use std::env;

use contracts::customers::KeptBack;
use pseudonym::{KEY_BYTES_MIN, RefKey};
use serde_json::json;
use temporalio_common::data_converters::TemporalDeserializable;
use temporalio_common::{HasWorkflowDefinition, UpdateDefinition};
use workflows::customer_onboarding::{
    CustomerOnboarding, CustomerRegistrationData, search_attributes, workflow_id,
};
use workflows::follow_up_emails::{self, ConsentChanged, FollowUpData, FollowUpEmails};
use workflows::saga::{Answer, CancelRequest};
use workflows::unsubscription::{self, UnsubscriptionData};

use crate::cli::Global;
use crate::cli::onboarding::{CancelArgs, ConsentArgs, CustomerName, NewsArgs, ResolveArgs, WaitArgs};
use crate::connect::connect;
use crate::exit::{Exit, Failure};
use crate::input::{InputError, Plan, check};
use crate::order::say_answered;
use crate::output::Out;
use crate::processes::{FOLLOW_UP, ONBOARDING};
use crate::progress::{self, Talk};
use crate::show;
use crate::update::{Sending, send};

/// The key of the pseudonyms: `SUN_REF_KEY`, or the file that `SUN_REF_KEY_FILE` names.
pub(crate) fn ref_key() -> Result<RefKey, InputError> {
    let setting = |problem: String| {
        InputError::Setting {
        problem,
        fix: "set SUN_REF_KEY, or SUN_REF_KEY_FILE, to the worker's own: customers are named by a pseudonym that it \
              makes"
            .to_owned(),
    }
    };
    let given = |name| env::var(name).ok().filter(|value| !value.trim().is_empty());
    let key = match (given("SUN_REF_KEY"), given("SUN_REF_KEY_FILE")) {
        (Some(_), Some(_)) => {
            return Err(setting(
                "SUN_REF_KEY and SUN_REF_KEY_FILE are both set: keep one of them".to_owned(),
            ));
        }
        (Some(key), None) => key,
        (None, Some(file)) => std::fs::read_to_string(&file)
            .map(|key| key.trim().to_owned())
            .map_err(|error| setting(format!("SUN_REF_KEY_FILE: {file} cannot be read: {error}")))?,
        (None, None) => return Err(setting("SUN_REF_KEY is missing".to_owned())),
    };
    RefKey::new(&key)
        .map_err(|problem| setting(format!("SUN_REF_KEY {problem}; {KEY_BYTES_MIN} are the least")))
}

impl From<InputError> for Failure {
    fn from(error: InputError) -> Self {
        crate::input::refused("the input", &error)
    }
}

/// Checks a registration and says what would be started. Personal data stays out of it.
pub(crate) fn plan(json: &str) -> Result<Plan, InputError> {
    let data: CustomerRegistrationData = check(json)?;
    let customer = ref_key()?.customer_ref(&data.email);
    Ok(Plan {
        workflow_id: workflow_id(&customer),
        summary: format!("Onboarding of customer {customer}"),
        attributes: search_attributes(&customer).into(),
        facts: vec![
            ("customer ref", customer.to_string()),
            ("segments", data.segments().join(", ")),
            ("marketing consent", data.marketing_consent.to_string()),
            ("locale", data.locale.tag().to_owned()),
            ("if registered", data.if_registered.word().to_owned()),
        ],
    })
}

/// What would be started for a series of mails. No command of its own: the onboarding begins it.
pub(crate) fn plan_follow_up(json: &str) -> Result<Plan, InputError> {
    let data: FollowUpData = check(json)?;
    Ok(Plan {
        workflow_id: follow_up_emails::workflow_id(&data.customer_ref),
        summary: format!("Follow-up mails of customer {}", data.customer_ref),
        attributes: follow_up_emails::search_attributes(&data.customer_ref).into(),
        facts: vec![("registered at", data.registered_at.to_string())],
    })
}

/// What would be started for a click in a mail. No command of its own: the worker's door starts it.
pub(crate) fn plan_unsubscription(json: &str) -> Result<Plan, InputError> {
    let data: UnsubscriptionData = check(json)?;
    Ok(Plan {
        workflow_id: unsubscription::workflow_id(&data.customer_ref),
        summary: format!("Customer {} wants no more marketing mail", data.customer_ref),
        attributes: unsubscription::search_attributes(&data.customer_ref).into(),
        facts: vec![("customer ref", data.customer_ref.to_string())],
    })
}

/// `starter onboarding status`.
pub(crate) async fn status(global: &Global, out: &Out, customer: &CustomerName) -> Result<Exit, Failure> {
    show::run(global, out, &customer.workflow_id()?).await
}

/// `starter onboarding watch` and `starter onboarding result`.
pub(crate) async fn watch(global: &Global, out: &Out, args: WaitArgs, talk: Talk) -> Result<Exit, Failure> {
    let workflow_id = args.customer.workflow_id()?;
    let session = connect(global, out).await?;
    let (run, _) = session.find(&workflow_id).await?;
    progress::wait(&run, out, talk, args.timeout).await
}

/// `starter onboarding cancel`.
pub(crate) async fn cancel(global: &Global, out: &Out, args: CancelArgs) -> Result<Exit, Failure> {
    let workflow_id = workflow_id(&args.customer.customer_ref()?);
    let session = connect(global, out).await?;
    let sending = Sending {
        process: &ONBOARDING,
        workflow_id: workflow_id.clone(),
        update_id: None,
        limit: args.timeout,
    };
    let request = CancelRequest { reason: args.reason };
    let update = CustomerOnboarding::cancel_onboarding;
    let accepted = send::<CustomerOnboarding, _>(&session, out, sending, update, request).await?;
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

/// `starter onboarding unsubscribe`.
pub(crate) async fn unsubscribe(global: &Global, out: &Out, args: NewsArgs) -> Result<Exit, Failure> {
    say(global, out, args, FollowUpEmails::unsubscribe, (), KeptBack::Unsubscribed.words()).await
}

/// `starter onboarding consent`.
pub(crate) async fn consent(global: &Global, out: &Out, args: ConsentArgs) -> Result<Exit, Failure> {
    let news = ConsentChanged { marketing_consent: args.marketing };
    let what = if args.marketing { "consent to marketing" } else { KeptBack::NoConsent.words() };
    say(global, out, args.news, FollowUpEmails::consent_changed, news, what).await
}

/// `starter onboarding ordered`.
pub(crate) async fn ordered(global: &Global, out: &Out, args: NewsArgs) -> Result<Exit, Failure> {
    say(global, out, args, FollowUpEmails::first_order_placed, (), KeptBack::Ordered.words()).await
}

/// `starter onboarding erase`.
pub(crate) async fn erase(global: &Global, out: &Out, args: NewsArgs) -> Result<Exit, Failure> {
    say(global, out, args, FollowUpEmails::erase, (), KeptBack::Erased.words()).await
}

/// Brings news to the series of mails, and prints its answer.
async fn say<U>(
    global: &Global,
    out: &Out,
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
    let session = connect(global, out).await?;
    let sending = Sending {
        process: &FOLLOW_UP,
        workflow_id: workflow_id.clone(),
        update_id: None,
        limit: args.timeout,
    };
    let answer = send::<FollowUpEmails, _>(&session, out, sending, update, news).await?;
    let document = json!({ "workflow_id": workflow_id, "news": what, "answer": answer });
    out.document(&document, |_| format!("{what}: {answer}"))?;
    Ok(Exit::Ok)
}

/// `starter onboarding resolve-undo`.
pub(crate) async fn resolve_undo(global: &Global, out: &Out, args: ResolveArgs) -> Result<Exit, Failure> {
    let workflow_id = workflow_id(&args.customer.customer_ref()?);
    let session = connect(global, out).await?;
    let sending = Sending {
        process: &ONBOARDING,
        workflow_id: workflow_id.clone(),
        update_id: None,
        limit: args.timeout,
    };
    let answer = Answer { question: args.step, action: args.action.into(), reason: args.reason };
    let update = CustomerOnboarding::answer;
    let answered = send::<CustomerOnboarding, _>(&session, out, sending, update, answer).await?;
    say_answered(out, &workflow_id, &answered)
}
