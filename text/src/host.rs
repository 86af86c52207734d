//! Hosts, as URLs and settings name them.

use std::net::IpAddr;

/// Whether a host is this machine: what goes there leaves it by no wire, and through no proxy.
#[must_use]
pub fn is_this_machine(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
    let is_address = || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback());
    host == "localhost" || host.ends_with(".localhost") || is_address()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_by_its_names_and_addresses() {
        for here in [
            "localhost",
            "LOCALHOST.",
            "shop.localhost",
            "127.0.0.1",
            "127.8.8.8",
            "::1",
            "[::1]",
            "::ffff:127.0.0.1",
        ] {
            assert!(is_this_machine(here), "{here}");
        }
        for elsewhere in [
            "",
            "localhost.example.com",
            "notlocalhost",
            "10.0.0.1",
            "0.0.0.0",
            "::",
            "128.0.0.1",
            "[fe80::1]",
        ] {
            assert!(!is_this_machine(elsewhere), "{elsewhere}");
        }
    }
}
