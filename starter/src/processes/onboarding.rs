//! Onboardings: what starting one means, how a customer is named, and the key of the pseudonyms.

use std::ffi::OsString;
use std::fmt;
use std::str::FromStr;
use std::{env, fs};

use contracts::values::{CustomerId, CustomerRef, Recipient};
use pseudonym::{KEY_BYTES_MIN, RefKey};
use workflows::customer_onboarding::{self, CustomerRegistrationData};
use workflows::follow_up_emails::{self, FollowUpData};
use workflows::unsubscription::{self, UnsubscriptionData};

use super::name::{Looks, Name, Stoppable};
use super::plan::Plan;
use crate::terminal::input::{InputError, check};

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
    let given = |name: &str| match env::var_os(name).map(OsString::into_string) {
        Some(Ok(value)) => Ok(Some(value).filter(|value| !value.trim().is_empty())),
        Some(Err(_)) => Err(setting(format!("{name} is not UTF-8 text"))),
        None => Ok(None),
    };
    let (variable, written) = match (given("SUN_REF_KEY")?, given("SUN_REF_KEY_FILE")?) {
        (Some(_), Some(_)) => {
            return Err(setting(
                "SUN_REF_KEY and SUN_REF_KEY_FILE are both set: keep one of them".to_owned(),
            ));
        }
        (Some(key), None) => ("SUN_REF_KEY", key),
        (None, Some(file)) => {
            let read = fs::read_to_string(&file);
            let unreadable = |error| setting(format!("SUN_REF_KEY_FILE: {file} cannot be read: {error}"));
            ("SUN_REF_KEY_FILE", read.map_err(unreadable)?)
        }
        (None, None) => return Err(setting("SUN_REF_KEY is missing".to_owned())),
    };
    let key = text::secret(&written)
        .map_err(|refusal| setting(format!("{variable} {}: {}", refusal.problem, refusal.fix)))?;
    RefKey::new(&key)
        .map_err(|problem| setting(format!("SUN_REF_KEY {problem}; {KEY_BYTES_MIN} are the least")))
}

/// Checks a registration and says what would be started. Personal data stays out of it.
pub(crate) fn plan(json: &str) -> Result<Plan, InputError> {
    let data: CustomerRegistrationData = check(json)?;
    let customer = ref_key()?.customer_ref(&data.email);
    Ok(Plan {
        workflow_id: customer_onboarding::workflow_id(&customer),
        summary: format!("Onboarding of customer {customer}"),
        attributes: customer_onboarding::search_attributes(&customer).into(),
        facts: vec![
            ("customer ref", customer.to_string()),
            ("segments", data.segments().join(", ")),
            ("marketing consent", data.marketing_consent.to_string()),
            ("locale", data.locale.tag().to_owned()),
            ("if registered", data.if_registered.word().to_owned()),
        ],
    })
}

/// The start of a series of mails, as it would be made. No command of its own: the onboarding begins it.
pub(crate) fn plan_follow_up(json: &str) -> Result<Plan, InputError> {
    let data: FollowUpData = check(json)?;
    Ok(Plan {
        workflow_id: follow_up_emails::workflow_id(&data.customer_ref),
        summary: format!("Follow-up mails of customer {}", data.customer_ref),
        attributes: follow_up_emails::search_attributes(&data.customer_ref).into(),
        facts: vec![("registered at", data.registered_at.to_string())],
    })
}

/// The start for a click in a mail, as it would be made. No command of its own: the worker's door starts it.
pub(crate) fn plan_unsubscription(json: &str) -> Result<Plan, InputError> {
    let data: UnsubscriptionData = check(json)?;
    Ok(Plan {
        workflow_id: unsubscription::workflow_id(&data.customer_ref, &data.customer_id),
        summary: format!("Customer {} wants no more marketing mail", data.customer_ref),
        attributes: unsubscription::search_attributes(&data.customer_ref).into(),
        facts: vec![("customer ref", data.customer_ref.to_string())],
    })
}

/// A customer, named by the pseudonym, by a workflow id, or by the mail address.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct CustomerName {
    who: Who,
    run: Run,
}

/// Which of a customer's runs.
#[derive(Clone, PartialEq, Eq)]
enum Run {
    Onboarding,
    FollowUp,
    /// Of one account.
    Unsubscription(CustomerId),
}

#[derive(Clone, PartialEq, Eq)]
enum Who {
    Ref(CustomerRef),
    /// Needs the key to become a pseudonym.
    Address(Recipient),
}

impl fmt::Debug for CustomerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CustomerName(hidden)")
    }
}

impl CustomerName {
    /// The pseudonym; for an address the key is read.
    pub(crate) fn customer_ref(&self) -> Result<CustomerRef, InputError> {
        match &self.who {
            Who::Ref(customer) => Ok(customer.clone()),
            Who::Address(address) => Ok(ref_key()?.customer_ref(address)),
        }
    }
}

impl Name for CustomerName {
    const NOUN: &'static str = "onboarding";
    const PLACE: &'static str = "CUSTOMER";
    const HELP: &'static str = "Pseudonym (16 hex digits), workflow id, or mail address";
    const LOOKS: Looks = Looks {
        status: "Show where an onboarding stands, without waiting; with /follow-up behind the pseudonym, its \
                 mails; with /unsubscribe/<customer id>, the customer's click in one of them",
        watch: "Follow an onboarding's steps to its end, then print the result",
        result: "Wait for an onboarding's end and print the result",
    };

    /// Of the onboarding, of its mails, or of a click in one of them.
    fn workflow_id(&self) -> Result<String, InputError> {
        let customer = self.customer_ref()?;
        Ok(match &self.run {
            Run::Onboarding => customer_onboarding::workflow_id(&customer),
            Run::FollowUp => follow_up_emails::workflow_id(&customer),
            Run::Unsubscription(account) => unsubscription::workflow_id(&customer, account),
        })
    }
}

impl Stoppable for CustomerName {
    const UPDATE: &'static str = "cancel_onboarding";
    const CANCEL: &'static str =
        "Stop an onboarding: everything done so far is undone. Refused once the welcome mail is under way";
}

impl FromStr for CustomerName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains('@') && !text.contains('/') {
            return Ok(Self { who: Who::Address(Recipient::new(text)), run: Run::Onboarding });
        }
        let name = text.strip_prefix(customer_onboarding::ID_PREFIX).unwrap_or(text);
        let (name, run) = match name.split_once('/') {
            Some((name, "follow-up")) => (name, Run::FollowUp),
            Some((name, "unsubscribe")) => (name, Run::Unsubscription(account_of(name, "")?)),
            Some((name, rest)) => match rest.strip_prefix("unsubscribe/") {
                Some(account) => (name, Run::Unsubscription(account_of(name, account)?)),
                None => (text, Run::Onboarding),
            },
            None => (name, Run::Onboarding),
        };
        let customer = CustomerRef::new(name).ok().filter(|_| name.len() == 16);
        let customer =
            customer.ok_or("give the pseudonym (16 hex digits), the workflow id or the mail address")?;
        Ok(Self { who: Who::Ref(customer), run })
    }
}

/// The account whose click is meant: an address may have had several.
fn account_of(customer: &str, account: &str) -> Result<CustomerId, String> {
    CustomerId::new(account)
        .map_err(|_| format!("name the account as well: {customer}/unsubscribe/<the platform's customer id>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_is_named_by_pseudonym_or_workflow_id() {
        let id = |text: &str| text.parse::<CustomerName>().ok().and_then(|name| name.workflow_id().ok());
        for text in ["0123456789abcdef", "onboarding/0123456789abcdef"] {
            assert_eq!(id(text).as_deref(), Some("onboarding/0123456789abcdef"));
        }
        for text in ["0123456789abcdef/follow-up", "onboarding/0123456789abcdef/follow-up"] {
            assert_eq!(id(text).as_deref(), Some("onboarding/0123456789abcdef/follow-up"));
        }
        let click = "onboarding/0123456789abcdef/unsubscribe/cus_1";
        for text in ["0123456789abcdef/unsubscribe/cus_1", click] {
            assert_eq!(id(text).as_deref(), Some(click));
        }
        let without = "0123456789abcdef/unsubscribe".parse::<CustomerName>().err().unwrap_or_default();
        assert!(without.contains("0123456789abcdef/unsubscribe/<the platform's customer id>"), "{without}");
        for text in [
            "",
            "0123",
            "0123456789abcdef/unsubscribe/",
            "0123456789abcdef/other",
            "0123456789ABCDEF",
            "order/ORDER-001",
            "a/b@example.com",
        ] {
            assert!(text.parse::<CustomerName>().is_err(), "{text:?} was taken");
        }
    }

    #[test]
    fn an_address_is_not_shown() {
        let name = "a@example.com".parse::<CustomerName>();
        assert_eq!(format!("{name:?}"), "Ok(CustomerName(hidden))");
    }
}
