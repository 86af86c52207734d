//! A step of a process without a row in its matrix fails the build.

use workflows::report::StepSpec;

/// Beside a matrix' table: a step of the process without a row there fails the build. Rows have a field `step`.
#[macro_export]
macro_rules! every_step_has_cells {
    ($rows:expr, $process:ty) => {
        const _: () = {
            let mut steps = [""; $rows.len()];
            let mut index = 0;
            while index < $rows.len() {
                steps[index] = $rows[index].step;
                index += 1;
            }
            let all = <$process as ::workflows::saga::Process>::STEPS;
            assert!($crate::matrix::names_every_step(&steps, all), "a step has no cells");
        };
    };
}

/// Whether the steps of a matrix' rows, in their order, are the steps of a process; a step may have several rows.
/// [`every_step_has_cells!`](crate::every_step_has_cells) asserts it beside the table.
///
/// ```
/// use tests::matrix::names_every_step;
/// use workflows::report::StepSpec;
///
/// const STEPS: &[StepSpec] = &[
///     StepSpec::compensable("pay", "Take the money"),
///     StepSpec::retriable("tell", "Tell the customer"),
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
