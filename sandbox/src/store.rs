//! The SQLite database: opening it, and the one place where transactions begin and end.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::answer::Stop;
use crate::seed::{self, Seed};
use crate::shop::Shop;

/// Bumped with every change of `schema.sql`; a file of another version is refused.
const SCHEMA_VERSION: i64 = 8;

/// Where the shop keeps its books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// In memory: gone when the sandbox stops.
    Memory,
    /// In a file (created when absent): everything survives a restart or a crash of the process.
    File(PathBuf),
}

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite refused.
    #[error("SQLite: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The file was written by another version of the sandbox.
    #[error(
        "{} has schema version {found}, this sandbox writes {SCHEMA_VERSION}: move the file away or delete it, \
         and the shop begins anew",
        file.display()
    )]
    Version {
        /// The file.
        file: PathBuf,
        /// The version found in the file.
        found: i64,
    },
}

/// One connection behind a lock: SQLite has one writer anyway, and requests are short.
pub(crate) struct Store {
    connection: Mutex<Connection>,
    base_url: String,
}

impl Store {
    /// Opens the database and seeds it when it is new.
    pub(crate) fn open(database: &Database, seed: Seed, base_url: String) -> Result<Self, StoreError> {
        let mut connection = match database {
            Database::Memory => open_memory()?,
            Database::File(path) => open_file(path)?,
        };
        connection.set_prepared_statement_cache_capacity(256);
        let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        match found {
            0 => {
                // Schema, seed and version together: a crash in between leaves a file that is still new.
                let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
                transaction.execute_batch(include_str!("schema.sql"))?;
                seed::plant(&Shop::begin(&transaction, &base_url)?, seed)?;
                transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
                transaction.commit()?;
            }
            SCHEMA_VERSION => {}
            found => {
                let file = match database {
                    Database::Memory => PathBuf::from(":memory:"),
                    Database::File(path) => path.clone(),
                };
                return Err(StoreError::Version { file, found });
            }
        }
        Ok(Self { connection: Mutex::new(connection), base_url })
    }

    /// Runs `work` in one transaction: committed when it succeeds, rolled back otherwise.
    ///
    /// Blocks; call it from a thread that may.
    pub(crate) fn transact<T>(&self, work: impl FnOnce(&Shop<'_>) -> Result<T, Stop>) -> Result<T, Stop> {
        // A panic elsewhere rolled its transaction back, so the connection is sound.
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let outcome = {
            let shop = Shop::begin(&transaction, &self.base_url)?;
            shop.expire_holds()?;
            work(&shop)?
        };
        transaction.commit()?;
        Ok(outcome)
    }
}

/// A file in memory rather than SQLite's `:memory:`, whose page cache is the whole database: a commit looks through it,
/// which after 200,000 writes was half of the sandbox's time. The name is this connection's own, as it does not begin
/// with a slash.
fn open_memory() -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        "file:shop?vfs=memdb",
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_URI,
    )?;
    connection.pragma_update(None, "journal_mode", "MEMORY")?;
    Ok(connection)
}

fn open_file(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    // With a write-ahead log a committed transaction survives the death of the process without an fsync each.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_shops_in_memory_know_nothing_of_each_other() {
        let [one, other] =
            [0, 1].map(|_| Store::open(&Database::Memory, Seed::Empty, String::new()).expect("open"));
        let read = |store: &Store| store.transact(|shop| Ok(shop.setting("own")?)).map_err(|_| "stopped");
        one.transact(|shop| Ok(shop.set_setting("own", "yes")?)).map_err(|_| "stopped").expect("written");
        assert_eq!(read(&one).expect("read").as_deref(), Some("yes"));
        assert_eq!(read(&other).expect("read"), None);
    }
}
