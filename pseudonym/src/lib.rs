//! The name of a customer where Temporal encrypts nothing: in workflow ids and search attributes.
//!
//! A pseudonym is the first 16 hex digits of HMAC-SHA-256 over the mail address under `SUN_REF_KEY`. The address is
//! hashed as crate `text` writes it (composed, the domain as an A-label), in lower case: one mailbox has one pseudonym.
//! The starter makes it, for the workflow id; the worker checks it, in an activity, because workflow code must not hold
//! a key: a changed key would replay differently. So both have the key, and no history does.
//!
//! Without the key nobody can tell whose pseudonym it is, not even by trying addresses. A changed key gives every
//! customer another pseudonym; runs under way keep theirs and would be refused by their worker at the first step, so
//! change it when none is at `create-customer`.

use std::fmt;

use contracts::values::{CustomerId, CustomerRef, Recipient};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use thiserror::Error;

/// The shortest key that is taken, in bytes.
pub const KEY_BYTES_MIN: usize = 16;

/// Why a key is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RefKeyError {
    /// Short enough to be guessed.
    #[error("is shorter than {KEY_BYTES_MIN} bytes")]
    Short,
}

/// The key (`SUN_REF_KEY`). `Debug` does not show it.
#[derive(Clone)]
pub struct RefKey(Hmac<Sha256>);

impl fmt::Debug for RefKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefKey(hidden)")
    }
}

impl RefKey {
    /// Takes a key.
    ///
    /// # Errors
    /// When it is too short.
    pub fn new(key: &str) -> Result<Self, RefKeyError> {
        if key.len() < KEY_BYTES_MIN {
            return Err(RefKeyError::Short);
        }
        Hmac::new_from_slice(key.as_bytes()).map(Self).map_err(|_| RefKeyError::Short)
    }

    /// The pseudonym of an address, however it is written.
    #[must_use]
    pub fn customer_ref(&self, email: &Recipient) -> CustomerRef {
        let mailbox = text::mail_address(email.reveal());
        // A text that is not an address has no customer; a pseudonym of it finds nobody.
        let mailbox = mailbox.unwrap_or_else(|_| text::composed(email.reveal().trim()).into_owned());
        let sum: [u8; 32] = self.mac(mailbox.to_lowercase().as_bytes()).finalize().into_bytes().into();
        CustomerRef::from_hash(&sum)
    }

    /// The unguessable part of the link that ends a customer's mails: whoever has the mail has the link. It holds for
    /// this pseudonym and this id of the platform's together.
    #[must_use]
    pub fn unsubscribe_token(&self, customer: &CustomerRef, customer_id: &CustomerId) -> String {
        let Some(mac) = self.link(customer, customer_id) else { return String::new() };
        let sum = mac.finalize().into_bytes();
        sum.iter().take(TOKEN_BYTES).map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether the token is the customer's, compared in constant time.
    #[must_use]
    pub fn is_unsubscribe_token(
        &self,
        customer: &CustomerRef,
        customer_id: &CustomerId,
        token: &str,
    ) -> bool {
        let bytes: Option<Vec<u8>> = (0..token.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(token.get(at..at + 2)?, 16).ok())
            .collect();
        let link = self.link(customer, customer_id);
        bytes.zip(link).is_some_and(|(bytes, link)| {
            bytes.len() == TOKEN_BYTES && link.verify_truncated_left(&bytes).is_ok()
        })
    }

    /// Under a key of its own, made of this one: a link says nothing about pseudonyms.
    fn link(&self, customer: &CustomerRef, customer_id: &CustomerId) -> Option<Hmac<Sha256>> {
        // No mail address holds a zero byte, so the key of the links is not a pseudonym.
        let key = self.mac(b"unsubscribe links\0").finalize().into_bytes();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
        // A pseudonym has one length, so the two cannot be told apart otherwise.
        mac.update(customer.as_str().as_bytes());
        mac.update(customer_id.as_str().as_bytes());
        Some(mac)
    }

    fn mac(&self, message: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(message);
        mac
    }
}

const TOKEN_BYTES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    const KEY: &str = "a key for tests only";

    #[test]
    fn a_pseudonym_is_the_documented_hash() -> TestResult {
        // printf %s newcustomer@example.com | openssl dgst -sha256 -hmac 'a key for tests only' | cut -c1-16
        // An address in plain letters keeps its pseudonym for ever: open runs and sent links name it.
        for (address, pseudonym) in [
            ("newcustomer@example.com", "b29e0ff69fba2ddc"),
            ("Lan.Pham+Shop@Example.com", "ade107cd1d6e3a83"),
            ("o'neil_99@sub.example.com", "9b65b02fe75721e4"),
        ] {
            let customer = RefKey::new(KEY)?.customer_ref(&Recipient::new(address));
            assert_eq!(customer.as_str(), pseudonym, "{address}");
        }
        Ok(())
    }

    #[test]
    fn an_address_has_one_pseudonym_however_it_is_written() -> TestResult {
        let key = RefKey::new(KEY)?;
        let of = |address: &str| key.customer_ref(&Recipient::new(address));
        // The second e is a letter and a combining accent.
        assert_eq!(of(" Ren\u{e9}@Example.COM "), of("rene\u{301}@example.com"));
        // M5: a domain in letters and as mail servers look it up; M7: quotes that are not needed; O10.
        assert_eq!(of("lan@thử.example.com"), of("Lan@xn--th-yct.example.com"));
        assert_eq!(of("lan@thu\u{31b}\u{309}.example.com"), of("lan@xn--th-yct.example.com"));
        assert_eq!(of("\"lan\"@example.com"), of("\u{feff}lan@example.com\u{200b}"));
        assert_ne!(of("a@example.com"), of("b@example.com"));
        assert_ne!(
            of("a@example.com"),
            RefKey::new("another key for tests")?.customer_ref(&Recipient::new("a@example.com"))
        );
        Ok(())
    }

    #[test]
    fn a_token_opens_one_customers_link() -> TestResult {
        let key = RefKey::new(KEY)?;
        let (a, b) = (
            key.customer_ref(&Recipient::new("a@example.com")),
            key.customer_ref(&Recipient::new("b@example.com")),
        );
        let (first, second) = (CustomerId::new("cus_1")?, CustomerId::new("cus_2")?);
        let token = key.unsubscribe_token(&a, &first);
        assert!(key.is_unsubscribe_token(&a, &first, &token));
        for wrong in [
            key.unsubscribe_token(&b, &first),
            key.unsubscribe_token(&a, &second),
            RefKey::new("another key for tests")?.unsubscribe_token(&a, &first),
            token[2..].to_owned(),
            String::new(),
            "é".repeat(16),
            token[1..].to_owned(),
        ] {
            assert!(!key.is_unsubscribe_token(&a, &first, &wrong), "{wrong} was taken");
        }
        assert!(!key.is_unsubscribe_token(&b, &first, &token));
        assert!(!key.is_unsubscribe_token(&a, &second, &token));
        Ok(())
    }

    #[test]
    fn a_token_is_the_documented_hash() -> TestResult {
        // key=$(printf 'unsubscribe links\0' | openssl dgst -sha256 -mac HMAC -macopt "key:a key for tests only" -r)
        // printf %s b29e0ff69fba2ddccus_1 | openssl dgst -sha256 -mac HMAC -macopt hexkey:${key%% *} -r | cut -c1-32
        let customer = CustomerRef::new("b29e0ff69fba2ddc")?;
        let token = RefKey::new(KEY)?.unsubscribe_token(&customer, &CustomerId::new("cus_1")?);
        assert_eq!(token, "facbd48738cd28ad511af2f90adb2f99");
        Ok(())
    }

    #[test]
    fn a_key_is_long_enough_and_never_shown() -> TestResult {
        assert_eq!(RefKey::new("short").err(), Some(RefKeyError::Short));
        assert_eq!(format!("{:?}", RefKey::new(KEY)?), "RefKey(hidden)");
        Ok(())
    }
}
