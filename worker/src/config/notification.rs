//! The senders of mails and SMS. Push messages go by one of the shop's systems (`shop.rs`).

use activities::notification::mail::{self, MailSender};
use activities::notification::sms::{self, SmsSender};
use activities::provider::{Kind, Setting};

use super::providers::{Choice, Port};

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
