//! How the files of this program may know each other: arrows go down the floors, and never in a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// From the lowest. Folders of one floor do not know each other.
const FLOORS: [&[&str]; 5] = [&["terminal"], &["processes"], &["runs", "cli"], &["commands"], &["main"]];

type Graph = BTreeMap<String, BTreeSet<String>>;

/// The modules of this program that have a file, each with its text; tests may know everything.
fn modules() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of this program").map_while(Result::ok) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let module = path.with_extension("");
            let module =
                module.strip_prefix(&root).expect("below the root").to_string_lossy().replace('/', "::");
            let text = fs::read_to_string(&path).expect("a file of this program");
            let own = text.split("\n#[cfg(test)]\nmod tests").next().unwrap_or_default().to_owned();
            if !module.ends_with("::tests") && !["floors", "said"].contains(&module.as_str()) {
                found.insert(module, own);
            }
        }
    }
    found
}

/// The paths of a use tree: `a::{b, c::{self, D}}` is `a::b`, `a::c::self`, `a::c::D`.
fn expand(prefix: &str, tree: &str, paths: &mut Vec<String>) {
    let Some((before, rest)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or(tree);
        return paths.push(format!("{prefix}{}", path.trim()));
    };
    let prefix = format!("{prefix}{}", before.trim());
    let inner = rest.rsplit_once('}').map_or(rest, |(inner, _)| inner);
    let (mut depth, mut start) = (0_i32, 0);
    for (at, c) in inner.char_indices().chain([(inner.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                if !inner[start..at].trim().is_empty() {
                    expand(&prefix, &inner[start..at], paths);
                }
                start = at + 1;
            }
            _ => {}
        }
    }
}

/// Every path that a file names: in its `use` lines, in its `mod` lines, and in the middle of its code by `crate::`.
fn named(module: &str, text: &str) -> Vec<String> {
    let mut paths = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("use ") {
        let is_line = rest[..at]
            .rsplit('\n')
            .next()
            .is_some_and(|before| ["", "pub(crate) "].contains(&before.trim_start()));
        rest = &rest[at + 4..];
        if is_line {
            expand("", rest.split(';').next().unwrap_or_default(), &mut paths);
        }
    }
    let own = if module == "main" { String::new() } else { format!("{module}::") };
    for line in text.lines() {
        let declared = line
            .trim_start_matches("pub(crate) ")
            .strip_prefix("mod ")
            .and_then(|rest| rest.strip_suffix(';'));
        paths.extend(declared.map(|child| format!("crate::{own}{child}")));
        let code = line.split("//").next().unwrap_or_default();
        let inline = code
            .split("crate::")
            .skip(1)
            .map(|path| path.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':'));
        paths.extend(inline.filter_map(|mut path| path.next().map(|path| format!("crate::{path}"))));
    }
    paths
}

/// The module that a path names, from the root: the longest that has a file.
fn resolved<'m>(module: &str, path: &str, modules: &'m BTreeMap<String, String>) -> Option<&'m str> {
    let mut base: Vec<&str> = if module == "main" { Vec::new() } else { module.split("::").collect() };
    let mut segments: Vec<&str> = path.split("::").collect();
    match segments.first().copied() {
        Some("crate") => {
            base.clear();
            segments.remove(0);
        }
        Some("self") => {
            segments.remove(0);
        }
        _ => {
            while segments.first() == Some(&"super") {
                base.pop();
                segments.remove(0);
            }
        }
    }
    base.extend(segments);
    (1..=base.len())
        .rev()
        .find_map(|length| modules.get_key_value(&base[..length].join("::")).map(|(name, _)| name.as_str()))
}

fn graph(modules: &BTreeMap<String, String>) -> Graph {
    let arrows = |(module, text): (&String, &String)| {
        let paths = named(module, text);
        let to = paths.iter().filter_map(|path| resolved(module, path, modules)).filter(|to| to != module);
        (module.clone(), to.map(str::to_owned).collect())
    };
    modules.iter().map(arrows).collect()
}

fn floor(module: &str) -> Option<usize> {
    let folder = module.split("::").next().unwrap_or(module);
    FLOORS.iter().position(|folders| folders.contains(&folder))
}

/// Arrows that do not go down, and files on no floor.
fn upward(graph: &Graph) -> Vec<String> {
    let mut found = Vec::new();
    for (from, all) in graph {
        let Some(own) = floor(from) else {
            found.push(format!("{from} stands on no floor: put it into a folder of one"));
            continue;
        };
        let is_of = |to: &str| to.split("::").next() == from.split("::").next();
        let up = all.iter().filter(|to| !is_of(to) && floor(to).is_none_or(|floor| floor >= own));
        found.extend(up.map(|to| format!("{from} uses {to}, which is not below it")));
    }
    found
}

/// Files that lead back to themselves: what is left when those that use nothing any more are taken away, again and
/// again, and the same from the other side.
fn circles(graph: &Graph) -> Vec<String> {
    let mut left = graph.clone();
    loop {
        let names: BTreeSet<String> = left.keys().cloned().collect();
        let used: BTreeSet<String> = left.values().flatten().cloned().collect();
        let before = left.len();
        left.retain(|from, to| used.contains(from) && to.iter().any(|to| names.contains(to)));
        if left.len() == before {
            return left.into_keys().collect();
        }
    }
}

#[test]
fn arrows_go_down_and_no_files_form_a_circle() {
    let modules = modules();
    let graph = graph(&modules);
    // The reader of `use` lines still reads them.
    assert!(graph["commands::any::cancel"].contains("runs::update"), "{graph:?}");
    assert_eq!(upward(&graph), Vec::<String>::new(), "arrows that do not go down");
    assert_eq!(circles(&graph), Vec::<String>::new(), "these files form a circle");
}

#[test]
fn an_arrow_that_goes_up_and_a_circle_are_named() {
    let sources = [
        ("main", "mod runs;\nmod terminal;\n"),
        ("runs", "pub(crate) mod run;\npub(crate) mod start;\n"),
        ("runs::run", "use super::start::{self, Start};\nuse crate::terminal::Out;\n"),
        (
            "runs::start",
            "use std::fmt;\nuse crate::{\n    runs::run::{Run as One, other},\n    terminal,\n};\n",
        ),
        ("terminal", "fn f() -> crate::runs::Run { g() }\n"),
        ("stray", ""),
    ];
    let modules = sources.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
    let graph = graph(&modules);
    let up = upward(&graph);
    assert_eq!(up[0], "stray stands on no floor: put it into a folder of one");
    assert_eq!(up[1], "terminal uses runs, which is not below it");
    let all = ["runs", "runs::run", "runs::start", "terminal"];
    assert_eq!(circles(&graph), all);
}
