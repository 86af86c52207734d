//! The shop as seen inside one transaction: its books, its clock and its switches.

use rusqlite::{Connection, OptionalExtension, Params, Row};

use crate::clock;
use crate::switches::Switches;

/// The open transaction of one request.
pub(crate) struct Shop<'a> {
    connection: &'a Connection,
    /// The sandbox clock, in milliseconds since 1970.
    pub(crate) now: i64,
    pub(crate) switches: Switches,
    /// Where the sandbox itself is reached, for links in answers.
    pub(crate) base_url: &'a str,
}

impl<'a> Shop<'a> {
    pub(crate) fn begin(connection: &'a Connection, base_url: &'a str) -> rusqlite::Result<Self> {
        let mut shop =
            Self { connection, now: clock::wall_millis(), switches: Switches::default(), base_url };
        shop.now = clock::now(&shop)?;
        shop.switches = Switches::load(&shop)?;
        Ok(shop)
    }

    /// Runs a statement and says how many rows it changed.
    pub(crate) fn run(&self, sql: &str, params: impl Params) -> rusqlite::Result<usize> {
        self.connection.prepare_cached(sql)?.execute(params)
    }

    /// The first row, if any.
    pub(crate) fn find<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Option<T>> {
        self.connection.prepare_cached(sql)?.query_row(params, read).optional()
    }

    /// All rows.
    pub(crate) fn list<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Vec<T>> {
        self.connection.prepare_cached(sql)?.query_map(params, read)?.collect()
    }

    /// A single number, 0 for SQL's NULL.
    pub(crate) fn number(&self, sql: &str, params: impl Params) -> rusqlite::Result<i64> {
        let number = self.find(sql, params, |row| row.get::<_, Option<i64>>(0))?;
        Ok(number.flatten().unwrap_or(0))
    }

    /// Several statements without parameters.
    pub(crate) fn batch(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection.execute_batch(sql)
    }

    /// The row id of the last insertion.
    pub(crate) fn last_row_id(&self) -> i64 {
        self.connection.last_insert_rowid()
    }

    pub(crate) fn setting(&self, name: &str) -> rusqlite::Result<Option<String>> {
        self.find("SELECT value FROM settings WHERE name = ?1", [name], |row| row.get(0))
    }

    pub(crate) fn set_setting(&self, name: &str, value: &str) -> rusqlite::Result<()> {
        self.run(
            "INSERT INTO settings (name, value) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            [name, value],
        )?;
        Ok(())
    }

    /// The next number for an id. It starts at the creation time of the database, so that a fresh
    /// sandbox does not hand out the ids of its predecessor.
    pub(crate) fn next_number(&self) -> rusqlite::Result<i64> {
        let last = self.setting("sequence")?.and_then(|text| text.parse().ok());
        let next = last.unwrap_or_else(clock::wall_millis) + 1;
        self.set_setting("sequence", &next.to_string())?;
        Ok(next)
    }

    /// A fresh id such as `pay_1763837520123`.
    pub(crate) fn next_id(&self, prefix: &str) -> rusqlite::Result<String> {
        Ok(format!("{prefix}_{}", self.next_number()?))
    }
}
