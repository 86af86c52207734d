//! Secrets that people put into variables and files: tokens, passwords, keys.

use crate::sign::trimmed;
use crate::{Refusal, refuse};

/// A secret as it is used, wherever it was written: without blanks, line ends and invisible signs at both ends, which
/// editors and shells add. Nothing inside is changed.
///
/// # Errors
/// When it is empty, stands in quotes, or holds a line break or another control character inside: that would be sent as
/// a part of it. The secret is not repeated.
pub fn secret(text: &str) -> Result<String, Refusal> {
    let secret = trimmed(text);
    if secret.is_empty() {
        return refuse("is empty", "put the secret in");
    }
    if secret.chars().any(|sign| matches!(sign, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')) {
        return refuse("has more than one line", "give the secret alone, on one line");
    }
    if secret.chars().any(char::is_control) {
        return refuse("holds a control character", "copy the secret anew, without tabs and the like");
    }
    let is_quoted = |quote: char| secret.len() > 1 && secret.starts_with(quote) && secret.ends_with(quote);
    if ['"', '\'', '`'].into_iter().any(is_quoted) {
        return refuse("stands in quotes, which would be a part of it", "leave the quotes out");
    }
    Ok(secret.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S4
    #[test]
    fn a_secret_is_the_same_from_wherever_it_comes() {
        for written in ["hunter2", "hunter2\n", " hunter2", "\u{feff}hunter2\r\n", "\thunter2 \n\n"] {
            assert_eq!(secret(written).as_deref(), Ok("hunter2"), "{written:?}");
        }
        // The signs inside are its own, quotes and blanks too.
        for kept in ["hunter 2", "it's \"two\"", "'", "\"two", "mật khẩu"] {
            assert_eq!(secret(kept).as_deref(), Ok(kept));
        }
    }

    #[test]
    fn what_would_be_sent_along_is_refused_and_not_repeated() {
        for (written, problem) in [
            ("", "is empty"),
            (" \n\u{feff}", "is empty"),
            ("hunter2\nhunter3", "has more than one line"),
            ("hunter2\r\nhunter3\n", "has more than one line"),
            ("hunter\t2", "holds a control character"),
            ("hunter\0", "holds a control character"),
            ("\"hunter2\"", "stands in quotes, which would be a part of it"),
            (" 'hunter2'\n", "stands in quotes, which would be a part of it"),
        ] {
            let refusal = secret(written).expect_err("refused");
            assert_eq!(refusal.problem, problem, "{written:?}");
            assert!(!format!("{refusal:?}").contains("hunter"), "{refusal:?}");
        }
    }
}
