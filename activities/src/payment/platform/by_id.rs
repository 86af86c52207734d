//! One payment by its id: `GET /payments/{id}`. It may be anybody's.

use contracts::payment::Payment;
use contracts::values::IdempotencyKey;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{PaymentBody, Platform};
use crate::http::CallError;

/// Who made a payment: the key that it was made under. `null` is the key of a payment that was made without one; an
/// answer that says nothing about keys says nothing about whose the payment is.
#[derive(Deserialize)]
struct Made {
    #[serde(default, deserialize_with = "said")]
    idempotency_key: Option<Option<String>>,
}

fn said<'de, D: Deserializer<'de>>(json: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(json).map(Some)
}

impl Platform {
    /// The payment of this id, if it was made under this key.
    pub(super) async fn of_id(
        &self,
        payment_id: &str,
        key: &IdempotencyKey,
    ) -> Result<Option<Payment>, CallError> {
        let found: Box<RawValue> = match self.api.get(&["payments", payment_id], &[]).await {
            Err(error) if error.refusal().is_some_and(|refusal| refusal.status == 404) => return Ok(None),
            found => found?,
        };
        let unreadable = |_| self.api.unknown("a payment that cannot be read");
        let Made { idempotency_key } = serde_json::from_str(found.get()).map_err(unreadable)?;
        match idempotency_key {
            None => Err(self.api.unknown("a payment that names no idempotency key")),
            Some(theirs) if theirs.as_deref() != Some(key.as_str()) => Ok(None),
            Some(_) => {
                let body: PaymentBody = serde_json::from_str(found.get()).map_err(unreadable)?;
                self.payment(body).map(Some)
            }
        }
    }
}
