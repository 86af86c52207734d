//! Texts for search engines: the platform writes them, for products that nobody gave one.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use contracts::catalog::RowOutcome;
use contracts::values::IdempotencyKey;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::applying::short_hash;
use super::client::{SYSTEM, Shop, lost};
use super::kind::{Existing, Kind, Looks};
use super::listing::Place;
use super::products::{Products, Staged};
use crate::http::CallError;

/// Stands before the name of an object that keeps a text.
const NAME: &str = "seo-";

#[derive(Deserialize)]
struct Written {
    content: String,
}

/// The description of a product for search engines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Look {
    text: Option<String>,
    /// The platform is to write it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    to_write: bool,
}

/// Products on their way to a text.
pub(super) struct Seo<'s> {
    shop: &'s Shop,
    /// Where each text is kept: the undo must know it from one that a person wrote.
    place: Place<'s>,
    products: Products<'s>,
    is_undo: bool,
    /// The texts that this run has written for the rows at the last look, by the hash of the SKU; known to an undo
    /// only.
    written: Mutex<BTreeMap<String, String>>,
}

impl<'s> Seo<'s> {
    pub(super) fn new(shop: &'s Shop, place: Place<'s>, products: Products<'s>, is_undo: bool) -> Self {
        Self { shop, place, products, is_undo, written: Mutex::default() }
    }

    /// The text that the run has written under a name, if it has.
    async fn kept(&self, own: &str) -> Result<Option<String>, CallError> {
        let name = format!("{}/{NAME}{own}.txt", self.place.folder);
        let text = self.place.store.read(&name).await.map_err(|error| lost(&error))?;
        Ok(text.map(|text| String::from_utf8_lossy(&text).into_owned()))
    }

    /// Reads the texts that the run has written for some rows.
    async fn remember(&self, rows: &[Staged]) -> Result<(), CallError> {
        let mut written = BTreeMap::new();
        for row in rows {
            let own = short_hash(row.product.sku.as_str());
            if let Some(text) = self.kept(&own).await? {
                written.insert(own, text);
            }
        }
        *self.written.lock().unwrap_or_else(PoisonError::into_inner) = written;
        Ok(())
    }

    /// The platform's text, kept before it is used: an attempt after this one uses the same.
    async fn write(&self, key: &IdempotencyKey, product: &str) -> Result<String, CallError> {
        // The key ends with the hash of the SKU, by which an undo finds the text.
        let own = key.as_str().rsplit('/').next().unwrap_or_default();
        if let Some(text) = self.kept(own).await? {
            return Ok(text);
        }
        let body = json!({ "type": "meta_description" });
        let path = ["products", product, "seo-content"];
        let written: Written = self.shop.post(&path, &key.part("text"), &body).await?;
        let text = written.content.trim().to_owned();
        if text.is_empty() {
            let why = "the text for search engines that it wrote is empty".to_owned();
            return Err(CallError::Unusable { system: SYSTEM, why });
        }
        let name = format!("{}/{NAME}{own}.txt", self.place.folder);
        let kept = self.place.store.create(&name, text.clone().into_bytes()).await;
        kept.map_err(|error| lost(&error))?;
        Ok(text)
    }
}

impl Kind for Seo<'_> {
    type Row = Staged;
    type State = Look;

    fn shop(&self) -> &Shop {
        self.products.shop()
    }

    fn key(&self, row: &Staged) -> String {
        row.product.sku.to_string()
    }

    fn look<'a>(&'a self, rows: &'a [Staged]) -> BoxFuture<'a, Result<Looks<Look>, CallError>> {
        async move {
            if self.is_undo {
                self.remember(rows).await?;
            }
            let looks = self.products.found(rows).await?;
            let text = |found: Existing<super::products::Look>| Existing {
                id: found.id,
                state: Look { text: found.state.meta_description, to_write: false },
            };
            Ok(looks.into_iter().map(|look| look.map(text)).collect())
        }
        .boxed()
    }

    /// A person's text is never overwritten; where the file takes it away, it stays away.
    fn wanted(&self, row: &Staged, now: Option<&Look>) -> Result<Look, String> {
        let now = now.ok_or("the shop does not have it")?;
        if now.text.is_some() || row.product.seo.contains_key("meta_description") {
            return Ok(now.clone());
        }
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        match written.get(&short_hash(row.product.sku.as_str())) {
            Some(text) => Ok(Look { text: Some(text.clone()), to_write: false }),
            None => Ok(Look { text: None, to_write: true }),
        }
    }

    /// A product that could not be made is reported by the step that makes it.
    fn only_changes(&self) -> bool {
        true
    }

    fn create<'a>(
        &'a self,
        _key: &'a IdempotencyKey,
        _row: &'a Staged,
        _wanted: &'a Look,
    ) -> BoxFuture<'a, Result<Existing<Look>, CallError>> {
        let why = "a product that is not there gets no text".to_owned();
        std::future::ready(Err(CallError::Unusable { system: SYSTEM, why })).boxed()
    }

    fn change<'a>(
        &'a self,
        key: &'a IdempotencyKey,
        now: &'a Existing<Look>,
        wanted: &'a Look,
    ) -> BoxFuture<'a, Result<(), CallError>> {
        async move {
            let text = match wanted.to_write {
                true => Some(self.write(key, &now.id).await?),
                false => wanted.text.clone(),
            };
            self.shop.put(&["products", &now.id], key, &json!({ "metaDescription": text })).await
        }
        .boxed()
    }

    fn delete<'a>(&'a self, _key: &'a IdempotencyKey, _id: &'a str) -> BoxFuture<'a, Result<(), CallError>> {
        std::future::ready(Ok(())).boxed()
    }

    fn told(&self, row: &Staged, now: Option<&Existing<Look>>) -> RowOutcome {
        RowOutcome {
            row: row.product.row,
            sku: Some(row.product.sku.to_string()),
            product_id: now.map(|now| now.id.clone()),
            ..RowOutcome::default()
        }
    }
}
