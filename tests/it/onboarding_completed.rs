//! Onboardings that go through.

use jiff::Timestamp;
use serde_json::json;
use tests::customers;
use tests::world::World;
use workflows::report::StepStatus;

#[tokio::test]
async fn the_seeds_registration_goes_through_and_every_effect_happens_once() -> anyhow::Result<()> {
    let world = World::new().await?;
    let registration = customers::registration();
    let run = world.register(&registration).await?;
    let result = run.ended().await?.completed()?;
    assert!(result.success);
    assert!(
        result.report.steps.iter().all(|step| step.status == StepStatus::Completed),
        "{:?}",
        result.report
    );
    assert_eq!(result.workflow_id, run.workflow_id);
    let next = ["Complete profile setup", "Browse recommended products", "Use welcome discount code"];
    assert_eq!(result.next_steps, next);
    let customer = result.customer.ok_or_else(|| anyhow::anyhow!("no customer"))?;
    let loyalty = result.loyalty_account.ok_or_else(|| anyhow::anyhow!("no loyalty account"))?;
    assert_eq!((loyalty.tier.as_str(), loyalty.points), ("bronze", 100));
    assert_eq!(customer.email.reveal(), registration["email"]);

    let id = customer.customer_id.as_str();
    let code = format!("WELCOME{}", &id[id.len() - 6..]);
    assert_eq!(result.welcome_discount_code.as_ref(), Some(&code));
    let known = world.only_customer().await?;
    assert_eq!(known["customer"]["status"], json!("active"));
    assert_eq!(known["points"], json!(100));
    let coupon = &known["coupons"][0];
    assert_eq!(known["coupons"].as_array().map(Vec::len), Some(1), "{known}");
    assert_eq!((&coupon["code"], &coupon["status"]), (&json!(code), &json!("active")));
    assert_eq!((&coupon["percent"], &coupon["usage_limit"]), (&json!(10), &json!(1)));
    let expires: Timestamp = coupon["expiry_date"].as_str().unwrap_or_default().parse()?;
    let days = expires.duration_since(Timestamp::now()).as_hours();
    assert!((29 * 24..=30 * 24).contains(&days), "expires in {days} hours: {coupon}");
    assert_eq!(
        known["segments"],
        json!(["budget_medium", "interested_in_electronics", "interested_in_fashion", "new_customer"])
    );
    assert_eq!(
        known["homepage"],
        json!([
            { "type": "hero_banner", "content": "welcome_new_customer" },
            { "type": "product_recommendations", "source": "onboarding_preferences" },
            { "type": "category_highlights", "categories": ["electronics", "fashion"] }
        ])
    );
    assert_eq!(
        known["recommendation_settings"],
        json!({
            "categories": ["electronics", "fashion"], "price_range": "medium", "brands": ["Apple", "Samsung"]
        })
    );
    let outbox = world.shop.get("outbox").await?;
    let mail = &outbox[0]["message"];
    assert_eq!((&mail["to"], &mail["template"]), (&registration["email"], &json!("welcome")));
    assert_eq!(
        mail["data"],
        json!({ "first_name": "Nguyen", "loyalty_points": 100, "welcome_discount_code": code })
    );
    let link = mail["headers"]["List-Unsubscribe"].as_str().unwrap_or_default();
    assert!(link.starts_with("<https://shop.example.com/unsubscribe/"), "a code is marketing: {mail}");
    let totals = world.shop.clean().await?;
    let expected = ("mails", "events", "customers", "points", "coupons");
    let of = |name: &str| totals[name].as_i64();
    assert_eq!(
        (of(expected.0), of(expected.1), of(expected.2), of(expected.3), of(expected.4)),
        (Some(1), Some(1), Some(1), Some(100), Some(1))
    );
    // The series of mails outlives the onboarding.
    assert_eq!(run.follow_up().is_open().await?, Some(true));
    assert_eq!(result.follow_up, Some(run.follow_up().workflow_id));
    Ok(())
}

/// A cluster pays for events and transitions: they must not creep up unnoticed.
#[tokio::test]
async fn an_onboarding_costs_at_most_39_events_and_18_transitions() -> anyhow::Result<()> {
    let world = World::new().await?;
    world.onboard(&customers::registration()).await?.completed()?;
    let run = world.register(&customers::registration()).await?;
    run.ended().await?.completed()?;
    let (events, transitions) = run.cost().await?;
    println!("an onboarding: {events} events, {transitions} state transitions");
    assert!(events <= 39 && transitions <= 18, "{events} events, {transitions} transitions");
    Ok(())
}

#[tokio::test]
async fn the_code_goes_to_who_agreed_to_marketing_and_the_welcome_to_all() -> anyhow::Result<()> {
    let world = World::new().await?;
    let mut registration = customers::registration();
    registration["marketing_consent"] = json!(false);
    let result = world.onboard(&registration).await?.completed()?;
    assert!(result.welcome_discount_code.is_some(), "the shop may show it");
    let outbox = world.shop.get("outbox").await?;
    let mail = &outbox[0]["message"];
    assert_eq!(mail["data"], json!({ "first_name": "Nguyen", "loyalty_points": 100 }));
    assert_eq!(mail["headers"], json!(null), "no promotion, no marketing");
    Ok(())
}

/// An account that is gone on with may have had mails before.
#[tokio::test]
async fn whoever_complained_of_mails_or_whose_mails_bounce_is_not_welcomed_by_one() -> anyhow::Result<()> {
    for reason in ["complaint", "bounce"] {
        let world = World::new().await?;
        let mut registration = customers::registration();
        registration["if_registered"] = json!("continue");
        let customer_id = world.open_account(&registration).await?;
        world.shop.put(&format!("customers/{customer_id}"), json!({ "suppressed": reason })).await?;
        let result = world.onboard(&registration).await?.completed()?;
        assert!(result.success && result.was_registered, "{result:?}");
        let step = result.report.step("send-welcome-emails").cloned();
        let step = step.ok_or_else(|| anyhow::anyhow!("no step send-welcome-emails"))?;
        let part = step.parts.iter().find(|part| part.part == "welcome");
        assert_eq!(part.map(|part| part.status), Some(StepStatus::Skipped), "{step:?}");
        assert!(world.mailed().await?.is_empty());
    }
    Ok(())
}
