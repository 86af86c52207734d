//! One mailbox, in the one form in which it is stored, compared and sent.

use email_address::EmailAddress;
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

use crate::line::key;
use crate::sign::narrow;
use crate::{Refusal, refuse};

/// The longest address that a mail server takes, in bytes (RFC 5321).
const BYTES_MAX: usize = 254;
const EXAMPLE: &str = "send it as name@example.com";

/// One mail address. The domain comes back as mail servers look it up: lower case, other letters as an A-label
/// (`xn--…`). The part before the `@` keeps its letters, wide ones as plain ones, and its quotes only where they are
/// needed.
///
/// # Errors
/// When it is not an address, is more than an address (a name beside it, a second one), or has no domain.
pub fn mail_address(text: &str) -> Result<String, Refusal> {
    let text: String = key(text, BYTES_MAX)?.chars().map(narrow).collect();
    let Some((local, domain)) = text.rsplit_once('@') else {
        return refuse("is not a mail address", EXAMPLE);
    };
    if text.contains(['<', '>']) && !local.starts_with('"') {
        return refuse("holds more than the address", "send the address alone, as name@example.com");
    }
    let address = format!("{}@{}", local_part(local)?, ascii_domain(domain)?);
    match address.len() > BYTES_MAX {
        true => refuse(format!("is longer than {BYTES_MAX} bytes"), "shorten it"),
        false => Ok(address),
    }
}

fn local_part(local: &str) -> Result<String, Refusal> {
    if let Some(quoted) = local.strip_prefix('"') {
        return match quoted.strip_suffix('"').and_then(in_one_form) {
            Some(one_form) => Ok(one_form),
            None if EmailAddress::is_valid_local_part(local) => Ok(local.to_owned()),
            None => refuse("is not a mail address", EXAMPLE),
        };
    }
    if local.contains('@') {
        return refuse("holds more than one address", "send one, as name@example.com");
    }
    if local.contains(char::is_whitespace) || local.is_empty() {
        return refuse("is not a mail address", EXAMPLE);
    }
    if local.starts_with('.') || local.ends_with('.') || local.contains("..") {
        return refuse(
            "has a dot where none can stand",
            "correct it, or, if it is really written so, write it in quotes: \"a..b\"@example.com",
        );
    }
    match EmailAddress::is_valid_local_part(local) {
        true => Ok(local.to_owned()),
        false => refuse("is not a mail address", EXAMPLE),
    }
}

/// The one form of what stands in quotes: without them where they are not needed (`"lan"@…` and `lan@…` are one
/// mailbox), else with a backslash only where there must be one (so are `"a..\b"@…` and `"a..b"@…`).
fn in_one_form(inside: &str) -> Option<String> {
    let mut plain = String::with_capacity(inside.len());
    let mut signs = inside.chars();
    while let Some(sign) = signs.next() {
        match sign {
            '\\' => plain.push(signs.next()?),
            // It would be the last one.
            '"' => return None,
            sign => plain.push(sign),
        }
    }
    let needs_none = !plain.starts_with('"') && EmailAddress::is_valid_local_part(&plain);
    if needs_none && !plain.contains(char::is_whitespace) {
        return Some(plain);
    }
    let quoted = format!("\"{}\"", plain.replace('\\', r"\\").replace('"', r#"\""#));
    EmailAddress::is_valid_local_part(&quoted).then_some(quoted)
}

fn ascii_domain(domain: &str) -> Result<String, Refusal> {
    if domain.starts_with('[') {
        return refuse("names a machine by its number", "send an address with a domain, as name@example.com");
    }
    let ascii = Uts46::new().to_ascii(
        domain.as_bytes(),
        AsciiDenyList::STD3,
        Hyphens::CheckFirstLast,
        DnsLength::Verify,
    );
    let Some(ascii) = ascii.ok().filter(|ascii| is_public(ascii)) else {
        return refuse("is not a mail address", EXAMPLE);
    };
    // A word processor makes a dash of a hyphen, and no domain has one.
    let (shown, _) = Uts46::new().to_unicode(ascii.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast);
    if shown.contains(is_punctuation) {
        return refuse("has a domain with a dash or another sign that no domain has", "write a hyphen as -");
    }
    Ok(ascii.into_owned())
}

/// Signs of typesetters. Joiners, which some languages need in words, stand among them.
fn is_punctuation(sign: char) -> bool {
    matches!(sign, '\u{2010}'..='\u{206f}' | '\u{2212}' | '\u{00ab}' | '\u{00bb}' | '\u{00a1}' | '\u{00bf}')
}

/// A name with a dot in it, and no number.
fn is_public(domain: &str) -> bool {
    let last = domain.rsplit_once('.').map(|(_, last)| last);
    last.is_some_and(|last| !last.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_has_one_form() {
        for (written, read) in [
            ("lan@example.com", "lan@example.com"),
            (" \u{feff}Lan.Pham+shop@Example.COM\u{200b} ", "Lan.Pham+shop@example.com"),
            // M5
            ("lan@thử.example.com", "lan@xn--th-yct.example.com"),
            ("lan@THỬ。example.com", "lan@xn--th-yct.example.com"),
            ("lan@thu\u{31b}\u{309}.example.com", "lan@xn--th-yct.example.com"),
            ("lan@xn--th-yct.example.com", "lan@xn--th-yct.example.com"),
            // O8
            ("rene\u{301}@example.com", "ren\u{e9}@example.com"),
            // M7
            ("\"abc..def\"@docomo.example.com", "\"abc..def\"@docomo.example.com"),
            ("\"lan pham\"@example.com", "\"lan pham\"@example.com"),
            ("\"a@b\"@example.com", "\"a@b\"@example.com"),
            ("\"<lan>\"@example.com", "\"<lan>\"@example.com"),
            ("\"lan\"@example.com", "lan@example.com"),
            ("\"l\\an\"@example.com", "lan@example.com"),
            ("\"lan\\ pham\"@example.com", "\"lan pham\"@example.com"),
            // From an East Asian keyboard.
            ("ｌａｎ＠example.com", "lan@example.com"),
            ("ｌａｎ@ｅｘａｍｐｌｅ.com", "lan@example.com"),
            ("\"abc..\\def\"@example.com", "\"abc..def\"@example.com"),
            ("\"a\\\"\\b\\\\\"@example.com", "\"a\\\"b\\\\\"@example.com"),
        ] {
            assert_eq!(mail_address(written).as_deref(), Ok(read), "{written:?}");
        }
    }

    #[test]
    fn what_is_not_one_mailbox_is_refused_with_the_fix() {
        for (written, problem, fix) in [
            // M1
            ("Lan Pham <lan@example.com>", "holds more than the address", "alone"),
            ("<lan@example.com>", "holds more than the address", "alone"),
            ("lan@[192.0.2.1]", "names a machine by its number", "with a domain"),
            ("lan@192.0.2.1", "is not a mail address", "name@example.com"),
            // M7
            ("abc..def@docomo.example.com", "has a dot where none can stand", "write it in quotes"),
            ("abc.@docomo.example.com", "has a dot where none can stand", "write it in quotes"),
            (".abc@docomo.example.com", "has a dot where none can stand", "write it in quotes"),
            // O10
            (
                "la\u{200b}n@example.com",
                "holds an invisible sign, U+200B (zero width space), as character 3",
                "remove that sign",
            ),
            ("a@example.com; b@example.com", "holds more than one address", "send one"),
            ("a@example.com,b@example.com", "holds more than one address", "send one"),
            ("lan pham@example.com", "is not a mail address", "name@example.com"),
            ("lan\u{a0}pham@example.com", "is not a mail address", "name@example.com"),
            ("mailto:lan@example.com", "is not a mail address", "name@example.com"),
            ("lan(at)example.com", "is not a mail address", "name@example.com"),
            ("@example.com", "is not a mail address", "name@example.com"),
            ("\"lan@example.com", "is not a mail address", "name@example.com"),
            ("\"a\"b\"@example.com", "is not a mail address", "name@example.com"),
            ("\"a\\\"@example.com", "is not a mail address", "name@example.com"),
            ("lan@ex–ample.com", "has a domain with a dash or another sign that no domain has", "hyphen"),
            (
                "lan@xn--example-v16c.com",
                "has a domain with a dash or another sign that no domain has",
                "hyphen",
            ),
            ("lan@", "is not a mail address", "name@example.com"),
            ("lan@localhost", "is not a mail address", "name@example.com"),
            ("lan@example..com", "is not a mail address", "name@example.com"),
            ("lan@-a.example.com", "is not a mail address", "name@example.com"),
            ("lan@a b.example.com", "is not a mail address", "name@example.com"),
            ("lan@xn--zzzzzz.example.com", "is not a mail address", "name@example.com"),
            ("", "is empty", "fill it in"),
        ] {
            let refusal = mail_address(written).expect_err(written);
            assert_eq!(refusal.problem, problem, "{written:?}");
            assert!(refusal.fix.contains(fix), "{written:?}: {}", refusal.fix);
        }
        let long = format!("{}@example.com", "a".repeat(65));
        assert_eq!(mail_address(&long).expect_err("long").problem, "is not a mail address");
    }

    /// Whatever is read can be read again, and is the same.
    #[test]
    fn the_one_form_is_its_own_form() {
        for written in ["\"a\\\"b\"@Example.com", "René@thử.example.com", "\"abc..def\"@example.com"] {
            let once = mail_address(written).expect(written);
            assert_eq!(mail_address(&once).as_ref(), Ok(&once));
        }
    }
}
