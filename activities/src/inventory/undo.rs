//! The way back: goods that are held are released, and goods that were sold are restocked. The order's holds are listed
//! first, and only what is there is sent: a stock system that counts down would otherwise free or add somebody else's
//! pieces.
//!
//! A key names the hold that was found, so that a repeated request is recognized, and a stored answer does not hide a
//! hold that landed since.

use contracts::inventory::{ReleaseStock, StockLine};
use contracts::values::{IdempotencyKey, OrderId};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::client::Client;
use super::look::Found;
use super::pace::Pace;
use super::wire::{Pieces, Release, Restock, Said, State};
use crate::http::CallError;

/// The outcome of an undo. A line of which nothing was taken back may have a request on its way that was given up on,
/// whatever is listed of it: another hold of the order, of a round before or of an earlier life, says nothing of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Undone {
    /// Taken back, every line.
    Done,
    /// Of a line nothing was there to take back.
    NothingYet,
}

impl Client {
    pub(super) async fn release(&self, pace: &Pace<'_>, input: &ReleaseStock) -> Result<Undone, CallError> {
        let Some(listed) = self.look(&input.order_id).await? else {
            let released = pace.each(&input.lines, |line| self.release_line(&input.order_id, line)).await?;
            return Ok(if released.contains(&Undone::NothingYet) {
                Undone::NothingYet
            } else {
                Undone::Done
            });
        };
        let held = listed.of(&input.lines, State::Held);
        let are_said = pace.each(held.iter().copied(), |hold| self.release_hold(input, hold)).await?;
        if are_said.contains(&false) {
            self.is_no_longer(&input.order_id, &held, State::Held).await?;
        }
        Ok(undone(&held, &input.lines))
    }

    /// Whether the answer says that as much was released as was held.
    async fn release_hold(&self, input: &ReleaseStock, hold: &Found) -> Result<bool, CallError> {
        let pieces = Pieces { variant_id: &hold.variant_id, quantity: hold.quantity };
        let body = Release { pieces, reference_id: input.order_id.as_str() };
        let key = input.key.part("release").part(&hold.id);
        let said = self.take_back("release", &key, &body).await?;
        Ok(said.released() == Some(hold.quantity))
    }

    /// Where holds cannot be listed: by reference and variant, without a key, because a stored answer would hide a hold
    /// that landed since. Nothing held is success.
    async fn release_line(&self, order: &OrderId, line: &StockLine) -> Result<Undone, CallError> {
        let body = Release { pieces: pieces_of(line), reference_id: order.as_str() };
        let said = self.ask(&["inventory", "release"], None, &body).await?;
        match said.released() {
            None if !said.is_silent() => {
                Err(self.api.unknown("an answer that does not name what it released"))
            }
            Some(0) => Ok(Undone::NothingYet),
            _ => Ok(Undone::Done),
        }
    }

    /// A list that shows open holds only does not show what was sold: a line that it says nothing of, and one that was
    /// sold and is not shown so, is asked for by reference.
    pub(super) async fn restock(&self, input: &ReleaseStock) -> Result<Undone, CallError> {
        let all: Vec<&StockLine> = input.lines.iter().collect();
        let Some(listed) = self.look(&input.order_id).await? else {
            return self.restock_by_reference(input, &all).await;
        };
        let sold = listed.of(&input.lines, State::Sold);
        if !sold.is_empty() {
            let items =
                sold.iter().map(|hold| Pieces { variant_id: &hold.variant_id, quantity: hold.quantity });
            let body = restock_of(items.collect(), &input.order_id);
            let key = input.key.part("restock").part(&name_of(&sold));
            let said = self.take_back("restock", &key, &body).await?;
            if sold.iter().any(|hold| said.restocked(&hold.variant_id) != Some(hold.quantity)) {
                self.is_no_longer(&input.order_id, &sold, State::Sold).await?;
            }
        }
        let is_shown = |line: &StockLine| match is_known_sold(input, line) {
            true => listed.has_been(line, &[State::Sold, State::Restocked]),
            false => listed.has_been(line, &State::ALL),
        };
        let (shown, hidden): (Vec<&StockLine>, Vec<&StockLine>) =
            all.into_iter().partition(|line| is_shown(line));
        let of_hidden = self.restock_by_reference(input, &hidden).await?;
        Ok(if of_hidden == Undone::Done { undone(&sold, shown) } else { of_hidden })
    }

    async fn restock_by_reference(
        &self,
        input: &ReleaseStock,
        lines: &[&StockLine],
    ) -> Result<Undone, CallError> {
        let (known, others): (Vec<&StockLine>, Vec<&StockLine>) =
            lines.iter().partition(|line| is_known_sold(input, line));
        if !known.is_empty() {
            // The sale was there before: no stored answer hides one that lands later.
            let key = input.key.part("restock").part("by-reference");
            let body = restock_of(known.iter().map(|line| pieces_of(line)).collect(), &input.order_id);
            let said = self.take_back("restock", &key, &body).await?;
            if self.is_back(&said, &known)? == Undone::NothingYet {
                return Err(self.api.unknown("it sold these goods, and does not restock them"));
            }
        }
        if others.is_empty() {
            return Ok(Undone::Done);
        }
        let body = restock_of(others.iter().map(|line| pieces_of(line)).collect(), &input.order_id);
        let said = self.ask(&["inventory", "restock"], None, &body).await?;
        self.is_back(&said, &others)
    }

    /// Whether an answer says that each of these lines came back.
    fn is_back(&self, said: &Said, lines: &[&StockLine]) -> Result<Undone, CallError> {
        let back: Option<Vec<u64>> =
            lines.iter().map(|line| said.restocked(line.variant_id.as_str())).collect();
        match back {
            None if said.is_silent() => Ok(Undone::Done),
            None => Err(self.api.unknown("an answer that does not name what it restocked")),
            // The sale of a line that did not come back may still be on its way.
            Some(back) if back.contains(&0) => Ok(Undone::NothingYet),
            Some(_) => Ok(Undone::Done),
        }
    }

    /// Takes back what was found, under a key that names it. A system that repeats a stored error has ended that
    /// request, and what it was about was found there since: it is asked for without the key.
    async fn take_back(
        &self,
        verb: &str,
        key: &IdempotencyKey,
        body: &impl Serialize,
    ) -> Result<Said, CallError> {
        match self.ask(&["inventory", verb], Some(key), body).await {
            Err(CallError::UnknownForGood { .. }) => self.ask(&["inventory", verb], None, body).await,
            answer => answer,
        }
    }

    /// An answer did not say that these holds were taken back: the list does.
    async fn is_no_longer(&self, order: &OrderId, holds: &[&Found], state: State) -> Result<(), CallError> {
        match self.look(order).await? {
            Some(listed) if !listed.still_has(holds, state) => Ok(()),
            _ => {
                Err(self.api.unknown("an answer that does not name what it took back, and it is still there"))
            }
        }
    }
}

/// Whether the sale of the line was answered.
fn is_known_sold(input: &ReleaseStock, line: &StockLine) -> bool {
    input.sold.iter().any(|sold| sold == line.variant_id.as_str())
}

fn undone<'l>(taken: &[&Found], lines: impl IntoIterator<Item = &'l StockLine>) -> Undone {
    let is_taken = |line: &StockLine| taken.iter().any(|found| found.variant_id == line.variant_id.as_str());
    match lines.into_iter().all(is_taken) {
        true => Undone::Done,
        false => Undone::NothingYet,
    }
}

fn pieces_of(line: &StockLine) -> Pieces<'_> {
    Pieces { variant_id: line.variant_id.as_str(), quantity: line.quantity.into() }
}

fn restock_of<'a>(items: Vec<Pieces<'a>>, order: &'a OrderId) -> Restock<'a> {
    Restock { items, reference_id: order.as_str(), reason: "the order was not fulfilled" }
}

/// A name of exactly these holds, however many.
fn name_of(holds: &[&Found]) -> String {
    let mut ids: Vec<&str> = holds.iter().map(|hold| hold.id.as_str()).collect();
    ids.sort_unstable();
    match ids.as_slice() {
        [id] => (*id).to_owned(),
        ids => Sha256::digest(ids.join("\n")).iter().take(16).map(|byte| format!("{byte:02x}")).collect(),
    }
}
