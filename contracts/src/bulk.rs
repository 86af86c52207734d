//! Long lists of rows: what of them crosses between an activity and a process.
//!
//! The rows themselves stay in the object store; a history holds counts, references, and the outcomes of a few rows.
//! They are read, compared and written by the crate `activities`, module `bulk`.
//!
//! - [`Rows`]: few outcomes as a list, many by reference;
//! - [`Written`]: what writing a batch came to, and the sum of several batches;
//! - [`Causes`]: why rows were turned away, and how often;
//! - [`Rate`]: rows a second;
//! - [`Limit`]: how much may change before a person is asked;
//! - [`Receipt`]: the name of exactly the changes that somebody has seen.

mod limit;
mod rate;
mod receipt;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::objects::ObjectRef;

pub use limit::{Limit, is_change_above, is_share_above};
pub use rate::{Rate, RateError};
pub use receipt::{Likeness, Receipt, ReceiptError};

/// How many rows a result holds itself; more of them lie in the object store.
pub const INLINE_MAX: usize = 100;
/// How many different causes a result lists.
const CAUSES_MAX: usize = 50;

/// Few rows as a list; many as a reference to lists in the object store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Rows<R> {
    /// Up to [`INLINE_MAX`].
    Inline(Vec<R>),
    /// More.
    Listed {
        /// How many.
        count: u64,
        /// Where: JSON lines of `R`.
        refs: Vec<ObjectRef>,
    },
}

impl<R> Rows<R> {
    /// [`INLINE_MAX`].
    pub const INLINE_MAX: usize = INLINE_MAX;
}

impl<R> Default for Rows<R> {
    fn default() -> Self {
        Self::Inline(Vec::new())
    }
}

/// Why rows were turned away, and how often. Causes are words without values: many rows share one.
pub type Causes = BTreeMap<String, u64>;

/// Counts a cause. Beyond fifty different ones only those are counted that are there already: a result stays small.
pub fn count_cause(causes: &mut Causes, cause: &str) {
    count_causes(causes, cause, 1);
}

fn count_causes(causes: &mut Causes, cause: &str, times: u64) {
    if causes.len() < CAUSES_MAX || causes.contains_key(cause) {
        *causes.entry(cause.to_owned()).or_default() += times;
    }
}

/// The outcome of writing a batch of rows; `R` is the outcome of one row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, bound(deserialize = "R: Deserialize<'de>"))]
pub struct Written<R> {
    /// How many rows ended how, in the words of the one who writes them: `updated`, `unchanged`, `failed`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<String, u64>,
    /// The outcome of every row, when there are few ([`INLINE_MAX`]); else empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<R>,
    /// The outcome of every row, as JSON lines, in the order of the batch.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<ObjectRef>,
    /// Rows that were refused, as JSON lines.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub quarantined: Vec<ObjectRef>,
    /// Why, and how often.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub causes: Causes,
    /// The rows' looks before the first write, one JSON line for each row, in the order of the batch; empty when no
    /// before-images are kept.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<ObjectRef>,
}

impl<R> Default for Written<R> {
    fn default() -> Self {
        let (counts, causes) = (BTreeMap::new(), Causes::new());
        Self {
            counts,
            rows: Vec::new(),
            lists: Vec::new(),
            quarantined: Vec::new(),
            causes,
            images: Vec::new(),
        }
    }
}

impl<R> Written<R> {
    /// How many rows ended like this.
    #[must_use]
    pub fn count(&self, action: &str) -> u64 {
        self.counts.get(action).copied().unwrap_or_default()
    }

    /// Adds what another batch came to.
    pub fn add(&mut self, more: Self) {
        for (action, count) in more.counts {
            *self.counts.entry(action).or_default() += count;
        }
        for (cause, times) in more.causes {
            count_causes(&mut self.causes, &cause, times);
        }
        // A result stays small: the lists have them all.
        match self.rows.len() + more.rows.len() <= INLINE_MAX {
            true => self.rows.extend(more.rows),
            false => self.rows.clear(),
        }
        self.lists.extend(more.lists);
        self.quarantined.extend(more.quarantined);
        self.images.extend(more.images);
    }

    /// The outcomes for a report: inline when all of them are at hand and few.
    #[must_use]
    pub fn into_rows(self) -> Rows<R> {
        let count = self.counts.values().sum();
        if u64::try_from(self.rows.len()) == Ok(count) {
            return Rows::Inline(self.rows);
        }
        Rows::Listed { count, refs: self.lists }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(name: &str) -> ObjectRef {
        ObjectRef { key: name.to_owned(), bytes: 1, sha256: String::new() }
    }

    fn written(rows: usize, name: &str) -> Written<u32> {
        Written {
            counts: [("updated".to_owned(), rows as u64)].into(),
            rows: if rows <= INLINE_MAX { vec![7; rows] } else { Vec::new() },
            lists: vec![list(name)],
            causes: [("too dear".to_owned(), 1)].into(),
            ..Written::default()
        }
    }

    #[test]
    fn batches_add_up_and_stay_inline_while_they_are_few() {
        let mut sum = written(60, "a");
        sum.add(written(40, "b"));
        assert_eq!(sum.count("updated"), 100);
        assert_eq!(sum.causes, [("too dear".to_owned(), 2)].into());
        assert_eq!(sum.clone().into_rows(), Rows::Inline(vec![7; 100]));
        sum.add(written(1, "c"));
        assert_eq!(sum.rows, Vec::<u32>::new());
        assert_eq!(sum.into_rows(), Rows::Listed { count: 101, refs: vec![list("a"), list("b"), list("c")] });
    }

    #[test]
    fn a_batch_too_long_to_be_inline_makes_the_whole_a_reference() {
        let mut sum = written(1, "a");
        sum.add(written(101, "b"));
        assert_eq!(sum.into_rows(), Rows::Listed { count: 102, refs: vec![list("a"), list("b")] });
    }

    #[test]
    fn rows_look_the_same_on_the_wire_inline_and_by_reference() -> Result<(), serde_json::Error> {
        let inline: Rows<u32> = serde_json::from_str("[1,2]")?;
        assert_eq!(inline, Rows::Inline(vec![1, 2]));
        let listed = r#"{"count":101,"refs":[{"key":"a","bytes":1,"sha256":""}]}"#;
        let read: Rows<u32> = serde_json::from_str(listed)?;
        assert_eq!(read, Rows::Listed { count: 101, refs: vec![list("a")] });
        assert_eq!(serde_json::to_string(&read)?, listed);
        Ok(())
    }

    #[test]
    fn what_was_written_names_only_what_there_is() -> Result<(), serde_json::Error> {
        assert_eq!(serde_json::to_string(&Written::<u32>::default())?, "{}");
        let list = r#"{"key":"a","bytes":1,"sha256":""}"#;
        let text =
            format!(r#"{{"counts":{{"updated":1}},"rows":[7],"lists":[{list}],"causes":{{"too dear":1}}}}"#);
        assert_eq!(serde_json::to_string(&written(1, "a"))?, text);
        assert_eq!(serde_json::from_str::<Written<u32>>(&text)?, written(1, "a"));
        Ok(())
    }

    #[test]
    fn causes_stay_few_and_those_that_are_there_go_on_counting() {
        let mut causes = Causes::new();
        for number in 0..60 {
            count_cause(&mut causes, &format!("cause {number}"));
        }
        count_cause(&mut causes, "cause 0");
        count_cause(&mut causes, "cause 59");
        assert_eq!(causes.len(), CAUSES_MAX);
        assert_eq!((causes.get("cause 0"), causes.get("cause 59")), (Some(&2), None));
    }
}
