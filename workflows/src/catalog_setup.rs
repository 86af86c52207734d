//! Catalogue setup: a file's categories, pictures, products and pricing rules come into the shop. The same file again
//! writes nothing; a changed one writes what differs.
//!
//! 0. **Shape check**: categories and rules are right; products and pictures that are not are left out and reported,
//!    or end the run before any call (`all_or_nothing`).
//! 1. `create-categories`: the right to set this catalogue up is taken (a second run at the same time ends as
//!    `AlreadyRunning`), and everything is compared with the shop. Nothing is written yet. A run that would change more
//!    than its limits allow asks a person. Then categories are written, level by level from the top.
//! 2. `upload-images`: each content once; a picture that the shop has already is found by its hash.
//! 3. `create-products`: products with their stock. A product's stock is set when the run makes it, and never again.
//! 4. `setup-pricing-rules`: rules, by their names.
//! 5. `generate-seo`: products that nobody gave a description for search engines get one.
//!
//! A row that the shop refuses is reported and costs itself (`keep_good_rows`); a category that it refuses ends the
//! run. Under `all_or_nothing` any of them does, and everything is taken back, newest first: rows that the run made are
//! deleted, rows that it changed are restored, and whatever somebody else has changed or ordered since is left standing
//! and listed. Deliberately absent: deleting what the file does not name. Another file may have made it.

mod face;
mod input;
mod outcome;
mod run;
mod staging;
mod writing;

use contracts::values::CatalogId;

pub use face::{CatalogSetup, CatalogSetupResult, search_attributes};
pub use input::{CatalogSetupData, INLINE_MAX, Limits, RowPolicy, WRONG_MAX};

use crate::input::Problem;
use crate::report::StepSpec;
use crate::saga::{About, Halt, Process, named_with_slot};
use crate::search_attributes::SOURCE;
use outcome::Work;
use run::{SetupRun, SetupSaga};

/// The beginning of a workflow id, before the catalogue's id.
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
            return Ok(());
        }
        self.categories(saga, work).await?;
        self.images(saga, work).await?;
        self.products(saga, work).await?;
        self.rules(saga, work).await?;
        self.seo(saga, work).await?;
        // A person who stopped the last step was told what will be taken back.
        saga.check()
    }
}
