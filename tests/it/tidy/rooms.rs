//! Every process has the same rooms: its story on the first screen, and one way for Temporal and for people to reach
//! it.

use anyhow::Context as _;

use super::{files, text};

/// A reader meets ids, steps and the story of a process within so many lines.
const FIRST_SCREEN: usize = 110;
/// Methods that a saga offers to its process, at most: more is a second way to do something.
const SAGA_METHODS_MAX: usize = 22;

/// The files of the processes: each has a room `face.rs` beside it.
fn processes() -> anyhow::Result<Vec<(String, String)>> {
    let all = files(".rs")?;
    let has_face = |path: &str| {
        let face = format!("{}/face.rs", path.trim_end_matches(".rs"));
        all.iter().any(|(other, _)| *other == face)
    };
    let found: Vec<_> = all
        .iter()
        .filter(|(path, _)| path.starts_with("workflows/src/") && has_face(path))
        .cloned()
        .collect();
    anyhow::ensure!(found.len() >= 8, "only {} processes were found", found.len());
    Ok(found)
}

/// Says what is wrong with the first screen of a process file.
fn off_screen(text: &str) -> Option<String> {
    let line_of = |wanted: &str| text.lines().position(|line| line.contains(wanted)).map(|line| line + 1);
    let ids =
        line_of("const WORKFLOW_ID").or_else(|| line_of("fn workflow_id(")).or_else(|| line_of("ID_PREFIX"));
    let Some(ids) = ids else { return Some("does not say its workflow id".to_owned()) };
    let Some(steps) = line_of("const STEPS:") else { return Some("has no STEPS".to_owned()) };
    let Some(story) = line_of("async fn forward(") else { return Some("has no story: forward".to_owned()) };
    // The story ends where its indentation does.
    let indent = text.lines().nth(story - 1).map_or(0, |line| line.len() - line.trim_start().len());
    let brace = format!("{}}}", " ".repeat(indent));
    let end = story + text.lines().skip(story).position(|line| line == brace).map_or(0, |line| line + 1);
    if !(ids < steps && steps < story) {
        return Some(format!(
            "has ids in line {ids}, STEPS in {steps}, the story in {story}: keep that order"
        ));
    }
    (end > FIRST_SCREEN).then(|| format!("ends its story in line {end}, behind line {FIRST_SCREEN}"))
}

#[test]
fn every_process_tells_its_story_on_the_first_screen() -> anyhow::Result<()> {
    let found = processes()?;
    let off: Vec<String> =
        found.iter().filter_map(|(path, text)| off_screen(text).map(|why| format!("{path} {why}"))).collect();
    assert!(off.is_empty(), "{}", off.join("\n"));
    Ok(())
}

/// `face!` writes the update `answer`; a process that is registered without it could ask and wait for ever.
#[test]
fn only_a_face_is_a_workflow() -> anyhow::Result<()> {
    for (path, text) in files(".rs")?.into_iter().filter(|(path, _)| path.starts_with("workflows/src/")) {
        let is_face = path.ends_with("/face.rs");
        let by_hand = text.lines().any(|line| line.trim_start() == "#[workflow_methods]");
        assert!(
            !by_hand,
            "{path} writes #[workflow_methods] itself: use face!, which adds the update `answer`"
        );
        let has_workflow = text.lines().any(|line| line == "#[workflow]");
        assert_eq!(has_workflow, is_face, "{path}: a #[workflow] belongs into its process's face.rs");
        let has_face = text.lines().any(|line| line == "face! {");
        assert_eq!(has_face, is_face, "{path}: a face! belongs into face.rs");
    }
    Ok(())
}

/// Methods that `impl` blocks of `name` offer to everybody.
fn public_methods(text: &str, name: &str) -> usize {
    let mut methods = 0;
    let mut is_inside = false;
    for line in text.lines() {
        if line.starts_with("impl") {
            is_inside = line.contains(&format!(" {name}<"));
        } else if line == "}" {
            is_inside = false;
        } else if is_inside && (line.starts_with("    pub fn ") || line.starts_with("    pub async fn ")) {
            methods += 1;
        }
    }
    methods
}

#[test]
fn a_saga_offers_few_methods_and_one_ending() -> anyhow::Result<()> {
    let files = files(".rs")?;
    let saga: Vec<_> = files.iter().filter(|(path, _)| path.starts_with("workflows/src/saga/")).collect();
    let methods: usize = saga.iter().map(|(_, text)| public_methods(text, "Saga")).sum();
    assert!((10..=SAGA_METHODS_MAX).contains(&methods), "Saga has {methods} public methods");
    let ending = text("workflows/src/saga/ending.rs");
    for piece in ["fn turn_back(", "async fn close("] {
        let line = ending.lines().find(|line| line.contains(piece)).with_context(|| piece.to_owned())?;
        assert!(
            !line.trim_start().starts_with("pub fn"),
            "{piece} is a piece of the one ending: keep it private"
        );
    }
    Ok(())
}

#[test]
fn a_story_that_is_off_the_screen_is_named() {
    let told = |before: usize| {
        let story = "async fn forward(saga: &Saga) {\n    step();\n}\n";
        format!("fn workflow_id() {{}}\nconst STEPS: x;\n{}{story}", "//\n".repeat(before))
    };
    assert_eq!(off_screen(&told(10)), None);
    assert!(off_screen(&told(107)).is_some_and(|why| why.contains("in line 112, behind line 110")));
    let backwards = "async fn forward() {}\nconst STEPS: x;\nfn workflow_id() {}\n";
    assert!(off_screen(backwards).is_some_and(|why| why.contains("keep that order")));
    assert!(off_screen("fn workflow_id() {}\n").is_some_and(|why| why.contains("no STEPS")));
    let two = "impl<W: Process> Saga<W> {\n    pub fn a() {}\n    fn b() {}\n}\nimpl Step<A> {\n    pub fn c() {}\n}\n";
    assert_eq!((public_methods(two, "Saga"), public_methods(two, "Step")), (1, 1));
}
