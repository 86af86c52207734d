//! Answers every run that asks about a step.
//!
//! Each question gets one update whose id is made from the run, the question, the action and the reason: interrupted
//! and given again, nobody is answered twice.

mod told;

use std::time::Duration;

use futures::{StreamExt as _, stream};
use workflows::saga::{Action, Answer, Answered, Question};

use crate::cli::answer::AnswerArgs;
use crate::commands::call::Call;
use crate::runs::answer::{TakeAnswer, update_id, was_given};
use crate::runs::connect::Session;
use crate::runs::people::choice_words;
use crate::runs::questions::{Asking, Questions, asking};
use crate::runs::run::{AnyProcess, Run, said_by_worker};
use crate::runs::subject::Subject;
use crate::runs::update::{Sending, Unanswered, Why, send};
use crate::terminal::exit::{Exit, Failure};
use crate::terminal::input;
use crate::terminal::output::Out;
use told::{Came, Summary, Told};

/// Runs that are answered at the same time: a retry may take long, and the systems behind it have limits.
const AT_ONCE: usize = 8;

/// Which questions are answered, and how.
struct Wanted {
    step: String,
    cause: Option<String>,
    action: Action,
    reason: String,
    limit: Duration,
}

/// `starter answer --all`.
pub(crate) async fn run(call: &Call<'_>, args: AnswerArgs) -> Result<Exit, Failure> {
    let AnswerArgs { step, cause, action, reason, yes, timeout, .. } = args;
    let step = step.ok_or_else(|| Failure::new(Exit::Usage, "--all needs --step"))?;
    let session = call.connect().await?;
    let is_meant = |run: &Asking| run.is_about(&step, cause.as_deref());
    let matching: Vec<Asking> = asking(&session).await?.into_iter().filter(is_meant).collect();
    say_count(call.out, &matching, &step, cause.as_deref());
    if let (Some(action), Some(reason)) = (action, reason) {
        let wanted = Wanted { step, cause, action: action.into(), reason, limit: timeout };
        if !matching.is_empty() && !yes {
            confirm(&wanted)?;
        }
        return answer(call.out, &session, &matching, &wanted).await;
    }
    if let Some(example) = matching.first() {
        say_choices(call.out, &session, example, &step).await;
    }
    Err(Failure::new(Exit::Usage, "no answer was given; nothing was sent").fix("say --action, and --reason"))
}

fn say_count(out: &Out, matching: &[Asking], step: &str, cause: Option<&str>) {
    let groups = Questions::of(matching).groups.into_iter();
    let causes: Vec<String> = groups
        .filter(|group| group.step == step && cause.is_none_or(|cause| cause == group.cause))
        .map(|group| format!(" ({}: {})", group.cause, group.runs))
        .collect();
    let noun = if matching.len() == 1 { "run asks" } else { "runs ask" };
    out.say(format!("{} {noun} about {step}{}", matching.len(), causes.concat()));
}

fn confirm(wanted: &Wanted) -> Result<(), Failure> {
    let question = format!("answer each of them with {}?", wanted.action.name());
    match input::confirmed(&question) {
        Ok(Some(true)) => Ok(()),
        Ok(Some(false)) => Err(Failure::new(Exit::Usage, "not confirmed; nothing was sent")),
        Ok(None) => Err(Failure::new(Exit::Usage, "many would be answered at once; nothing was sent")
            .fix("say --yes, or call it on a terminal, where it asks")),
        Err(error) => {
            Err(Failure::because(Exit::Failed, error, "cannot ask on the terminal; nothing was sent"))
        }
    }
}

/// Says the effect of each answer, as one of the runs describes it.
async fn say_choices(out: &Out, session: &Session, example: &Asking, step: &str) {
    let run = session.known(example.subject.clone());
    let Ok(progress) = run.progress().await else {
        return out.say("no worker says which answers they take");
    };
    if let Some(question) = progress.questions.iter().find(|question| question.about.step == step) {
        out.say(format!("of {}, for example:", run.subject.title()));
        choice_words(question).for_each(|line| out.say(line));
    }
}

async fn answer(out: &Out, session: &Session, matching: &[Asking], wanted: &Wanted) -> Result<Exit, Failure> {
    let mut told = Vec::new();
    let mut answering = stream::iter(matching)
        .map(|asking| answer_run(out, session, asking, wanted))
        .buffer_unordered(AT_ONCE);
    let mut number = 0;
    while let Some(of_run) = answering.next().await {
        number += 1;
        for told in &of_run {
            out.say(format!("[{number}/{}] {told}", matching.len()));
        }
        told.extend(of_run);
    }
    let summary = Summary::of(matching.len(), told);
    out.document(&summary, |paint| summary.text(paint))?;
    Ok(summary.exit())
}

/// Answers the questions of one run that are meant; there may be none any more.
async fn answer_run(out: &Out, session: &Session, asking: &Asking, wanted: &Wanted) -> Vec<Told> {
    let run = session.known(asking.subject.clone());
    let progress = match run.progress().await {
        Ok(progress) => progress,
        Err(error) => {
            let said = said_by_worker(&error);
            let came = if said.is_some() { Came::Failed } else { Came::NoWorker };
            return vec![Told::of(&run.subject, None, came, said)];
        }
    };
    let mut told = Vec::new();
    for question in progress.questions.iter().filter(|question| wanted.means(question)) {
        told.push(answer_question(out, session, &run, question, wanted).await);
    }
    if told.is_empty() {
        // The list trails the runs: its cause may be another one by now.
        let asks_still = progress.questions.iter().find(|question| question.about.step == wanted.step);
        told.push(match asks_still {
            Some(question) => {
                let why = format!("it asks for another cause by now: {}", question.cause);
                Told::of(&run.subject, Some(&question.id), Came::Refused, Some(why))
            }
            None => Told::of(&run.subject, None, Came::AlreadyAnswered, None),
        });
    }
    told
}

async fn answer_question(
    out: &Out,
    session: &Session,
    run: &Run,
    question: &Question,
    wanted: &Wanted,
) -> Told {
    let subject = &run.subject;
    let id = Some(question.id.as_str());
    if question.hands_off && matches!(wanted.action, Action::Retry | Action::Leave) {
        return Told::of(subject, id, Came::InHand, None);
    }
    let answer = Answer::to(question, wanted.action, &wanted.reason);
    let update_id = update_id(&subject.run_id, &answer);
    let was_given = match was_given(session, subject, &update_id).await {
        Ok(was_given) => was_given,
        Err(status) => return Told::of(subject, id, Came::Failed, Some(status.message().to_owned())),
    };
    let sending = sending(subject, update_id, wanted.limit);
    let told = match send::<AnyProcess, _>(session, out, sending, TakeAnswer, answer).await {
        Ok(Answered { outcome, detail, .. }) => Told::of(subject, id, outcome.into(), detail),
        Err(unanswered) => why_not(run, &question.id, unanswered).await,
    };
    told.given_before(was_given)
}

fn sending(subject: &Subject, update_id: String, limit: Duration) -> Sending {
    Sending {
        process: subject.process,
        workflow_id: subject.workflow_id.clone(),
        run_id: Some(subject.run_id.clone()),
        update_id: Some(update_id),
        limit,
    }
}

/// The meaning of an answer that was not taken: a refusal may only say that somebody was quicker.
async fn why_not(run: &Run, question: &str, unanswered: Unanswered) -> Told {
    let came = match unanswered.why {
        Why::NoWorker => Came::NoWorker,
        Why::Unfinished => Came::Unfinished,
        Why::Ended => Came::Ended,
        Why::Temporal => Came::Failed,
        Why::Refused => match run.progress().await {
            Ok(progress) if progress.questions.iter().all(|open| open.id != question) => {
                Came::AlreadyAnswered
            }
            _ => Came::Refused,
        },
    };
    Told::of(&run.subject, Some(question), came, Some(unanswered.failure.message()))
}

impl Wanted {
    fn means(&self, question: &Question) -> bool {
        question.about.step == self.step && self.cause.as_ref().is_none_or(|cause| *cause == question.cause)
    }
}
