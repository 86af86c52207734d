//! Products, levels and customers as plain fields, which the mapping renames.
//!
//! | entity | fields | a change is |
//! |---|---|---|
//! | products | `id`, `code`, `name`, `list_price`, `active` | of the product or of its template, where the price is |
//! | inventory | `id` (the product's), `code`, `quantity`, `location` | a stock move that was done |
//! | customers | `id`, `party_code`, `name`, `first_name`, `last_name`, `email`, `phone` | of the party or of a way to reach it |

use std::collections::BTreeMap;

use contracts::erp::Entity;
use jiff::Timestamp;
use mapping::SourceRecord;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::rpc::{Moment, plain, tagged};
use super::{Cursor, Setting, Tryton};
use crate::erp::connector::{Keys, KeysAsk, Page, PageAsk, Sourced};
use crate::http::CallError;

type Row = BTreeMap<String, Box<RawValue>>;

/// A change has one of the two dates: a record that was never modified may have no `write_date`.
const DATES: [&str; 2] = ["write_date", "create_date"];

const ODD: &str = "a record without what was asked for";

fn field<T: DeserializeOwned>(row: &Row, name: &str) -> Option<T> {
    serde_json::from_str(row.get(name)?.get()).ok()
}

fn changed_at(row: &Row) -> Option<Timestamp> {
    let date = |name| field::<Option<Moment>>(row, name).flatten().and_then(Moment::timestamp);
    DATES.into_iter().filter_map(date).max()
}

fn id_of(row: &Row) -> Option<i64> {
    field(row, "id")
}

/// Changed since then, in one of these places: the record itself, or what it points at.
fn changed_since(since: Timestamp, places: &[&str]) -> Value {
    let mut any = vec![json!("OR")];
    for place in places {
        any.extend(DATES.map(|date| json!([format!("{place}{date}"), ">=", tagged(since)])));
    }
    json!(any)
}

fn put(fields: &mut SourceRecord, name: &str, value: &impl Serialize) {
    if let Ok(raw) = to_raw_value(value) {
        fields.insert(name.to_owned(), raw);
    }
}

impl Tryton {
    async fn search(
        &self,
        model: &str,
        domain: Value,
        limit: usize,
        order: Value,
        fields: &[&str],
        context: Value,
    ) -> Result<Vec<Row>, CallError> {
        let parameters = json!([domain, 0, limit, order, fields, context]);
        self.rpc.call(&format!("model.{model}.search_read"), &parameters).await
    }

    /// The newest change of an entity that the ERP knows now, by its own clock.
    pub(super) async fn newest(&self, entity: Entity, setting: &Setting) -> Result<Timestamp, CallError> {
        let models: &[&str] = match entity {
            Entity::Products => &["product.product", "product.template"],
            Entity::Inventory => &["stock.move"],
            Entity::Customers => &["party.party", "party.contact_mechanism"],
            Entity::Orders => &[],
        };
        let mut newest = Timestamp::UNIX_EPOCH;
        for model in models {
            for date in DATES {
                // Not every database puts what is missing last.
                let domain = json!([[date, "!=", null]]);
                let order = json!([[date, "DESC"]]);
                let context = json!({ "company": setting.company, "active_test": false });
                let rows = self.search(model, domain, 1, order, &[date], context).await?;
                newest = rows.first().and_then(changed_at).map_or(newest, |date| date.max(newest));
            }
        }
        Ok(newest)
    }

    pub(super) async fn products(
        &self,
        ask: &PageAsk<'_>,
        setting: &Setting,
        cursor: Cursor,
    ) -> Result<Page, CallError> {
        let mut domain = sellable(cursor.id);
        domain.extend(ask.since.map(|since| changed_since(since, &["", "template."])));
        let fields = [
            "code",
            "name",
            "list_price_used",
            "active",
            "write_date",
            "create_date",
            "template.write_date",
            "template.create_date",
            "template.active",
        ];
        // Without the company the price is nothing; what is no longer sold is asked for, too, so that the shop hears
        // it.
        let context = json!({ "company": setting.company, "active_test": false });
        let rows = self
            .search("product.product", json!(domain), ask.limit as usize, by_id(), &fields, context)
            .await?;
        let product = |row: &Row| {
            let template: Row = field(row, "template.")?;
            let changed = changed_at(row)?.max(changed_at(&template)?);
            let is_active =
                |row: &Row| row.get("active").is_some_and(|raw| matches!(raw.get(), "true" | "1"));
            let mut fields = SourceRecord::new();
            put(&mut fields, "id", &id_of(row)?);
            fields.insert("code".to_owned(), row.get("code")?.clone());
            fields.insert("name".to_owned(), row.get("name")?.clone());
            fields.insert("list_price".to_owned(), plain(row.get("list_price_used")?)?);
            put(&mut fields, "active", &(is_active(row) && is_active(&template)));
            Some((changed, fields))
        };
        self.page_of(&rows, ask.limit as usize, cursor, product)
    }

    /// Codes (or ids) of products, the inactive ones included: they are there, and `active` says the rest. Pages go by
    /// id, which never moves.
    pub(super) async fn product_keys(&self, ask: &KeysAsk<'_>) -> Result<Keys, CallError> {
        if ask.entity != Entity::Products || !matches!(ask.field, "code" | "id") {
            let why = "the connector 'tryton' lists products by code or id: make product_sku of one of them"
                .to_owned();
            return Err(CallError::Unusable { system: "erp", why });
        }
        let after = ask.cursor.map_or(Some(0), |cursor| cursor.parse().ok());
        let after = after.ok_or_else(|| self.rpc.unknown("a cursor of another kind"))?;
        let context = json!({ "company": self.setting().await?.company, "active_test": false });
        let (domain, limit) = (json!(sellable(after)), ask.limit as usize);
        let rows = self.search("product.product", domain, limit, by_id(), &["code"], context).await?;
        let ids: Option<Vec<i64>> = rows.iter().map(id_of).collect();
        let ids = ids.ok_or_else(|| self.rpc.unknown(ODD))?;
        let next = ids.last().filter(|_| rows.len() >= limit).map(i64::to_string);
        let keys = match ask.field {
            "id" => ids.iter().map(|id| Some(id.to_string())).collect(),
            _ => rows.iter().map(|row| field(row, "code")).collect(),
        };
        Ok(Keys { keys, next })
    }

    pub(super) async fn customers(
        &self,
        ask: &PageAsk<'_>,
        setting: &Setting,
        cursor: Cursor,
    ) -> Result<Page, CallError> {
        let mut domain =
            vec![json!(["id", ">", cursor.id]), json!(["contact_mechanisms.type", "=", "email"])];
        domain.extend(ask.since.map(|since| changed_since(since, &["", "contact_mechanisms."])));
        let fields = ["code", "name", "email", "phone", "write_date", "create_date"];
        let context = json!({ "company": setting.company });
        let rows =
            self.search("party.party", json!(domain), ask.limit as usize, by_id(), &fields, context).await?;
        let ids: Vec<i64> = rows.iter().filter_map(id_of).collect();
        let reached = self.reached_at(&ids, setting).await?;
        let customer = |row: &Row| {
            let id = id_of(row)?;
            let changed = changed_at(row)?.max(reached.get(&id).copied().unwrap_or(Timestamp::MIN));
            let name: String = field::<Option<String>>(row, "name")?.unwrap_or_default();
            let (first, last) = split_name(&name, self.settings.is_given_first);
            let mut fields = SourceRecord::new();
            put(&mut fields, "id", &id);
            fields.insert("party_code".to_owned(), row.get("code")?.clone());
            put(&mut fields, "name", &name);
            put(&mut fields, "first_name", &first);
            put(&mut fields, "last_name", &last);
            fields.insert("email".to_owned(), row.get("email")?.clone());
            fields.insert("phone".to_owned(), row.get("phone")?.clone());
            Some((changed, fields))
        };
        self.page_of(&rows, ask.limit as usize, cursor, customer)
    }

    /// When a way to reach these parties was changed last.
    async fn reached_at(
        &self,
        ids: &[i64],
        setting: &Setting,
    ) -> Result<BTreeMap<i64, Timestamp>, CallError> {
        let parameters = json!([
            [["party", "in", ids]], 0, null, by_id(), ["party", "write_date", "create_date"],
            { "company": setting.company, "active_test": false },
        ]);
        let rows: Vec<Row> = self.rpc.call("model.party.contact_mechanism.search_read", &parameters).await?;
        let mut reached = BTreeMap::new();
        for (party, at) in rows.iter().filter_map(|row| Some((field::<i64>(row, "party")?, changed_at(row)?)))
        {
            let known = reached.entry(party).or_insert(at);
            *known = at.max(*known);
        }
        Ok(reached)
    }

    /// Levels of what moved; without a moment to begin at, of every product there is.
    pub(super) async fn levels(
        &self,
        ask: &PageAsk<'_>,
        setting: &Setting,
        cursor: Cursor,
    ) -> Result<Page, CallError> {
        // A product has a level at each location.
        let chunk = (ask.limit as usize / setting.locations.len().max(1)).max(1);
        let context = json!({ "company": setting.company, "active_test": false });
        let fields = ["write_date", "create_date", "product"];
        let rows = match ask.since {
            None => {
                let domain = json!([["id", ">", cursor.id], ["template.type", "in", ["goods", "assets"]]]);
                self.search("product.product", domain, chunk, by_id(), &fields[..2], context).await?
            }
            Some(since) => {
                let changed = changed_since(since, &[""]);
                let domain = json!([["id", ">", cursor.id], ["state", "=", "done"], changed]);
                self.search("stock.move", domain, chunk, by_id(), &fields, context).await?
            }
        };
        let mut moved: BTreeMap<i64, Timestamp> = BTreeMap::new();
        for row in &rows {
            let product = match ask.since {
                None => id_of(row).map(|id| (id, cursor.newest)),
                Some(_) => field(row, "product").zip(changed_at(row)),
            };
            let (product, at) = product.ok_or_else(|| self.rpc.unknown(ODD))?;
            let known = moved.entry(product).or_insert(at);
            *known = at.max(*known);
        }
        let mut page = Page { next: next(&rows, chunk, cursor), ..Page::default() };
        for location in &setting.locations {
            page.records.extend(self.levels_at(location, &moved, setting, cursor).await?);
        }
        Ok(page)
    }

    async fn levels_at(
        &self,
        (location, code): &(i64, String),
        moved: &BTreeMap<i64, Timestamp>,
        setting: &Setting,
        cursor: Cursor,
    ) -> Result<Vec<Sourced>, CallError> {
        let products: Vec<i64> = moved.keys().copied().collect();
        let domain = json!([["id", "in", products], ["code", "!=", null], ["code", "!=", ""]]);
        // The location itself, without those in it: they are levels of their own.
        let context = json!({ "company": setting.company, "locations": [location], "with_childs": false, "active_test": false });
        let rows = self
            .search("product.product", domain, products.len(), by_id(), &["code", "quantity"], context)
            .await?;
        let level = |row: &Row| {
            let id = id_of(row)?;
            let mut fields = SourceRecord::new();
            put(&mut fields, "id", &id);
            fields.insert("code".to_owned(), row.get("code")?.clone());
            fields.insert("quantity".to_owned(), plain(row.get("quantity")?)?);
            put(&mut fields, "location", code);
            Some(Sourced::whole((*moved.get(&id)?).min(cursor.newest), fields))
        };
        let levels: Option<Vec<Sourced>> = rows.iter().map(level).collect();
        levels.ok_or_else(|| self.rpc.unknown(ODD))
    }

    fn page_of(
        &self,
        rows: &[Row],
        limit: usize,
        cursor: Cursor,
        make: impl Fn(&Row) -> Option<(Timestamp, SourceRecord)>,
    ) -> Result<Page, CallError> {
        let sourced = |row| {
            let (changed_at, fields) = make(row)?;
            Some(Sourced::whole(changed_at.min(cursor.newest), fields))
        };
        let records: Option<Vec<Sourced>> = rows.iter().map(sourced).collect();
        let records = records.ok_or_else(|| self.rpc.unknown(ODD))?;
        Ok(Page { records, next: next(rows, limit, cursor), ..Page::default() })
    }
}

/// A product without a code cannot be sold in the shop, and a part or a service often has none.
fn sellable(after: i64) -> Vec<Value> {
    vec![json!(["id", ">", after]), json!(["code", "!=", null]), json!(["code", "!=", ""])]
}

fn by_id() -> Value {
    json!([["id", "ASC"]])
}

fn next(rows: &[Row], limit: usize, cursor: Cursor) -> Option<String> {
    let id = rows.last().filter(|_| rows.len() >= limit).and_then(id_of)?;
    Some(Cursor { id, ..cursor }.text())
}

/// Tryton has one name; the shop has two. In Vietnamese the last word is the given name. One word is the given name,
/// and there is no other.
fn split_name(name: &str, is_given_first: bool) -> (String, String) {
    let name = name.trim();
    let Some((front, back)) = (match is_given_first {
        true => name.split_once(char::is_whitespace),
        false => name.rsplit_once(char::is_whitespace),
    }) else {
        return (name.to_owned(), String::new());
    };
    let (front, back) = (front.trim().to_owned(), back.trim().to_owned());
    if is_given_first { (front, back) } else { (back, front) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_becomes_two() {
        let split = |name, is_given_first| {
            let (first, last) = split_name(name, is_given_first);
            format!("{first}|{last}")
        };
        assert_eq!(split(" Nguyễn Thị Lan ", false), "Lan|Nguyễn Thị");
        assert_eq!(split("Ada King Lovelace", true), "Ada|King Lovelace");
        assert_eq!(split("Lan", false), "Lan|");
        assert_eq!(split("", true), "|");
    }

    #[test]
    fn what_was_never_modified_changed_when_it_was_made() {
        let row = |write: &str| -> Row {
            let made = r#"{"__class__":"datetime","year":2026,"month":11,"day":22,"hour":1,"minute":2,"second":3,"microsecond":4}"#;
            serde_json::from_str(&format!(r#"{{"id":1,"write_date":{write},"create_date":{made}}}"#))
                .expect("a row")
        };
        let made = "2026-11-22T01:02:03.000004Z".parse().ok();
        assert_eq!(changed_at(&row("null")), made);
        let later = r#"{"__class__":"datetime","year":2026,"month":11,"day":23}"#;
        assert_eq!(changed_at(&row(later)), "2026-11-23T00:00:00Z".parse().ok());
    }
}
