//! How long functions may be.

use super::{files, none};

/// Lines of code of the longest function, from its `fn` to its last brace. A longer one has parts that have names.
const LINES_MAX: usize = 70;

/// A function's name, if the line begins one, and how far the line is indented.
fn begun(line: &str) -> Option<(&str, &str)> {
    let code = line.trim_start();
    let indent = &line[..line.len() - code.len()];
    let (before, rest) = code.split_once("fn ")?;
    let is_word = |word: &str| {
        matches!(word, "pub" | "const" | "async" | "unsafe" | "extern") || word.starts_with("pub(")
    };
    let is_begin = before.split_whitespace().all(is_word);
    let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()?;
    (is_begin && !name.is_empty()).then_some((name, indent))
}

fn is_code(line: &&str) -> bool {
    let code = line.trim();
    !code.is_empty() && !code.starts_with("//")
}

/// The lines of the function that begins with the first of these, as `rustfmt` writes it; none if it has no body.
fn lines<'s>(from: &[&'s str], indent: &str) -> Vec<&'s str> {
    let mut found = Vec::new();
    for line in from {
        found.push(*line);
        let is_first = found.len() == 1;
        let at_its_edge = line.strip_prefix(indent).filter(|rest| !rest.starts_with(' '));
        match at_its_edge.map(str::trim_end) {
            Some("}") => break,
            Some(edge) if (is_first || edge.starts_with(')')) && edge.ends_with('}') => break,
            Some(edge) if (is_first || edge.starts_with(')')) && edge.ends_with(';') => return Vec::new(),
            _ => {}
        }
    }
    found.retain(is_code);
    found
}

/// Functions that are too long: where, their names, their lines of code.
fn too_long(source: &str) -> Vec<(usize, &str, usize)> {
    let all: Vec<&str> = source.lines().collect();
    let begins = all.iter().enumerate().filter_map(|(at, line)| Some((at, begun(line)?)));
    let lengths = begins.map(|(at, (name, indent))| (at + 1, name, lines(&all[at..], indent).len()));
    lengths.filter(|(.., length)| *length > LINES_MAX).collect()
}

#[test]
fn functions_are_short_enough_to_be_read_at_once() -> anyhow::Result<()> {
    let mut offenders = Vec::new();
    for (path, source) in files(".rs")? {
        offenders.extend(too_long(&source).into_iter().map(|(line, name, length)| {
            format!("{path}:{line}: `{name}` has {length}, at most {LINES_MAX}: give its parts names")
        }));
    }
    none(&offenders, "a function is short:");
    Ok(())
}

#[test]
fn a_long_function_is_found_wherever_it_stands() {
    let body = |lines: usize| "        step();\n".repeat(lines);
    let long = format!("impl A {{\n    pub(crate) async fn one() {{\n{}    }}\n}}\n", body(69));
    assert_eq!(too_long(&long), [(2, "one", 71)]);
    let arguments = format!("fn two(\n    a: u8,\n) -> u8 {{\n{}}}\n", body(67));
    assert_eq!(too_long(&arguments), [(1, "two", 71)]);
    let fits = format!("    const fn three() {{\n{}\n        // And so on.\n    }}\n", body(68));
    let none = format!("trait T {{\n    fn four(\n        a: u8,\n    ) -> u8;\n{}}}\n", body(80));
    let small = format!("fn five() {{}}\nfn six();\nlet f = \"a fn like this\";\n{}", body(80));
    for source in [fits, none, small] {
        assert!(too_long(&source).is_empty(), "{source}");
    }
}
