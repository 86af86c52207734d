//! Pricing rules at the shop, by their names.

use std::collections::BTreeMap;

use contracts::catalog::paths::shown;
use contracts::catalog::{Discount, Given, RowOutcome, Rule};
use contracts::number;
use contracts::values::IdempotencyKey;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::categories::Tree;
use super::client::{Shop, id_of, unreadable};
use super::compared::differing as differing_looks;
use super::kind::{Existing, Kind, Looks, made_meanwhile};
use crate::http::CallError;

/// A rule that was staged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Staged {
    pub(super) rule: Rule,
    /// Its categories as paths from the top.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) categories: Vec<Vec<String>>,
    /// From when it holds, if the file does not say.
    pub(super) now: Timestamp,
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    rule_id: Option<String>,
    name: String,
    discount_type: String,
    discount_value: Box<RawValue>,
    /// JSON as text.
    conditions: String,
    #[serde(default)]
    priority: i64,
    #[serde(default)]
    start_date: Option<Timestamp>,
    #[serde(default)]
    end_date: Option<Timestamp>,
    is_active: bool,
}

/// The discount of a rule: `percentage`, and `10`. The amount of a fixed one is in the shop's own currency, which the
/// platform does not name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Off {
    kind: String,
    /// Digits, without zeros at the end.
    value: String,
}

/// How a rule looks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Look {
    name: String,
    discount: Off,
    /// Sorted.
    category_ids: Vec<String>,
    min_quantity: Option<u32>,
    /// Conditions that a file cannot say.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    others: Map<String, Value>,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    priority: i64,
    is_active: bool,
}

/// Rules on their way to the shop.
pub(super) struct Rules<'s> {
    pub(super) shop: &'s Shop,
    pub(super) tree: Tree,
    pub(super) is_staging: bool,
}

impl Rules<'_> {
    fn read(body: Body) -> Result<Existing<Look>, CallError> {
        let value = body.discount_value.get().trim_matches('"');
        let value = number::decimal(value).map_err(|_| unreadable("discount"))?;
        let discount = Off { kind: body.discount_type, value: value.normalize().to_string() };
        let conditions: Result<Map<String, Value>, _> = serde_json::from_str(&body.conditions);
        let mut others = conditions.map_err(|_| unreadable("conditions"))?;
        let ids = others.remove("category_ids").and_then(|ids| serde_json::from_value(ids).ok());
        let mut category_ids: Vec<String> = ids.unwrap_or_default();
        category_ids.sort();
        let min_quantity =
            others.remove("min_quantity").and_then(|least| u32::try_from(least.as_u64()?).ok());
        let state = Look {
            name: body.name,
            discount,
            category_ids,
            min_quantity,
            others,
            from: body.start_date,
            until: body.end_date,
            priority: body.priority,
            is_active: body.is_active,
        };
        Ok(Existing { id: id_of(body.id, body.rule_id)?, state })
    }

    fn category_ids(&self, row: &Staged) -> Result<Vec<String>, String> {
        let mut ids = row.rule.category_ids.clone();
        for path in &row.categories {
            ids.push(match self.tree.id(path) {
                Some(id) => id.to_owned(),
                None if self.is_staging => format!("to be made: {}", shown(path)),
                None => return Err(format!("its category {} is not there any more", shown(path))),
            });
        }
        ids.sort();
        ids.dedup();
        Ok(ids)
    }
}

impl Kind for Rules<'_> {
    type Row = Staged;
    type State = Look;

    fn shop(&self) -> &Shop {
        self.shop
    }

    fn key(&self, row: &Staged) -> String {
        row.rule.name.clone()
    }

    fn look<'a>(&'a self, rows: &'a [Staged]) -> BoxFuture<'a, Result<Looks<Look>, CallError>> {
        async move {
            let mut looks = Vec::with_capacity(rows.len());
            for row in rows {
                let path = ["pricing-rules", "name", row.rule.name.as_str()];
                let found: Result<Body, CallError> = self.shop.api().get(&path, &[]).await;
                looks.push(match found {
                    Err(error) if is_unknown(&error) => None,
                    found => Some(Self::read(found?)?),
                });
            }
            Ok(looks)
        }
        .boxed()
    }

    fn wanted(&self, row: &Staged, now: Option<&Look>) -> Result<Look, String> {
        let Rule { name, discount, min_quantity, from, until, priority, is_active, .. } = &row.rule;
        let mut look = now.cloned().unwrap_or_else(|| Look {
            name: name.clone(),
            discount: off(discount),
            category_ids: Vec::new(),
            min_quantity: None,
            others: Map::new(),
            from: Some(whole(row.now)),
            until: None,
            priority: 0,
            is_active: true,
        });
        look.discount = off(discount);
        look.category_ids = self.category_ids(row)?;
        look.min_quantity = min_quantity.or(look.min_quantity);
        look.from = from.map(whole).or(look.from);
        match until {
            Given::Absent => {}
            Given::Empty => look.until = None,
            Given::Value(until) => look.until = Some(whole(*until)),
        }
        look.priority = priority.map_or(look.priority, i64::from);
        look.is_active = is_active.unwrap_or(look.is_active);
        Ok(look)
    }

    /// A rule that names no beginning holds from the run on that makes it: no two runs begin at one moment.
    fn shown(&self, row: &Staged, now: Option<&Look>, wanted: &Look) -> serde_json::Result<Value> {
        let from = if now.is_none() { row.rule.from } else { wanted.from };
        differing_looks(now, &Look { from, ..wanted.clone() })
    }

    fn create<'a>(
        &'a self,
        key: &'a IdempotencyKey,
        row: &'a Staged,
        wanted: &'a Look,
    ) -> BoxFuture<'a, Result<Existing<Look>, CallError>> {
        async move {
            let made: Result<Body, CallError> =
                self.shop.post(&["pricing-rules"], key, &create(wanted)).await;
            match made {
                Err(error) if super::kind::is_refused_as(&error, 409) => {
                    let found = self.look(std::slice::from_ref(row)).await?.pop().flatten();
                    let found = found.ok_or(error)?;
                    // Ours, of an attempt whose answer is lost at a shop that keeps no keys.
                    if self.is_as_made(row, &found.state) { Ok(found) } else { Err(made_meanwhile()) }
                }
                made => {
                    let made = made?;
                    Ok(Existing { id: id_of(made.id, made.rule_id)?, state: wanted.clone() })
                }
            }
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
            let body = differing(&now.state, wanted);
            if !body.is_empty() {
                self.shop.put(&["pricing-rules", &now.id], key, &body).await?;
            }
            if now.state.is_active == wanted.is_active {
                return Ok(());
            }
            let body = json!({ "isActive": wanted.is_active });
            let (path, key) = (["pricing-rules", &now.id, "status"], key.part("status"));
            self.shop.api().send::<_, Value>(reqwest::Method::PATCH, &path, Some(&key), &body).await.map(drop)
        }
        .boxed()
    }

    fn delete<'a>(&'a self, key: &'a IdempotencyKey, id: &'a str) -> BoxFuture<'a, Result<(), CallError>> {
        async move { self.shop.delete(&["pricing-rules", id], &[], key).await }.boxed()
    }

    fn told(&self, row: &Staged, now: Option<&Existing<Look>>) -> RowOutcome {
        RowOutcome {
            row: row.rule.row,
            name: Some(row.rule.name.clone()),
            rule_id: now.map(|now| now.id.clone()),
            ..RowOutcome::default()
        }
    }
}

/// A moment as the shop keeps it: in whole milliseconds. A finer one would never be what the shop shows.
fn whole(moment: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(moment.as_millisecond()).unwrap_or(moment)
}

/// The shop has no rule of that name, as opposed to no such path.
fn is_unknown(error: &CallError) -> bool {
    error.refusal().is_some_and(|refusal| refusal.status == 404 && refusal.code != "UNSPECIFIED")
}

type Fields = BTreeMap<&'static str, Box<RawValue>>;

fn raw(value: &Value) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

fn off(discount: &Discount) -> Off {
    let (kind, value) = match discount {
        Discount::Percentage { percent } => ("percentage", percent.clone()),
        Discount::Fixed { amount } => ("fixed", amount.amount().normalize().to_string()),
    };
    Off { kind: kind.to_owned(), value }
}

/// The fields of a discount, its value by its digits.
fn discount(off: &Off) -> [(&'static str, Box<RawValue>); 3] {
    let value = RawValue::from_string(off.value.clone()).unwrap_or_else(|_| RawValue::NULL.to_owned());
    let kind = || raw(&json!(off.kind));
    [("rule_type", kind()), ("discount_type", kind()), ("discount_value", value)]
}

/// Conditions as the platform takes them: JSON as text.
fn conditions(look: &Look) -> String {
    let mut conditions = look.others.clone();
    if !look.category_ids.is_empty() {
        conditions.insert("category_ids".to_owned(), look.category_ids.clone().into());
    }
    if let Some(least) = look.min_quantity {
        conditions.insert("min_quantity".to_owned(), least.into());
    }
    Value::Object(conditions).to_string()
}

fn create(look: &Look) -> Fields {
    let mut body = Fields::from([
        ("name", raw(&json!(look.name))),
        ("conditions", raw(&json!(conditions(look)))),
        ("priority", raw(&json!(look.priority))),
        ("is_active", raw(&json!(look.is_active))),
    ]);
    body.extend(discount(&look.discount));
    let dates = [("start_date", look.from), ("end_date", look.until)];
    body.extend(dates.into_iter().filter_map(|(name, date)| Some((name, raw(&json!(date?))))));
    body
}

fn differing(now: &Look, wanted: &Look) -> Fields {
    let mut body = Fields::new();
    if now.discount != wanted.discount {
        body.extend(discount(&wanted.discount));
    }
    let conditions = conditions(wanted);
    // Another kind of discount is read together with its conditions.
    if conditions != self::conditions(now) || now.discount != wanted.discount {
        body.insert("conditions", raw(&json!(conditions)));
    }
    if now.priority != wanted.priority {
        body.insert("priority", raw(&json!(wanted.priority)));
    }
    if now.from != wanted.from {
        body.insert("start_date", raw(&json!(wanted.from)));
    }
    if now.until != wanted.until {
        body.insert("end_date", raw(&json!(wanted.until)));
    }
    body
}
