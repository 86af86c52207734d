//! Categories at the shop, by their paths.

use std::collections::{BTreeMap, BTreeSet};

use contracts::catalog::paths::{folded, shown};
use contracts::catalog::{Category, Given, RowOutcome};
use contracts::values::IdempotencyKey;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::OnceCell;

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
}

/// Every category of the shop.
#[derive(Clone, Default)]
pub(super) struct Tree {
    by_id: BTreeMap<String, (Vec<String>, Look)>,
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
            };
            looks.insert(id, look);
        }
        let mut tree = Self::default();
        for (id, look) in &looks {
            let path = path_of(id, &looks);
            // Of two with one path the older one is meant, in every run: ids are compared.
            tree.by_path.entry(fold(&path)).or_insert_with(|| id.clone());
            tree.by_id.insert(id.clone(), (path, look.clone()));
        }
        Ok(tree)
    }

    /// The path of an id.
    pub(super) fn path(&self, id: &str) -> Option<&[String]> {
        self.by_id.get(id).map(|(path, _)| path.as_slice())
    }

    /// The id of a path.
    pub(super) fn id(&self, path: &[String]) -> Option<&str> {
        self.by_path.get(&fold(path)).map(String::as_str)
    }

    /// Every path.
    pub(super) fn paths(&self) -> impl Iterator<Item = &[String]> {
        self.by_id.values().map(|(path, _)| path.as_slice())
    }

    fn existing(&self, path: &[String]) -> Option<Existing<Look>> {
        let id = self.by_path.get(&fold(path))?;
        let (_, state) = self.by_id.get(id)?;
        Some(Existing { id: id.clone(), state: state.clone() })
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
    /// The level above is there before this one is begun, so it is read once.
    above: OnceCell<Tree>,
}

impl<'s> Categories<'s> {
    pub(super) fn new(shop: &'s Shop) -> Self {
        Self { shop, above: OnceCell::new() }
    }
}

impl Kind for Categories<'_> {
    /// The category, and its parent's id where the parent is there already.
    type Row = Category;
    type State = Look;

    fn key(&self, row: &Category) -> String {
        fold(&row.path).join(" > ")
    }

    fn look<'a>(&'a self, rows: &'a [Category]) -> BoxFuture<'a, Result<Looks<Look>, CallError>> {
        async move {
            let tree = Tree::read(self.shop).await?;
            Ok(rows.iter().map(|row| tree.existing(&row.path)).collect())
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
        });
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
                let tree = self.above.get_or_try_init(|| Tree::read(self.shop)).await?;
                state.parent_id = match tree.id(above) {
                    Some(id) => Some(id.to_owned()),
                    None => return Err(super::kind::no_parent(&shown(above))),
                };
            }
            let nothing = Look {
                name: String::new(),
                slug: String::new(),
                parent_id: None,
                description: None,
                attributes: Vec::new(),
                meta_title: None,
                meta_description: None,
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
    put("metaDescription", now.meta_description != wanted.meta_description, description);
    body
}
