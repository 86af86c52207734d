//! Order confirmations by SMS through Twilio: a real worker, the sandbox for everything else, and a Twilio written from
//! its documentation.

use std::time::{Duration, Instant};

use serde_json::json;
use tests::orders;
use tests::servers;
use tests::twilio::{FROM, Fault, Twilio, UNSUBSCRIBED};
use tests::world::{LIMIT, World};
use workflows::report::StepStatus;

const PHONE: &str = "+84901234567";

fn strs(settings: &[String]) -> Vec<&str> {
    settings.iter().map(String::as_str).collect()
}

#[tokio::test]
async fn an_sms_goes_by_twilio_once_and_nothing_else_does() -> anyhow::Result<()> {
    let twilio = Twilio::start().await?;
    let world = World::with(&strs(&twilio.settings())).await?;
    let order = orders::order();
    let result = world.run(&order).await?.fulfilled()?;
    let (id, tracking) = (orders::id(&order), result.tracking_number.unwrap_or_default());
    let messages = twilio.messages();
    assert_eq!(messages.len(), 1, "{messages:?}");
    let text = format!("Đơn hàng {id} đã được xác nhận. Mã vận đơn: {tracking}");
    assert_eq!(
        (&messages[0]["to"], &messages[0]["from"], &messages[0]["body"]),
        (&order["customer_phone"], &json!(FROM), &json!(text))
    );
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["mails"], &totals["sms"], &totals["pushes"]), (&json!(1), &json!(0), &json!(1)));
    Ok(())
}

#[tokio::test]
async fn whatever_goes_wrong_on_the_way_the_customer_gets_one_sms() -> anyhow::Result<()> {
    for faults in [
        &[Fault::Busy][..],
        &[Fault::Down, Fault::Down, Fault::Down],
        &[Fault::ReplyLost],
        &[Fault::Down, Fault::ReplyLost],
        &[Fault::ReplyHeld],
    ] {
        let twilio = Twilio::start().await?;
        twilio.fails(faults);
        let world = World::with(&strs(&twilio.settings())).await?;
        let result = world.run(&orders::order()).await?.fulfilled()?;
        let is_done = result.report.steps.iter().all(|step| step.status == StepStatus::Completed);
        assert!(is_done, "{faults:?}: {:?}", result.report);
        assert_eq!(twilio.messages().len(), 1, "{faults:?}");
        twilio.release();
    }
    Ok(())
}

/// M4 for SMS: while Twilio thinks, its list does not show the message, and a second attempt would send a second one.
#[tokio::test]
async fn a_slow_twilio_gets_one_sms() -> anyhow::Result<()> {
    let twilio = Twilio::start().await?;
    twilio.fails(&[Fault::Slow]);
    let mut settings = twilio.settings();
    settings.push("--ecommerce-api-timeout=30000".to_owned());
    let (world, _worker) = World::apart(&strs(&settings)).await?;
    world.run(&orders::order()).await?.fulfilled()?;
    // A message that was on its way has arrived by then.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(twilio.messages().len(), 1);
    Ok(())
}

/// Two orders of one customer are two messages: what is looked up is the text, which names its order.
#[tokio::test]
async fn another_order_of_the_same_customer_is_another_sms() -> anyhow::Result<()> {
    let twilio = Twilio::start().await?;
    let world = World::with(&strs(&twilio.settings())).await?;
    world.run(&orders::order()).await?.fulfilled()?;
    twilio.fails(&[Fault::Down, Fault::Down]);
    world.run(&orders::order()).await?.fulfilled()?;
    assert_eq!(twilio.messages().len(), 2);
    Ok(())
}

#[tokio::test]
async fn a_worker_killed_after_twilio_took_the_sms_leaves_one() -> anyhow::Result<()> {
    let twilio = Twilio::start().await?;
    twilio.fails(&[Fault::ReplyHeld]);
    let world = World::without_worker(&servers::dev_server()?).await?;
    let mut first = world.spawn_worker(&strs(&twilio.settings()))?;
    let order = world.start(&orders::order()).await?;
    let until = Instant::now() + LIMIT;
    while twilio.messages().is_empty() {
        anyhow::ensure!(Instant::now() < until, "no SMS was taken");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    first.kill()?;
    twilio.release();
    let _second = world.spawn_worker(&strs(&twilio.settings()))?;
    order.ended().await?.fulfilled()?;
    assert_eq!(twilio.messages().len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_recipient_who_is_refused_is_reported_and_the_order_is_fulfilled() -> anyhow::Result<()> {
    let twilio = Twilio::start().await?;
    let world = World::with(&strs(&twilio.settings())).await?;
    let mut order = orders::order();
    order["customer_phone"] = json!(UNSUBSCRIBED);
    let result = world.run(&order).await?.fulfilled()?;
    let shown = serde_json::to_string(&result.report)?;
    assert!(shown.contains("refused: 21610"), "{shown}");
    assert!(!shown.contains(UNSUBSCRIBED) && !shown.contains("somebody"), "{shown}");
    assert!(twilio.messages().is_empty());
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["mails"], &totals["pushes"], &totals["refunds"]), (&json!(1), &json!(1), &json!(0)));
    Ok(())
}

/// An order whose worker has a wrong setting waits with its SMS; Temporal says why; a worker that has it right sends
/// it.
#[tokio::test]
async fn a_wrong_setting_is_an_outage_that_names_it_and_the_sms_is_not_lost() -> anyhow::Result<()> {
    for (name, value, fix) in [
        ("--twilio-auth-token", "not the token", "sms does not accept our credentials (401)"),
        ("--twilio-account-sid", "ACffffffffffffffffffffffffffffffff", "correct SUN_TWILIO_ACCOUNT_SID"),
        ("--sms-from", "+14155550199", "it does not take the sender (21606): correct SUN_SMS_FROM"),
    ] {
        let twilio = Twilio::start().await?;
        let (world, mut worker) = World::apart(&strs(&twilio.settings_but(name, value))).await?;
        let mut order = orders::order();
        order["customer_phone"] = json!(PHONE);
        let order = world.start(&order).await?;
        let until = Instant::now() + LIMIT;
        let failure = loop {
            let failures = order.pending_failures().await?;
            if let Some(failure) = failures.into_iter().find(|text| text.contains("sms")) {
                break failure;
            }
            anyhow::ensure!(Instant::now() < until, "{name}: no SMS is waiting");
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        assert!(failure.contains(fix), "{failure}");
        assert!(!failure.contains(PHONE) && !failure.contains(value), "{failure}");
        worker.kill()?;
        let _worker = world.spawn_worker(&strs(&twilio.settings()))?;
        order.ended().await?.fulfilled()?;
        assert_eq!(twilio.messages().len(), 1);
    }
    Ok(())
}
