//! Requests to hold. An answer that does not name what was asked for is not believed: the list of the order's holds
//! ([`look`]) decides.
//!
//! An attempt that follows one whose outcome is unknown looks first, and sends only what is missing. Where the stock
//! system has no such list, everything is sent again, under the same keys.

use contracts::inventory::{Hold, Reservation, ReserveStock, Shortage, StockLine};
use contracts::values::{IdempotencyKey, OrderId};
use reqwest::Method;
use serde::Serialize;

use super::Lines;
use super::look::{Listed, look};
use super::pace::Pace;
use super::wire::{ReserveBatch, ReserveOne, Said, State, named_by};
use crate::effect::{is_repeated, still_wanted};
use crate::http::{Api, CallError, Seen};

pub(super) struct Client {
    pub(super) api: Api,
    pub(super) lines: Lines,
}

/// An answer that is not believed by itself: the list of holds decides.
pub(super) struct Doubt {
    /// Whether it is as documented, so that it counts where there is no list.
    pub(super) is_silent: bool,
    /// Its meaning if the list does not say otherwise.
    pub(super) error: CallError,
}

/// The outcome of a request to hold.
enum Reserved {
    Held(Vec<Hold>),
    Short(Vec<Shortage>),
    Doubtful(Doubt),
}

const OUT_OF_STOCK: [&str; 2] = ["INSUFFICIENT_STOCK", "OUT_OF_STOCK"];
pub(super) const HOLD_LOST: &str = "RESERVATION_EXPIRED";
/// There is a hold for that reference already: ours, perhaps.
const ALREADY_RESERVED: &str = "ALREADY_RESERVED";
/// The conflicts that are known here.
const CONFLICTS: [&str; 4] = [OUT_OF_STOCK[0], OUT_OF_STOCK[1], HOLD_LOST, ALREADY_RESERVED];

impl Client {
    pub(super) fn new(api: Api, lines: Lines) -> Self {
        Self { api, lines }
    }

    pub(super) async fn look(&self, order: &OrderId) -> Result<Option<Listed>, CallError> {
        look(&self.api, order).await
    }

    /// The list, where an attempt before this one may have had its effect.
    async fn look_again(&self, pace: &Pace<'_>, order: &OrderId) -> Result<Option<Listed>, CallError> {
        if is_repeated(pace.ctx()) { self.look(order).await } else { Ok(None) }
    }

    pub(super) async fn reserve(
        &self,
        pace: &Pace<'_>,
        input: &ReserveStock,
    ) -> Result<Reservation, CallError> {
        let listed = self.look_again(pace, &input.order_id).await?;
        let there = |line: &StockLine| listed.as_ref().and_then(|listed| listed.whole(line, State::Held));
        let mut holds: Vec<Hold> = input.lines.iter().filter_map(there).collect();
        let missing: Vec<&StockLine> = input.lines.iter().filter(|line| there(line).is_none()).collect();
        let asked = match self.lines {
            _ if missing.is_empty() => Vec::new(),
            Lines::Batch => {
                holds.clear();
                vec![self.reserve_batch(pace, input).await?]
            }
            // Every line is asked for before any answer counts: what was held is known, or the whole is unknown.
            Lines::OneByOne => pace.each(missing, |line| self.reserve_line(input, line)).await?,
        };
        let (mut short, mut doubt) = (None, None);
        for answer in asked {
            match answer {
                Reserved::Held(held) => holds.extend(held),
                Reserved::Short(lines) => short.get_or_insert_with(Vec::new).extend(lines),
                Reserved::Doubtful(found) => doubt = graver(doubt, found),
            }
        }
        if let Some(lines) = short {
            return Ok(Reservation::Short { lines });
        }
        if let Some(Doubt { is_silent, error }) = doubt {
            match self.look(&input.order_id).await? {
                Some(listed) => {
                    holds = input.lines.iter().filter_map(|line| listed.whole(line, State::Held)).collect();
                    if holds.len() < input.lines.len() {
                        return Err(error);
                    }
                }
                None if is_silent => {}
                None => return Err(error),
            }
        }
        Ok(Reservation::Held { holds: in_order(&input.lines, &holds) })
    }

    async fn reserve_batch(&self, pace: &Pace<'_>, input: &ReserveStock) -> Result<Reserved, CallError> {
        still_wanted(pace.ctx(), "inventory")?;
        let lines: Vec<&StockLine> = input.lines.iter().collect();
        self.reserve_call(&input.key, &ReserveBatch::of(input), &lines).await
    }

    async fn reserve_line(&self, input: &ReserveStock, line: &StockLine) -> Result<Reserved, CallError> {
        let key = input.key.part(line.variant_id.as_str());
        self.reserve_call(&key, &ReserveOne::of(input, line), &[line]).await
    }

    async fn reserve_call(
        &self,
        key: &IdempotencyKey,
        body: &impl Serialize,
        lines: &[&StockLine],
    ) -> Result<Reserved, CallError> {
        match self.ask(&["inventory", "reserve"], Some(key), body).await {
            Ok(said) => match self.holds_named(&said, lines, State::Held)? {
                Some(holds) => Ok(Reserved::Held(holds)),
                None => Ok(Reserved::Doubtful(self.doubt(&said, "a hold of each line"))),
            },
            Err(error) if has_code(&error, &OUT_OF_STOCK) => Ok(Reserved::Short(shortages(&error, lines))),
            Err(error) if has_code(&error, &[ALREADY_RESERVED]) => {
                Ok(Reserved::Doubtful(Doubt { is_silent: false, error }))
            }
            Err(error) => Err(error),
        }
    }

    /// Asks for an effect. A body that is null, or said to be none (204), is the envelope alone. One that is just
    /// missing says nothing.
    pub(super) async fn ask(
        &self,
        path: &[&str],
        key: Option<&IdempotencyKey>,
        body: &impl Serialize,
    ) -> Result<Said, CallError> {
        let answered = self.api.send_seen(Method::POST, path, key, body).await;
        let Seen { answer, is_bare, .. } = answered.map_err(|error| match key {
            Some(_) => self.api.of_conflict(error, &CONFLICTS),
            None => error,
        })?;
        let of_nothing = if is_bare { Said::default } else { Said::silence };
        Ok(Option::unwrap_or_else(answer, of_nothing))
    }

    /// The holds of these lines, if an answer names all of them as they were asked for.
    pub(super) fn holds_named(
        &self,
        said: &Said,
        lines: &[&StockLine],
        state: State,
    ) -> Result<Option<Vec<Hold>>, CallError> {
        lines.iter().map(|line| said.hold_of(&self.api, line, state)).collect()
    }

    pub(super) fn doubt(&self, said: &Said, what: &str) -> Doubt {
        Doubt {
            is_silent: said.is_silent(),
            error: self.api.unknown(format!("an answer that does not name {what}")),
        }
    }
}

/// Of two doubts the one that counts: a documented answer is the smaller one.
pub(super) fn graver(one: Option<Doubt>, other: Doubt) -> Option<Doubt> {
    one.filter(|one| !one.is_silent).or(Some(other))
}

/// The holds in the order of the lines. Of a hold that no answer named nothing is known but that it is there.
fn in_order(lines: &[StockLine], holds: &[Hold]) -> Vec<Hold> {
    let of = |line: &StockLine| {
        let named = holds.iter().find(|hold| hold.variant_id == line.variant_id).cloned();
        named.unwrap_or_else(|| Hold { variant_id: line.variant_id.clone(), reservation_id: None })
    };
    lines.iter().map(of).collect()
}

pub(super) fn has_code(error: &CallError, codes: &[&str]) -> bool {
    error.refusal().is_some_and(|refusal| codes.contains(&refusal.code.as_str()))
}

/// The lines that a refusal is about. Where it names none that was asked for, it is about the one line, or about nobody
/// knows which of several.
pub(super) fn shortages(error: &CallError, asked: &[&StockLine]) -> Vec<Shortage> {
    let named = error.refusal().map(|refusal| named_by(&refusal.details, asked)).unwrap_or_default();
    match asked {
        [line] if named.is_empty() => vec![Shortage {
            variant_id: line.variant_id.to_string(),
            requested: Some(line.quantity.into()),
            available: None,
        }],
        _ => named,
    }
}
