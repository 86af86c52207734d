//! The input of customer onboarding: the seed's `CustomerRegistrationData`, and its check.

use std::fmt;

use contracts::values::{Locale, Recipient};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use text::json;

use crate::input::people::{birthday, locale, mail_address, names, phone, words, yes_or_no};
use crate::input::{Checked, Fields, Problem, Refusal, refuse, text};

/// Interests, or brands, at most.
pub const WORDS_MAX: usize = 50;
const WORD_CHARS_MAX: usize = 50;
const PREFERENCES_BYTES_MAX: usize = 16 * 1024;

/// A registration as the shop took it, checked. JSON: the seed's `CustomerRegistrationData`, plus `locale` and
/// `if_registered`.
#[derive(Clone, PartialEq)]
pub struct CustomerRegistrationData {
    /// `email`
    pub email: Recipient,
    /// `first_name`
    pub first_name: String,
    /// `last_name`, empty for a person with one name.
    pub last_name: String,
    /// `phone`, optional.
    pub phone: Option<Recipient>,
    /// `date_of_birth`, optional, `YYYY-MM-DD`.
    pub date_of_birth: Option<String>,
    /// `preferences`, optional: an object that goes to the platform as it is.
    pub preferences: Option<Map<String, Value>>,
    /// `interests`, optional.
    pub interests: Vec<String>,
    /// `budget_range`, optional, in the shop's words.
    pub budget_range: Option<String>,
    /// `preferred_brands`, optional.
    pub preferred_brands: Vec<String>,
    /// `marketing_consent`: never assumed.
    pub marketing_consent: bool,
    /// `source`, optional: where the customer came from.
    pub source: Option<String>,
    /// `locale`, optional: `vi-VN` (default) or `en-US`.
    pub locale: Locale,
    /// `if_registered`, optional: `refuse` (default) or `continue`.
    pub if_registered: IfRegistered,
}

/// The rule for an address that has an account already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IfRegistered {
    /// End: no points, no coupon, no mail.
    #[default]
    Refuse,
    /// Go on with that account; what it was given before is not given twice.
    Continue,
}

impl IfRegistered {
    /// The word in the input.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Continue => "continue",
        }
    }
}

impl fmt::Debug for CustomerRegistrationData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CustomerRegistrationData(hidden)")
    }
}

impl CustomerRegistrationData {
    /// The seed's segments: `new_customer`, and one for each interest and for the budget.
    #[must_use]
    pub fn segments(&self) -> Vec<String> {
        let interests = self.interests.iter().map(|interest| format!("interested_in_{interest}"));
        let budget = self.budget_range.iter().map(|budget| format!("budget_{budget}"));
        std::iter::once("new_customer".to_owned()).chain(interests).chain(budget).collect()
    }
}

impl Checked for CustomerRegistrationData {
    fn read(fields: &Fields<'_>) -> Option<Self> {
        let email = fields.required("email", mail_address);
        let names = names(fields, 100);
        let phone = fields.optional("phone", phone).map(Recipient::new);
        let date_of_birth = fields.optional("date_of_birth", birthday);
        let preferences = preferences(fields);
        let interests = fields.optional("interests", words(WORDS_MAX, WORD_CHARS_MAX)).unwrap_or_default();
        let budget_range = fields.optional("budget_range", text(WORD_CHARS_MAX));
        let preferred_brands =
            fields.optional("preferred_brands", words(WORDS_MAX, WORD_CHARS_MAX)).unwrap_or_default();
        let marketing_consent = fields.required("marketing_consent", yes_or_no);
        let source = fields.optional("source", text(100));
        let locale = fields.optional("locale", locale).unwrap_or_default();
        let if_registered = fields.optional("if_registered", if_registered).unwrap_or_default();
        let (first_name, last_name) = names?;
        Some(Self {
            email: email?,
            first_name,
            last_name,
            phone,
            date_of_birth,
            preferences,
            interests,
            budget_range,
            preferred_brands,
            marketing_consent: marketing_consent?,
            source,
            locale,
            if_registered,
        })
    }
}

fn if_registered(value: &RawValue) -> Result<IfRegistered, Refusal> {
    let word = text(20)(value)?;
    let known = [IfRegistered::Refuse, IfRegistered::Continue];
    known
        .into_iter()
        .find(|choice| choice.word() == word)
        .map_or_else(|| refuse("is neither refuse nor continue", "send one of the two, or leave it out"), Ok)
}

/// They go on as they are, so nothing of them may be lost here.
fn preferences(fields: &Fields<'_>) -> Option<Map<String, Value>> {
    const NAME: &str = "preferences";
    let sized = |value: &RawValue| match value.get().len() > PREFERENCES_BYTES_MAX {
        true => refuse(format!("is larger than {PREFERENCES_BYTES_MAX} bytes"), "send less"),
        false => Ok(value.to_owned()),
    };
    let given = fields.optional(NAME, sized)?;
    match json::kept(&given) {
        Ok(Value::Object(kept)) => return Some(kept),
        Ok(_) => fields.problem(NAME, "is not an object", "send a JSON object"),
        Err(problem) => {
            let Problem { field, problem, fix, .. } = problem.below(NAME);
            fields.problem(&field, problem, fix);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Unchecked;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    const SAMPLE: &str = include_str!("../../../starter/samples/onboarding.json");

    fn check(registration: &Value) -> Result<CustomerRegistrationData, Vec<Problem>> {
        let json = Unchecked::from_json(&registration.to_string()).expect("JSON");
        json.check_strictly()
    }

    #[test]
    fn the_seeds_registration_is_right() -> TestResult {
        let sample: Value = serde_json::from_str(SAMPLE)?;
        let read = check(&sample).map_err(|problems| format!("{problems:?}"))?;
        assert_eq!(read.email.reveal(), "newcustomer@example.com");
        assert_eq!(
            read.segments(),
            ["new_customer", "interested_in_electronics", "interested_in_fashion", "budget_medium"]
        );
        assert!(read.marketing_consent);
        assert_eq!((read.locale, read.if_registered), (Locale::ViVn, IfRegistered::Refuse));
        Ok(())
    }

    #[test]
    fn consent_is_never_assumed() -> TestResult {
        let mut registration: Value = serde_json::from_str(SAMPLE)?;
        for wrong in [Value::Null, Value::from("yes"), Value::from(1)] {
            registration["marketing_consent"] = wrong;
            let problems = check(&registration).err().unwrap_or_default();
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert_eq!(problems[0].field, "marketing_consent");
        }
        Ok(())
    }

    #[test]
    fn every_wrong_field_is_named_and_no_value_is_repeated() -> TestResult {
        let registration = serde_json::json!({
            "email": "secret at example.com", "first_name": "\u{7}", "last_name": 7, "phone": "0901-secret",
            "date_of_birth": "1990-02-30", "preferences": ["secret"], "interests": "secret",
            "preferred_brands": ["Apple", ""], "budget_range": "", "marketing_consent": "secret", "locale": "secret",
            "if_registered": "secret", "emial": "secret"
        });
        let problems = check(&registration).err().unwrap_or_default();
        let fields: Vec<&str> = problems.iter().map(|problem| problem.field.as_str()).collect();
        let expected = [
            "email",
            "first_name",
            "last_name",
            "phone",
            "date_of_birth",
            "preferences",
            "interests",
            "budget_range",
            "preferred_brands",
            "marketing_consent",
            "locale",
            "if_registered",
            "emial",
        ];
        assert_eq!(fields, expected);
        let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(!said.join(" ").contains("secret"), "{said:?}");
        Ok(())
    }

    /// They are passed on unread: nothing of them may be lost on the way.
    #[test]
    fn preferences_arrive_as_they_were_written_or_are_refused_by_their_path() -> TestResult {
        let sample: Value = serde_json::from_str(SAMPLE)?;
        let with = |preferences: &str| {
            let mut registration = sample.clone();
            registration["preferences"] = "HERE".into();
            let written = registration.to_string().replace("\"HERE\"", preferences);
            Unchecked::<CustomerRegistrationData>::from_json(&written).expect("JSON").check_strictly()
        };
        let kept = with(r#"{"size": {"eu": 42.5}, "ids": [18446744073709551615]}"#).map_err(|_| "refused")?;
        let wanted = serde_json::json!({ "size": { "eu": 42.5 }, "ids": [u64::MAX] });
        assert_eq!(kept.preferences.map(Value::Object), Some(wanted));
        for (preferences, said) in [
            (r#"{"a": 1, "a": 2}"#, "preferences.a is given twice"),
            (r#"{"a": {"b": [{"c": 1, "c": 1}]}}"#, "preferences.a.b[0].c is given twice"),
            (
                r#"{"id": 12345678901234567890123}"#,
                "preferences.id is a number with more digits than programs keep",
            ),
            (r#"{"id": 1e400}"#, "preferences.id is a number with more digits than programs keep"),
            ("[1]", "preferences is not an object"),
        ] {
            let problems = with(preferences).err().unwrap_or_default();
            let told = problems.into_iter().map(|problem| Problem { at: None, ..problem }.what());
            assert_eq!(told.collect::<Vec<_>>(), [said], "{preferences}");
        }
        Ok(())
    }

    #[test]
    fn an_interest_named_twice_counts_once() -> TestResult {
        let mut registration: Value = serde_json::from_str(SAMPLE)?;
        registration["interests"] = serde_json::json!(["fashion", " fashion ", "books"]);
        let read = check(&registration).map_err(|problems| format!("{problems:?}"))?;
        assert_eq!(read.interests, ["fashion", "books"]);
        Ok(())
    }
}
