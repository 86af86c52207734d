//! Facts that the platform leaves out, or says `null` of.

use serde::{Deserialize, Deserializer};

/// Whether the customer has ended the mails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Option<bool>")]
pub(super) enum Unsubscribed {
    /// Also where the word is absent.
    #[default]
    No,
    /// They did.
    Yes,
    /// `null`: the platform knows the word and does not say it. That permits nothing.
    NotSaid,
}

impl From<Option<bool>> for Unsubscribed {
    fn from(said: Option<bool>) -> Self {
        match said {
            Some(true) => Self::Yes,
            Some(false) => Self::No,
            None => Self::NotSaid,
        }
    }
}

/// `null` is as if it were absent.
pub(super) fn or_absent<'de, D, T>(said: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(said)?.unwrap_or_default())
}
