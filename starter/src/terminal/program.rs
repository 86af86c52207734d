//! The name this program was called by, and commands of ours as somebody would type them.
//!
//! Temporal's own command line runs `temporal-<name>` from PATH as `temporal <name>`. A link of that name leads here,
//! and what is printed then must be what its reader typed: `temporal sun order status …`.

use std::fmt;
use std::path::Path;
use std::sync::OnceLock;

/// The program's own name.
pub(crate) const OWN: &str = "starter";
/// The link's name, and what Temporal's command line makes of it.
const EXTENSION: (&str, &str) = ("temporal-sun", "temporal sun");

static CALLED: OnceLock<&'static str> = OnceLock::new();

/// Notes the name this program was called by: the first of its arguments.
pub(crate) fn called_as(first: &Path) {
    CALLED.get_or_init(|| name_of(first));
}

fn name_of(first: &Path) -> &'static str {
    let (link, name) = EXTENSION;
    if first.file_stem().is_some_and(|stem| stem == link) { name } else { OWN }
}

/// The words to call this program: `starter`, or `temporal sun`.
pub(crate) fn name() -> &'static str {
    CALLED.get().copied().unwrap_or(OWN)
}

/// Our own name in a text, replaced by the one that was called.
pub(crate) fn in_words_of_caller(text: &str) -> String {
    let own = format!("{OWN} ");
    // A folder of that name ("starter/samples") is not a call; neither is the end of a longer word.
    let mut parts = text.split(&own);
    let mut said = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_word = !said.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '/' | '-' | '_'));
        said.push_str(if is_word { name() } else { OWN });
        said.push(' ');
        said.push_str(part);
    }
    said
}

/// A command of ours: the name that was called, and the words behind it. Use [`command!`].
pub(crate) fn line(words: fmt::Arguments<'_>) -> String {
    format!("{} {words}", name())
}

/// A command of ours for somebody to type next: `command!("order status {order}")`. Whatever is printed so is parsed
/// by a test.
macro_rules! command {
    ($($words:tt)+) => { $crate::terminal::program::line(format_args!($($words)+)) };
}
pub(crate) use command;

/// A value as one word of a shell.
pub(crate) fn word(value: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@=+,%".contains(c);
    if !value.is_empty() && value.chars().all(is_plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_is_told_from_the_program() {
        for own in ["starter", "/usr/local/bin/starter", "./starter", ""] {
            assert_eq!(name_of(Path::new(own)), "starter", "{own}");
        }
        for link in ["temporal-sun", "/usr/local/bin/temporal-sun", "temporal-sun.exe"] {
            assert_eq!(name_of(Path::new(link)), "temporal sun", "{link}");
        }
    }

    #[test]
    fn a_value_stays_one_word_of_a_shell() {
        assert_eq!(word("order/ORDER-001"), "order/ORDER-001");
        assert_eq!(word("it's here"), r"'it'\''s here'");
        assert_eq!(word(""), "''");
    }

    #[test]
    fn only_calls_are_renamed() {
        let text = "starter order start --input starter/samples/order.json; see 'starter doctor'";
        assert_eq!(in_words_of_caller(text), text);
    }
}
