//! The shelves and the holds on them; `available = on_hand - held`, never negative.

use rusqlite::params;
use serde::Serialize;

use crate::clock;
use crate::shop::Shop;

/// A variant and how many of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Line {
    pub(crate) variant_id: String,
    pub(crate) quantity: i64,
}

/// One hold on one variant.
#[derive(Debug)]
pub(crate) struct Hold {
    pub(crate) id: i64,
    pub(crate) reservation_id: String,
    pub(crate) reference: String,
    pub(crate) line: Line,
    pub(crate) status: String,
    pub(crate) expires_at: i64,
}

/// Lines of one variant become one: there is one hold per reference and variant.
pub(crate) fn merge(lines: impl IntoIterator<Item = Line>) -> Vec<Line> {
    let mut merged: Vec<Line> = Vec::new();
    for line in lines {
        match merged.iter_mut().find(|known| known.variant_id == line.variant_id) {
            Some(known) => known.quantity += line.quantity,
            None => merged.push(line),
        }
    }
    merged
}

/// `1 LAPTOP-001-16GB-512GB, 2 MOUSE-001-BLACK`, for the effects log.
pub(crate) fn in_words<'a>(lines: impl IntoIterator<Item = &'a Line>) -> String {
    let words: Vec<_> =
        lines.into_iter().map(|line| format!("{} {}", line.quantity, line.variant_id)).collect();
    words.join(", ")
}

impl Shop<'_> {
    /// How many of a variant can be held; 0 for an unknown one.
    pub(crate) fn available(&self, variant_id: &str) -> rusqlite::Result<i64> {
        self.number("SELECT on_hand - held FROM variants WHERE variant_id = ?1", [variant_id])
    }

    /// Holds a line for a reference until `expires_at`; the caller has checked the stock.
    pub(crate) fn hold(&self, reference: &str, line: &Line, expires_at: i64) -> rusqlite::Result<Hold> {
        let hold = self.write_hold(reference, line, "held", expires_at)?;
        self.run(
            "UPDATE variants SET held = held + ?2 WHERE variant_id = ?1",
            params![line.variant_id, line.quantity],
        )?;
        Ok(hold)
    }

    fn write_hold(
        &self,
        reference: &str,
        line: &Line,
        status: &str,
        expires_at: i64,
    ) -> rusqlite::Result<Hold> {
        let reservation_id = self.next_id("res")?;
        // Until it is confirmed, the reference is all that is known of the order.
        self.run(
            "INSERT INTO reservations
                 (reservation_id, reference, order_id, variant_id, quantity, status, expires_at)
             VALUES (?1, ?2, ?2, ?3, ?4, ?5, ?6)",
            params![reservation_id, reference, line.variant_id, line.quantity, status, expires_at],
        )?;
        let id = self.last_row_id();
        let (reference, line, status) = (reference.to_owned(), line.clone(), status.to_owned());
        Ok(Hold { id, reservation_id, reference, line, status, expires_at })
    }

    /// All holds of a reference, of one variant or of all, oldest first.
    pub(crate) fn holds(&self, reference: &str, variant_id: Option<&str>) -> rusqlite::Result<Vec<Hold>> {
        self.list(
            "SELECT id, reservation_id, variant_id, quantity, status, expires_at, reference FROM reservations
             WHERE reference = ?1 AND (?2 IS NULL OR variant_id = ?2) ORDER BY id",
            params![reference, variant_id],
            |row| {
                Ok(Hold {
                    id: row.get(0)?,
                    reservation_id: row.get(1)?,
                    line: Line { variant_id: row.get(2)?, quantity: row.get(3)? },
                    status: row.get(4)?,
                    expires_at: row.get(5)?,
                    reference: row.get(6)?,
                })
            },
        )
    }

    /// held → released: back on the shelf. Says how many, at most `quantity`.
    ///
    /// Two lines of one variant share a hold, and are released one by one: what is left stays held.
    pub(crate) fn release_hold(&self, reference: &str, hold: &Hold, quantity: i64) -> rusqlite::Result<i64> {
        if quantity >= hold.line.quantity {
            self.move_hold(hold, "released", 0, -hold.line.quantity)?;
            return Ok(hold.line.quantity);
        }
        self.run("UPDATE reservations SET quantity = quantity - ?2 WHERE id = ?1", [hold.id, quantity])?;
        let part = Line { variant_id: hold.line.variant_id.clone(), quantity };
        self.write_hold(reference, &part, "released", hold.expires_at)?;
        self.run(
            "UPDATE variants SET held = held - ?2 WHERE variant_id = ?1",
            params![part.variant_id, quantity],
        )?;
        Ok(quantity)
    }

    /// held → confirmed: the goods leave the shelf.
    pub(crate) fn confirm_hold(&self, hold: &Hold, order_id: &str) -> rusqlite::Result<()> {
        self.run("UPDATE reservations SET order_id = ?2 WHERE id = ?1", params![hold.id, order_id])?;
        self.move_hold(hold, "confirmed", -hold.line.quantity, -hold.line.quantity)
    }

    /// confirmed → restocked: the goods come back.
    pub(crate) fn restock_hold(&self, hold: &Hold) -> rusqlite::Result<()> {
        self.move_hold(hold, "restocked", hold.line.quantity, 0)
    }

    fn move_hold(&self, hold: &Hold, status: &str, on_hand: i64, held: i64) -> rusqlite::Result<()> {
        self.run("UPDATE reservations SET status = ?2 WHERE id = ?1", params![hold.id, status])?;
        self.run(
            "UPDATE variants SET on_hand = on_hand + ?2, held = held + ?3 WHERE variant_id = ?1",
            params![hold.line.variant_id, on_hand, held],
        )?;
        self.shift_levels(&hold.line.variant_id, on_hand)
    }

    /// Lets every hold go whose deadline has passed on the sandbox clock.
    pub(crate) fn expire_holds(&self) -> rusqlite::Result<()> {
        let due = "SELECT count(*) FROM reservations WHERE status = 'held' AND expires_at <= ?1";
        if self.number(due, [self.now])? == 0 {
            return Ok(());
        }
        self.run(
            "UPDATE variants SET held = held - due.quantity
             FROM (SELECT variant_id, sum(quantity) AS quantity FROM reservations
                   WHERE status = 'held' AND expires_at <= ?1 GROUP BY variant_id) AS due
             WHERE variants.variant_id = due.variant_id",
            [self.now],
        )?;
        self.run(
            "UPDATE reservations SET status = 'expired' WHERE status = 'held' AND expires_at <= ?1",
            [self.now],
        )?;
        Ok(())
    }
}

/// A hold in an answer.
#[derive(Debug, Serialize)]
pub(crate) struct ShownHold<'a> {
    reservation_id: &'a str,
    reference_id: &'a str,
    variant_id: &'a str,
    quantity: i64,
    status: &'a str,
    expires_at: String,
}

impl Hold {
    pub(crate) fn is(&self, status: &str) -> bool {
        self.status == status
    }

    pub(crate) fn shown(&self) -> ShownHold<'_> {
        ShownHold {
            reservation_id: &self.reservation_id,
            reference_id: &self.reference,
            variant_id: &self.line.variant_id,
            quantity: self.line.quantity,
            status: &self.status,
            expires_at: clock::text(self.expires_at),
        }
    }
}
