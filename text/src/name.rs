//! The names of people, as they are put into mails: a form that anybody fills in must not send links to anybody.

use crate::line::line;
use crate::sign::narrow;
use crate::{Refusal, refuse};

/// A person's name, or a part of one, of `1..=max` characters. It holds no URL, no host name without a scheme, no
/// number with dots, and no `@`: mail programs make links of these.
///
/// # Errors
/// When it is empty or too long, holds a sign that is not seen, or something that mail programs make a link of.
pub fn name(text: &str, max: usize) -> Result<String, Refusal> {
    let name = line(text, max)?;
    // As a mail program reads it: wide letters, and the full stops of other scripts, are those of ASCII.
    let read: String =
        name.chars().map(narrow).map(|c| if matches!(c, '。' | '｡') { '.' } else { c }).collect();
    if read.contains('@') {
        return refuse("holds an @", "send the name alone; the mail address has a field of its own");
    }
    if read.contains("://") || has_host(&read) {
        let fix = "send the name alone; behind a dot, leave a blank";
        return refuse("holds something that reads as a web address", fix);
    }
    Ok(name)
}

/// Whether a word of it is a host name or a number with dots: `evil.example`, `www.x.y`, `192.0.2.1`. Initials
/// (`J.R.R.`) are none.
fn has_host(text: &str) -> bool {
    let is_of_a_host = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-');
    text.split(|c: char| !is_of_a_host(c)).any(|word| {
        let mut labels = word.trim_matches('.').rsplit('.');
        let last = labels.next().unwrap_or_default();
        let has_more = labels.any(|label| !label.is_empty());
        let is_number = !last.is_empty() && last.chars().all(|c| c.is_ascii_digit());
        has_more && (is_number || last.chars().count() > 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_people_are_names() {
        for text in [
            "Lan",
            "Nguyễn Thị Lan",
            "J.R.R. Tolkien",
            "J. R. R.",
            "Ph.D",
            "Sammy Davis Jr.",
            "O'Neil",
            "Anne-Marie",
            "Nguyen V.A",
            "X Æ A-12",
            "Øre / Bjørn",
            "Dr. Smith",
            "李小龍",
            "...",
            "Maria, Ana",
        ] {
            assert_eq!(name(text, 100).as_deref(), Ok(text));
        }
    }

    #[test]
    fn a_name_that_reads_as_a_link_or_an_address_is_refused() {
        for text in [
            "You won! Claim at https://evil.example/win",
            "evil.example",
            "go to evil.example/win now",
            "www.evil.example",
            "(evil.example)",
            "evil．example",
            "evil。example",
            "ｅｖｉｌ.example",
            "10.0.0.1",
            "192.0.2.1/win",
            "ftp://x",
            "lan@example.com",
            "lan＠example",
            "bài.thử",
        ] {
            let refused = name(text, 100).err().map(|refusal| refusal.problem).unwrap_or_default();
            assert!(!refused.is_empty(), "{text} was taken");
            assert!(!refused.contains("evil"), "{refused}");
        }
        assert!(name("", 100).is_err() && name("a\u{202e}b", 100).is_err() && name("a\u{7}", 100).is_err());
    }
}
