//! The largest changes of price among many rows, for a preview.

use contracts::money::Money;
use contracts::prices::PriceMove;
use contracts::values::{ProductId, VariantId};

/// The changes that a preview names.
const NAMED: usize = 10;

/// The largest changes so far.
#[derive(Debug, Default)]
pub(crate) struct Largest {
    /// By their share of the old price, in millionths.
    by_share: Vec<(u128, PriceMove)>,
}

impl Largest {
    /// Takes a change into account.
    pub(crate) fn note(
        &mut self,
        line: u64,
        (sku, variant): (&ProductId, Option<&VariantId>),
        (from, to): (Money, Money),
    ) {
        let (old, new) = (i128::from(from.minor_units()), i128::from(to.minor_units()));
        let share = (new - old).unsigned_abs() * 1_000_000 / old.unsigned_abs().max(1);
        let is_small = self.by_share.last().is_some_and(|(least, _)| share <= *least);
        if self.by_share.len() == NAMED && is_small {
            return;
        }
        let change = PriceMove { line, sku: sku.clone(), variant: variant.cloned(), from, to };
        let at = self.by_share.partition_point(|(other, _)| *other >= share);
        self.by_share.insert(at, (share, change));
        self.by_share.truncate(NAMED);
    }

    /// The largest first.
    pub(crate) fn into_moves(self) -> Vec<PriceMove> {
        self.by_share.into_iter().map(|(_, change)| change).collect()
    }
}

#[cfg(test)]
mod tests {
    use contracts::money::Currency;

    use super::*;

    #[test]
    fn the_ten_that_move_most_for_their_price_are_named() -> Result<(), Box<dyn std::error::Error>> {
        let mut largest = Largest::default();
        let money = |amount| Money::from_minor_units(amount, Currency::VND);
        let sku = ProductId::new("A")?;
        for line in 1..=30 {
            let by = i64::try_from(line)? * 7 % 31;
            largest.note(line, (&sku, None), (money(100), money(100 - by)));
        }
        let by: Vec<i64> = largest.into_moves().iter().map(|change| 100 - change.to.minor_units()).collect();
        assert_eq!(by, [30, 29, 28, 27, 26, 25, 24, 23, 22, 21]);
        Ok(())
    }
}
