//! Proxies. `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` are read as every program reads them, with two
//! differences: what is on this machine is never asked for through a proxy, and a failure behind one names it.

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{Client, ClientBuilder, Url};

use crate::provider::is_loopback;

/// A client's beginnings, for a system at `base`.
pub fn client_for(base: &Url) -> ClientBuilder {
    match is_loopback(base) {
        true => Client::builder().no_proxy(),
        false => Client::builder(),
    }
}

/// The proxy that requests to `base` go through: scheme, host and port, without user and password.
#[must_use]
pub fn before(base: &Url) -> Option<String> {
    before_by(base, &Matcher::from_env())
}

fn before_by(base: &Url, matcher: &Matcher) -> Option<String> {
    if is_loopback(base) {
        return None;
    }
    let proxy = matcher.intercept(&base.as_str().parse().ok()?)?;
    let uri = proxy.uri();
    let port = uri.port().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{}://{}{port}", uri.scheme_str().unwrap_or("http"), uri.host()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn before(base: &str) -> Option<String> {
        let matcher = Matcher::builder()
            .http("http://user:hunter2@proxy.example.com:3128")
            .https("https://proxy.example.com")
            .no("erp.example.com")
            .build();
        before_by(&base.parse().expect("a URL"), &matcher)
    }

    /// S5
    #[test]
    fn what_is_on_this_machine_goes_to_no_proxy() {
        for here in [
            "http://127.0.0.1:8484/",
            "http://127.8.8.8/",
            "http://localhost:8484/",
            "https://LOCALHOST/",
            "http://shop.localhost/",
            "http://[::1]:8484/",
            "http://[::ffff:127.0.0.1]/",
        ] {
            assert_eq!(before(here), None, "{here}");
        }
    }

    #[test]
    fn a_proxy_is_named_without_its_password() {
        assert_eq!(before("http://shop.example.com/").as_deref(), Some("http://proxy.example.com:3128"));
        assert_eq!(before("https://shop.example.com/").as_deref(), Some("https://proxy.example.com"));
        assert_eq!(before("http://erp.example.com/"), None, "NO_PROXY");
    }
}
