//! Changing a row by the fields that a request gives, and saying which of them were other than before.

use rusqlite::{ToSql, params};

use crate::call::Call;
use crate::shop::Shop;

/// The field of the request, its column, and the value if one is given.
pub(super) type Given<'a> = (&'static str, &'static str, Option<&'a dyn ToSql>);

/// A table of the catalogue and the column of its natural id.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) id: &'static str,
}

/// A given value as SQL has it.
pub(super) fn given<T: ToSql>(value: &Option<T>) -> Option<&dyn ToSql> {
    value.as_ref().map(|value| value as &dyn ToSql)
}

/// Sets the columns that are given and differ; answers the fields that changed.
pub(super) fn set(
    shop: &Shop<'_>,
    Table { name, id }: Table,
    row: &str,
    columns: &[Given<'_>],
) -> rusqlite::Result<Vec<&'static str>> {
    let mut changed = Vec::new();
    for (field, column, value) in columns {
        let Some(value) = value else { continue };
        let sql = format!("UPDATE {name} SET {column} = ?2 WHERE {id} = ?1 AND {column} IS NOT ?2");
        if shop.run(&sql, params![row, value])? > 0 {
            changed.push(*field);
        }
    }
    Ok(changed)
}

/// Notes who changed a row, and when.
pub(super) fn stamp(
    shop: &Shop<'_>,
    Table { name, id }: Table,
    row: &str,
    call: &Call,
) -> rusqlite::Result<()> {
    let sql = format!("UPDATE {name} SET changed_by = ?2, updated_at = ?3 WHERE {id} = ?1");
    shop.run(&sql, params![row, call.key, shop.now])?;
    Ok(())
}
