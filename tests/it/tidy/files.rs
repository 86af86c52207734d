//! How long files and lines may be, and that nothing is left undone.

use super::{files, has_line, names, none, text};

/// Lines of the longest Rust file. A longer one is about two things.
const LINES_MAX: usize = 400;

/// Lines of a process' own part of its fault matrix, beside its table. More is something that all matrices could share.
const MATRIX_LINES_MAX: usize = 150;

fn lines_max(path: &str) -> usize {
    let is_matrix = path.starts_with("tests/it/") && path.ends_with("_faults.rs");
    if is_matrix { MATRIX_LINES_MAX } else { LINES_MAX }
}

/// Characters of the longest line of a comment or of Markdown: what fits beside a diff.
const WIDTH_MAX: usize = 120;

/// Lines that are too wide, by their numbers.
fn too_wide<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<(usize, usize)> {
    let widths = (1..).zip(lines).map(|(number, line)| (number, line.chars().count()));
    widths.filter(|(_, width)| *width > WIDTH_MAX).collect()
}

/// Lines of a Markdown page that could be shorter. A row of a table cannot: it has no line break.
fn wide_in_markdown(text: &str) -> Vec<(usize, usize)> {
    too_wide(text.lines().map(|line| if line.starts_with('|') { "" } else { line }))
}

/// Comment lines that could be shorter. Code is `rustfmt`'s.
fn wide_in_rust(text: &str) -> Vec<(usize, usize)> {
    let is_row = |line: &str| line.trim_start_matches(['/', '!', ' ']).starts_with('|');
    let is_comment = |line: &str| line.trim_start().starts_with("//") && !is_row(line);
    too_wide(text.lines().map(|line| if is_comment(line) { line } else { "" }))
}

#[test]
fn every_test_file_is_run() -> anyhow::Result<()> {
    let main = text("tests/it/main.rs");
    let files = names("tests/it")?;
    let modules = files.iter().filter_map(|name| name.strip_suffix(".rs")).filter(|name| *name != "main");
    let missing: Vec<String> = modules
        .filter(|module| !has_line(&main, &format!("mod {module};")))
        .map(|module| format!("tests/it/main.rs: add `mod {module};`"))
        .collect();
    none(&missing, "a test file is not compiled, so its tests never run:");
    Ok(())
}

#[test]
fn files_are_short_enough_to_be_read_at_once() -> anyhow::Result<()> {
    let mut offenders = Vec::new();
    for (path, source) in files(".rs")? {
        let (lines, most) = (source.lines().count(), lines_max(&path));
        if lines > most {
            offenders.push(format!("{path} has {lines}, at most {most}: split it by concern"));
        }
    }
    none(&offenders, "a Rust file is short:");
    Ok(())
}

#[test]
fn a_matrix_is_shorter_than_other_files() {
    assert_eq!(lines_max("tests/it/order_faults.rs"), 150);
    assert_eq!(lines_max("tests/it/order_faults/table.rs"), 400);
    assert_eq!(lines_max("tests/it/order_stuck.rs"), 400);
}

#[test]
fn lines_are_short_enough_to_be_read_at_once() -> anyhow::Result<()> {
    let mut offenders = Vec::new();
    let pages = files(".md")?.into_iter().map(|(path, text)| (path, wide_in_markdown(&text)));
    let comments = files(".rs")?.into_iter().map(|(path, text)| (path, wide_in_rust(&text)));
    for (path, lines) in pages.chain(comments) {
        offenders.extend(lines.iter().map(|(line, width)| format!("{path}:{line}: has {width}: break it")));
    }
    none(&offenders, "a line of a comment or of Markdown has at most 120 characters:");
    Ok(())
}

#[test]
fn a_wide_line_is_found_where_it_could_be_broken() {
    let wide = "ü".repeat(121);
    let fits = "ü".repeat(120);
    assert_eq!(wide_in_markdown(&format!("{fits}\n{wide}\n| {wide} |")), [(2, 121)]);
    assert_eq!(wide_in_rust(&format!("let code = \"{wide}\";\n    //{fits}\n// ok")), [(2, 126)]);
}

#[test]
fn nothing_is_left_to_do_and_no_test_is_skipped_in_silence() -> anyhow::Result<()> {
    // Put together from halves, so that these lines do not offend themselves.
    let unfinished = concat!("todo", "!(");
    let skipped = concat!("#[igno", "re]");
    let mut offenders = Vec::new();
    for (path, source) in files(".rs")? {
        for (number, line) in (1..).zip(source.lines()) {
            if line.contains(unfinished) {
                offenders.push(format!("{path}:{number}: finish it, or open an issue and take it out"));
            }
            if line.contains(skipped) {
                offenders
                    .push(format!("{path}:{number}: say why, as in `#[ignore = \"needs a real card\"]`"));
            }
        }
    }
    none(&offenders, "unfinished:");
    Ok(())
}
