//! Starts a catalogue's setup.

use std::path::Path;

use serde_json::json;
use store::Store;

use super::{long_lists, pictures};
use crate::cli::catalog::SetupArgs;
use crate::commands::call::Call;
use crate::processes::CATALOG;
use crate::processes::catalog::catalog;
use crate::processes::erp::with;
use crate::runs::start::{self, Wanted};
use crate::terminal::exit::{Exit, Failure};
use crate::terminal::input::{self, InputText};

/// Bytes of a catalogue at most: it is read whole.
const FILE_BYTES_MAX: usize = 256 * 1024 * 1024;

/// `starter catalog setup`.
pub(crate) async fn run(call: &Call<'_>, args: SetupArgs) -> Result<Exit, Failure> {
    let store = Store::open(&args.store.store)?;
    let text = input::read_at_most(&args.input, FILE_BYTES_MAX)?;
    let mut text = named(text, &args)?;
    if args.dry_run {
        text = with(text, "dry_run", "true");
    }
    if let Some(receipt) = &args.approve {
        text = with(text, "approve", &json!(receipt).to_string());
    }
    if let Some(policy) = args.policy {
        text = with(text, "policy", &format!("\"{}\"", policy.name()));
    }
    let mut files = Vec::new();
    if let Some(folder) = &args.images {
        (text, files) = pictures::attach(text, folder)?;
    }
    // Checked whole, before anything is put anywhere.
    let (text, lists) = long_lists::split(text)?;
    pictures::put(&store, &files).await?;
    long_lists::put(&store, lists).await?;
    let wanted = Wanted {
        process: &CATALOG,
        text,
        task_queue: call.task_queue().to_owned(),
        is_waiting: args.wait || args.dry_run,
        timeout: args.timeout,
    };
    start::run(call.settings()?, call.out, wanted).await
}

/// The input with the catalogue's name: what was typed, its own, or the file's.
fn named(text: InputText, args: &SetupArgs) -> Result<InputText, Failure> {
    if let Some(id) = &args.catalog_id {
        return Ok(with(text, "catalog_id", &format!("\"{id}\"")));
    }
    let fields = text::json::fields(&text.json).unwrap_or_default();
    if fields.iter().any(|(name, _)| name == "catalog_id") || args.input == Path::new("-") {
        return Ok(text);
    }
    let stem = args.input.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let id = catalog(stem).map_err(|problem| {
        Failure::new(Exit::Usage, format!("{} does not name a catalogue: {problem}", args.input.display()))
            .fix("name it with --catalog-id, such as --catalog-id spring; nothing was started")
    })?;
    Ok(with(text, "catalog_id", &format!("\"{id}\"")))
}
