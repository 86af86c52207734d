//! Sentences that have to be read twice, as far as a machine can tell.
//!
//! Subject first: a sentence that begins with "What", "Who" or "Whoever" and asks nothing makes the reader wait for its
//! subject ("What is sent twice counts once": "A mail that is sent twice counts once"). "Is no" reads as a slip of "is
//! not a". Headings, tables and quotations are not sentences of ours, and neither are failure texts, which are code.

use super::page::{Page, Piece, comments};
use super::{files, none};

/// The words that no sentence begins with, unless it asks.
const OPENINGS: [&str; 3] = ["What", "Who", "Whoever"];

/// Words that go with "no" before them: "is no longer".
const AFTER_NO: [&str; 8] = ["longer", "more", "less", "fewer", "better", "worse", "matter", "use"];

/// A text without its quotations.
fn unquoted(text: &str) -> String {
    text.split('"').step_by(2).collect::<Vec<_>>().join("\"")
}

/// The sentences of a paragraph, each with its end.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(['.', '!', '?']).map(str::trim)
}

/// Every fault of a paragraph.
fn faults(text: &str) -> Vec<String> {
    let text = unquoted(text);
    let mut found = Vec::new();
    for sentence in sentences(&text) {
        let first = sentence.split([' ', ',']).next().unwrap_or_default();
        if OPENINGS.contains(&first) && !sentence.ends_with(['?', ':']) {
            found.push(format!("begins with \"{first}\": name the subject first: {sentence}"));
        }
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    for four in words.windows(4) {
        let [before, verb, no, after] = four else { continue };
        let is_fault = ["is", "are", "was", "were"].contains(verb) && *no == "no";
        if is_fault
            && !before.eq_ignore_ascii_case("there")
            && !AFTER_NO.contains(&after.trim_matches(['.', ',', ';']))
        {
            found.push(format!("\"{verb} no {after}\": write \"{verb} not …\""));
        }
    }
    found
}

#[test]
fn sentences_begin_with_their_subject() -> anyhow::Result<()> {
    let comments = files(".rs")?.into_iter().map(|(path, source)| (path, comments(&source)));
    let mut offenders = Vec::new();
    for (path, text) in files(".md")?.into_iter().chain(comments) {
        for Piece { line, text } in Page::read(&text).prose {
            offenders.extend(faults(&text).iter().map(|fault| format!("{path}:{line}: {fault}")));
        }
    }
    none(&offenders, "a sentence has to be read twice:");
    Ok(())
}

#[test]
fn a_sentence_that_begins_with_its_object_is_found() {
    for (text, expected) in [
        ("A step. What is sent counts.", 1),
        ("Whoever asks, waits.", 1),
        ("It is no future.", 1),
        ("What now? Whose turn is it?", 0),
        ("There is no search, it is no longer asked, and \"is no date\" is a failure.", 0),
        ("What it promises:", 0),
        ("What is written: nothing.", 1),
        ("So what is sent counts.", 0),
    ] {
        assert_eq!(faults(text).len(), expected, "{text}: {:?}", faults(text));
    }
}
