//! Times of day and days, as a set of numbers for each field: what cron lines and `at` entries come to, and what
//! Temporal stores. Two calendars that mean the same are the same, however they were written.

use std::collections::BTreeSet;

use temporalio_common::protos::temporal::api::schedule::v1::{Range, StructuredCalendarSpec};

/// Years that Temporal's calendars know.
const YEARS: (i32, i32) = (2000, 2100);
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const DAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/// One field of a calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Field {
    Second,
    Minute,
    Hour,
    DayOfMonth,
    Month,
    Year,
    DayOfWeek,
}

impl Field {
    /// In the order in which they are written.
    pub(crate) const ALL: [Self; 7] =
        [Self::Second, Self::Minute, Self::Hour, Self::DayOfMonth, Self::Month, Self::Year, Self::DayOfWeek];
    /// The five of a cron line.
    const CRON: [Self; 5] = [Self::Minute, Self::Hour, Self::DayOfMonth, Self::Month, Self::DayOfWeek];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::DayOfMonth => "day_of_month",
            Self::Month => "month",
            Self::Year => "year",
            Self::DayOfWeek => "day_of_week",
        }
    }

    /// Least and greatest number that can be written; 7 is a second name of Sunday.
    fn written(self) -> (i32, i32) {
        match self {
            Self::Second | Self::Minute => (0, 59),
            Self::Hour => (0, 23),
            Self::DayOfMonth => (1, 31),
            Self::Month => (1, 12),
            Self::Year => YEARS,
            Self::DayOfWeek => (0, 7),
        }
    }

    /// Every number it can hold.
    fn all(self) -> BTreeSet<i32> {
        let (least, greatest) = self.written();
        (least..=greatest).filter(|n| self != Self::DayOfWeek || *n < 7).collect()
    }

    /// The default of a part that is not written: times at zero, days at any.
    fn unwritten(self) -> BTreeSet<i32> {
        match self {
            Self::Second | Self::Minute | Self::Hour => BTreeSet::from([0]),
            _ => self.all(),
        }
    }

    /// Reads `*`, `*/15`, `1-5`, `MON-FRI`, `1,3,5`, `8-18/2`.
    pub(crate) fn parse(self, text: &str) -> Result<BTreeSet<i32>, String> {
        let (least, greatest) = self.written();
        let mut set = BTreeSet::new();
        for part in text.split(',').map(str::trim) {
            let (range, step) = match part.split_once('/') {
                None => (part, None),
                Some((range, step)) => match step.parse::<usize>() {
                    Ok(step) if step > 0 => (range, Some(step)),
                    _ => return Err(format!("'{step}' is no step: write a number above zero")),
                },
            };
            let (from, to) = match range.split_once('-') {
                _ if range == "*" && self == Self::DayOfWeek => (0, 6),
                _ if range == "*" => (least, greatest),
                Some((from, to)) => (self.number(from)?, self.number(to)?),
                // `5/15` is "from 5 on, every 15", as Temporal reads it.
                None if step.is_some() => {
                    (self.number(range)?, self.all().last().copied().unwrap_or(greatest))
                }
                None => (self.number(range)?, self.number(range)?),
            };
            if from > to {
                return Err(format!(
                    "'{range}' runs backwards: write it as two, such as {from}-{greatest},{least}-{to}"
                ));
            }
            let sunday = |n| if self == Self::DayOfWeek { n % 7 } else { n };
            set.extend((from..=to).step_by(step.unwrap_or(1)).map(sunday));
        }
        Ok(set)
    }

    fn number(self, text: &str) -> Result<i32, String> {
        let (least, greatest) = self.written();
        let names: &[&str] = match self {
            Self::Month => &MONTHS,
            Self::DayOfWeek => &DAYS,
            _ => &[],
        };
        let lower = text.to_lowercase();
        let named = names.iter().position(|name| lower.len() >= 3 && name.starts_with(&lower));
        let first = if self == Self::Month { 1 } else { 0 };
        let number = match named {
            Some(position) => i32::try_from(position).ok().map(|n| n + first),
            None => text.parse().ok(),
        };
        match number {
            Some(n) if (least..=greatest).contains(&n) => Ok(n),
            _ if names.is_empty() => Err(format!("'{text}' is no number from {least} to {greatest}")),
            _ => Err(format!(
                "'{text}' is no number from {least} to {greatest} and no name such as {}",
                names[0][..3].to_uppercase()
            )),
        }
    }

    /// `*` or the numbers, runs shortened.
    fn words(self, set: &BTreeSet<i32>) -> String {
        if *set == self.all() {
            return "*".to_owned();
        }
        let name = |n: i32| match (self, usize::try_from(n)) {
            (Self::DayOfWeek, Ok(n)) if n < 7 => DAYS[n][..3].to_uppercase(),
            (Self::Month, Ok(n)) if (1..=12).contains(&n) => MONTHS[n - 1][..3].to_uppercase(),
            _ => n.to_string(),
        };
        let runs = ranges(set).into_iter().map(|Range { start, end, step }| match (start == end, step) {
            (true, _) => name(start),
            (false, 1) => format!("{}-{}", name(start), name(end)),
            (false, step) => format!("{}-{}/{step}", name(start), name(end)),
        });
        runs.collect::<Vec<_>>().join(",")
    }
}

/// The shortest list of ranges: even steps as one, else runs.
fn ranges(set: &BTreeSet<i32>) -> Vec<Range> {
    let numbers: Vec<i32> = set.iter().copied().collect();
    if let [first, second, .., last] = numbers[..]
        && numbers.len() > 2
        && numbers.windows(2).all(|pair| pair[1] - pair[0] == second - first)
    {
        return vec![Range { start: first, end: last, step: second - first }];
    }
    let mut ranges: Vec<Range> = Vec::new();
    for n in numbers {
        match ranges.last_mut() {
            Some(range) if range.end + 1 == n => range.end = n,
            _ => ranges.push(Range { start: n, end: n, step: 1 }),
        }
    }
    ranges
}

/// Moments that match in every field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Calendar {
    /// In the order of [`Field::ALL`].
    sets: [BTreeSet<i32>; 7],
    /// The cron line it was made from, or somebody's words.
    comment: String,
}

impl Calendar {
    /// From written fields; the others are as Temporal has them: second, minute and hour 0, any day.
    pub(crate) fn at(mut written: impl FnMut(Field) -> Option<BTreeSet<i32>>) -> Self {
        let sets = Field::ALL.map(|field| written(field).unwrap_or_else(|| field.unwritten()));
        Self { sets, comment: String::new() }
    }

    /// From a cron line of five fields.
    pub(crate) fn cron(line: &str) -> Result<Self, String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        if line.starts_with('@') || line.contains('=') || words.len() != Field::CRON.len() {
            return Err("is not five fields: minute hour day-of-month month day-of-week".to_owned());
        }
        let mut sets = std::collections::BTreeMap::new();
        for (field, word) in Field::CRON.into_iter().zip(&words) {
            let set =
                field.parse(word).map_err(|problem| format!("has a wrong {}: {problem}", field.name()))?;
            sets.insert(field, set);
        }
        Ok(Self { comment: words.join(" "), ..Self::at(|field| sets.remove(&field)) })
    }

    /// From what Temporal stores.
    pub(crate) fn of_proto(spec: &StructuredCalendarSpec) -> Self {
        let StructuredCalendarSpec { second, minute, hour, day_of_month, month, year, day_of_week, comment } =
            spec;
        let of = |field| match field {
            Field::Second => second,
            Field::Minute => minute,
            Field::Hour => hour,
            Field::DayOfMonth => day_of_month,
            Field::Month => month,
            Field::Year => year,
            Field::DayOfWeek => day_of_week,
        };
        let calendar =
            Self::at(|field| (!of(field).is_empty()).then(|| of(field).iter().flat_map(numbers).collect()));
        Self { comment: comment.clone(), ..calendar }
    }

    /// For Temporal. Any year is written as none, as the server does.
    pub(crate) fn to_proto(&self) -> StructuredCalendarSpec {
        let of = |field: Field| match &self.sets[field as usize] {
            any if field == Field::Year && *any == field.all() => Vec::new(),
            set => ranges(set),
        };
        StructuredCalendarSpec {
            second: of(Field::Second),
            minute: of(Field::Minute),
            hour: of(Field::Hour),
            day_of_month: of(Field::DayOfMonth),
            month: of(Field::Month),
            year: of(Field::Year),
            day_of_week: of(Field::DayOfWeek),
            comment: self.comment.clone(),
        }
    }

    /// `cron 0 3 * * MON-FRI`, or the fields. A comment that does not say what the fields say is not believed.
    pub(crate) fn words(&self) -> String {
        match Self::cron(&self.comment) {
            Ok(cron) if cron == *self => return format!("cron {}", self.comment),
            _ => {}
        }
        let fields = Field::ALL.into_iter().zip(&self.sets).filter(|(field, set)| **set != field.unwritten());
        let fields: Vec<_> = fields
            .map(|(field, set)| format!("{} {}", field.name().replace('_', " "), field.words(set)))
            .collect();
        let fields = if fields.is_empty() { "midnight".to_owned() } else { fields.join(", ") };
        match self.comment.as_str() {
            "" => format!("at {fields}"),
            comment => format!("at {fields} ({comment})"),
        }
    }
}

fn numbers(range: &Range) -> impl Iterator<Item = i32> + use<> {
    let end = range.end.max(range.start);
    let step = usize::try_from(range.step).unwrap_or(1).max(1);
    (range.start..=end).step_by(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(field: Field, text: &str) -> Vec<i32> {
        field.parse(text).unwrap_or_else(|problem| panic!("{text}: {problem}")).into_iter().collect()
    }

    #[test]
    fn fields_are_read_as_temporal_reads_them() {
        assert_eq!(set(Field::Minute, "*/15"), [0, 15, 30, 45]);
        assert_eq!(set(Field::Hour, "3,5-9/2"), [3, 5, 7, 9]);
        assert_eq!(set(Field::Minute, "50/5"), [50, 55]);
        assert_eq!(set(Field::DayOfWeek, "MON-FRI"), [1, 2, 3, 4, 5]);
        assert_eq!(set(Field::DayOfWeek, "5-7"), [0, 5, 6]);
        assert_eq!(set(Field::DayOfWeek, "*"), [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(set(Field::Month, "feb,December"), [2, 12]);
    }

    #[test]
    fn what_is_no_time_is_refused_with_the_reason() {
        for (field, text, says) in [
            (Field::Hour, "24", "from 0 to 23"),
            (Field::Minute, "*/0", "no step"),
            (Field::Hour, "22-2", "22-23,0-2"),
            (Field::DayOfWeek, "MO", "such as SUN"),
            (Field::Minute, "", "from 0 to 59"),
        ] {
            let problem = field.parse(text).expect_err(text);
            assert!(problem.contains(says), "{text}: {problem}");
        }
        for line in ["@daily", "0 3 * *", "0 0 3 * * *", "CRON_TZ=UTC 0 3 * * *"] {
            assert!(Calendar::cron(line).expect_err(line).contains("five fields"), "{line}");
        }
    }

    #[test]
    fn a_calendar_survives_the_way_to_temporal_and_back() {
        for line in ["0 3 * * MON-FRI", "*/15 8-18/2 1,15 * *", "30 2 29 2 7"] {
            let calendar = Calendar::cron(line).expect("a right line");
            assert_eq!(Calendar::of_proto(&calendar.to_proto()), calendar);
            assert_eq!(calendar.words(), format!("cron {line}"));
        }
        // As the server writes a single number: without an end and a step.
        let lazy = StructuredCalendarSpec {
            hour: vec![Range { start: 2, end: 0, step: 0 }],
            minute: vec![Range { start: 30, end: 30, step: 1 }],
            day_of_week: vec![Range::default()],
            ..StructuredCalendarSpec::default()
        };
        assert_eq!(Calendar::of_proto(&lazy).words(), "at minute 30, hour 2, day of week SUN");
    }

    #[test]
    fn a_comment_that_lies_is_not_believed() {
        let mut proto = Calendar::cron("0 3 * * *").expect("a right line").to_proto();
        proto.hour = vec![Range { start: 4, end: 4, step: 1 }];
        assert_eq!(Calendar::of_proto(&proto).words(), "at hour 4 (0 3 * * *)");
    }
}
