//! Proxies, and who says their names. `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` are read as every program
//! reads them, with two differences: what is on this machine is never asked for through a proxy, and a failure behind
//! one names it.
//!
//! A crate of its own, because the adapters, the object store and the starter all speak HTTP, and none of them stands
//! below the others.

use hyper_util::client::proxy::matcher::Matcher;

/// The proxy that requests to an address (`https://shop.example.com/api`) go through: scheme, host and port, without
/// user and password.
#[must_use]
pub fn before(url: &str) -> Option<String> {
    before_by(url, &Matcher::from_env())
}

/// The same as the end of a failure's text: ` (through the proxy http://proxy.example.com:3128)`, or nothing.
#[must_use]
pub fn on_the_way(url: &str) -> String {
    way(before(url))
}

/// A proxy as the end of a failure's text.
fn way(proxy: Option<String>) -> String {
    proxy.map(|proxy| format!(" (through the proxy {proxy})")).unwrap_or_default()
}

fn before_by(url: &str, matcher: &Matcher) -> Option<String> {
    let host = url.split_once("://")?.1.split(['/', '?', '#']).next()?;
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    // An address of the sixth version stands in brackets.
    let host = match host.split_once(']') {
        Some((address, _)) => address,
        None => host.split(':').next()?,
    };
    if text::is_this_machine(host) {
        return None;
    }
    let proxy = matcher.intercept(&url.parse().ok()?)?;
    let uri = proxy.uri();
    let port = uri.port().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{}://{}{port}", uri.scheme_str().unwrap_or("http"), uri.host()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn before(url: &str) -> Option<String> {
        let matcher = Matcher::builder()
            .http("http://user:hunter2@proxy.example.com:3128")
            .https("https://proxy.example.com")
            .no("erp.example.com")
            .build();
        before_by(url, &matcher)
    }

    /// S5
    #[test]
    fn what_is_on_this_machine_goes_to_no_proxy() {
        for here in [
            "http://127.0.0.1:8484/",
            "http://127.8.8.8/",
            "http://localhost:8484",
            "https://LOCALHOST/",
            "http://user:secret@shop.localhost/",
            "http://[::1]:8484/",
            "http://[::ffff:127.0.0.1]/",
        ] {
            assert_eq!(before(here), None, "{here}");
        }
    }

    #[test]
    fn a_proxy_is_named_without_its_password() {
        assert_eq!(before("http://shop.example.com/").as_deref(), Some("http://proxy.example.com:3128"));
        assert_eq!(before("https://shop.example.com").as_deref(), Some("https://proxy.example.com"));
        assert_eq!(before("http://erp.example.com/"), None, "NO_PROXY");
        assert_eq!(before("no address"), None);
        let said = way(before("http://shop.example.com/"));
        assert_eq!(said, " (through the proxy http://proxy.example.com:3128)");
        assert_eq!(way(None), "");
    }
}
