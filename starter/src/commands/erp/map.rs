//! The mapping rules of an input, applied to sample records.

use contracts::erp::Entity;
use contracts::money::Currency;
use mapping::{Defect, Rules, SourceRecord};
use serde::Serialize;
use text::{Place, Problem, json};
use workflows::erp_sync::ErpSyncConfig;

use crate::cli::erp::MapArgs;
use crate::terminal::exit::{Exit, Failure};
use crate::terminal::input::{self, InputText, check};
use crate::terminal::output::Out;

/// The largest file of samples.
const SAMPLE_BYTES_MAX: usize = 64 << 20;

/// The outcome for one sample record.
#[derive(Serialize)]
struct Mapped {
    input: SourceRecord,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<contracts::erp::Record>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    /// Fields that the record has to do without, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left_out: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unknown_fields: Vec<String>,
}

/// `starter erp map`: input, output and problems of sample records.
pub(crate) fn run(out: &Out, args: &MapArgs) -> Result<Exit, Failure> {
    let InputText { name, json } = input::read(&args.input)?;
    let config: ErpSyncConfig = check(&json).map_err(|error| input::refused(&name, &error))?;
    let InputText { name, json } = input::read_at_most(&args.sample, SAMPLE_BYTES_MAX)?;
    let records = sample_records(&json).map_err(|problem| {
        Failure::new(Exit::Usage, format!("{name} {}", problem.what())).fix(problem.fix)
    })?;
    let rules = Rules::parse(config.rules.as_deref().unwrap_or("{}"));
    let rules = rules.map_err(|_| Failure::new(Exit::Usage, "the mapping rules are wrong"))?;
    let mapping = rules.of(args.entity, config.currency);
    let mut unseen = mapping.unseen();
    records.iter().for_each(|record| unseen.note(record));
    for problem in unseen.problems() {
        out.say(format!("note: {}", problem.what()));
    }
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
            let left_out = match mapped.left_out.as_slice() {
                [] => String::new(),
                fields => format!("\n  {}", paint.bad(format!("left out: {}", fields.join(", ")))),
            };
            format!("{input}\n  → {output}{left_out}{unknown}\n")
        };
        mapped.iter().map(one).collect()
    })?;
    out.say(format!("{} records, {problems} with problems", mapped.len()));
    Ok(if problems == 0 { Exit::Ok } else { Exit::Failed })
}

fn map_one(rules: &Rules, entity: Entity, currency: Currency, input: SourceRecord) -> Mapped {
    let mapping = rules.of(entity, currency);
    let unknown_fields = mapping.unknown_fields(&input).into_iter().map(str::to_owned).collect();
    let (output, problem, left_out) = match mapping.apply(&input) {
        Ok((record, left_out)) => (Some(record), None, left_out),
        Err(defect) => (None, Some(defect.cause()), Vec::new()),
    };
    let left_out = left_out.iter().map(Defect::cause).collect();
    Mapped { input, output, problem, left_out, unknown_fields }
}

/// The records of a list, of one object, or of lines. One with a field twice is refused, as a file of exports is.
fn sample_records(text: &str) -> Result<Vec<SourceRecord>, Problem> {
    let parts: Vec<&str> = match json::entries(text) {
        Some(list) => list.iter().map(|record| record.get()).collect(),
        None if json::fields(text).is_some() => vec![text],
        None => text.lines().filter(|line| !line.trim().is_empty()).collect(),
    };
    let records = parts.into_iter().map(|part| {
        let at = |problem: Problem| problem.at(Place::in_text(text, json::place(text, part)));
        match mapping::record(part) {
            Some((record, None)) => Ok(record),
            Some((_, Some(name))) => Err(at(Problem::new(
                "",
                format!("has a record with the field '{name}' twice"),
                "keep one of the two",
            ))),
            None => Err(at(Problem::new("", "holds something that is no record", RECORDS))),
        }
    });
    records.collect()
}

const RECORDS: &str = "write a JSON list of objects, one object, or one object a line";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_as_a_list_alone_or_in_lines() {
        for text in ["[{\"a\": 1}, {\"a\": 2}]", "{\"a\": 1}\n\n{\"a\": 2}\n"] {
            assert_eq!(sample_records(text).map(|records| records.len()), Ok(2), "{text}");
        }
        assert_eq!(sample_records("{\n\"a\": 1\n}").map(|records| records.len()), Ok(1));
        let refused = |text: &str| sample_records(text).expect_err(text).what();
        assert_eq!(refused("[1]"), "holds something that is no record (line 1, column 2)");
        let twice = "has a record with the field 'a' twice (line 2, column 1)";
        assert_eq!(refused("{\"a\": 1}\n{\"a\": 1, \"b\": 2, \"a\": 3}"), twice);
    }
}
