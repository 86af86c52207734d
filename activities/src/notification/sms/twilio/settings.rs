//! The settings of Twilio.

use std::sync::Arc;

use text::Problem;

use super::{Twilio, TwilioEndpoint};
use crate::http::Credential;
use crate::notification::sms::SmsSender;
use crate::provider::{Given, Kind, Met, Setting, is_readable_by_others, secret};

const FROM: &str = "SUN_SMS_FROM";
const ACCOUNT_SID: &str = "SUN_TWILIO_ACCOUNT_SID";
const AUTH_TOKEN: &str = "SUN_TWILIO_AUTH_TOKEN";
const API_URL: &str = "SUN_TWILIO_API_URL";

/// Twilio's Messages API, or what speaks like it.
pub(in crate::notification::sms) const KIND: Kind<dyn SmsSender> = Kind {
    name: "twilio",
    help: "Twilio's Messages API, or what speaks like it",
    settings: &[
        Setting::text(
            FROM,
            "sms-from",
            "SENDER",
            "Who SMS are from: a number such as +14155550100, a sender's name, or a messaging service (MG…)",
        ),
        Setting::text(ACCOUNT_SID, "twilio-account-sid", "SID", "Twilio's account, AC…"),
        secret!("SUN_TWILIO_AUTH_TOKEN", "twilio-auth-token", "TOKEN", "Token of that account"),
        Setting::text(API_URL, "twilio-api-url", "URL", "Base URL of Twilio's API")
            .or("https://api.twilio.com"),
    ],
    open,
};

fn open(given: &Given<'_>) -> Result<Arc<dyn SmsSender>, Vec<Problem>> {
    let mut met = Met::default();
    let base = met.take(given.api_url(API_URL)).flatten();
    let from = met.take(given.needed(FROM, "a number such as +14155550100, a sender's name, or MG…"));
    let account =
        met.take(given.needed(ACCOUNT_SID, "the account of Twilio's console, AC…").and_then(account));
    let token = met.take(given.needed(AUTH_TOKEN, "the account's token, or set SUN_TWILIO_AUTH_TOKEN_FILE"));
    if base.as_ref().is_some_and(is_readable_by_others) {
        met.add(Problem::new(
            API_URL,
            "is not https, so that the token would travel in the open",
            "write it as https://…",
        ));
    }
    let endpoint =
        base.zip(account).zip(from.zip(token)).map(|((base, account), (from, token))| TwilioEndpoint {
            base,
            account_sid: account.to_owned(),
            auth_token: Credential::new(token),
            from: from.to_owned(),
            timeout: given.timeout,
            response_bytes_max: given.response_bytes_max,
        });
    let twilio = Twilio::new(met.or(endpoint)?).map_err(|error| vec![error.of(AUTH_TOKEN)])?;
    Ok(Arc::new(twilio))
}

fn account(sid: &str) -> Result<&str, Problem> {
    let digits = sid.strip_prefix("AC").unwrap_or_default();
    match digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        true => Ok(sid),
        false => Err(Problem::new(
            ACCOUNT_SID,
            "is not an account of Twilio's",
            "write it as the console shows it: AC and 32 hex digits",
        )),
    }
}
