//! Whether two inputs mean the same, however they are written.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::value::RawValue;

use super::{Checked, Unchecked};

impl<T: Checked + PartialEq> Unchecked<T> {
    /// The fields in which another input says something else. The same order may be written otherwise (`25000000` and
    /// `"2.5e7"`, a default written out, `null` for a field that is left out, blanks), and is still the same order. An
    /// input that cannot be read (an older process took it) is compared by its JSON.
    #[must_use]
    pub fn differing(&self, other: &Self) -> Vec<String> {
        let mine = self.check().ok();
        if mine.is_some() && mine == other.check().ok() {
            return Vec::new();
        }
        let (Some(ours), Some(theirs)) = (fields(self), fields(other)) else {
            return vec!["(input)".to_owned()];
        };
        let names: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
        let differs = |name: &&&String| match mine.as_ref() {
            // The field alone, taken over from the other input, must change what this one means.
            Some(mine) => {
                self.with_field(&ours, name, theirs.get(**name).copied()).check().ok().as_ref() != Some(mine)
            }
            None => is_unlike(ours.get(**name).copied(), theirs.get(**name).copied()),
        };
        let named: Vec<String> = names.iter().filter(differs).map(|name| (*name).clone()).collect();
        if !named.is_empty() {
            return named;
        }
        // Only together do they say something else.
        let unlike = |name: &&&String| is_unlike(ours.get(**name).copied(), theirs.get(**name).copied());
        names.iter().filter(unlike).map(|name| (*name).clone()).collect()
    }

    fn with_field(&self, ours: &Given<'_>, name: &str, theirs: Option<&RawValue>) -> Self {
        let mut fields: BTreeMap<&str, &RawValue> =
            ours.iter().map(|(name, raw)| (name.as_str(), *raw)).collect();
        match theirs {
            Some(value) => fields.insert(name, value),
            None => fields.remove(name),
        };
        let json = serde_json::value::to_raw_value(&fields).map_or_else(|_| self.json.clone(), Ok);
        Self { json, claims: self.claims }
    }
}

type Given<'a> = BTreeMap<String, &'a RawValue>;

fn fields<T>(input: &Unchecked<T>) -> Option<Given<'_>> {
    serde_json::from_str(input.json.as_ref().ok()?.get()).ok()
}

fn is_unlike(mine: Option<&RawValue>, theirs: Option<&RawValue>) -> bool {
    let value =
        |raw: Option<&RawValue>| raw.map(|raw| serde_json::from_str::<serde_json::Value>(raw.get()).ok());
    value(mine) != value(theirs)
}

#[cfg(test)]
mod tests {
    use crate::customer_onboarding::CustomerRegistrationData;
    use crate::input::Unchecked;
    use crate::order_processing::OrderData;

    const ORDER: &str = include_str!("../../../starter/samples/order.json");

    fn order(change: impl Fn(&mut serde_json::Value)) -> Unchecked<OrderData> {
        let mut order = serde_json::from_str(ORDER).expect("JSON");
        change(&mut order);
        Unchecked::from_json(&order.to_string()).expect("JSON")
    }

    fn raw(old: &str, new: &str) -> Unchecked<OrderData> {
        assert!(ORDER.contains(old), "{old}");
        Unchecked::from_json(&ORDER.replace(old, new)).expect("JSON")
    }

    /// O9
    #[test]
    fn the_same_order_written_otherwise_is_the_same_order() {
        let first = Unchecked::<OrderData>::from_json(ORDER).expect("JSON");
        for again in [
            order(|_| {}),
            raw("\"price\": 25000000", "\"price\": 25000000.0"),
            raw("\"price\": 25000000", "\"price\": \"25000000\""),
            raw("\"price\": 25000000", "\"price\": 2.5e7"),
            order(|order| order["locale"] = "vi-VN".into()),
            order(|order| order["reservation_minutes"] = 30.into()),
            order(|order| order["discount"] = serde_json::Value::Null),
            order(|order| order["discount"] = "0.00".into()),
            order(|order| order["shipping_address"]["city"] = "Ho Chi Minh City \u{a0}".into()),
            order(|order| order["shipping_address"]["phone"] = "+84 (0)901 234 567".into()),
            order(|order| order["customer_email"] = "\u{feff}customer@EXAMPLE.com".into()),
            order(|order| order["of_a_newer_starter"] = 1.into()),
        ] {
            assert_eq!(first.differing(&again), [""; 0], "{:?}", again.json);
            assert_eq!(again.differing(&first), [""; 0], "{:?}", again.json);
        }
    }

    #[test]
    fn the_fields_that_say_something_else_are_named() {
        let first = Unchecked::<OrderData>::from_json(ORDER).expect("JSON");
        for (other, fields) in [
            (order(|order| order["customer_email"] = "other@example.com".into()), vec!["customer_email"]),
            (
                order(|order| {
                    order["customer_email"] = "other@example.com".into();
                    order["locale"] = "vi-VN".into();
                    order["shipping_address"]["city"] = "Huế".into();
                }),
                vec!["customer_email", "shipping_address"],
            ),
            // A quantity that changed without its total would not be an order: both differ, and both are named.
            (
                order(|order| {
                    order["items"][0]["quantity"] = 2.into();
                    order["total_amount"] = 50_000_000.into();
                }),
                vec!["items", "total_amount"],
            ),
        ] {
            assert_eq!(first.differing(&other), fields);
        }
    }

    #[test]
    fn what_cannot_be_read_is_compared_as_it_is_written() {
        let read = |json: &str| Unchecked::<CustomerRegistrationData>::from_json(json).expect("JSON");
        let old = read(r#"{"email": "Lan <lan@example.com>", "first_name": "Lan"}"#);
        assert_eq!(old.differing(&read(r#"{"first_name":"Lan","email":"Lan <lan@example.com>"}"#)), [""; 0]);
        assert_eq!(
            old.differing(&read(r#"{"first_name": "Mai", "email": "Lan <lan@example.com>"}"#)),
            ["first_name"]
        );
        assert_eq!(old.differing(&read("[]")), ["(input)"]);
    }
}
