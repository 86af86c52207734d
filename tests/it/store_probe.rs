//! `starter doctor` finds out whether worker and starter have the same object store.

use serde_json::{Value, json};
use tests::erp::ErpWorld;
use tests::processes::binary;
use tests::servers;
use tokio::process::Command;

/// Calls the doctor with a store; its exit code, and what it says of the object store.
async fn doctor(erp: &ErpWorld, store: &str) -> anyhow::Result<(Option<i32>, Value)> {
    let output = Command::new(binary("starter")?)
        .args(["doctor", "-o", "json", "--store", store])
        .args(["--address", erp.world.address(), "--task-queue", &erp.world.task_queue])
        .env_remove("SUN_WORKER_URL")
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(tests::world::LIMIT, output).await??;
    let document: Value = serde_json::from_slice(&output.stdout)?;
    let checks = document["checks"].as_array().cloned().unwrap_or_default();
    let of_store: Vec<Value> = checks.into_iter().filter(|check| check["name"] == "object store").collect();
    anyhow::ensure!(of_store.len() == 1, "{document}");
    Ok((output.status.code(), of_store[0].clone()))
}

#[tokio::test]
async fn the_doctor_says_whether_the_worker_sees_the_starters_store() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    erp.world.is_polled().await?;
    servers::keep_closed_runs(&erp.world.client, servers::MONTH).await?;
    let (same, other) = (erp.store.place().to_owned(), erp.folder().join("elsewhere").display().to_string());
    let (code, check) = doctor(&erp, &same).await?;
    assert_eq!((code, &check["ok"]), (Some(0), &json!(true)), "{check}");
    assert_eq!(check["detail"], format!("{same}, the worker sees it"));

    let (code, check) = doctor(&erp, &other).await?;
    assert_eq!((code, &check["ok"]), (Some(1), &json!(false)), "{check}");
    let wanted = format!("the worker does not see the starter's object store ({other}); its own is {same}");
    assert_eq!(check["detail"], wanted);
    assert!(
        check["fix"].as_str().is_some_and(|fix| fix.starts_with("set SUN_STORE alike on both")),
        "{check}"
    );

    // A shop that runs no syncs need not have one.
    let output = Command::new(binary("starter")?)
        .args(["doctor", "--store", &other, "--without-store"])
        .args(["--address", erp.world.address(), "--task-queue", &erp.world.task_queue])
        .env_remove("SUN_WORKER_URL")
        .kill_on_drop(true)
        .output()
        .await?;
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));

    // Nothing of it stays behind, on either side.
    assert_eq!(erp.store.list(store::PROBES).await?, []);
    assert_eq!(store::Store::open(&other)?.list(store::PROBES).await?, []);

    let (code, check) = doctor(&erp, "/proc/nowhere").await?;
    assert_eq!((code, &check["ok"]), (Some(1), &json!(false)), "{check}");
    assert!(check["detail"].as_str().is_some_and(|why| why.contains("cannot be opened")), "{check}");
    Ok(())
}

/// A person whose quarantine is empty is told so, and gets no header above nothing.
#[tokio::test]
async fn the_starter_says_what_there_is_and_nothing_else() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    let output = Command::new(binary("starter")?)
        .args(["erp", "quarantine", "list", erp.integration(), "--store", erp.store.place()])
        .kill_on_drop(true)
        .output()
        .await?;
    let (out, err) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
    assert_eq!((output.status.code(), out.as_str()), (Some(0), ""));
    assert_eq!(err, format!("nothing is in the quarantine of {}\n", erp.integration()));
    Ok(())
}
