//! The input of the follow-up mails, and its check.

use std::fmt;

use contracts::values::{CustomerId, CustomerRef, Locale, Recipient};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::input::people::{locale, mail_address};
use crate::input::{Checked, Fields, Refusal, id, name, refuse, text};

/// Whom the mails are for. Personal data; `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowUpData {
    /// `customer_ref`: the pseudonym.
    pub customer_ref: CustomerRef,
    /// `customer_id`: the platform's.
    pub customer_id: CustomerId,
    /// `email`
    pub email: Recipient,
    /// `first_name`
    pub first_name: String,
    /// `locale`
    pub locale: Locale,
    /// `registered_at`: what the mails are counted from.
    pub registered_at: Timestamp,
}

impl fmt::Debug for FollowUpData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FollowUpData").field("customer_ref", &self.customer_ref).finish_non_exhaustive()
    }
}

impl Checked for FollowUpData {
    fn read(fields: &Fields<'_>) -> Option<Self> {
        let customer_ref = fields.required("customer_ref", id);
        let customer_id = fields.required("customer_id", id);
        let email = fields.required("email", mail_address);
        let first_name = fields.required("first_name", name(100));
        let locale = fields.optional("locale", locale).unwrap_or_default();
        let registered_at = fields.required("registered_at", moment);
        Some(Self {
            customer_ref: customer_ref?,
            customer_id: customer_id?,
            email: email?,
            first_name: first_name?,
            locale,
            registered_at: registered_at?,
        })
    }
}

fn moment(value: &RawValue) -> Result<Timestamp, Refusal> {
    text(50)(value)?.parse().or_else(|_| refuse("is no moment", "send it as 2026-01-31T12:00:00Z"))
}
