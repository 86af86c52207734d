//! The quarantine: records that a sync could not write, in the object store.

use std::collections::BTreeMap;

use contracts::erp::QuarantinedRow;
use contracts::values::IntegrationId;
use jiff::Timestamp;
use serde::Serialize;
use store::{Lines, Listed, Store, StoreError};

use crate::cli::erp::{QuarantineArgs, RetryArgs};
use crate::commands::call::Call;
use crate::processes::ERP;
use crate::processes::erp::{input_of, since};
use crate::runs::start::{self, Wanted};
use crate::terminal::exit::{Exit, Failure};
use crate::terminal::output::{Out, table};
use crate::terminal::program::command;

/// One cause in one run.
#[derive(Serialize)]
struct Group {
    run_id: String,
    entity: &'static str,
    cause: String,
    records: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    keys: Vec<String>,
}

/// Keys that a list shows of one cause.
const KEYS_MAX: usize = 5;

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let fix = "--store, or SUN_STORE, must be the worker's own";
        Self::new(Exit::Failed, error.to_string()).fix(fix)
    }
}

/// `starter erp quarantine list`.
pub(crate) async fn list(out: &Out, args: &QuarantineArgs) -> Result<Exit, Failure> {
    let store = Store::open(&args.store.store)?;
    let mut groups: BTreeMap<(String, &'static str, String), Group> = BTreeMap::new();
    for object in objects(&store, &args.integration, args.run_id.as_deref()).await? {
        let run_id = run_of(&object);
        for row in Lines::read(&store, &object.key).await?.records::<QuarantinedRow>()? {
            let entity = row.entity.name();
            let group = groups.entry((run_id.clone(), entity, row.cause.clone())).or_insert_with(|| Group {
                run_id: run_id.clone(),
                entity,
                cause: row.cause,
                records: 0,
                keys: Vec::new(),
            });
            group.records += 1;
            if group.keys.len() < KEYS_MAX {
                group.keys.extend(row.key);
            }
        }
    }
    let groups: Vec<Group> = groups.into_values().collect();
    out.list(&groups, |paint| {
        // A header above nothing would say less than the line below.
        if groups.is_empty() {
            return String::new();
        }
        let header = ["run", "entity", "records", "cause", "keys"].map(str::to_owned);
        let row = |group: &Group| {
            let Group { run_id, entity, cause, records, keys } = group;
            [run_id.clone(), (*entity).to_owned(), records.to_string(), cause.clone(), keys.join(", ")]
        };
        let rows: Vec<_> = std::iter::once(header).chain(groups.iter().map(row)).collect();
        table(&rows, |row, _, cell| if row == 0 { paint.faint(cell) } else { cell })
    })?;
    if groups.is_empty() {
        out.say(format!("nothing is in the quarantine of {}", args.integration));
    }
    Ok(Exit::Ok)
}

/// `starter erp quarantine show`.
pub(crate) async fn show(out: &Out, args: &QuarantineArgs) -> Result<Exit, Failure> {
    let store = Store::open(&args.store.store)?;
    let objects = objects(&store, &args.integration, args.run_id.as_deref()).await?;
    for object in &objects {
        if let Some(content) = store.read(&object.key).await? {
            out.raw(&content)?;
        }
    }
    if objects.is_empty() {
        out.say(format!("nothing is in the quarantine of {}", args.integration));
    }
    Ok(Exit::Ok)
}

/// `starter erp quarantine retry`: what the ERP has now is read again, not what lies in the quarantine, which may be
/// older than what the shop has by now.
pub(crate) async fn retry(call: &Call<'_>, args: RetryArgs) -> Result<Exit, Failure> {
    let store = Store::open(&args.store.store)?;
    let (text, config) = input_of(&args.input, &args.integration)?;
    let (mut before, mut others) = (Vec::new(), 0_usize);
    let mut oldest: Option<Timestamp> = None;
    for object in objects(&store, &args.integration, None).await? {
        // A list has records of one kind. Those that this input does not read stay.
        let rows = Lines::read(&store, &object.key).await?.records::<QuarantinedRow>()?;
        if rows.iter().any(|row| !config.entities.contains(&row.entity)) {
            others += 1;
            continue;
        }
        oldest = rows.iter().map(|row| row.changed_at).chain(oldest).min();
        before.push(object);
    }
    let Some(oldest) = oldest else {
        let of = if others > 0 { " that the input reads" } else { "" };
        call.out
            .say(format!("nothing{of} is in the quarantine of {}; nothing was started", args.integration));
        return Ok(Exit::Ok);
    };
    let wanted = Wanted {
        process: &ERP,
        text: since(text, oldest),
        task_queue: call.task_queue().to_owned(),
        is_waiting: true,
        timeout: args.timeout,
    };
    let exit = start::run(call.settings()?, call.out, wanted).await?;
    // Rows that are refused again lie in the quarantine again.
    if !matches!(exit, Exit::Ok | Exit::RowsFailed) {
        call.out.say("the quarantine stays as it is");
        return Ok(exit);
    }
    let after = objects(&store, &args.integration, None).await?;
    if after.len() > before.len() + others {
        let list = command!("erp quarantine list {}", args.integration);
        call.out.say(format!("some records are still wrong: the quarantine has them again, see '{list}'"));
    }
    for object in &before {
        store.remove(&object.key).await?;
    }
    call.out.say(format!("{} lists of the quarantine were read again and removed", before.len()));
    Ok(exit)
}

async fn objects(
    store: &Store,
    integration: &IntegrationId,
    run_id: Option<&str>,
) -> Result<Vec<Listed>, StoreError> {
    let folder = match run_id {
        Some(run_id) => format!("quarantine/{integration}/{run_id}"),
        None => format!("quarantine/{integration}"),
    };
    store.list(&folder).await
}

/// `quarantine/<integration>/<run id>/<hash>.jsonl`
fn run_of(object: &Listed) -> String {
    object.key.rsplit('/').nth(1).unwrap_or_default().to_owned()
}
