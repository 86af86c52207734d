//! The word that a misspelt one was meant to be.

/// The candidate that is one typing error or two away.
pub fn nearest<'c>(word: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    let word = word.to_lowercase();
    let measured = candidates.map(|candidate| (distance(&word, &candidate.to_lowercase()), candidate));
    let (away, candidate) = measured.min_by_key(|(away, _)| *away)?;
    (away <= 2.min(word.chars().count() / 2)).then_some(candidate)
}

/// The fix for a word that is not known: the nearest one, or all.
#[must_use]
pub fn did_you_mean(word: &str, known: &[&str]) -> String {
    match nearest(word, known.iter().copied()) {
        Some(meant) => format!("did you mean '{meant}'? known are: {}", known.join(", ")),
        None => format!("known are: {}", known.join(", ")),
    }
}

/// How many letters have to be put in, taken out or replaced.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_is_guessed_and_a_stranger_is_not() {
        let known = ["zone", "overlap", "catch_up"];
        assert_eq!(nearest("zoen", known.into_iter()), Some("zone"));
        assert_eq!(nearest("Catchup", known.into_iter()), Some("catch_up"));
        assert_eq!(nearest("colour", known.into_iter()), None);
        assert_eq!(did_you_mean("zoen", &known), "did you mean 'zone'? known are: zone, overlap, catch_up");
        assert_eq!(did_you_mean("colour", &known), "known are: zone, overlap, catch_up");
    }
}
