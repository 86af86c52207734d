//! Cells that are shown as one, while rows go by. A value over several rows of one column is every row's: that is how
//! people read it. One over several columns belongs to none of them alone.

use std::collections::{BTreeMap, BTreeSet};

use super::SAVE_AS_CSV;
use super::cells::{Cell, Cells, Merged};
use crate::{Flaw, unfit};

/// The most merged cells that one row may meet, each over several columns.
const SIDE_BY_SIDE_MAX: usize = 1_000;

/// One of the merged cells that covers cells of another; they are given in the order of their first rows. No program
/// makes such a sheet, and each row of it would cost as much as all of them.
pub(crate) fn overlapping(all: &[Merged]) -> Option<Merged> {
    // Those that the present row meets, by their first column: side by side, unless two overlap.
    let mut met: BTreeMap<u32, Merged> = BTreeMap::new();
    let mut ends: BTreeSet<(u32, u32)> = BTreeSet::new();
    for merged in all {
        while let Some((row, column)) = ends.first().copied().filter(|(row, _)| *row < merged.from.row) {
            ends.remove(&(row, column));
            met.remove(&column);
        }
        let before = met.range(..=merged.to.column).next_back().map(|(_, before)| before);
        if before.is_some_and(|before| before.to.column >= merged.from.column) {
            return Some(*merged);
        }
        met.insert(merged.from.column, *merged);
        ends.insert((merged.to.row, merged.from.column));
    }
    None
}

/// The merged cells of a sheet, and those that the present row meets.
#[derive(Default)]
pub(crate) struct Shown {
    /// In the order of their first rows.
    all: Vec<Merged>,
    begun: usize,
    /// By their column, with the cell that is shown.
    tall: BTreeMap<u32, (Merged, Cell)>,
    wide: Vec<Merged>,
}

impl Shown {
    pub(crate) fn new(all: Vec<Merged>) -> Self {
        Self { all, ..Self::default() }
    }

    pub(crate) fn rewind(&mut self) {
        *self = Self::new(std::mem::take(&mut self.all));
    }

    /// Comes to a row, of which the filled cells are given. Those of which the first cell is empty show nothing.
    pub(crate) fn enter(&mut self, row: u32, cells: &Cells) -> Result<(), Flaw> {
        self.tall.retain(|_, (merged, _)| merged.has_row(row));
        self.wide.retain(|merged| merged.has_row(row));
        while let Some(merged) = self.all.get(self.begun).copied().filter(|merged| merged.from.row <= row) {
            self.begun += 1;
            let shown = cells.get(&merged.from.column).filter(|_| merged.from.row == row);
            match shown {
                Some(_) if merged.is_wide() => self.wide.push(merged),
                Some(cell) => drop(self.tall.insert(merged.from.column, (merged, cell.clone()))),
                None => {}
            }
        }
        if self.wide.len() > SIDE_BY_SIDE_MAX {
            return unfit("has more merged cells in a row than any program makes", SAVE_AS_CSV);
        }
        Ok(())
    }

    /// The merged cells over several rows that cover a column in the present row, with the cell that they show.
    pub(crate) fn above(&self, column: u32) -> Option<(Merged, &Cell)> {
        self.tall.get(&column).map(|(merged, cell)| (*merged, cell))
    }

    /// All of them, by their columns.
    pub(crate) fn tall(&self) -> impl Iterator<Item = (&u32, &Cell)> {
        self.tall.iter().map(|(column, (_, cell))| (column, cell))
    }

    /// Those over several columns in the present row.
    pub(crate) fn wide(&self) -> impl Iterator<Item = Merged> {
        self.wide.iter().copied()
    }
}
