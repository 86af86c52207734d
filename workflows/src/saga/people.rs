//! One way to ask a person: what is asked, what may be answered, and what each answer does.
//!
//! A run asks when it must not decide by itself: an undo that stuck, a step that has to happen and does not, a change
//! beyond its limits. Each question is one [`Question`], each answer one [`Answer`], taken by the update `answer`.
//! While a question is open the run is found by the search attributes `SunNeedsHuman` and `SunQuestion`
//! (`process-payment: no_answer`), and the Web UI shows the question with its facts and the JSON that answers it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use answer::{Action, Answer, AnswerOutcome, Answered};

/// A question that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Names the question within its run: the step, or `step/part`. A later question about the same step has a number
    /// behind it: `process-payment.2`.
    pub id: String,
    /// The step or undo that it is about.
    pub about: Subject,
    /// Why it is asked, as a short code to group by: `no_answer`, `refused`, `limits`.
    pub cause: String,
    /// Why it is asked, in words: the last thing heard.
    pub reason: String,
    /// When it was asked, by workflow time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Until when it can be answered; absent when it waits for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Timestamp>,
    /// Facts about the matter: the payment's id, the amount.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<Fact>,
    /// The answers that it takes.
    pub answers: Vec<Choice>,
    /// Whether somebody does it by hand at the moment, so that nothing is tried.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hands_off: bool,
}

/// The subject of a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Which kind of thing.
    pub kind: SubjectKind,
    /// The step.
    pub step: String,
    /// The part of the step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
}

/// The kinds of things that people are asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectKind {
    /// An undo that did not go through.
    Undo,
    /// A step that has to happen and did not.
    Step,
    /// Whether the run may go on.
    Decision,
}

/// Something that is known about the matter of a question. No personal data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// The fact's name: `payment_id`.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// An answer that a question takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The answer.
    pub action: Action,
    /// The effect on goods and money, in words.
    pub effect: String,
}

/// Characters of an answer's reason, at most.
const REASON_MAX: usize = 500;

/// The questions of a run: those that are open, and the answers on their way to them.
#[derive(Default)]
pub(super) struct People {
    open: Vec<Question>,
    /// How often each subject was asked about.
    asked: BTreeMap<String, u32>,
    /// The steps about which a question was closed.
    closed: BTreeSet<String>,
    /// The known facts, by step.
    facts: BTreeMap<String, Vec<Fact>>,
    tickets: u64,
    inbox: VecDeque<(u64, Answer)>,
    outbox: BTreeMap<u64, Answered>,
    /// The value of the search attribute at the moment.
    said: Vec<String>,
}

impl People {
    pub(super) fn open(&self) -> &[Question] {
        &self.open
    }

    /// Asks. The id is made from the subject.
    pub(super) fn ask(&mut self, mut question: Question) -> String {
        let name = question.about.name();
        let times = self.asked.entry(name.clone()).or_default();
        *times += 1;
        question.id = if *times == 1 { name } else { format!("{name}.{times}") };
        question.facts.extend(self.facts.get(&question.about.step).into_iter().flatten().cloned());
        let id = question.id.clone();
        self.open.push(question);
        id
    }

    pub(super) fn question_mut(&mut self, id: &str) -> Option<&mut Question> {
        self.open.iter_mut().find(|question| question.id == id)
    }

    /// Closes a question. A person who answers it from now on, or has answered and was not heard yet, is told that it
    /// was answered.
    pub(super) fn close(&mut self, id: &str, how: &str) {
        let closed = self.open.iter().filter(|question| question.id == id);
        self.closed.extend(closed.map(|question| question.about.step.clone()));
        self.open.retain(|question| question.id != id);
        let (late, others): (VecDeque<_>, _) =
            self.inbox.drain(..).partition(|(_, answer)| answer.question == id);
        self.inbox = others;
        for (ticket, _) in late {
            self.reply(ticket, id, AnswerOutcome::AlreadyAnswered, Some(how.to_owned()));
        }
    }

    /// Finds the open question that an answer names. The step's name stands for a question about it only until that
    /// question is closed: an answer that comes late, or twice, must not land on the next one.
    pub(super) fn find(&self, named: &str) -> Result<&Question, String> {
        if let Some(question) = self.open.iter().find(|question| question.id == named) {
            return Ok(question);
        }
        if self.asked.contains_key(named) {
            let now = self.ids(|_| true);
            let now = if now.is_empty() { "nothing".to_owned() } else { now };
            return Err(format!("'{named}' was answered, or has settled itself; open now: {now}"));
        }
        let mut about = self.open.iter().filter(|question| question.about.step == named);
        match (about.next(), about.next()) {
            (Some(_), None) if self.closed.contains(named) => Err(format!(
                "a question about '{named}' was answered, or has settled itself; name the other one: {}",
                self.ids(|question| question.about.step == named)
            )),
            (Some(question), None) => Ok(question),
            (Some(_), Some(_)) => Err(format!(
                "several questions are about '{named}', name one of them: {}",
                self.ids(|question| question.about.step == named)
            )),
            (None, _) if self.open.is_empty() => Err(format!(
                "'{named}' is not asked about: no question is open, it may have been answered already"
            )),
            (None, _) => Err(format!("'{named}' is not asked about; open: {}", self.ids(|_| true))),
        }
    }

    fn ids(&self, wanted: impl Fn(&Question) -> bool) -> String {
        let ids: Vec<&str> = self.open.iter().filter(|q| wanted(q)).map(|q| q.id.as_str()).collect();
        ids.join(", ")
    }

    /// Whether an answer can be taken.
    pub(super) fn check(&self, answer: &Answer) -> Result<(), String> {
        let question = self.find(&answer.question)?;
        if answer.since.is_some() && answer.since != question.since {
            return Err(format!("'{}' was asked anew meanwhile: look at it again", question.id));
        }
        if answer.hands_off.is_some_and(|seen| seen != question.hands_off) {
            let id = &question.id;
            return Err(format!(
                "somebody has answered '{id}' meanwhile (hands_off or retry): look at it again"
            ));
        }
        if !question.answers.iter().any(|choice| choice.action == answer.action) {
            let taken: Vec<&str> = question.answers.iter().map(|choice| choice.action.name()).collect();
            let (id, given) = (&question.id, answer.action.name());
            return Err(format!("'{id}' cannot be answered with {given}; it takes: {}", taken.join(", ")));
        }
        let length = answer.reason.trim().chars().count();
        if length == 0 || length > REASON_MAX {
            return Err(format!("reason must have 1 to {REASON_MAX} characters: it goes into the report"));
        }
        Ok(())
    }

    /// Takes an answer and gives the ticket under which its outcome will lie.
    pub(super) fn take(&mut self, answer: Answer) -> u64 {
        self.tickets += 1;
        let ticket = self.tickets;
        // Somebody was quicker, in the same moment: the validator saw the question open.
        match self.find(&answer.question).map(|question| question.id.clone()) {
            Ok(question) => {
                let reason = answer.reason.trim().to_owned();
                self.inbox.push_back((ticket, Answer { question, reason, ..answer }));
            }
            Err(_) => self.reply(ticket, &answer.question, AnswerOutcome::AlreadyAnswered, None),
        }
        ticket
    }

    pub(super) fn has_answer(&self, id: &str) -> bool {
        self.inbox.iter().any(|(_, answer)| answer.question == id)
    }

    /// The oldest answer to a question that nobody has heard yet.
    pub(super) fn next_answer(&mut self, id: &str) -> Option<(u64, Answer)> {
        let position = self.inbox.iter().position(|(_, answer)| answer.question == id)?;
        self.inbox.remove(position)
    }

    pub(super) fn reply(&mut self, ticket: u64, id: &str, outcome: AnswerOutcome, detail: Option<String>) {
        self.outbox.insert(ticket, Answered { question: id.to_owned(), outcome, detail });
    }

    pub(super) fn outcome(&self, ticket: u64) -> Option<&Answered> {
        self.outbox.get(&ticket)
    }

    /// Notes what is known about a step, for questions that may come.
    pub(super) fn note(&mut self, step: &str, name: &str, value: String) {
        let facts = self.facts.entry(step.to_owned()).or_default();
        facts.retain(|fact| fact.name != name);
        facts.push(Fact { name: name.to_owned(), value });
    }

    /// The value of the search attribute `SunQuestion`, if it is another one than before.
    pub(super) fn news(&mut self) -> Option<Vec<String>> {
        let mut now: Vec<String> =
            self.open.iter().map(|question| format!("{}: {}", question.about.step, question.cause)).collect();
        now.sort();
        now.dedup();
        if now == self.said {
            return None;
        }
        self.said.clone_from(&now);
        Some(now)
    }

    /// The open questions as Markdown, each with the JSON that answers it; those that do not fit into so many bytes are
    /// named.
    pub(super) fn markdown(&self, bytes: usize) -> String {
        let mut text = String::new();
        for (shown, question) in self.open.iter().enumerate() {
            let next = question.markdown();
            if text.len() + next.len() > bytes {
                let rest: Vec<&str> =
                    self.open[shown..].iter().map(|question| question.id.as_str()).collect();
                // Ids are short; however many there are, they must not crowd out the step table.
                let named: String = rest.join(", ").chars().take(1_000).collect();
                text.push_str(&format!("\n\n**And {} more questions**: {named}", rest.len()));
                break;
            }
            if shown > 0 {
                text.push_str("\n\n");
            }
            text.push_str(&next);
        }
        text
    }
}

impl Subject {
    pub(super) fn name(&self) -> String {
        match &self.part {
            Some(part) => format!("{}/{part}", self.step),
            None => self.step.clone(),
        }
    }
}

mod answer;
mod markdown;
#[cfg(test)]
mod tests;
