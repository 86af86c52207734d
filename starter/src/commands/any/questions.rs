//! The open questions of the runs of every process: grouped, from Temporal's list alone.

use crate::commands::call::Call;
use crate::runs::questions::{Group, Questions, asking};
use crate::terminal::exit::{Exit, Failure};
use crate::terminal::output::Paint;
use crate::terminal::program::{command, word};

/// `starter questions`.
pub(crate) async fn run(call: &Call<'_>) -> Result<Exit, Failure> {
    let session = call.connect().await?;
    let questions = Questions::of(&asking(&session).await?);
    call.out.document(&questions, |paint| text(&questions, paint))?;
    Ok(if questions.runs == 0 { Exit::Ok } else { Exit::NeedsPerson })
}

fn text(questions: &Questions, paint: Paint) -> String {
    if questions.runs == 0 {
        return "nobody is asked anything".to_owned();
    }
    let mut text: String = questions.groups.iter().map(|group| group_text(group, paint)).collect();
    for workflow_id in &questions.unnamed {
        let show = command!("show {}", word(workflow_id));
        text.push_str(&format!("the list does not say what {workflow_id} asks; look at it: {show}\n"));
    }
    text
}

fn group_text(group: &Group, paint: Paint) -> String {
    let noun = if group.runs == 1 { "run" } else { "runs" };
    let names: Vec<&str> = group.processes.iter().copied().collect();
    let since =
        group.oldest_started_at.map(|time| format!(", the oldest from {time:.0}")).unwrap_or_default();
    let head = format!("{}: {}", group.step, group.cause);
    let mut text = format!("{} {} {noun} of {}{since}\n", paint.bad(head), group.runs, names.join(", "));
    text.push_str(&format!("  look at one: {}\n", group.look));
    for answer in &group.answer_all {
        text.push_str(&format!("  answer all:  {answer}\n"));
    }
    text
}
