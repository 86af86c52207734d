//! What can be asked of a sync with an ERP, and said to it.

pub(crate) mod quarantine;

use std::fs;

use contracts::erp::Entity;
use contracts::money::Currency;
use jiff::Timestamp;
use mapping::{Rules, SourceRecord};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use workflows::erp_sync::{ErpSync, ErpSyncConfig, dry_run_id, search_attributes, workflow_id};
use workflows::input::Unchecked;
use workflows::saga::{Action, Answer};

use crate::cli::Global;
use crate::cli::erp::{DecideArgs, MapArgs, SyncArgs, SyncRef, WaitArgs};
use crate::connect::connect;
use crate::exit::{Exit, Failure};
use crate::input::{self, InputError, InputText, Plan, check};
use crate::order::say_answered;
use crate::output::Out;
use crate::processes::ERP;
use crate::progress::{self, Talk};
use crate::update::{Sending, send};
use crate::{show, start};

/// Checks a sync's input and says what would be started.
pub(crate) fn plan(json: &str) -> Result<Plan, InputError> {
    let config: ErpSyncConfig = check(json)?;
    let integration = &config.source.integration_id;
    let entities: Vec<&str> = config.entities.iter().map(|entity| entity.name()).collect();
    let (workflow_id, kind) = match config.dry_run {
        true => (dry_run_id(integration), "Dry run of the sync"),
        false => (workflow_id(integration), "Sync"),
    };
    let what = match (config.full, config.since) {
        (true, _) => "everything".to_owned(),
        (false, Some(since)) => format!("what changed since {since}"),
        (false, None) => "what changed since the last time".to_owned(),
    };
    Ok(Plan {
        workflow_id,
        summary: format!("{kind} with {integration}: {}", entities.join(", ")),
        attributes: search_attributes(integration).into(),
        facts: vec![
            ("integration", integration.to_string()),
            ("endpoint", config.source.endpoint.clone()),
            ("entities", entities.join(", ")),
            ("reads", what),
        ],
    })
}

/// `starter erp sync`.
pub(crate) async fn sync(global: &Global, out: &Out, args: SyncArgs) -> Result<Exit, Failure> {
    let mut text = input::read(&args.input)?;
    for (name, is_wanted) in [("full", args.full), ("dry_run", args.dry_run)] {
        if is_wanted {
            text = with(text, name, "true");
        }
    }
    start::run_text(global, out, &ERP, text, args.wait, args.timeout).await
}

/// The input with a field more. At its end, so that the places of mistakes stay where they are; a field that is there
/// already stays, and is named as given twice unless it says the same.
fn with(text: InputText, name: &str, value: &str) -> InputText {
    let InputText { name: file, json } = text;
    let fields = serde_json::from_str::<Map<String, Value>>(&json).unwrap_or_default();
    let says_so = fields.get(name) == serde_json::from_str(value).ok().as_ref();
    let json = match json.rfind('}') {
        Some(end) if !says_so => {
            let comma = if json[..end].trim_end().ends_with('{') { "" } else { "," };
            format!("{}{comma}\"{name}\":{value}{}", &json[..end], &json[end..])
        }
        _ => json,
    };
    InputText { name: file, json }
}

/// `starter erp status`.
pub(crate) async fn status(global: &Global, out: &Out, sync: &SyncRef) -> Result<Exit, Failure> {
    show::run(global, out, sync.workflow_id()).await
}

/// `starter erp watch` and `starter erp result`.
pub(crate) async fn watch(global: &Global, out: &Out, args: WaitArgs, talk: Talk) -> Result<Exit, Failure> {
    let session = connect(global, out).await?;
    let (run, _) = session.find(args.sync.workflow_id()).await?;
    progress::wait(&run, out, talk, args.timeout).await
}

/// `starter erp approve` and `starter erp reject`.
pub(crate) async fn decide(
    global: &Global,
    out: &Out,
    args: DecideArgs,
    is_approved: bool,
) -> Result<Exit, Failure> {
    let workflow_id = args.sync.workflow_id().to_owned();
    let session = connect(global, out).await?;
    let sending =
        Sending { process: &ERP, workflow_id: workflow_id.clone(), update_id: None, limit: args.timeout };
    let action = if is_approved { Action::Approve } else { Action::Reject };
    let answer = Answer { question: "validate-data".to_owned(), action, reason: args.reason };
    let answered = send::<ErpSync, _>(&session, out, sending, ErpSync::answer, answer).await?;
    say_answered(out, &workflow_id, &answered)
}

/// What became of a sample record.
#[derive(Serialize)]
struct Mapped {
    input: SourceRecord,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<contracts::erp::Record>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unknown_fields: Vec<String>,
}

/// `starter erp map`: input, output and problems of sample records.
pub(crate) fn map(out: &Out, args: &MapArgs) -> Result<Exit, Failure> {
    let InputText { name, json } = input::read(&args.input)?;
    let config: ErpSyncConfig = check(&json).map_err(|error| input::refused(&name, &error))?;
    let sample = fs::read_to_string(&args.sample).map_err(|error| {
        Failure::because(Exit::Usage, error, format!("cannot read {}", args.sample.display()))
            .fix("give the path of a file with records of the ERP")
    })?;
    let records = sample_records(&sample).ok_or_else(|| {
        Failure::new(Exit::Usage, format!("{} holds no records", args.sample.display()))
            .fix("write a JSON list of objects, one object, or one object a line")
    })?;
    let rules = Rules::parse(config.rules.as_deref().unwrap_or("{}"));
    let rules = rules.map_err(|_| Failure::new(Exit::Usage, "the mapping rules are wrong"))?;
    let mapped: Vec<Mapped> =
        records.into_iter().map(|record| map_one(&rules, args.entity, config.currency, record)).collect();
    let problems = mapped.iter().filter(|mapped| mapped.problem.is_some()).count();
    out.list(&mapped, |paint| {
        let one = |mapped: &Mapped| {
            let input = serde_json::to_string(&mapped.input).unwrap_or_default();
            let output = match (&mapped.output, &mapped.problem) {
                (Some(record), _) => serde_json::to_string(record).unwrap_or_default(),
                (None, problem) => paint.bad(format!("problem: {}", problem.as_deref().unwrap_or_default())),
            };
            let unknown = match mapped.unknown_fields.as_slice() {
                [] => String::new(),
                fields => format!("\n  {}", paint.faint(format!("not asked for: {}", fields.join(", ")))),
            };
            format!("{input}\n  → {output}{unknown}\n")
        };
        mapped.iter().map(one).collect()
    })?;
    out.say(format!("{} records, {problems} with problems", mapped.len()));
    Ok(if problems == 0 { Exit::Ok } else { Exit::Failed })
}

fn map_one(rules: &Rules, entity: Entity, currency: Currency, input: SourceRecord) -> Mapped {
    let mapping = rules.of(entity, currency);
    let unknown_fields = mapping.unknown_fields(&input).into_iter().map(str::to_owned).collect();
    let (output, problem) = match mapping.apply(&input) {
        Ok(record) => (Some(record), None),
        Err(defect) => (None, Some(defect.cause())),
    };
    Mapped { input, output, problem, unknown_fields }
}

fn sample_records(text: &str) -> Option<Vec<SourceRecord>> {
    let of = |json: &str| serde_json::from_str::<SourceRecord>(json).ok();
    if let Ok(list) = serde_json::from_str::<Vec<Box<RawValue>>>(text) {
        return list.iter().map(|record| of(record.get())).collect();
    }
    let lines = || text.lines().filter(|line| !line.trim().is_empty()).map(of).collect();
    of(text).map(|record| vec![record]).or_else(lines)
}

/// The input of a sync that reads again what changed since then, and its integration.
fn since(text: InputText, since: Timestamp) -> InputText {
    with(text, "since", &format!("\"{since}\""))
}

/// The integration of an input.
fn integration_of(text: &InputText) -> Result<contracts::values::IntegrationId, Failure> {
    let checked = Unchecked::<ErpSyncConfig>::from_json(&text.json).map_err(InputError::Json);
    let config = checked.and_then(|json| json.check_strictly().map_err(InputError::Fields));
    let config = config.map_err(|error| input::refused(&text.name, &error))?;
    Ok(config.source.integration_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = include_str!("../samples/erp.json");

    #[test]
    fn a_flag_becomes_a_field_at_the_end() -> Result<(), InputError> {
        let text = InputText { name: "erp.json".to_owned(), json: SAMPLE.to_owned() };
        let plan = plan(&with(with(text, "full", "true"), "dry_run", "true").json)?;
        assert_eq!(plan.workflow_id, "erp/erp-001/dry-run");
        let twice = InputText { name: String::new(), json: "{\"full\": true}".to_owned() };
        assert_eq!(with(twice, "full", "true").json, "{\"full\": true}");
        let empty = InputText { name: String::new(), json: "{}".to_owned() };
        assert_eq!(with(empty, "full", "true").json, "{\"full\":true}");
        Ok(())
    }

    #[test]
    fn the_sample_is_the_seeds_and_is_right() -> Result<(), InputError> {
        let plan = plan(SAMPLE)?;
        assert_eq!(plan.workflow_id, "erp/erp-001");
        assert_eq!(plan.summary, "Sync with erp-001: products, inventory, customers");
        Ok(())
    }

    #[test]
    fn records_come_as_a_list_alone_or_in_lines() {
        for text in ["[{\"a\": 1}, {\"a\": 2}]", "{\"a\": 1}\n\n{\"a\": 2}\n"] {
            assert_eq!(sample_records(text).map(|records| records.len()), Some(2), "{text}");
        }
        assert_eq!(sample_records("{\n\"a\": 1\n}").map(|records| records.len()), Some(1));
        assert!(sample_records("[1]").is_none());
    }
}
