//! The sale of what is held. Whatever is sold already must not be held and sold once more, so a hold counts as lost
//! only where that is known: the list of holds shows it, or no request before this one can have sold it.
//!
//! Many lists show open holds only. One that does not show a hold says that it is not open, and not that it is gone.

use contracts::inventory::{ConfirmStock, Confirmation, StockLine};
use contracts::values::IdempotencyKey;
use serde::Serialize;

use super::Lines;
use super::client::{Client, Doubt, HOLD_LOST, graver, has_code, shortages};
use super::look::Listed;
use super::pace::Pace;
use super::wire::{ConfirmBatch, ConfirmOne, State};
use crate::effect::{is_repeated, still_wanted};
use crate::http::CallError;

/// The outcome of a request to sell.
enum Sale<'l> {
    Sold(Vec<&'l StockLine>),
    Lost {
        lines: Vec<&'l StockLine>,
        /// Whether the refusal says that it is these, and not only that one of them is gone.
        are_named: bool,
    },
    Doubtful {
        lines: Vec<&'l StockLine>,
        doubt: Doubt,
    },
}

/// The answers to all requests of one attempt.
struct Answered<'l> {
    /// The lines that are sold, as far as an answer or the list before it says so.
    sold: Vec<&'l StockLine>,
    lost: Vec<&'l StockLine>,
    are_all_named: bool,
    /// The lines of answers that do not name a sale.
    unsaid: Vec<&'l StockLine>,
    doubt: Option<Doubt>,
}

impl<'l> Answered<'l> {
    fn of(sold: Vec<&'l StockLine>, answers: Vec<Sale<'l>>) -> Self {
        let mut all = Self { sold, lost: Vec::new(), are_all_named: true, unsaid: Vec::new(), doubt: None };
        for answer in answers {
            match answer {
                Sale::Sold(lines) => all.sold.extend(lines),
                Sale::Lost { lines, are_named } => {
                    all.lost.extend(lines);
                    all.are_all_named &= are_named;
                }
                Sale::Doubtful { lines, doubt } => {
                    all.unsaid.extend(lines);
                    all.doubt = graver(all.doubt, doubt);
                }
            }
        }
        all
    }
}

impl Client {
    pub(super) async fn confirm(
        &self,
        pace: &Pace<'_>,
        input: &ConfirmStock,
    ) -> Result<Confirmation, CallError> {
        let may_be_sold = input.may_be_sold || is_repeated(pace.ctx());
        let listed = if may_be_sold { self.look(&input.order_id).await? } else { None };
        let is_sold = |line: &&StockLine| {
            listed.as_ref().is_some_and(|listed| listed.whole(line, State::Sold).is_some())
        };
        let (sold, missing): (Vec<&StockLine>, Vec<&StockLine>) = input.lines.iter().partition(is_sold);
        let answers = match self.lines {
            _ if missing.is_empty() => Vec::new(),
            Lines::Batch => vec![self.confirm_batch(pace, input).await?],
            Lines::OneByOne => pace.each(missing, |line| self.confirm_line(input, line)).await?,
        };
        let answered = Answered::of(sold, answers);
        if answered.lost.is_empty() && answered.doubt.is_none() {
            return Ok(Confirmation::Confirmed);
        }
        match self.look(&input.order_id).await? {
            Some(listed) => self.as_listed(input, answered, &listed, may_be_sold),
            None => as_answered(answered, may_be_sold),
        }
    }

    /// Not every answer names a sale: the list decides.
    fn as_listed(
        &self,
        input: &ConfirmStock,
        answered: Answered<'_>,
        listed: &Listed,
        may_be_sold: bool,
    ) -> Result<Confirmation, CallError> {
        let Answered { sold, lost, are_all_named, unsaid, doubt } = answered;
        // A sale whose answer was lost leaves no open hold either.
        let is_sold = |line: &&StockLine| sold.contains(line) || listed.whole(line, State::Sold).is_some();
        let (sold, rest): (Vec<&StockLine>, Vec<&StockLine>) = input.lines.iter().partition(is_sold);
        if rest.is_empty() {
            return Ok(Confirmation::Confirmed);
        }
        if let (Some(doubt), true) = (doubt, lost.is_empty()) {
            return Err(doubt.error);
        }
        let is_there = |line: &StockLine| listed.has_been(line, &[State::Held, State::Sold]);
        let gone: Vec<&StockLine> = rest.into_iter().filter(|line| !is_there(line)).collect();
        // A list of open holds shows neither what is gone nor what is sold.
        let is_unclear =
            |line: &StockLine| !listed.is_over(line, &input.holds) && (may_be_sold || unsaid.contains(&line));
        if gone.iter().any(|line| is_unclear(line)) {
            return Err(whose_hold());
        }
        match gone.is_empty() {
            false => Ok(hold_lost(&gone, &sold)),
            // The list may be behind what the refusal names, or behind a sale by an attempt before.
            true if are_all_named && !may_be_sold => Ok(hold_lost(&lost, &sold)),
            true => Err(self.api.unknown("a hold is gone, nobody can say which, and it lists all of them")),
        }
    }

    async fn confirm_batch<'l>(
        &self,
        pace: &Pace<'_>,
        input: &'l ConfirmStock,
    ) -> Result<Sale<'l>, CallError> {
        still_wanted(pace.ctx(), "inventory")?;
        let lines: Vec<&StockLine> = input.lines.iter().collect();
        self.confirm_call(&input.key, &ConfirmBatch::of(input), &lines).await
    }

    async fn confirm_line<'l>(
        &self,
        input: &'l ConfirmStock,
        line: &'l StockLine,
    ) -> Result<Sale<'l>, CallError> {
        let key = input.key.part(line.variant_id.as_str());
        self.confirm_call(&key, &ConfirmOne::of(input, line), &[line]).await
    }

    async fn confirm_call<'l>(
        &self,
        key: &IdempotencyKey,
        body: &impl Serialize,
        lines: &[&'l StockLine],
    ) -> Result<Sale<'l>, CallError> {
        match self.ask(&["inventory", "confirm"], Some(key), body).await {
            Ok(said) => match self.holds_named(&said, lines, State::Sold)? {
                Some(_) => Ok(Sale::Sold(lines.to_vec())),
                None => Ok(Sale::Doubtful {
                    lines: lines.to_vec(),
                    doubt: self.doubt(&said, "a sale of each line"),
                }),
            },
            Err(error) if has_code(&error, &[HOLD_LOST]) => {
                let named = shortages(&error, lines);
                let is_named =
                    |line: &&&StockLine| named.iter().any(|lost| lost.variant_id == line.variant_id.as_str());
                let lost: Vec<_> = lines.iter().filter(is_named).copied().collect();
                Ok(match lost.is_empty() {
                    true => Sale::Lost { lines: lines.to_vec(), are_named: false },
                    false => Sale::Lost { lines: lost, are_named: true },
                })
            }
            Err(error) => Err(error),
        }
    }
}

/// Not every answer names a sale, and there is no list.
fn as_answered(answered: Answered<'_>, may_be_sold: bool) -> Result<Confirmation, CallError> {
    let Answered { mut sold, lost, are_all_named, unsaid, doubt } = answered;
    match doubt {
        Some(Doubt { is_silent: false, error }) => Err(error),
        _ if lost.is_empty() => Ok(Confirmation::Confirmed),
        // Were those lines held once more, and sold, goods might be sold that are sold already.
        _ if !are_all_named || may_be_sold => Err(whose_hold()),
        _ => {
            sold.extend(unsaid);
            Ok(hold_lost(&lost, &sold))
        }
    }
}

/// Which goods are not held any more cannot be learned: it is for the way back, which takes back whatever is there.
fn whose_hold() -> CallError {
    let why =
        "hold_unclear: it does not say whose hold is gone, or may have sold it before, and no list shows it";
    CallError::Unusable { system: "inventory", why: why.to_owned() }
}

fn hold_lost(gone: &[&StockLine], sold: &[&StockLine]) -> Confirmation {
    let named = |lines: &[&StockLine]| lines.iter().map(|line| line.variant_id.to_string()).collect();
    Confirmation::HoldLost { variants: named(gone), sold: named(sold) }
}
