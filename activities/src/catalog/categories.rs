//! Categories at the shop, by their paths.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use contracts::catalog::paths::{folded, shown};
use contracts::catalog::{Category, Given, RowOutcome};
use contracts::values::IdempotencyKey;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::client::{Shop, id_of};
use super::kind::{Existing, Kind, Looks};
use crate::http::CallError;

/// A category as the platform shows it.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    #[serde(default)]
    id: Option<String>,
    #[serde(default, rename = "category_id")]
    category_id: Option<String>,
    name: String,
    #[serde(default)]
    slug: Option<String>,
    #[serde(default)]
    parent_id: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    meta_title: Option<String>,
    #[serde(default)]
    meta_description: Option<String>,
    #[serde(default)]
    attributes: Option<Vec<String>>,
    #[serde(default)]
    external_id: Option<String>,
}

/// How a category looks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Look {
    name: String,
    slug: String,
    parent_id: Option<String>,
    description: Option<String>,
    attributes: Vec<String>,
    meta_title: Option<String>,
    meta_description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    external_id: Option<String>,
}

/// A category that there is, or will be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Known {
    /// The names from the top down.
    pub(super) path: Vec<String>,
    /// The shop's id, if it is there already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
}

/// Every category of the shop.
#[derive(Clone, Default)]
pub(super) struct Tree {
    looks: BTreeMap<String, Look>,
    by_id: BTreeMap<String, Vec<String>>,
    /// By the folded path.
    by_path: BTreeMap<Vec<String>, String>,
}

impl Tree {
    /// Reads it.
    pub(super) async fn read(shop: &Shop) -> Result<Self, CallError> {
        let bodies: Vec<Body> = shop.all(&["categories"], &[]).await?;
        let mut looks = BTreeMap::new();
        for body in bodies {
            let id = id_of(body.id, body.category_id)?;
            let look = Look {
                name: body.name,
                slug: body.slug.unwrap_or_default(),
                parent_id: body.parent_id,
                description: body.description,
                attributes: body.attributes.unwrap_or_default(),
                meta_title: body.meta_title,
                meta_description: body.meta_description,
                external_id: body.external_id,
            };
            looks.insert(id, look);
        }
        Ok(Self::of(looks))
    }

    fn of(looks: BTreeMap<String, Look>) -> Self {
        let (mut by_id, mut by_path) = (BTreeMap::new(), BTreeMap::new());
        for id in looks.keys() {
            let path = path_of(id, &looks);
            // Of two with one path the older one is meant, in every run: ids are compared.
            by_path.entry(fold(&path)).or_insert_with(|| id.clone());
            by_id.insert(id.clone(), path);
        }
        Self { looks, by_id, by_path }
    }

    /// The tree of which no more than paths and ids is known.
    pub(super) fn of_known(known: Vec<Known>) -> Self {
        let ids = known.into_iter().filter_map(|Known { path, id }| Some((fold(&path), id?)));
        Self { by_path: ids.collect(), ..Self::default() }
    }

    /// The path of an id.
    pub(super) fn path(&self, id: &str) -> Option<&[String]> {
        self.by_id.get(id).map(Vec::as_slice)
    }

    /// The id of a path.
    pub(super) fn id(&self, path: &[String]) -> Option<&str> {
        self.by_path.get(&fold(path)).map(String::as_str)
    }

    /// Every category.
    pub(super) fn known(&self) -> impl Iterator<Item = Known> {
        self.by_id.iter().map(|(id, path)| Known { path: path.clone(), id: Some(id.clone()) })
    }

    /// A category by its external id, or else by its path.
    fn existing(&self, row: &Category) -> Option<Existing<Look>> {
        let of_external = |wanted: &str| {
            let is_it = |(_, look): &(&String, &Look)| look.external_id.as_deref() == Some(wanted);
            self.looks.iter().find(is_it).map(|(id, _)| id)
        };
        let id = row.external_id.as_deref().and_then(of_external);
        let id = id.or_else(|| self.by_path.get(&fold(&row.path)))?;
        Some(Existing { id: id.clone(), state: self.looks.get(id)?.clone() })
    }

    /// The tree as it will be when these rows of one level are written: some of them get another name, or stand
    /// elsewhere.
    pub(super) fn with_moved(mut self, rows: &[Category]) -> Self {
        for row in rows.iter().filter(|row| row.external_id.is_some()) {
            let parent = self.parent_of(row);
            let Some(Existing { id, state }) = self.existing(row) else { continue };
            let parent_id = parent.unwrap_or(state.parent_id.clone());
            let look = Look { name: row.name().to_owned(), parent_id, ..state };
            self.looks.insert(id, look);
        }
        Self::of(self.looks)
    }

    /// The id of the parent of a category by its path, which may be at the top; `None`: the parent is not there.
    fn parent_of(&self, row: &Category) -> Option<Option<String>> {
        match row.path.split_last() {
            None | Some((_, [])) => Some(None),
            Some((_, above)) => self.id(above).map(|id| Some(id.to_owned())),
        }
    }
}

pub(super) fn fold(path: &[String]) -> Vec<String> {
    path.iter().map(|name| folded(name)).collect()
}

/// The names from the top down to a category. A circle at the shop ends where it began.
fn path_of(id: &str, looks: &BTreeMap<String, Look>) -> Vec<String> {
    let (mut path, mut seen, mut at) = (Vec::new(), BTreeSet::new(), Some(id));
    while let Some(look) = at.filter(|id| seen.insert(*id)).and_then(|id| looks.get(id)) {
        path.push(look.name.clone());
        at = look.parent_id.as_deref();
    }
    path.reverse();
    path
}

/// Categories on their way to the shop. Their paths are whole: they begin at the top.
pub(super) struct Categories<'s> {
    shop: &'s Shop,
    /// The tree as it will be when the level above is written; `None`: that is so, and the shop is asked.
    staged: Option<Tree>,
    /// The shop's tree at the last look.
    seen: Mutex<Option<Tree>>,
}

impl<'s> Categories<'s> {
    pub(super) fn new(shop: &'s Shop) -> Self {
        Self { shop, staged: None, seen: Mutex::default() }
    }

    /// Nothing is written yet: they are compared with this tree.
    pub(super) fn staging(shop: &'s Shop, tree: Tree) -> Self {
        Self { shop, staged: Some(tree), seen: Mutex::default() }
    }

    /// Where a category that is known by its external id is to stand: it may be moved.
    fn parent_id(&self, row: &Category, now: &Look) -> Result<Option<String>, String> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(tree) = self.staged.as_ref().or(seen.as_ref()) else { return Ok(now.parent_id.clone()) };
        let above = || shown(&row.path[..row.path.len().saturating_sub(1)]);
        match tree.parent_of(row) {
            Some(parent) => Ok(parent),
            None if self.staged.is_some() => Ok(Some(format!("to be made: {}", above()))),
            None => Err(format!("the category {} is not there any more", above())),
        }
    }
}

impl Kind for Categories<'_> {
    /// The category, and its parent's id where the parent is there already.
    type Row = Category;
    type State = Look;

    fn shop(&self) -> &Shop {
        self.shop
    }

    fn key(&self, row: &Category) -> String {
        fold(&row.path).join(" > ")
    }

    fn look<'a>(&'a self, rows: &'a [Category]) -> BoxFuture<'a, Result<Looks<Look>, CallError>> {
        async move {
            if let Some(tree) = &self.staged {
                return Ok(rows.iter().map(|row| tree.existing(row)).collect());
            }
            let tree = Tree::read(self.shop).await?;
            let looks = rows.iter().map(|row| tree.existing(row)).collect();
            *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(tree);
            Ok(looks)
        }
        .boxed()
    }

    fn wanted(&self, row: &Category, now: Option<&Look>) -> Result<Look, String> {
        let mut look = now.cloned().unwrap_or_else(|| Look {
            name: row.name().to_owned(),
            slug: row.slug.clone(),
            // Known when it is made: the level above is there by then.
            parent_id: None,
            description: None,
            attributes: Vec::new(),
            meta_title: None,
            meta_description: None,
            external_id: None,
        });
        if let Some(external_id) = &row.external_id {
            if let Some(other) = look.external_id.as_ref().filter(|other| *other != external_id) {
                return Err(format!(
                    "the shop has {} under another external_id, '{other}'",
                    shown(&row.path)
                ));
            }
            look.external_id = Some(external_id.clone());
            if let Some(now) = now {
                row.name().clone_into(&mut look.name);
                look.parent_id = self.parent_id(row, now)?;
            }
        }
        if row.slug_given {
            look.slug.clone_from(&row.slug);
        }
        set(&mut look.description, &row.description);
        if let Some(attributes) = &row.attributes {
            look.attributes.clone_from(attributes);
        }
        for (name, value) in &row.seo {
            match name.as_str() {
                "meta_title" => look.meta_title.clone_from(value),
                "meta_description" => look.meta_description.clone_from(value),
                _ => return Err(format!("seo_settings has a key '{name}' that the shop has no place for")),
            }
        }
        Ok(look)
    }

    fn is_as_made(&self, row: &Category, now: &Look) -> bool {
        let made = self.wanted(row, None);
        made.is_ok_and(|made| Look { parent_id: now.parent_id.clone(), ..made } == *now)
    }

    fn create<'a>(
        &'a self,
        key: &'a IdempotencyKey,
        row: &'a Category,
        wanted: &'a Look,
    ) -> BoxFuture<'a, Result<Existing<Look>, CallError>> {
        async move {
            let above = &row.path[..row.path.len().saturating_sub(1)];
            let mut state = wanted.clone();
            if !above.is_empty() {
                let id = |tree: &Tree| tree.id(above).map(str::to_owned);
                let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).as_ref().and_then(id);
                // The level above is there before this one is begun.
                state.parent_id = match seen {
                    Some(parent) => Some(parent),
                    None => id(&Tree::read(self.shop).await?),
                };
                if state.parent_id.is_none() {
                    return Err(super::kind::no_parent(&shown(above)));
                }
            }
            let nothing = Look {
                name: String::new(),
                slug: String::new(),
                parent_id: None,
                description: None,
                attributes: Vec::new(),
                meta_title: None,
                meta_description: None,
                external_id: None,
            };
            let made: Body = self.shop.post(&["categories"], key, &differing(&nothing, &state)).await?;
            Ok(Existing { id: id_of(made.id, made.category_id)?, state })
        }
        .boxed()
    }

    fn change<'a>(
        &'a self,
        key: &'a IdempotencyKey,
        now: &'a Existing<Look>,
        wanted: &'a Look,
    ) -> BoxFuture<'a, Result<(), CallError>> {
        async move { self.shop.put(&["categories", &now.id], key, &differing(&now.state, wanted)).await }
            .boxed()
    }

    fn delete<'a>(&'a self, key: &'a IdempotencyKey, id: &'a str) -> BoxFuture<'a, Result<(), CallError>> {
        async move { self.shop.delete(&["categories", id], &[], key).await }.boxed()
    }

    fn told(&self, row: &Category, now: Option<&Existing<Look>>) -> RowOutcome {
        RowOutcome {
            row: row.row,
            name: Some(shown(&row.path)),
            category_id: now.map(|now| now.id.clone()),
            ..RowOutcome::default()
        }
    }
}

/// Sets a text to what a file says of it.
pub(super) fn set(text: &mut Option<String>, given: &Given<String>) {
    match given {
        Given::Absent => {}
        Given::Empty => *text = None,
        Given::Value(value) => *text = Some(value.clone()),
    }
}

/// The fields in which two looks differ, with the values of the second.
fn differing(now: &Look, wanted: &Look) -> Map<String, Value> {
    let mut body = Map::new();
    let mut put = |name: &str, differs: bool, value: Value| {
        if differs {
            body.insert(name.to_owned(), value);
        }
    };
    put("name", now.name != wanted.name, wanted.name.clone().into());
    put("slug", now.slug != wanted.slug, wanted.slug.clone().into());
    put("parentId", now.parent_id != wanted.parent_id, wanted.parent_id.clone().into());
    put("description", now.description != wanted.description, wanted.description.clone().into());
    let attributes =
        if wanted.attributes.is_empty() { Value::Null } else { wanted.attributes.clone().into() };
    put("attributes", now.attributes != wanted.attributes, attributes);
    put("metaTitle", now.meta_title != wanted.meta_title, wanted.meta_title.clone().into());
    let description = wanted.meta_description.clone().into();
    put("externalId", now.external_id != wanted.external_id, wanted.external_id.clone().into());
    put("metaDescription", now.meta_description != wanted.meta_description, description);
    body
}
