//! Onboardings that end early, and what is undone then.

use contracts::values::CustomerRef;
use serde_json::{Value, json};
use tests::customers;
use tests::world::World;
use workflows::report::{Progress, StepStatus};
use workflows::saga::{Action, AnswerOutcome};

/// Nothing was given, and what was opened is marked.
async fn nothing_stands(world: &World, customers: i64) -> anyhow::Result<Value> {
    let totals = world.shop.clean().await?;
    assert_eq!(totals["mails"], json!(0), "{totals}");
    for absent in ["points", "events"] {
        assert!(totals[absent].is_null() || totals[absent] == json!(0), "{absent}: {totals}");
    }
    assert_eq!(totals["incomplete_customers"].as_i64().unwrap_or(0), customers, "{totals}");
    let (coupons, revoked) = (&totals["coupons"], &totals["revoked_coupons"]);
    assert_eq!(coupons, revoked, "{totals}");
    Ok(totals)
}

#[tokio::test]
async fn an_address_that_is_registered_gets_no_points_no_coupon_no_mail() -> anyhow::Result<()> {
    let world = World::new().await?;
    let registration = customers::registration();
    world.open_account(&registration).await?;
    let mut written_otherwise = registration.clone();
    written_otherwise["email"] = json!(registration["email"].as_str().unwrap_or_default().to_uppercase());
    for registration in [&registration, &written_otherwise] {
        let run = world.register(registration).await?;
        let (message, report) = run.ended().await?.failed_as("CustomerExists")?;
        assert!(message.contains("Workflow step 'create-customer' failed"), "{message}");
        assert!(report.undone.is_empty(), "nothing was done: {report:?}");
        assert_eq!(run.follow_up().is_open().await?, None, "no series was begun");
    }
    nothing_stands(&world, 0).await?;
    let known = world.only_customer().await?;
    assert_eq!(known["customer"]["status"], json!("active"), "somebody else's account stays");
    assert_eq!(world.shop.requests("loyalty.create").await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_customer_who_was_onboarded_is_not_onboarded_again() -> anyhow::Result<()> {
    let world = World::new().await?;
    let registration = customers::registration();
    world.onboard(&registration).await?.completed()?;
    let (_, report) = world.onboard(&registration).await?.failed_as("CustomerExists")?;
    assert!(report.undone.is_empty(), "nothing was done: {report:?}");
    let totals = world.shop.clean().await?;
    assert_eq!(
        (&totals["customers"], &totals["points"], &totals["coupons"], &totals["mails"]),
        (&json!(1), &json!(100), &json!(1), &json!(1))
    );
    assert_eq!(world.only_customer().await?["customer"]["status"], json!("active"));
    Ok(())
}

#[tokio::test]
async fn a_run_under_another_customers_name_ends_before_any_call() -> anyhow::Result<()> {
    let world = World::new().await?;
    let stranger = CustomerRef::new("0123456789abcdef")?;
    let run = world.register_as(&stranger, &customers::registration()).await?;
    let (message, report) = run.ended().await?.failed_as("RegistrationInvalid")?;
    assert!(message.contains("SUN_REF_KEY"), "{message}");
    assert!(report.undone.is_empty());
    assert_eq!(world.shop.requests("customers.create").await?, 0);
    Ok(())
}

#[tokio::test]
async fn wrong_input_ends_before_any_call_and_is_not_repeated() -> anyhow::Result<()> {
    let world = World::new().await?;
    let mut registration = customers::registration();
    registration["marketing_consent"] = json!("perhaps");
    registration["phone"] = json!("0901 secret");
    let (message, _) = world.onboard(&registration).await?.failed_as("RegistrationInvalid")?;
    assert!(message.contains("marketing_consent") && message.contains("phone"), "{message}");
    assert!(!message.contains("secret") && !message.contains('@'), "{message}");
    assert_eq!(world.shop.requests("customers.create").await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_code_that_is_taken_is_no_reason_to_stop() -> anyhow::Result<()> {
    let world = World::new().await?;
    // The code follows from the customer's id, which is known only then: the refusal is dialled.
    world.shop.faults(json!([{ "operation": "coupons.create", "kind": "status", "status": 400 }])).await?;
    // A refusal that does not mean a taken code is an outage that is final.
    let (message, _) = world.onboard(&customers::registration()).await?.failed_as("StepFailed")?;
    assert!(message.contains("send-welcome-emails"), "{message}");
    nothing_stands(&world, 1).await?;

    world.shop.mend().await?;
    let registration = customers::registration();
    world.shop.put("switches", json!({ "coupon_codes_taken": true })).await?;
    let result = world.onboard(&registration).await?.completed()?;
    assert_eq!(result.welcome_discount_code, None);
    assert_eq!(result.next_steps, ["Complete profile setup", "Browse recommended products"]);
    let step = result.report.step("send-welcome-emails").cloned();
    let step = step.ok_or_else(|| anyhow::anyhow!("no step send-welcome-emails"))?;
    assert_eq!(step.status, StepStatus::Completed);
    let coupon = step.parts.iter().find(|part| part.part == "coupon").map(|part| part.status);
    assert_eq!(coupon, Some(StepStatus::Skipped));
    let outbox = world.shop.get("outbox").await?;
    assert_eq!(outbox[0]["message"]["data"], json!({ "first_name": "Nguyen", "loyalty_points": 100 }));
    world.shop.clean().await?;
    Ok(())
}

/// The last step that can be undone fails for good: everything goes back, newest first, and the customer may try
/// again.
#[tokio::test]
async fn an_outage_before_the_welcome_undoes_all_newest_first() -> anyhow::Result<()> {
    let (world, _worker) = World::apart(&["--account-patience=1s", "--second-look=200ms"]).await?;
    world.shop.faults(json!([{ "operation": "coupons.create", "kind": "status", "status": 503 }])).await?;
    let registration = customers::registration();
    let run = world.register(&registration).await?;
    let (message, report) = run.ended().await?.failed_as("StepFailed")?;
    assert!(message.starts_with("Workflow step 'send-welcome-emails' failed"), "{message}");
    let mut undone = tests::world::in_words(&report.undone);
    undone[..2].sort();
    assert_eq!(
        undone,
        ["send-welcome-emails/coupon", "send-welcome-emails/follow-up", "setup-loyalty", "create-customer"]
    );
    assert_eq!(report.step("send-welcome-emails").map(|s| s.status), Some(StepStatus::Undone));
    let totals = nothing_stands(&world, 1).await?;
    assert_eq!(totals["reversed_points"], json!(100));
    assert_eq!(world.only_customer().await?["customer"]["status"], json!("incomplete_onboarding"));
    let series = run.follow_up().ended().await?.completed()?;
    assert_eq!(serde_json::to_value(series.ended_by)?, json!("undone"));

    // A second try is a run of its own: it takes the account up again, and gives everything once.
    world.shop.mend().await?;
    let result = world.onboard(&registration).await?.completed()?;
    assert!(result.welcome_discount_code.is_some());
    let totals = world.shop.clean().await?;
    assert_eq!(
        (&totals["customers"], &totals["incomplete_customers"], &totals["points"], &totals["mails"]),
        (&json!(1), &Value::Null, &json!(100), &json!(1))
    );
    Ok(())
}

#[tokio::test]
async fn a_stop_after_the_welcome_is_refused_and_says_what_to_do_instead() -> anyhow::Result<()> {
    let world = World::new().await?;
    world
        .shop
        .faults(json!([{ "operation": "customers.segments", "kind": "latency", "latency_ms": 1_500 }]))
        .await?;
    let run = world.register(&customers::registration()).await?;
    world.shop.requested("customers.segments").await?;
    let refused = run.cancel("too late").await.err().unwrap_or_default();
    assert!(refused.contains("unsubscribe"), "{refused}");
    run.ended().await?.completed()?;
    assert_eq!(world.shop.clean().await?["points"], json!(100));
    Ok(())
}

#[tokio::test]
async fn an_undo_that_sticks_is_named_by_its_part_and_answered_by_a_person() -> anyhow::Result<()> {
    let world = World::new().await?;
    world
        .shop
        .faults(json!([
            { "operation": "coupons.create", "kind": "status", "status": 422 },
            { "operation": "coupons.revoke", "kind": "status", "status": 503 }
        ]))
        .await?;
    let run = world.register(&customers::registration()).await?;
    let asks = run.until("asking", |progress| !progress.needs_human.is_empty()).await?;
    assert_eq!(asks.needs_human, ["send-welcome-emails/coupon"]);
    let too_late = run.cancel("another reason").await.err().unwrap_or_default();
    assert!(too_late.contains("already being undone"), "{too_late}");
    world.attach_run(&run.workflow_id).tried_on(1).await?;
    world.shop.mend().await?;
    let answer = run.answer("send-welcome-emails/coupon", Action::Retry, "the shop is back").await;
    assert_eq!(answer, Ok(AnswerOutcome::Done));
    run.ended().await?.failed_as("StepFailed")?;
    nothing_stands(&world, 1).await?;
    Ok(())
}

/// A coupon that cannot be revoked is one thing; mails to somebody who is not a customer, and points, are another.
#[tokio::test]
async fn a_coupon_that_the_shop_does_not_revoke_holds_up_no_other_undo() -> anyhow::Result<()> {
    let world = World::new().await?;
    world
        .shop
        .faults(json!([
            { "operation": "coupons.create", "kind": "status", "status": 503 },
            { "operation": "coupons.revoke", "kind": "status", "status": 422 }
        ]))
        .await?;
    let run = world.register(&customers::registration()).await?;
    let undone =
        |progress: &Progress, step| progress.step(step).map(|s| s.status) == Some(StepStatus::Undone);
    let is_so = |progress: &Progress| {
        progress.needs_human == ["send-welcome-emails/coupon"]
            && ["setup-loyalty", "create-customer"].iter().all(|step| undone(progress, step))
    };
    run.until("asked about the coupon alone", is_so).await?;
    let series = run.follow_up().ended().await?.completed()?;
    assert_eq!(serde_json::to_value(series.ended_by)?, json!("undone"));
    world.shop.mend().await?;
    let answer = run.answer("send-welcome-emails/coupon", Action::Retry, "the shop is back").await;
    assert_eq!(answer, Ok(AnswerOutcome::Done));
    run.ended().await?.failed_as("StepFailed")?;
    Ok(())
}

/// A step that fails after the welcome is reported; the customer keeps what the mail promised.
#[tokio::test]
async fn a_mail_that_is_refused_rolls_nothing_back() -> anyhow::Result<()> {
    let world = World::new().await?;
    world
        .shop
        .faults(json!([
            { "operation": "notifications.email", "kind": "status", "status": 422 },
            { "operation": "customers.content", "kind": "status", "status": 400 }
        ]))
        .await?;
    let result = world.onboard(&customers::registration()).await?.completed()?;
    assert!(result.success);
    for step in ["send-welcome-emails", "personalize-experience"] {
        assert_eq!(result.report.step(step).map(|s| s.status), Some(StepStatus::Failed), "{step}");
    }
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["points"], &totals["mails"], &totals["events"]), (&json!(100), &json!(0), &json!(1)));
    Ok(())
}
