//! Codes of looks, such as `dd/mm/yyyy` or `[<=99999]00000;0000000000`: what they say a number is, and how a number is
//! shown that is a key.

use std::sync::Arc;

/// The longest code of a look, in bytes; spreadsheet programs stop at 255 signs.
const CODE_BYTES_MAX: usize = 1_024;
/// The most sections of a code.
const SECTIONS_MAX: usize = 4;

/// The meaning of a number, by its look.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Look {
    /// A number.
    #[default]
    Plain,
    /// A hundredth of what is shown.
    Percent,
    /// A day, or a moment.
    Date { has_time: bool },
    /// A time of the day.
    Time,
    /// Hours that may be more than a day's.
    Elapsed,
    /// A number times a power of ten, which is shown with so many decimals.
    Power(usize),
    /// A key: zeros in front, or signs among the digits.
    Key(Pattern),
}

/// The looks of one style: each for some numbers.
pub(crate) type Looks = Arc<[Section]>;

/// A look, and the numbers that it is for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Section {
    when: When,
    pub(crate) look: Look,
    /// Whether the sign of a number is the section's own.
    pub(crate) has_sign: bool,
}

/// The numbers that a section is for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum When {
    Always,
    Below(f64),
    UpTo(f64),
    Above(f64),
    From(f64),
    Is(f64),
    IsNot(f64),
}

impl When {
    /// Reads `<=99999`.
    fn parse(inside: &str) -> Option<Self> {
        type Makes = fn(f64) -> When;
        let compared: [(&str, Makes); 6] = [
            ("<=", Self::UpTo),
            (">=", Self::From),
            ("<>", Self::IsNot),
            ("<", Self::Below),
            (">", Self::Above),
            ("=", Self::Is),
        ];
        compared.into_iter().find_map(|(sign, make)| inside.strip_prefix(sign)?.trim().parse().ok().map(make))
    }

    #[expect(clippy::float_cmp, reason = "a program compares them so")]
    fn holds(self, number: f64) -> bool {
        match self {
            Self::Always => true,
            Self::Below(limit) => number < limit,
            Self::UpTo(limit) => number <= limit,
            Self::Above(limit) => number > limit,
            Self::From(limit) => number >= limit,
            Self::Is(limit) => number == limit,
            Self::IsNot(limit) => number != limit,
        }
    }
}

/// The section that a number is shown by; `None`: none, and a program shows `#####`.
pub(crate) fn section(looks: &[Section], number: f64) -> Option<&Section> {
    looks.iter().find(|section| section.when.holds(number))
}

/// One look for all numbers.
pub(crate) fn always(look: Look) -> Looks {
    Arc::new([Section { when: When::Always, look, has_sign: false }])
}

/// Reads a code like `dd/mm/yyyy`, `0.0%`, `00 00 00` or `#,##0 "đ"`.
pub(crate) fn of_code(code: &str) -> Looks {
    if code.len() > CODE_BYTES_MAX {
        return always(Look::Plain);
    }
    let mut read: Vec<Read> = sections(code).iter().map(|section| Read::of(section)).collect();
    // The section of texts is not for numbers.
    if read.len() > 1 && read.last().is_some_and(|last| last.signs.contains('@')) {
        read.pop();
    }
    read.truncate(3);
    let (count, has_conditions) = (read.len(), read.iter().any(|section| section.when.is_some()));
    let first = read.first().map(|section| section.look(true)).unwrap_or_default();
    let of = |(nth, section): (usize, &Read)| {
        let when = match (section.when, has_conditions, nth, count) {
            (Some(when), ..) => when,
            (None, true, 1, 3) => When::Below(0.0),
            (None, true, ..) | (None, _, _, 1) | (None, _, 2, _) => When::Always,
            (None, _, 0, 2) => When::From(0.0),
            (None, _, 0, _) => When::Above(0.0),
            (None, ..) => When::Below(0.0),
        };
        // Words in place of a number hide it, and do not change it.
        let look = if section.shows_number() { section.look(nth == 0) } else { first.clone() };
        let has_sign = matches!(when, When::Below(limit) | When::UpTo(limit) if limit <= 0.0) && nth > 0;
        Section { when, look, has_sign }
    };
    read.iter().enumerate().map(of).collect()
}

/// The sections of a code, which `;` parts where it does not belong to a word.
fn sections(code: &str) -> Vec<&str> {
    let (mut found, mut begins) = (Vec::new(), 0);
    let (mut is_quoted, mut is_inside, mut is_taken) = (false, false, false);
    for (at, sign) in code.char_indices() {
        match sign {
            _ if std::mem::take(&mut is_taken) => {}
            '"' => is_quoted = !is_quoted,
            _ if is_quoted => {}
            '\\' | '_' | '*' => is_taken = true,
            '[' => is_inside = true,
            ']' => is_inside = false,
            ';' if !is_inside && found.len() + 1 < SECTIONS_MAX => {
                found.push(&code[begins..at]);
                begins = at + 1;
            }
            _ => {}
        }
    }
    found.push(&code[begins..]);
    found
}

/// A part of how a number is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    /// A digit, or a zero where there is none.
    Zero,
    /// A digit, or nothing.
    Digit,
    /// The decimal point.
    Point,
    /// A sign of the code's own.
    Own(char),
}

/// A section while it is read.
#[derive(Default)]
struct Read {
    /// Signs that stand for something, in small letters.
    signs: String,
    parts: Vec<Part>,
    when: Option<When>,
    /// Whether hours are counted on and on (`[h]`).
    is_elapsed: bool,
    is_general: bool,
}

impl Read {
    fn of(section: &str) -> Self {
        let mut read = Self::default();
        let mut signs = section.chars();
        while let Some(sign) = signs.next() {
            match sign {
                '"' => {
                    let words = signs.by_ref().take_while(|sign| *sign != '"');
                    read.parts.extend(words.map(Part::Own));
                }
                '\\' => read.parts.extend(signs.next().map(Part::Own)),
                // The sign behind it is only as wide, or is repeated.
                '_' | '*' => drop(signs.next()),
                '[' => {
                    let inside: String = signs.by_ref().take_while(|sign| *sign != ']').collect();
                    read.note(&inside);
                }
                other => {
                    read.signs.push(other.to_ascii_lowercase());
                    read.parts.push(match other {
                        '0' => Part::Zero,
                        '#' | '?' => Part::Digit,
                        '.' => Part::Point,
                        own => Part::Own(own),
                    });
                }
            }
        }
        // Words, and not a month or a day in them.
        read.is_general = read.signs.contains("general");
        let signs = read.signs.replace("general", "").replace("am/pm", "").replace("a/p", "");
        read.signs = signs.trim().to_owned();
        read
    }

    fn note(&mut self, inside: &str) {
        let counts_on =
            !inside.is_empty() && inside.chars().all(|sign| "hms".contains(sign.to_ascii_lowercase()));
        self.is_elapsed |= counts_on;
        match inside.strip_prefix('$') {
            // A currency, behind which its country stands.
            Some(currency) => {
                let sign = currency.split('-').next().unwrap_or_default();
                self.parts.extend(sign.chars().map(Part::Own));
            }
            None => self.when = self.when.or(When::parse(inside)),
        }
    }

    /// Whether anything of the number is shown.
    fn shows_number(&self) -> bool {
        let stands_for_it = ['0', '#', '?', 'y', 'm', 'd', 'h', 's'];
        self.is_general || self.is_elapsed || self.signs.contains(stands_for_it)
    }

    /// `is_first`: it is the section of positive numbers.
    fn look(&self, is_first: bool) -> Look {
        let has = |wanted: &[char]| self.signs.contains(wanted);
        if has(&['y', 'd']) {
            return Look::Date { has_time: has(&['h', 's']) };
        }
        if self.is_elapsed {
            return Look::Elapsed;
        }
        if has(&['h', 's']) {
            return Look::Time;
        }
        // Without hours and seconds, m is a month.
        if has(&['m']) {
            return Look::Date { has_time: false };
        }
        if has(&['%']) {
            return Look::Percent;
        }
        if let Some((mantissa, _)) = self.signs.split_once("e+").or_else(|| self.signs.split_once("e-")) {
            return Look::Power(mantissa.split_once('.').map_or(0, |(_, decimals)| decimals.len()));
        }
        // Signs between thousands, and fractions, are of amounts.
        if has(&[',', '/']) {
            return Look::Plain;
        }
        let pattern = Pattern(self.parts.iter().copied().collect());
        if pattern.is_of_keys(is_first) { Look::Key(pattern) } else { Look::Plain }
    }
}

/// How the digits of a key are shown.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pattern(Arc<[Part]>);

impl Pattern {
    fn whole(&self) -> &[Part] {
        let point = self.0.iter().position(|part| *part == Part::Point).unwrap_or(self.0.len());
        &self.0[..point]
    }

    /// Whether a number that is shown so has other signs than an amount: zeros in front, signs among its digits, or a
    /// word with a hyphen before them.
    fn is_of_keys(&self, is_first: bool) -> bool {
        let is_digit = |part: &Part| matches!(part, Part::Zero | Part::Digit);
        let whole = self.whole();
        let (Some(first), Some(last)) = (whole.iter().position(is_digit), whole.iter().rposition(is_digit))
        else {
            return false;
        };
        if self.zeros() >= 2 {
            return true;
        }
        let groups: Vec<&[Part]> =
            whole[first..=last].split(|part| !is_digit(part)).filter(|group| !group.is_empty()).collect();
        let is_between =
            |part: &Part| matches!(part, Part::Own(' ' | '\'' | '\u{2019}' | '\u{a0}' | '\u{202f}'));
        let are_thousands = groups.iter().skip(1).all(|group| group.len() == 3)
            && whole[first..=last].iter().all(|part| is_digit(part) || is_between(part));
        if groups.len() > 1 && !are_thousands {
            return true;
        }
        let has_word =
            whole[..first].iter().any(|part| matches!(part, Part::Own(own) if own.is_alphanumeric()));
        // In another section the hyphen is a minus.
        is_first && has_word && matches!(whole[..first].last(), Some(Part::Own('-' | '_' | '/' | '#')))
    }

    /// The digits in front of the point that are shown in any case.
    fn zeros(&self) -> usize {
        let from_first = self.whole().iter().skip_while(|part| **part != Part::Zero);
        from_first.filter(|part| matches!(part, Part::Zero | Part::Digit)).count()
    }

    /// A number's digits, without its sign, as they are shown; `None`: it has decimals that are not.
    pub(crate) fn shown(&self, digits: &str) -> Option<String> {
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if !whole.bytes().chain(fraction.bytes()).all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let whole = whole.trim_start_matches('0');
        let whole = format!("{whole:0>width$}", width = self.zeros());
        let is_place = |part: &Part| matches!(part, Part::Zero | Part::Digit);
        let places = self.whole().iter().filter(|part| is_place(part)).count();
        let decimals = self.0[self.whole().len()..].iter().filter(|part| is_place(part)).count();
        if fraction.len() > decimals {
            return None;
        }
        // More digits than places stand before the first.
        let (surplus, in_places) = whole.split_at(whole.len().saturating_sub(places));
        let mut digits =
            std::iter::repeat_n(None, places - in_places.len()).chain(in_places.chars().map(Some));
        let mut behind = fraction.chars().map(Some).chain(std::iter::repeat(None));
        let (mut shown, mut surplus, mut is_whole) = (String::new(), Some(surplus), true);
        for part in &*self.0 {
            match part {
                Part::Own(own) => shown.push(*own),
                Part::Point => {
                    is_whole = false;
                    shown.push('.');
                }
                Part::Zero | Part::Digit if is_whole => {
                    shown.push_str(surplus.take().unwrap_or_default());
                    shown.extend(digits.next().flatten());
                }
                Part::Zero => shown.push(behind.next().flatten().unwrap_or('0')),
                Part::Digit => shown.extend(behind.next().flatten()),
            }
        }
        Some(shown.trim().to_owned())
    }
}

#[cfg(test)]
mod tests;
