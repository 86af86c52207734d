//! Starts a catalogue's setup.

use std::path::Path;

use serde_json::json;
use store::Store;

use super::{long_lists, pictures, products};
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
    let stdin = Path::new("-");
    if args.input.as_deref() == Some(stdin) && args.products.as_deref() == Some(stdin) {
        return Err(Failure::new(Exit::Usage, "--input and --products cannot both be read from stdin")
            .fix("write one of them to a file; nothing was started"));
    }
    let store = Store::open(&args.store.store)?;
    let text = match &args.input {
        Some(input) => input::read_at_most(input, FILE_BYTES_MAX)?,
        None => InputText { name: "the input".to_owned(), json: "{}".to_owned() },
    };
    let mut text = named(text, &args)?;
    let mut lists = Vec::new();
    if let Some(path) = &args.products {
        let table = products::read(path, &args, products::currency_of(&text)).await?;
        (text, lists) = table.add_to(text)?;
    }
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
    let (text, others) = long_lists::split(text)?;
    lists.extend(others);
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
    let file = args.input.as_deref().or(args.products.as_deref()).unwrap_or(Path::new("-"));
    if fields.iter().any(|(name, _)| name == "catalog_id") || file == Path::new("-") {
        return Ok(text);
    }
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let id = catalog(stem).map_err(|problem| {
        Failure::new(Exit::Usage, format!("{} does not name a catalogue: {problem}", file.display()))
            .fix("name it with --catalog-id, such as --catalog-id spring; nothing was started")
    })?;
    Ok(with(text, "catalog_id", &format!("\"{id}\"")))
}
