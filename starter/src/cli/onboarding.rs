//! `starter onboarding …`

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{ArgAction, Args, Subcommand};
use contracts::values::{CustomerRef, Recipient};
use workflows::{customer_onboarding, follow_up_emails, unsubscription};

use super::duration;
use super::order::{Action, OutcomeName, StartArgs};
use crate::exit::Failure;
use crate::onboarding::ref_key;

#[derive(Subcommand)]
pub(crate) enum OnboardingCommand {
    /// Onboard a customer; starting again while it runs attaches to the same run
    #[command(after_help = "\
The input is the shop's registration as JSON (sample: starter/samples/onboarding.json). It is checked before anything
is sent. The run is named by a pseudonym of the mail address, for which SUN_REF_KEY (or SUN_REF_KEY_FILE) must be the
worker's own. An address that is registered already exits with 5, unless the input says \"if_registered\": \"continue\":
then its account is gone on with, and nothing is given twice. Every field: docs/onboarding.md.

Examples:
  starter onboarding start --input registration.json --wait
  starter onboarding start --input - --dry-run < registration.json")]
    Start(StartArgs),
    /// Show where an onboarding stands, without waiting; with /follow-up behind the pseudonym, its
    /// mails; with /unsubscribe, the customer's click in one of them
    Status {
        /// Pseudonym (16 hex digits), workflow id, or mail address
        customer: CustomerName,
    },
    /// Follow an onboarding's steps to its end, then print the result
    Watch(WaitArgs),
    /// Wait for an onboarding's end and print the result
    Result(WaitArgs),
    /// Stop an onboarding: everything done so far is undone. Refused once the welcome mail is under way
    Cancel(CancelArgs),
    /// The customer wants no more marketing mail: end the follow-up mails and tell the platform
    Unsubscribe(NewsArgs),
    /// The customer agreed to marketing, or no longer does
    Consent(ConsentArgs),
    /// The customer has placed the first order: end the follow-up mails
    Ordered(NewsArgs),
    /// The customer's data is erased: end the follow-up mails
    Erase(NewsArgs),
    /// Answer for a step whose undo is stuck
    ResolveUndo(ResolveArgs),
    /// List onboardings, newest first
    List(OnboardingListArgs),
}

#[derive(Args)]
pub(crate) struct WaitArgs {
    /// Pseudonym (16 hex digits), workflow id, or mail address
    pub(crate) customer: CustomerName,
    /// Give up waiting after this long, such as 10m; the run goes on
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
}

#[derive(Args)]
pub(crate) struct CancelArgs {
    /// Pseudonym (16 hex digits), workflow id, or mail address
    pub(crate) customer: CustomerName,
    /// Why; goes into the report (1 to 500 characters, no personal data)
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) reason: String,
    /// How long to wait for the answer of a worker
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "30s")]
    pub(crate) timeout: Duration,
}

#[derive(Args)]
pub(crate) struct NewsArgs {
    /// Pseudonym (16 hex digits), workflow id, or mail address
    pub(crate) customer: CustomerName,
    /// How long to wait for the answer of a worker
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "30s")]
    pub(crate) timeout: Duration,
}

#[derive(Args)]
pub(crate) struct ConsentArgs {
    #[command(flatten)]
    pub(crate) news: NewsArgs,
    /// Whether the customer agrees to marketing now
    #[arg(long, value_name = "BOOL", action = ArgAction::Set)]
    pub(crate) marketing: bool,
}

#[derive(Args)]
pub(crate) struct ResolveArgs {
    /// Pseudonym (16 hex digits), workflow id, or mail address
    pub(crate) customer: CustomerName,
    /// The step whose undo is stuck, or the part of one; 'starter onboarding status' names it
    #[arg(long, value_name = "NAME")]
    pub(crate) step: String,
    /// What to do about it
    #[arg(long, value_enum)]
    pub(crate) action: Action,
    /// Why; goes into the report
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) reason: String,
    /// How long to wait for the outcome; a retry has the patience of a whole undo
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "20m")]
    pub(crate) timeout: Duration,
}

#[derive(Args)]
pub(crate) struct OnboardingListArgs {
    /// Only this customer's
    #[arg(long, value_name = "NAME")]
    pub(crate) customer: Option<CustomerName>,
    /// The series of follow-up mails instead of the onboardings
    #[arg(long)]
    pub(crate) mails: bool,
    /// Only those that ended like this
    #[arg(long, value_enum)]
    pub(crate) outcome: Option<OutcomeName>,
    /// Only those that wait for somebody to answer 'resolve-undo'
    #[arg(long)]
    pub(crate) needs_human: bool,
    /// Runs at most
    #[arg(long, value_name = "N", default_value = "50")]
    pub(crate) limit: NonZeroUsize,
}

/// A customer, named by the pseudonym, by a workflow id, or by the mail address.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct CustomerName {
    who: Who,
    run: Run,
}

/// Which of a customer's runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Run {
    Onboarding,
    FollowUp,
    Unsubscription,
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
    pub(crate) fn customer_ref(&self) -> Result<CustomerRef, Failure> {
        match &self.who {
            Who::Ref(customer) => Ok(customer.clone()),
            Who::Address(address) => Ok(ref_key().map_err(Failure::from)?.customer_ref(address)),
        }
    }

    /// The workflow id that is meant: of the onboarding, of its mails, or of a click in one of them.
    pub(crate) fn workflow_id(&self) -> Result<String, Failure> {
        let customer = self.customer_ref()?;
        Ok(match self.run {
            Run::Onboarding => customer_onboarding::workflow_id(&customer),
            Run::FollowUp => follow_up_emails::workflow_id(&customer),
            Run::Unsubscription => unsubscription::workflow_id(&customer),
        })
    }
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
            Some((name, "unsubscribe")) => (name, Run::Unsubscription),
            _ => (name, Run::Onboarding),
        };
        let customer = CustomerRef::new(name).ok().filter(|_| name.len() == 16);
        let customer =
            customer.ok_or("give the pseudonym (16 hex digits), the workflow id or the mail address")?;
        Ok(Self { who: Who::Ref(customer), run })
    }
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
        let click = "onboarding/0123456789abcdef/unsubscribe";
        assert_eq!(id("0123456789abcdef/unsubscribe").as_deref(), Some(click));
        for text in
            ["", "0123", "0123456789abcdef/other", "0123456789ABCDEF", "order/ORDER-001", "a/b@example.com"]
        {
            assert!(text.parse::<CustomerName>().is_err(), "{text:?} was taken");
        }
    }

    #[test]
    fn an_address_is_not_shown() {
        let name = "a@example.com".parse::<CustomerName>();
        assert_eq!(format!("{name:?}"), "Ok(CustomerName(hidden))");
    }
}
