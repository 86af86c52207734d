//! Lists that are files, whatever they are of: prices, products.
//!
//! - `file`: a file that is read more than once, and its rows with their places;
//! - `columns`: the meaning of its columns;
//! - `sheet`: rows as CSV for a spreadsheet program, and back.

pub(crate) mod columns;
pub(crate) mod file;
pub(crate) mod sheet;
