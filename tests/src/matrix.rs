//! What the fault matrices of all processes share.

use workflows::report::StepSpec;

/// Whether the steps of a matrix' rows, in their order, are the steps of a process; a step may have several rows.
/// For a `const` assertion beside the table: a step without cells then fails the build.
///
/// ```
/// use tests::matrix::names_every_step;
/// use workflows::report::{StepClass, StepSpec};
///
/// const STEPS: &[StepSpec] = &[
///     StepSpec { name: "pay", words: "", class: StepClass::Compensable },
///     StepSpec { name: "tell", words: "", class: StepClass::Retriable },
/// ];
/// assert!(names_every_step(&["pay", "tell", "tell"], STEPS));
/// assert!(!names_every_step(&["pay"], STEPS));
/// assert!(!names_every_step(&["tell"], STEPS));
/// assert!(!names_every_step(&["pay", "tell", "ship"], STEPS));
/// assert!(!names_every_step(&["pay", "sell"], STEPS));
/// ```
#[must_use]
pub const fn names_every_step(rows: &[&str], steps: &[StepSpec]) -> bool {
    let (mut row, mut step) = (0, 0);
    while step < steps.len() {
        if row == rows.len() || !is_same(rows[row], steps[step].name) {
            return false;
        }
        while row < rows.len() && is_same(rows[row], steps[step].name) {
            row += 1;
        }
        step += 1;
    }
    row == rows.len()
}

const fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut index = 0;
    while index < one.len() {
        if one[index] != other[index] {
            return false;
        }
        index += 1;
    }
    true
}
