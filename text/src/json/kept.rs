//! Values that somebody else gives a meaning to, and that must reach him as they were written.

use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};

use super::{entries, fields, text};
use crate::problem::Problem;

/// How deep lists and objects may stand in one another.
const DEPTH_MAX: usize = 100;

/// A value as programs hold it, if nothing of it is lost on the way: no field that is given twice, no number that has
/// more digits than floating point keeps, no half sign. The problem's field is the path below the value: `a.b[2]`.
///
/// # Errors
/// The first thing that would be lost.
pub fn kept(value: &RawValue) -> Result<Value, Problem> {
    keep(value, DEPTH_MAX)
}

fn keep(value: &RawValue, depth: usize) -> Result<Value, Problem> {
    let written = value.get();
    if depth == 0 {
        return Err(Problem::new("", format!("is nested more than {DEPTH_MAX} deep"), "send it flatter"));
    }
    match written.as_bytes().first() {
        Some(b'{') => object(written, depth).map(Value::Object),
        Some(b'[') => {
            let list = entries(written).unwrap_or_default();
            let kept = list.into_iter().enumerate();
            let kept = kept.map(|(at, entry)| {
                keep(entry, depth - 1).map_err(|problem| problem.below(&format!("[{at}]")))
            });
            kept.collect::<Result<_, _>>().map(Value::Array)
        }
        Some(b'"') => text(value).map(Value::String).map_err(|refusal| refusal.of("")),
        Some(b'-' | b'0'..=b'9') => number(written).map(Value::Number),
        Some(b't') => Ok(Value::Bool(true)),
        Some(b'f') => Ok(Value::Bool(false)),
        _ => Ok(Value::Null),
    }
}

fn object(written: &str, depth: usize) -> Result<Map<String, Value>, Problem> {
    let Some(given) = fields(written) else {
        return Err(Problem::new("", "has a field whose name holds half a sign", "write the whole sign"));
    };
    let mut kept = Map::new();
    for (name, field) in given {
        if kept.contains_key(&name) {
            return Err(Problem::new(name, "is given twice", "keep one of the two"));
        }
        let value = keep(field.value, depth - 1).map_err(|problem| problem.below(&name))?;
        kept.insert(name, value);
    }
    Ok(kept)
}

fn number(written: &str) -> Result<Number, Problem> {
    // A fraction by the standard library: the JSON reader may be off by one in the last bit.
    let read: Option<Number> = match written.contains(['.', 'e', 'E']) {
        true => written.parse().ok().and_then(Number::from_f64),
        false => serde_json::from_str(written).ok(),
    };
    let is_same = |read: &Number| significant(&read.to_string()) == significant(written);
    read.filter(is_same).ok_or_else(|| {
        Problem::new("", "is a number with more digits than programs keep", "send it as text, in quotes")
    })
}

/// A number's sign, its digits without zeros at either end, and the power of ten that they are to be taken with.
fn significant(written: &str) -> (bool, String, i64) {
    let (sign, number) = match written.strip_prefix('-') {
        Some(number) => (true, number),
        None => (false, written),
    };
    let (mantissa, power) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let digits = all.trim_end_matches('0');
    let moved = length(all.len() - digits.len()) - length(fraction.len());
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return (false, String::new(), 0);
    }
    (sign, digits.to_owned(), power.parse::<i64>().unwrap_or(i64::MAX).saturating_add(moved))
}

fn length(of: usize) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Value, String> {
        let value: Box<RawValue> = serde_json::from_str(json).expect("JSON");
        kept(&value).map_err(|problem| problem.what())
    }

    #[test]
    fn a_value_that_is_kept_is_the_one_that_was_written() {
        for json in [
            r#"{"a": {"b": [1, "x", null, true, false]}, "c": -0.5}"#,
            "[0, -0.0, 1.50, 1e2, 0.1, 1E-7, 18446744073709551615, -9223372036854775808]",
            "\"\\ud83d\\ude00\"",
        ] {
            assert_eq!(read(json), Ok(serde_json::from_str(json).expect("JSON")), "{json}");
        }
        // As programs print them, to the last bit.
        for printed in
            ["0.36655593002479725", "0.30000000000000004", "1.1102230246251565e-16", "123456789012345.25"]
        {
            assert_eq!(read(printed).map(|kept| kept.to_string()).as_deref(), Ok(printed));
        }
        let deep = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(read(&deep(DEPTH_MAX - 1)).is_ok());
        assert!(read(&deep(DEPTH_MAX)).is_err_and(|said| said.ends_with("is nested more than 100 deep")));
        assert!(read(&deep(8_000)).is_err());
    }

    #[test]
    fn whatever_would_get_lost_is_named_with_its_path() {
        let digits = "is a number with more digits than programs keep";
        for (json, said) in [
            (r#"{"a": 1, "a": 2}"#, "a is given twice".to_owned()),
            (r#"{"a": {"b": [0, {"c": 1, "\u0063": 1}]}}"#, "a.b[1].c is given twice".to_owned()),
            ("[12345678901234567890123]", format!("[0] {digits}")),
            (r#"{"a": 9007199254740993.5}"#, format!("a {digits}")),
            (r#"{"a": 1e400}"#, format!("a {digits}")),
            ("0.12345678901234567890", digits.to_owned()),
            (r#"{"\ud83d": 1}"#, "has a field whose name holds half a sign".to_owned()),
        ] {
            assert_eq!(read(json), Err(said), "{json}");
        }
        assert!(read(r#"{"a": "\ud83d"}"#).is_err_and(|said| said.starts_with("a holds half a sign")));
    }
}
