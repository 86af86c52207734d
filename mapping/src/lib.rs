//! From an ERP's record to the shop's: the seed's `mapping_rules`, grown into a small declared language.
//!
//! ```json
//! { "product_sku":   "item_code",
//!   "product_price": { "from": "unit_price", "decimal": ",", "thousands": "." },
//!   "product_active": { "from": "state", "lookup": { "A": true, "X": false }, "default": true } }
//! ```
//!
//! The left side is the shop's: the entity's prefix and the field ([`mod@targets`]). The right side is the ERP's field,
//! or a rule ([`Rule`]). An entity without any rule maps by identity: `sku` is `sku`. Rules are checked before a run,
//! each mistake with its place ([`Rules::parse`]); a record that does not fit them is a [`Defect`], which never quotes
//! a value, because it may be somebody's name.
//!
//! - [`rule`]: what can be written, and its check;
//! - [`fields`]: the same rules for a list that is not an entity of a sync;
//! - [`value`]: how a value is read; `number`, `date`: as an ERP writes it;
//! - `unseen`: columns that rules read and that no row of a list has;
//! - [`mod@targets`]: what the shop knows of each entity, and what it can take.
//!
//! Deliberately absent: conditions, arithmetic beyond a unit factor, anything that could loop. An ERP that needs more
//! needs a connector.

mod date;
pub mod fields;
mod number;
pub mod rule;
pub mod targets;
#[cfg(test)]
mod tests;
mod unseen;
pub mod value;

use std::collections::{BTreeMap, BTreeSet};

use contracts::erp::{Entity, Record};
use contracts::money::Currency;
use contracts::values::ProductId;
use serde_json::value::RawValue;

pub use date::moment;
pub use rule::Rule;
use targets::{Target, targets};
use text::{Place, Problem, json};
pub use unseen::Unseen;

/// A record as the ERP sends it; values keep their digits.
pub type SourceRecord = BTreeMap<String, Box<RawValue>>;

/// Reads a record, and names the first field that stands in it twice: which of the two is meant, nobody can say. Two
/// names that look alike are one. `None`: it is not an object.
#[must_use]
pub fn record(json: &str) -> Option<(SourceRecord, Option<String>)> {
    let mut record = SourceRecord::new();
    let (mut seen, mut twice) = (BTreeSet::new(), None);
    for (name, field) in json::fields(json)? {
        if !seen.insert(text::as_seen(&name).into_owned()) {
            twice.get_or_insert_with(|| name.clone());
        }
        record.insert(name, field.value.to_owned());
    }
    Some((record, twice))
}

/// Fields of a record that are for the sync itself; never unknown fields.
const OF_THE_SOURCE: [&str; 2] = ["id", "updated_at"];

/// The rules of every entity.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    by_entity: BTreeMap<Entity, BTreeMap<&'static str, Rule>>,
}

/// Why a record cannot become the shop's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defect {
    /// Where it shows.
    pub kind: DefectKind,
    /// The shop's field, with the entity's prefix.
    pub field: String,
    /// The problem with it, without its value.
    pub problem: String,
    /// The fix, where it does not stand in the problem.
    pub fix: Option<String>,
}

/// Which of the seed's two steps finds a defect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefectKind {
    /// `transform-data`: the rules cannot be applied.
    Unmapped,
    /// `validate-data`: they can, and the shop could not take it.
    Invalid,
}

impl Defect {
    /// The defect as a cause that many records share.
    #[must_use]
    pub fn cause(&self) -> String {
        format!("{} {}", self.field, self.problem)
    }
}

/// The rules of one entity, ready to be applied.
#[derive(Clone, Debug)]
pub struct EntityMapping<'r> {
    entity: Entity,
    currency: Currency,
    rules: Option<&'r BTreeMap<&'static str, Rule>>,
}

impl Rules {
    /// Reads the rules and checks each of them.
    ///
    /// # Errors
    /// Every mistake; its place is the byte in `rules`, or the line in a text that is not JSON.
    pub fn parse(rules: &str) -> Result<Self, Vec<Problem>> {
        let found = |at: usize, name: &str, problem: &str, fix: String| {
            Problem::new(name, problem, fix).at(Place::Byte { byte: at })
        };
        json::value(rules).map_err(|problem| vec![problem])?;
        let Some(given) = json::fields(rules) else {
            let fix = "write {\"product_sku\": \"…\"}".to_owned();
            return Err(vec![found(0, "", "is not a JSON object", fix)]);
        };
        let mut rules = Self::default();
        let mut mistakes = Vec::new();
        for (name, field) in &given {
            let Some((entity, target)) = targets::find(name) else {
                mistakes.push(found(field.at, name, "is not a field of the shop", targets::known(name)));
                continue;
            };
            let Some(rule) = rule::read(name, field.at, field.value, target.kind, &mut mistakes) else {
                continue;
            };
            if rules.by_entity.entry(entity).or_default().insert(target.field, rule).is_some() {
                mistakes.push(found(field.at, name, "is given twice", "keep one".to_owned()));
            }
        }
        let tried: BTreeSet<String> = mistakes.iter().map(|mistake| mistake.field.clone()).collect();
        for (entity, given) in &rules.by_entity {
            let is_missing = |t: &&Target| {
                t.is_required && !given.contains_key(t.field) && !tried.contains(&t.name(*entity))
            };
            for target in targets(*entity).iter().filter(is_missing) {
                let name = target.name(*entity);
                let fix = format!("add \"{name}\": \"<the ERP's field>\"");
                mistakes.push(found(0, &name, "has no rule, and the shop needs it", fix));
            }
        }
        if mistakes.is_empty() { Ok(rules) } else { Err(mistakes) }
    }

    /// The rules of one entity; amounts without a currency are in `currency`.
    #[must_use]
    pub fn of(&self, entity: Entity, currency: Currency) -> EntityMapping<'_> {
        EntityMapping { entity, currency, rules: self.by_entity.get(&entity) }
    }

    /// The entities that there are rules for.
    pub fn entities(&self) -> impl Iterator<Item = Entity> {
        self.by_entity.keys().copied()
    }

    /// The one field of the ERP's (a path with points) that a product's SKU is made of; `None` when it is made of
    /// several fields, or of none, so that a list of keys does not say which SKUs there are.
    #[must_use]
    pub fn sku_field(&self) -> Option<String> {
        let rule = self.by_entity.get(&Entity::Products).and_then(|rules| rules.get(targets::SKU.field));
        match rule {
            None => Some(targets::SKU.field.to_owned()),
            Some(rule) => rule.only_source().map(|path| path.join(".")),
        }
    }
}

impl<'r> EntityMapping<'r> {
    /// Makes the shop's record, and tells of the fields that it has to do without: a customer's phone that is none
    /// costs the phone.
    ///
    /// # Errors
    /// The first defect that costs the record.
    pub fn apply(&self, source: &SourceRecord) -> Result<(Record, Vec<Defect>), Defect> {
        let read = |target: &Target| self.read(source, target);
        let (record, left_out) =
            targets::record(self.entity, self.currency, read).map_err(|failed| self.defect(failed))?;
        Ok((record, left_out.into_iter().map(|failed| self.defect(failed)).collect()))
    }

    /// Makes the shop's SKU of the ERP's key alone, as [`Self::apply`] would make it of the whole record. Only where
    /// [`Rules::sku_field`] names a field is the key all that the SKU is made of.
    ///
    /// # Errors
    /// The defect, when the key is not a SKU.
    pub fn sku_of_key(&self, key: &str) -> Result<ProductId, Defect> {
        let path: Vec<&str> = match self.sku_rule() {
            Some(rule) => rule.only_source().into_iter().flatten().map(String::as_str).collect(),
            None => vec![targets::SKU.field],
        };
        let source = rule::nested(&path, key);
        targets::sku(|target| self.read(&source, target)).map_err(|failed| self.defect(failed))
    }

    /// The source's field that a field of the shop (`product_sku`, as a [`Defect`] names it) is made of, as a table
    /// would call it: the first, where it is made of several. `None`: of none.
    #[must_use]
    pub fn source_of(&self, name: &str) -> Option<String> {
        let target = targets(self.entity).iter().find(|target| target.name(self.entity) == name)?;
        match self.rules {
            None => Some(target.field.to_owned()),
            Some(rules) => rules.get(target.field)?.paths().next().map(|path| path.join(".")),
        }
    }

    /// The fields of the shop that are made of a column which a table does not have, each with that column; a rule with
    /// a default may do without. Only for tables: a record of an ERP may leave out what it has nothing to say of.
    #[must_use]
    pub fn missing(&self, is_there: impl Fn(&str) -> bool) -> Vec<Defect> {
        let missing = |(target, rule): (&Target, &Rule)| {
            let column = rule.missing(&is_there)?;
            let problem = format!("is made of the column '{column}', and there is none");
            let fix = "name a column of the file, or give the rule a default".to_owned();
            Some(Defect { fix: Some(fix), ..self.unmapped(target, problem) })
        };
        let ruled = |target: &'static Target| Some((target, self.rules?.get(target.field)?));
        targets(self.entity).iter().filter_map(ruled).filter_map(missing).collect()
    }

    /// The columns that the rules read, of which rows of a list of objects are to be noted.
    #[must_use]
    pub fn unseen(&self) -> Unseen<'r> {
        let (entity, rules) = (self.entity, self.rules);
        let ruled = |target: &Target| Some((target.name(entity), rules?.get(target.field)?));
        Unseen::of(targets(entity).iter().filter_map(ruled))
    }

    fn sku_rule(&self) -> Option<&Rule> {
        self.rules.and_then(|rules| rules.get(targets::SKU.field))
    }

    fn read(&self, source: &SourceRecord, target: &Target) -> Result<Option<value::Converted>, Defect> {
        let found = match self.rules {
            None => value::field(source, target.field).map(value::Value::of),
            Some(rules) => match rules.get(target.field) {
                Some(rule) => {
                    rule.value(source, target.kind).map_err(|problem| self.unmapped(target, problem))?
                }
                // Nobody has to ask for it: 100 dollars are never 100 dong.
                None if *target == targets::CURRENCY => {
                    let is_text = |raw: &&RawValue| raw.get().starts_with('"');
                    value::field(source, target.field).filter(is_text).map(value::Value::of)
                }
                None => None,
            },
        };
        let rule = self.rules.and_then(|rules| rules.get(target.field));
        found
            .filter(|value| !value.is_nothing())
            .map(|value| value.convert(target.kind, rule, self.currency))
            .transpose()
            .map_err(|problem| self.unmapped(target, problem))
    }

    fn defect(&self, (target, problem): targets::Failed<'_>) -> Defect {
        match problem {
            targets::Problem::Defect(defect) => defect,
            targets::Problem::Missing => self.unmapped(target, "is missing".to_owned()),
            targets::Problem::Invalid(problem, fix) => {
                Defect { kind: DefectKind::Invalid, field: target.name(self.entity), problem, fix }
            }
        }
    }

    fn unmapped(&self, target: &Target, problem: String) -> Defect {
        Defect { kind: DefectKind::Unmapped, field: target.name(self.entity), problem, fix: None }
    }

    /// The fields of a record that no rule asks for, sorted.
    #[must_use]
    pub fn unknown_fields<'s>(&self, source: &'s SourceRecord) -> Vec<&'s str> {
        let is_asked = |name: &str, value: &RawValue| match self.rules {
            None => targets(self.entity).iter().any(|target| target.field == name),
            Some(rules) => rules.values().any(|rule| rule.reads(name, value::has_parts(value))),
        };
        let has_currency = targets(self.entity).contains(&targets::CURRENCY);
        let is_known = |name: &str, value: &RawValue| {
            OF_THE_SOURCE.contains(&name)
                || is_asked(name, value)
                || (has_currency && name == targets::CURRENCY.field)
        };
        let unknown = source.iter().filter(|(name, value)| !is_known(&text::as_seen(name), value));
        unknown.map(|(name, _)| name.as_str()).collect()
    }
}
