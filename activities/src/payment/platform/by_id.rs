//! One payment by its id: `GET /payments/{id}`. It may be anybody's.

use std::collections::BTreeMap;

use contracts::payment::Payment;
use contracts::values::IdempotencyKey;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{PaymentBody, Platform};
use crate::http::CallError;

impl Platform {
    /// The payment of this id, if it was made under this key.
    pub(super) async fn of_id(
        &self,
        payment_id: &str,
        key: &IdempotencyKey,
    ) -> Result<Option<Payment>, CallError> {
        let found = self.body_of_id(payment_id, key).await?;
        found.map(|body| self.payment(body)).transpose()
    }

    /// The same as the platform writes it.
    pub(super) async fn body_of_id(
        &self,
        payment_id: &str,
        key: &IdempotencyKey,
    ) -> Result<Option<PaymentBody>, CallError> {
        let found: Box<RawValue> = match self.api.get(&["payments", payment_id], &[]).await {
            Err(error) if error.refusal().is_some_and(|refusal| refusal.status == 404) => return Ok(None),
            found => found?,
        };
        let unreadable = |_| self.api.unknown("a payment that cannot be read");
        let fields: BTreeMap<String, Value> = serde_json::from_str(found.get()).map_err(unreadable)?;
        match fields.get("idempotency_key") {
            // It says nothing of whose payment this is; `null` says that it was made without a key.
            None => Err(self.api.unknown("a payment that names no idempotency key")),
            Some(theirs) if theirs.as_str() != Some(key.as_str()) => Ok(None),
            Some(_) => serde_json::from_str(found.get()).map_err(unreadable).map(Some),
        }
    }
}
