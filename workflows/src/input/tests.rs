use std::error::Error;

use contracts::money::Currency;
use temporalio_common::data_converters::{
    GenericPayloadConverter as _, PayloadConverter, SerializationContext, SerializationContextData,
};
use temporalio_common::protos::temporal::api::common::v1::Payload;

use super::*;

type TestResult = Result<(), Box<dyn Error>>;

/// An input of two fields and a list, to see the reading itself.
#[derive(Debug, PartialEq)]
struct Batch {
    name: String,
    sizes: Vec<u32>,
}

impl Checked for Batch {
    fn read(fields: &Fields<'_>) -> Option<Self> {
        let name = fields.required("name", text(5));
        let sizes = fields.list("parts", 2, |part| part.required("size", count(9)));
        Some(Self { name: name?, sizes: sizes? })
    }
}

fn problems(json: &str) -> Result<Vec<String>, Box<dyn Error>> {
    let problems = Unchecked::<Batch>::from_json(json)?.check().err().ok_or("accepted")?;
    Ok(problems.iter().map(ToString::to_string).collect())
}

#[test]
fn what_is_no_json_is_refused_with_line_and_column() {
    for (text, place) in [
        ("", "line 1, column 0"),
        ("{\n  \"name\": ,\n}", "line 2, column 11"),
        ("{\"name\": \"a\"", "line 1, column 12"),
        ("{} {}", "line 1, column 4"),
        ("{\"name\": NaN}", "line 1, column 10"),
    ] {
        let error = Unchecked::<Batch>::from_json(text).err().map(|error| error.to_string());
        assert!(error.as_deref().is_some_and(|error| error.contains(place)), "{text:?}: {error:?}");
    }
}

/// As a worker reads it.
fn received(payload: Payload) -> Result<Unchecked<Batch>, String> {
    let (converter, data) = (PayloadConverter::default(), SerializationContextData::None);
    let context = SerializationContext::new(&data, &converter);
    converter.from_payloads(&context, vec![payload]).map_err(|error| error.to_string())
}

#[test]
fn the_text_travels_unchanged() -> TestResult {
    // Digits and spelling must come through, wrong ones too.
    let text =
        r#"{"name":"ễ\u0041","parts":[{"size":1e0}],"total":19.990,"other":0.1000000000000000055511151231}"#;
    let unchecked = Unchecked::<Batch>::from_json(text)?;
    let payload = unchecked.payload().map_err(|error| error.to_string())?;
    assert_eq!(std::str::from_utf8(&payload.data)?, text);
    let received = received(payload)?;
    let batch = received.check().map_err(|problems| format!("{problems:?}"))?;
    assert_eq!(batch, Batch { name: "ễA".to_owned(), sizes: vec![1] });
    Ok(())
}

#[test]
fn any_json_at_all_can_be_received() -> TestResult {
    // Were it refused here, the workflow task would fail, and be tried again for ever.
    for json in ["null", "7", "\"text\"", "[]", "[[{}]]", "{\"name\": {}}", "1e400"] {
        let received = received(Unchecked::<Batch>::from_json(json)?.payload().map_err(|e| e.to_string())?)?;
        assert!(received.check().is_err(), "{json}");
    }
    Ok(())
}

#[test]
fn a_problem_names_the_path_to_its_field() -> TestResult {
    let found = problems(r#"{"name": "a", "parts": [{"size": 1}, {"size": "x"}], "nmae": 1}"#)?;
    let expected = [
        "parts[1].size is not a number (fix: send a JSON number)",
        "nmae is not a known field (fix: did you mean 'name'? remove it, or correct its spelling)",
    ];
    assert_eq!(found, expected);
    Ok(())
}

#[test]
fn every_entry_of_a_list_is_read_even_after_a_bad_one() -> TestResult {
    let found = problems(r#"{"parts": [{"size": 0}, 7]}"#)?;
    let expected = [
        "name is missing (fix: add it)",
        "parts[0].size is 0 (fix: send a whole number from 1 to 9)",
        "parts[1] is not an object (fix: send a JSON object)",
    ];
    assert_eq!(found, expected);
    Ok(())
}

#[test]
fn a_list_that_is_too_long_is_not_read_at_all() -> TestResult {
    let found = problems(r#"{"name": "a", "parts": [{"size": 0}, {"size": 0}, {"size": 0}]}"#)?;
    assert_eq!(found, ["parts has 3 entries (fix: send at most 2)"]);
    Ok(())
}

#[test]
fn a_deep_value_costs_no_stack() -> TestResult {
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let found = problems(&format!(r#"{{"name": {deep}, "parts": {deep}, "other": {deep}}}"#))?;
    let expected = [
        "name is not text (fix: send a JSON string)",
        "parts[0] is not an object (fix: send a JSON object)",
        "other is not a known field (fix: remove it, or correct its spelling)",
    ];
    assert_eq!(found, expected);
    Ok(())
}

#[test]
fn a_problem_travels_as_json() -> TestResult {
    let problem = Problem::new("name", "is empty", "fill it in");
    let json = serde_json::to_string(&problem)?;
    assert_eq!(json, r#"{"field":"name","problem":"is empty","fix":"fill it in"}"#);
    assert_eq!(serde_json::from_str::<Problem>(&json)?, problem);
    Ok(())
}

/// The person who typed it finds the line; a run's input was packed by a program.
#[test]
fn a_problem_has_its_line_and_column_at_the_door_alone() -> TestResult {
    let text = "{\"name\": \"too long\",\n \"name\": \"á\", \"nmae\": 1,\n \"parts\": [{\"size\": 1},\n  {\"size\": \"x\"}, 7]}";
    let typed = Unchecked::<Batch>::from_json(&text.replace("[{", "[\n{").replace(", 7", ""))?;
    let problems = typed.check_strictly().err().ok_or("accepted")?;
    let said: Vec<String> = problems.iter().map(Problem::what).collect();
    let expected = [
        "name is given twice (line 2, column 10)",
        "parts[1].size is not a number (line 5, column 12)",
        "nmae is not a known field (line 2, column 23)",
    ];
    assert_eq!(said, expected);
    assert!(typed.check().is_err_and(|problems| problems.iter().all(|problem| problem.at.is_none())));
    let said = Unchecked::<Batch>::from_json(text)?.check_strictly().err().ok_or("accepted")?;
    assert_eq!(said.first().map(Problem::what).as_deref(), Some("name is given twice (line 2, column 10)"));
    assert!(said.iter().any(|problem| problem.what() == "parts has 3 entries (line 3, column 11)"));
    Ok(())
}

/// Two names that look alike are one, by this door as by the others.
#[test]
fn a_field_is_known_by_how_its_name_looks() -> TestResult {
    let seen = "{\"name\u{200b}\": \"a\", \"\u{feff}parts\": [{\"size\u{a0}\": 1}]}";
    let batch =
        Unchecked::<Batch>::from_json(seen)?.check_strictly().map_err(|problems| format!("{problems:?}"))?;
    assert_eq!(batch, Batch { name: "a".to_owned(), sizes: vec![1] });
    let twice = problems("{\"name\": \"a\", \"name\u{200b}\": \"b\", \"parts\": [{\"size\": 1}]}")?;
    assert_eq!(twice, ["name is given twice (fix: keep one)"]);
    Ok(())
}

/// Nobody can say which of the two is meant.
#[test]
fn a_field_that_is_given_twice_is_refused() -> TestResult {
    let twice = r#"{"name": "a", "name": "b", "parts": [{"size": 1, "size": 1}]}"#;
    let said = problems(twice)?;
    assert_eq!(said, ["name is given twice (fix: keep one)", "parts[0].size is given twice (fix: keep one)"]);
    Ok(())
}

/// S1; and a field that is there and says nothing is another mistake than one that is not there.
#[test]
fn a_mark_is_skipped_and_null_is_told_from_nothing() -> TestResult {
    let marked = Unchecked::<Batch>::from_json("\u{feff}{\"name\": \"a\", \"parts\": [{\"size\": 1}]}")?;
    assert!(marked.check().is_ok());
    let found = problems(r#"{"name": null, "parts": [{"size": null}, {}]}"#)?;
    let expected = [
        "name is null (fix: give it a value)",
        "parts[0].size is null (fix: give it a value)",
        "parts[1].size is missing (fix: add it)",
    ];
    assert_eq!(found, expected);
    Ok(())
}

/// A cursor or a token is the other system's: not composed, not trimmed.
#[test]
fn what_is_opaque_stays_as_it_is() -> TestResult {
    for opaque_text in ["7 0 Lu\u{323}a\u{200b}.csv ", " x"] {
        let json = serde_json::to_string(opaque_text)?;
        let read = opaque(20)(serde_json::from_str(&json)?).map_err(|refusal| refusal.problem)?;
        assert_eq!(read, opaque_text);
    }
    assert!(opaque(3)(serde_json::from_str("\"four\"")?).is_err());
    assert!(opaque(3)(serde_json::from_str("\" \"")?).is_err());
    Ok(())
}

/// A door never guesses; a number without quotes says what it says.
#[test]
fn an_amount_in_quotes_that_may_mean_thousands_is_refused() -> TestResult {
    let read = |json: &str, currency| -> Result<String, Box<dyn Error>> {
        let read = money(currency)(serde_json::from_str(json)?);
        Ok(read.map_or_else(|refusal| refusal.problem, |money| money.to_string()))
    };
    let doubt = "may be written in thousands or with decimals";
    for (json, currency, said) in [
        ("\"25.000\"", Currency::VND, doubt),
        ("\"+25.000\"", Currency::VND, doubt),
        ("\"025.000\"", Currency::VND, doubt),
        ("\"1.250\"", Currency::USD, doubt),
        ("\"\\u202d1.250\"", Currency::USD, doubt),
        ("\"1.250\"", Currency::KWD, "1.250 KWD"),
        ("\"0.500\"", Currency::USD, "0.50 USD"),
        ("\"19.90\"", Currency::USD, "19.90 USD"),
        ("\"25000000\"", Currency::VND, "25000000 VND"),
        ("25.000", Currency::VND, "25 VND"),
    ] {
        assert_eq!(read(json, currency)?, said, "{json} {currency}");
    }
    assert_eq!(
        count(9_000)(serde_json::from_str("\"1.000\"")?).map_err(|refusal| refusal.problem),
        Err(doubt.into())
    );
    assert_eq!(count(9_000)(serde_json::from_str("1.000")?), Ok(1));
    Ok(())
}

/// The decimal type's own readers would take the texts, and round the power.
#[test]
fn a_number_is_one_in_json_or_it_is_refused() -> TestResult {
    let counted = |json: &str| -> Result<_, Box<dyn Error>> {
        Ok(count(9_000)(serde_json::from_str(json)?).map_err(|refusal| refusal.problem))
    };
    for json in ["\"1_000\"", "\"+5\"", "\".5\"", "\"5.\"", "\"1e1_0\""] {
        assert_eq!(counted(json)?, Err("is not a number".to_owned()), "{json}");
    }
    assert_eq!(counted("5000000000000000000000000000000000e-30")?, Ok(5_000));
    assert!(counted("4.99999999999999999999999999999999e3")?.is_err());
    let amount = money(Currency::VND)(serde_json::from_str("\"25_000_000\"")?);
    assert_eq!(amount.map_err(|refusal| refusal.problem), Err("is not a decimal number".to_owned()));
    Ok(())
}

/// Etc/GMT+7 is seven hours behind Greenwich, and nobody means that.
#[test]
fn a_zone_is_as_far_ahead_as_it_looks() -> TestResult {
    let said = |json: &str| -> Result<_, Box<dyn Error>> {
        let value: &RawValue = serde_json::from_str(json)?;
        let zone = parsed::zone(value);
        assert_eq!(zone.as_ref().err(), parsed::zone_as_written(value).as_ref().err(), "{json}");
        Ok(zone.err().map(|refusal| refusal.problem))
    };
    for zone in ["\"Asia/Ho_Chi_Minh\"", "\"GMT+7\"", "\"+07:00\""] {
        assert_eq!(said(zone)?, None, "{zone}");
    }
    assert_eq!(said("\"ICT-7\"")?.as_deref(), Some("is not a time zone"));
    assert!(said("\"Etc/GMT+7\"")?.is_some_and(|problem| problem.contains("the opposite")));
    Ok(())
}
