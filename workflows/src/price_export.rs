//! Price export: the shop's prices as a list, to be edited and sent back. It changes nothing.
//!
//! 1. `list-prices`: page by page, every variant with its price goes into a list in the object store.

mod face;

use contracts::prices::{ExportPrices, ExportedPrices, Prices};

pub use face::{PriceExport, PriceExportData, PriceExportResult};

use crate::input::Problem;
use crate::policy;
use crate::report::StepSpec;
use crate::saga::{About, Halt, Process, Saga, misnamed};

/// The beginning of a workflow id, before the name.
pub const ID_PREFIX: &str = "price-export/";

/// The workflow id of an export; `key` tells those that run at the same time apart.
#[must_use]
pub fn workflow_id(key: &str) -> String {
    format!("{ID_PREFIX}{key}")
}

const LIST: &str = "list-prices";

impl Process for PriceExport {
    const NAME: &'static str = "PriceExport";
    const INVALID: &'static str = "ExportInvalid";
    const STEPS: &'static [StepSpec] = &[StepSpec::compensable(LIST, "read the shop's prices")];
    type Input = PriceExportData;

    fn named(workflow_id: &str, _data: &PriceExportData) -> Result<About, Problem> {
        match workflow_id.strip_prefix(ID_PREFIX) {
            Some(key) if !key.is_empty() => Ok(None),
            _ => Err(misnamed(format!("does not begin with {ID_PREFIX}"))),
        }
    }
}

async fn forward(saga: &Saga<PriceExport>, data: PriceExportData) -> Result<ExportedPrices, Halt> {
    let folder = format!("runs/{}/{}", saga.ctx().workflow_id(), saga.ctx().run_id());
    let export = ExportPrices { category: data.category, folder };
    let step = saga.step(LIST, Prices::export, export, policy::prices());
    let exported = step.nothing_to_undo("reads only").await?;
    let left_out = match exported.left_out {
        0 => String::new(),
        products => format!(", without {products} products that cannot be read"),
    };
    saga.done(LIST, &format!("{} prices{left_out}", exported.rows));
    Ok(exported)
}
