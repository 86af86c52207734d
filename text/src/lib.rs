//! Readers of mail addresses, phone numbers, names, address lines and SKUs, however they were written, and of JSON,
//! without losing anything of it ([`json`]); and the words about a fault: the problem, its place, and the fix
//! ([`Problem`]).
//!
//! One crate, because all doors must agree: the inputs of processes, the mapping of ERP records, pseudonyms, and the
//! adapters that send. If two of them read an address differently, one mailbox has two customers. Nothing here does
//! I/O or asks a clock, so workflow code may use it.
//!
//! | what | which texts | invisible signs in it |
//! |---|---|---|
//! | [`line`](fn@line) | streets, cities, names on parcels: one line that a person wrote about a person | refused, with sign and place |
//! | [`name`](fn@name) | names of customers, which go into mails: nothing that reads as a link | refused, with sign and place |
//! | [`title`] | names of products: one line that a shop wrote | dropped |
//! | [`prose`] | descriptions: any number of lines | dropped |
//! | [`key`] | SKUs, ids, names of categories: texts that are compared | refused, with sign and place |
//! | [`as_seen`] | names of fields, words of an ERP: texts that are only compared | dropped |
//! | [`mail_address`] | one mailbox | refused, with sign and place |
//! | [`phone`](fn@phone), [`local_phone`], [`number`](fn@number) | one number | dropped |
//! | [`secret`](fn@secret) | tokens, passwords, keys | dropped at both ends |
//!
//! The modules: `line` and `sign` (lines and the signs in them), `name`, `mail`, `phone`, `number` (and whether one may
//! mean thousands), `zone` (the zone of a clock, and a moment that names it), `sku`, `slug` (the part of a link that
//! names something), `secret`, `host` (which is this machine), [`json`], `problem`, and `nearest` (the word that was
//! probably meant).
//!
//! Every reader composes its text (Unicode NFC; a secret stays as it is), drops blanks and invisible signs at both
//! ends, and gives the form that is sent and compared. No refusal repeats the text: it may be personal.
//!
//! Deliberately absent: whether a mailbox or a number exists, spelling of names, what a number is inside each country.

mod host;
pub mod json;
mod line;
mod mail;
mod name;
mod nearest;
mod number;
mod phone;
mod problem;
mod secret;
mod sign;
mod sku;
mod slug;
mod zone;

pub use host::is_this_machine;
pub use line::{DESCRIPTION_MAX, as_seen, is_unseen, key, line, prose, shows_nothing, title};
pub use mail::mail_address;
pub use name::name;
pub use nearest::{did_you_mean, nearest};
pub use number::{is_of_two_minds, number};
pub use phone::{is_international, local_phone, phone};
pub use problem::{Place, Problem};
pub use secret::secret;
pub use sku::{is_made_of_a_key, is_shown_for_a_key, plain_sku};
pub use slug::slug;
pub use zone::{moment, named_zone, zone};

/// Why a text is refused, and what to send instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The problem, to be read after the field's name: `is empty`.
    pub problem: String,
    /// The fix: `fill it in`.
    pub fix: String,
}

/// Shorthand for a [`Refusal`].
///
/// # Errors
/// Always.
pub fn refuse<T>(problem: impl Into<String>, fix: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { problem: problem.into(), fix: fix.into() })
}

/// The composed form (NFC): an accent that stands alone is joined with its letter.
#[must_use]
pub fn composed(text: &str) -> std::borrow::Cow<'_, str> {
    icu_normalizer::ComposingNormalizerBorrowed::new_nfc().normalize(text)
}
