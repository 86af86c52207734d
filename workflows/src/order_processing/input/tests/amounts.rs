//! Numbers: read from their digits, never through floating point.

use super::*;
use crate::order_processing::Requests;

/// The sample in dollars: one laptop at this price, and what it adds up to.
fn dollars<'a>(price: &'a str, total: &'a str) -> [Change<'a>; 3] {
    [("/currency", Some("\"USD\"")), ("/items/0/price", Some(price)), ("/total_amount", Some(total))]
}

/// The sample's price and total, both written like this.
fn priced(digits: &str) -> [Change<'_>; 2] {
    [("/items/0/price", Some(digits)), ("/total_amount", Some(digits))]
}

#[test]
fn an_amount_is_read_from_its_digits_however_they_are_written() -> TestResult {
    for digits in ["100", "\"100\"", "1e2", "1E+2", "\"1e2\"", "100.0", "1000e-1", "100.000"] {
        let order = accepted(&priced(digits))?;
        assert_eq!(order.total_amount, Money::from_minor_units(100, Currency::VND), "{digits}");
    }
    for (digits, cents) in [("19.99", 1_999), ("\"19.99\"", 1_999), ("0.1", 10), ("4.35", 435)] {
        let order = accepted(&dollars(digits, digits))?;
        assert_eq!(order.total_amount, Money::from_minor_units(cents, Currency::USD), "{digits}");
    }
    Ok(())
}

#[test]
fn cents_add_up_exactly() -> TestResult {
    // In floating point 3 × 19.99 + 0.10 + 0.20 − 0.30 is 59.969999999999995.
    let mut changes = dollars("19.99", "59.97").to_vec();
    changes.extend([("/items/0/quantity", Some("3")), ("/shipping_fee", Some("0.10"))]);
    changes.extend([("/tax", Some("0.20")), ("/discount", Some("0.30"))]);
    let order = accepted(&changes)?;
    let cents = [order.total_amount, order.shipping_fee, order.tax, order.discount].map(Money::minor_units);
    assert_eq!(cents, [5_997, 10, 20, 30]);
    Ok(())
}

#[test]
fn the_currency_decides_the_decimals() -> TestResult {
    let problem = |field| {
        format!(
            "{field} has more decimals than VND allows (0) (fix: send an amount ≥ 0 with at most 0 decimals)"
        )
    };
    each_is_refused("/total_amount", &["25000000.5"], &problem("total_amount"))?;
    for extra in ["shipping_fee", "discount", "tax"] {
        each_is_refused(&format!("/{extra}"), &["0.1"], &problem(extra))?;
    }
    let problem = "has more decimals than USD allows (2) (fix: send an amount ≥ 0 with at most 2 decimals)";
    assert_eq!(refused(&dollars("19.999", "19.999"))?, [format!("total_amount {problem}")]);
    Ok(())
}

/// An order with this line, in this currency, with this total.
fn line<'a>(currency: &'a str, quantity: &'a str, price: &'a str, total: &'a str) -> [Change<'a>; 4] {
    [
        ("/currency", Some(currency)),
        ("/items/0/quantity", Some(quantity)),
        ("/items/0/price", Some(price)),
        ("/total_amount", Some(total)),
    ]
}

/// Screws, metal by weight, cloth by length: what is paid for a line is rounded half up, once.
#[test]
fn a_price_may_be_finer_than_the_coin_and_its_line_is_rounded_half_up() -> TestResult {
    for (currency, quantity, price, total) in [
        ("\"EUR\"", "3", "0.125", "0.38"),
        ("\"USD\"", "1000", "0.0125", "12.50"),
        ("\"USD\"", "1", "\"0.0149\"", "0.01"),
        ("\"EUR\"", "50", "0.0199", "1.00"),
        ("\"VND\"", "3", "0.5", "2"),
        ("\"VND\"", "1", "1e-1", "0"),
        ("\"KWD\"", "7", "0.00325", "0.023"),
    ] {
        let order = accepted(&line(currency, quantity, price, total))
            .map_err(|problems| format!("{quantity} × {price}: {problems}"))?;
        assert_eq!(order.goods(), order.total_amount, "{quantity} × {price}");
    }
    // Each line by itself: two of 0.38, not one of 0.75.
    let half = r#"{"product_id": "P", "product_name": "P", "quantity": 3, "price": 0.125}"#;
    let both = format!("[{half}, {half}]");
    let of_both = |total| {
        [("/currency", Some("\"EUR\"")), ("/items", Some(both.as_str())), ("/total_amount", Some(total))]
    };
    assert_eq!(accepted(&of_both("0.76"))?.goods().minor_units(), 76);
    let problems = refused(&of_both("0.75"))?;
    assert!(
        problems[0].contains("is 0.75 EUR, but items") && problems[0].contains("make 0.76 EUR"),
        "{problems:?}"
    );
    let price = accepted(&line("\"USD\"", "1000", "0.0125", "12.50"))?.items[0].price;
    assert_eq!(price.to_string(), "0.0125 USD", "what the shop is told is exact");
    Ok(())
}

#[test]
fn a_price_that_floating_point_made_is_refused() -> TestResult {
    let problem = "items[0].price has more than 12 decimals (fix: send a price ≥ 0 with at most 12 decimals)";
    each_is_refused(
        "/items/0/price",
        &["1e-13", "0.1000000000000000055511151231", "3.3000000000000003"],
        problem,
    )
}

#[test]
fn what_is_no_amount_is_refused() -> TestResult {
    for (pointer, field) in [
        ("/items/0/price", "items[0].price"),
        ("/total_amount", "total_amount"),
        ("/shipping_fee", "shipping_fee"),
        ("/discount", "discount"),
        ("/tax", "tax"),
    ] {
        let fix = match pointer {
            "/items/0/price" => "(fix: send a price ≥ 0 with at most 12 decimals)",
            _ => "(fix: send an amount ≥ 0 with at most 0 decimals)",
        };
        each_is_refused(pointer, &["-1", "\"-1\"", "-1e2"], &format!("{field} is negative {fix}"))?;
        let digits = "9".repeat(10_000);
        let large = ["9223372036854775808", "99999999999999999999", "1e27", "1e400", "1e9999999999", &digits];
        each_is_refused(pointer, &large, &format!("{field} is too large {fix}"))?;
        let problem = format!("{field} is not a decimal number {fix}");
        each_is_refused(pointer, &["\"ten\"", "\"\"", "\"25.000.000\"", "\"1,5\"", "\"0x10\""], &problem)?;
        let problem = format!("{field} is not a number (fix: send a JSON number)");
        each_is_refused(pointer, &["true", "[1]", "{}"], &problem)?;
    }
    Ok(())
}

#[test]
fn a_number_beyond_all_reckoning_is_one_problem_and_no_crash() -> TestResult {
    for digits in ["1e400", "1e-400", "1e99999999999999999999", &"9".repeat(10_000)] {
        for pointer in ["/items/0/price", "/total_amount"] {
            assert_eq!(refused(&[(pointer, Some(digits))])?.len(), 1, "{pointer}");
        }
        for (pointer, field) in
            [("/items/0/quantity", "items[0].quantity"), ("/reservation_minutes", "reservation_minutes")]
        {
            let problem = "has too many digits (fix: send a number of at most 28 digits)";
            assert_eq!(refused(&[(pointer, Some(digits))])?, [format!("{field} {problem}")]);
        }
    }
    Ok(())
}

#[test]
fn a_currency_is_an_iso_code_in_capitals() -> TestResult {
    let problem = "currency is not an ISO-4217 currency code \
        (fix: use the three capital letters, such as VND or USD)";
    each_is_refused("/currency", &["\"vnd\"", "\"XXY\"", "\"DONG\"", "\"₫\""], problem)
}

#[test]
fn without_its_currency_an_amount_is_not_called_wrong() -> TestResult {
    for currency in [None, Some("\"usd\"")] {
        let [_, price, total] = dollars("19.99", "19.99");
        let problems = refused(&[("/currency", currency), price, total])?;
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].starts_with("currency "), "{problems:?}");
    }
    Ok(())
}

#[test]
fn a_total_that_does_not_add_up_is_told_the_right_one() -> TestResult {
    let problem = "total_amount is 25000001 VND, but items + shipping_fee + tax − discount make 25000000 VND \
        (fix: correct the total, a price or a quantity)";
    each_is_refused("/total_amount", &["25000001"], problem)?;
    let problems = refused(&[
        ("/items/0/quantity", Some("2")),
        ("/shipping_fee", Some("30000")),
        ("/tax", Some("5000")),
        ("/discount", Some("1000")),
    ])?;
    assert!(problems[0].contains("− discount make 50034000 VND"), "{problems:?}");
    Ok(())
}

#[test]
fn a_discount_is_at_most_what_it_is_taken_from() -> TestResult {
    let problem =
        "discount is 25000001 VND, more than the 25000000 VND it is taken from (fix: lower the discount)";
    each_is_refused("/discount", &["25000001"], problem)
}

/// A voucher pays for all of it.
#[test]
fn an_order_that_costs_nothing_needs_no_token() -> TestResult {
    let free =
        [("/discount", Some("25000000")), ("/total_amount", Some("0")), ("/payment_method/card_token", None)];
    let order = accepted(&free)?;
    assert!(order.is_free());
    assert_eq!(order.goods().minor_units(), 25_000_000, "the parcel is worth its goods all the same");
    let gift = accepted(&priced("0"))?;
    let parcel = Requests::new(&gift, "order/ORDER-001").parcel();
    assert_eq!(
        (gift.is_free(), parcel.collect, parcel.value),
        (true, None, None),
        "carriers declare no zero"
    );
    Ok(())
}

#[test]
fn a_sum_beyond_counting_is_a_problem_and_no_crash() -> TestResult {
    let max = i64::MAX.to_string();
    let problem = "items add up to more than can be counted (fix: check quantities and prices)";
    for last in [("/items/0/quantity", Some("2")), ("/shipping_fee", Some("1"))] {
        let [price, total] = priced(&max);
        assert_eq!(refused(&[price, total, last])?, [problem]);
    }
    accepted(&priced(&max))?;
    Ok(())
}

#[test]
fn a_quantity_is_a_whole_number_from_1_to_100000() -> TestResult {
    let fix = "(fix: send a whole number from 1 to 100000)";
    let quantity = |problem: &str| format!("items[0].quantity {problem} {fix}");
    for (value, problem) in [
        ("0", "is 0"),
        ("-1", "is -1"),
        ("100001", "is 100001"),
        ("99999999999999999999", "is 99999999999999999999"),
    ] {
        each_is_refused("/items/0/quantity", &[value], &quantity(problem))?;
    }
    // Half a metre: what can be sent instead is said, and is accepted.
    let problem = "items[0].quantity is not a whole number \
        (fix: count in a smaller unit, with its price: 50 (cm) at 0.0199 instead of 0.5 (m) at 1.99)";
    each_is_refused("/items/0/quantity", &["0.5", "1.5", "\"1.5\"", "1e-1"], problem)?;
    accepted(&line("\"EUR\"", "50", "0.0199", "1.00"))?;
    for whole in ["1", "1.0", "\"1\"", "10e-1"] {
        assert_eq!(accepted(&[("/items/0/quantity", Some(whole))])?.items[0].quantity, 1, "{whole}");
    }
    let most = [("/items/0/quantity", Some("1e5")), ("/total_amount", Some("25e11"))];
    assert_eq!(accepted(&most)?.items[0].quantity, QUANTITY_MAX);
    let problem = "items[0].quantity is not a number (fix: send a JSON number)";
    each_is_refused("/items/0/quantity", &["\"two\"", "\"\"", "true", "[]"], problem)
}

#[test]
fn stock_is_held_for_up_to_a_week() -> TestResult {
    for (minutes, millis) in [("0.5", 30_000), ("1", 60_000), ("\"45\"", 2_700_000), ("10080", 604_800_000)] {
        let order = accepted(&[("/reservation_minutes", Some(minutes))])?;
        assert_eq!(order.reservation, Duration::from_millis(millis), "{minutes}");
    }
    for (minutes, problem) in
        [("0", "is 0"), ("-5", "is -5"), ("10080.5", "is 10080.5"), ("10081", "is 10081")]
    {
        let problem =
            format!("reservation_minutes {problem} (fix: send minutes above 0 and up to 10080 (a week))");
        each_is_refused("/reservation_minutes", &[minutes], &problem)?;
    }
    let problem = "reservation_minutes is not a number (fix: send a JSON number)";
    each_is_refused("/reservation_minutes", &["\"soon\"", "false"], problem)
}
