//! The questions of a run to a person, with their facts, and the command that answers.

use jiff::Timestamp;
use workflows::report::Progress;
use workflows::saga::{Fact, Question, SubjectKind};

use super::subject::Subject;

/// The questions of a run, in lines; `progress` is `None` where no worker told them.
pub(crate) fn asked_words(subject: &Subject, progress: Option<&Progress>) -> Vec<String> {
    let Some(progress) = progress else {
        let status = subject.command("status");
        return vec![format!(
            "{} needs a person, and no worker answers to say for what; once one runs: {status}",
            subject.title()
        )];
    };
    let mut lines = vec![format!("{} needs a person", subject.title())];
    lines.extend(progress.questions.iter().flat_map(|question| question_words(subject, question)));
    if progress.questions.is_empty() {
        let status = subject.command("status");
        lines.push(format!("  its worker does not say for what; look again with: {status}"));
    }
    lines
}

/// One question: why, since when, what is known, what each answer does, and a command that answers.
pub(crate) fn question_words(subject: &Subject, question: &Question) -> Vec<String> {
    let kind = match question.about.kind {
        SubjectKind::Undo => "its undo",
        SubjectKind::Step => "the step",
        SubjectKind::Decision => "how to go on",
    };
    let Question { id, cause, reason, .. } = question;
    let mut lines = vec![format!("  {id} ({kind}; {cause}): {reason}")];
    let at = |name: &str, time: Option<Timestamp>| time.map(|time| format!("    {name}: {time:.0}"));
    lines.extend(at("since", question.since));
    lines.extend(at("can be answered until", question.deadline));
    lines.extend(question.facts.iter().map(|Fact { name, value }| format!("    {name}: {value}")));
    if question.hands_off {
        lines.push("    somebody does it by hand: nothing is tried at the moment".to_owned());
    }
    lines.extend(choice_words(question));
    if let Some(first) = question.answers.first() {
        lines.push(format!("    answer: {}", subject.answer(question, first.action)));
    }
    lines
}

/// The effect of each answer to a question.
pub(crate) fn choice_words(question: &Question) -> impl Iterator<Item = String> {
    question.answers.iter().map(|choice| format!("    {}: {}", choice.action.name(), choice.effect))
}

#[cfg(test)]
mod tests;
