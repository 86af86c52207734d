//! Texts for search engines: the platform writes them, for products that nobody gave one.

use std::collections::BTreeMap;

use contracts::catalog::RowOutcome;
use contracts::values::IdempotencyKey;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::Store;

use super::applying::short_hash;
use super::client::{SYSTEM, Shop};
use super::kind::{Existing, Kind, Looks};
use super::products::{Products, Staged};
use crate::bulk::Trouble;
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
    store: &'s Store,
    /// Where each text is kept: the undo must know it from one that a person wrote.
    folder: &'s str,
    products: Products<'s>,
    /// The texts that this run has written, by the hash of the SKU; known to an undo only.
    written: BTreeMap<String, String>,
}

impl<'s> Seo<'s> {
    pub(super) fn new(shop: &'s Shop, store: &'s Store, folder: &'s str, products: Products<'s>) -> Self {
        Self { shop, store, folder, products, written: BTreeMap::new() }
    }

    /// Reads the texts that the run has written.
    pub(super) async fn remember(mut self) -> Result<Self, Trouble> {
        let begin = format!("{}/{NAME}", self.folder);
        for object in self.store.list(self.folder).await? {
            let Some(rest) = object.key.strip_prefix(&begin) else { continue };
            let name = rest.trim_end_matches(".txt").to_owned();
            if let Some(text) = self.store.read(&object.key).await? {
                self.written.insert(name, String::from_utf8_lossy(&text).into_owned());
            }
        }
        Ok(self)
    }

    /// The platform's text, kept before it is used: an attempt after this one uses the same.
    async fn write(&self, key: &IdempotencyKey, product: &str) -> Result<String, CallError> {
        let lost = |error: store::StoreError| CallError::NotSent { system: SYSTEM, why: error.to_string() };
        // The key ends with the hash of the SKU, by which an undo finds the text.
        let own = key.as_str().rsplit('/').next().unwrap_or_default();
        let name = format!("{}/{NAME}{own}.txt", self.folder);
        if let Some(text) = self.store.read(&name).await.map_err(lost)? {
            return Ok(String::from_utf8_lossy(&text).into_owned());
        }
        let body = json!({ "type": "meta_description" });
        let path = ["products", product, "seo-content"];
        let written: Written = self.shop.post(&path, &key.part("text"), &body).await?;
        let text = written.content.trim().to_owned();
        if text.is_empty() {
            let why = "the text for search engines that it wrote is empty".to_owned();
            return Err(CallError::Unusable { system: SYSTEM, why });
        }
        self.store.create(&name, text.clone().into_bytes()).await.map_err(lost)?;
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
        match self.written.get(&short_hash(row.product.sku.as_str())) {
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
