//! Orders that are undone.
