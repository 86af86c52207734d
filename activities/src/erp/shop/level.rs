//! A stock level is written.

use contracts::erp::StockRecord;
use contracts::values::IdempotencyKey;
use serde_json::json;

use super::Shop;
use crate::http::CallError;

/// The seed's name for the source of stock levels.
const SYNC_SOURCE: &str = "erp";
/// The shop's code for a level below the pieces that are held for orders.
const HELD: &str = "STOCK_HELD";

impl Shop {
    /// Writes a level. One below what is held for orders is written down to that, so that nothing more is sold, and is
    /// refused all the same: it is not right yet.
    pub(super) async fn write_level(
        &self,
        key: &IdempotencyKey,
        stock: &StockRecord,
    ) -> Result<(), CallError> {
        let written = self.put_level(key, stock, stock.quantity).await;
        let Err(CallError::Refused { refusal, .. }) = &written else { return written };
        if refusal.code != HELD {
            return written;
        }
        let missing = refusal.details.get("held_too_many").and_then(serde_json::Value::as_u64);
        let held = missing.and_then(|missing| u32::try_from(missing).ok()?.checked_add(stock.quantity));
        if let Some(held) = held {
            match self.put_level(&key.part("held"), stock, held).await {
                // More is held by now; the next run sees it.
                Ok(()) | Err(CallError::Refused { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        written
    }

    async fn put_level(
        &self,
        key: &IdempotencyKey,
        stock: &StockRecord,
        quantity: u32,
    ) -> Result<(), CallError> {
        let body = json!({
            "product_sku": stock.sku, "location": stock.location, "quantity": quantity, "sync_source": SYNC_SOURCE,
        });
        self.put(&["inventory", "levels"], key, &body).await.map(drop)
    }
}
