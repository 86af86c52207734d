//! Catalogue setup: a file's categories, pictures, products and pricing rules come into the shop. The same file again
//! writes nothing; a changed one writes what differs.
//!
//! 0. **Input check**: wrong categories and rules fail the run before any call. Wrong products and pictures are left
//!    out and reported (`keep_good_rows`, up to 100 of them), or fail the run, too (`all_or_nothing`).
//! 1. `create-categories`: the run takes the catalogue's lease (a second run at that time ends as `AlreadyRunning`),
//!    compares the whole file with the shop, and asks a person if it would change more than its limits allow; the
//!    receipt of a dry run approves exactly the changes that it showed, in the shop that it saw. Nothing is written
//!    until then, and nothing more by a dry run. Then categories are written, level by level from the top.
//! 2. `upload-images`: each distinct file once; a picture that the shop has already is found by its hash.
//! 3. `create-products`: products; stock is set once, for a product that this process made.
//! 4. `setup-pricing-rules`: rules, known by their names.
//! 5. `generate-seo`: products without a description for search engines get one; a failure is reported, no more.
//!
//! A row that the shop refuses is reported and left out (`keep_good_rows`); a category that it refuses ends the run.
//! Under `all_or_nothing` a single refused row ends it, and every early end, by an outage or a cancel too, undoes the
//! run, newest first: rows that it made are deleted, rows that it changed are restored, and those that
//! somebody else has changed or ordered since stay and are listed; nobody is asked. Under `keep_good_rows` a run that
//! is stopped keeps its rows, unless `cancel` says to undo them.
//!
//! Deliberately absent: deleting what the file does not name. Another file may have made it.

mod brake;
mod face;
mod input;
mod outcome;
mod run;
mod staging;
mod writing;

use contracts::values::CatalogId;

pub use face::{CatalogSetup, CatalogSetupResult, search_attributes};
pub use input::{CatalogSetupData, INLINE_MAX, Limits, RowPolicy, TableRow, WRONG_MAX, check_table};

use crate::input::Problem;
use crate::report::StepSpec;
use crate::saga::{About, Halt, Process, named_with_slot};
use crate::search_attributes::SOURCE;
use outcome::Work;
use run::{SetupRun, SetupSaga};

/// The prefix of a workflow id, before the catalogue's id.
pub const ID_PREFIX: &str = "catalog/";

/// The workflow id of a catalogue's setup. A schedule adds the time of its slot.
#[must_use]
pub fn workflow_id(catalog: &CatalogId) -> String {
    format!("{ID_PREFIX}{catalog}")
}

const CATEGORIES: &str = "create-categories";
const IMAGES: &str = "upload-images";
const PRODUCTS: &str = "create-products";
const RULES: &str = "setup-pricing-rules";
const SEO: &str = "generate-seo";

impl Process for CatalogSetup {
    const NAME: &'static str = "CatalogSetup";
    const INVALID: &'static str = "CatalogInvalid";
    const STEPS: &'static [StepSpec] = &[
        StepSpec::compensable(CATEGORIES, "compare with the shop, and write categories"),
        StepSpec::compensable(IMAGES, "upload pictures"),
        StepSpec::compensable(PRODUCTS, "write products and their stock"),
        StepSpec::compensable(RULES, "write pricing rules"),
        StepSpec::compensable(SEO, "write texts for search engines"),
    ];
    type Input = CatalogSetupData;

    fn named(workflow_id: &str, data: &CatalogSetupData) -> Result<About, Problem> {
        named_with_slot(workflow_id, &self::workflow_id(&data.catalog_id))?;
        Ok(Some((SOURCE, data.catalog_id.to_string())))
    }
}

impl SetupRun<'_> {
    pub(super) async fn forward(&self, saga: &SetupSaga, work: &mut Work) -> Result<(), Halt> {
        self.take_lease(saga).await?;
        self.stage(saga, work).await?;
        self.judge(saga, work)?;
        self.brake(saga, work).await?;
        if self.data.dry_run {
            self.skip_the_rest(saga, work);
            return Ok(());
        }
        self.categories(saga, work).await?;
        self.images(saga, work).await?;
        self.products(saga, work).await?;
        self.rules(saga, work).await?;
        self.seo(saga, work).await?;
        // A stop of the last step counts, too: its sender was told what will be undone.
        saga.check()
    }
}
