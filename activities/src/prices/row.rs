//! One row as somebody wrote it, field by field.

use contracts::money::{Currency, Money, MoneyError, exponent};
use contracts::prices::{GivenRow, PriceChecks};
use contracts::values::{ProductId, VariantId};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::value::RawValue;

/// A date that is further ahead is a typing error.
const AHEAD_MAX: SignedDuration = SignedDuration::from_hours(366 * 24);
/// Characters of a reason.
const REASON_MAX: usize = 500;
/// Words for "nothing" that people write into a price column.
const NOTHING: [&str; 7] = ["", "-", "--", "n/a", "na", "none", "null"];

/// A reason why a row cannot be used. `cause` has no value of the row in it: many rows share one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Defect {
    pub(super) cause: String,
    /// Anything else there is to know.
    pub(super) detail: Option<String>,
}

impl Defect {
    pub(super) fn new(cause: impl Into<String>) -> Self {
        Self { cause: cause.into(), detail: None }
    }

    pub(super) fn with(cause: impl Into<String>, detail: String) -> Self {
        Self { cause: cause.into(), detail: Some(detail) }
    }

    /// For whoever mends the row.
    pub(super) fn words(&self) -> String {
        match &self.detail {
            Some(detail) => format!("{}: {detail}", self.cause),
            None => self.cause.clone(),
        }
    }
}

/// A row whose fields are right.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Draft {
    pub(super) line: u64,
    pub(super) sku: ProductId,
    pub(super) variant: Option<VariantId>,
    pub(super) old: Option<Money>,
    pub(super) new: Money,
    /// When it is due, as it was written.
    pub(super) at: Option<Timestamp>,
    pub(super) reason: Option<String>,
}

/// How rows are read.
pub(super) struct Reader<'c> {
    checks: &'c PriceChecks,
    currency: Currency,
    zone: Option<TimeZone>,
    now: Timestamp,
}

impl<'c> Reader<'c> {
    /// By these checks.
    ///
    /// # Errors
    /// When currency or zone are not known, in words.
    pub(super) fn new(checks: &'c PriceChecks, now: Timestamp) -> Result<Self, String> {
        let currency = Currency::from_code(&checks.currency);
        let currency = currency.ok_or_else(|| format!("{} is no ISO-4217 currency", checks.currency))?;
        let zone = checks.zone.as_deref().map(text::zone).transpose();
        let zone = zone.map_err(|refusal| format!("the time zone {}", refusal.problem))?;
        Ok(Self { checks, currency, zone, now })
    }

    /// Reads a row.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(super) fn read(&self, given: &GivenRow) -> Result<Draft, Vec<Defect>> {
        let flaw = |(field, problem): (&String, &String)| Defect {
            cause: format!("{field}: {problem}"),
            detail: given.cells.get(field).cloned(),
        };
        let mut defects: Vec<Defect> = given.flaws.iter().map(flaw).collect();
        let mut note = |field: &str, problem: String| {
            // A value that could not be read is not missing as well.
            if !given.flaws.contains_key(field) {
                defects.push(Defect::new(format!("{field}: {problem}")));
            }
        };
        let text = |field: &str| given.row.get(field).map(|raw| plain(raw)).transpose();
        let currency = match text("currency") {
            Ok(None) => Some(self.currency),
            Ok(Some(code)) if code.is_empty() => Some(self.currency),
            Ok(Some(code)) => Currency::from_code(&code.to_ascii_uppercase()),
            Err(_) => None,
        };
        if currency.is_none() {
            note("currency", "is no ISO-4217 code".to_owned());
        }
        let money_in = currency.unwrap_or(self.currency);
        let is_text = |field: &str| given.row.get(field).is_some_and(|raw| raw.get().starts_with('"'));
        let sku = id(text("sku"), ProductId::new).map_err(|problem| note("sku", problem)).ok();
        let variant = match text("variant") {
            Ok(None) => None,
            Ok(Some(name)) if name.is_empty() => None,
            other => id(other, VariantId::new).map_err(|problem| note("variant", problem)).ok(),
        };
        let new = match price(text("new_price"), is_text("new_price"), money_in) {
            // Zero is judged beside the shop's price: a product that costs nothing is exported so, and sent back.
            Ok(Some(price)) => Some(price),
            Ok(None) => {
                note("new_price", "no price given".to_owned());
                None
            }
            Err(problem) => {
                note("new_price", problem);
                None
            }
        };
        let old = price(text("old_price"), is_text("old_price"), money_in).unwrap_or_else(|problem| {
            note("old_price", problem);
            None
        });
        let at = self.moment(text("effective_date")).unwrap_or_else(|problem| {
            note("effective_date", problem);
            None
        });
        let reason = match text("reason") {
            Ok(None) => None,
            Ok(Some(reason)) if reason.is_empty() => None,
            Ok(Some(reason)) => {
                text::title(&reason, REASON_MAX).map_err(|refusal| note("reason", refusal.problem)).ok()
            }
            Err(problem) => {
                note("reason", problem);
                None
            }
        };
        match (sku, new) {
            (Some(sku), Some(new)) if defects.is_empty() => {
                Ok(Draft { line: given.line, sku, variant, old, new, at, reason })
            }
            _ => Err(defects),
        }
    }

    /// When a row is due.
    fn moment(&self, given: Result<Option<String>, String>) -> Result<Option<Timestamp>, String> {
        let Some(text) = given?.filter(|text| !text.is_empty()) else { return Ok(None) };
        let text = text::as_seen(&text);
        let at = match text::moment(&text) {
            Some(at) => at.map_err(|refusal| refusal.problem)?,
            None => self.local(&text)?,
        };
        if at.duration_since(self.now) > AHEAD_MAX {
            return Err("is more than 366 days ahead".to_owned());
        }
        let oldest = self.checks.max_backdate_seconds.and_then(|seconds| i64::try_from(seconds).ok());
        if oldest.is_some_and(|seconds| self.now.duration_since(at) > SignedDuration::from_secs(seconds)) {
            return Err("is longer ago than max_backdate".to_owned());
        }
        Ok(Some(at))
    }

    /// A time without an offset is meant in the declared zone. One that comes twice there, or never, means nothing.
    fn local(&self, text: &str) -> Result<Timestamp, String> {
        let is_date = text.len() == "2026-01-01".len();
        let civil = match is_date {
            true => text.parse::<Date>().map(|date| date.at(0, 0, 0, 0)),
            false => text.parse::<DateTime>(),
        };
        let civil = civil.map_err(|_| "is not a date: write it as 2026-01-31T00:00:00Z".to_owned())?;
        let Some(zone) = &self.zone else {
            return Err("has no offset, and no zone is declared (--zone)".to_owned());
        };
        let at = zone.to_ambiguous_timestamp(civil).unambiguous();
        at.map_err(|_| "is a time that comes twice in its zone, or never".to_owned())
    }
}

/// A value as a text without blanks at its ends.
fn plain(raw: &RawValue) -> Result<String, String> {
    let written = raw.get();
    if written == "null" {
        return Ok(String::new());
    }
    if written.starts_with('"') {
        let text: String = serde_json::from_str(written).map_err(|_| "is not text".to_owned())?;
        // Where nothing is seen, nothing was said.
        return Ok(if text::shows_nothing(&text) { String::new() } else { text.trim().to_owned() });
    }
    match written.starts_with(|sign: char| sign.is_ascii_digit() || sign == '-') {
        true => Ok(written.to_owned()),
        false => Err("is neither text nor a number".to_owned()),
    }
}

fn id<T, E: std::fmt::Display>(
    given: Result<Option<String>, String>,
    make: impl Fn(String) -> Result<T, E>,
) -> Result<T, String> {
    let text = given?.filter(|text| !text.is_empty()).ok_or_else(|| "is missing".to_owned())?;
    let text = text::key(&text, 1_000).map_err(|refusal| refusal.problem)?;
    if table::is_error_code(&text) {
        return Err("is a spreadsheet's error".to_owned());
    }
    make(text).map_err(|error| error.to_string())
}

/// `None`: no price is written there. Zero is a price here.
fn price(
    given: Result<Option<String>, String>,
    is_text: bool,
    currency: Currency,
) -> Result<Option<Money>, String> {
    let Some(written) = given? else { return Ok(None) };
    let digits = text::number(&written);
    if NOTHING.contains(&digits.to_lowercase().as_str()) {
        return Ok(None);
    }
    if table::is_error_code(&digits) {
        return Err("is a spreadsheet's error".to_owned());
    }
    if is_text && text::is_of_two_minds(&digits, exponent(currency).into()) {
        return Err(
            "may mean thousands: write it without the point, or with the decimals of its currency".to_owned()
        );
    }
    let price = Money::parse(&digits, currency).map_err(|error: MoneyError| error.to_string())?;
    Ok(Some(price))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn checks() -> PriceChecks {
        PriceChecks {
            currency: "VND".to_owned(),
            zone: Some("Europe/Berlin".to_owned()),
            max_change_percent: None,
            jump_percent: 50,
            max_backdate_seconds: Some(3_600 * 24 * 900),
            allow_below_cost: false,
        }
    }

    #[test]
    fn a_price_that_may_mean_thousands_is_asked_about() {
        let vnd = Currency::from_code("VND").expect("a currency");
        for written in ["25.000", "+25.000", "025.000", "999.999"] {
            let refused = price(Ok(Some(written.to_owned())), true, vnd);
            assert!(refused.is_err_and(|why| why.contains("thousands")), "{written}");
        }
        assert!(price(Ok(Some("25000.0".to_owned())), true, vnd).is_ok_and(|price| price.is_some()));
        let dinar = Currency::from_code("KWD").expect("a currency");
        assert!(price(Ok(Some("1.250".to_owned())), true, dinar).is_ok_and(|price| price.is_some()));
        // A number in JSON means one thing.
        assert!(price(Ok(Some("25.000".to_owned())), false, vnd).is_ok_and(|price| price.is_some()));
    }

    fn read(json: &str) -> Result<Draft, Vec<String>> {
        let now: Timestamp = "2026-06-01T00:00:00Z".parse().expect("a time");
        let checks = checks();
        let reader = Reader::new(&checks, now).expect("checks");
        let row = serde_json::from_str(json).expect("a row");
        let read = reader.read(&GivenRow { line: 7, row, flaws: BTreeMap::new(), cells: BTreeMap::new() });
        read.map_err(|defects| defects.iter().map(Defect::words).collect())
    }

    /// P1, X1
    #[test]
    fn no_price_is_never_a_price() {
        for (price, said) in [
            ("\"\"", "no price given"),
            ("\" \"", "no price given"),
            ("\"\u{a0}\"", "no price given"),
            ("\"\u{200b}\"", "no price given"),
            ("\"-\"", "no price given"),
            ("\"N/A\"", "no price given"),
            ("null", "no price given"),
            ("-5", "is negative"),
            ("1.5", "has more decimals than VND allows (0)"),
            ("\"#N/A\"", "is a spreadsheet's error"),
            ("\"#REF!\"", "is a spreadsheet's error"),
            ("\"#SPILL!\"", "is a spreadsheet's error"),
            ("\"#wert!\"", "is a spreadsheet's error"),
            ("\"Err:502\"", "is a spreadsheet's error"),
            ("\"ten\"", "is not a decimal number"),
            ("true", "is neither text nor a number"),
        ] {
            let row = format!(r#"{{"sku": "A", "new_price": {price}}}"#);
            assert_eq!(read(&row), Err(vec![format!("new_price: {said}")]), "{price}");
        }
        assert_eq!(read(r#"{"sku": "A"}"#), Err(vec!["new_price: no price given".to_owned()]));
        let row = read(r#"{"sku": "0017", "new_price": "133.80", "currency": "usd"}"#).expect("a row");
        assert_eq!((row.sku.as_str(), row.new.to_string().as_str()), ("0017", "133.80 USD"));
    }

    #[test]
    fn a_spreadsheets_error_is_no_key() {
        for code in ["#NV", "#CALC!", "Err:502"] {
            let row = format!(r#"{{"sku": "{code}", "new_price": 1}}"#);
            assert_eq!(read(&row), Err(vec!["sku: is a spreadsheet's error".to_owned()]), "{code}");
        }
        for key in ["\"1E5\"", "\"0017\"", "100045"] {
            let row = format!(r#"{{"sku": {key}, "new_price": 1}}"#);
            assert!(read(&row).is_ok(), "{key}");
        }
    }

    #[test]
    fn everything_that_is_wrong_with_a_row_is_said() {
        let said = read(r#"{"sku": "", "new_price": "x", "old_price": "y", "effective_date": "soon"}"#);
        let wanted = [
            "sku: is missing",
            "new_price: is not a decimal number",
            "old_price: is not a decimal number",
            "effective_date: is not a date: write it as 2026-01-31T00:00:00Z",
        ];
        assert_eq!(said, Err(wanted.map(str::to_owned).to_vec()));
    }

    #[test]
    fn a_date_means_one_moment_or_is_wrong() {
        let at = |date: &str| {
            read(&format!(r#"{{"sku": "A", "new_price": 1, "effective_date": "{date}"}}"#))
                .map(|row| row.at.map(|at| at.to_string()).unwrap_or_default())
                .map_err(|said| said.join("; "))
        };
        assert_eq!(at("2024-02-01T00:00:00Z").as_deref(), Ok("2024-02-01T00:00:00Z"));
        assert_eq!(at("2026-07-01").as_deref(), Ok("2026-06-30T22:00:00Z"));
        assert_eq!(at("2026-07-01T08:00:00").as_deref(), Ok("2026-07-01T06:00:00Z"));
        assert_eq!(at("").as_deref(), Ok(""));
        assert_eq!(at("\u{200b} ").as_deref(), Ok(""));
        // The clocks go back, and forward.
        for never in ["2026-10-25T02:30:00", "2027-03-28T02:30:00"] {
            assert!(
                at(never).is_err_and(|said| said.contains("comes twice in its zone, or never")),
                "{never}"
            );
        }
        // A zone in brackets is the row's own, and not the declared one.
        assert_eq!(at("2026-07-01T08:00[Asia/Ho_Chi_Minh]").as_deref(), Ok("2026-07-01T01:00:00Z"));
        for wrong in ["2026-10-25T02:30[Europe/Berlin]", "2026-07-01T08:00+07:00[Europe/Berlin]"] {
            assert!(
                at(wrong).is_err_and(|said| said.contains("twice, or never, or not with that offset")),
                "{wrong}"
            );
        }
        // An offset is a zone, too.
        let ahead = PriceChecks { zone: Some("GMT+7".to_owned()), ..checks() };
        let ahead = Reader::new(&ahead, "2026-06-01T00:00:00Z".parse().expect("a time")).expect("a zone");
        assert_eq!(ahead.local("2026-07-01").map(|at| at.to_string()).as_deref(), Ok("2026-06-30T17:00:00Z"));
        assert!(at("2027-07-01").is_err_and(|said| said.contains("more than 366 days ahead")));
        assert!(at("2020-01-01").is_err_and(|said| said.contains("max_backdate")));
    }
}
