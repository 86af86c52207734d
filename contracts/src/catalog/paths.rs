//! Names that stand below each other, and how a written one is found: a category by its path, a picture by its file's.
//!
//! Whole parts match, from the end, and never a piece of a name: `01.jpg` is found as `mug/01.jpg` and is not found in
//! `101.jpg`. A path that is written in full wins over those that end with it. The other case is found where nothing
//! has the same.

use std::collections::BTreeMap;

/// The sign between the names of a written category path: `Phones > Accessories`.
pub const SEPARATOR: char = '>';

/// The names of a written category path.
#[must_use]
pub fn category_parts(written: &str) -> Vec<String> {
    written.split(SEPARATOR).map(|part| part.trim().to_owned()).collect()
}

/// A category path as it is written and shown.
#[must_use]
pub fn shown(path: &[String]) -> String {
    path.join(" > ")
}

/// The parts of a file's path, or the whole of a web address: what stands behind its `?` belongs to it.
#[must_use]
pub fn file_parts(path: &str) -> Vec<String> {
    if is_web(path) {
        return vec![path.to_owned()];
    }
    let parts = path.split(['/', '\\']).filter(|part| !part.is_empty() && *part != ".");
    parts.map(str::to_owned).collect()
}

/// Whether a path is a web address.
#[must_use]
pub fn is_web(path: &str) -> bool {
    let begins =
        |scheme: &str| path.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme));
    begins("http://") || begins("https://")
}

/// A name as it is compared where case does not count.
#[must_use]
pub fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}

/// The outcome of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The one that is meant, by its place in the list.
    One(usize),
    /// Nothing is called so.
    None,
    /// Each of these could be meant.
    Several(Vec<usize>),
}

/// Paths that are searched by their endings.
#[derive(Clone, Debug, Default)]
pub struct Paths {
    paths: Vec<Vec<String>>,
    /// By the last part, folded.
    by_last: BTreeMap<String, Vec<usize>>,
}

impl Paths {
    /// Over these paths; what is found is a place in this list.
    #[must_use]
    pub fn new(paths: Vec<Vec<String>>) -> Self {
        let mut by_last: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (place, path) in paths.iter().enumerate() {
            if let Some(last) = path.last() {
                by_last.entry(folded(last)).or_default().push(place);
            }
        }
        Self { paths, by_last }
    }

    /// The path at a place.
    #[must_use]
    pub fn at(&self, place: usize) -> &[String] {
        self.paths.get(place).map(Vec::as_slice).unwrap_or_default()
    }

    /// Finds the path that ends with these parts.
    #[must_use]
    pub fn find(&self, wanted: &[String]) -> Found {
        let Some(named) = wanted.last().and_then(|last| self.by_last.get(&folded(last))) else {
            return Found::None;
        };
        let fits = |place: &&usize| ends_with(self.at(**place), wanted, |a, b| folded(a) == folded(b));
        let fitting: Vec<usize> = named.iter().filter(fits).copied().collect();
        let exact = |place: &&usize| ends_with(self.at(**place), wanted, |a, b| a == b);
        let same_case: Vec<usize> = fitting.iter().filter(exact).copied().collect();
        let fitting = if same_case.is_empty() { fitting } else { same_case };
        let whole = |place: &&usize| self.at(**place).len() == wanted.len();
        let in_full: Vec<usize> = fitting.iter().filter(whole).copied().collect();
        match (in_full.as_slice(), fitting.as_slice()) {
            ([one], _) | ([], [one]) => Found::One(*one),
            (_, []) => Found::None,
            _ => Found::Several(fitting),
        }
    }
}

fn ends_with(path: &[String], wanted: &[String], is_same: impl Fn(&str, &str) -> bool) -> bool {
    path.len() >= wanted.len()
        && path[path.len() - wanted.len()..].iter().zip(wanted).all(|(a, b)| is_same(a, b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(paths: &[&str]) -> Paths {
        Paths::new(paths.iter().map(|path| file_parts(path)).collect())
    }

    #[test]
    fn whole_parts_of_a_file_match_and_never_a_piece_of_a_name() {
        // C2
        let known = files(&["mug/01.jpg", "cup/01.jpg", "1.jpg", "11.jpg", "BANNER.JPG"]);
        let find = |name: &str| known.find(&file_parts(name));
        assert_eq!(find("01.jpg"), Found::Several(vec![0, 1]));
        assert_eq!(find("cup/01.jpg"), Found::One(1));
        assert_eq!(find("./cup\\01.jpg"), Found::One(1));
        assert_eq!(find("1.jpg"), Found::One(2));
        assert_eq!(find("banner.jpg"), Found::One(4));
        assert_eq!(find("jpg"), Found::None);
        assert_eq!(find(""), Found::None);
        assert_eq!(files(&["a/x.png", "a/X.png"]).find(&file_parts("x.png")), Found::One(0));
    }

    #[test]
    fn a_web_address_is_one_part_with_what_stands_behind_its_question_mark() {
        // C3
        let known = files(&["https://cdn.example.com/p/8812?w=800", "https://cdn.example.com/p/8812?w=80"]);
        assert_eq!(known.find(&file_parts("https://cdn.example.com/p/8812?w=80")), Found::One(1));
        assert_eq!(known.find(&file_parts("8812")), Found::None);
    }

    #[test]
    fn a_category_is_found_by_its_name_or_by_its_path() {
        // C1
        let known = Paths::new(
            ["Phones", "Laptops", "Phones > Accessories", "Laptops > Accessories"].map(category_parts).into(),
        );
        let find = |name: &str| known.find(&category_parts(name));
        assert_eq!(find("Accessories"), Found::Several(vec![2, 3]));
        assert_eq!(find("phones>accessories "), Found::One(2));
        assert_eq!(find("LAPTOPS "), Found::One(1));
        assert_eq!(find("Access"), Found::None);
        let nested = Paths::new(["Accessories", "Phones > Accessories"].map(category_parts).into());
        assert_eq!(nested.find(&category_parts("Accessories")), Found::One(0), "written in full");
        assert_eq!(shown(known.at(3)), "Laptops > Accessories");
    }
}
