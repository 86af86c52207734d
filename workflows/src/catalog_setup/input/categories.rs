//! The category tree of a file: parents before children, each with its path and its slug.

use std::collections::BTreeMap;

use contracts::catalog::paths::{SEPARATOR, category_parts, folded, shown};
use contracts::catalog::{Category, Changes, Given};
use serde_json::value::RawValue;

use super::products::SEO_KEYS;
use super::{CATEGORIES_MAX, all_right};
use crate::input::people::words;
use crate::input::rows::changes;
use crate::input::{Fields, Refusal, opaque, refuse, text};

/// Levels at most.
const DEPTH_MAX: usize = 10;
const SLUG_MAX: usize = 255;

/// A category as it is written.
#[derive(Clone, Debug, PartialEq)]
struct Written {
    row: u32,
    name: String,
    external_id: Option<String>,
    slug: Option<String>,
    parent: Parent,
    description: Given<String>,
    attributes: Option<Vec<String>>,
    seo: Changes,
}

/// The parent that a category names.
#[derive(Clone, Debug, PartialEq)]
enum Parent {
    None,
    /// The names of a path, or of its end.
    Named(Vec<String>),
    /// The shop's id.
    Id(String),
}

/// Reads the list; `None` when something is wrong with it.
pub(super) fn read(fields: &Fields<'_>) -> Option<Vec<Category>> {
    let written = all_right(fields, fields.rows("categories", "name", one))?;
    if written.len() > CATEGORIES_MAX {
        let problem = format!("has {} entries", written.len());
        fields.problem("categories", problem, format!("send at most {CATEGORIES_MAX}"));
        return None;
    }
    let mut tree = Tree { fields, written: Vec::new(), parents: Vec::new(), is_right: true };
    tree.take(written);
    tree.check_external_ids();
    tree.find_parents();
    tree.check_paths();
    let categories = tree.categories();
    tree.is_right.then_some(categories)
}

fn one(row: u32, fields: &Fields<'_>) -> Option<Written> {
    let name = fields.required("name", name);
    let external_id = fields.optional("external_id", opaque(255));
    let slug = fields.optional("slug", slug);
    let named = fields.optional("parent_name", text(1_000));
    let by_id = fields.optional("parent_id", opaque(255));
    if named.is_some() && by_id.is_some() {
        fields.problem("parent_id", "is given beside parent_name", "keep one of them");
    }
    let parent = match (named, by_id) {
        (_, Some(id)) => Parent::Id(id),
        (Some(named), None) => Parent::Named(category_parts(&named)),
        (None, None) => Parent::None,
    };
    let description = fields.given("description", prose(::text::DESCRIPTION_MAX));
    let attributes = fields.given_list("attributes", words(100, 100));
    let seo = fields.optional("seo_settings", changes(1_000, Some(&SEO_KEYS))).unwrap_or_default();
    Some(Written { row, name: name?, external_id, slug, parent, description, attributes, seo })
}

/// The name of a category.
fn name(value: &RawValue) -> Result<String, Refusal> {
    let name = ::text::key(&text(255)(value)?, 255)?;
    match name.contains(SEPARATOR) {
        true => refuse(
            format!("holds '{SEPARATOR}', which stands between the names of a path"),
            "write it without",
        ),
        false => Ok(name),
    }
}

fn slug(value: &RawValue) -> Result<String, Refusal> {
    let slug = text(SLUG_MAX)(value)?;
    let is_plain = slug.bytes().all(|sign| matches!(sign, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    if is_plain { Ok(slug) } else { refuse("is not a slug", "write it with a to z, 0 to 9 and '-'") }
}

/// A text of any number of lines.
pub(super) fn prose(max: usize) -> impl Fn(&RawValue) -> Result<String, Refusal> {
    move |value| ::text::prose(&::text::json::text(value)?, max)
}

struct Tree<'f, 'a> {
    fields: &'f Fields<'a>,
    written: Vec<Written>,
    /// The place of each one's parent; `None`: at the top, below an id of the shop, or not found.
    parents: Vec<Option<usize>>,
    is_right: bool,
}

/// A parent, as far as it is known.
enum Sought {
    Found(usize),
    /// Another one's parent decides.
    NotYet,
    Wrong(String, String),
}

impl Tree<'_, '_> {
    fn problem(&mut self, place: usize, field: &str, problem: String, fix: &str) {
        let row = self.written[place].row;
        let field = format!("categories[{}].{field}", row - 1);
        self.fields.problem(&field, problem, fix.to_owned());
        self.is_right = false;
    }

    fn named(&self, place: usize) -> String {
        let Written { name, row, .. } = &self.written[place];
        format!("'{name}' (row {row})")
    }

    /// Takes the categories; one that is written twice and says the same is one.
    fn take(&mut self, written: Vec<Written>) {
        for next in written {
            let is_same = |known: &&Written| is_one(known, &next);
            let Some(first) = self.written.iter().find(is_same).cloned() else {
                self.written.push(next);
                continue;
            };
            let is_alike = Written {
                row: first.row,
                name: first.name.clone(),
                parent: first.parent.clone(),
                ..next.clone()
            } == first;
            if !is_alike && !says_nothing(&next) {
                let (row, field) = (first.row, format!("categories[{}].name", next.row - 1));
                let problem = format!(
                    "'{}' is the category '{}' of row {row}, and says something else about it",
                    next.name, first.name
                );
                self.fields.problem(
                    &field,
                    problem,
                    "keep one of them: case and blanks do not make another category",
                );
                self.is_right = false;
            }
        }
    }

    /// Two categories of one external id would be one at the shop.
    fn check_external_ids(&mut self) {
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for place in 0..self.written.len() {
            let Some(id) = self.written[place].external_id.clone() else { continue };
            if let Some(first) = seen.insert(id, place) {
                let problem = format!("of {} is that of {}", self.named(place), self.named(first));
                self.problem(place, "external_id", problem, "give each its own");
            }
        }
    }

    fn find_parents(&mut self) {
        self.parents = vec![None; self.written.len()];
        let is_named =
            |(place, written): (usize, &Written)| matches!(written.parent, Parent::Named(_)).then_some(place);
        let mut open: Vec<usize> = self.written.iter().enumerate().filter_map(is_named).collect();
        loop {
            let before = open.len();
            for place in std::mem::take(&mut open) {
                match self.seek(place) {
                    Sought::Found(parent) => self.parents[place] = Some(parent),
                    Sought::NotYet => open.push(place),
                    Sought::Wrong(problem, fix) => self.problem(place, "parent_name", problem, &fix),
                }
            }
            if open.is_empty() || open.len() == before {
                break;
            }
        }
        for place in open {
            let problem = "leads in a circle, or to a path that no category has".to_owned();
            self.problem(place, "parent_name", problem, "name a category that stands higher up");
        }
        self.find_circles();
    }

    fn seek(&self, place: usize) -> Sought {
        let Parent::Named(wanted) = &self.written[place].parent else { return Sought::NotYet };
        let last = wanted.last().map(|name| folded(name)).unwrap_or_default();
        let called: Vec<usize> =
            (0..self.written.len()).filter(|other| folded(&self.written[*other].name) == last).collect();
        let mut fitting = Vec::new();
        for candidate in called {
            match self.ends_with(candidate, wanted) {
                Some(true) => fitting.push(candidate),
                Some(false) => {}
                None => return Sought::NotYet,
            }
        }
        let in_full = |place: &&usize| self.depth_of(**place) == Some(wanted.len());
        let full: Vec<usize> =
            if fitting.len() > 1 { fitting.iter().filter(in_full).copied().collect() } else { Vec::new() };
        match (full.as_slice(), fitting.as_slice()) {
            ([one], _) | ([], [one]) => Sought::Found(*one),
            (_, []) => {
                let names: Vec<&str> = self.written.iter().map(|category| category.name.as_str()).collect();
                let written = shown(wanted);
                let fix = format!(
                    "{}; a category that only the shop has is named by parent_id",
                    ::text::did_you_mean(&written, &names)
                );
                Sought::Wrong(format!("'{written}' is not a category of this file"), fix)
            }
            _ => {
                let all: Vec<String> = fitting.iter().map(|place| self.named(*place)).collect();
                let problem = format!("'{}' could be {}", shown(wanted), all.join(" or "));
                Sought::Wrong(problem, "write its path: \"Phones > Accessories\"".to_owned())
            }
        }
    }

    /// Whether the path of a category ends with these names; `None` where that is not known yet.
    fn ends_with(&self, place: usize, wanted: &[String]) -> Option<bool> {
        let (last, above) = wanted.split_last()?;
        if folded(&self.written[place].name) != folded(last) {
            return Some(false);
        }
        if above.is_empty() {
            return Some(true);
        }
        match (&self.written[place].parent, self.parents[place]) {
            (_, Some(parent)) => self.ends_with(parent, above),
            (Parent::Named(_), None) => None,
            (Parent::None | Parent::Id(_), None) => Some(false),
        }
    }

    /// The names in a category's path; `None` where that is not known yet.
    fn depth_of(&self, place: usize) -> Option<usize> {
        let (mut at, mut depth) = (place, 1);
        loop {
            match (&self.written[at].parent, self.parents[at]) {
                (_, Some(parent)) if depth <= self.written.len() => (at, depth) = (parent, depth + 1),
                (Parent::None | Parent::Id(_), None) => return Some(depth),
                _ => return None,
            }
        }
    }

    fn find_circles(&mut self) {
        let mut told = vec![false; self.written.len()];
        for place in 0..self.written.len() {
            let mut way = vec![place];
            while let Some(next) = self.parents[way[way.len() - 1]] {
                if let Some(begin) = way.iter().position(|seen| *seen == next) {
                    let circle = &way[begin..];
                    if !circle.iter().any(|place| told[*place]) {
                        let names: Vec<String> =
                            circle.iter().chain([&next]).map(|place| self.named(*place)).collect();
                        let problem = format!("leads in a circle: {}", names.join(" below "));
                        self.problem(next, "parent_name", problem, "leave the parent of one of them out");
                    }
                    circle.iter().for_each(|place| told[*place] = true);
                    break;
                }
                way.push(next);
            }
        }
    }

    /// Paths are not too deep, and no two the same.
    fn check_paths(&mut self) {
        if !self.is_right {
            return;
        }
        let mut seen: BTreeMap<(Option<String>, Vec<String>), usize> = BTreeMap::new();
        for place in 0..self.written.len() {
            let (path, parent_id) = self.path(place);
            if path.len() > DEPTH_MAX {
                let problem = format!("stands {} levels deep", path.len());
                self.problem(place, "parent_name", problem, &format!("build at most {DEPTH_MAX} levels"));
            }
            let key = (parent_id, path.iter().map(|name| folded(name)).collect());
            if let Some(first) = seen.insert(key, place) {
                let problem = format!("is the category {}, written another way", self.named(first));
                self.problem(place, "name", problem, "keep one of them");
            }
        }
    }

    /// The names down to a category, and the id that they begin below.
    fn path(&self, place: usize) -> (Vec<String>, Option<String>) {
        let (mut at, mut path) = (place, Vec::new());
        loop {
            path.push(self.written[at].name.clone());
            match self.parents[at] {
                Some(parent) => at = parent,
                None => break,
            }
        }
        path.reverse();
        let parent_id = match &self.written[at].parent {
            Parent::Id(id) => Some(id.clone()),
            Parent::None | Parent::Named(_) => None,
        };
        (path, parent_id)
    }

    /// The categories with their slugs, the higher ones first.
    fn categories(&mut self) -> Vec<Category> {
        if !self.is_right {
            return Vec::new();
        }
        let paths: Vec<_> = (0..self.written.len()).map(|place| self.path(place)).collect();
        let mut order: Vec<usize> = (0..self.written.len()).collect();
        order.sort_by_key(|place| (paths[*place].0.len(), *place));
        let mut slugs: BTreeMap<usize, String> = BTreeMap::new();
        let mut taken: BTreeMap<String, usize> = BTreeMap::new();
        let mut categories = Vec::new();
        for place in order {
            let Some(slug) = self.slug(place, &slugs) else { continue };
            if let Some(first) = taken.insert(slug.clone(), place) {
                let problem =
                    format!("of {} would be '{slug}', as that of {}", self.named(place), self.named(first));
                self.problem(place, "slug", problem, "give `slug`");
            }
            let (path, parent_id) = paths[place].clone();
            let Written { row, external_id, slug: given, description, attributes, seo, .. } =
                self.written[place].clone();
            slugs.insert(place, slug.clone());
            categories.push(Category {
                row,
                path,
                external_id,
                parent_id,
                slug,
                slug_given: given.is_some(),
                description,
                attributes,
                seo,
            });
        }
        categories
    }

    /// The slug that is given, or the name's below its parent's: the same in every run, and another one below another
    /// parent.
    fn slug(&mut self, place: usize, slugs: &BTreeMap<usize, String>) -> Option<String> {
        let Written { name, slug, .. } = &self.written[place];
        if let Some(slug) = slug {
            return Some(slug.clone());
        }
        let Some(own) = ::text::slug(name) else {
            let problem = format!("of {} cannot be made of its name", self.named(place));
            self.problem(place, "slug", problem, "give `slug`");
            return None;
        };
        let above = self.parents[place].and_then(|parent| slugs.get(&parent));
        let slug = above.map_or_else(|| own.clone(), |above| format!("{above}-{own}"));
        if slug.len() > SLUG_MAX {
            let problem = format!("of {} would be longer than {SLUG_MAX} characters", self.named(place));
            self.problem(place, "slug", problem, "give `slug`");
            return None;
        }
        Some(slug)
    }
}

/// Whether two entries are one category: case and blanks do not make another one.
fn is_one(one: &Written, other: &Written) -> bool {
    let parent = |parent: &Parent| match parent {
        Parent::Named(names) => Parent::Named(names.iter().map(|name| folded(name)).collect()),
        other => other.clone(),
    };
    folded(&one.name) == folded(&other.name) && parent(&one.parent) == parent(&other.parent)
}

fn says_nothing(category: &Written) -> bool {
    let Written { external_id, slug, description, attributes, seo, .. } = category;
    external_id.is_none()
        && slug.is_none()
        && description.is_absent()
        && attributes.is_none()
        && seo.is_empty()
}
