//! Pictures at the shop, by the hash of their content: it is a tag of theirs there, so each content is uploaded once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use contracts::catalog::paths::{file_parts, is_web};
use contracts::catalog::{Image, RowOutcome};
use contracts::values::IdempotencyKey;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::StoreError;
use tokio::sync::{Mutex as Turn, OnceCell};

use super::categories::set;
use super::client::{SYSTEM, Shop, id_of};
use super::kind::{Existing, Kind, Looks, Unfit};
use super::listing::{Asked, Listing, Place};
use super::{picture, web};
use crate::http::{CallError, Form};

/// Stands before the hash in the tag.
const HASH_TAG: &str = "sha256:";

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    media_id: Option<String>,
    url: String,
    #[serde(default)]
    alt: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
}

/// How a picture is described.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Look {
    pub(super) url: String,
    alt: Option<String>,
    /// Without the tag of the hash, sorted.
    tags: Vec<String>,
}

fn existing(body: Body) -> Result<(Option<String>, Existing<Look>), CallError> {
    let hash = body.tags.iter().find_map(|tag| tag.strip_prefix(HASH_TAG)).map(str::to_owned);
    let mut tags: Vec<String> = body.tags.into_iter().filter(|tag| !tag.starts_with(HASH_TAG)).collect();
    tags.sort();
    let state = Look { url: body.url, alt: body.alt, tags };
    Ok((hash, Existing { id: id_of(body.id, body.media_id)?, state }))
}

/// The turn of one upload, with the picture that it made.
type Upload = Turn<Option<Existing<Look>>>;

/// Pictures on their way to the shop.
pub(super) struct Images<'s> {
    pub(super) shop: &'s Shop,
    place: Place<'s>,
    /// The shop's pictures that are asked about, where listing all of them costs less than asking for each.
    listing: OnceCell<Option<Listing<Look>>>,
    /// The hashes of the whole batch.
    asked: Asked,
    /// Uploads under way and done, by hash: two files of one content are one upload.
    uploads: Mutex<HashMap<String, Arc<Upload>>>,
}

impl<'s> Images<'s> {
    pub(super) fn new(shop: &'s Shop, place: Place<'s>, asked: Asked) -> Self {
        Self { shop, place, listing: OnceCell::new(), asked, uploads: Mutex::default() }
    }

    /// Lists the pictures, page by page, until that costs more than asking for each; `None`: it does. Pictures of a
    /// large shop that nobody asks about are not kept.
    async fn list(&self) -> Result<Option<Listing<Look>>, CallError> {
        let mut known = Listing::default();
        for page in 1..=self.asked.pages_max() {
            let (bodies, is_last) = self.shop.page::<Body>(&["media"], &[("type", "image")], page).await?;
            for body in bodies {
                if let (Some(hash), found) = existing(body)? {
                    known.add(&self.asked, hash, found);
                }
            }
            known.put(self.place).await?;
            if is_last {
                return Ok(Some(known));
            }
        }
        Ok(None)
    }

    async fn find(&self, hash: &str) -> Result<Option<Existing<Look>>, CallError> {
        let tag = format!("{HASH_TAG}{hash}");
        let filters = [("type", "image"), ("tags[]", tag.as_str())];
        let (bodies, _) = self.shop.page::<Body>(&["media"], &filters, 1).await?;
        for body in bodies {
            // A shop that passes over a filter it does not know lists everybody's.
            let (found_hash, found) = existing(body)?;
            if found_hash.as_deref() == Some(hash) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The bytes of a whole picture.
    async fn read(&self, row: &Image) -> Result<(Vec<u8>, picture::Format), CallError> {
        let refuse = |why: String| CallError::Unusable { system: SYSTEM, why };
        let Some(content) = &row.content else { return Err(refuse("is nowhere".to_owned())) };
        if content.bytes > picture::BYTES_MAX {
            let (bytes, max) = (content.bytes, picture::BYTES_MAX);
            return Err(refuse(format!("has {bytes} bytes; at most {max} are taken")));
        }
        let content = self.place.store.get(content).await;
        let content = content.map_err(|error| match error {
            StoreError::Gone { .. } | StoreError::Damaged { .. } => refuse(error.to_string()),
            // A store that is away says nothing about the picture.
            error => CallError::NotSent { system: SYSTEM, why: error.to_string() },
        })?;
        let format = picture::check(&content).map_err(refuse)?;
        Ok((content, format))
    }

    async fn upload(
        &self,
        key: &IdempotencyKey,
        row: &Image,
        wanted: &Look,
    ) -> Result<Existing<Look>, CallError> {
        let (content, format) = self.read(row).await?;
        let stem: String = stem_of(&row.file_path).chars().take(200).collect();
        let file_name = format!("{stem}.{}", format.ending());
        let hash_tag = format!("{HASH_TAG}{}", row.sha256());
        let mut form = Form::default()
            .file("file", &file_name, format.mime(), content)
            .text("filename", &file_name)
            .text("mimeType", format.mime());
        if let Some(alt) = &wanted.alt {
            form = form.text("alt", alt);
        }
        for tag in wanted.tags.iter().chain([&hash_tag]) {
            form = form.text("tags[]", tag);
        }
        let made: Body = self.shop.api().upload(&["media", "upload"], key, form).await?;
        Ok(existing(made)?.1)
    }
}

/// The name of a picture, without its ending: at the shop it ends as its kind does.
fn stem_of(path: &str) -> String {
    if is_web(path) {
        return web::stem_of(path).unwrap_or_else(|| "picture".to_owned());
    }
    let name = file_parts(path).pop().unwrap_or_default();
    name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem).to_owned()
}

impl Kind for Images<'_> {
    type Row = Image;
    type State = Look;

    fn shop(&self) -> &Shop {
        self.shop
    }

    fn key(&self, row: &Image) -> String {
        file_parts(&row.file_path).join("/")
    }

    fn unfit<'a>(&'a self, row: &'a Image) -> Unfit<'a> {
        async move {
            match self.read(row).await {
                Ok(_) => Ok(None),
                Err(CallError::Unusable { why, .. }) => Ok(Some(why)),
                Err(error) => Err(error),
            }
        }
        .boxed()
    }

    fn content(&self, row: &Image) -> String {
        format!("{} {}", self.key(row), row.sha256())
    }

    fn look<'a>(&'a self, rows: &'a [Image]) -> BoxFuture<'a, Result<Looks<Look>, CallError>> {
        async move {
            let listing = self.listing.get_or_try_init(|| self.list()).await?;
            if let Some(known) = listing {
                let hashes: Vec<&str> = rows.iter().map(Image::sha256).collect();
                return known.find(&self.asked, self.place, &hashes).await;
            }
            let mut looks = Vec::with_capacity(rows.len());
            for row in rows {
                looks.push(self.find(row.sha256()).await?);
            }
            Ok(looks)
        }
        .boxed()
    }

    fn look_again<'a>(&'a self, row: &'a Image) -> BoxFuture<'a, Result<Option<Existing<Look>>, CallError>> {
        self.find(row.sha256()).boxed()
    }

    fn wanted(&self, row: &Image, now: Option<&Look>) -> Result<Look, String> {
        let mut look =
            now.cloned().unwrap_or_else(|| Look { url: String::new(), alt: None, tags: Vec::new() });
        set(&mut look.alt, &row.alt_text);
        if let Some(tags) = &row.tags {
            look.tags.clone_from(tags);
            look.tags.sort();
        }
        Ok(look)
    }

    fn is_as_made(&self, row: &Image, now: &Look) -> bool {
        self.wanted(row, None).is_ok_and(|made| Look { url: now.url.clone(), ..made } == *now)
    }

    fn create<'a>(
        &'a self,
        key: &'a IdempotencyKey,
        row: &'a Image,
        wanted: &'a Look,
    ) -> BoxFuture<'a, Result<Existing<Look>, CallError>> {
        async move {
            let turn = {
                let mut uploads = self.uploads.lock().unwrap_or_else(PoisonError::into_inner);
                uploads.entry(row.sha256().to_owned()).or_default().clone()
            };
            let mut uploaded = turn.lock().await;
            if let Some(uploaded) = uploaded.as_ref() {
                return Ok(uploaded.clone());
            }
            let made = self.upload(key, row, wanted).await?;
            Ok(uploaded.insert(made).clone())
        }
        .boxed()
    }

    fn change<'a>(
        &'a self,
        key: &'a IdempotencyKey,
        now: &'a Existing<Look>,
        wanted: &'a Look,
    ) -> BoxFuture<'a, Result<(), CallError>> {
        async move {
            let mut body = Map::new();
            if now.state.alt != wanted.alt {
                body.insert("alt".to_owned(), wanted.alt.clone().into());
            }
            if now.state.tags != wanted.tags {
                // The whole list: the hash is one of them, and is read again to keep it.
                let found: Body = self.shop.api().get(&["media", &now.id], &[]).await?;
                let hash = found.tags.into_iter().filter(|tag| tag.starts_with(HASH_TAG));
                let tags: Vec<Value> = wanted.tags.iter().cloned().chain(hash).map(Value::from).collect();
                body.insert("tags".to_owned(), tags.into());
            }
            self.shop.put(&["media", &now.id], key, &body).await
        }
        .boxed()
    }

    fn delete<'a>(&'a self, key: &'a IdempotencyKey, id: &'a str) -> BoxFuture<'a, Result<(), CallError>> {
        async move { self.shop.delete(&["media", id], &[], key).await }.boxed()
    }

    fn told(&self, row: &Image, now: Option<&Existing<Look>>) -> RowOutcome {
        RowOutcome {
            row: row.row,
            original_path: Some(row.file_path.clone()),
            media_id: now.map(|now| now.id.clone()),
            uploaded_url: now.map(|now| now.state.url.clone()),
            sha256: Some(row.sha256().to_owned()).filter(|hash| !hash.is_empty()),
            ..RowOutcome::default()
        }
    }
}
