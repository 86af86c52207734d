//! Temporal is away while a schedule's times pass.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tests::schedules::Desk;
use tests::servers::Durable;
use tests::world::World;

/// Three times pass. Within the catch-up window `skip` makes one run of them and `allow_all` three; outside of it there
/// is none, and they are counted as missed.
#[tokio::test]
async fn a_server_that_was_away_makes_up_for_what_is_in_the_window() -> anyhow::Result<()> {
    let mut server = Durable::start()?;
    // Nobody works on the runs: the first of them is under way when the next is looked at.
    let world = World::without_worker(&server.address()).await?;
    let desk = Desk::of(&world)?;
    let first = Timestamp::from_second(Timestamp::now().as_second() + 8)?;
    let time = |seconds: i64| {
        let at = (first + SignedDuration::from_secs(seconds)).to_zoned(TimeZone::get("Asia/Ho_Chi_Minh")?);
        Ok::<_, anyhow::Error>(format!(
            "{{ year = {}, month = {}, day_of_month = {}, hour = {}, minute = {}, second = {} }}",
            at.year(),
            at.month(),
            at.day(),
            at.hour(),
            at.minute(),
            at.second()
        ))
    };
    let at = format!("at = [{}, {}, {}]\nzone = \"Asia/Ho_Chi_Minh\"", time(0)?, time(1)?, time(2)?);
    let file = desk.entry("skip", &at)?
        + &desk.entry("all", &format!("{at}\noverlap = \"allow_all\""))?
        + &desk.entry("short", &format!("{at}\ncatch_up = \"10s\""))?;
    desk.verdicts(&file, &[]).await?;
    for name in ["skip", "all", "short"] {
        assert_eq!(
            desk.show(name).await?["next"].as_array().map(Vec::len),
            Some(3),
            "too slow for this test"
        );
    }
    server.kill()?;
    let back = first + SignedDuration::from_secs(2 + 11);
    tokio::time::sleep(Duration::try_from(back.duration_since(Timestamp::now())).unwrap_or_default()).await;
    server.restart().await?;

    let skip = desk.until("skip", "made up for", |shown| shown["counts"]["skipped"] == json!(2)).await?;
    assert_eq!((&skip["counts"]["started"], &skip["counts"]["missed"]), (&json!(1), &json!(0)), "{skip:#}");
    let all = desk.until("all", "made up for", |shown| shown["counts"]["started"] == json!(3)).await?;
    assert_eq!(all["counts"]["missed"], json!(0), "{all:#}");
    let short = desk.until("short", "missed", |shown| shown["counts"]["missed"] == json!(3)).await?;
    assert_eq!((&short["counts"]["started"], &short["next"]), (&json!(0), &json!([])), "{short:#}");
    Ok(())
}
