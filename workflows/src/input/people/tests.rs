use super::*;
use crate::input::{Checked, Problem, Unchecked};

/// A person, to see the readers beside each other.
#[derive(Debug, PartialEq)]
struct Person {
    email: String,
    phone: Option<String>,
    names: (String, String),
    city: Option<String>,
}

impl Checked for Person {
    fn read(fields: &Fields<'_>) -> Option<Self> {
        let email = fields.required("email", mail_address);
        let phone = fields.optional("phone", phone);
        let names = names(fields, 10);
        let city = fields.optional("city", text(20));
        Some(Self { email: email?.reveal().to_owned(), phone, names: names?, city })
    }
}

fn person(fields: &serde_json::Value) -> Result<Person, Vec<Problem>> {
    Unchecked::from_json(&fields.to_string()).expect("JSON").check_strictly()
}

#[test]
fn a_person_is_read_in_one_form_however_it_was_written() {
    let written = serde_json::json!({
        "email": "\u{feff}lan@thử.example.com", "phone": "\u{202d}+84 (0)901\u{a0}234 567\u{202c}",
        "first_name": "Lan\u{a0}", "last_name": "Pha\u{323}m", "city": "Hue\u{301}\u{200b}"
    });
    let read = Person {
        email: "lan@xn--th-yct.example.com".to_owned(),
        phone: Some("+84901234567".to_owned()),
        names: ("Lan".to_owned(), "Phạm".to_owned()),
        city: Some("Hué".to_owned()),
    };
    assert_eq!(person(&written), Ok(read));
}

/// M8
#[test]
fn a_person_with_one_name_is_welcome() {
    for (first, last) in [
        (serde_json::json!("Suharto"), serde_json::json!(null)),
        (serde_json::json!("Suharto"), serde_json::json!(" ")),
        (serde_json::json!(""), serde_json::json!("Suharto")),
        (serde_json::json!(null), serde_json::json!("Suharto")),
    ] {
        let written = serde_json::json!({ "email": "a@example.com", "first_name": first, "last_name": last });
        let read = person(&written).map(|person| person.names);
        assert_eq!(read, Ok(("Suharto".to_owned(), String::new())), "{written}");
    }
    let nobody = serde_json::json!({ "email": "a@example.com", "first_name": " ", "last_name": "" });
    let problems = person(&nobody).expect_err("nobody");
    assert_eq!(problems.iter().map(|problem| problem.field.as_str()).collect::<Vec<_>>(), ["first_name"]);
    let both = serde_json::json!({ "email": "a@example.com", "first_name": "a\u{200b}b", "last_name": 7 });
    let problems = person(&both).expect_err("both");
    let fields: Vec<&str> = problems.iter().map(|problem| problem.field.as_str()).collect();
    assert_eq!(fields, ["first_name", "last_name"]);
}

#[test]
fn a_problem_names_the_sign_and_the_fix_and_repeats_nothing() {
    let written = serde_json::json!({
        "email": "Secret <secret@example.com>", "phone": "+36 (0)1 555", "first_name": "Sec\u{202e}ret", "city": "Se\u{200b}cret"
    });
    let problems = person(&written).expect_err("wrong");
    // The input is one line: places in it say nothing.
    let said: Vec<String> =
        problems.into_iter().map(|problem| Problem { at: None, ..problem }.to_string()).collect();
    let wanted = [
        "email holds more than the address (fix: send the address alone, as name@example.com)",
        "phone has a 0 behind +36, where none belongs (fix: leave out the 0 behind +36)",
        "first_name holds an invisible sign, U+202E (a turn of the writing direction), as character 4 (fix: remove that \
         sign; it often comes with copied text, so type the place anew)",
        "city holds an invisible sign, U+200B (zero width space), as character 3 (fix: remove that sign; it often comes \
         with copied text, so type the place anew)",
    ];
    assert_eq!(said, wanted);
}
