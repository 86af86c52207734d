//! The starter as an extension of Temporal's own command line: `temporal sun …`.

use std::ffi::OsString;

use anyhow::Context as _;
use serde_json::Value;
use tests::orders;
use tests::processes::{binary, tool};
use tests::starter::{Called, call};
use tests::world::World;
use tokio::process::Command;

/// Calls `temporal sun …`, with the link on PATH and nothing else of ours.
async fn temporal_sun(world: &World, args: &[&str], input: Option<&Value>) -> anyhow::Result<Called> {
    let link = binary("temporal-sun")?;
    let folder = link.parent().context("the link is in no folder")?;
    let path: OsString = std::env::join_paths([folder, "/usr/bin".as_ref(), "/bin".as_ref()])?;
    let mut command = Command::new(tool("TEMPORAL_CLI")?);
    command.arg("sun").args(args).args(["--address", world.address(), "--task-queue", &world.task_queue]);
    call(command.env("PATH", path), input).await
}

#[tokio::test]
async fn temporals_own_command_line_runs_the_starter_and_passes_its_exit_codes_on() -> anyhow::Result<()> {
    let world = World::new().await?;
    let declined = orders::paid_with("card_declined");
    let id = orders::id(&declined);
    let started = temporal_sun(&world, &["order", "start", "--input", "-"], Some(&declined)).await?;
    assert_eq!(started.code, Some(0), "{}", started.err);
    assert!(started.err.contains(&format!("next: temporal sun order watch {id}")), "{}", started.err);

    let result = temporal_sun(&world, &["order", "result", &id, "-o", "json"], None).await?;
    assert_eq!(result.code, Some(5), "{}", result.err);
    assert_eq!(result.json()?["error"]["type"], "PaymentDeclined");

    let unknown = temporal_sun(&world, &["order", "status", "ORDER-NOBODYS"], None).await?;
    assert_eq!(unknown.code, Some(4), "{}", unknown.err);
    assert!(unknown.err.contains("'temporal sun list' shows what there is"), "{}", unknown.err);

    let usage = temporal_sun(&world, &["order", "cancel", &id], None).await?;
    assert_eq!(usage.code, Some(2), "{}", usage.err);
    assert!(usage.err.contains("temporal sun order cancel"), "{}", usage.err);
    Ok(())
}
