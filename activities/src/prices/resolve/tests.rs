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
                    let variant = change.row.variant.map_or("all".to_owned(), |variant| variant.to_string());
                    let (expected, price) = (change.row.expected, change.row.price);
                    format!("{variant} {} to {} #{}", expected.amount(), price.amount(), change.rank)
                }
                Resolved::Same { is_other_old, .. } => format!("same {is_other_old}"),
                Resolved::Wrong(defects) => defects.iter().map(Defect::words).collect::<Vec<_>>().join("; "),
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
    let of =
        |line, variant: &str| Draft { variant: VariantId::new(variant).ok(), ..draft(line, None, 90, None) };
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

/// A sale that begins by another list before then must end.
#[test]
fn a_price_that_nobody_has_seen_at_its_time_is_not_taken_for_done() {
    let one = product(&[("A-1", 100)]);
    let december = Some("2026-12-01T00:00:00Z");
    assert_eq!(said(&one, vec![draft(1, None, 100, december)]), [(1, "all 100 to 100 #0".to_owned())]);
    assert_eq!(said(&one, vec![draft(1, Some(90), 100, december)]), [(1, "all 90 to 100 #0".to_owned())]);
    assert_eq!(
        said(&product(&[("A-1", 0)]), vec![draft(1, None, 0, december)]),
        [(1, "new_price: is zero".to_owned())]
    );
    let cheap = product(&[("A-1", 50)]);
    assert_eq!(said(&cheap, vec![draft(1, None, 50, december)]), [(1, "all 50 to 50 #0".to_owned())]);
    // The first step may be a conflict.
    let steps = ["2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"];
    let rows = vec![draft(1, None, 90, Some(steps[0])), draft(2, None, 90, Some(steps[1]))];
    let wanted = [(1, "all 100 to 90 #0".to_owned()), (2, "all 90 to 90 #1".to_owned())];
    assert_eq!(said(&one, rows), wanted);
    // Nothing of the list has changed it before.
    let rows = vec![draft(1, None, 100, Some(steps[0])), draft(2, None, 100, Some(steps[1]))];
    assert_eq!(said(&one, rows), [(1, "same false".to_owned()), (2, "same false".to_owned())]);
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
