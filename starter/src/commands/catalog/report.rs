//! The outcome of every row of a setup, as JSON lines or as CSV.

use contracts::bulk::Rows;
use contracts::catalog::{Kind, RowOutcome};
use serde_json::json;
use store::{Lines, Store};
use workflows::catalog_setup::CatalogSetupResult;

use crate::cli::catalog::{ReportArgs, ReportFormat};
use crate::commands::call::Call;
use crate::processes::name::Name as _;
use crate::runs::outcome::End;
use crate::terminal::exit::{Exit, Failure};

const HEADING: &str = "kind,row,key,action,id,cause\n";

/// `starter catalog report`.
pub(crate) async fn run(call: &Call<'_>, args: ReportArgs) -> Result<Exit, Failure> {
    let store = Store::open(&args.store.store)?;
    let session = call.connect().await?;
    let (run, _) = session.find(&args.name.workflow_id()?).await?;
    let End::Completed(result) = run.end().await? else {
        return Err(Failure::new(Exit::Failed, format!("{} has no result of rows", run.subject.title()))
            .fix(format!("look at it: {}", run.subject.command("result"))));
    };
    let result: CatalogSetupResult = serde_json::from_value(result)
        .map_err(|error| Failure::because(Exit::Failed, error, "the result cannot be read"))?;
    let CatalogSetupResult { categories, products, pricing_rules, uploaded_images, .. } = result;
    let kinds = [
        (Kind::Category, categories),
        (Kind::Image, uploaded_images),
        (Kind::Product, products),
        (Kind::PricingRule, pricing_rules),
    ];
    let mut written = if args.format == ReportFormat::Csv { HEADING.to_owned() } else { String::new() };
    for (kind, rows) in kinds {
        for outcome in outcomes(&store, rows).await? {
            written.push_str(&match args.format {
                ReportFormat::Csv => csv(kind, &outcome),
                ReportFormat::Jsonl => json_line(kind, &outcome),
            });
        }
    }
    call.out.raw(written.as_bytes())?;
    Ok(Exit::Ok)
}

async fn outcomes(store: &Store, rows: Rows<RowOutcome>) -> Result<Vec<RowOutcome>, Failure> {
    let refs = match rows {
        Rows::Inline(rows) => return Ok(rows),
        Rows::Listed { refs, .. } => refs,
    };
    let mut outcomes = Vec::new();
    for list in refs {
        outcomes.extend(Lines::get(store, &list).await?.records::<RowOutcome>()?);
    }
    Ok(outcomes)
}

fn json_line(kind: Kind, outcome: &RowOutcome) -> String {
    let mut line = json!(outcome);
    line["kind"] = json!(kind.name());
    format!("{line}\n")
}

fn csv(kind: Kind, outcome: &RowOutcome) -> String {
    let RowOutcome {
        row,
        name,
        sku,
        original_path,
        category_id,
        product_id,
        rule_id,
        media_id,
        action,
        cause,
        ..
    } = outcome;
    let first = |of: [&Option<String>; 3]| of.into_iter().flatten().next().cloned().unwrap_or_default();
    let key = first([sku, original_path, name]);
    let id = first([category_id, product_id, &rule_id.clone().or_else(|| media_id.clone())]);
    let cells = [key, action.clone(), id, cause.clone().unwrap_or_default()].map(|cell| quoted(&cell));
    format!("{},{row},{}\n", kind.name(), cells.join(","))
}

/// A cell of CSV. A spreadsheet calculates what begins like a formula, so such a text is shown as one.
fn quoted(cell: &str) -> String {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let cell = if is_formula { format!("'{cell}") } else { cell.to_owned() };
    match cell.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_one_line_that_no_spreadsheet_calculates() {
        let outcome = RowOutcome {
            row: 3,
            sku: Some("=1+1".to_owned()),
            action: "failed".to_owned(),
            cause: Some("refused, \"twice\"".to_owned()),
            ..RowOutcome::default()
        };
        assert_eq!(csv(Kind::Product, &outcome), "product,3,'=1+1,failed,,\"refused, \"\"twice\"\"\"\n");
        let line = json_line(Kind::Product, &outcome);
        assert!(line.contains("\"kind\":\"product\"") && line.ends_with("}\n"), "{line}");
    }
}
