//! SMS by Twilio's Messages API.
//!
//! | what came back | what it is |
//! |---|---|
//! | 201 | accepted; `sid` is the id |
//! | 4xx with a code of `REFUSED`: the recipient or the text | an outcome: this SMS will never be taken |
//! | any other 4xx of Twilio's own | an outage that a setting mends, which the failure names |
//! | 429 | put off, tried again after `Retry-After` |
//! | timeout, 5xx, an answer that is none | nobody knows: looked up, then tried again; after two silences `no_reply` |
//!
//! Twilio knows no idempotency keys. So before each message the last ones to the recipient are listed, and one with the
//! same text is taken for the one that was asked for: our texts name their order. No attempt leaves that out, because
//! none knows that it is the first: a local activity whose worker died begins again at one. Not covered, and then the
//! SMS arrives twice, but not more often: a request that is still on its way when the look-up comes, a list that does
//! not show a new
//! message yet, and an account whose messages Twilio rewrites or redacts.

mod settings;

use std::sync::Arc;
use std::time::Duration;

use contracts::notification::{Delivery, SendSms};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Url};
use serde::Deserialize;

use super::SmsSender;
use crate::http::channel::{Answer, Channel, Login, Peer};
use crate::http::{ApiError, CallError, Credential, Names, Wrong, envelope};
use crate::notification::attempt::{Attempt, DOUBTS_MAX, Doubts, UnderWay, no_reply};
pub(super) use settings::KIND;

const SYSTEM: &str = "sms";
/// Newest first; nobody gets more of ours while one is being retried.
const LOOK_BACK: &str = "100";

/// Codes that are about the recipient or the text: no number, unreachable, not verified for a trial account, a region
/// that the account does not send to, unsubscribed, not possible from this sender, no mobile, too long, a landline.
const REFUSED: [u32; 10] = [21211, 21214, 21217, 21219, 21408, 21610, 21612, 21614, 21617, 21635];

/// Where Twilio is, and as whom it is spoken to.
#[derive(Clone, Debug)]
pub struct TwilioEndpoint {
    /// Base URL; paths are appended after `/2010-04-01`.
    pub base: Url,
    /// `AC…`
    pub account_sid: String,
    /// The account's token.
    pub auth_token: Credential,
    /// A number in the international form, a sender's name, or a messaging service (`MG…`).
    pub from: String,
    /// Limit of one request, from connecting to the last byte.
    pub timeout: Duration,
    /// Largest answer that is read, in bytes.
    pub response_bytes_max: usize,
}

/// A client of Twilio; cheap to clone, connections are pooled.
#[derive(Clone, Debug)]
pub struct Twilio {
    base: Url,
    account_sid: String,
    from: String,
    channel: Channel,
    under_way: Arc<UnderWay>,
    /// SMS that were handed over without an answer, by key.
    doubts: Arc<Doubts>,
}

#[derive(Deserialize)]
struct Message {
    sid: String,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    direction: Option<String>,
    #[serde(default)]
    status: Option<String>,
}

#[derive(Deserialize)]
struct Messages {
    messages: Vec<Message>,
}

/// The part of an error that is read; its message is not, it names the recipient.
#[derive(Default, Deserialize)]
struct ErrorBody {
    #[serde(default)]
    code: u32,
}

impl SmsSender for Twilio {
    fn system(&self) -> &'static str {
        SYSTEM
    }

    fn health(&self) -> BoxFuture<'_, Result<(), CallError>> {
        self.ask_for_account().boxed()
    }

    fn knows_keys(&self) -> bool {
        false
    }

    fn send<'a>(
        &'a self,
        sms: &'a SendSms,
        text: &'a str,
        attempt: Attempt<'a>,
    ) -> BoxFuture<'a, Result<Delivery, CallError>> {
        self.send_once(sms, text, attempt).boxed()
    }
}

fn not_sent(why: &str) -> CallError {
    CallError::NotSent { system: SYSTEM, why: why.to_owned() }
}

impl Twilio {
    /// Sets up a client.
    ///
    /// # Errors
    /// When the token cannot be sent or the HTTP client cannot be set up.
    pub fn new(endpoint: TwilioEndpoint) -> Result<Self, ApiError> {
        let TwilioEndpoint { base, account_sid, auth_token, from, timeout, response_bytes_max } = endpoint;
        let login = Login::Basic { user: &account_sid, password: &auth_token };
        let peer = Peer {
            system: SYSTEM,
            base: &base,
            names: Names::of("SUN_TWILIO_API_URL", "SUN_TWILIO_ACCOUNT_SID and SUN_TWILIO_AUTH_TOKEN"),
            is_own: envelope::of_twilio,
            timeout,
            response_bytes_max,
        };
        let channel = Channel::open(peer, Some(login))?;
        Ok(Self { base, account_sid, from, channel, under_way: Arc::default(), doubts: Arc::default() })
    }

    /// Asks whether Twilio is there and knows the account.
    async fn ask_for_account(&self) -> Result<(), CallError> {
        let mut url = self.url("");
        url.set_path(&format!("{}.json", url.path().trim_end_matches('/')));
        let Answer { status, body, .. } = self.channel.call(self.channel.request(Method::GET, url)).await?;
        if status.is_success() { Ok(()) } else { Err(self.setting(&body)) }
    }

    /// Sends, unless an attempt before did, or still does.
    async fn send_once(
        &self,
        sms: &SendSms,
        text: &str,
        attempt: Attempt<'_>,
    ) -> Result<Delivery, CallError> {
        let Some(_turn) = self.under_way.begin(sms.key.as_str()) else {
            return Err(not_sent("an attempt before is still sending it"));
        };
        if let Some(sid) = self.find(sms, text).await? {
            self.doubts.forget(sms.key.as_str());
            return Ok(Delivery::Accepted { message_id: Some(sid) });
        }
        let doubts = self.doubts.of(sms.key.as_str()).max(attempt.doubts());
        if doubts >= DOUBTS_MAX {
            return Ok(no_reply());
        }
        let sender = if self.from.starts_with("MG") { "MessagingServiceSid" } else { "From" };
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("To", sms.to.reveal()), (sender, self.from.as_str()), ("Body", text)])
            .finish();
        let request = self
            .channel
            .request(Method::POST, self.url("Messages.json"))
            .header(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"))
            .body(form);
        attempt.may_hand_over(self.channel.timeout()).map_err(not_sent)?;
        attempt.tell(doubts + 1).await;
        // It ends before Temporal begins another attempt.
        let limit = attempt.limits(self.channel.timeout()).talk;
        let answer = tokio::time::timeout(limit, self.channel.call(request)).await;
        let answer =
            answer.unwrap_or_else(|_| Err(self.channel.unknown(format!("no answer within {limit:?}"))));
        let is_silence = answer.as_ref().is_err_and(CallError::is_silence);
        if is_silence {
            self.doubts.note(sms.key.as_str(), doubts + 1);
        } else {
            attempt.tell(doubts).await;
        }
        let Answer { status, body, .. } = answer?;
        if status.is_success() {
            let Message { sid, .. } = self.read(&body)?;
            return Ok(Delivery::Accepted { message_id: Some(sid) });
        }
        let ErrorBody { code } = serde_json::from_slice(&body).unwrap_or_default();
        if REFUSED.contains(&code) {
            return Ok(Delivery::Refused { code: code.to_string() });
        }
        Err(self.setting(&body))
    }

    /// A message of this text to this recipient. A trial account puts words of its own before the text.
    async fn find(&self, sms: &SendSms, text: &str) -> Result<Option<String>, CallError> {
        let mut url = self.url("Messages.json");
        url.query_pairs_mut().append_pair("To", sms.to.reveal()).append_pair("PageSize", LOOK_BACK);
        let Answer { status, body, .. } = self.channel.call(self.channel.request(Method::GET, url)).await?;
        if !status.is_success() {
            return Err(self.setting(&body));
        }
        let Messages { messages } = self.read(&body)?;
        for message in messages {
            let is_the_text =
                message.body.as_deref().is_some_and(|body| body.trim_end().ends_with(text.trim_end()));
            if is_the_text && self.is_outbound(&message)? && self.is_on_its_way(&message)? {
                return Ok(Some(message.sid));
            }
        }
        Ok(None)
    }

    /// Whether a message went to the recipient, rather than came from there. One that does not say so did: only those
    /// to the recipient were asked for.
    fn is_outbound(&self, message: &Message) -> Result<bool, CallError> {
        match message.direction.as_deref() {
            None | Some("outbound-api" | "outbound-call" | "outbound-reply") => Ok(true),
            Some("inbound") => Ok(false),
            Some(direction) => Err(self.channel.new_word("an SMS in a direction", direction)),
        }
    }

    /// Whether a message went out, or will. One that failed did not reach anybody, so it keeps none from being sent.
    ///
    /// <https://www.twilio.com/docs/messaging/api/message-resource#message-status-values>
    fn is_on_its_way(&self, message: &Message) -> Result<bool, CallError> {
        match message.status.as_deref() {
            None | Some("accepted" | "scheduled" | "queued" | "sending" | "sent" | "delivered" | "read") => {
                Ok(true)
            }
            Some("failed" | "undelivered" | "canceled") => Ok(false),
            Some(status) => Err(self.channel.new_word("an SMS in a state", status)),
        }
    }

    fn read<'b, T: Deserialize<'b>>(&self, body: &'b [u8]) -> Result<T, CallError> {
        serde_json::from_slice(body).map_err(|error| self.channel.other_shape(&error))
    }

    fn setting(&self, body: &[u8]) -> CallError {
        let ErrorBody { code } = serde_json::from_slice(body).unwrap_or_default();
        let fix = match code {
            20404 => "it knows no such account: correct SUN_TWILIO_ACCOUNT_SID".to_owned(),
            21603 | 21606 | 21611 | 21613 | 21659..=21661 | 21701..=21711 => {
                format!("it does not take the sender ({code}): correct SUN_SMS_FROM")
            }
            code => format!(
                "code {code}, see twilio.com/docs/errors/{code}: correct SUN_SMS_FROM, SUN_TWILIO_ACCOUNT_SID or the \
                 account"
            ),
        };
        self.channel.setting(Wrong::Other, fix)
    }

    fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["2010-04-01", "Accounts", &self.account_sid]);
            segments.extend((!path.is_empty()).then_some(path));
        }
        url
    }
}
