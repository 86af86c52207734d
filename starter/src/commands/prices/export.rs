//! Writes the shop's prices to stdout.

use std::future::pending;

use contracts::objects::ListPart;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use store::{Lines, Store};
use temporalio_client::{WorkflowGetResultOptions, WorkflowStartOptions};
use workflows::price_export::{PriceExport, PriceExportResult};

use crate::cli::prices::ExportArgs;
use crate::commands::call::Call;
use crate::commands::lists::sheet;
use crate::processes::PRICE_EXPORT;
use crate::terminal::exit::{Exit, Failure};

/// A line of the list.
#[derive(Deserialize)]
struct Line {
    sku: String,
    variant: String,
    price: Box<RawValue>,
    currency: String,
}

/// `starter prices export`.
pub(crate) async fn run(call: &Call<'_>, args: ExportArgs) -> Result<Exit, Failure> {
    let store = Store::open(&args.store.store)?;
    let json = json!({ "category": args.category }).to_string();
    let plan = (PRICE_EXPORT.plan)(&json)?;
    let session = call.connect().await?;
    let options = WorkflowStartOptions::new(call.task_queue().to_owned(), plan.workflow_id.clone())
        .static_summary(plan.summary)
        .build();
    (PRICE_EXPORT.start)(session.client.clone(), json, options).await?;
    let run = session.handle::<PriceExport>(&plan.workflow_id, None);
    let limit = async {
        match args.timeout {
            Some(timeout) => tokio::time::sleep(timeout).await,
            None => pending().await,
        }
    };
    let result: PriceExportResult = tokio::select! {
        result = run.get_result(WorkflowGetResultOptions::default()) => result?,
        () = limit => {
            let message = format!("{} has not ended yet; it goes on", plan.workflow_id);
            return Err(Failure::new(Exit::Failed, message).fix("is a worker running?"));
        }
    };
    call.out.raw(b"sku,variant,price,currency\n")?;
    let parts = match &result.list {
        Some(list) => Lines::get(&store, list).await?.records::<ListPart>()?,
        None => Vec::new(),
    };
    for part in parts {
        let mut text = String::new();
        for line in Lines::get(&store, &part.list).await?.records::<Line>()? {
            let Line { sku, variant, price, currency } = line;
            let values = [(sku.as_str(), true), (&variant, true), (price.get(), false), (&currency, false)];
            text.push_str(&sheet::line(values));
        }
        call.out.raw(text.as_bytes())?;
    }
    let left_out = match result.left_out {
        0 => String::new(),
        products => format!(", without {products} products whose prices cannot be read"),
    };
    call.out.say(format!("{} prices{left_out}", result.rows));
    Ok(if result.left_out == 0 { Exit::Ok } else { Exit::RowsFailed })
}
