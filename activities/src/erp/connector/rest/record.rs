//! One record as it is sent, and when it changed. One that cannot be read costs itself.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use mapping::SourceRecord;
use serde_json::value::RawValue;
use text::Problem;

use crate::erp::connector::Sourced;

const CHANGED_AT: &str = "updated_at";

/// One record; `near` is where one stands that does not say when it changed. A field that stands in it twice costs the
/// record: which of the two is meant, nobody can say.
pub(super) fn sourced(record: &RawValue, near: Timestamp, zone: Option<&TimeZone>) -> Sourced {
    let undated = |fields, problem| Sourced {
        unreadable: Some(problem),
        is_undated: true,
        ..Sourced::whole(near, fields)
    };
    let Some((fields, twice)) = mapping::record(record.get()) else {
        let fields = SourceRecord::from([("record".to_owned(), record.to_owned())]);
        return undated(
            fields,
            Problem::new("record", "is not an object", "let the ERP send one for each record"),
        );
    };
    let unreadable = twice.map(|name| Problem::new(name, "is given twice", "let the ERP send it once"));
    match moment(fields.get(CHANGED_AT).map(AsRef::as_ref), zone) {
        Ok(changed_at) => Sourced { unreadable, ..Sourced::whole(changed_at, fields) },
        Err(problem) => undated(fields, unreadable.unwrap_or(problem)),
    }
}

/// The moment of a change. A time without a zone is read in the one that the credential declares.
fn moment(raw: Option<&RawValue>, zone: Option<&TimeZone>) -> Result<Timestamp, Problem> {
    let fix = "let the ERP send when the record changed, as 2026-11-20T10:00:00Z";
    let wrong = |problem: &str| Err(Problem::new(CHANGED_AT, problem, fix));
    let Some(raw) = raw else { return wrong("is missing") };
    if raw.get() == "null" {
        return wrong("is null");
    }
    let Ok(text) = serde_json::from_str::<String>(raw.get()) else { return wrong("is not a text") };
    match mapping::moment(&text, None, zone) {
        Ok(moment) => Ok(moment),
        Err(problem) if problem.starts_with("has no zone") => {
            let fix = "say it among the credential's options: \"zone\": \"Asia/Ho_Chi_Minh\"";
            Err(Problem::new(CHANGED_AT, "has no zone", fix))
        }
        Err(problem) if problem.starts_with("is no date") => wrong("is not a time"),
        Err(problem) => wrong(&problem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str, zone: Option<&TimeZone>) -> Sourced {
        let record = serde_json::from_str::<Box<RawValue>>(json).expect("JSON");
        sourced(&record, Timestamp::UNIX_EPOCH, zone)
    }

    fn problem(json: &str) -> (bool, String) {
        let sourced = read(json, None);
        (sourced.is_undated, sourced.unreadable.expect("a problem").what())
    }

    #[test]
    fn a_record_with_a_field_twice_is_told_and_not_taken() {
        let whole = read(r#"{"sku": "A", "price": 1, "updated_at": "2026-11-23T00:00:00Z"}"#, None);
        assert_eq!((whole.fields.len(), whole.unreadable), (3, None));
        let twice = problem(r#"{"sku": "A", "price": 1, "price": 2, "updated_at": "2026-11-23T00:00:00Z"}"#);
        assert_eq!(twice, (false, "price is given twice".to_owned()));
        assert_eq!(problem("[]"), (true, "record is not an object".to_owned()));
    }

    /// E4.
    #[test]
    fn a_record_that_does_not_say_when_it_changed_costs_itself() {
        for (stamp, wanted) in [
            (r#""a": 1"#, "updated_at is missing"),
            (r#""updated_at": null"#, "updated_at is null"),
            (r#""updated_at": "2026-11-20 10:00:00""#, "updated_at has no zone"),
            (r#""updated_at": 1763632800"#, "updated_at is not a text"),
            (r#""updated_at": "/Date(1763632800000)/""#, "updated_at is not a time"),
            (r#""updated_at": "0000-00-00 00:00:00""#, "updated_at is not a time"),
            (r#""updated_at": """#, "updated_at is not a time"),
        ] {
            assert_eq!(problem(&format!("{{{stamp}}}")), (true, wanted.to_owned()), "{stamp}");
        }
        let zone = TimeZone::get("Asia/Ho_Chi_Minh").expect("a zone");
        let zoned = read(r#"{"updated_at": "2026-11-20 10:00:00"}"#, Some(&zone));
        let moment: Timestamp = "2026-11-20T03:00:00Z".parse().expect("a moment");
        assert_eq!((zoned.changed_at, zoned.is_undated), (moment, false));
    }
}
