//! Whatever a document names exists: commands and their flags, settings, tests, files, links.
//!
//! Documents are the Markdown pages, and the comments of Rust files where they quote a command or a file.

use std::collections::{BTreeMap, BTreeSet};

use super::command::{commands, complaint, vocabulary};
use super::page::{Page, Piece, comments};
use super::{files, none, root, text};

/// Flags of programs that are not ours.
const FOREIGN_FLAGS: [&str; 1] = ["--features"];

/// The beginnings of settings' names.
const SETTINGS: [&str; 3] = ["SUN_", "SUNFLOW_", "TEMPORAL_"];

fn markdown() -> anyhow::Result<Vec<(String, Page)>> {
    let pages = files(".md")?.into_iter();
    Ok(pages.map(|(path, text)| (path, Page::read(&text))).collect())
}

/// The comments of every Rust file but these, whose examples are wrong on purpose.
fn rust() -> anyhow::Result<Vec<(String, Page)>> {
    let sources = files(".rs")?.into_iter().filter(|(path, _)| !path.starts_with("tests/it/tidy"));
    Ok(sources.map(|(path, source)| (path, Page::read(&comments(&source)))).collect())
}

/// A command that a page quotes.
struct Quoted {
    place: String,
    words: Vec<String>,
    /// Typed as it stands; otherwise it is named in a sentence and may lack arguments.
    is_whole: bool,
}

fn quoted() -> anyhow::Result<Vec<Quoted>> {
    let mut found = Vec::new();
    for (path, page) in [markdown()?, rust()?].concat() {
        let is_markdown = path.ends_with(".md");
        // In a comment a block of code is Rust, or somebody else's file.
        let typed = page.typed.iter().filter(|_| is_markdown).map(|piece| (piece, true));
        // A drawing of who calls whom is not a command.
        let named =
            page.spans.iter().filter(|span| !span.text.contains(['→', '←'])).map(|piece| (piece, false));
        for (Piece { line, text }, is_whole) in typed.chain(named) {
            let place = format!("{path}:{line}");
            found.extend(commands(text).into_iter().map(|words| Quoted {
                place: place.clone(),
                words,
                is_whole,
            }));
        }
    }
    Ok(found)
}

#[test]
fn every_command_in_a_document_parses() -> anyhow::Result<()> {
    let mut offenders = Vec::new();
    let quoted = quoted()?;
    assert!(quoted.iter().any(|quoted| quoted.is_whole), "no command is found any more");
    // Each command once: many pages name the same, and every one is a process.
    let mut places: BTreeMap<(Vec<String>, bool), String> = BTreeMap::new();
    for Quoted { place, words, is_whole } in quoted {
        places.entry((words, is_whole)).or_insert(place);
    }
    for ((words, is_whole), place) in places {
        if let Some(why) = complaint(&words, is_whole)? {
            offenders.push(format!("{place}: `{}`: {why}", words.join(" ")));
        }
    }
    none(&offenders, "a document quotes a command that its program does not take:");
    Ok(())
}

/// Filters behind `cargo xtask test` that choose no test, by the names of all functions.
fn idle_filters<'a>(words: &'a [String], names: &BTreeSet<String>) -> Vec<&'a String> {
    let own = words.iter().skip_while(|word| *word != "test").skip(1).take_while(|word| *word != "--");
    let filters = own.filter(|word| !word.starts_with('-'));
    filters.filter(|filter| !names.iter().any(|name| name.contains(filter.as_str()))).collect()
}

#[test]
fn every_test_that_a_document_names_is_there() -> anyhow::Result<()> {
    // A filter goes by the path of a test: modules are files, the last part is a function.
    let mut names = BTreeSet::new();
    for (path, source) in files(".rs")? {
        let functions = source.split("fn ").skip(1).filter_map(|rest| rest.split(['(', '<']).next());
        names.extend(functions.map(str::to_owned));
        names.extend(path.rsplit(['/', '.']).nth(1).map(str::to_owned));
    }
    let mut offenders = Vec::new();
    for Quoted { place, words, .. } in quoted()? {
        if words.starts_with(&["cargo", "xtask", "test"].map(str::to_owned)) {
            let idle = idle_filters(&words, &names);
            offenders.extend(idle.iter().map(|filter| format!("{place}: no test's name contains {filter}")));
        }
    }
    none(&offenders, "a document names a test that is not there:");
    let words = ["cargo", "xtask", "test", "--all", "one_of", "none", "--", "--nocapture"].map(str::to_owned);
    assert_eq!(idle_filters(&words, &BTreeSet::from(["one_of_two".to_owned()])), ["none"]);
    Ok(())
}

#[test]
fn every_flag_in_a_document_exists() -> anyhow::Result<()> {
    let known = vocabulary()?;
    let mut offenders = Vec::new();
    for (path, page) in markdown()? {
        for Piece { line, text } in page.spans.iter().filter(|span| span.text.starts_with('-')) {
            let unknown = unknown_flags(text, known);
            offenders.extend(unknown.iter().map(|flag| format!("{path}:{line}: no program has {flag}")));
        }
    }
    none(&offenders, "a document names a flag that no program has:");
    assert_eq!(unknown_flags("--wait -o json --wiat=2", known), ["--wiat"]);
    Ok(())
}

fn unknown_flags<'a>(text: &'a str, known: &BTreeSet<String>) -> Vec<&'a str> {
    let flags = text.split([' ', '=']).filter(|word| word.starts_with('-') && word.len() > 1);
    flags.filter(|flag| !known.contains(*flag) && !FOREIGN_FLAGS.contains(flag)).collect()
}

/// The settings that a text names, with their lines. `SUN_MAIL_…` and `SUN_MAIL_*` stand for all that begin so.
fn settings(text: &str) -> Vec<Piece> {
    let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, '_' | '…' | '*');
    let mut found = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        let words =
            text.split(|c| !is_part(c)).map(|word| word.trim_start_matches('*').trim_end_matches("**"));
        let named = words.filter(|word| SETTINGS.iter().any(|begin| word.starts_with(begin)));
        found.extend(named.map(|word| Piece { line, text: word.to_owned() }));
    }
    found
}

/// Whether a program's help has a setting. A name there may stand for many: `SUN_ERP_CREDENTIALS_NAME`.
fn is_setting(name: &str, known: &BTreeSet<String>) -> bool {
    let begin = name.trim_end_matches(['…', '*']);
    if begin != name || begin.ends_with('_') {
        return known.iter().any(|setting| setting.starts_with(begin));
    }
    let stands_for = |setting: &String| {
        let stem = setting.strip_suffix("NAME").unwrap_or(setting);
        stem.ends_with('_') && stem.matches('_').count() > 1 && name.starts_with(stem)
    };
    known.contains(name) || known.iter().any(stands_for)
}

#[test]
fn every_setting_in_a_document_exists() -> anyhow::Result<()> {
    let known = vocabulary()?;
    let images = ["docker-compose.yml", "Dockerfile"].map(|path| (path.to_owned(), text(path)));
    let mut offenders = Vec::new();
    for (path, text) in files(".md")?.into_iter().chain(images) {
        let unknown = settings(&text).into_iter().filter(|named| !is_setting(&named.text, known));
        offenders.extend(unknown.map(|Piece { line, text }| format!("{path}:{line}: no help has {text}")));
    }
    none(&offenders, "a document names a setting that no program's help has:");
    Ok(())
}

/// The settings of ours that a source reads and no help names.
fn hidden_settings<'a>(source: &'a str, known: &BTreeSet<String>) -> Vec<&'a str> {
    let literals = source.split('"').skip(1).step_by(2);
    let names = literals.filter(|text| settings(text).first().is_some_and(|name| name.text == *text));
    // Temporal's own settings are Temporal's to explain.
    let own = names.filter(|name| name.starts_with("SUN_"));
    own.filter(|name| !is_setting(name, known) && !is_setting(&format!("{name}_…"), known)).collect()
}

/// `worker --help` is the reference of its settings, and so is each program's help.
#[test]
fn every_setting_that_a_program_reads_is_in_its_help() -> anyhow::Result<()> {
    let known = vocabulary()?;
    let programs = ["worker/src/", "activities/src/", "starter/src/", "sandbox/src/"];
    let mut offenders = Vec::new();
    for (path, source) in files(".rs")? {
        if programs.iter().any(|folder| path.starts_with(folder)) {
            offenders.extend(hidden_settings(&source, known).iter().map(|name| format!("{path}: {name}")));
        }
    }
    none(&offenders, "a program reads a setting that its help does not name:");
    let source =
        "read(\"SUN_REF_KEY\"); begin(\"SUN_MAIL\"); read(\"SUN_SECRET_SWITCH\"); say(\"set SUN_NONE\")";
    assert_eq!(hidden_settings(source, known), ["SUN_SECRET_SWITCH"]);
    Ok(())
}

#[test]
fn settings_are_found_and_known_by_name_or_beginning() {
    let found = settings("a `SUN_REF_KEY`,\nSUN_MAIL_… or `TEMPORAL_*`=SUNSHINE");
    assert_eq!(
        found.iter().map(|piece| &piece.text).collect::<Vec<_>>(),
        ["SUN_REF_KEY", "SUN_MAIL_…", "TEMPORAL_*"]
    );
    let known =
        BTreeSet::from(["SUN_REF_KEY", "SUN_ERP_CREDENTIALS_NAME", "TEMPORAL_TLS_"].map(str::to_owned));
    for name in ["SUN_REF_KEY", "SUN_REF_…", "SUN_ERP_CREDENTIALS_ERP_001", "TEMPORAL_TLS_CERT"] {
        assert!(is_setting(name, &known), "{name}");
    }
    for name in ["SUN_REF_KEYS", "SUN_REF", "SUN_MAIL_…", "SUN_ERP_SLOTS", "TEMPORAL_ADDRESS"] {
        assert!(!is_setting(name, &known), "{name}");
    }
}

/// Whether a code span is the path of a file or folder of the workspace.
fn is_path(span: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-');
    let Some((folder, rest)) = span.split_once('/') else { return false };
    let last = rest.trim_end_matches('/').rsplit('/').next().unwrap_or(rest);
    let is_marked = rest.starts_with("src") || rest.ends_with('/') || last.contains('.');
    span.chars().all(is_plain) && super::is_ours(folder) && is_marked && root().join(folder).is_dir()
}

/// Whether a path is there: below the root, below the crate of the file that names it, or beside that file.
fn exists(path: &str, named_in: &str) -> bool {
    let beside = named_in.rsplit_once('/').map_or("", |(folder, _)| folder);
    let member = named_in.split_once('/').map_or("", |(folder, _)| folder);
    ["", member, beside].iter().any(|folder| root().join(folder).join(path).exists())
}

#[test]
fn every_file_that_a_document_names_is_there() -> anyhow::Result<()> {
    let mut offenders = Vec::new();
    for (path, page) in [markdown()?, rust()?].concat() {
        for Piece { line, text } in page.spans.iter().filter(|span| is_path(&span.text)) {
            if !exists(text, &path) {
                offenders.push(format!("{path}:{line}: {text} is not there"));
            }
        }
    }
    none(&offenders, "a document names a file that is not there:");
    for (span, expected) in [
        ("workflows/src/saga.rs", true),
        ("tests/histories/", true),
        ("store/clean-up", false),
        ("order/ORDER-001", false),
        ("contracts/src/<system>.rs", false),
    ] {
        assert_eq!(is_path(span), expected, "{span}");
    }
    assert!(exists("src/lib.rs", "store/src/lease.rs") && !exists("src/none.rs", "store/src/lease.rs"));
    Ok(())
}

/// The address of a heading within its page.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// Whether a link on a page leads to a file that is there, and to a heading of it.
fn leads_somewhere(link: &str, path: &str, pages: &[(String, Page)]) -> bool {
    let (file, part) = link.split_once('#').unwrap_or((link, ""));
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let target = if file.is_empty() { root().join(path) } else { root().join(folder).join(file) };
    let Ok(target) = target.canonicalize() else { return false };
    let is_target = |other: &str| root().join(other).canonicalize().is_ok_and(|other| other == target);
    let mut headings =
        pages.iter().filter(|(other, _)| is_target(other)).flat_map(|(_, page)| &page.headings);
    part.is_empty() || headings.any(|heading| anchor(&heading.text) == part)
}

#[test]
fn every_link_leads_somewhere() -> anyhow::Result<()> {
    let pages = markdown()?;
    let mut offenders = Vec::new();
    for (path, page) in &pages {
        for Piece { line, text } in page.links.iter().filter(|link| !link.text.contains("://")) {
            if !leads_somewhere(text, path, &pages) {
                offenders.push(format!("{path}:{line}: {text}"));
            }
        }
    }
    none(&offenders, "a link leads nowhere:");
    for (link, expected) in [
        ("erp.md", true),
        ("../README.md#the-processes", true),
        ("erp.md#none", false),
        ("none.md", false),
        ("#on-call", true),
    ] {
        assert_eq!(leads_somewhere(link, "docs/schedules.md", &pages), expected, "{link}");
    }
    assert_eq!(anchor("When it does not go through: `why`?"), "when-it-does-not-go-through-why");
    Ok(())
}

/// The names of types, failures, workflows and metrics in a code span: `OutOfStock`, `sunflow_undo_failures_total`.
fn code_names(span: &str) -> Vec<&str> {
    // A header such as `Idempotency-Key` is somebody else's.
    let words = span.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-'));
    let is_type = |word: &str| {
        let humps = word.chars().filter(char::is_ascii_uppercase).count();
        let is_plain = word.chars().all(|c| c.is_ascii_alphanumeric());
        humps > 1 && is_plain && word.starts_with(|c: char| c.is_ascii_uppercase()) && !is_shouted(word)
    };
    words.filter(|word| is_type(word) || word.starts_with("sunflow_")).collect()
}

/// `VND`, `API2`, `VmRSS`: two capitals side by side are not how we name things.
fn is_shouted(word: &str) -> bool {
    word.as_bytes().windows(2).any(|two| two.iter().all(|byte| !byte.is_ascii_lowercase()))
}

/// Names that no identifier of the code is. The exporter adds the unit to a metric.
fn unknown_names<'a>(span: &'a str, identifiers: &BTreeSet<&str>) -> Vec<&'a str> {
    let is_known = |name: &str| {
        let metric = name.strip_suffix("_total").or_else(|| name.strip_suffix("_seconds"));
        identifiers.contains(name) || metric.is_some_and(|metric| identifiers.contains(metric))
    };
    code_names(span).into_iter().filter(|name| !is_known(name)).collect()
}

#[test]
fn every_name_in_a_document_is_in_the_code() -> anyhow::Result<()> {
    // These examples would know themselves.
    let sources: Vec<_> = files(".rs")?.into_iter().filter(|(path, _)| !path.contains("/tidy")).collect();
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let identifiers = sources.iter().flat_map(|(_, source)| source.split(|c| !is_part(c))).collect();
    let mut offenders = Vec::new();
    for (path, page) in markdown()? {
        for Piece { line, text } in page.spans {
            let unknown = unknown_names(&text, &identifiers);
            offenders.extend(unknown.iter().map(|name| format!("{path}:{line}: {name}")));
        }
    }
    none(&offenders, "a document has a name that the code does not have:");
    let (span, known) =
        ("OutOfStack, `Idempotency-Key` VmRSS SunStage sunflow_x_total", ["SunStage", "sunflow_x"]);
    assert_eq!(unknown_names(span, &BTreeSet::from(known)), ["OutOfStack"]);
    Ok(())
}
