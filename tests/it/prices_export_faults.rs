//! The fault matrix of exports: each call under each fault. [`table`] says what each cell leads to.
//!
//! The shop has three pages of products. Every cell that ends well has each of them in its list once.

mod table;

use std::collections::BTreeSet;

use serde_json::Value;
use tests::customers::Ended;
use tests::matrix::{Cell, Process, calls, is};
use tests::prices::{Export, PriceWorld};
use workflows::report::StepStatus;

use table::{Ends, ROWS};

/// Products that are made, beside the seven of the seed.
const PRODUCTS: usize = 2_500;

struct Exports;

impl Process for Exports {
    type Place = PriceWorld;
    type Run<'w> = Export<'w>;
    type Way = ();
    type Expected = Ends;

    async fn meet<'w>(world: &'w PriceWorld, _: &Cell<Self>, faults: Value) -> anyhow::Result<Export<'w>> {
        world.fill(PRODUCTS).await?;
        world.erp.world.shop.faults(faults).await?;
        world.start_export().await
    }

    async fn ends(world: &PriceWorld, cell: &Cell<Self>, run: &Export<'_>) -> anyhow::Result<()> {
        match (cell.expected, run.ended().await?) {
            (Ends::Whole, Ended::Completed(result)) if result.success => {
                let lines = world.exported(&result).await?;
                let names: BTreeSet<String> = lines.iter().map(|line| line["variant"].to_string()).collect();
                let made = lines.iter().filter(|line| line["sku"].as_str().is_some_and(is_made)).count();
                is("made products", &made, &PRODUCTS)?;
                is("lines", &(lines.len() as u64, names.len()), &(result.rows, lines.len()))?;
            }
            (Ends::Failed, Ended::Failed { kind, report, .. }) => {
                is("type", &kind.as_str(), &"StepFailed")?;
                let step = report.step("list-prices").map(|step| step.status);
                is("step", &step, &Some(StepStatus::Failed))?;
            }
            (Ends::Cancelled, Ended::Canceled(_)) => {}
            (expected, ended) => anyhow::bail!("{ended:?}, not {expected:?}"),
        }
        is("changes", &world.changes().await?, &0)?;
        world.erp.world.shop.clean().await.map(drop)
    }
}

fn is_made(sku: &str) -> bool {
    sku.starts_with("GEN-")
}

tests::columns! {
    each_call_refused: calls::refused::<Exports>(ROWS);
    each_call_down_then_rate_limited_then_lost_then_garbled: calls::passing::<Exports>(ROWS, Ends::Whole);
    each_call_with_its_worker_killed: calls::killed::<Exports>(ROWS, Ends::Whole);
    each_call_cancelled_under_way: calls::cancelled::<Exports>(ROWS);
    each_call_down_for_good: calls::down::<Exports>(ROWS, &["--prices-patience=3s"]);
}
