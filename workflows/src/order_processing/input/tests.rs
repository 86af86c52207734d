//! The seed's sample with one thing changed: accepted, or refused with exactly these words.

mod amounts;
mod fields;

use std::error::Error;

use serde_json::{Map, Value, json};

use super::*;
use crate::input::Unchecked;

type TestResult<T = ()> = Result<T, Box<dyn Error>>;

const SAMPLE: &str = include_str!("../../../../starter/samples/order.json");

/// A JSON pointer, and its new value: JSON text, so that digits stay digits, or `None` to remove it.
type Change<'a> = (&'a str, Option<&'a str>);

/// The sample with changes.
fn order_with(changes: &[Change<'_>]) -> TestResult<String> {
    let mut order: Value = serde_json::from_str(SAMPLE)?;
    for (i, (pointer, raw)) in (0_usize..).zip(changes) {
        let stand_in = json!(format!("change {i}"));
        let (parent, name) = pointer.rsplit_once('/').ok_or("a pointer begins with a slash")?;
        match (order.pointer_mut(parent).ok_or("no such place in the sample")?, raw) {
            (Value::Object(fields), Some(_)) => drop(fields.insert(name.to_owned(), stand_in)),
            (Value::Object(fields), None) => drop(fields.remove(name).ok_or("nothing to take out")?),
            (Value::Array(entries), Some(_)) if name.parse() == Ok(entries.len()) => entries.push(stand_in),
            (place, _) => *place.pointer_mut(&format!("/{name}")).ok_or("no such entry")? = stand_in,
        }
    }
    let mut text = order.to_string();
    for (i, (_, raw)) in (0_usize..).zip(changes) {
        text = text.replace(&format!("\"change {i}\""), raw.unwrap_or_default());
    }
    Ok(text)
}

fn check(text: &str) -> TestResult<Result<OrderData, Vec<String>>> {
    let checked = Unchecked::<OrderData>::from_json(text)?.check();
    Ok(checked.map_err(|problems| problems.iter().map(ToString::to_string).collect()))
}

fn accepted(changes: &[Change<'_>]) -> TestResult<OrderData> {
    let text = order_with(changes)?;
    Ok(check(&text)?.map_err(|problems| format!("{text} is refused: {problems:?}"))?)
}

/// The problems, each as `field problem (fix: …)`.
fn refused(changes: &[Change<'_>]) -> TestResult<Vec<String>> {
    let text = order_with(changes)?;
    check(&text)?.err().ok_or_else(|| format!("{text} is accepted").into())
}

/// Each value at the pointer is refused with this one problem and no other.
fn each_is_refused(pointer: &str, values: &[&str], problem: &str) -> TestResult {
    for value in values {
        assert_eq!(refused(&[(pointer, Some(value))])?, [problem], "{pointer} = {value}");
    }
    Ok(())
}

#[test]
fn the_seeds_sample_is_accepted_unchanged() -> TestResult {
    let order = Unchecked::<OrderData>::from_json(SAMPLE)?.check_strictly();
    let order = order.map_err(|problems| format!("{problems:?}"))?;
    let dong = |amount| Money::from_minor_units(amount, Currency::VND);
    assert_eq!(order.order_id, OrderId::new("ORDER-001")?);
    assert_eq!(order.customer_id, CustomerId::new("CUSTOMER-001")?);
    assert_eq!(order.customer_email.reveal(), "customer@example.com");
    assert_eq!(order.customer_phone, Some(Recipient::new("+84901234567")));
    let laptop = OrderLine {
        product_id: ProductId::new("LAPTOP-001")?,
        product_name: "Gaming Laptop Pro".to_owned(),
        variant_id: VariantId::new("LAPTOP-001-16GB-512GB")?,
        quantity: 1,
        price: dong(25_000_000).into(),
    };
    assert_eq!(order.items, [laptop]);
    assert_eq!(order.total_amount, dong(25_000_000));
    assert_eq!([order.shipping_fee, order.discount, order.tax], [dong(0); 3]);
    assert_eq!(order.payment_kind, PaymentKind::CreditCard);
    assert_eq!(order.payment_token, Some(PaymentToken::new("card_token_123")));
    let address = Address {
        name: "Nguyen Van A".to_owned(),
        phone: Some("+84901234567".to_owned()),
        address: "123 Nguyen Hue Street".to_owned(),
        district: Some("District 1".to_owned()),
        city: "Ho Chi Minh City".to_owned(),
        state: None,
        postal_code: None,
        country: "Vietnam".to_owned(),
    };
    assert_eq!(order.shipping_address, address);
    assert_eq!(order.shipping_method, "standard");
    assert_eq!(order.locale, Locale::ViVn);
    assert_eq!(order.reservation, Duration::from_secs(30 * 60));
    Ok(())
}

#[test]
fn every_problem_is_reported_at_once_in_the_order_of_the_fields() -> TestResult {
    let problems = refused(&[
        ("/order_id", Some("\"a/b\"")),
        ("/customer_email", None),
        ("/items/0/quantity", Some("-1")),
        ("/items/1", Some("{}")),
        ("/payment_method/type", Some("\"gold\"")),
        ("/shipping_address/city", Some("7")),
        ("/locale", Some("\"fr-FR\"")),
    ])?;
    let fields: Vec<&str> = problems.iter().filter_map(|problem| problem.split(' ').next()).collect();
    let expected = [
        "order_id",
        "customer_email",
        "items[0].quantity",
        "items[1].product_id",
        "items[1].product_name",
        "items[1].quantity",
        "items[1].price",
        "payment_method.type",
        "shipping_address.city",
        "locale",
    ];
    assert_eq!(fields, expected);
    Ok(())
}

#[test]
fn no_problem_repeats_a_personal_value() -> TestResult {
    // Each value is personal and wrong: a sentence with one of them in it would end in logs and in the Web UI.
    let personal = [
        ("/order_id", "personal-id@example.com"),
        ("/customer_email", "personal mail"),
        ("/customer_phone", "personal phone"),
        ("/payment_method/type", "personal type"),
        ("/payment_method/card_token", "personal\\ntoken"),
        ("/shipping_address/name", "personal\\nname"),
        ("/shipping_address/phone", "personal number"),
        ("/shipping_address/address", "personal\\nstreet"),
        ("/shipping_address/city", "personal\\ncity"),
        ("/shipping_method", "personal\\nmethod"),
        ("/currency", "personal"),
        ("/locale", "personal"),
        ("/total_amount", "personal amount"),
        ("/items/0/quantity", "personal count"),
        ("/items/0/price", "personal price"),
        ("/items/0/product_name", "personal\\u0000product"),
        ("/items/0/variant_id", "personal variant"),
        ("/reservation_minutes", "personal minutes"),
    ];
    let quoted = personal.map(|(pointer, value)| (pointer, format!("\"{value}\"")));
    let changes: Vec<Change<'_>> =
        quoted.iter().map(|(pointer, value)| (*pointer, Some(value.as_str()))).collect();
    let problems = refused(&changes)?;
    for (pointer, _) in personal {
        let field = pointer[1..].replace("/0/", "[0].").replace('/', ".");
        assert!(problems.iter().any(|p| p.starts_with(&format!("{field} "))), "{field}: {problems:?}");
    }
    assert!(problems.iter().all(|problem| !problem.contains("personal")), "{problems:?}");
    Ok(())
}

#[test]
fn a_field_that_nothing_reads_is_a_problem_only_at_the_door() -> TestResult {
    let changes = ["/tax_free", "/items/0/extra", "/payment_method/cvc", "/shipping_address/zip"]
        .map(|pointer| (pointer, Some("1")));
    let unchecked = Unchecked::<OrderData>::from_json(&order_with(&changes)?)?;
    assert!(unchecked.check().is_ok(), "a run has to pass over what a newer starter adds");
    let problems = unchecked.check_strictly().err().ok_or("accepted at the door")?;
    assert!(problems.iter().all(|problem| problem.at.is_some()), "a person finds each in the text");
    let problems: Vec<String> = problems
        .into_iter()
        .map(|problem| crate::input::Problem { at: None, ..problem }.to_string())
        .collect();
    let unknown = ["items[0].extra", "payment_method.cvc", "shipping_address.zip", "tax_free"]
        .map(|field| format!("{field} is not a known field (fix: remove it, or correct its spelling)"));
    assert_eq!(problems, unknown);
    Ok(())
}

#[test]
fn a_misspelt_field_is_named_beside_the_one_that_is_missing() -> TestResult {
    let problems = refused(&[("/shipping_method", None), ("/shiping_method", Some("\"standard\""))])?;
    let expected = [
        "shipping_method is missing (fix: add it)",
        "shiping_method is not a known field (fix: did you mean 'shipping_method'? remove it, or correct its spelling)",
    ];
    assert_eq!(problems, expected);
    Ok(())
}

#[test]
fn lines_of_one_variant_are_held_together() -> TestResult {
    let line = |variant: &str, quantity: u32| {
        json!({ "product_id": "MOUSE-001", "product_name": "Mouse", "variant_id": variant,
            "quantity": quantity, "price": 1 })
    };
    let items = json!([line("BLACK", 2), line("WHITE", 1), line("BLACK", 3)]).to_string();
    let order = accepted(&[("/items", Some(&items)), ("/total_amount", Some("6"))])?;
    let held = |variant, quantity| -> TestResult<StockLine> {
        let (product_id, variant_id) = (ProductId::new("MOUSE-001")?, VariantId::new(variant)?);
        Ok(StockLine { product_id, variant_id, quantity })
    };
    assert_eq!(order.stock_lines(), [held("BLACK", 5)?, held("WHITE", 1)?]);
    assert_eq!(order.items.len(), 3, "the customer's lines stay as they were ordered");
    Ok(())
}

#[test]
fn a_product_without_variants_is_its_own() -> TestResult {
    for change in [("/items/0/variant_id", None), ("/items/0/variant_id", Some("null"))] {
        assert_eq!(accepted(&[change])?.stock_lines()[0].variant_id, VariantId::new("LAPTOP-001")?);
    }
    Ok(())
}

#[test]
fn an_order_has_at_most_200_lines() -> TestResult {
    let line: Value = serde_json::from_str::<Value>(SAMPLE)?["items"][0].take();
    let lines = |n: usize| Value::from(vec![line.clone(); n]).to_string();
    let total = (25_000_000_u64 * 200).to_string();
    accepted(&[("/items", Some(&lines(ITEMS_MAX))), ("/total_amount", Some(&total))])?;
    let problem = "items has 201 entries (fix: send at most 200)";
    each_is_refused("/items", &[&lines(201)], problem)?;
    each_is_refused("/items", &["[]"], "items is empty (fix: add at least one entry)")
}

#[test]
fn what_is_no_object_is_refused_as_a_whole() -> TestResult {
    let problem = ["(input) is not a JSON object (fix: send an object, as in the sample input)"];
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for json in ["[]", "\"order\"", "7", "null", "true", &deep] {
        let problems = check(json)?.err().ok_or("accepted")?;
        assert_eq!(problems, problem, "{}", json.get(..9).unwrap_or(json));
    }
    let empty: Map<String, Value> = Map::new();
    let problems = check(&json!(empty).to_string())?.err().ok_or("accepted")?;
    assert_eq!(problems.len(), 9, "every required field: {problems:?}");
    Ok(())
}
