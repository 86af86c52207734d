//! Answers a run that waits for a person.

use jiff::Timestamp;
use serde_json::json;
use temporalio_client::WorkflowExecutionStatus;
use workflows::report::Progress;
use workflows::saga::{Answer, AnswerOutcome, Answered, Question};

use super::answer_all;
use crate::cli::answer::AnswerArgs;
use crate::cli::shared::ResolveArgs;
use crate::commands::call::Call;
use crate::processes;
use crate::processes::name::Name;
use crate::processes::of_noun;
use crate::runs::answer::TakeAnswer;
use crate::runs::connect::Session;
use crate::runs::people::question_words;
use crate::runs::run::{AnyProcess, Run, said_by_worker};
use crate::runs::subject::Subject;
use crate::runs::update::{Sending, send};
use crate::terminal::exit::{Exit, Failure};
use crate::terminal::output::Out;
use crate::terminal::program::{command, word};

/// `starter answer`.
pub(crate) async fn run(call: &Call<'_>, mut args: AnswerArgs) -> Result<Exit, Failure> {
    match args.run.take() {
        None => answer_all::run(call, args).await,
        Some(name) => one(call, &name, args).await,
    }
}

/// Answers one run, if it takes that answer.
async fn one(call: &Call<'_>, name: &str, args: AnswerArgs) -> Result<Exit, Failure> {
    let session = call.connect().await?;
    let run = find(&session, name).await?;
    answer_run(call, &session, &run, args).await
}

async fn answer_run(
    call: &Call<'_>,
    session: &Session,
    run: &Run,
    args: AnswerArgs,
) -> Result<Exit, Failure> {
    let progress = questions_of(run).await?;
    let subject = &run.subject;
    let question = chosen(subject, &progress.questions, args.question.as_deref())?;
    as_seen(subject, question, args.since)?;
    let action = args.action.map(workflows::saga::Action::from);
    let taken = action.filter(|action| question.answers.iter().any(|choice| choice.action == *action));
    let (Some(action), Some(reason)) = (taken, args.reason) else {
        return Err(not_taken(call.out, subject, question, action));
    };
    let sending = Sending {
        process: subject.process,
        workflow_id: subject.workflow_id.clone(),
        run_id: Some(subject.run_id.clone()),
        update_id: None,
        limit: args.timeout,
    };
    give(call.out, session, sending, Answer::to(question, action, &reason)).await
}

/// Refuses an answer to a question that was asked at another moment than the one that was looked at: a sync that is
/// started again asks about other figures under the same name.
fn as_seen(subject: &Subject, question: &Question, since: Option<Timestamp>) -> Result<(), Failure> {
    if since.is_none_or(|since| question.since == Some(since)) {
        return Ok(());
    }
    let message = format!("{} has asked '{}' anew meanwhile; nothing was sent", subject.title(), question.id);
    let again = command!("answer {}", word(&subject.workflow_id));
    Err(Failure::new(Exit::Failed, message).fix(format!("look at it again: {again}")))
}

/// `starter erp approve` and `reject`: answers the one question of a run.
pub(crate) async fn decide(call: &Call<'_>, workflow_id: &str, args: AnswerArgs) -> Result<Exit, Failure> {
    let session = call.connect().await?;
    let (run, _) = session.find(workflow_id).await?;
    answer_run(call, &session, &run, args).await
}

/// The run that a name means: of several that it may mean, the one that is open.
async fn find(session: &Session, name: &str) -> Result<Run, Failure> {
    let (mut open, mut closed, mut missing) = (Vec::new(), Vec::new(), None);
    for workflow_id in processes::meant(name)? {
        match session.find(&workflow_id).await {
            Ok((run, found)) if found.status() == WorkflowExecutionStatus::Running => open.push(run),
            Ok((run, _)) => closed.push(run),
            Err(failure) if failure.exit == Exit::NotFound => missing = missing.or(Some(failure)),
            Err(failure) => return Err(failure),
        }
    }
    if open.len() > 1 {
        let ids: Vec<_> = open.iter().map(|run| run.subject.workflow_id.as_str()).collect();
        let message = format!("'{name}' may be any of {}", ids.join(", "));
        return Err(Failure::new(Exit::Usage, message).fix("give the workflow id; nothing was sent"));
    }
    let found = open.pop().or_else(|| closed.into_iter().next());
    found.ok_or_else(|| missing.unwrap_or_else(|| Failure::new(Exit::NotFound, "no such run")))
}

/// The open questions of a run, as its worker tells them.
pub(crate) async fn questions_of(run: &Run) -> Result<Progress, Failure> {
    let title = run.subject.title();
    let error = match run.progress().await {
        Ok(progress) => return Ok(progress),
        Err(error) => error,
    };
    Err(match (run.failing_task().await, said_by_worker(&error)) {
        (Some(task), _) => task.not_taken(&run.subject),
        (None, Some(words)) => {
            Failure::new(Exit::Failed, format!("a worker cannot say what {title} asks: {words}"))
        }
        (None, None) => {
            let fix = format!("is a worker running? '{}' looks closer; nothing was sent", command!("doctor"));
            Failure::new(Exit::Failed, format!("no worker answers to say what {title} asks")).fix(fix)
        }
    })
}

/// The question that is meant: the one that is named, by its id or its step; or the only one.
fn chosen<'q>(subject: &Subject, open: &'q [Question], named: Option<&str>) -> Result<&'q Question, Failure> {
    if open.is_empty() {
        let message = format!("{} asks nothing: it may have been answered already", subject.title());
        return Err(Failure::new(Exit::Failed, message)
            .fix(format!("'{}' shows where it stands", subject.command("status"))));
    }
    let by_id = open.iter().find(|question| named == Some(question.id.as_str()));
    let meant: Vec<&Question> = match by_id {
        Some(question) => vec![question],
        None => open.iter().filter(|q| named.is_none_or(|named| named == q.about.step)).collect(),
    };
    match meant.as_slice() {
        [question] => Ok(question),
        _ => Err(not_chosen(subject, if meant.is_empty() { open.iter().collect() } else { meant }, named)),
    }
}

/// Names the questions of which one has to be chosen.
fn not_chosen(subject: &Subject, open: Vec<&Question>, named: Option<&str>) -> Failure {
    let title = subject.title();
    let ids: Vec<&str> = open.iter().map(|question| question.id.as_str()).collect();
    let ids = ids.join(", ");
    let message = match named {
        Some(named) if open.iter().all(|question| question.about.step != named) => {
            format!("{title} does not ask about '{named}'; open: {ids}")
        }
        _ => format!("{title} asks more than one thing: {ids}"),
    };
    let lines: Vec<_> = open
        .iter()
        .map(|question| command!("answer {} {}", word(&subject.workflow_id), word(&question.id)))
        .collect();
    Failure::new(Exit::Usage, message).fix(format!("name one of them: {}", lines.join("; ")))
}

/// Says what is asked and what each answer does.
fn not_taken(
    out: &Out,
    subject: &Subject,
    question: &Question,
    action: Option<workflows::saga::Action>,
) -> Failure {
    for line in question_words(subject, question) {
        out.say(line);
    }
    let taken: Vec<&str> = question.answers.iter().map(|choice| choice.action.name()).collect();
    let message = match action {
        Some(action) => {
            format!("'{}' cannot be answered with {}; nothing was sent", question.id, action.name())
        }
        None => format!("no answer was given to '{}'; nothing was sent", question.id),
    };
    Failure::new(Exit::Usage, message).fix(format!("say --action {}, and --reason", taken.join(", or ")))
}

/// `starter <noun> resolve-undo`.
pub(crate) async fn resolve_undo<N: Name>(call: &Call<'_>, args: ResolveArgs<N>) -> Result<Exit, Failure> {
    let answer = Answer::new(&args.step, args.action.into(), &args.reason);
    let sending = Sending {
        process: of_noun(N::NOUN),
        workflow_id: args.name.workflow_id()?,
        run_id: None,
        update_id: None,
        limit: args.timeout,
    };
    give(call.out, &call.connect().await?, sending, answer).await
}

/// Sends an answer, and says what came of it.
pub(crate) async fn give(
    out: &Out,
    session: &Session,
    sending: Sending,
    answer: Answer,
) -> Result<Exit, Failure> {
    let workflow_id = sending.workflow_id.clone();
    let answered = send::<AnyProcess, _>(session, out, sending, TakeAnswer, answer).await?;
    let Answered { question, outcome, detail } = &answered;
    let document = json!({
        "workflow_id": workflow_id, "question": question, "outcome": outcome, "detail": detail,
    });
    let detail = detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default();
    out.document(&document, |_| format!("{question}: {}{detail}", outcome.words()))?;
    // The run waits for a person still.
    let is_open = matches!(outcome, AnswerOutcome::FailedAgain | AnswerOutcome::HandsOff);
    Ok(if is_open { Exit::NeedsPerson } else { Exit::Ok })
}
