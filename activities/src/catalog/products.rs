//! Products at the shop, by their SKUs; their stock is set once, when the run makes them.

mod attribute;
mod body;
mod look;

use std::collections::{BTreeMap, HashMap};

use contracts::catalog::paths::shown;
use contracts::catalog::{Product, ProductStatus, RowOutcome};
use contracts::values::IdempotencyKey;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use reqwest::Method;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::categories::{Tree, set};
use super::client::Shop;
use super::kind::{Existing, Kind, Looks, is_refused_as, made_meanwhile};
use super::listing::{Asked, Listing, Place};
use crate::http::CallError;
use attribute::Attribute;
use body::{Body, Levels};
use look::location;
pub(super) use look::{Look, Move, Staged};

/// Pictures that are known: where the shop serves each content.
pub(super) type Urls = BTreeMap<String, String>;

/// Products on their way to the shop.
pub(super) struct Products<'s> {
    shop: &'s Shop,
    tree: Tree,
    urls: Urls,
    /// Nothing is written yet: what the shop will call a category or a picture may not be known.
    is_staging: bool,
    /// The shop's products that are asked about, where listing all of them costs less than looking for each.
    listing: OnceCell<Option<Listing<Look>>>,
    /// The SKUs of the whole batch.
    asked: Asked,
    place: Place<'s>,
}

impl<'s> Products<'s> {
    pub(super) fn new(
        (shop, place): (&'s Shop, Place<'s>),
        tree: Tree,
        urls: Urls,
        asked: Asked,
        is_staging: bool,
    ) -> Self {
        Self { shop, tree, urls, is_staging, listing: OnceCell::new(), asked, place }
    }

    /// Lists the products, page by page, until that costs more than looking for each; `None`: it does. Products of a
    /// large shop that nobody asks about are not kept.
    async fn list(&self) -> Result<Option<Listing<Look>>, CallError> {
        let mut known = Listing::default();
        for page in 1..=self.asked.pages_max() {
            let (bodies, is_last) = self.shop.page::<Body>(&["products"], &[], page).await?;
            // A product that cannot be read does not hold up the others: one of the catalogue's is found out when it
            // is made.
            for (sku, found) in bodies.into_iter().filter_map(|body| body.read().ok()) {
                known.add(&self.asked, sku, found);
            }
            known.put(self.place).await?;
            if is_last {
                return Ok(Some(known));
            }
        }
        Ok(None)
    }

    /// Searches for a row's SKU: exactly this one, on whichever page it is.
    async fn search(&self, row: &Staged) -> Result<Option<Existing<Look>>, CallError> {
        let sku = row.product.sku.as_str();
        for page in 1.. {
            let (bodies, is_last) = self.shop.page::<Body>(&["products"], &[("search", sku)], page).await?;
            for body in bodies {
                if body.sku == sku {
                    return Ok(Some(row.part_of(body.read()?.1)));
                }
            }
            if is_last {
                break;
            }
        }
        Ok(None)
    }

    /// How some products look, without what lies of them.
    pub(super) async fn found(&self, rows: &[Staged]) -> Result<Looks<Look>, CallError> {
        let listing = self.listing.get_or_try_init(|| self.list()).await?;
        if let Some(known) = listing {
            let skus: Vec<&str> = rows.iter().map(|row| row.product.sku.as_str()).collect();
            let looks = known.find(&self.asked, self.place, &skus).await?;
            let part = |(row, look): (&Staged, Option<_>)| look.map(|look| row.part_of(look));
            return Ok(rows.iter().zip(looks).map(part).collect());
        }
        let mut looks = Vec::with_capacity(rows.len());
        for row in rows {
            looks.push(self.search(row).await?);
        }
        Ok(looks)
    }

    /// Adds how much lies where the rows say something about it.
    async fn add_stock(&self, rows: &[Staged], looks: &mut Looks<Look>) -> Result<(), CallError> {
        let asks = |row: &Staged| row.product.initial_stock.is_some();
        let items: Vec<Value> = rows
            .iter()
            .zip(looks.iter())
            .filter(|(row, look)| asks(row) && look.is_some())
            .map(|(row, _)| json!({ "sku": row.product.sku, "location": location(&row.product) }))
            .collect();
        if items.is_empty() {
            return Ok(());
        }
        let body = json!({ "items": items });
        let found: Levels = self.shop.api().send(Method::POST, &["inventory", "lookup"], None, &body).await?;
        let levels: HashMap<(String, String), u32> =
            found.levels.into_iter().map(|level| ((level.sku, level.location), level.quantity)).collect();
        for (row, look) in rows.iter().zip(looks).filter(|(row, _)| asks(row)) {
            let place = (row.product.sku.to_string(), location(&row.product).to_owned());
            if let Some(look) = look {
                look.state.stock = levels.get(&place).copied();
            }
        }
        Ok(())
    }

    fn category_id(&self, path: &[String]) -> Result<String, String> {
        match self.tree.id(path) {
            Some(id) => Ok(id.to_owned()),
            None if self.is_staging => Ok(format!("to be made: {}", shown(path))),
            None => Err(format!("its category {} is not there any more", shown(path))),
        }
    }

    /// The addresses of its pictures; `None` where one of them is not at the shop: then the product keeps those that it
    /// has.
    fn images(&self, hashes: &[String]) -> Option<Vec<String>> {
        let url = |hash: &String| {
            // One without a hash could not be fetched.
            let is_to_be = self.is_staging && !hash.is_empty();
            let unknown = || is_to_be.then(|| format!("to be uploaded: {hash}"));
            self.urls.get(hash).cloned().or_else(unknown)
        };
        hashes.iter().map(url).collect()
    }

    async fn set_stock(
        &self,
        key: &IdempotencyKey,
        row: &Staged,
        id: &str,
        quantity: u32,
    ) -> Result<(), CallError> {
        let body = json!({
            "product_id": id,
            "quantity": quantity,
            "location": location(&row.product),
            "allocation_type": "GENERAL",
        });
        let made: Result<Value, CallError> = self.shop.post(&["inventory"], &key.part("stock"), &body).await;
        match made {
            // An earlier attempt has set it, and its answer is lost at a shop that keeps no keys.
            Err(error) if is_refused_as(&error, 409) => Ok(()),
            made => made.map(drop),
        }
    }
}

impl Kind for Products<'_> {
    type Row = Staged;
    type State = Look;

    fn shop(&self) -> &Shop {
        self.shop
    }

    fn key(&self, row: &Staged) -> String {
        row.product.sku.to_string()
    }

    fn look<'a>(&'a self, rows: &'a [Staged]) -> BoxFuture<'a, Result<Looks<Look>, CallError>> {
        async move {
            let mut looks = self.found(rows).await?;
            self.add_stock(rows, &mut looks).await?;
            Ok(looks)
        }
        .boxed()
    }

    fn look_again<'a>(&'a self, row: &'a Staged) -> BoxFuture<'a, Result<Option<Existing<Look>>, CallError>> {
        async move {
            let mut looks = vec![self.search(row).await?];
            self.add_stock(std::slice::from_ref(row), &mut looks).await?;
            Ok(looks.pop().flatten())
        }
        .boxed()
    }

    fn wanted(&self, row: &Staged, now: Option<&Look>) -> Result<Look, String> {
        let Product { name, price, description, attributes, seo, status, initial_stock, .. } = &row.product;
        let mut look = match now {
            Some(now) => now.clone(),
            None => {
                if let Some(variant) = row.product.variants.keys().next() {
                    return Err(format!("the shop does not have it, so it has no variant '{variant}'"));
                }
                let missing =
                    |field: &str| format!("the shop does not have it, and to make it its {field} is needed");
                Look {
                    sku: row.product.sku.to_string(),
                    name: name.clone().ok_or_else(|| missing("name"))?,
                    description: None,
                    price: price.ok_or_else(|| missing("price"))?,
                    prices: Vec::new(),
                    variants: BTreeMap::new(),
                    category_id: None,
                    images: Vec::new(),
                    attributes: BTreeMap::new(),
                    meta_title: None,
                    meta_description: None,
                    status: ProductStatus::Active,
                    stock: *initial_stock,
                }
            }
        };
        if let Some(name) = name {
            look.name.clone_from(name);
        }
        match price {
            Some(price) if !look.prices.is_empty() => look.must_cost(*price)?,
            Some(price) => look.price = *price,
            None => {}
        }
        for (variant, price) in &row.product.variants {
            match look.variants.get_mut(variant.as_str()) {
                Some(own) => *own = *price,
                None => return Err(format!("it has no variant '{variant}' at the shop")),
            }
        }
        set(&mut look.description, description);
        if let Some(path) = &row.category {
            look.category_id = Some(self.category_id(path)?);
        }
        if let Some(images) = row.pictures.as_ref().and_then(|hashes| self.images(hashes)) {
            look.images = images;
        }
        for (name, value) in attributes {
            match value {
                Some(text) if look.attributes.get(name).is_some_and(|now| now.says(text)) => {}
                Some(text) => {
                    look.attributes.extend(Attribute::text(text).map(|value| (name.clone(), value)))
                }
                None => drop(look.attributes.remove(name)),
            }
        }
        for (name, value) in seo {
            match name.as_str() {
                "meta_title" => look.meta_title.clone_from(value),
                "meta_description" => look.meta_description.clone_from(value),
                _ => return Err(format!("seo_settings has a key '{name}' that the shop has no place for")),
            }
        }
        look.status = status.unwrap_or(look.status);
        Ok(look)
    }

    /// Its stock may not have been set yet.
    fn is_as_made(&self, row: &Staged, now: &Look) -> bool {
        let made = self.wanted(row, None);
        made.is_ok_and(|made| Look { stock: now.stock.and(made.stock), ..made } == *now)
    }

    fn is_whole(&self, row: &Staged, now: &Look) -> bool {
        row.product.initial_stock.is_none() || now.stock.is_some()
    }

    fn create<'a>(
        &'a self,
        key: &'a IdempotencyKey,
        row: &'a Staged,
        wanted: &'a Look,
    ) -> BoxFuture<'a, Result<Existing<Look>, CallError>> {
        async move {
            let sku = row.product.sku.as_str();
            let made: Result<body::Made, CallError> =
                self.shop.post(&["products"], key, &body::create(sku, wanted)).await;
            let id = match made {
                Err(error) if is_refused_as(&error, 409) => {
                    match self.search(row).await.map_err(body::of_the_row)? {
                        // Ours, of an attempt whose answer is lost at a shop that keeps no keys.
                        Some(found) if self.is_as_made(row, &found.state) => found.id,
                        Some(_) => return Err(made_meanwhile()),
                        None => return Err(error),
                    }
                }
                made => made?.id()?,
            };
            if let Some(quantity) = row.product.initial_stock {
                self.set_stock(key, row, &id, quantity).await?;
            }
            Ok(Existing { id, state: wanted.clone() })
        }
        .boxed()
    }

    /// Its stock, where nobody has ever given it any: the shop refused it, or the run was stopped before it. Stock that
    /// lies elsewhere is all it has.
    fn complete<'a>(
        &'a self,
        key: &'a IdempotencyKey,
        row: &'a Staged,
        now: &'a Existing<Look>,
    ) -> BoxFuture<'a, Result<bool, CallError>> {
        async move {
            let Some(quantity) = row.product.initial_stock else { return Ok(false) };
            let records: Vec<IgnoredAny> = self.shop.whole(&["inventory", "product", &now.id]).await?;
            if !records.is_empty() {
                return Ok(false);
            }
            self.set_stock(key, row, &now.id, quantity).await.map(|()| true)
        }
        .boxed()
    }

    /// A product that was sold since, or got its first stock from the run, is still as the run wrote it.
    fn is_as_written(&self, row: &Staged, before: &Look, now: &Look) -> bool {
        let Ok(written) = self.wanted(row, Some(before)) else { return false };
        let written = Look { stock: now.stock, ..written };
        match row.product.variants.is_empty() {
            true => written == *now,
            // The price of the product itself follows from its variants.
            false => Look { price: now.price, prices: now.prices.clone(), ..written } == *now,
        }
    }

    fn change<'a>(
        &'a self,
        key: &'a IdempotencyKey,
        now: &'a Existing<Look>,
        wanted: &'a Look,
    ) -> BoxFuture<'a, Result<(), CallError>> {
        async move {
            let body = body::differing(&now.state, wanted);
            if !body.is_empty() {
                self.shop.put(&["products", &now.id], key, &body).await?;
            }
            for price in body::other_prices(&now.state, wanted) {
                let path = ["products", "sku", &now.state.sku, "price"];
                let key = key.part(price.variant());
                self.shop.put(&path, &key, &price).await?;
            }
            Ok(())
        }
        .boxed()
    }

    /// Not only put away: its SKU would stay taken.
    fn delete<'a>(&'a self, key: &'a IdempotencyKey, id: &'a str) -> BoxFuture<'a, Result<(), CallError>> {
        async move { self.shop.delete(&["products", id], &[("force", "true")], key).await }.boxed()
    }

    fn told(&self, row: &Staged, now: Option<&Existing<Look>>) -> RowOutcome {
        let missing = row.pictures.iter().flatten().any(|hash| !self.urls.contains_key(hash));
        let kept_price = now.filter(|now| !now.state.prices.is_empty()).and(row.product.price);
        let cause = match kept_price {
            _ if missing && !self.is_staging => {
                Some("a picture of it could not be uploaded: its pictures are as they were".to_owned())
            }
            Some(price) => {
                Some(format!("some of its variants cost {price}, others do not: no price was changed"))
            }
            None => None,
        };
        RowOutcome {
            row: row.product.row,
            name: row.product.name.clone(),
            sku: Some(row.product.sku.to_string()),
            product_id: now.map(|now| now.id.clone()),
            cause,
            ..RowOutcome::default()
        }
    }
}
