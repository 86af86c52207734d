//! The fault matrix of onboarding: each operation of each step × refused for good, down twice; each undo × down twice,
//! reply lost. Replies that are lost on the way forward: `onboarding_lost_replies`; stops: `onboarding_refused`.

use serde_json::{Value, json};
use tests::customers;
use tests::matrix::names_every_step;
use tests::world::World;
use workflows::customer_onboarding::CustomerOnboarding;
use workflows::report::StepStatus;
use workflows::saga::Process as _;

/// What becomes of a run whose operation is refused for good.
#[derive(Clone, Copy)]
enum Refused {
    /// It fails, and this is undone, newest first; what is undone of one step may come in either order.
    Undone(&'static [&'static str]),
    /// The step is reported as failed, and nothing is rolled back.
    Reported,
}

/// The steps of the rows below. A step without a row does not compile.
const STEPS: [&str; 8] = [
    "create-customer",
    "setup-loyalty",
    "send-welcome-emails",
    "send-welcome-emails",
    "personalize-experience",
    "personalize-experience",
    "assign-segments",
    "track-completion",
];
const _: () = assert!(names_every_step(&STEPS, CustomerOnboarding::STEPS));

const ROWS: [(&str, Refused); 8] = [
    ("customers.create", Refused::Undone(&["create-customer"])),
    ("loyalty.create", Refused::Undone(&["setup-loyalty", "create-customer"])),
    (
        "coupons.create",
        Refused::Undone(&[
            "send-welcome-emails/coupon",
            "send-welcome-emails/follow-up",
            "setup-loyalty",
            "create-customer",
        ]),
    ),
    ("notifications.email", Refused::Reported),
    ("customers.preferences", Refused::Reported),
    ("customers.content", Refused::Reported),
    ("customers.segments", Refused::Reported),
    ("events.track", Refused::Reported),
];

/// The operations that undo, in the order in which they may happen.
const UNDOS: [&str; 3] = ["coupons.revoke", "loyalty.reverse", "customers.update"];

fn figures(totals: &Value) -> [i64; 5] {
    ["points", "coupons", "revoked_coupons", "incomplete_customers", "mails"]
        .map(|name| totals[name].as_i64().unwrap_or(0))
}

#[tokio::test]
async fn an_operation_that_is_refused_for_good_undoes_all_or_is_reported() -> anyhow::Result<()> {
    for (step, (operation, refused)) in STEPS.into_iter().zip(ROWS) {
        let world = World::new().await?;
        world.shop.faults(json!([{ "operation": operation, "kind": "status", "status": 403 }])).await?;
        let ended = world.onboard(&customers::registration()).await?;
        let totals = world.shop.clean().await?;
        match refused {
            Refused::Undone(undone) => {
                let (message, report) = ended.failed_as("StepFailed")?;
                let start = format!("Workflow step '{step}' failed");
                assert!(message.starts_with(&start), "{operation}: {message}");
                let mut named = report.undone.clone();
                // Coupon and series began side by side.
                let side_by_side = named.len().saturating_sub(2);
                named[..side_by_side].sort();
                assert_eq!(named, undone, "{operation}");
                let [points, coupons, revoked, _, mails] = figures(&totals);
                assert_eq!((points, coupons, mails), (0, revoked, 0), "{operation}: {totals}");
            }
            Refused::Reported => {
                let result = ended.completed()?;
                assert!(result.success && result.report.undone.is_empty(), "{operation}");
                let status = result.report.step(step).map(|step| step.status);
                assert_eq!(status, Some(StepStatus::Failed), "{operation}");
                let mails = i64::from(operation != "notifications.email");
                assert_eq!(figures(&totals), [100, 1, 0, 0, mails], "{operation}: {totals}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_operation_that_is_down_twice_is_waited_for() -> anyhow::Result<()> {
    for (operation, _) in ROWS {
        let world = World::new().await?;
        let down = json!([{ "operation": operation, "kind": "status", "status": 503, "count": 2 }]);
        world.shop.faults(down).await?;
        let result = world.onboard(&customers::registration()).await?.completed()?;
        let is_done = result.report.steps.iter().all(|step| step.status == StepStatus::Completed);
        assert!(is_done, "{operation}: {:?}", result.report);
        assert_eq!(figures(&world.shop.clean().await?), [100, 1, 0, 0, 1], "{operation}");
    }
    Ok(())
}

/// The run is stopped while the coupon is made, so that all three undos have something to undo.
#[tokio::test]
async fn an_undo_that_is_down_twice_or_whose_reply_is_lost_undoes_once() -> anyhow::Result<()> {
    for operation in UNDOS {
        for fault in [
            json!({ "kind": "status", "status": 503, "count": 2 }),
            json!({ "kind": "reply_lost", "count": 1 }),
        ] {
            let world = World::new().await?;
            let mut undo = fault.clone();
            undo["operation"] = json!(operation);
            let slow = json!({ "operation": "coupons.create", "kind": "latency", "latency_ms": 600 });
            world.shop.faults(json!([slow, undo])).await?;
            let run = world.register(&customers::registration()).await?;
            world.shop.requested("coupons.create").await?;
            run.cancel("changed mind").await.map_err(anyhow::Error::msg)?;
            let result = run.ended().await?.completed()?;
            assert_eq!(result.outcome, "cancelled", "{operation} {fault}");
            let totals = world.shop.clean().await?;
            assert_eq!(figures(&totals), [0, 1, 1, 1, 0], "{operation} {fault}: {totals}");
            assert_eq!(totals["reversed_points"], json!(100), "{operation} {fault}");
            assert!(world.shop.requests(operation).await? >= 2, "{operation} {fault}: never tried again");
        }
    }
    Ok(())
}
