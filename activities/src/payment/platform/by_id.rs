//! One payment by its id: in the list by key, or `GET /payments/{id}`, which may be anybody's.

use std::collections::BTreeMap;

use contracts::payment::Payment;
use contracts::values::IdempotencyKey;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{PaymentBody, Platform};
use crate::http::{CallError, NOT_FOUND};

/// How a payment is looked at.
#[derive(Clone, Copy)]
pub(super) enum Way {
    /// In the list of those made under its key, which may be behind.
    Key,
    /// By itself.
    Id,
}

impl Platform {
    /// The payment of this id that was made under this key.
    pub(super) async fn made_as(
        &self,
        id: &str,
        key: &IdempotencyKey,
        way: Way,
    ) -> Result<Option<PaymentBody>, CallError> {
        match way {
            Way::Key => Ok(self.made_under(key).await?.into_iter().find(|payment| payment.payment_id == id)),
            Way::Id => self.body_of_id(id, key).await,
        }
    }

    /// The payment of this id, if it was made under this key.
    pub(super) async fn of_id(
        &self,
        payment_id: &str,
        key: &IdempotencyKey,
    ) -> Result<Option<Payment>, CallError> {
        let found = self.body_of_id(payment_id, key).await?;
        found.map(|body| self.payment(body)).transpose()
    }

    /// The same as it is written.
    pub(super) async fn body_of_id(
        &self,
        payment_id: &str,
        key: &IdempotencyKey,
    ) -> Result<Option<PaymentBody>, CallError> {
        let found: Box<RawValue> = match self.api.get(&["payments", payment_id], &[]).await {
            Err(error) if error.refusal().is_some_and(|refusal| refusal.code == NOT_FOUND) => {
                return Ok(None);
            }
            found => found?,
        };
        let unreadable = |_| self.api.unknown("a payment that cannot be read");
        let fields: BTreeMap<String, Value> = serde_json::from_str(found.get()).map_err(unreadable)?;
        match fields.get("idempotency_key") {
            // It says nothing of whose payment this is; `null` says that it was made without a key.
            None => Err(self.api.unknown("a payment that names no idempotency key")),
            Some(theirs) if theirs.as_str() != Some(key.as_str()) => Ok(None),
            Some(_) => serde_json::from_str(found.get()).map(Some).map_err(unreadable),
        }
    }
}
