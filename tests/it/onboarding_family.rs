//! Onboarding and its series of mails together, on the real server, with a week of seconds.

use std::time::Duration;

use contracts::customers::KeptBack;
use jiff::Timestamp;
use serde_json::json;
use tests::customers;
use tests::servers;
use tests::world::World;
use workflows::follow_up_emails::Fate;

/// A week of seconds.
const WEEK: [&str; 2] = ["--follow-up-tips=2s", "--follow-up-recommendations=5s"];

#[tokio::test]
async fn the_series_outlives_the_onboarding() -> anyhow::Result<()> {
    let (world, _worker) = World::apart(&WEEK).await?;
    let run = world.register(&customers::registration()).await?;
    let result = run.ended().await?.completed()?;
    assert!(result.execution_time < 2_000, "the result waited for a mail: {} ms", result.execution_time);
    assert_eq!(run.follow_up().is_open().await?, Some(true));
    let series = run.follow_up().ended().await?.completed()?;
    assert!(series.mails.iter().all(|mail| mail.fate == Fate::Sent), "{:?}", series.mails);
    assert_eq!(world.mailed().await?, ["welcome", "onboarding_tips", "product_recommendations"]);
    let apart = series.mails[1].at.duration_since(series.mails[0].at).as_secs();
    assert!((2..=5).contains(&apart), "{apart} s between the mails: {:?}", series.mails);
    world.shop.clean().await?;
    Ok(())
}

/// Between the mails the worker is killed, and another one, as after a deployment, goes on.
#[tokio::test]
async fn a_deployment_in_the_middle_of_the_week_changes_nothing() -> anyhow::Result<()> {
    let world = World::without_worker(&servers::dev_server()?).await?;
    let mut first = world.spawn_worker(&WEEK)?;
    let run = world.register(&customers::registration()).await?;
    run.ended().await?.completed()?;
    world
        .shop
        .faults(json!([{ "operation": "customers.permission", "kind": "hold_reply", "count": 1 }]))
        .await?;
    world.shop.requested("customers.permission").await?;
    first.kill()?;
    world.shop.mend().await?;
    let second = world.spawn_worker(&WEEK)?;
    run.follow_up().until("sends recommendations", |p| p.steps_completed >= 1).await?;
    // This one is asked to leave; a third takes over.
    second.terminate()?;
    let _third = world.spawn_worker(&WEEK)?;
    let series = run.follow_up().ended().await?.completed()?;
    assert!(series.mails.iter().all(|mail| mail.fate == Fate::Sent), "{:?}", series.mails);
    assert_eq!(world.mailed().await?, ["welcome", "onboarding_tips", "product_recommendations"]);
    world.shop.clean().await?;
    Ok(())
}

#[tokio::test]
async fn a_mail_that_waits_leaves_no_trace_of_a_run_that_was_cancelled() -> anyhow::Result<()> {
    let world = World::new().await?;
    let run = world.register(&customers::registration()).await?;
    run.ended().await?.completed()?;
    run.follow_up().temporal_cancel().await?;
    match run.follow_up().ended().await? {
        customers::Ended::Canceled(report) => assert!(report.undone.is_empty()),
        other => anyhow::bail!("not canceled: {other:?}"),
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(world.mailed().await?, ["welcome"]);
    Ok(())
}

#[tokio::test]
async fn news_that_come_twice_count_once() -> anyhow::Result<()> {
    let world = World::new().await?;
    let run = world.register(&customers::registration()).await?;
    run.ended().await?.completed()?;
    // Two at once: whoever is second hears that the series is ending, or that it has ended.
    let series = run.follow_up();
    let (a, b) = tokio::join!(series.unsubscribe(), series.first_order_placed());
    assert!([&a, &b].iter().any(|answer| answer.as_deref() == Ok("ended")), "{a:?} {b:?}");
    let result = series.ended().await?.completed()?;
    assert!(matches!(result.ended_by, Some(KeptBack::Unsubscribed | KeptBack::Ordered)));
    assert_eq!(world.mailed().await?, ["welcome"]);
    Ok(())
}

/// A worker that was away finds Temporal's cancel and the hour of the next mail in one task.
#[tokio::test]
async fn a_cancel_when_a_mail_is_due_ends_the_series() -> anyhow::Result<()> {
    const SOON: [&str; 1] = ["--follow-up-tips=8s"];
    let (world, mut worker) = World::apart(&SOON).await?;
    let registration = customers::registration();
    let customer = world.open_account(&registration).await?;
    let series = world.follow_up(&registration, &customer, Timestamp::now()).await?;
    series.until("waits", |p| p.current_step.as_deref() == Some("send-onboarding-tips")).await?;
    worker.kill()?;
    series.temporal_cancel().await?;
    world.attach_run(&series.workflow_id).timer_fired().await?;
    let _next = world.spawn_worker(&SOON)?;
    let ended = series.ended().await?;
    assert!(matches!(ended, customers::Ended::Canceled(_)), "{ended:?}");
    assert!(world.mailed().await?.is_empty());
    Ok(())
}

/// Cancelling the series does not take back the word of the customer: a worker that was away finds both in one task.
#[tokio::test]
async fn a_cancel_beside_an_unsubscription_does_not_keep_it_from_the_platform() -> anyhow::Result<()> {
    const HOUR: [&str; 1] = ["--follow-up-tips=1h"];
    let (world, mut worker) = World::apart(&HOUR).await?;
    let registration = customers::registration();
    let customer = world.open_account(&registration).await?;
    let series = world.follow_up(&registration, &customer, Timestamp::now()).await?;
    series.until("waits", |p| p.current_step.as_deref() == Some("send-onboarding-tips")).await?;
    worker.kill()?;
    let cancelled_meanwhile = async {
        // By then the unsubscription has come.
        world.attach_run(&series.workflow_id).has_a_task().await?;
        series.temporal_cancel().await?;
        world.spawn_worker(&HOUR)
    };
    let (answer, next) = tokio::join!(series.unsubscribe(), cancelled_meanwhile);
    let _next = next?;
    assert_eq!(answer.as_deref(), Ok("ended"));
    let result = series.ended().await?.completed()?;
    assert_eq!(result.ended_by, Some(KeptBack::Unsubscribed));
    assert_eq!(world.only_customer().await?["mail"]["unsubscribed"], json!(true));
    Ok(())
}
