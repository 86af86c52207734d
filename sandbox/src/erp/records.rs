//! The ERP's records.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::params;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::cursor::{self, Position};
use crate::answer::{Refusal, Stop};
use crate::body::Text;
use crate::shop::Shop;

/// The kinds of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Entity {
    Products,
    Inventory,
    Customers,
    Orders,
}

/// The fields of a record, each as it was written.
pub(crate) type Fields = BTreeMap<String, Box<RawValue>>;

/// A record as the control interface gives it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Given {
    entity: Entity,
    id: Text,
    fields: Fields,
    updated_at: Option<Timestamp>,
}

/// A record by its name only.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Named {
    entity: Entity,
    id: Text,
}

/// A record as the control interface shows it: it can be given back as it is.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    entity: String,
    id: String,
    fields: Box<RawValue>,
    updated_at: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Page {
    records: Vec<Box<RawValue>>,
    next_cursor: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Key {
    pub(super) id: String,
    key: Option<String>,
}

impl Entity {
    const ALL: [Self; 4] = [Self::Products, Self::Inventory, Self::Customers, Self::Orders];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Products => "products",
            Self::Inventory => "inventory",
            Self::Customers => "customers",
            Self::Orders => "orders",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|entity| entity.name() == name)
    }

    /// The key by which people know the record. Records may be wrong, so there may be none.
    fn key(self, fields: &Fields) -> Option<String> {
        let text = |name: &str| {
            let raw = fields.get(name)?.get();
            if raw == "null" {
                return None;
            }
            Some(serde_json::from_str::<String>(raw).unwrap_or_else(|_| raw.to_owned()))
        };
        match self {
            Self::Products => text("item_code"),
            Self::Inventory => Some(format!("{}@{}", text("sku")?, text("location")?)),
            Self::Customers | Self::Orders => text("external_id"),
        }
    }
}

/// A time of a record: UTC, to the microsecond.
fn time_text(micros: i64) -> String {
    format!("{:.6}", Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH))
}

/// Creates or replaces records. Without a time they changed now, all in the same moment.
pub(crate) fn put(shop: &Shop<'_>, given: &[Given]) -> Result<usize, Stop> {
    for (index, record) in given.iter().enumerate() {
        if let Some(own) = ["id", "updated_at"].iter().find(|own| record.fields.contains_key(**own)) {
            let message = "is what the record itself has, and is given beside the fields";
            return Err(Refusal::invalid(&format!("[{index}].fields.{own}"), message).into());
        }
        let updated_at = record.updated_at.map_or(shop.now * 1000, Timestamp::as_microsecond);
        write(shop, record.entity, &record.id, updated_at, &record.fields)?;
    }
    Ok(given.len())
}

pub(super) fn write(
    shop: &Shop<'_>,
    entity: Entity,
    id: &str,
    updated_at: i64,
    fields: &Fields,
) -> Result<(), Stop> {
    let (key, fields) = (entity.key(fields), serde_json::to_string(fields)?);
    write_row(shop, entity, id, updated_at, key.as_deref(), &fields)?;
    Ok(())
}

/// Writes a record whose key and fields are text already.
pub(super) fn write_row(
    shop: &Shop<'_>,
    entity: Entity,
    id: &str,
    updated_at: i64,
    key: Option<&str>,
    fields: &str,
) -> rusqlite::Result<()> {
    shop.run(
        "INSERT INTO erp_records (entity, id, updated_at, key, fields) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (entity, id) DO UPDATE SET updated_at = excluded.updated_at, key = excluded.key,
             fields = excluded.fields",
        params![entity.name(), id, updated_at, key, fields],
    )?;
    Ok(())
}

/// Deletes records; says how many there were.
pub(crate) fn delete(shop: &Shop<'_>, named: &[Named]) -> Result<usize, Stop> {
    let mut deleted = 0;
    for Named { entity, id } in named {
        let sql = "DELETE FROM erp_records WHERE entity = ?1 AND id = ?2";
        deleted += shop.run(sql, [entity.name(), &**id])?;
    }
    Ok(deleted)
}

/// The records of one kind, or of all, by their ids.
pub(crate) fn list(shop: &Shop<'_>, entity: Option<Entity>) -> Result<Vec<Shown>, Stop> {
    let rows = shop.list(
        "SELECT entity, id, fields, updated_at FROM erp_records
         WHERE ?1 IS NULL OR entity = ?1 ORDER BY entity, id",
        [entity.map(Entity::name)],
        |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?, row.get::<_, i64>(3)?)),
    )?;
    let shown = rows.into_iter().map(|(entity, id, fields, updated_at)| {
        let fields = RawValue::from_string(fields)?;
        Ok(Shown { entity, id, fields, updated_at: time_text(updated_at) })
    });
    shown.collect()
}

/// The next records by time and id: those since a time, after the last record of the page before.
pub(super) fn changed(
    shop: &Shop<'_>,
    entity: Entity,
    since: Option<i64>,
    after: Option<Position>,
    limit: u32,
) -> Result<Page, Stop> {
    // No record has an empty id, so a time with an empty id stands for everything from that time on.
    let since = (since.unwrap_or(i64::MIN), String::new());
    let after = after.map_or(since.clone(), |position| since.max((position.updated_at, position.id)));
    let mut rows = shop.list(
        "SELECT id, updated_at, fields FROM erp_records
         WHERE entity = ?1 AND (updated_at, id) > (?2, ?3) ORDER BY updated_at, id LIMIT ?4",
        params![entity.name(), after.0, after.1, limit + 1],
        |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?)),
    )?;
    let more = crate::paging::cut(&mut rows, limit);
    let last = rows.last().filter(|_| more);
    let next_cursor = last.map(|(id, updated_at, _)| cursor::write(entity.name(), *updated_at, id));
    let records = rows.iter().map(|(id, updated_at, fields)| whole(id, *updated_at, fields));
    Ok(Page { records: records.collect::<Result<_, _>>()?, next_cursor })
}

/// A record as the ERP shows it: its own id and time, then the fields, untouched.
fn whole(id: &str, updated_at: i64, fields: &str) -> serde_json::Result<Box<RawValue>> {
    let (id, updated_at) = (serde_json::to_string(id)?, time_text(updated_at));
    let comma = if fields == "{}" { "" } else { "," };
    let rest = fields.strip_prefix('{').unwrap_or("}");
    RawValue::from_string(format!(r#"{{"id":{id},"updated_at":"{updated_at}"{comma}{rest}"#))
}

/// The next keys by id, and whether there are more.
pub(super) fn keys(
    shop: &Shop<'_>,
    entity: Entity,
    after: &str,
    limit: u32,
) -> rusqlite::Result<(Vec<Key>, bool)> {
    let mut keys = shop.list(
        "SELECT id, key FROM erp_records WHERE entity = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
        params![entity.name(), after, limit + 1],
        |row| Ok(Key { id: row.get(0)?, key: row.get(1)? }),
    )?;
    let more = crate::paging::cut(&mut keys, limit);
    Ok((keys, more))
}
