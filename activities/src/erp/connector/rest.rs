//! The connector of the seed's style: log in for a token, read what changed page by page.
//!
//! `POST {endpoint}/auth`, `GET {endpoint}/{entity}?updated_since&cursor&limit` and `GET
//! {endpoint}/{entity}/keys?cursor&limit`, all ours (the seed names methods, no paths). Pages are ordered by change and
//! id, and a cursor names both, so that records of one moment are not lost between two pages.

mod record;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use super::{Erp, Keys, KeysAsk, Page, PageAsk};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Url};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use settings::Settings;

use crate::erp::credentials::ErpCredential;
use crate::http::channel::{Answer, Channel, Peer};
use crate::http::{CallError, Credential, Wrong, envelope, refusal};

struct Rest {
    channel: Channel,
    base: Url,
    username: String,
    password: Credential,
    settings: Settings,
    /// Held while somebody logs in, so that a token that expired under many requests is asked for once.
    token: tokio::sync::Mutex<Option<Arc<HeaderValue>>>,
}

pub(super) fn open(
    endpoint: &str,
    credential: &ErpCredential,
    timeout: Duration,
) -> Result<Arc<dyn Erp>, String> {
    let base = Url::parse(endpoint).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let base = base.ok_or("erp_endpoint is not an HTTP address, which the connector 'rest' needs")?;
    super::only_private(&base)?;
    let settings = Settings::read(&credential.options)?;
    let peer = Peer {
        system: "erp",
        base: &base,
        names: credential.names(),
        is_own: envelope::of_the_platform,
        timeout: settings.timeout.unwrap_or(timeout),
        response_bytes_max: settings.response_bytes_max,
    };
    let channel = Channel::open(peer, None).map_err(|error| error.to_string())?;
    Ok(Arc::new(Rest {
        channel,
        base,
        username: credential.username.clone(),
        password: credential.password.clone(),
        settings,
        token: tokio::sync::Mutex::default(),
    }))
}

#[derive(Serialize)]
struct LogInBody<'a> {
    username: &'a str,
    password: &'a str,
}

#[derive(Deserialize)]
struct Envelope<T> {
    data: T,
}

#[derive(Deserialize)]
struct Token {
    token: String,
}

#[derive(Deserialize)]
struct Records {
    records: Vec<Box<RawValue>>,
    #[serde(default)]
    next_cursor: Option<Word>,
}

/// A page of natural keys, and of the ERP's own ids.
#[derive(Deserialize)]
struct KeyRows {
    keys: Vec<KeyRow>,
    #[serde(default)]
    next_cursor: Option<Word>,
}

#[derive(Deserialize)]
struct KeyRow {
    #[serde(default)]
    id: Option<Word>,
    #[serde(default)]
    key: Option<Word>,
}

/// A text, or a number, which is taken with the digits that it is written with.
#[derive(Deserialize)]
#[serde(try_from = "Box<RawValue>")]
struct Word(String);

impl TryFrom<Box<RawValue>> for Word {
    type Error = String;

    fn try_from(value: Box<RawValue>) -> Result<Self, String> {
        let written = value.get();
        if let Ok(text) = serde_json::from_str(written) {
            return Ok(Self(text));
        }
        let is_number = serde_json::from_str::<serde_json::Number>(written).is_ok();
        if is_number { Ok(Self(written.to_owned())) } else { Err("neither a text nor a number".to_owned()) }
    }
}

impl Word {
    fn text(word: Option<Self>) -> Option<String> {
        word.map(|Self(text)| text)
    }
}

impl Rest {
    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    /// The token in use; another one when it is `worn`.
    async fn token(&self, worn: Option<&Arc<HeaderValue>>) -> Result<Arc<HeaderValue>, CallError> {
        let mut token = self.token.lock().await;
        if let Some(token) = token.as_ref()
            && worn.is_none_or(|worn| !Arc::ptr_eq(worn, token))
        {
            return Ok(token.clone());
        }
        let body = LogInBody { username: &self.username, password: self.password.reveal() };
        let body = serde_json::to_vec(&body).map_err(|error| self.channel.other_shape(&error))?;
        let request = self
            .channel
            .request(Method::POST, self.url(&["auth"]))
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(body);
        let Envelope { data: Token { token: given } } = self.read(self.channel.call(request).await?)?;
        let mut header = HeaderValue::from_str(&format!("Bearer {given}"))
            .map_err(|_| self.channel.unknown("a token that cannot be sent"))?;
        header.set_sensitive(true);
        Ok(token.insert(Arc::new(header)).clone())
    }

    async fn get(&self, url: &Url) -> Result<Answer, CallError> {
        self.settings.turn().await;
        let token = self.token(None).await?;
        let ask = |token: &Arc<HeaderValue>| {
            let request = self.channel.request(Method::GET, url.clone());
            self.channel.call(request.header(AUTHORIZATION, HeaderValue::clone(token)))
        };
        match ask(&token).await {
            // The token has expired: another one, once.
            Err(error) if error.is_not_let_in() => ask(&self.token(Some(&token)).await?).await,
            answer => answer,
        }
    }

    fn read<T: for<'de> Deserialize<'de>>(&self, answer: Answer) -> Result<Envelope<T>, CallError> {
        if !answer.status.is_success() {
            let said = serde_json::from_slice(&answer.body).unwrap_or_default();
            let refusal = Box::new(refusal(answer.status, &said));
            if refusal.is_about_the_path() {
                return Err(self.channel.of_somebody_else(answer.status));
            }
            return Err(CallError::Refused { system: self.channel.system(), refusal });
        }
        serde_json::from_slice(&answer.body).map_err(|error| self.channel.other_shape(&error))
    }

    async fn read_page(&self, ask: &PageAsk<'_>) -> Result<Page, CallError> {
        let mut url = self.url(&[ask.entity.name()]);
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("limit", &ask.limit.to_string());
            if let Some(since) = ask.since {
                query.append_pair("updated_since", &since.to_string());
            }
            if let Some(cursor) = ask.cursor {
                query.append_pair("cursor", cursor);
            }
        }
        let read = self.read(self.get(&url).await?);
        let Envelope { data: Records { records, next_cursor } } =
            read.map_err(|error| refused(ask, error))?;
        // A record that does not say when it changed stands where its neighbour does.
        let mut near = ask.since.unwrap_or(Timestamp::UNIX_EPOCH);
        let mut sourced = Vec::with_capacity(records.len());
        for record in &records {
            let record = record::sourced(record, near, self.settings.zone.as_ref());
            near = record.changed_at;
            sourced.push(record);
        }
        Ok(Page { records: sourced, next: Word::text(next_cursor), ..Page::default() })
    }

    async fn read_keys(&self, ask: &KeysAsk<'_>) -> Result<Keys, CallError> {
        let mut url = self.url(&[ask.entity.name(), "keys"]);
        url.query_pairs_mut().append_pair("limit", &ask.limit.to_string());
        if let Some(cursor) = ask.cursor {
            url.query_pairs_mut().append_pair("cursor", cursor);
        }
        let Envelope { data: KeyRows { keys, next_cursor } } = match self.read(self.get(&url).await?) {
            Err(error) if is_not_there(&error) => {
                let why = format!(
                    "it has no list of keys (GET {}/keys), without which nobody sees what is gone: give it one, or set \
                     deletions.action to ignore",
                    ask.entity.name()
                );
                return Err(self.channel.unusable(why));
            }
            read => read?,
        };
        let is_id = ask.field == "id";
        let keys = keys.into_iter().map(|row| Word::text(if is_id { row.id } else { row.key })).collect();
        Ok(Keys { keys, next: Word::text(next_cursor) })
    }
}

impl Erp for Rest {
    fn kind(&self) -> &'static str {
        "rest"
    }

    fn log_in(&self) -> BoxFuture<'_, Result<(), CallError>> {
        async {
            let worn = self.token.lock().await.clone();
            self.token(worn.as_ref()).await.map(drop)
        }
        .boxed()
    }

    fn page<'a>(&'a self, ask: &'a PageAsk<'a>) -> BoxFuture<'a, Result<Page, CallError>> {
        self.read_page(ask).boxed()
    }

    fn keys<'a>(&'a self, ask: &'a KeysAsk<'a>) -> BoxFuture<'a, Result<Keys, CallError>> {
        self.read_keys(ask).boxed()
    }
}

/// Whether the ERP has no such list, in its own words or in those of what serves it.
fn is_not_there(error: &CallError) -> bool {
    error.refusal().is_some_and(|refusal| refusal.status == 404)
        || matches!(error, CallError::Setting { wrong: Wrong::Path(_), .. })
}

/// A refusal of a page, with what was asked: the ERP's code alone says little.
fn refused(ask: &PageAsk<'_>, error: CallError) -> CallError {
    let CallError::Refused { system, refusal } = error else { return error };
    let (entity, limit) = (ask.entity.name(), ask.limit);
    let since = ask.since.map_or(String::new(), |since| format!(", updated_since={since}"));
    let code = match refusal.code.as_str() {
        "UNSPECIFIED" => "without a code".to_owned(),
        code => format!("with code {code}"),
    };
    let why = format!(
        "it refuses GET {entity} with limit={limit}{since}: HTTP {} {code}; if the limit is what it dislikes, set \
         page_size",
        refusal.status
    );
    CallError::Unusable { system, why }
}
