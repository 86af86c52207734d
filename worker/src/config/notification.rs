//! The senders of mails and SMS, and which mails are sent at all. Push messages go by one of the shop's systems
//! (`shop.rs`).

use std::collections::BTreeSet;

use activities::notification::mail::{self, MailSender};
use activities::notification::sms::{self, SmsSender};
use activities::provider::{Kind, Setting};
use clap::Args;
use contracts::notification::OrderMail;
use text::Problem;

use super::problems::Problems;
use super::providers::{Choice, Port};

const ORDER_MAILS: &str = "SUN_ORDER_MAILS";
const ALL: &str = "all";
const NONE: &str = "none";

/// Mails about orders.
#[derive(Debug, Args)]
#[command(next_help_heading = "Mails about orders")]
pub(super) struct OrderMailArgs {
    /// The mails about an order that Sunflow writes, with commas between: confirmation, awaiting_payment, declined,
    /// expired, cancelled, refunded; or all, or none. The shop writes the others itself. SMS and push messages are sent
    /// all the same.
    #[arg(long, env = "SUN_ORDER_MAILS", default_value = ALL, value_name = "KINDS")]
    order_mails: String,
}

impl OrderMailArgs {
    /// The mails that are written here.
    pub(super) fn check(&self, problems: &mut Problems) -> BTreeSet<OrderMail> {
        match self.order_mails.trim() {
            ALL | "" => BTreeSet::from(OrderMail::ALL),
            NONE => BTreeSet::new(),
            kinds => kinds.split(',').filter_map(|kind| problems.take(kind_of(kind.trim()))).collect(),
        }
    }
}

fn kind_of(name: &str) -> Result<OrderMail, Problem> {
    OrderMail::from_name(name).ok_or_else(|| {
        let known = OrderMail::ALL.map(OrderMail::name).join(", ");
        let what = format!("has '{name}', which is not a mail about an order");
        Problem::new(
            ORDER_MAILS,
            what,
            format!("write some of {known} with commas between, or {ALL}, or {NONE}"),
        )
    })
}

/// The senders of mails.
pub(super) struct MailPort;

impl Port for MailPort {
    type Provider = dyn MailSender;
    const HEADING: &'static str = "Mail";
    const CHOICE: Choice = Choice::BySetting;
    const KINDS: &'static [Kind<dyn MailSender>] = mail::KINDS;
}

/// The senders of SMS.
pub(super) struct SmsPort;

impl Port for SmsPort {
    type Provider = dyn SmsSender;
    const HEADING: &'static str = "SMS";
    const CHOICE: Choice =
        Choice::Named(Setting::text("SUN_SMS_PROVIDER", "sms-provider", "NAME", "Who takes the SMS"));
    const KINDS: &'static [Kind<dyn SmsSender>] = sms::KINDS;
}
