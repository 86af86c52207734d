//! The shop's team hears of a price run that went through: by a notification, and by mail where it has an address.

use serde_json::{Value, json};
use tests::matrix::{down, is};
use tests::prices::{PriceWorld, SAMPLE};
use workflows::report::StepStatus;

const ADDRESS: &str = "--prices-team-mail=prices@shop.example.com";

/// The mails that went to the team.
async fn mails(world: &PriceWorld) -> anyhow::Result<Vec<Value>> {
    let outbox = world.erp.world.shop.get("outbox").await?;
    let mails = outbox.as_array().into_iter().flatten().filter(|sent| sent["channel"] == "email");
    Ok(mails.map(|sent| sent["message"].clone()).collect())
}

#[tokio::test]
async fn the_team_is_mailed_in_its_language() -> anyhow::Result<()> {
    for (locale, words) in [("vi-VN", "Giá đã cập nhật: 2"), ("en-US", "Prices written: 2")] {
        let world = PriceWorld::with(&[ADDRESS, &format!("--prices-team-locale={locale}")]).await?;
        let run = world.start(serde_json::from_str(SAMPLE)?, json!({})).await?;
        let result = run.ended().await?.completed()?;
        let mails = mails(&world).await?;
        is("mails", &mails.len(), &1)?;
        is("to", &mails[0]["to"], &json!("prices@shop.example.com"))?;
        is("figures", &mails[0]["data"]["applied"], &json!(2))?;
        let text = mails[0]["text"].as_str().unwrap_or_default();
        assert!(text.contains(words) && text.contains(run.batch.as_str()), "{text}");
        is("notes", &world.erp.world.shop.clean().await?["notes"], &json!(1))?;
        let step = result.report.step("send-notification").map(|step| step.status);
        is("step", &step, &Some(StepStatus::Completed))?;
        let history = serde_json::to_string(&result)?;
        assert!(!history.contains("prices@"), "the address is in the result: {history}");
    }
    Ok(())
}

/// Neither of the two holds up the other, and none of them the run.
#[tokio::test]
async fn a_team_that_cannot_be_told_holds_up_nothing() -> anyhow::Result<()> {
    for (away, mailed, noted) in [("notifications.team", 1, 0), ("notifications.email", 0, 1)] {
        let world = PriceWorld::without_worker().await?;
        let _worker = world.spawn_worker(&[ADDRESS, "--notice-patience=2s"])?;
        world.erp.world.shop.faults(json!([down(away)])).await?;
        let result = world.run(serde_json::from_str(SAMPLE)?, json!({})).await?.completed()?;
        assert!(result.success, "{away}");
        is("applied", &result.summary.applied, &2)?;
        is(away, &mails(&world).await?.len(), &mailed)?;
        let notes = world.erp.world.shop.clean().await?["notes"].as_u64().unwrap_or(0);
        is("notes", &notes, &noted)?;
        let step = result.report.step("send-notification").map(|step| step.status);
        is("step", &step, &Some(StepStatus::Failed))?;
    }
    Ok(())
}
