//! `starter schedule` as a team uses it: a file applied, applied again, changed, paused, made up for.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use temporalio_client::schedules::{ListSchedulesOptions, ScheduleUpdate};
use temporalio_client::{UntypedWorkflow, WorkflowTerminateOptions};
use tests::processes::free_port;
use tests::schedules::{Desk, once_worker};
use tests::servers;
use tests::world::World;

const HOURLY: &str = "every = \"1h\"\nzone = \"Asia/Ho_Chi_Minh\"\npause_on_failure = true\njitter = \"30s\"\nnote = \"hourly\"";

fn unchanged() -> Vec<(String, Vec<String>)> {
    vec![("no_change".to_owned(), Vec::new())]
}

#[tokio::test]
async fn a_file_applied_twice_is_written_once() -> anyhow::Result<()> {
    let world = World::without_worker(&servers::dev_server()?).await?;
    let desk = Desk::of(&world)?;
    let all = "every = \"2h\"\noffset = \"5m\"\ncron = [\"0 3 * * MON-FRI\", \"*/15 8-18/2 1,15 * 7\"]\n\
               at = [{ hour = 2, minute = 30, day_of_week = \"SUN\" }, { second = \"*/20\", year = 2098 }]\n\
               overlap = \"buffer_one\"\ncatch_up = \"1m\"";
    let file = desk.entry("hourly", HOURLY)? + &desk.entry("all", all)?;
    let only_said = desk.verdicts(&file, &["--diff"]).await?;
    assert_eq!(only_said, vec![("create".to_owned(), Vec::new()); 2]);
    assert!(desk.raw("hourly").await.is_err(), "--diff created it");

    assert_eq!(desk.verdicts(&file, &[]).await?, only_said);
    let (hourly, all) = (desk.writes("hourly").await?, desk.writes("all").await?);
    assert_eq!(desk.verdicts(&file, &[]).await?, [unchanged(), unchanged()].concat());
    assert_eq!(
        (desk.writes("hourly").await?, desk.writes("all").await?),
        (hourly, all),
        "something was written"
    );

    // Settings that the client's own schedules leave out stand there from the creation on.
    let shown = desk.show("hourly").await?;
    let settings = &shown["settings"];
    assert_eq!(settings["catch_up"], json!("10m"));
    // Nothing beside what a file holds.
    assert_eq!(settings.as_object().map(|settings| settings.len()), Some(12), "{settings:#}");
    assert_eq!(settings["times"], json!("every 1h"));
    assert!(settings["summary"].as_str().is_some_and(|text| text.starts_with("Sync with")), "{settings:#}");
    assert!(
        settings["search_attributes"].as_str().is_some_and(|text| text.contains("SunSource = ")),
        "{settings:#}"
    );
    for name in ["hourly", "all"] {
        desk.call(&["delete", &desk.id(name)]).await?.ok()?;
    }
    assert_eq!(desk.call(&["show", &desk.id("all")]).await?.code, Some(4));
    Ok(())
}

#[tokio::test]
async fn a_change_shows_in_the_diff_and_only_that() -> anyhow::Result<()> {
    let world = World::without_worker(&servers::dev_server()?).await?;
    let desk = Desk::of(&world)?;
    let file = desk.entry("a", HOURLY)?;
    desk.verdicts(&file, &[]).await?;
    let before = desk.writes("a").await?;

    let moved = desk.entry("a", &HOURLY.replace("Asia/Ho_Chi_Minh", "America/New_York"))?;
    let said = desk.apply(&moved, &["--diff"]).await?.ok()?;
    let zone = json!([{ "setting": "zone", "from": "Asia/Ho_Chi_Minh", "to": "America/New_York" }]);
    assert_eq!((&said[0]["verdict"], &said[0]["changes"]), (&json!("update"), &zone));
    assert_eq!(desk.writes("a").await?, before, "--diff wrote");
    assert_eq!(desk.verdicts(&moved, &[]).await?, [("update".to_owned(), vec!["zone".to_owned()])]);
    assert_ne!(desk.writes("a").await?, before);
    assert_eq!(desk.verdicts(&moved, &[]).await?, unchanged());
    assert_eq!(desk.show("a").await?["zone"], json!("America/New_York"));

    // Everything is compared, whoever changed it.
    let handle = world.client.get_schedule_handle(desk.id("a"));
    let change = |update: &mut ScheduleUpdate| {
        update.set_catchup_window(std::time::Duration::from_secs(90)).set_pause_on_failure(false);
    };
    handle.update(change, Default::default()).await?;
    let settings = vec!["catch-up".to_owned(), "pause on failure".to_owned()];
    assert_eq!(desk.verdicts(&moved, &[]).await?, [("update".to_owned(), settings)]);
    assert_eq!(desk.verdicts(&moved, &[]).await?, unchanged());
    desk.call(&["delete", &desk.id("a")]).await?.ok()?;
    Ok(())
}

#[tokio::test]
async fn a_wrong_file_changes_nothing() -> anyhow::Result<()> {
    let world = World::without_worker(&servers::dev_server()?).await?;
    let desk = Desk::of(&world)?;
    let file = desk.entry("right", HOURLY)?
        + &desk.entry("wrong", "cron = \"61 * * * *\"\nzone = \"Asia/Saigong\"")?;
    let called = desk.apply(&file, &[]).await?;
    assert_eq!(called.code, Some(2), "{}", called.err);
    assert!(called.out.contains("\"exit_code\": 2"), "{}", called.out);
    for words in [
        "2 problems; nothing was changed",
        "cron of schedule",
        "(line 15, column 8)",
        "zone of schedule",
        "(line 16, column 8)",
        "did you mean Asia/Saigon?",
    ] {
        assert!(called.err.contains(words), "{words} is not in {}", called.err);
    }
    assert!(desk.raw("right").await.is_err(), "it was created all the same");
    Ok(())
}

/// Its runs could not be started, and nobody would be told.
#[tokio::test]
async fn a_server_without_the_search_attributes_gets_no_schedule() -> anyhow::Result<()> {
    let server = servers::bare_dev_server()?;
    let world = World::without_worker(&server.address).await?;
    let desk = Desk::of(&world)?;
    let called = desk.apply(&desk.entry("a", HOURLY)?, &[]).await?;
    assert_eq!(called.code, Some(1), "{}", called.err);
    assert!(called.err.contains("search attributes are not registered: SunSource"), "{}", called.err);
    assert!(desk.raw("a").await.is_err());
    Ok(())
}

/// The zone's own clock decides, through the night in which it is changed.
#[tokio::test]
async fn the_next_times_are_those_of_the_zones_clock() -> anyhow::Result<()> {
    let world = World::without_worker(&servers::dev_server()?).await?;
    let desk = Desk::of(&world)?;
    // The first two Sundays of March and November, on one of which the clocks of New York change, before and after.
    let sundays =
        "at = [{ hour = \"0,4\", day_of_month = \"1-14\", month = \"3,11\", day_of_week = \"SUN\" }]";
    let file = desk.entry("ny", &format!("{sundays}\nzone = \"America/New_York\""))?
        + &desk.entry("night", "cron = \"30 2 * * *\"\nzone = \"America/New_York\"")?
        + &desk.entry("twice", "cron = \"30 1 * * *\"\nzone = \"America/New_York\"")?
        + &desk.entry("vn", "cron = \"0 9 * * *\"\nzone = \"Asia/Ho_Chi_Minh\"")?;
    desk.verdicts(&file, &[]).await?;
    let next = |shown: &Value| -> Vec<String> {
        let times = shown["next"].as_array().into_iter().flatten();
        times.map(|time| time["local"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let new_york = next(&desk.show("ny").await?);
    assert_eq!(new_york.len(), 10, "{new_york:?}");
    let is_clock = |time: &String| time.contains(" 00:00:00 -0") || time.contains(" 04:00:00 -0");
    assert!(new_york.iter().all(is_clock), "{new_york:?}");
    // `Sun 2027-03-14 00:00:00 -05:00`: on one day two offsets.
    let changes =
        new_york.windows(2).any(|pair| pair[0][..14] == pair[1][..14] && pair[0][24..] != pair[1][24..]);
    assert!(changes, "no change of the clocks in {new_york:?}");

    let shown = desk.show("vn").await?;
    assert_eq!(next(&shown).len(), 10);
    assert!(next(&shown).iter().all(|time| time.ends_with(" 09:00:00 +07:00")), "{shown:#}");
    assert!(shown["next"][0]["at"].as_str().is_some_and(|at| at.ends_with("T02:00:00Z")), "{shown:#}");

    // 02:30 does not exist in the night of 9 March 2025: that day has no run.
    let times = async |name: &str, from: &str, to: &str| {
        let args = ["backfill", &desk.id(name), "--from", from, "--to", to, "--dry-run"];
        Ok::<_, anyhow::Error>(desk.call(&args).await?.ok()?["times"].clone())
    };
    let skipped = times("night", "2025-03-08T02:30", "2025-03-10T02:30").await?;
    assert_eq!(skipped, json!(["2025-03-08T07:30:00Z", "2025-03-10T06:30:00Z"]));
    // 01:30 comes twice in the night of 2 November 2025, and so does its run.
    let twice = times("twice", "2025-11-02T00:00", "2025-11-03T00:00").await?;
    assert_eq!(twice, json!(["2025-11-02T05:30:00Z", "2025-11-02T06:30:00Z"]));
    for name in ["ny", "night", "twice", "vn"] {
        desk.call(&["delete", &desk.id(name)]).await?.ok()?;
    }
    Ok(())
}

#[tokio::test]
async fn a_failure_pauses_and_the_note_survives_the_pause() -> anyhow::Result<()> {
    let world = World::without_worker(&servers::dev_server()?).await?;
    let _worker = once_worker(&world)?;
    let desk = Desk::of(&world)?;
    let lines = "every = \"2s\"\npause_on_failure = true\nnote = \"every two seconds\"";
    let file = desk.entry("fails", lines)?;
    desk.verdicts(&file, &[]).await?;
    let shown = desk.until("fails", "paused", |shown| shown["paused"] == json!(true)).await?;
    assert_eq!(shown["runs"][0]["workflow_status"], json!("FAILED"), "{shown:#}");
    assert_eq!(shown["counts"]["started"], json!(1), "{shown:#}");
    assert!(
        shown["note"].as_str().is_some_and(|note| note.contains("paused due to workflow failure")),
        "{shown:#}"
    );

    tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
    // Applying does not start again what a failure, or a person, has stopped.
    assert_eq!(desk.verdicts(&file, &[]).await?, unchanged());
    let called = desk.apply(&desk.entry("fails", &lines.replace("2s", "1h"))?, &[]).await?.ok()?;
    assert_eq!(called[0]["changes"][0]["setting"], json!("times"));
    assert!(called[0]["paused"].is_string(), "{called}");
    assert_eq!(desk.show("fails").await?["paused"], json!(true));
    let listed = desk.call(&["list"]).await?.ok()?;
    assert!(
        listed.as_array().is_some_and(|list| list.iter().any(|line| line["id"] == json!(desk.id("fails")))),
        "{listed}"
    );

    desk.call(&["unpause", &desk.id("fails")]).await?.ok()?;
    let shown = desk.until("fails", "runs", |shown| shown["paused"] == json!(false)).await?;
    assert_eq!(shown["note"], json!("every two seconds"));
    // The times that passed meanwhile are neither made up for nor counted.
    assert_eq!(
        (&shown["counts"]["missed"], &shown["counts"]["started"]),
        (&json!(0), &json!(1)),
        "{shown:#}"
    );
    desk.call(&["pause", &desk.id("fails"), "--reason", "stock-taking"]).await?.ok()?;
    let shown = desk.until("fails", "paused", |shown| shown["paused"] == json!(true)).await?;
    assert_eq!(shown["note"], json!("stock-taking"));
    // By hand it runs all the same.
    let triggered = desk.call(&["trigger", &desk.id("fails")]).await?.ok()?;
    assert_eq!(triggered["became"], json!("started"), "{triggered}");
    desk.call(&["delete", &desk.id("fails")]).await?.ok()?;
    Ok(())
}

#[tokio::test]
async fn a_backfill_of_three_times_is_three_runs_one_after_the_other() -> anyhow::Result<()> {
    let world = World::without_worker(&servers::dev_server()?).await?;
    let _worker = once_worker(&world)?;
    let desk = Desk::of(&world)?;
    // On New Year's Day only, so that none comes by itself meanwhile.
    desk.verdicts(&desk.entry("a", "cron = \"0 * 1 1 *\"")?, &[]).await?;
    let (from, to) = ("2026-01-01T05:00:00Z", "2026-01-01T07:00:00Z");
    let args = ["backfill", &desk.id("a"), "--from", from, "--to", to];
    let planned = desk.call(&[&args[..], &["--dry-run"]].concat()).await?.ok()?;
    assert_eq!(planned["times"].as_array().map(Vec::len), Some(3), "{planned}");
    assert_eq!(desk.show("a").await?["counts"]["started"], json!(0));
    let done = desk.call(&args).await?.ok()?;
    assert_eq!((&done["overlap"], &done["times"]), (&json!("buffer_all"), &planned["times"]));
    let is_over = |shown: &Value| {
        shown["runs"].as_array().is_some_and(|runs| {
            runs.len() == 3 && runs.iter().all(|run| run["workflow_status"] == "COMPLETED")
        })
    };
    let shown = desk.until("a", "three runs that have ended", is_over).await?;
    let times: BTreeSet<_> =
        shown["runs"].as_array().into_iter().flatten().map(|run| run["planned_at"].to_string()).collect();
    let wanted: BTreeSet<_> =
        planned["times"].as_array().into_iter().flatten().map(Value::to_string).collect();
    assert_eq!(times, wanted);
    // Once more: a time that has had its run gets another.
    desk.call(&args).await?.ok()?;
    desk.until("a", "three runs more", |shown| shown["counts"]["started"] == json!(6)).await?;
    let between = ["--from", "2026-01-01T05:01", "--to", "2026-01-01T05:59"];
    let none = desk.call(&[&["backfill", &desk.id("a")][..], &between].concat()).await?;
    assert_eq!(none.code, Some(2), "{}", none.err);
    // M8: a time to come would be run at once.
    let ahead = ["--from", from, "--to", "2100-01-01T07:00:00Z"];
    for flags in [&["--dry-run"][..], &[]] {
        let refused = desk.call(&[&["backfill", &desk.id("a")][..], &ahead, flags].concat()).await?;
        assert_eq!(refused.code, Some(2), "{flags:?}: {}", refused.err);
        assert!(refused.err.contains("lies ahead"), "{}", refused.err);
    }
    assert_eq!(desk.show("a").await?["counts"]["started"], json!(6));
    desk.call(&["delete", &desk.id("a")]).await?.ok()?;
    Ok(())
}

#[tokio::test]
async fn a_run_longer_than_its_interval_is_not_joined_by_another() -> anyhow::Result<()> {
    // Nobody works on its runs: they last.
    let world = World::without_worker(&servers::dev_server()?).await?;
    let desk = Desk::of(&world)?;
    desk.verdicts(&desk.entry("a", "every = \"1s\"")?, &[]).await?;
    let skipped = |shown: &Value| shown["counts"]["skipped"].as_i64() >= Some(2);
    let shown = desk.until("a", "two times skipped", skipped).await?;
    assert_eq!(
        (&shown["counts"]["started"], shown["under_way"].as_array().map(Vec::len)),
        (&json!(1), Some(1)),
        "{shown:#}"
    );

    let refused = desk.call(&["trigger", &desk.id("a")]).await?;
    assert_eq!(refused.code, Some(1), "{}", refused.err);
    let args = ["trigger", &desk.id("a"), "--overlap", "allow_all"];
    let triggered = desk.call(&args).await?.ok()?;
    assert_eq!(triggered["became"], json!("started"), "{triggered}");
    desk.call(&["delete", &desk.id("a")]).await?.ok()?;
    for run in shown["under_way"].as_array().into_iter().flatten().chain([&triggered["workflow_id"]]) {
        let handle = world.client.get_workflow_handle::<UntypedWorkflow>(run.as_str().unwrap_or_default());
        handle.terminate(WorkflowTerminateOptions::default()).await?;
    }
    Ok(())
}

#[tokio::test]
async fn pruning_touches_only_what_this_tool_made() -> anyhow::Result<()> {
    use futures::TryStreamExt as _;
    // A server of its own: pruning would meet the schedules of the other tests.
    let port = free_port()?;
    let _server = servers::another_dev_server(port)?;
    let world = World::without_worker(&format!("127.0.0.1:{port}")).await?;
    let desk = Desk::of(&world)?;
    desk.verdicts(&(desk.entry("keep", HOURLY)? + &desk.entry("drop", HOURLY)?), &[]).await?;
    desk.somebody_elses("theirs").await?;
    let listed = || async {
        let list: Vec<_> = world.client.list_schedules(ListSchedulesOptions::default()).try_collect().await?;
        Ok::<_, anyhow::Error>(
            list.iter().map(|entry| entry.schedule_id().to_owned()).collect::<BTreeSet<_>>(),
        )
    };
    let all_listed = async {
        while listed().await?.len() < 3 {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
        Ok::<_, anyhow::Error>(())
    };
    tokio::time::timeout(tests::world::LIMIT, all_listed).await??;
    let keep = desk.entry("keep", HOURLY)?;
    let wanted = [unchanged(), vec![("delete".to_owned(), Vec::new())]].concat();
    assert_eq!(desk.verdicts(&keep, &["--prune", "--diff"]).await?, wanted);
    assert!(desk.raw("drop").await.is_ok(), "--diff deleted it");
    // M9: a file that names nothing is cut off, or the wrong one.
    let empty = desk.apply("", &["--prune"]).await?;
    assert_eq!(empty.code, Some(2), "{}", empty.err);
    assert!(empty.err.contains("names no schedule") && desk.raw("drop").await.is_ok(), "{}", empty.err);
    // L8
    assert_eq!(desk.apply(&keep, &["--diff", "--prune"]).await?.code, Some(0));
    assert_eq!(desk.apply(&keep, &["--diff", "--prune", "--exit-code"]).await?.code, Some(1));
    assert_eq!(desk.apply(&keep, &["--diff", "--exit-code"]).await?.code, Some(0));
    assert_eq!(desk.verdicts(&keep, &[]).await?, unchanged());
    assert_eq!(desk.verdicts(&keep, &["--prune"]).await?, wanted);
    assert!(desk.raw("drop").await.is_err());
    assert!(desk.raw("theirs").await.is_ok() && desk.raw("keep").await.is_ok());

    // And a file that names theirs is told so, before anything is changed.
    let called = desk.apply(&(desk.entry("new", HOURLY)? + &desk.entry("theirs", HOURLY)?), &[]).await?;
    assert_eq!(called.code, Some(1));
    assert!(called.err.contains("not made by this tool") && desk.raw("new").await.is_err(), "{}", called.err);
    Ok(())
}

/// Both look, both change: the second change is dropped, and whoever sent it is told. Nobody's change is overwritten
/// by one who has not seen it.
#[tokio::test]
async fn of_two_who_apply_at_once_one_is_told() -> anyhow::Result<()> {
    let world = World::without_worker(&servers::dev_server()?).await?;
    let desk = Desk::of(&world)?;
    let names = ["a", "b", "c", "d"];
    let file = |jitter: u32| -> anyhow::Result<String> {
        let lines = format!("every = \"1h\"\njitter = \"{jitter}s\"");
        names.iter().map(|name| desk.entry(name, &lines)).collect()
    };
    desk.verdicts(&file(1)?, &[]).await?;
    let mut told = 0;
    for round in 1..=20 {
        if told >= 3 {
            break;
        }
        let (one, two) = (file(round * 2)?, file(round * 2 + 1)?);
        let (one, two) = tokio::join!(desk.apply(&one, &[]), desk.apply(&two, &[]));
        let (one, two) = (one?, two?);
        let lines = [serde_json::from_str::<Value>(&one.out)?, serde_json::from_str(&two.out)?];
        for (place, name) in names.into_iter().enumerate() {
            let [one, two] = [&lines[0][place], &lines[1][place]];
            let stands = &desk.show(name).await?["settings"]["jitter"];
            let (from, to) = ("/changes/0/from", "/changes/0/to");
            match (one["verdict"].as_str(), two["verdict"].as_str()) {
                (Some("update"), Some("update")) => {
                    let one_saw_two = one.pointer(from) == two.pointer(to);
                    let two_saw_one = two.pointer(from) == one.pointer(to);
                    assert!(one_saw_two || two_saw_one, "{name} was overwritten unseen: {one} {two}");
                }
                (Some("update"), Some("conflict")) => assert_eq!(one.pointer(to), Some(stands), "{name}"),
                (Some("conflict"), Some("update")) => assert_eq!(two.pointer(to), Some(stands), "{name}"),
                other => panic!("{name}: {other:?}"),
            }
        }
        for (called, lines) in [(one, &lines[0]), (two, &lines[1])] {
            let lost = lines.as_array().into_iter().flatten().any(|line| line["verdict"] == "conflict");
            assert_eq!(called.code, Some(i32::from(lost)), "{}", called.err);
            assert_eq!(called.err.contains("somebody else changed"), lost, "{}", called.err);
            told += i32::from(lost);
        }
    }
    assert!(told > 0, "in 20 rounds nobody was told");
    for name in names {
        desk.call(&["delete", &desk.id(name)]).await?.ok()?;
    }
    Ok(())
}
