//! Addresses that anybody may reach, and networks of one's own that are allowed besides.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Networks that are allowed although they are not public.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<(IpAddr, u8)>);

impl FromStr for Networks {
    type Err = String;

    /// Reads `10.1.0.0/16, fd00:1::/32`; an address alone is a network of one.
    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(network).collect::<Result<_, _>>().map(Self)
    }
}

fn network(text: &str) -> Result<(IpAddr, u8), String> {
    let fix = "write networks as 10.1.0.0/16 or fd00:1::/32, with commas between them";
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().map_err(|_| format!("'{text}' is not a network; {fix}"))?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = match bits {
        None => most,
        Some(bits) => bits
            .parse()
            .ok()
            .filter(|bits| *bits <= most)
            .ok_or_else(|| format!("'{text}' has more than {most} bits, or none; {fix}"))?,
    };
    Ok((address, bits))
}

impl Networks {
    /// Whether a picture may be fetched from an address.
    pub(super) fn allow(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        is_public(address) || self.0.iter().any(|(network, bits)| is_in(address, *network, *bits))
    }
}

fn is_in(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let (address, network, all) = match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            (u128::from(address.to_bits()), u128::from(network.to_bits()), 32)
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => (address.to_bits(), network.to_bits(), 128),
        _ => return false,
    };
    let rest = all - u32::from(bits);
    // All of a number's bits cannot be shifted away.
    rest == 128 || address >> rest == network >> rest
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Blocks that are not the internet's (RFC 6890 and its successors).
const NOT_PUBLIC_V4: [(Ipv4Addr, u8); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Link-local: clouds serve their machines' credentials there.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

fn is_public_v4(address: Ipv4Addr) -> bool {
    !NOT_PUBLIC_V4.iter().any(|(network, bits)| is_in(address.into(), (*network).into(), *bits))
}

/// Of the sixth version only one block is given out, and some of it leads to addresses of the fourth.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let is_of = |network: [u16; 2], bits| {
        let [a, b] = network;
        is_in(address.into(), Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0).into(), bits)
    };
    let is_given_out = is_of([0x2000, 0], 3);
    let is_special = is_of([0x2001, 0], 23) || is_of([0x2001, 0xdb8], 32) || is_of([0x3fff, 0], 20);
    let leads_elsewhere = is_of([0x2002, 0], 16);
    is_given_out && !is_special && !leads_elsewhere
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(networks: &str, address: &str) -> bool {
        let networks: Networks = networks.parse().expect("networks");
        networks.allow(address.parse().expect("an address"))
    }

    #[test]
    fn only_public_addresses_are_allowed_by_themselves() {
        for public in ["1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8"]
        {
            assert!(allows("", public), "{public}");
        }
        for private in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "fc00::1",
            "fd00::1",
            "fe80::1",
            "ff02::1",
            "2001:db8::1",
            "2002:7f00:1::",
        ] {
            assert!(!allows("", private), "{private}");
        }
    }

    #[test]
    fn networks_of_ones_own_are_named() {
        let own = "10.1.0.0/16, 127.0.0.1,fd00:1::/32";
        for allowed in ["10.1.255.7", "127.0.0.1", "::ffff:127.0.0.1", "fd00:1:2::3"] {
            assert!(allows(own, allowed), "{allowed}");
        }
        for other in ["10.2.0.1", "127.0.0.2", "fd00:2::1"] {
            assert!(!allows(own, other), "{other}");
        }
        assert!(allows("0.0.0.0/0", "10.0.0.1") && allows("::/0", "::1"));
        for wrong in ["10.0.0.0/33", "ten", "10.0.0.0/", "fd00::/129", "cdn.example.com"] {
            assert!(wrong.parse::<Networks>().is_err_and(|why| why.contains(wrong)), "{wrong}");
        }
    }
}
