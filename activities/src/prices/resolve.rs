//! The rows of one product beside the shop's prices: which variants they mean, what they change, which contradict each
//! other. Rows are gone through in the order of their times, as the prices will be when each is due.

use std::collections::{BTreeMap, BTreeSet};

use contracts::bulk::is_change_above;
use contracts::money::Money;
use contracts::prices::{PriceChecks, PriceRow};
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
    /// The price is that already.
    Same { is_other_old: bool },
    /// It cannot be used.
    Wrong(Vec<Defect>),
}

/// A change of a price.
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
                for variant in &target.variants {
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
        if row.new == from {
            return Resolved::Same { is_other_old };
        }
        if row.new.minor_units() == 0 {
            return Resolved::Wrong(vec![Defect::new("new_price: is zero")]);
        }
        let (old, new) = (from.minor_units(), row.new.minor_units());
        let costs = target.variants.iter().filter_map(|variant| self.cost.get(variant));
        let is_below_cost = costs.into_iter().any(|cost| cost.minor_units() > new);
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
        let rank = if row.effective_date.is_none_or(|at| at <= now) { rank } else { 0 };
        let is_jump = is_change_above(old, new, checks.jump_percent);
        let is_later_step = target.variants.iter().any(|variant| self.changed.contains(variant));
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

#[cfg(test)]
mod tests {
    use contracts::money::Currency;
    use contracts::values::ProductId;

    use super::super::client::Variant;
    use super::*;

    fn dong(amount: i64) -> Money {
        Money::from_minor_units(amount, Currency::VND)
    }

    fn product(prices: &[(&str, i64)]) -> Priced {
        let variant = |(id, price): &(&str, i64)| Variant {
            id: VariantId::new(*id).expect("an id"),
            price: dong(*price),
            cost: Some(dong(60)),
        };
        Priced { sku: "A".to_owned(), variants: prices.iter().map(variant).collect(), unreadable: None }
    }

    fn draft(line: u64, old: Option<i64>, new: i64, at: Option<&str>) -> Draft {
        Draft {
            line,
            sku: ProductId::new("A").expect("a SKU"),
            variant: None,
            old: old.map(dong),
            new: dong(new),
            at: at.map(|at| at.parse().expect("a time")),
            reason: None,
        }
    }

    fn checks() -> PriceChecks {
        PriceChecks {
            currency: "VND".to_owned(),
            zone: None,
            max_change_percent: Some(50),
            jump_percent: 20,
            max_backdate_seconds: None,
            allow_below_cost: false,
        }
    }

    /// Line, and what became of it in words.
    fn said(product: &Priced, rows: Vec<Draft>) -> Vec<(usize, String)> {
        let now = "2026-06-01T00:00:00Z".parse().expect("a time");
        let rows = rows.into_iter().map(|row| (usize::try_from(row.line).expect("small"), row)).collect();
        let mut said: Vec<_> = resolve(Some(product), rows, &checks(), now)
            .into_iter()
            .map(|(line, resolved)| {
                let words = match resolved {
                    Resolved::Write(change) => {
                        let variant =
                            change.row.variant.map_or("all".to_owned(), |variant| variant.to_string());
                        let (expected, price) = (change.row.expected, change.row.price);
                        format!("{variant} {} to {} #{}", expected.amount(), price.amount(), change.rank)
                    }
                    Resolved::Same { is_other_old } => format!("same {is_other_old}"),
                    Resolved::Wrong(defects) => {
                        defects.iter().map(Defect::words).collect::<Vec<_>>().join("; ")
                    }
                };
                (line, words)
            })
            .collect();
        said.sort();
        said
    }

    /// P2
    #[test]
    fn two_rows_of_one_time_are_both_wrong_and_name_each_other() {
        let one = product(&[("A-1", 100)]);
        let twice = "sku: is given more than once for one time: also line";
        let rows = vec![draft(1, None, 90, None), draft(1_000_000, None, 90, None)];
        assert_eq!(said(&one, rows), [(1, format!("{twice} 1000000")), (1_000_000, format!("{twice} 1"))]);
        let two = product(&[("A-1", 100), ("A-2", 110)]);
        let of = |line, variant: &str| Draft {
            variant: VariantId::new(variant).ok(),
            ..draft(line, None, 90, None)
        };
        let wanted = [(1, "A-1 100 to 90 #0".to_owned()), (2, "A-2 110 to 90 #0".to_owned())];
        assert_eq!(said(&two, vec![of(1, "A-1"), of(2, "A-2")]), wanted);
    }

    /// P3
    #[test]
    fn two_dates_are_two_steps_and_the_second_expects_the_price_of_the_first() {
        let one = product(&[("A-1", 120)]);
        let rows = vec![
            draft(1, None, 100, Some("2027-01-01T00:00:00Z")),
            draft(2, None, 90, Some("2026-12-01T00:00:00Z")),
        ];
        let wanted = [(1, "all 90 to 100 #0".to_owned()), (2, "all 120 to 90 #0".to_owned())];
        assert_eq!(said(&one, rows), wanted);
        // Both are past: one after the other, at once.
        let rows = vec![
            draft(1, None, 100, Some("2024-03-01T00:00:00Z")),
            draft(2, None, 90, Some("2024-02-01T00:00:00Z")),
        ];
        let wanted = [(1, "all 90 to 100 #1".to_owned()), (2, "all 120 to 90 #0".to_owned())];
        assert_eq!(said(&one, rows), wanted);
    }

    /// An export lists a product that costs nothing, and may be sent back as it is.
    #[test]
    fn zero_is_wrong_unless_it_is_the_price_already() {
        let gift = product(&[("A-1", 0)]);
        assert_eq!(said(&gift, vec![draft(1, None, 0, None)]), [(1, "same false".to_owned())]);
        let wrong = [(1, "new_price: is zero".to_owned())];
        assert_eq!(said(&product(&[("A-1", 100)]), vec![draft(1, None, 0, None)]), wrong);
    }

    #[test]
    fn a_row_means_the_variant_that_costs_its_old_price_or_none() {
        let laptop = product(&[("16GB", 100), ("32GB", 120)]);
        assert_eq!(said(&laptop, vec![draft(1, Some(100), 90, None)]), [(1, "16GB 100 to 90 #0".to_owned())]);
        let listed = "variant: the variants have different prices, name one: 16GB (100 VND), 32GB (120 VND)";
        assert_eq!(said(&laptop, vec![draft(1, None, 90, None)]), [(1, listed.to_owned())]);
        assert_eq!(said(&laptop, vec![draft(1, Some(7), 90, None)]), [(1, listed.to_owned())]);
        let same = product(&[("S", 100), ("M", 100)]);
        // The row expects its own old price; that the shop has another one is its conflict at the write.
        assert_eq!(said(&same, vec![draft(1, Some(99), 90, None)]), [(1, "all 99 to 90 #0".to_owned())]);
        assert_eq!(said(&same, vec![draft(1, Some(99), 100, None)]), [(1, "same true".to_owned())]);
    }

    #[test]
    fn below_cost_and_beyond_the_limit_are_said_together() {
        let one = product(&[("A-1", 130)]);
        let wanted = "new_price: is below the product's cost; new_price: changes by more than max_change_percent: \
                      from 130 VND";
        assert_eq!(said(&one, vec![draft(1, None, 50, None)]), [(1, wanted.to_owned())]);
        let unknown = resolve(None, vec![(3, draft(1, None, 50, None))], &checks(), Timestamp::UNIX_EPOCH);
        let wanted = Resolved::Wrong(vec![Defect::new(UNKNOWN)]);
        assert_eq!(unknown, [(3, wanted)]);
    }

    /// E8: only of a key that the shop does not have. The shop's own `90.0` comes back from its export.
    #[test]
    fn a_key_that_a_spreadsheet_made_is_said_to_be_one() {
        for made in ["8.93462E+12", "100045.0", "100045,00"] {
            let row = || Draft { sku: ProductId::new(made).expect("a SKU"), ..draft(1, None, 70, None) };
            let unknown = resolve(None, vec![(1, row())], &checks(), Timestamp::UNIX_EPOCH);
            assert_eq!(unknown, [(1, Resolved::Wrong(vec![Defect::new(MADE)]))], "{made}");
            let known = resolve(Some(&product(&[("A-1", 60)])), vec![(1, row())], &checks(), Timestamp::MIN);
            assert!(matches!(known.as_slice(), [(1, Resolved::Write(_))]), "{known:?}");
        }
    }
}
