//! `starter onboarding …`

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::{ArgAction, Args, Subcommand};

use super::shared::{Look, OutcomeName, Say, StartArgs, duration};
use crate::processes::onboarding::CustomerName;

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
    #[command(flatten)]
    Look(Look<CustomerName>),
    #[command(flatten)]
    Say(Say<CustomerName>),
    /// The customer wants no more marketing mail: end the follow-up mails and tell the platform
    Unsubscribe(NewsArgs),
    /// The customer agreed to marketing, or no longer does
    Consent(ConsentArgs),
    /// The customer has placed the first order: end the follow-up mails
    Ordered(NewsArgs),
    /// The customer asks for erasure: end the follow-up mails, and say what is left to erase elsewhere
    Erase(NewsArgs),
    /// List onboardings, newest first
    List(OnboardingListArgs),
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
    /// Only those that wait for a person's answer
    #[arg(long)]
    pub(crate) needs_human: bool,
    /// Runs at most
    #[arg(long, value_name = "N", default_value = "50")]
    pub(crate) limit: NonZeroUsize,
}
