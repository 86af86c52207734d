//! `starter onboarding` as a script sees it: exit codes, stdout, stderr.

use std::process::Stdio;

use serde_json::{Value, json};
use tests::customers;
use tests::processes::binary;
use tests::world::{LIMIT, World};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// The outcome of a call of the starter.
struct Called {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Called {
    fn json(&self) -> anyhow::Result<Value> {
        Ok(serde_json::from_str(&self.out)?)
    }
}

/// Calls the starter with a key of pseudonyms, if there is one, and an input on stdin.
async fn call(
    world: &World,
    key: Option<&str>,
    args: &[&str],
    input: Option<&Value>,
) -> anyhow::Result<Called> {
    let mut command = Command::new(binary("starter")?);
    command
        .args(["onboarding"])
        .args(args)
        .args(["--address", world.address(), "--task-queue", &world.task_queue])
        .env_remove("SUN_WEB_UI_URL")
        .env_remove("SUN_REF_KEY")
        .env_remove("SUN_REF_KEY_FILE")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    if let Some(key) = key {
        command.env("SUN_REF_KEY", key);
    }
    let mut child = command.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        let text = input.map(Value::to_string).unwrap_or_default();
        stdin.write_all(text.as_bytes()).await?;
    }
    let output = tokio::time::timeout(LIMIT, child.wait_with_output()).await??;
    Ok(Called {
        code: output.status.code(),
        out: String::from_utf8(output.stdout)?,
        err: String::from_utf8(output.stderr)?,
    })
}

async fn starter(world: &World, args: &[&str], input: Option<&Value>) -> anyhow::Result<Called> {
    call(world, Some(customers::REF_KEY), args, input).await
}

const START: [&str; 5] = ["start", "--input", "-", "--wait", "-ojson"];

#[tokio::test]
async fn a_customer_is_onboarded_with_0_and_known_ones_are_5() -> anyhow::Result<()> {
    let world = World::new().await?;
    let registration = customers::registration();
    let customer = customers::customer_ref(&registration)?;
    let started = starter(&world, &START, Some(&registration)).await?;
    assert_eq!(started.code, Some(0), "{}", started.err);
    let result = started.json()?;
    assert_eq!((&result["success"], &result["loyalty_account"]["points"]), (&json!(true), &json!(100)));
    assert_eq!(result["workflow_id"], json!(format!("onboarding/{customer}")));
    assert!(started.err.contains("[6/6] track-completion completed"), "{}", started.err);
    let address = registration["email"].as_str().unwrap_or_default();
    assert!(!started.err.contains(address), "talk names the person: {}", started.err);

    let again = starter(&world, &START, Some(&registration)).await?;
    assert_eq!(again.code, Some(5), "{}", again.err);
    assert_eq!(again.json()?["error"]["type"], json!("CustomerExists"));
    world.shop.clean().await?;

    // By pseudonym, by workflow id, and by address; the mails by theirs.
    let id = format!("onboarding/{customer}/follow-up");
    for name in [customer.as_str(), &format!("onboarding/{customer}"), address, &id] {
        let status = starter(&world, &["status", name, "-ojson"], None).await?;
        assert_eq!(status.code, Some(0), "{name}: {}", status.err);
    }
    let listed = starter(&world, &["list", "--mails", "--customer", address, "-ojson"], None).await?;
    assert!(listed.code == Some(0) && !listed.out.contains(address), "{} {}", listed.out, listed.err);
    Ok(())
}

#[tokio::test]
async fn a_start_while_one_runs_attaches_and_gives_nothing_twice() -> anyhow::Result<()> {
    let world = World::new().await?;
    let registration = customers::registration();
    let slow = json!([{ "operation": "loyalty.create", "kind": "latency", "latency_ms": 1_500 }]);
    world.shop.faults(slow).await?;
    let start = ["start", "--input", "-"];
    let first = starter(&world, &start, Some(&registration)).await?;
    assert_eq!(first.code, Some(0), "{}", first.err);
    world.shop.requested("loyalty.create").await?;
    let second = starter(&world, &START, Some(&registration)).await?;
    assert_eq!(second.code, Some(0), "{}", second.err);
    assert!(second.err.contains("attached to onboarding/"), "{}", second.err);
    let totals = world.shop.clean().await?;
    assert_eq!(
        (&totals["customers"], &totals["points"], &totals["mails"]),
        (&json!(1), &json!(100), &json!(1))
    );
    Ok(())
}

#[tokio::test]
async fn news_of_a_customer_reach_the_mails() -> anyhow::Result<()> {
    let world = World::new().await?;
    let registration = customers::registration();
    let run = world.register(&registration).await?;
    run.ended().await?.completed()?;
    let customer = run.customer_ref.as_str();
    let consent = starter(&world, &["consent", customer, "--marketing", "false", "-ojson"], None).await?;
    assert_eq!(consent.code, Some(0), "{}", consent.err);
    assert_eq!(consent.json()?["answer"], json!("taken"));
    let bye = starter(&world, &["unsubscribe", customer, "-ojson"], None).await?;
    assert_eq!((bye.code, bye.json()?["answer"].clone()), (Some(0), json!("ended")), "{}", bye.err);
    run.follow_up().ended().await?.completed()?;
    assert_eq!(world.only_customer().await?["mail"]["unsubscribed"], json!(true));
    let late = starter(&world, &["ordered", customer], None).await?;
    assert_eq!(late.code, Some(1), "{}", late.err);
    assert!(late.err.contains("has already ended"), "{}", late.err);
    // Nothing is erased by it, and it says so; the second time as the first.
    for _ in 0..2 {
        let erased = starter(&world, &["erase", customer], None).await?;
        assert_eq!(erased.code, Some(0), "{}", erased.err);
        let said = format!("{}{}", erased.out, erased.err);
        assert!(said.contains("follow-up mails: had ended before. Nothing else was touched"), "{said}");
        assert!(said.contains("the account at the platform") && !said.contains("was erased"), "{said}");
    }
    let nobody = starter(&world, &["erase", "0123456789abcdef"], None).await?;
    assert_eq!(nobody.code, Some(4), "{}", nobody.err);
    Ok(())
}

#[tokio::test]
async fn without_the_key_or_with_wrong_input_nothing_is_started() -> anyhow::Result<()> {
    let world = World::new().await?;
    let registration = customers::registration();
    for (key, words) in [(None, "SUN_REF_KEY is missing"), (Some("short"), "is shorter than 16 bytes")] {
        let refused = call(&world, key, &START, Some(&registration)).await?;
        assert_eq!(refused.code, Some(2), "{}", refused.err);
        assert!(refused.err.contains(words) && refused.err.contains("fix: "), "{}", refused.err);
    }
    let mut wrong = registration.clone();
    wrong["marketing_consent"] = json!(null);
    let refused = starter(&world, &START, Some(&wrong)).await?;
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    assert!(refused.err.contains("marketing_consent is null"), "{}", refused.err);
    let dry = starter(&world, &["start", "--input", "-", "--dry-run", "-ojson"], Some(&registration)).await?;
    assert_eq!(dry.code, Some(0), "{}", dry.err);
    let address = registration["email"].as_str().unwrap_or_default();
    assert!(!dry.out.contains(address) && !dry.out.contains("Nguyen"), "{}", dry.out);
    assert_eq!(world.shop.requests("customers.create").await?, 0);
    Ok(())
}

/// Starter and worker with different keys: the run ends at once, and says why.
#[tokio::test]
async fn another_key_than_the_workers_is_named() -> anyhow::Result<()> {
    let world = World::new().await?;
    let started =
        call(&world, Some("another key of the tests"), &START, Some(&customers::registration())).await?;
    assert_eq!(started.code, Some(1), "{}", started.err);
    let error = started.json()?["error"].clone();
    assert_eq!(error["type"], json!("RegistrationInvalid"));
    assert!(error["message"].as_str().is_some_and(|m| m.contains("SUN_REF_KEY")), "{error}");
    assert_eq!(world.shop.requests("customers.create").await?, 0);
    Ok(())
}
