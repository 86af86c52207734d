//! A question as the Web UI shows it.

use std::fmt::Write as _;

use super::{Choice, Fact, Question, SubjectKind};

impl Question {
    /// The question as the Web UI shows it.
    pub(super) fn markdown(&self) -> String {
        let kind = match self.about.kind {
            SubjectKind::Undo => "the undo of",
            SubjectKind::Step => "the step",
            SubjectKind::Decision => "how to go on at",
        };
        let mut text = format!(
            "**A person is asked about {kind} `{}`** (`{}`): {}\n\n",
            self.about.name(),
            self.cause,
            one_line(&self.reason)
        );
        // Writing to a string cannot fail.
        if let Some(since) = self.since {
            let _ok = writeln!(text, "- since: {since}");
        }
        if let Some(deadline) = self.deadline {
            let _ok = writeln!(text, "- can be answered until: {deadline}");
        }
        for Fact { name, value } in &self.facts {
            let _ok = writeln!(text, "- {name}: {}", one_line(value));
        }
        if self.hands_off {
            text.push_str("- somebody does it by hand: nothing is tried at the moment\n");
        }
        text.push_str("\n| answer | what it does |\n|---|---|\n");
        for Choice { action, effect } in &self.answers {
            let _ok = writeln!(text, "| `{}` | {} |", action.name(), one_line(effect));
        }
        let first = self.answers.first().map_or("retry", |choice| choice.action.name());
        let since = self.since.map(|since| format!(", \"since\": \"{since}\"")).unwrap_or_default();
        let _ok = write!(
            text,
            "\nUpdate `answer`: `{{\"question\": \"{}\", \"action\": \"{first}\", \"reason\": \"why\"{since}}}`",
            self.id
        );
        text
    }
}

/// Text of others must not break out of its line or cell.
fn one_line(text: &str) -> String {
    text.replace(['|', '\n', '\r', '<', '`', '[', ']'], " ")
}
