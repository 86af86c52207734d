//! Every command that this program tells somebody to type is one that it takes.

use std::fs;
use std::path::Path;

use clap::Command;
use workflows::saga::{Action, Choice, Question, SubjectKind};

use crate::cli::Cli;
use crate::processes::ALL;
use crate::runs::people::question_words;
use crate::runs::questions::Group;
use crate::runs::subject::Subject;

/// Values to stand in a command; one of them fits every place.
const VALUES: [&str; 4] = ["ORDER-001", "0123456789abcdef", "x", "retry"];

fn is_taken(words: &str) -> bool {
    let args = std::iter::once("starter".to_owned()).chain(split(words));
    Cli::definition().try_get_matches_from(args).is_ok()
}

/// The words of a command as a shell reads them: what stands in quotation marks is one.
fn split(command: &str) -> Vec<String> {
    let (mut words, mut quote, mut is_literal) = (vec![String::new()], None, false);
    for c in command.chars() {
        let literal = std::mem::take(&mut is_literal);
        match quote {
            None if literal => words.last_mut().expect("it begins with one").push(c),
            None if c == '\\' => is_literal = true,
            Some(open) if open == c => quote = None,
            None if ['"', '\''].contains(&c) => quote = Some(c),
            None if c == ' ' => words.push(String::new()),
            _ => words.last_mut().expect("it begins with one").push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Every command in lines that are told.
fn told(lines: &[String]) -> Vec<&str> {
    lines.iter().filter_map(|line| Some(line.split_once("starter ")?.1)).collect()
}

/// A format string with a value in place of each hole.
fn filled(format: &str, value: &str) -> String {
    let mut filled = String::new();
    let mut parts = format.split('{');
    filled.push_str(parts.next().unwrap_or_default());
    for part in parts {
        filled.push_str(value);
        filled.push_str(part.split_once('}').map_or("", |(_, rest)| rest));
    }
    filled
}

/// Every source file but those of tests, by its path below `src`.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut found) = (vec![root.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of this program").map_while(Result::ok) {
            let path = entry.path();
            let name = path.strip_prefix(&root).expect("below the root").display().to_string();
            if path.is_dir() {
                folders.push(path);
            } else if !["tests.rs", "floors.rs", "said.rs"].iter().any(|test| name.ends_with(test)) {
                let text = fs::read_to_string(&path).expect("a file of this program");
                let own = text.split("\n#[cfg(test)]\n").next().unwrap_or_default().to_owned();
                found.push((name, own));
            }
        }
    }
    found
}

/// The format strings of `command!("…")`.
fn commands(source: &str) -> Vec<&str> {
    let calls = source.split("command!(").skip(1);
    calls.filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next()).collect()
}

#[test]
fn every_next_command_is_taken() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for (file, source) in sources() {
        for format in commands(&source) {
            count += 1;
            // A command that begins with a hole is put together from the table; the tests below go through it.
            let is_taken =
                format.starts_with('{') || VALUES.iter().any(|value| is_taken(&filled(format, value)));
            if !is_taken {
                wrong.push(format!("{file}: {format}"));
            }
        }
    }
    assert!(count > 10, "the commands in the sources are no longer found");
    assert_eq!(wrong, Vec::<String>::new(), "these commands are told and not taken");
}

#[test]
fn every_command_about_a_run_is_taken() {
    for process in ALL.iter().copied() {
        let key = if process.noun == "onboarding" { "0123456789abcdef" } else { "erp-001" };
        let workflow_id = format!("{}{key}", process.id_prefix);
        let subject = Subject { workflow_id, run_id: String::new(), process: Some(process) };
        for verb in ["status", "watch", "result"] {
            let command = subject.command(verb);
            assert!(is_taken(command.trim_start_matches("starter ")), "{command}");
        }
        if let Some(words) = process.started_by {
            let forms = [format!("{words} --input FILE"), format!("{words} {key}"), words.to_owned()];
            assert!(forms.iter().any(|form| is_taken(form)), "{words}");
        }
    }
    let foreign = Subject { workflow_id: "a/b".into(), run_id: String::new(), process: None };
    assert!(is_taken(foreign.command("watch").trim_start_matches("starter ")));
}

/// The commands that `starter questions`, and a run that asks, tell somebody to type next.
#[test]
fn every_command_about_a_question_is_taken() {
    let question = |answers: &[Action]| Question {
        id: "send-welcome-emails/coupon.2".to_owned(),
        about: workflows::saga::Subject {
            kind: match answers {
                [Action::Approve | Action::Reject | Action::Wait] => SubjectKind::Decision,
                _ => SubjectKind::Undo,
            },
            step: "send-welcome-emails".to_owned(),
            part: None,
        },
        cause: "it's odd".to_owned(),
        reason: "HTTP 500".to_owned(),
        since: "2026-06-01T00:00:00.123456789Z".parse().ok(),
        deadline: None,
        facts: Vec::new(),
        answers: answers.iter().map(|action| Choice { action: *action, effect: String::new() }).collect(),
        hands_off: false,
    };
    for process in ALL.iter().copied() {
        let workflow_id = format!("{}a b", process.id_prefix);
        let subject = Subject { workflow_id, run_id: String::new(), process: Some(process) };
        for action in Action::ALL {
            let lines = question_words(&subject, &question(&[action]));
            let commands = told(&lines);
            assert_eq!(commands.len(), 1, "{lines:?}");
            assert!(is_taken(commands[0]), "{commands:?}");
            let is_decision = matches!(action, Action::Approve | Action::Reject | Action::Wait);
            assert_eq!(commands[0].contains(" --since 2026-"), is_decision, "{commands:?}");
        }
        for step in process.decides_at.iter().copied().chain(["process-payment"]) {
            let group = Group::begun(&subject, None, step, "it's odd");
            for command in group.answer_all.iter().chain([&group.look]) {
                assert!(is_taken(command.trim_start_matches("starter ")), "{command}");
            }
        }
    }
}

/// A call of our own in a string would say `starter` to those who called `temporal sun`, and no test would read it.
#[test]
fn nothing_says_a_command_but_by_the_macro() {
    let nouns: Vec<String> =
        Cli::definition().get_subcommands().map(|noun| noun.get_name().to_owned()).collect();
    let mut found = Vec::new();
    for (file, source) in sources() {
        // The help is renamed as a whole.
        if file.starts_with("cli") {
            continue;
        }
        for (number, line) in (1..).zip(source.lines()) {
            let code = line.split("//").next().unwrap_or_default();
            let is_said = code
                .split("starter ")
                .skip(1)
                .any(|rest| nouns.iter().any(|noun| rest.starts_with(noun.as_str())));
            if is_said {
                found.push(format!("{file}:{number}: {}", line.trim()));
            }
        }
    }
    assert_eq!(found, Vec::<String>::new(), "say these with command!(…)");
}

/// The examples of a help, and of those below it.
fn examples(command: &Command) -> Vec<String> {
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let lines = help.lines().filter_map(|line| line.strip_prefix("  starter "));
    // The part that the shell reads is cut off, and so is a remark beside the command.
    let own = lines.map(|line| {
        line.split("  ")
            .next()
            .unwrap_or(line)
            .split([' '])
            .take_while(|word| !["<", ">", "|"].contains(word))
            .collect::<Vec<_>>()
            .join(" ")
    });
    own.chain(command.get_subcommands().flat_map(examples)).collect()
}

#[test]
fn every_example_of_the_help_is_taken() {
    let examples = examples(&Cli::definition());
    assert!(examples.len() > 10, "{examples:?}");
    let wrong: Vec<_> = examples.iter().filter(|example| !is_taken(example)).collect();
    assert!(wrong.is_empty(), "these examples are not taken: {wrong:#?}");
}
