//! The actions on one schedule by hand: pause, unpause, trigger, backfill, delete.

use std::time::{Duration, SystemTime};

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde_json::json;
use temporalio_common::protos::temporal::api::enums::v1::ScheduleOverlapPolicy;
use temporalio_common::protos::temporal::api::schedule::v1::{
    BackfillRequest, ScheduleInfo, SchedulePatch, TriggerImmediatelyRequest,
};

use super::look::{in_zone, to_come};
use super::proto::{run_of, text};
use super::service::{Live, Schedules, just_before};
use crate::cli::schedule::{BackfillArgs, PauseArgs, TriggerArgs};
use crate::commands::call::Call;
use crate::terminal::exit::{Exit, Failure};
use crate::terminal::program::{command, word};

/// As many runs as the server lets wait.
const BACKFILL_MAX: usize = 1_000;
/// How long a triggered run may take to be seen.
const LOOKS: usize = 40;
const BETWEEN_LOOKS: Duration = Duration::from_millis(125);

/// `starter schedule pause`.
pub(crate) async fn pause(call: &Call<'_>, args: PauseArgs) -> Result<Exit, Failure> {
    let session = call.connect().await?;
    let schedules = Schedules::of(&session);
    schedules.get(&args.id).await?;
    schedules
        .patch(&args.id, SchedulePatch { pause: args.reason.clone(), ..SchedulePatch::default() })
        .await?;
    let document = json!({ "id": args.id, "paused": true, "reason": args.reason });
    call.out.document(&document, |_| format!("{} is paused: {}", args.id, args.reason))?;
    Ok(Exit::Ok)
}

/// `starter schedule unpause`. The note comes back that the reason had replaced.
pub(crate) async fn unpause(call: &Call<'_>, id: &str) -> Result<Exit, Failure> {
    let session = call.connect().await?;
    let schedules = Schedules::of(&session);
    let live = schedules.get(id).await?;
    if live.is_paused() {
        let unpause = note(&schedules, &live).await.unwrap_or_else(|| "unpaused".to_owned());
        schedules.patch(id, SchedulePatch { unpause, ..SchedulePatch::default() }).await?;
    }
    let next = to_come(&live.info.future_action_times).next();
    let document = json!({ "id": id, "paused": false, "was_paused": live.is_paused(), "next_at": next });
    call.out.document(&document, |_| {
        let next = next.map_or_else(String::new, |next| format!("; next {}", in_zone(next, live.zone())));
        let what = if live.is_paused() { "runs again" } else { "was not paused" };
        format!("{id} {what}{next}")
    })?;
    Ok(Exit::Ok)
}

/// The note of the file, which every run carries.
async fn note(schedules: &Schedules<'_>, live: &Live) -> Option<String> {
    let metadata = run_of(&live.schedule)?.user_metadata.as_ref()?;
    text(schedules.client(), metadata.details.as_ref()?).await
}

/// `starter schedule trigger`.
pub(crate) async fn trigger(call: &Call<'_>, args: TriggerArgs) -> Result<Exit, Failure> {
    let session = call.connect().await?;
    let schedules = Schedules::of(&session);
    let before = schedules.get(&args.id).await?.info;
    let policy = args.overlap.map_or(ScheduleOverlapPolicy::Unspecified, |overlap| overlap.policy());
    let request = TriggerImmediatelyRequest { overlap_policy: policy.into(), ..Default::default() };
    let patch = SchedulePatch { trigger_immediately: Some(request), ..SchedulePatch::default() };
    schedules.patch(&args.id, patch).await?;
    let (what, workflow_id) = became(&schedules, &args.id, &before).await?;
    let document = json!({ "id": args.id, "became": what, "workflow_id": workflow_id });
    call.out.document(&document, |_| match (&workflow_id, what) {
        (Some(workflow_id), _) => format!("started {workflow_id}"),
        (None, "skipped") => format!("{} started nothing: its last run is under way", args.id),
        (None, "waiting") => format!("{} waits for the run under way", args.id),
        (None, _) => {
            let show = command!("schedule show {}", word(&args.id));
            format!("{} was triggered; '{show}' will show the run", args.id)
        }
    })?;
    if what == "skipped" {
        call.out.say(
            "fix: wait for its end, or say what shall happen: --overlap buffer_one, allow_all, cancel_other",
        );
        return Ok(Exit::Failed);
    }
    Ok(Exit::Ok)
}

/// The server's answer to a trigger (`started`, `skipped`, `waiting`, or `requested` when none shows in time), and the
/// run.
async fn became(
    schedules: &Schedules<'_>,
    id: &str,
    before: &ScheduleInfo,
) -> Result<(&'static str, Option<String>), Failure> {
    for _ in 0..LOOKS {
        let now = schedules.get(id).await?.info;
        if now.action_count > before.action_count {
            let started = now.recent_actions.last().and_then(|action| action.start_workflow_result.as_ref());
            return Ok(("started", started.map(|run| run.workflow_id.clone())));
        }
        if now.overlap_skipped > before.overlap_skipped {
            return Ok(("skipped", None));
        }
        if now.buffer_size > before.buffer_size {
            return Ok(("waiting", None));
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    Ok(("requested", None))
}

/// `starter schedule backfill`.
pub(crate) async fn backfill(call: &Call<'_>, args: BackfillArgs) -> Result<Exit, Failure> {
    let session = call.connect().await?;
    let schedules = Schedules::of(&session);
    let live = schedules.get(&args.id).await?;
    let (from, to) = (moment("--from", &args.from, live.zone())?, moment("--to", &args.to, live.zone())?);
    if from > to {
        return Err(
            Failure::new(Exit::Usage, "--from is after --to").fix("turn them round; nothing was started")
        );
    }
    let now = Timestamp::now();
    if to > now {
        let message = format!("--to {to:.0} lies ahead, it is {now:.0}: times to come would be run at once");
        return Err(Failure::new(Exit::Usage, message)
            .fix(format!("--to {now:.0}, or earlier: they come by themselves; nothing was started")));
    }
    let times = schedules.times(&args.id, from, to).await?;
    let in_words: Vec<String> = times.iter().map(|time| in_zone(*time, live.zone())).collect();
    if times.is_empty() {
        let message = format!("{} has no time from {from} to {to}: nothing was started", args.id);
        let show = command!("schedule show {}", word(&args.id));
        return Err(Failure::new(Exit::Usage, message).fix(format!("'{show}' shows its times and its zone")));
    }
    if times.len() >= BACKFILL_MAX {
        let message = format!("{BACKFILL_MAX} times or more lie between: the server would drop some");
        return Err(Failure::new(Exit::Usage, message)
            .fix("take a shorter range, and another when its runs have ended"));
    }
    if !args.dry_run {
        let request = BackfillRequest {
            start_time: Some(SystemTime::from(just_before(from)).into()),
            end_time: Some(SystemTime::from(to).into()),
            overlap_policy: args.overlap.policy().into(),
        };
        let patch = SchedulePatch { backfill_request: vec![request], ..SchedulePatch::default() };
        schedules.patch(&args.id, patch).await?;
    }
    let document =
        json!({ "id": args.id, "times": times, "overlap": args.overlap.name(), "dry_run": args.dry_run });
    call.out.document(&document, |_| {
        let (count, overlap) = (times.len(), args.overlap.name());
        let verb = if args.dry_run { "would be run" } else { "are run" };
        format!("{count} times of {} {verb} ({overlap}):\n  {}", args.id, in_words.join("\n  "))
    })?;
    if live.is_paused() {
        call.out.say("note: the schedule is paused; a backfill runs all the same");
    }
    Ok(Exit::Ok)
}

/// A moment as RFC 3339, or as the zone's clocks show it.
fn moment(flag: &str, text: &str, zone: &str) -> Result<Timestamp, Failure> {
    if let Some(moment) = text::moment(text) {
        return moment.map_err(|refusal| {
            Failure::new(Exit::Usage, format!("{flag} '{text}' {}", refusal.problem))
                .fix(format!("{}; nothing was started", refusal.fix))
        });
    }
    let civil = text.parse::<DateTime>().or_else(|_| text.parse::<Date>().map(DateTime::from));
    let zoned = civil.and_then(|civil| TimeZone::get(zone)?.to_ambiguous_zoned(civil).unambiguous());
    zoned.map(|zoned: Zoned| zoned.timestamp()).map_err(|error| {
        Failure::because(Exit::Usage, error, format!("{flag} '{text}' is no moment in {zone}")).fix(
            "write 2026-11-01T02:00:00Z, or 2026-11-01T02:00 as clocks there show it; nothing was started",
        )
    })
}

/// `starter schedule delete`.
pub(crate) async fn delete(call: &Call<'_>, id: &str) -> Result<Exit, Failure> {
    let session = call.connect().await?;
    let schedules = Schedules::of(&session);
    schedules.get(id).await?;
    schedules.delete(id).await?;
    call.out.document(&json!({ "id": id, "deleted": true }), |_| {
        format!("{id} is deleted; its runs under way go on")
    })?;
    Ok(Exit::Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_in_the_schedules_zone() {
        let at =
            |text, zone| moment("--from", text, zone).map(|moment| moment.to_string()).map_err(|e| e.exit);
        assert_eq!(at("2026-11-01T02:00:00Z", "Asia/Ho_Chi_Minh"), Ok("2026-11-01T02:00:00Z".to_owned()));
        assert_eq!(at("2026-11-01T09:00", "Asia/Ho_Chi_Minh"), Ok("2026-11-01T02:00:00Z".to_owned()));
        assert_eq!(at("2026-11-01", "Asia/Ho_Chi_Minh"), Ok("2026-10-31T17:00:00Z".to_owned()));
        // Twice on that clock, or never: the person has to say which.
        assert_eq!(at("2026-11-01T01:30", "America/New_York"), Err(Exit::Usage));
        assert_eq!(at("2026-03-08T02:30", "America/New_York"), Err(Exit::Usage));
        assert_eq!(at("yesterday", "UTC"), Err(Exit::Usage));
        // A zone in the text is meant, and has to agree with an offset.
        let named = at("2026-11-01T02:00[Europe/Berlin]", "Asia/Ho_Chi_Minh");
        assert_eq!(named, Ok("2026-11-01T01:00:00Z".to_owned()));
        assert_eq!(at("2026-11-01T02:00+07:00[Europe/Berlin]", "UTC"), Err(Exit::Usage));
    }
}
