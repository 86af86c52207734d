//! Going on with an address that is registered already: nothing is given twice, and nothing that was there is undone.

use serde_json::{Value, json};
use tests::customers;
use tests::matrix::{down_twice, refused};
use tests::world::World;
use workflows::report::StepStatus;

fn continued() -> Value {
    let mut registration = customers::registration();
    registration["if_registered"] = json!("continue");
    registration
}

/// Customers, points, coupons, mails, events.
async fn books(world: &World) -> anyhow::Result<[i64; 5]> {
    let totals = world.shop.clean().await?;
    Ok(["customers", "points", "coupons", "mails", "events"].map(|name| totals[name].as_i64().unwrap_or(0)))
}

/// The account as the shop has it, without what onboarding may write.
async fn account(world: &World) -> anyhow::Result<Value> {
    Ok(world.only_customer().await?["customer"].clone())
}

#[tokio::test]
async fn a_known_customer_who_was_never_welcomed_gets_everything_once() -> anyhow::Result<()> {
    let world = World::new().await?;
    let registration = continued();
    let customer_id = world.open_account(&registration).await?;
    let before = account(&world).await?;
    let mut others = registration.clone();
    others["first_name"] = json!("Somebody");
    others["marketing_consent"] = json!(false);
    // The platform being away for a moment changes nothing.
    world.shop.faults(json!([down_twice("customers.get"), down_twice("loyalty.get")])).await?;
    let run = world.register(&others).await?;
    let result = run.ended().await?.completed()?;
    assert!(result.success && result.was_registered, "{result:?}");
    assert_eq!(result.customer.map(|customer| customer.customer_id), Some(customer_id));
    assert!(result.welcome_discount_code.is_some() && result.follow_up.is_some());
    assert_eq!(books(&world).await?, [1, 100, 1, 1, 1]);
    assert_eq!(world.mailed().await?, ["welcome"]);
    assert_eq!(account(&world).await?, before, "what the account says stays");
    assert_eq!(run.follow_up().is_open().await?, Some(true));
    Ok(())
}

#[tokio::test]
async fn a_customer_who_was_welcomed_gets_nothing_twice() -> anyhow::Result<()> {
    let world = World::new().await?;
    let registration = continued();
    let first = world.register(&registration).await?;
    first.ended().await?.completed()?;
    let mut again = registration.clone();
    again["interests"] = json!(["books"]);
    let run = world.register(&again).await?;
    let result = run.ended().await?.completed()?;
    assert!(result.success && result.was_registered, "{result:?}");
    assert_eq!(result.loyalty_account.map(|account| account.points), Some(100));
    assert_eq!((result.welcome_discount_code, result.follow_up), (None, None));
    assert_eq!(result.next_steps, ["Complete profile setup", "Browse recommended products"]);
    for (step, status) in [
        ("create-customer", StepStatus::Completed),
        ("setup-loyalty", StepStatus::Skipped),
        ("send-welcome-emails", StepStatus::Skipped),
        ("personalize-experience", StepStatus::Completed),
        ("assign-segments", StepStatus::Completed),
        ("track-completion", StepStatus::Skipped),
    ] {
        assert_eq!(result.report.step(step).map(|step| step.status), Some(status), "{step}");
    }
    assert_eq!(books(&world).await?, [1, 100, 1, 1, 1]);
    let customer = world.only_customer().await?;
    assert_eq!(customer["recommendation_settings"]["categories"], json!(["books"]));
    let segments = customer["segments"].as_array().cloned().unwrap_or_default();
    assert!(segments.contains(&json!("interested_in_books")), "{segments:?}");
    // The first run's series goes on.
    assert_eq!(first.follow_up().is_open().await?, Some(true));

    // A registration that says nothing overwrites nothing.
    let mut silent = registration.clone();
    for name in ["interests", "budget_range", "preferred_brands"] {
        silent[name] = Value::Null;
    }
    world.onboard(&silent).await?.completed()?;
    assert_eq!(world.only_customer().await?, customer);
    Ok(())
}

#[tokio::test]
async fn an_undo_leaves_the_account_that_was_there_as_it_was() -> anyhow::Result<()> {
    let world = World::new().await?;
    let registration = continued();
    world.open_account(&registration).await?;
    let before = account(&world).await?;
    world.shop.faults(json!([refused("coupons.create", 422)])).await?;
    let run = world.register(&registration).await?;
    let (_, report) = run.ended().await?.failed_as("StepFailed")?;
    assert_eq!(
        tests::world::in_words(&report.undone),
        ["send-welcome-emails/coupon", "send-welcome-emails/follow-up", "setup-loyalty"]
    );
    assert_eq!(account(&world).await?, before, "active, not marked");
    assert_eq!(books(&world).await?, [1, 0, 0, 0, 0]);
    assert_eq!(world.shop.requests("customers.update").await?, 0);
    run.follow_up().ended().await?.completed()?;

    // And once more, when the shop takes coupons again.
    world.shop.mend().await?;
    let result = world.onboard(&registration).await?.completed()?;
    assert!(result.success && result.was_registered, "{result:?}");
    assert_eq!(books(&world).await?, [1, 100, 1, 1, 1]);
    Ok(())
}

#[tokio::test]
async fn a_closed_account_is_not_gone_on_with_and_refuse_says_the_default() -> anyhow::Result<()> {
    for (choice, status) in [("continue", "closed"), ("refuse", "active")] {
        let world = World::new().await?;
        let mut registration = continued();
        registration["if_registered"] = json!(choice);
        let customer_id = world.open_account(&registration).await?;
        let url = format!("{}/api/v1/customers/{customer_id}", world.shop.url());
        let body = json!({ "status": status }).to_string();
        let request = reqwest::Client::new().put(url).header("content-type", "application/json").body(body);
        assert!(request.send().await?.status().is_success());
        let (message, report) = world.onboard(&registration).await?.failed_as("CustomerExists")?;
        assert!(
            message.starts_with("Workflow step 'create-customer' failed: the address is registered"),
            "{message}"
        );
        assert!(report.undone.is_empty(), "nothing was done: {report:?}");
        assert_eq!(account(&world).await?["status"], json!(status));
        assert_eq!(books(&world).await?, [1, 0, 0, 0, 0]);
    }
    Ok(())
}

/// An address that nobody registered is onboarded as ever.
#[tokio::test]
async fn a_new_customer_is_new_whatever_the_input_says_of_known_ones() -> anyhow::Result<()> {
    let world = World::new().await?;
    let result = world.onboard(&continued()).await?.completed()?;
    assert!(result.success && !result.was_registered, "{result:?}");
    assert_eq!(world.shop.requests("loyalty.get").await?, 0);
    assert_eq!(books(&world).await?, [1, 100, 1, 1, 1]);
    Ok(())
}
