//! The codes that spreadsheet programs show in place of a value that they could not calculate.

use text::{Refusal, refuse};

/// As programs write them in capital letters, by language; what two languages share stands in the first.
const CODES: [&[&str]; 15] = [
    // English; Asian languages, too.
    &[
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
    ],
    // German.
    &["#NV", "#BEZUG!", "#WERT!", "#ZAHL!", "#ÜBERLAUF!"],
    // French.
    &["#N/D", "#VALEUR!", "#NOM?", "#NOMBRE!", "#NUL!", "#PROPAGATION!"],
    // Spanish.
    &["#¡REF!", "#¡VALOR!", "#¿NOMBRE?", "#¡NUM!", "#¡NULO!", "#¡DIV/0!", "#¡DESBORDAMIENTO!", "#¡CALC!"],
    // Portuguese.
    &["#VALOR!", "#NOME?", "#NÚM!", "#NULO!", "#DESPEJAR!", "#DESPEJO!"],
    // Italian.
    &["#RIF!", "#VALORE!", "#NULLO!", "#ESPANSIONE!"],
    // Dutch.
    &["#N/B", "#VERW!", "#WAARDE!", "#NAAM?", "#GETAL!", "#LEEG!", "#DEEL/0!", "#OVERLOOP!"],
    // Polish.
    &["#N/D!", "#ADR!", "#ARG!", "#NAZWA?", "#LICZBA!", "#ZERO!", "#DZIEL/0!", "#ROZLANIE!"],
    // Russian and Ukrainian.
    &[
        "#Н/Д",
        "#ССЫЛКА!",
        "#ЗНАЧ!",
        "#ИМЯ?",
        "#ЧИСЛО!",
        "#ПУСТО!",
        "#ДЕЛ/0!",
        "#ПЕРЕНОС!",
        "#ПОСИЛАННЯ!",
        "#ІМ'Я?",
        "#ДІЛ/0!",
    ],
    // Swedish.
    &[
        "#SAKNAS!",
        "#REFERENS!",
        "#VÄRDEFEL!",
        "#NAMN?",
        "#OGILTIGT!",
        "#SKÄRNING!",
        "#DIVISION/0!",
        "#SPILL!",
    ],
    // Danish and Norwegian.
    &["#I/T", "#REFERENCE!", "#HENVISNING!", "#VÆRDI!", "#VERDI!", "#NAVN?", "#OVERLØB!", "#OVERFLYT!"],
    // Finnish.
    &["#PUUTTUU!", "#VIITTAUS!", "#ARVO!", "#NIMI?", "#LUKU!", "#TYHJÄ!", "#JAKO/0!"],
    // Hungarian.
    &["#HIÁNYZIK", "#HIV!", "#ÉRTÉK!", "#NÉV?", "#SZÁM!", "#NULLA!", "#ZÉRÓOSZTÓ!"],
    // Czech and Slovak.
    &[
        "#NENÍ_K_DISPOZICI",
        "#ODKAZ!",
        "#HODNOTA!",
        "#NÁZEV?",
        "#ČÍSLO!",
        "#DĚLENÍ_NULOU!",
        "#NEDOSTUPNÝ",
        "#NÁZOV?",
        "#DELENIENULOU!",
    ],
    // Turkish.
    &["#YOK", "#BAŞV!", "#DEĞER!", "#AD?", "#SAYI!", "#BOŞ!", "#SAYI/0!"],
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
    let is_listed = || {
        let capitals = text.to_uppercase();
        CODES.iter().any(|codes| codes.contains(&capitals.as_str()))
    };
    // No code is longer; a text may be a megabyte.
    (text.starts_with('#') && text.len() < 60 && is_listed())
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
        // Es, pt, it, nl, pl, ru, sv, and others.
        for code in [
            "#¡REF!",
            "#¿NOMBRE?",
            "#VALOR!",
            "#RIF!",
            "#VERW!",
            "#WAARDE!",
            "#N/B",
            "#ADR!",
            "#Н/Д",
            "#ССЫЛКА!",
            "#ссылка!",
            "#SAKNAS!",
            "#VÄRDEFEL!",
            "#I/T",
            "#PUUTTUU!",
            "#HIÁNYZIK",
            "#YOK",
        ] {
            assert!(is_error_code(code), "{code}");
        }
        for text in ["#SALE!", "#Neu!", "#1", "N/A", "#n/a-1", "Err:", "Err:5020", "# N/A", ""] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
        let unknown = refuse_code::<()>("#LAN PHAM").expect_err("no value");
        assert_eq!(unknown.problem, "shows an error in place of a value");
    }
}
