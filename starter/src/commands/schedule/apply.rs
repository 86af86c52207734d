//! `starter schedule apply`: look first, say what will change, then change it, and make sure it was taken.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use temporalio_common::protos::temporal::api::operatorservice::v1::ListSearchAttributesRequest;
use temporalio_common::protos::temporal::api::schedule::v1::Schedule;
use tonic::IntoRequest as _;
use workflows::input::Problem;

use super::file::{self, Wanted};
use super::proto::{is_marked, marked, schedule};
use super::service::{Live, Schedules};
use super::view::{Change, View};
use crate::cli::schedule::ApplyArgs;
use crate::commands::call::Call;
use crate::runs::connect::Session;
use crate::terminal::exit::{Exit, Failure};
use crate::terminal::input;
use crate::terminal::output::{Out, Paint};
use crate::terminal::program::{command, word};

/// How often, and how long after one another, it is looked whether an update was taken.
const LOOKS: usize = 20;
const BETWEEN_LOOKS: Duration = Duration::from_millis(150);

/// The change that is made to a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Create,
    Update,
    NoChange,
    Delete,
    /// Somebody else changed it between our look and our change: theirs stands.
    Conflict,
}

/// One line of the result.
#[derive(Serialize)]
struct Line {
    id: String,
    verdict: Verdict,
    /// Whether it was done, or only said.
    done: bool,
    changes: Vec<Change>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paused: Option<String>,
}

/// A change that is still to be made.
struct Step {
    line: Line,
    wanted: Option<Schedule>,
    live: Option<Live>,
}

/// `starter schedule apply`.
pub(crate) async fn run(call: &Call<'_>, args: ApplyArgs) -> Result<Exit, Failure> {
    let wanted = read(&args.file)?;
    if args.prune && wanted.is_empty() {
        let message = format!(
            "{} names no schedule: --prune would delete all of ours; nothing was changed",
            args.file.display()
        );
        return Err(Failure::new(Exit::Usage, message).fix(format!(
            "is it the right file, and whole? To delete one: {}",
            command!("schedule delete ID")
        )));
    }
    for (one, other, workflow_id) in namesakes(&wanted) {
        call.out.say(format!(
            "note: '{one}' and '{other}' both start {workflow_id}: where their times meet, Temporal starts one run for \
             the two without a word; keep their times apart, with an offset or another minute"
        ));
    }
    let session = call.connect().await?;
    let schedules = Schedules::of(&session);
    attributes_are_known(&session, &wanted).await?;
    let mut steps = plan(&schedules, &wanted, call.task_queue()).await?;
    if args.prune {
        steps.extend(prune(&schedules, &wanted).await?);
    }
    if !args.diff {
        for step in &mut steps {
            let made = make(&schedules, step).await;
            made.map_err(|failure| {
                failure.fix(
                    "what stands above this schedule in the file is applied; apply again after the repair",
                )
            })?;
        }
    }
    let lines: Vec<Line> = steps.into_iter().map(|step| step.line).collect();
    call.out.list(&lines, |paint| text(&lines, paint))?;
    say(call.out, &lines, &args);
    let conflicts: Vec<_> = lines.iter().filter(|line| line.verdict == Verdict::Conflict).collect();
    if conflicts.is_empty() {
        let differs = lines.iter().any(|line| line.verdict != Verdict::NoChange);
        return Ok(if args.exit_code && differs { Exit::Failed } else { Exit::Ok });
    }
    let ids = conflicts.iter().map(|line| line.id.as_str()).collect::<Vec<_>>().join(", ");
    Err(Failure::new(Exit::Failed, format!("somebody else changed {ids} at the same time: theirs was kept"))
        .fix(format!(
            "look with '{}', and apply again",
            command!("schedule apply --file {} --diff", word(&args.file.to_string_lossy()))
        )))
}

fn read(path: &Path) -> Result<Vec<Wanted>, Failure> {
    let text = input::read(path).map_err(|failure| failure.during("the schedules cannot be read"))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    file::read(&text.json, folder).map_err(|problems| refused(&text.name, problems))
}

fn refused(name: &str, problems: Vec<Problem>) -> Failure {
    let noun = if problems.len() == 1 { "problem" } else { "problems" };
    let message = format!("{name} has {} {noun}; nothing was changed", problems.len());
    Failure::new(Exit::Usage, message).problems(problems)
}

/// Pairs of schedules whose runs have one name, but for the time. Temporal takes the second of two for a repetition of
/// the first.
fn namesakes(wanted: &[Wanted]) -> Vec<(&str, &str, &str)> {
    let mut first: HashMap<&str, &str> = HashMap::new();
    let mut pairs = Vec::new();
    for Wanted { id, plan, .. } in wanted {
        match first.get(plan.workflow_id.as_str()) {
            Some(other) => pairs.push((*other, id.as_str(), plan.workflow_id.as_str())),
            None => {
                first.insert(&plan.workflow_id, id);
            }
        }
    }
    pairs
}

/// A schedule whose runs carry attributes that the namespace does not know would start none, and say so nowhere.
async fn attributes_are_known(session: &Session, wanted: &[Wanted]) -> Result<(), Failure> {
    let needed: BTreeSet<&str> =
        wanted.iter().flat_map(|wanted| &wanted.plan.attributes).map(|update| update.name()).collect();
    let request = ListSearchAttributesRequest { namespace: session.namespace().to_owned() };
    let mut service = session.client.connection().operator_service();
    // An account that may not list the attributes may still apply the file.
    let Ok(known) = service.list_search_attributes(request.into_request()).await else { return Ok(()) };
    let known: HashMap<String, i32> = known.into_inner().custom_attributes;
    let missing: Vec<&str> = needed.into_iter().filter(|name| !known.contains_key(*name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let message =
        format!("search attributes are not registered: {}; nothing was changed", missing.join(", "));
    Err(Failure::new(Exit::Failed, message).fix(format!(
        "start a worker, which registers them, or see '{}'; then apply again",
        command!("doctor")
    )))
}

/// Compares everything before anything is changed.
async fn plan(schedules: &Schedules<'_>, wanted: &[Wanted], task_queue: &str) -> Result<Vec<Step>, Failure> {
    let mut steps = Vec::new();
    let mut strangers = Vec::new();
    for one in wanted {
        let mut target = schedule(schedules.client(), one, task_queue).await?;
        let live = schedules.find(&one.id).await?;
        let (verdict, changes, paused) = match &live {
            None => (Verdict::Create, Vec::new(), None),
            Some(live) if !is_marked(schedules.client(), live.memo.as_ref()).await => {
                strangers.push(one.id.as_str());
                continue;
            }
            Some(live) => {
                let paused = keep_pause(&mut target, live);
                let from = View::of(schedules.client(), &live.schedule).await;
                let changes = from.changes_to(&View::of(schedules.client(), &target).await);
                let verdict = if changes.is_empty() { Verdict::NoChange } else { Verdict::Update };
                (verdict, changes, paused)
            }
        };
        let line = Line { id: one.id.clone(), verdict, done: false, changes, paused };
        steps.push(Step { line, wanted: Some(target), live });
    }
    if strangers.is_empty() {
        return Ok(steps);
    }
    let message = format!("not made by this tool: {}; nothing was changed", strangers.join(", "));
    let delete = command!("schedule delete {}", word(strangers[0]));
    Err(Failure::new(Exit::Failed, message)
        .fix(format!("give yours another id, or delete that one with '{delete}' if it is to be replaced")))
}

/// Somebody paused it for a reason, or a failure did: no file undoes that.
fn keep_pause(target: &mut Schedule, live: &Live) -> Option<String> {
    if !live.is_paused() {
        return None;
    }
    if let Some(state) = &mut target.state {
        state.paused = true;
        state.notes = live.notes().to_owned();
    }
    Some(live.notes().to_owned())
}

/// Those that this tool made and the file does not name. The list may trail behind, so each is looked at again.
async fn prune(schedules: &Schedules<'_>, wanted: &[Wanted]) -> Result<Vec<Step>, Failure> {
    let mut steps = Vec::new();
    for entry in schedules.list().await? {
        let id = entry.schedule_id;
        if wanted.iter().any(|wanted| wanted.id == id) {
            continue;
        }
        let Some(live) = schedules.find(&id).await? else { continue };
        if is_marked(schedules.client(), live.memo.as_ref()).await {
            let line = Line { id, verdict: Verdict::Delete, done: false, changes: Vec::new(), paused: None };
            steps.push(Step { line, wanted: None, live: Some(live) });
        }
    }
    Ok(steps)
}

async fn make(schedules: &Schedules<'_>, step: &mut Step) -> Result<(), Failure> {
    let id = step.line.id.clone();
    let taken = match (step.line.verdict, step.wanted.take(), &step.live) {
        (Verdict::Create, Some(wanted), _) => {
            schedules.create(&id, wanted, marked(schedules.client()).await?).await?
        }
        (Verdict::Update, Some(wanted), Some(live)) => {
            schedules.update(&id, wanted.clone(), live.token.clone()).await?
                && is_taken(schedules, &id, &wanted, &live.token).await?
        }
        (Verdict::Delete, _, _) => {
            // Gone already is as good.
            schedules.delete(&id).await?;
            true
        }
        _ => return Ok(()),
    };
    if taken {
        step.line.done = true;
    } else {
        step.line.verdict = Verdict::Conflict;
    }
    Ok(())
}

/// Whether a schedule is now what it was to become.
async fn is_taken(
    schedules: &Schedules<'_>,
    id: &str,
    wanted: &Schedule,
    token: &[u8],
) -> Result<bool, Failure> {
    let target = View::of(schedules.client(), wanted).await;
    for _ in 0..LOOKS {
        let Some(live) = schedules.find(id).await? else { return Ok(false) };
        // Until the token moves nobody's change has arrived yet, ours included.
        if live.token != token {
            let is_same = View::of(schedules.client(), &live.schedule).await.changes_to(&target).is_empty();
            return Ok(is_same);
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    Ok(false)
}

fn text(lines: &[Line], paint: Paint) -> String {
    let mut text = String::new();
    for Line { id, verdict, done, changes, paused } in lines {
        let words = match (verdict, done) {
            (Verdict::Create, false) => paint.good("would be created"),
            (Verdict::Create, true) => paint.good("created"),
            (Verdict::Update, false) => paint.busy("would be updated"),
            (Verdict::Update, true) => paint.busy("updated"),
            (Verdict::Delete, false) => paint.bad("would be deleted"),
            (Verdict::Delete, true) => paint.bad("deleted"),
            (Verdict::NoChange, _) => "no change".to_owned(),
            (Verdict::Conflict, _) => paint.bad("not changed: somebody else was faster"),
        };
        let paused = paused.as_ref().map_or_else(String::new, |why| format!(" (stays paused: {why})"));
        text.push_str(&format!("{}: {words}{paused}\n", paint.strong(id)));
        for Change { setting, from, to } in changes {
            text.push_str(&format!("  {setting}: {from} → {to}\n"));
        }
    }
    text
}

fn say(out: &Out, lines: &[Line], args: &ApplyArgs) {
    if lines.is_empty() {
        out.say("the file holds no schedule");
    }
    if args.diff {
        out.say("--diff: nothing was changed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_is_told_in_words() {
        let change = |setting: &str, from: &str, to: &str| Change {
            setting: setting.to_owned(),
            from: from.to_owned(),
            to: to.to_owned(),
        };
        let lines = [
            Line {
                id: "a".to_owned(),
                verdict: Verdict::Update,
                done: false,
                changes: vec![change("zone", "UTC", "Asia/Ho_Chi_Minh")],
                paused: Some("stock-taking".to_owned()),
            },
            Line {
                id: "b".to_owned(),
                verdict: Verdict::NoChange,
                done: false,
                changes: vec![],
                paused: None,
            },
        ];
        assert_eq!(
            text(&lines, Paint::plain()),
            "a: would be updated (stays paused: stock-taking)\n  zone: UTC → Asia/Ho_Chi_Minh\nb: no change\n"
        );
    }
}
