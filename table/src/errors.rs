//! The codes that spreadsheet programs show in place of a value that they could not calculate.

use text::{Refusal, refuse};

/// In English, and in German and French, where some are written otherwise.
const CODES: [&str; 27] = [
    "#N/A",
    "#REF!",
    "#DIV/0!",
    "#VALUE!",
    "#NAME?",
    "#NUM!",
    "#NULL!",
    "#SPILL!",
    "#CALC!",
    "#FIELD!",
    "#BLOCKED!",
    "#CONNECT!",
    "#UNKNOWN!",
    "#BUSY!",
    "#EXTERNAL!",
    "#PYTHON!",
    "#GETTING_DATA",
    "#NV",
    "#BEZUG!",
    "#WERT!",
    "#ZAHL!",
    "#ÜBERLAUF!",
    "#VALEUR!",
    "#NOM?",
    "#NOMBRE!",
    "#NUL!",
    "#N/D",
];

/// Refuses a text that is such a code: it is not a value, whatever the field.
pub(crate) fn check(text: &str) -> Result<(), Refusal> {
    let text = text::as_seen(text);
    if is_error_code(&text) { refuse_code(&text) } else { Ok(()) }
}

/// Refuses a cell that holds an error.
pub(crate) fn refuse_code<T>(code: &str) -> Result<T, Refusal> {
    // One that is not known could be anything, somebody's name as well.
    let shown = if is_error_code(code) { code } else { "an error" };
    refuse(format!("shows {shown} in place of a value"), "mend the formula, or write the value itself")
}

/// Whether a text is one of the codes that a spreadsheet shows in place of a value, in letters of any size: people type
/// `#n/a`, too. LibreOffice has numbers for most of them: `Err:502`.
#[must_use]
pub fn is_error_code(text: &str) -> bool {
    let number = text.strip_prefix("Err:").unwrap_or_default();
    (text.starts_with('#') && CODES.contains(&text.to_uppercase().as_str()))
        || (number.len() == 3 && number.bytes().all(|digit| digit.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_no_value_and_a_hash_alone_is_no_code() {
        assert!(check("\u{200b}#N/A").is_err(), "an invisible sign hides no code");
        for code in ["#N/A", "#n/a", " #REF! ", "#überlauf!", "#DIV/0!", "#WERT!", "Err:502"] {
            let refusal = check(code).expect_err(code);
            assert_eq!(refusal.problem, format!("shows {} in place of a value", code.trim()));
        }
        for text in ["#1", "N/A", "#n/a-1", "Err:", "Err:5020", "# N/A", ""] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
        let unknown = refuse_code::<()>("#LAN PHAM").expect_err("no value");
        assert_eq!(unknown.problem, "shows an error in place of a value");
    }
}
