//! The rows of one product beside the shop's prices: which variants they mean, what they change, which contradict each
//! other. Rows are gone through in the order of their times, as the prices will be when each is due.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use contracts::bulk::is_change_above;
use contracts::money::Money;
use contracts::prices::{PriceAction, PriceChecks, PriceOutcome, PriceRow};
use contracts::values::VariantId;
use jiff::Timestamp;

use super::client::Priced;
use super::row::{Defect, Draft};

/// The cause of a row whose product the shop does not have.
pub(super) const UNKNOWN: &str = "sku: the shop has no such product";
const MADE: &str = "sku: unknown, and a number that a spreadsheet made of a key: export the column as text";

/// The outcome of a row.
#[derive(Debug, PartialEq)]
pub(super) enum Resolved {
    /// It changes a price.
    Write(Box<Change>),
    /// It is due, and the price was seen to be that already.
    Same { is_other_old: bool, outcome: Box<PriceOutcome> },
    /// It cannot be used.
    Wrong(Vec<Defect>),
}

/// A change of a price; or none, by what is known now, where the row is looked at when it is due.
#[derive(Debug, PartialEq)]
pub(super) struct Change {
    pub(super) row: PriceRow,
    /// The price before it, by what is known now.
    pub(super) from: Money,
    /// Changes of this product that are due at once and come before it.
    pub(super) rank: usize,
    pub(super) is_below_cost: bool,
    pub(super) is_jump: bool,
    pub(super) is_other_old: bool,
    /// An earlier step of the list has changed this price already.
    pub(super) is_later_step: bool,
}

/// The prices of a product's variants at some time.
struct Prices {
    now: BTreeMap<String, Money>,
    /// Variants that a step before has changed.
    changed: BTreeSet<String>,
    cost: BTreeMap<String, Money>,
}

/// The variants that a row means.
struct Target {
    variants: Vec<String>,
    /// The one that it is written to; `None`: all.
    named: Option<VariantId>,
}

/// Resolves the rows of one product, each with its place in the list of drafts.
pub(super) fn resolve(
    product: Option<&Priced>,
    mut rows: Vec<(usize, Draft)>,
    checks: &PriceChecks,
    now: Timestamp,
) -> Vec<(usize, Resolved)> {
    let Some(product) = product.filter(|product| !product.variants.is_empty()) else {
        let unreadable = product.and_then(|product| product.unreadable.as_ref());
        let unreadable =
            unreadable.map(|why| format!("sku: the shop's answer about it cannot be read: {why}"));
        let wrong = |row: &Draft| {
            // A key that the shop has may look like it: `90.0`.
            let is_made = text::is_made_of_a_key(row.sku.as_str(), false);
            let why = unreadable.as_deref().unwrap_or(if is_made { MADE } else { UNKNOWN });
            Resolved::Wrong(vec![Defect::new(why)])
        };
        return rows.into_iter().map(|(place, row)| (place, wrong(&row))).collect();
    };
    rows.sort_by_key(|(_, row)| (row.at.unwrap_or(now), row.line));
    let mut prices = Prices::of(product);
    let mut done = Vec::with_capacity(rows.len());
    let mut rank = 0;
    let mut rest = rows.as_slice();
    while let Some((_, first)) = rest.first() {
        let at = first.at.unwrap_or(now);
        let together = rest.iter().take_while(|(_, row)| row.at.unwrap_or(now) == at).count();
        let (group, later) = rest.split_at(together);
        rest = later;
        let resolved = prices.group(group, checks, now, rank);
        let writes = resolved.iter().any(|(_, row)| matches!(row, Resolved::Write(_)));
        rank += usize::from(writes && at <= now);
        done.extend(resolved);
    }
    done
}

impl Prices {
    fn of(product: &Priced) -> Self {
        let variants = || product.variants.iter();
        Self {
            now: variants().map(|variant| (variant.id.to_string(), variant.price)).collect(),
            changed: BTreeSet::new(),
            cost: variants().filter_map(|variant| Some((variant.id.to_string(), variant.cost?))).collect(),
        }
    }

    /// Rows of one moment.
    fn group(
        &mut self,
        rows: &[(usize, Draft)],
        checks: &PriceChecks,
        now: Timestamp,
        rank: usize,
    ) -> Vec<(usize, Resolved)> {
        let targets: Vec<Result<Target, Defect>> = rows.iter().map(|(_, row)| self.target(row)).collect();
        let resolved: Vec<(usize, Resolved)> = (0..)
            .zip(rows)
            .map(|(index, (place, row))| {
                let resolved = match &targets[index] {
                    Err(defect) => Resolved::Wrong(vec![defect.clone()]),
                    Ok(target) => match twins(rows, &targets, index) {
                        Some(twice) => Resolved::Wrong(vec![twice]),
                        None => self.compare(row, target, checks, now, rank),
                    },
                };
                (*place, resolved)
            })
            .collect();
        for ((_, resolved), target) in resolved.iter().zip(&targets) {
            if let (Resolved::Write(change), Ok(target)) = (resolved, target) {
                for variant in target.variants.iter().filter(|_| change.row.price != change.from) {
                    self.now.insert(variant.clone(), change.row.price);
                    self.changed.insert(variant.clone());
                }
            }
        }
        resolved
    }

    /// The variants that a row means: the one that it names, all of them if they cost the same, or the only one that
    /// costs its `old_price`.
    fn target(&self, row: &Draft) -> Result<Target, Defect> {
        if let Some(named) = &row.variant {
            return match self.now.contains_key(named.as_str()) {
                true => Ok(Target { variants: vec![named.to_string()], named: Some(named.clone()) }),
                false => Err(Defect::with("variant: the product has no such variant", self.listed())),
            };
        }
        let mut prices = self.now.values();
        let first = prices.next();
        if prices.all(|price| Some(price) == first) {
            return Ok(Target { variants: self.now.keys().cloned().collect(), named: None });
        }
        let mut of_old = self.now.iter().filter(|(_, price)| Some(**price) == row.old);
        match (of_old.next(), of_old.next()) {
            (Some((variant, _)), None) => {
                let named = VariantId::new(variant.clone());
                let named = named.map_err(|error| Defect::new(format!("variant: {error}")))?;
                Ok(Target { variants: vec![variant.clone()], named: Some(named) })
            }
            _ => Err(Defect::with("variant: the variants have different prices, name one", self.listed())),
        }
    }

    fn listed(&self) -> String {
        let listed: Vec<String> =
            self.now.iter().map(|(variant, price)| format!("{variant} ({price})")).collect();
        listed.join(", ")
    }

    fn compare(
        &self,
        row: &Draft,
        target: &Target,
        checks: &PriceChecks,
        now: Timestamp,
        rank: usize,
    ) -> Resolved {
        let Some(from) = target.variants.first().and_then(|variant| self.now.get(variant)).copied() else {
            return Resolved::Wrong(vec![Defect::new(UNKNOWN)]);
        };
        if from.currency() != row.new.currency() {
            let currency = from.currency().code().to_owned();
            return Resolved::Wrong(vec![Defect::with(
                "currency: the shop's price is in another one",
                currency,
            )]);
        }
        let is_other_old = row.old.is_some_and(|old| old != from);
        let is_due = row.at.is_none_or(|at| at <= now);
        let is_later_step = target.variants.iter().any(|variant| self.changed.contains(variant));
        // A forecast does not look: somebody may set another price until then, or a step before may be a conflict.
        if row.new == from && is_due && !is_later_step {
            return Resolved::Same { is_other_old, outcome: Box::new(unchanged(row, target, from)) };
        }
        if row.new.minor_units() == 0 {
            return Resolved::Wrong(vec![Defect::new("new_price: is zero")]);
        }
        let (old, new) = (from.minor_units(), row.new.minor_units());
        let costs = target.variants.iter().filter_map(|variant| self.cost.get(variant));
        // A price that stays as it is was not made by this list.
        let is_below_cost = new != old && costs.into_iter().any(|cost| cost.minor_units() > new);
        let mut defects = Vec::new();
        if is_below_cost && !checks.allow_below_cost {
            defects.push(Defect::new("new_price: is below the product's cost"));
        }
        if checks.max_change_percent.is_some_and(|percent| is_change_above(old, new, percent)) {
            defects.push(Defect::with(
                "new_price: changes by more than max_change_percent",
                format!("from {from}"),
            ));
        }
        if !defects.is_empty() {
            return Resolved::Wrong(defects);
        }
        let row = PriceRow {
            line: row.line,
            sku: row.sku.clone(),
            variant: target.named.clone(),
            expected: row.old.unwrap_or(from),
            price: row.new,
            effective_date: row.at,
            reason: row.reason.clone(),
        };
        let rank = if is_due { rank } else { 0 };
        let is_jump = is_change_above(old, new, checks.jump_percent);
        Resolved::Write(Box::new(Change {
            row,
            from,
            rank,
            is_below_cost,
            is_jump,
            is_other_old,
            is_later_step,
        }))
    }
}

/// The outcome of a row whose price is the wanted one.
fn unchanged(row: &Draft, target: &Target, price: Money) -> PriceOutcome {
    PriceOutcome {
        line: row.line,
        sku: row.sku.clone(),
        variant: target.named.clone(),
        success: true,
        action: PriceAction::Unchanged,
        old_price: row.old.unwrap_or(price),
        new_price: price,
        product_id: None,
        error: None,
        late_seconds: None,
    }
}

/// The defect of a row that another row of the same moment contradicts, or repeats.
fn twins(rows: &[(usize, Draft)], targets: &[Result<Target, Defect>], index: usize) -> Option<Defect> {
    let own = targets[index].as_ref().ok()?;
    let meets = |other: &Result<Target, Defect>| {
        other.as_ref().is_ok_and(|other| other.variants.iter().any(|variant| own.variants.contains(variant)))
    };
    let others =
        (0..).zip(rows.iter().zip(targets)).filter(|(other, (_, target))| *other != index && meets(target));
    let lines: Vec<String> = others.take(5).map(|(_, ((_, row), _))| row.line.to_string()).collect();
    let also = || {
        Defect::with("sku: is given more than once for one time", format!("also line {}", lines.join(", ")))
    };
    (!lines.is_empty()).then(also)
}
