//! DKIM (RFC 6376): signing a mail, so that whoever receives it can tell that it is ours and unchanged.
//!
//! `rsa-sha256`, `relaxed/relaxed`, the whole body. Signed are the headers of [`SIGNED`] that a mail has, among them
//! the two of one-click unsubscription, which mail providers believe only when they are signed (RFC 8058). `From` is
//! named once more than it is there, so that nobody can add another one.
//!
//! Why not a library: lettre's signing brings the crate `rsa`, which has an open advisory (RUSTSEC-2023-0071), and
//! `mail-auth`'s brings it too, or a second TLS provider. ring, which the TLS here stands on, signs; what is left is
//! putting white space in order.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

/// The headers that are signed, where a mail has them.
const SIGNED: [&str; 10] = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "MIME-Version",
    "Content-Type",
    "Auto-Submitted",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
];

/// Characters of a line of the signature.
const LINE_CHARS: usize = 72;

/// The signer and its key. `Debug` does not show the key.
#[derive(Clone)]
pub struct Dkim {
    domain: String,
    selector: String,
    key: Arc<RsaKeyPair>,
}

impl fmt::Debug for Dkim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dkim({}._domainkey.{})", self.selector, self.domain)
    }
}

/// Why mails cannot be signed as configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DkimError {
    /// No private key in PEM.
    #[error("holds no private key in PEM")]
    NoKey,
    /// A key, and not an RSA one of 2048 to 4096 bits.
    #[error("holds no RSA key of 2048 to 4096 bits")]
    OtherKey,
    /// A domain or selector that cannot stand in a DNS name.
    #[error("is no name of the DNS")]
    Name,
}

impl Dkim {
    /// Takes a key (PEM, `PRIVATE KEY` or `RSA PRIVATE KEY`) that is published at `<selector>._domainkey.<domain>`.
    ///
    /// # Errors
    /// As [`DkimError`]; of the key nothing is said.
    pub fn new(domain: &str, selector: &str, pem: &[u8]) -> Result<Self, DkimError> {
        for name in [domain, selector] {
            if !is_dns_name(name) {
                return Err(DkimError::Name);
            }
        }
        let key = match PrivateKeyDer::from_pem_slice(pem).map_err(|_| DkimError::NoKey)? {
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
            _ => return Err(DkimError::OtherKey),
        };
        let key = Arc::new(key.map_err(|_| DkimError::OtherKey)?);
        Ok(Self { domain: domain.to_ascii_lowercase(), selector: selector.to_ascii_lowercase(), key })
    }

    /// The domain that signs.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The mail with its signature on top; `None` when it is not a mail.
    pub(super) fn sign(&self, mail: &[u8]) -> Option<Vec<u8>> {
        self.sign_at(mail, SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs())
    }

    fn sign_at(&self, mail: &[u8], now: u64) -> Option<Vec<u8>> {
        let end = mail.windows(4).position(|four| four == b"\r\n\r\n")?;
        let (head, body) = (&mail[..end + 2], &mail[end + 4..]);
        let headers = headers(head);
        let mut names: Vec<&str> = Vec::new();
        let mut signed = Vec::new();
        for name in SIGNED {
            if let Some((_, value)) = headers.iter().rev().find(|(known, _)| known.eq_ignore_ascii_case(name))
            {
                names.push(name);
                signed.extend(relaxed_header(name, value));
                signed.extend_from_slice(b"\r\n");
            }
        }
        names.push("From");
        let body_hash = BASE64_STANDARD.encode(Sha256::digest(relaxed_body(body)));
        let Self { domain, selector, .. } = self;
        let value = format!(
            " v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n d={domain};\r\n s={selector}; t={now};\r\n h={};\r\n bh={body_hash};\r\n b=",
            names.join(":\r\n "),
        );
        // The signature covers its own header too, as it is before the signature stands in it, without a line end.
        signed.extend(relaxed_header("DKIM-Signature", value.as_bytes()));
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &signed, &mut signature).ok()?;
        let signature = BASE64_STANDARD.encode(signature);
        let lines: Vec<&str> = signature
            .as_bytes()
            .chunks(LINE_CHARS)
            .filter_map(|line| std::str::from_utf8(line).ok())
            .collect();
        let header = format!("DKIM-Signature:{value}{}\r\n", lines.join("\r\n "));
        Some([header.as_bytes(), mail].concat())
    }
}

/// Letters, digits, `-` and `_` between dots.
fn is_dns_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

/// Name and value of each header, the value as it stands, with its folds.
fn headers(head: &[u8]) -> Vec<(&str, Vec<u8>)> {
    let mut headers: Vec<(&str, Vec<u8>)> = Vec::new();
    for line in head.split_inclusive(|byte| *byte == b'\n') {
        if matches!(line.first(), Some(b' ' | b'\t')) {
            if let Some((_, value)) = headers.last_mut() {
                value.extend_from_slice(line);
            }
        } else if let Some(colon) = line.iter().position(|byte| *byte == b':')
            && let Ok(name) = std::str::from_utf8(&line[..colon])
        {
            headers.push((name.trim_end(), line[colon + 1..].to_vec()));
        }
    }
    headers
}

/// RFC 6376, 3.4.2: the name in small letters, the value unfolded, white space put in order.
fn relaxed_header(name: &str, value: &[u8]) -> Vec<u8> {
    let mut line = name.to_ascii_lowercase().into_bytes();
    line.push(b':');
    let unfolded: Vec<u8> = value.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    let value = single_spaced(&unfolded);
    line.extend_from_slice(value.strip_prefix(b" ").unwrap_or(&value));
    line
}

/// RFC 6376, 3.4.4: white space in order, and no empty lines at the end.
fn relaxed_body(body: &[u8]) -> Vec<u8> {
    let mut relaxed = Vec::with_capacity(body.len());
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        relaxed.extend(single_spaced(line.strip_suffix(b"\r").unwrap_or(line)));
        relaxed.extend_from_slice(b"\r\n");
    }
    while relaxed.ends_with(b"\r\n\r\n") {
        relaxed.truncate(relaxed.len() - 2);
    }
    if relaxed == b"\r\n" {
        relaxed.clear();
    }
    relaxed
}

/// Each run of blanks becomes one; none at the end.
fn single_spaced(line: &[u8]) -> Vec<u8> {
    let mut spaced = Vec::with_capacity(line.len());
    for byte in line {
        let is_blank = matches!(byte, b' ' | b'\t');
        if !is_blank {
            spaced.push(*byte);
        } else if spaced.last() != Some(&b' ') {
            spaced.push(b' ');
        }
    }
    if spaced.last() == Some(&b' ') {
        spaced.pop();
    }
    spaced
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made for these tests alone: `openssl genrsa -traditional 2048`; the other form by
    /// `openssl pkcs8 -topk8 -nocrypt`.
    const KEY: &str = include_str!("../../../../tests/dkim_key.pem");

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn white_space_is_put_in_order_as_the_rfc_does_it() {
        // The example of RFC 6376, 3.4.5.
        assert_eq!(relaxed_header("A", b" X\r\n"), b"a:X");
        assert_eq!(relaxed_header("B ".trim_end(), b" Y\t\r\n\tZ  \r\n"), b"b:Y Z");
        assert_eq!(relaxed_body(b" C \r\nD \t E\r\n\r\n\r\n"), b" C\r\nD E\r\n");
        for (body, relaxed) in
            [(&b""[..], &b""[..]), (b"\r\n\r\n", b""), (b"a", b"a\r\n"), (b"\r\na\r\n", b"\r\na\r\n")]
        {
            assert_eq!(relaxed_body(body), relaxed);
        }
    }

    #[test]
    fn what_is_there_is_signed_and_the_sender_once_more() -> TestResult {
        let dkim = Dkim::new("Shop.example.com", "s1", KEY.as_bytes())?;
        let mail = b"From: a@shop.example.com\r\nSubject: x\r\n y\r\nX-Other: z\r\n\r\nbody\r\n";
        let signed = String::from_utf8(dkim.sign_at(mail, 7).ok_or("not signed")?)?;
        let (header, rest) = signed.split_at(signed.len() - mail.len());
        assert_eq!(rest.as_bytes(), mail);
        assert!(
            header
                .starts_with("DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n d=shop.example.com;")
        );
        assert!(header.contains(" h=From:\r\n Subject:\r\n From;"), "{header}");
        assert!(header.lines().all(|line| line.len() <= 78), "{header}");
        assert_eq!(dkim.sign_at(b"no mail", 7), None);
        Ok(())
    }

    #[test]
    fn a_key_or_a_name_that_cannot_be_used_is_told_apart_and_the_key_is_not_shown() -> TestResult {
        let new = |domain: &str, selector: &str, pem: &str| Dkim::new(domain, selector, pem.as_bytes()).err();
        let elliptic = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n-----END PRIVATE KEY-----\n";
        for (domain, selector, pem, error) in [
            ("shop.example.com", "s1", "", DkimError::NoKey),
            ("shop.example.com", "s1", "hunter2", DkimError::NoKey),
            ("shop.example.com", "s1", elliptic, DkimError::OtherKey),
            ("", "s1", KEY, DkimError::Name),
            ("shop..com", "s1", KEY, DkimError::Name),
            ("shop.example.com", "a;b", KEY, DkimError::Name),
            ("shop.example.com", "a b", KEY, DkimError::Name),
        ] {
            assert_eq!(new(domain, selector, pem), Some(error), "{domain} {selector}");
        }
        let dkim = Dkim::new("shop.example.com", "s1", KEY.as_bytes())?;
        assert_eq!(format!("{dkim:?}"), "Dkim(s1._domainkey.shop.example.com)");
        Ok(())
    }
}
