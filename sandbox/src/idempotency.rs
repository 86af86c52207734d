//! Idempotency records, and tombstones of what was undone.

use rusqlite::params;

use crate::answer::{Answer, Refusal, Stop};
use crate::call::Call;
use crate::operation::Operation;
use crate::shop::Shop;

impl Shop<'_> {
    /// The stored answer to this call: absent when the call is new, refused when its body differs.
    pub(crate) fn stored_answer(&self, call: &Call, key: &str) -> Result<Option<Answer>, Stop> {
        let record = self.find(
            "SELECT fingerprint, status, body FROM idempotency WHERE operation = ?1 AND key = ?2",
            [call.operation.name(), key],
            |row| Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?)),
        )?;
        let Some((fingerprint, status, body)) = record else { return Ok(None) };
        if fingerprint != call.fingerprint() {
            return Err(Refusal::new(
                422,
                "IDEMPOTENCY_KEY_REUSED",
                format!("the idempotency key {key} was already used with another body"),
            )
            .into());
        }
        let mut answer = Answer::raw(status, body);
        answer.replayed = true;
        Ok(Some(answer))
    }

    /// Stores the answer under the call's key if it is final; the first one stays.
    pub(crate) fn store_answer(&self, call: &Call, answer: &Answer) -> Result<(), Stop> {
        let Some(key) = call.key.as_deref().filter(|_| self.switches.keys_count()) else { return Ok(()) };
        if !call.operation.keeps_answers() || !self.is_final(answer) {
            return Ok(());
        }
        self.run(
            "INSERT INTO idempotency (operation, key, fingerprint, status, body) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO NOTHING",
            params![call.operation.name(), key, call.fingerprint(), answer.status, answer.body],
        )?;
        Ok(())
    }

    /// Server errors and rate limits are not final, and a malformed request (400) was never begun.
    fn is_final(&self, answer: &Answer) -> bool {
        match answer.status {
            400 | 429 => false,
            500.. => self.switches.replay_errors,
            _ => true,
        }
    }

    /// Remembers that `key` (and, for stock, `item`) of the operation was undone.
    pub(crate) fn bar(&self, operation: Operation, key: &str, item: &str) -> rusqlite::Result<()> {
        self.run(
            "INSERT INTO tombstones (operation, key, item) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            [operation.name(), key, item],
        )?;
        Ok(())
    }

    /// Whether `key` and `item` of the operation were undone.
    pub(crate) fn is_barred(&self, operation: Operation, key: &str, item: &str) -> rusqlite::Result<bool> {
        let found = self.find(
            "SELECT 1 FROM tombstones WHERE operation = ?1 AND key = ?2 AND item = ?3",
            [operation.name(), key, item],
            |_| Ok(()),
        )?;
        Ok(found.is_some())
    }
}
