//! The products that the shop sells, and taking a product out of it.

use contracts::values::IdempotencyKey;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shop;
use crate::http::CallError;

#[derive(Deserialize)]
struct Skus {
    skus: Vec<String>,
    #[serde(default)]
    next: Option<String>,
}

/// SKUs of one page.
const PAGE: &str = "1000";

impl Shop {
    /// A page of the SKUs on sale, sorted, and the one after which the next page begins.
    pub(in crate::erp) async fn skus_on_sale(
        &self,
        after: Option<&str>,
    ) -> Result<(Vec<String>, Option<String>), CallError> {
        let query = [("limit", PAGE), ("after", after.unwrap_or_default())];
        let Skus { skus, next } = self.api.get(&["products", "skus"], &query).await?;
        Ok((skus, next))
    }

    /// Takes a product out of sale; the rest of it stays as the shop has it.
    pub(in crate::erp) async fn take_out_of_sale(
        &self,
        key: &IdempotencyKey,
        id: &str,
    ) -> Result<(), CallError> {
        let body = json!({ "active": false });
        self.api.send::<_, Value>(Method::PUT, &["products", id], Some(key), &body).await.map(drop)
    }
}
