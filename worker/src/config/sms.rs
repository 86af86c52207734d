//! The provider that takes the SMS, and how it is reached.

use std::path::PathBuf;
use std::time::Duration;

use activities::http::Credential;
use activities::notification::TwilioEndpoint;
use clap::{Args, ValueEnum};

use super::check::{base_url, secret};
use super::payment::is_readable_by_others;

/// The provider's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SmsProvider {
    /// The message senders' HTTP endpoint.
    Platform,
    /// Twilio's Messages API, or what speaks like it.
    Twilio,
}

/// Who takes the SMS.
#[derive(Debug, Args)]
#[command(next_help_heading = "SMS")]
pub(super) struct SmsArgs {
    /// Who takes the SMS.
    #[arg(long, env = "SUN_SMS_PROVIDER", default_value = "platform", value_enum, value_name = "NAME")]
    sms_provider: SmsProvider,
    /// Who SMS are from: a number such as +14155550100, a sender's name, or a messaging service (MG…).
    #[arg(long, env = "SUN_SMS_FROM", value_name = "SENDER")]
    sms_from: Option<String>,
    /// Twilio's account, AC….
    #[arg(long, env = "SUN_TWILIO_ACCOUNT_SID", value_name = "SID")]
    twilio_account_sid: Option<String>,
    /// Token of that account.
    #[arg(long, env = "SUN_TWILIO_AUTH_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    twilio_auth_token: Option<String>,
    /// File that holds the token.
    #[arg(long, env = "SUN_TWILIO_AUTH_TOKEN_FILE", value_name = "FILE")]
    twilio_auth_token_file: Option<PathBuf>,
    /// Base URL of Twilio's API.
    #[arg(long, env = "SUN_TWILIO_API_URL", default_value = "https://api.twilio.com", value_name = "URL")]
    twilio_api_url: String,
}

impl SmsArgs {
    /// Twilio, if SMS go there.
    pub(super) fn check(
        self,
        (timeout, response_bytes_max): (Duration, usize),
        problems: &mut Vec<String>,
    ) -> Option<TwilioEndpoint> {
        let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let (from, account) = (given(self.sms_from), given(self.twilio_account_sid));
        let token = given(self.twilio_auth_token);
        let is_token_set = token.is_some() || self.twilio_auth_token_file.is_some();
        if self.sms_provider == SmsProvider::Platform {
            for (variable, is_set) in [
                ("SUN_SMS_FROM", from.is_some()),
                ("SUN_TWILIO_ACCOUNT_SID", account.is_some()),
                ("SUN_TWILIO_AUTH_TOKEN", is_token_set),
            ] {
                if is_set {
                    problems.push(format!(
                        "{variable} is set, but SUN_SMS_PROVIDER is platform, so that it would not be used: set \
                         SUN_SMS_PROVIDER to twilio, or remove {variable}"
                    ));
                }
            }
            return None;
        }
        let before = problems.len();
        let base = base_url("SUN_TWILIO_API_URL", &self.twilio_api_url, problems);
        let token = secret("SUN_TWILIO_AUTH_TOKEN", token, self.twilio_auth_token_file, problems);
        for (variable, is_set, what) in [
            ("SUN_SMS_FROM", from.is_some(), "a number such as +14155550100, a sender's name, or MG…"),
            ("SUN_TWILIO_ACCOUNT_SID", account.is_some(), "the account of Twilio's console, AC…"),
            ("SUN_TWILIO_AUTH_TOKEN", is_token_set, "the account's token, or set SUN_TWILIO_AUTH_TOKEN_FILE"),
        ] {
            if !is_set {
                problems
                    .push(format!("{variable} is missing, and SUN_SMS_PROVIDER is twilio: set it to {what}"));
            }
        }
        if account.as_deref().is_some_and(|sid| !is_account(sid)) {
            problems.push(
                "SUN_TWILIO_ACCOUNT_SID is no account of Twilio's: they are AC and 32 hex digits".to_owned(),
            );
        }
        if base.as_ref().is_some_and(is_readable_by_others) {
            problems.push(
                "SUN_TWILIO_API_URL is not https: the token would travel in the open; write it as https://…"
                    .to_owned(),
            );
        }
        let (base, account_sid, from, token) = (base?, account?, from?, token?);
        let auth_token = Credential::new(token);
        let endpoint = TwilioEndpoint { base, account_sid, auth_token, from, timeout, response_bytes_max };
        (problems.len() == before).then_some(endpoint)
    }
}

fn is_account(sid: &str) -> bool {
    sid.strip_prefix("AC").is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|b| b.is_ascii_hexdigit()))
}
