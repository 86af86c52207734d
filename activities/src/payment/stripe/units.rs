//! The unit that Stripe counts a currency in, which is not always that of ISO-4217.

use contracts::money::{Currency, Money, exponent};

/// Currencies that Stripe counts in whole units, whatever ISO-4217 says of them (MGA has fifths).
const WITHOUT_DECIMALS: [Currency; 15] = [
    Currency::BIF,
    Currency::CLP,
    Currency::DJF,
    Currency::GNF,
    Currency::JPY,
    Currency::KMF,
    Currency::KRW,
    Currency::MGA,
    Currency::PYG,
    Currency::RWF,
    Currency::VND,
    Currency::VUV,
    Currency::XAF,
    Currency::XOF,
    Currency::XPF,
];
/// Counted in thousandths, of which only whole hundredths can be charged.
const WITH_THREE_DECIMALS: [Currency; 5] =
    [Currency::BHD, Currency::JOD, Currency::KWD, Currency::OMR, Currency::TND];
/// Stripe's documentation gives it both without decimals and with two: it is refused rather than guessed.
const CONTRADICTORY: [Currency; 1] = [Currency::UGX];

/// An amount in the unit Stripe counts the currency in; `None` where that cannot say it exactly.
pub(super) fn smallest_units(money: Money) -> Option<i64> {
    let currency = money.currency();
    let decimals = decimals(currency)?;
    let (ours, units) = (u32::from(exponent(currency)), money.minor_units());
    let units = match decimals.checked_sub(ours) {
        Some(more) => units.checked_mul(10_i64.pow(more))?,
        None => exactly(units, 10_i64.pow(ours - decimals))?,
    };
    if decimals == 3 { exactly(units, 10).map(|_| units) } else { Some(units) }
}

/// An amount that Stripe counted; `None` where our money cannot say it exactly.
pub(super) fn money(units: i64, currency: Currency) -> Option<Money> {
    let (theirs, ours) = (decimals(currency)?, u32::from(exponent(currency)));
    let units = match theirs.checked_sub(ours) {
        Some(more) => exactly(units, 10_i64.pow(more))?,
        None => units.checked_mul(10_i64.pow(ours - theirs))?,
    };
    (units >= 0).then(|| Money::from_minor_units(units, currency))
}

/// How many decimals Stripe's unit of a currency has; `None`: it does not say so clearly.
fn decimals(currency: Currency) -> Option<u32> {
    match currency {
        _ if CONTRADICTORY.contains(&currency) => None,
        _ if WITHOUT_DECIMALS.contains(&currency) => Some(0),
        _ if WITH_THREE_DECIMALS.contains(&currency) => Some(3),
        // ISK, too: without decimals in ISO-4217, with two at Stripe.
        _ => Some(2),
    }
}

fn exactly(units: i64, divisor: i64) -> Option<i64> {
    (units % divisor == 0).then_some(units / divisor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(text: &str, currency: Currency) -> Option<i64> {
        smallest_units(Money::parse(text, currency).ok()?)
    }

    #[test]
    fn dong_are_whole_and_dollars_are_cents() {
        assert_eq!(units("25000000", Currency::VND), Some(25_000_000));
        assert_eq!(units("19.99", Currency::USD), Some(1_999));
        assert_eq!(units("20", Currency::USD), Some(2_000));
        assert_eq!(units("500", Currency::JPY), Some(500));
    }

    #[test]
    fn where_stripe_counts_otherwise_than_iso_it_is_exact_or_refused() {
        assert_eq!(units("5", Currency::ISK), Some(500));
        assert_eq!(units("5.12", Currency::KWD), Some(5_120));
        assert_eq!(units("5.124", Currency::KWD), None);
        assert_eq!(units("3", Currency::MGA), Some(3));
        assert_eq!(units("3.2", Currency::MGA), None);
        assert_eq!(units("5", Currency::UGX), None);
        assert_eq!(smallest_units(Money::from_minor_units(i64::MAX, Currency::ISK)), None);
    }
}
