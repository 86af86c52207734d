//! The connector to a folder (or a bucket's prefix) of exports: CSV, JSON lines or workbooks, dropped there by the ERP.
//!
//! - `folder.rs`: which files are complete, claiming them, putting them away;
//! - `place.rs`, `bucket.rs`: a folder of this machine, a bucket;
//! - `read.rs`: records of one file, from a place in it on.
//!
//! A file's records have changed when the file was **claimed**: a moment that this connector gives itself, later than
//! every one before, and that stands in the claimed file's name. A record's own `updated_at`, or the file's time, would
//! let the watermark pass files that come late with an older stamp, and one stamp in the far future would let it pass
//! everything; both would be put away unread. So the watermark says exactly which files are in the shop.
//!
//! A run reads whole files, oldest first, as many as are staged together ([`PageAsk::together`]); the rest is read by
//! the run that goes on after it ([`Page::is_cut`]). A value that two files change one after the other would else be
//! compared with the shop twice before the first write, and the older one could win.

mod bucket;
mod folder;
mod place;
mod read;
#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use contracts::erp::{Entity, Stamps};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use jiff::Timestamp;
use reqwest::Url;
use serde_json::Value;

use super::{Erp, Keys, KeysAsk, Page, PageAsk, Sourced};
use crate::erp::credentials::{ErpCredential, Options};
use crate::http::CallError;
use bucket::Bucket;
use folder::{Claimed, Folder};
use place::{Disk, Place};
use read::Readers;
use store::Store;
use table::{Flaw, Format, Kind, Row};
use text::{Refusal, did_you_mean};

const SYSTEM: &str = "erp";

/// Why nothing can be missed here.
const NO_KEYS: &str = "a folder of exports does not say everything that the ERP has";

/// How long a file must not have changed, unless the credential says otherwise.
const QUIET_SECONDS: u64 = 60;

pub(super) fn open(
    endpoint: &str,
    credential: &ErpCredential,
    _timeout: Duration,
) -> Result<Arc<dyn Erp>, String> {
    let settings = settings(&credential.options)?;
    let place: Box<dyn Place> = match endpoint.starts_with("s3://") {
        true => Box::new(Bucket::new(bucket(endpoint, credential, &settings)?)),
        false => Box::new(Disk(folder(endpoint)?)),
    };
    Ok(connector(place, settings))
}

fn connector(place: Box<dyn Place>, settings: Settings) -> Arc<dyn Erp> {
    let folder = Folder::new(place, settings.quiet, settings.marker);
    let inner = Inner { folder, format: settings.format, readers: Readers::default() };
    Arc::new(Files { inner: Arc::new(inner) })
}

fn folder(endpoint: &str) -> Result<PathBuf, String> {
    let path = Url::parse(endpoint).ok().filter(|url| url.scheme() == "file" && url.host_str().is_none());
    path.and_then(|url| url.to_file_path().ok()).ok_or_else(|| {
        "erp_endpoint is no place of files, which the connector 'files' needs: file:///folder or s3://bucket/prefix"
            .to_owned()
    })
}

/// The credential alone opens it, not what the worker's environment holds for the object store: a list of exports must
/// not be read with rights that nobody gave this credential.
fn bucket(endpoint: &str, credential: &ErpCredential, settings: &Settings) -> Result<Store, String> {
    let ErpCredential { username, password, .. } = credential;
    if username.is_empty() || password.reveal().is_empty() {
        return Err(
            "the credential of a bucket needs a username (its access key) and a password (its secret key)"
                .to_owned(),
        );
    }
    let mut known =
        vec![("AWS_ACCESS_KEY_ID", username.as_str()), ("AWS_SECRET_ACCESS_KEY", password.reveal())];
    known.extend(settings.region.as_deref().map(|region| ("AWS_REGION", region)));
    if let Some(address) = &settings.bucket_endpoint {
        known.push(("AWS_ENDPOINT", address));
        // In the open only where the address says so.
        known.push(("AWS_ALLOW_HTTP", if address.starts_with("http://") { "true" } else { "false" }));
    }
    Store::open_only_with(endpoint, &known).map_err(|error| error.to_string())
}

struct Settings {
    quiet: Duration,
    marker: Option<String>,
    /// How the files are written.
    format: Format,
    /// Of a bucket: where it lies.
    region: Option<String>,
    /// Of a bucket that is not Amazon's: who has it.
    bucket_endpoint: Option<String>,
}

fn settings(options: &Options) -> Result<Settings, String> {
    let quiet = Duration::from_secs(QUIET_SECONDS);
    let mut settings =
        Settings { quiet, marker: None, format: Format::default(), region: None, bucket_endpoint: None };
    for (name, value) in options {
        match (name.as_str(), value) {
            ("quiet_seconds", Value::Number(seconds)) => {
                let seconds = seconds.as_u64().ok_or("option quiet_seconds is no whole number of seconds")?;
                settings.quiet = Duration::from_secs(seconds);
            }
            ("marker", Value::String(ending)) if ending.len() > 1 && ending.starts_with('.') => {
                settings.marker = Some(ending.clone());
            }
            ("region", Value::String(region)) if !region.is_empty() => settings.region = Some(region.clone()),
            ("bucket_endpoint", Value::String(address))
                if address.starts_with("https://") || address.starts_with("http://") =>
            {
                settings.bucket_endpoint = Some(address.clone());
            }
            (of_files, value) if Format::OPTIONS.contains(&of_files) => {
                let Refusal { problem, fix } = match settings.format.set(of_files, value) {
                    Ok(()) => continue,
                    Err(refusal) => refusal,
                };
                return Err(format!("option {name} of the credential {problem}: {fix}"));
            }
            _ => return Err(unknown_option(name)),
        }
    }
    Ok(settings)
}

/// Options of this connector, beside those of the files themselves.
const OPTIONS: [&str; 4] = ["quiet_seconds", "marker", "region", "bucket_endpoint"];

fn unknown_option(name: &str) -> String {
    let fix = match name {
        "quiet_seconds" => "write a whole number, such as 60".to_owned(),
        "marker" => "write an ending with its point, such as \".done\"".to_owned(),
        "region" => "write the bucket's, such as \"eu-west-1\"".to_owned(),
        "bucket_endpoint" => "write it as \"https://…\"".to_owned(),
        other => {
            let known: Vec<&str> = OPTIONS.into_iter().chain(Format::OPTIONS).collect();
            return format!("option {other} of the credential is not known: {}", did_you_mean(other, &known));
        }
    };
    format!("option {name} of the credential is not what it can be: {fix}")
}

struct Files {
    inner: Arc<Inner>,
}

struct Inner {
    folder: Folder,
    format: Format,
    readers: Readers,
}

/// A question that can go to another thread.
struct Ask {
    entity: Entity,
    since: Option<Timestamp>,
    settled: Option<Timestamp>,
    cursor: Option<Cursor>,
    limit: usize,
    together: u64,
    is_dry: bool,
}

/// Where a page ended: `<byte, or row of a sheet> <records of this run so far> <claimed file>`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cursor {
    byte: u64,
    taken: u64,
    name: String,
}

impl Cursor {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ' ');
        let (byte, taken) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some(Self { byte, taken, name: parts.next()?.to_owned() })
    }

    fn text(&self) -> String {
        format!("{} {} {}", self.byte, self.taken, self.name)
    }
}

fn unusable(why: String) -> CallError {
    CallError::Unusable { system: SYSTEM, why }
}

/// The folder does not do what it is asked, which may be over in a minute.
fn unreachable(error: &std::io::Error) -> CallError {
    CallError::NotSent { system: SYSTEM, why: format!("its files: {error}") }
}

impl Inner {
    fn page(&self, ask: &Ask) -> Result<Page, CallError> {
        let left_lying = if ask.cursor.is_none() { self.begin(ask)? } else { Vec::new() };
        let files = self.to_read(ask)?;
        let (from, mut taken) = match &ask.cursor {
            None => (0, 0),
            Some(cursor) => {
                let place = files.iter().position(|file| file.name == cursor.name);
                let place = place.ok_or_else(|| {
                    unusable(format!("file {} was taken away while it was read", shown(&cursor.name)))
                })?;
                (place, cursor.taken)
            }
        };
        let mut page = Page { left_lying, ..Page::default() };
        for file in &files[from..] {
            let resumed = ask.cursor.as_ref().filter(|cursor| cursor.name == file.name);
            let byte = resumed.map_or(0, |cursor| cursor.byte);
            // Whole files only; a larger one is read alone. The next one is compared with the shop as it is once these
            // records are in it.
            if resumed.is_none() && taken > 0 && taken.saturating_add(self.bound(file)?) > ask.together {
                page.next = Some(Cursor { byte: 0, taken: 0, name: file.name.clone() }.text());
                page.is_cut = true;
                return Ok(page);
            }
            let room = ask.limit - page.records.len();
            let part = self.readers.read(&self.folder, file, &self.format, byte, room);
            let part = part.map_err(|flaw| self.refuse(file, flaw, ask))?;
            taken += part.rows.len() as u64;
            let sourced = |row: Row| {
                let (fields, problems) = row.into_parts();
                let unreadable = problems.into_iter().next();
                Sourced {
                    changed_at: file.claimed_at,
                    fields,
                    unreadable,
                    is_undated: false,
                    is_row: file.kind != Kind::JsonLines,
                }
            };
            page.records.extend(part.rows.into_iter().map(sourced));
            if let Some(byte) = part.next {
                page.next = Some(Cursor { byte, taken, name: file.name.clone() }.text());
                return Ok(page);
            }
        }
        Ok(page)
    }

    /// Puts away what is in the shop, and claims what is new. The files that are left lying, each with what to do.
    fn begin(&self, ask: &Ask) -> Result<Vec<String>, CallError> {
        if ask.since.is_none() && ask.settled.is_some() {
            let why = "a folder of exports is no whole that could be read again: move the files to read from done/ \
                       back into the folder, and leave out full";
            return Err(unusable(why.to_owned()));
        }
        // A dry run moves nothing: a real one may be at it.
        if let Some(settled) = ask.settled.filter(|_| !ask.is_dry) {
            self.folder.put_away(ask.entity, settled).map_err(|error| unreachable(&error))?;
        }
        if !ask.is_dry {
            self.folder.claim(ask.entity, ask.settled).map_err(|error| unreachable(&error))?;
        }
        let left = self.folder.left_lying(ask.entity).map_err(|error| unreachable(&error))?;
        Ok(left.into_iter().map(|(name, why)| format!("{}: {why}", shown(&name))).collect())
    }

    /// The files of this run, oldest claim first. When a moment is named, also those put away since.
    fn to_read(&self, ask: &Ask) -> Result<Vec<Claimed>, CallError> {
        let mut files = self.folder.claimed(ask.entity).map_err(|error| unreachable(&error))?;
        if ask.is_dry {
            files.retain(|file| ask.settled.is_none_or(|settled| file.claimed_at > settled));
            files.extend(self.folder.unclaimed(ask.entity).map_err(|error| unreachable(&error))?);
        }
        let (Some(since), None) = (ask.since, ask.settled) else { return Ok(files) };
        let mut again = self.folder.done(ask.entity).map_err(|error| unreachable(&error))?;
        again.retain(|file| file.claimed_at >= since);
        if again.is_empty() {
            return Ok(files);
        }
        again.append(&mut files);
        again.sort_by(|a, b| a.name.cmp(&b.name));
        let mut records = 0_u64;
        for file in &again {
            records = records.saturating_add(self.bound(file)?);
        }
        if records > ask.together {
            return Err(unusable(format!(
                "{} files were put away since then, more than one run can read again in order: move those to read from \
                 done/ back into the folder",
                again.len()
            )));
        }
        Ok(again)
    }

    /// How many records a file has at most.
    fn bound(&self, file: &Claimed) -> Result<u64, CallError> {
        let content = self.folder.open(file);
        let count = content.and_then(|content| read::records_at_most(content, file.kind, &self.format));
        count.map_err(|error| unreachable(&error))
    }

    /// A file that cannot be read goes out of the way, and the run ends: nothing of it was written.
    fn refuse(&self, file: &Claimed, flaw: Flaw, ask: &Ask) -> CallError {
        let why = match flaw {
            Flaw::Io(error) => return unreachable(&error),
            Flaw::Wrong(problem) => problem,
        };
        if ask.is_dry {
            return unusable(format!("file {} {}: {}", shown(&file.name), why.what(), why.fix));
        }
        match self.folder.fail(file) {
            Ok(()) => unusable(format!(
                "file {} {}: {}; it is in failed/ now: correct it or the option, and put it back into the folder",
                shown(&file.name),
                why.what(),
                why.fix
            )),
            Err(error) => unreachable(&error),
        }
    }
}

/// A file's name as it can stand in a message.
fn shown(name: &str) -> String {
    name.chars().take(120).collect::<String>().escape_debug().to_string()
}

impl Files {
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, CallError> + Send + 'static,
    ) -> Result<T, CallError> {
        let inner = self.inner.clone();
        let done = tokio::task::spawn_blocking(move || work(&inner)).await;
        done.unwrap_or_else(|error| Err(CallError::Unknown { system: SYSTEM, why: error.to_string() }))
    }
}

impl Erp for Files {
    fn kind(&self) -> &'static str {
        "files"
    }

    fn stamps(&self) -> Stamps {
        Stamps::Claims
    }

    fn log_in(&self) -> BoxFuture<'_, Result<(), CallError>> {
        let denied = |error: io::Error| match error.kind() {
            io::ErrorKind::PermissionDenied => unusable(format!(
                "its files: {error}; let the worker (for a bucket: the credential) list, read, write and remove there"
            )),
            _ => unreachable(&error),
        };
        self.blocking(move |inner| inner.folder.prepare().map_err(denied)).boxed()
    }

    fn page<'a>(&'a self, ask: &'a PageAsk<'a>) -> BoxFuture<'a, Result<Page, CallError>> {
        async {
            let cursor = ask
                .cursor
                .map(|text| {
                    Cursor::parse(text).ok_or_else(|| unusable("a cursor of another kind".to_owned()))
                })
                .transpose()?;
            let PageAsk { entity, since, settled, limit, together, is_dry, .. } = *ask;
            let ask = Ask { entity, since, settled, cursor, limit: limit as usize, together, is_dry };
            self.blocking(move |inner| inner.page(&ask)).await
        }
        .boxed()
    }

    fn no_keys(&self) -> Option<&'static str> {
        Some(NO_KEYS)
    }

    fn keys<'a>(&'a self, _ask: &'a KeysAsk<'a>) -> BoxFuture<'a, Result<Keys, CallError>> {
        async { Err(unusable(NO_KEYS.to_owned())) }.boxed()
    }
}
