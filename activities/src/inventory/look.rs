//! The holds of an order, as the stock system lists them: `GET /inventory/reservations?reference_id=`.
//!
//! The platform documents no such list. Where it is missing, nothing can be looked up, and the adapter goes by
//! reference and key alone.

use contracts::inventory::{Hold, StockLine};
use contracts::values::OrderId;
use serde::Deserialize;

use super::wire::{HoldId, State};
use crate::http::{Api, CallError, NOT_FOUND, Wrong};

/// The holds that an order has, or had.
#[derive(Debug)]
pub(super) struct Listed(Vec<Found>);

/// One of them.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) id: String,
    pub(super) variant_id: String,
    pub(super) quantity: u64,
    pub(super) state: State,
}

#[derive(Deserialize)]
struct List {
    reservations: Vec<ListedHold>,
    #[serde(default)]
    total: Option<usize>,
}

#[derive(Deserialize)]
struct ListedHold {
    #[serde(flatten)]
    id: HoldId,
    #[serde(alias = "variantId")]
    variant_id: String,
    #[serde(default, alias = "referenceId")]
    reference_id: Option<String>,
    quantity: u64,
    status: String,
}

/// Lists the holds of an order. `None`: this stock system has no such list.
pub(super) async fn look(api: &Api, order: &OrderId) -> Result<Option<Listed>, CallError> {
    let path = ["inventory", "reservations"];
    let List { reservations, total } = match api.get(&path, &[("reference_id", order.as_str())]).await {
        Ok(list) => list,
        Err(error) if is_missing(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    if total.is_some_and(|total| total > reservations.len()) {
        return Err(api.unknown("a list of holds that is not whole"));
    }
    // A system that passes over a filter it does not know answers with everybody's holds.
    if reservations.iter().any(|hold| hold.reference_id.is_none()) {
        return Err(api.unknown("a list of holds that does not name their reference"));
    }
    let mut found = Vec::new();
    for hold in reservations {
        if hold.reference_id.as_deref() == Some(order.as_str()) {
            let id = hold.id.get().ok_or_else(|| api.unknown("a list of holds without ids"))?;
            let (state, ListedHold { variant_id, quantity, .. }) = (State::read(api, &hold.status)?, hold);
            found.push(Found { id, variant_id, quantity, state });
        }
    }
    Ok(Some(Listed(found)))
}

/// The codes of a system that takes the request for another one (`GET /inventory/{id}`): it has no such thing, or does
/// not take the id.
const NO_SUCH_REQUEST: [&str; 5] =
    [NOT_FOUND, "INVENTORY_NOT_FOUND", "INVALID_REQUEST", "VALIDATION_ERROR", "UNSPECIFIED"];

/// There is nothing at that path, or something else. Any other refusal says nothing of whether there is a list.
fn is_missing(error: &CallError) -> bool {
    matches!(error, CallError::Setting { wrong: Wrong::Path(_), .. })
        || error.refusal().is_some_and(|refusal| {
            matches!(refusal.status, 400 | 404 | 422) && NO_SUCH_REQUEST.contains(&refusal.code.as_str())
        })
}

impl Listed {
    /// The holds of these lines in a state, whatever they are of a line.
    pub(super) fn of<'l>(&'l self, lines: &[StockLine], state: State) -> Vec<&'l Found> {
        let is_asked = |found: &Found| lines.iter().any(|line| line.variant_id.as_str() == found.variant_id);
        self.0.iter().filter(|found| found.state == state && found.quantity > 0 && is_asked(found)).collect()
    }

    /// The hold of a line, in a state and in its whole quantity.
    pub(super) fn whole(&self, line: &StockLine, state: State) -> Option<Hold> {
        let found = self.0.iter().find(|found| {
            found.state == state
                && found.variant_id == line.variant_id.as_str()
                && found.quantity == u64::from(line.quantity)
        })?;
        Some(Hold { variant_id: line.variant_id.clone(), reservation_id: Some(found.id.clone()) })
    }

    /// Whether a hold of the line is listed in one of these states.
    pub(super) fn has_been(&self, line: &StockLine, states: &[State]) -> bool {
        let is_of = |found: &&Found| found.variant_id == line.variant_id.as_str();
        self.0.iter().filter(is_of).any(|found| states.contains(&found.state))
    }

    /// Whether the hold of the line is listed as one that is over: of several, by the id that it has.
    pub(super) fn is_over(&self, line: &StockLine, holds: &[Hold]) -> bool {
        let hold = holds.iter().find(|hold| hold.variant_id == line.variant_id);
        let id = hold.and_then(|hold| hold.reservation_id.as_deref());
        let is_of = |found: &&Found| {
            found.variant_id == line.variant_id.as_str() && id.is_none_or(|id| id == found.id)
        };
        let over = [State::Released, State::Expired, State::Restocked];
        self.0.iter().filter(is_of).any(|found| over.contains(&found.state))
    }

    /// Whether one of these holds is still in that state.
    pub(super) fn still_has(&self, holds: &[&Found], state: State) -> bool {
        self.0.iter().any(|found| found.state == state && holds.iter().any(|hold| hold.id == found.id))
    }
}
