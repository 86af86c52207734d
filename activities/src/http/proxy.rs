//! Proxies before the outside systems ([`::proxy`]).

use reqwest::{Client, ClientBuilder, Url};

use crate::provider::is_loopback;

/// A client's beginnings, for a system at `base`.
pub fn client_for(base: &Url) -> ClientBuilder {
    match is_loopback(base) {
        true => Client::builder().no_proxy(),
        false => Client::builder(),
    }
}

/// The proxy that requests to `base` go through, as the end of a failure's text; nothing, if there is none.
#[must_use]
pub fn on_the_way(base: &Url) -> String {
    ::proxy::on_the_way(base.as_str())
}
