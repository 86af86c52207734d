//! Objects of runs go when the runs have closed long enough ago, and not before.

use std::time::{Duration, SystemTime};

use serde_json::json;
use temporalio_client::{WorkflowGetResultOptions, WorkflowStartOptions};
use tests::erp::ErpWorld;
use workflows::input::Unchecked;
use workflows::store_clean_up::{StoreCleanUp, StoreCleanUpData};

#[tokio::test]
async fn objects_stay_with_runs_that_are_open_or_closed_lately() -> anyhow::Result<()> {
    let erp = ErpWorld::new().await?;
    erp.sync(json!({})).await?.completed()?;
    // One that waits for a person.
    let fields = json!({ "item_code": "FREE-001", "item_description": "For nothing", "unit_price": 0 });
    erp.erp(json!([{ "entity": "products", "id": "P1", "fields": fields }])).await?;
    let open = erp.start(json!({})).await?;
    open.asks().await?;
    // Two that Temporal has forgotten, one of them long ago.
    let forgotten = |run: &str| format!("runs/erp/gone/5f0c7a52-7d6c-4c68-9f3f-1d1c1c0a6a{run}");
    erp.store.put(&forgotten("3e"), "txt", b"new".to_vec()).await?;
    let old = erp.store.put(&forgotten("3f"), "txt", b"old".to_vec()).await?;
    let forgotten_since = async |key: &str, days: u64| {
        let file = std::fs::File::options().write(true).open(erp.folder().join("store").join(key))?;
        file.set_modified(SystemTime::now() - Duration::from_secs(days * 24 * 3600))
    };
    forgotten_since(&old.key, 30).await?;
    // Two lists that wait for a person, one of them for too long.
    let waits = erp.store.put("quarantine/erp-1/run-1", "jsonl", b"{}".to_vec()).await?;
    let given_up = erp.store.put("quarantine/erp-1/run-0", "jsonl", b"{}".to_vec()).await?;
    forgotten_since(&waits.key, 4).await?;
    forgotten_since(&given_up.key, 6).await?;
    // And somebody's own folder.
    erp.store.put("runs/somebody/notes", "txt", b"mine".to_vec()).await?;
    // And two probes of a doctor that was interrupted.
    let probe = erp.store.put(store::PROBES, "txt", b"yesterday's".to_vec()).await?;
    let file = std::fs::File::options().write(true).open(erp.folder().join("store").join(&probe.key))?;
    file.set_modified(SystemTime::now() - Duration::from_secs(2 * 24 * 3600))?;
    let fresh = erp.store.put(store::PROBES, "txt", b"today's".to_vec()).await?;
    let before = erp.store.list("runs").await?.len();

    let input =
        Unchecked::<StoreCleanUpData>::of(&StoreCleanUpData { keep_days: 1, keep_quarantine_days: 5 })?;
    let id = format!("store/clean-up-{}", jiff::Timestamp::now());
    let options = WorkflowStartOptions::new(erp.world.task_queue.clone(), id).build();
    let run = erp.world.client.start_workflow(StoreCleanUp::run, input, options).await?;
    let result = run.get_result(WorkflowGetResultOptions::default()).await?;
    assert!(result.success);
    assert_eq!((result.cleaned_up.runs, result.cleaned_up.objects, result.cleaned_up.kept), (1, 2, 4));
    assert_eq!(erp.store.list("runs").await?.len(), before - 1);
    assert_eq!(erp.store.read(&old.key).await?, None);
    assert_eq!(result.cleaned_up.quarantined, 1);
    assert_eq!(erp.store.read(&given_up.key).await?, None);
    assert!(erp.store.read(&waits.key).await?.is_some());
    let probes = erp.store.list(store::PROBES).await?;
    assert_eq!(probes.into_iter().map(|object| object.key).collect::<Vec<_>>(), [fresh.key]);
    open.decide(true, "a give-away").await.map_err(anyhow::Error::msg)?;
    open.ended().await?.completed()?;
    Ok(())
}
