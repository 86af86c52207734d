//! One picture, from the first address to the last byte.

use std::error::Error as StdError;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{
    ACCEPT, ETAG, HeaderMap, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, LOCATION,
};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use thiserror::Error;

use super::Web;
use super::kept::Kept;
use super::names::{Checked, LookUp, NoWay};
use super::networks::Networks;
use super::server_of;
use crate::catalog::picture::{self, BYTES_MAX};

/// Addresses that one picture may lead through.
const HOPS_MAX: usize = 5;
/// Attempts at a server that is away or cuts its answer off.
const ATTEMPTS: u32 = 3;
/// Bytes by which a picture is told from something else.
const SIGNATURE: usize = 16;

/// Fetches pictures.
pub(super) struct Fetcher {
    http: Client,
    allowed: Networks,
    /// Between two attempts.
    pub(super) pause: Duration,
}

/// A picture's server has answered.
pub(super) enum Fetched {
    /// It is as it was.
    Same,
    /// This is it.
    New { bytes: Vec<u8>, etag: Option<String>, last_modified: Option<String> },
}

/// Why a picture is not there, in words that follow its address.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum NotFetched {
    #[error("is not a web address that can be fetched: {0}")]
    Address(&'static str),
    #[error("its server's name is not known")]
    Name,
    #[error("leads to a private address: SUN_MEDIA_ALLOW names the networks that are allowed")]
    Private,
    #[error("its server cannot be trusted (TLS): its certificate is not one for that name, or has run out")]
    Tls,
    #[error("its server refuses connections")]
    Refused,
    #[error("its server gave no answer in time")]
    Slow,
    #[error("its server answers HTTP {0}")]
    Status(u16),
    #[error("leads through more than {HOPS_MAX} addresses")]
    Redirects,
    #[error("has more than {BYTES_MAX} bytes")]
    TooLarge,
    /// Of the picture's own check.
    #[error("{0}")]
    NoPicture(String),
    #[error("is incomplete: its server cuts it off")]
    Cut,
    #[error("its server cannot be reached")]
    Away,
}

impl NotFetched {
    /// Whether the next attempt may find it otherwise.
    fn may_pass(&self) -> bool {
        match self {
            Self::Status(status) => *status >= 500 || [408, 429].contains(status),
            Self::Name | Self::Refused | Self::Slow | Self::Cut | Self::Away => true,
            _ => false,
        }
    }
}

impl Fetcher {
    pub(super) fn new(allowed: Networks, names: impl LookUp) -> Result<Self, reqwest::Error> {
        let checked = Checked { names: Arc::new(names), allowed: allowed.clone() };
        let http = Client::builder()
            .no_proxy()
            .dns_resolver(Arc::new(checked))
            // Each address is checked before it is asked.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(5))
            .read_timeout(Duration::from_secs(15))
            .timeout(Duration::from_secs(120))
            .pool_max_idle_per_host(1)
            .user_agent(concat!("sunflow/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { http, allowed, pause: Duration::from_secs(1) })
    }

    /// A picture, or word that it is as it was. Each attempt begins at the first byte.
    pub(super) async fn fetch(
        &self,
        web: &Web,
        address: &str,
        kept: Option<&Kept>,
    ) -> Result<Fetched, NotFetched> {
        let mut attempt = 1;
        loop {
            match self.once(web, address, kept).await {
                Err(error) if error.may_pass() && attempt < ATTEMPTS => {
                    tokio::time::sleep(self.pause * attempt).await;
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn once(&self, web: &Web, address: &str, kept: Option<&Kept>) -> Result<Fetched, NotFetched> {
        let mut url: Url = address.parse().map_err(|_| NotFetched::Address("it cannot be read"))?;
        for _ in 0..HOPS_MAX {
            let server = self.check(&url)?;
            let turn = web.turn(&server);
            let _turn = turn.lock().await;
            let request = conditions(self.http.get(url.clone()).header(ACCEPT, "image/*"), kept);
            let response = request.send().await.map_err(|error| cause(&error))?;
            let status = response.status();
            if status == StatusCode::NOT_MODIFIED {
                return Ok(Fetched::Same);
            }
            if status.is_redirection() {
                url = next(&url, response.headers()).ok_or(NotFetched::Status(status.as_u16()))?;
                continue;
            }
            if !status.is_success() {
                return Err(NotFetched::Status(status.as_u16()));
            }
            return whole(response).await;
        }
        Err(NotFetched::Redirects)
    }

    /// Checks an address before it is asked; a name is checked by its addresses when it is looked up.
    fn check(&self, url: &Url) -> Result<String, NotFetched> {
        if !["http", "https"].contains(&url.scheme()) {
            return Err(NotFetched::Address("it begins with neither http:// nor https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(NotFetched::Address("it holds a name or a password"));
        }
        let host = url.host_str().ok_or(NotFetched::Address("it names no server"))?;
        let literal: Result<IpAddr, _> = host.trim_matches(['[', ']']).parse();
        if literal.is_ok_and(|address| !self.allowed.allow(address)) {
            return Err(NotFetched::Private);
        }
        server_of(url).ok_or(NotFetched::Address("it names no server"))
    }
}

fn conditions(request: RequestBuilder, kept: Option<&Kept>) -> RequestBuilder {
    let Some(kept) = kept else { return request };
    let pairs = [(IF_NONE_MATCH, &kept.etag), (IF_MODIFIED_SINCE, &kept.last_modified)];
    let given = pairs.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
    given.fold(request, |request, (name, value)| request.header(name, value))
}

fn header(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

fn next(url: &Url, headers: &HeaderMap) -> Option<Url> {
    url.join(&header(headers, LOCATION)?).ok()
}

/// Reads an answer to its end, and no further than a picture may be long.
async fn whole(mut response: Response) -> Result<Fetched, NotFetched> {
    if response.content_length().is_some_and(|bytes| bytes > BYTES_MAX) {
        return Err(NotFetched::TooLarge);
    }
    let (etag, last_modified) = (header(response.headers(), ETAG), header(response.headers(), LAST_MODIFIED));
    let mut bytes: Vec<u8> = Vec::new();
    let mut is_told = false;
    while let Some(chunk) = response.chunk().await.map_err(|error| cause(&error))? {
        if (bytes.len() + chunk.len()) as u64 > BYTES_MAX {
            return Err(NotFetched::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
        if !is_told && bytes.len() >= SIGNATURE {
            picture::begins(&bytes).map_err(NotFetched::NoPicture)?;
            is_told = true;
        }
    }
    match picture::check(&bytes) {
        Ok(_) => Ok(Fetched::New { bytes, etag, last_modified }),
        // A server that does not say how long its answer is may have lost the end of it.
        Err(why) if why == picture::INCOMPLETE => Err(NotFetched::Cut),
        Err(why) => Err(NotFetched::NoPicture(why)),
    }
}

/// Whether an error is one of TLS, or holds one. The cause of an error of input and output is not its source.
fn is_of_tls(error: &(dyn StdError + 'static)) -> bool {
    let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    error.is::<rustls::Error>() || held.is_some_and(|held| is_of_tls(held))
}

/// Why a request failed. The error itself holds the address.
fn cause(error: &reqwest::Error) -> NotFetched {
    let mut next = StdError::source(error);
    while let Some(inner) = next {
        if let Some(way) = inner.downcast_ref::<NoWay>() {
            return match way {
                NoWay::Unknown => NotFetched::Name,
                NoWay::Private => NotFetched::Private,
            };
        }
        let io = inner.downcast_ref::<io::Error>();
        if is_of_tls(inner) {
            return NotFetched::Tls;
        }
        if io.is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
            return NotFetched::Refused;
        }
        next = inner.source();
    }
    match error {
        error if error.is_timeout() => NotFetched::Slow,
        error if error.is_connect() => NotFetched::Away,
        _ => NotFetched::Cut,
    }
}
