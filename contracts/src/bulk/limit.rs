//! How much may change before a person is asked.

/// Something that was counted while rows were staged, and how much of it needs nobody's consent.
#[derive(Clone, Copy, Debug)]
pub enum Limit<'w> {
    /// A number of rows.
    Count {
        /// How many there are.
        found: u64,
        /// How many may be.
        allowed: u64,
        /// The change that is limited: `prices would be zero`.
        words: &'w str,
    },
    /// A share of what there is.
    Share {
        /// How many there are.
        found: u64,
        /// Of how many.
        of: u64,
        /// How many percent may be.
        percent: u32,
        /// The change that is limited: `products would change`.
        words: &'w str,
    },
}

impl Limit<'_> {
    /// In words for whoever decides; `None` within the limit.
    #[must_use]
    pub fn exceeded(&self) -> Option<String> {
        match *self {
            Self::Count { found, allowed, words } => {
                (found > allowed).then(|| format!("{found} {words} (limit {allowed})"))
            }
            Self::Share { found, of, percent, words } => is_share_above(found, of, percent)
                .then(|| format!("{found} of the {of} {words} (limit {percent} %)")),
        }
    }
}

/// Whether a part is more than `percent` of the whole. Nothing has no share.
#[must_use]
pub fn is_share_above(part: u64, whole: u64, percent: u32) -> bool {
    whole > 0 && u128::from(part) * 100 > u128::from(whole) * u128::from(percent)
}

/// Whether a figure rises or falls by more than `percent` of the old one. From zero or less there is no share.
#[must_use]
pub fn is_change_above(old: i64, new: i64, percent: u32) -> bool {
    let (old, new) = (i128::from(old), i128::from(new));
    old > 0 && (new - old).abs() * 100 > old * i128::from(percent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_named_only_when_it_is_exceeded() {
        let count = |found| Limit::Count { found, allowed: 2, words: "prices would be zero" }.exceeded();
        assert_eq!(count(2), None);
        assert_eq!(count(3).as_deref(), Some("3 prices would be zero (limit 2)"));
        let share = |found, of| Limit::Share { found, of, percent: 50, words: "products would change" };
        assert_eq!(share(5, 10).exceeded(), None);
        assert_eq!(
            share(6, 10).exceeded().as_deref(),
            Some("6 of the 10 products would change (limit 50 %)")
        );
        assert_eq!(share(6, 0).exceeded(), None);
        assert_eq!(
            share(u64::MAX, u64::MAX).exceeded(),
            Some(format!("{0} of the {0} products would change (limit 50 %)", u64::MAX))
        );
    }

    #[test]
    fn a_change_is_measured_by_the_old_figure() {
        for (old, new, is_above) in [
            (100, 150, false),
            (100, 151, true),
            (100, 49, true),
            (100, 50, false),
            (0, 5, false),
            (-5, 5, false),
            (1, i64::MAX, true),
        ] {
            assert_eq!(is_change_above(old, new, 50), is_above, "{old} to {new}");
        }
    }
}
