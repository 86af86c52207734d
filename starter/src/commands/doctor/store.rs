//! Does the worker see what the starter puts into the object store?

use std::time::Duration;

use contracts::objects::{ObjectRef, Sight};
use jiff::Timestamp;
use store::{PROBES, Store, StoreError};
use temporalio_client::{WorkflowGetResultOptions, WorkflowStartOptions};
use workflows::input::Unchecked;
use workflows::store_probe::{StoreProbe, StoreProbeData};

use super::check::Check;
use crate::runs::connect::Session;

const NAME: &str = "object store";
/// How long the worker may take to look. The run ends by itself after that.
const LOOK_LIMIT: Duration = Duration::from_secs(20);

/// Puts a probe, has the worker look for it, and removes it.
pub(super) async fn check(session: &Session, task_queue: &str, place: &str) -> Check {
    let own = match put(place).await {
        Ok(own) => own,
        Err(error) => {
            let fix = "--store, or SUN_STORE, must be a place that the starter can write to";
            return Check::failed(NAME, error.to_string(), fix);
        }
    };
    let (store, object) = own;
    let looked = tokio::time::timeout(LOOK_LIMIT, look(session, task_queue, &object)).await;
    let removed = store.remove(&object.key).await;
    let sight = match looked {
        Ok(Ok(sight)) => sight,
        Ok(Err(why)) => return Check::failed(NAME, why, "see the worker's log"),
        Err(_) => {
            let why = format!("{place}: the worker did not look within {} s", LOOK_LIMIT.as_secs());
            return Check::failed(NAME, why, "is the worker busy, or of a version before this starter's?");
        }
    };
    const ALIKE: &str = "set SUN_STORE alike on both: the same bucket, or the same folder of one machine; without syncs, \
                         leave it out with --without-store";
    match (sight, removed) {
        (Sight::Seen, Ok(())) => Check::ok(NAME, format!("{place}, the worker sees it")),
        (Sight::Seen, Err(error)) => {
            Check::failed(NAME, error.to_string(), "the starter must be allowed to remove objects")
        }
        (Sight::NotSeen { place: workers }, _) => {
            let why =
                format!("the worker does not see the starter's object store ({place}); its own is {workers}");
            Check::failed(NAME, why, ALIKE)
        }
        (Sight::Unreadable { place: workers, why }, _) => {
            Check::failed(NAME, format!("the worker cannot read its object store ({workers}): {why}"), ALIKE)
        }
    }
}

async fn put(place: &str) -> Result<(Store, ObjectRef), StoreError> {
    let store = Store::open(place)?;
    let content = format!("probe of the starter, {}, process {}\n", Timestamp::now(), std::process::id());
    let object = store.put(PROBES, "txt", content.into_bytes()).await?;
    Ok((store, object))
}

async fn look(session: &Session, task_queue: &str, object: &ObjectRef) -> Result<Sight, String> {
    let data = StoreProbeData { object: object.clone() };
    let options = WorkflowStartOptions::new(task_queue.to_owned(), data.workflow_id())
        .execution_timeout(LOOK_LIMIT)
        .static_summary("A look into the object store".to_owned())
        .build();
    let input = Unchecked::of(&data).map_err(|error| error.to_string())?;
    let run = session.client.start_workflow(StoreProbe::run, input, options).await;
    let run = run.map_err(|error| error.to_string())?;
    let result = run.get_result(WorkflowGetResultOptions::default()).await;
    let seen = result.map_err(|error| error.to_string())?.seen;
    seen.ok_or_else(|| "the worker was stopped before it looked".to_owned())
}
