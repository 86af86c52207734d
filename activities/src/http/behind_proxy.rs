//! An API that is asked through a proxy, for tests of what failures say: each of them names it.

use std::time::Duration;

use super::{Api, Endpoint, Names};

/// The end of such a failure.
pub(crate) const WAY: &str = " (through the proxy http://proxy.example.com:3128)";

/// A client that nobody answers. The environment of the tests makes no difference.
pub(crate) fn api(system: &'static str) -> Api {
    // Another test of this program may have been faster.
    let _is_first = rustls::crypto::ring::default_provider().install_default();
    let api = Api::new(Endpoint {
        system,
        base: "http://127.0.0.1:9/".parse().expect("a URL"),
        version: "v1".to_owned(),
        token: None,
        timeout: Duration::from_secs(1),
        response_bytes_max: 1_000,
        names: Names::of("SHOP_URL", "SHOP_TOKEN"),
    });
    let mut api = api.expect("a client");
    WAY.clone_into(&mut api.channel.way);
    api
}
