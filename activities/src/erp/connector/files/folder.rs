//! The folder of exports, and the ones below it: `claimed/`, `done/`, `failed/`.
//!
//! A file is in one of them at a time, moved by renaming, which happens whole or not at all. Its name gets the moment of
//! its claim in front, so that an ERP may use one name for ever.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _, Seek as _, Write as _};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use contracts::erp::Entity;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

const CLAIMED: &str = "claimed";
const DONE: &str = "done";
const FAILED: &str = "failed";
/// Held while files are claimed; its content is the newest claim of all, so that none is ever older than another
/// worker's, whatever their clocks say.
const LAST: &str = ".last-claim";
const FORMAT: &str = "%Y%m%dT%H%M%S%.3fZ";
/// Between the claim and the file's own name.
const BETWEEN: &str = "--";
/// What a file is called that we read.
const ENDINGS: [&str; 3] = [".csv", ".jsonl", ".ndjson"];

pub(super) struct Folder {
    path: PathBuf,
    /// How long a file must not have changed.
    quiet: Duration,
    /// What a file's companion ends with that says that it is complete.
    marker: Option<String>,
}

/// A file that is ours.
#[derive(Clone, Debug)]
pub(super) struct Claimed {
    /// Its name, the moment of the claim in front.
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) claimed_at: Timestamp,
}

impl Folder {
    pub(super) fn new(path: PathBuf, quiet: Duration, marker: Option<String>) -> Self {
        Self { path, quiet, marker }
    }

    /// Makes the folders below. The folder itself must be there: one that we make would hide a missing mount.
    pub(super) fn prepare(&self) -> io::Result<()> {
        if !fs::metadata(&self.path)?.is_dir() {
            return Err(io::Error::new(ErrorKind::NotADirectory, "erp_endpoint names a file"));
        }
        for name in [CLAIMED, DONE, FAILED] {
            fs::create_dir_all(self.path.join(name))?;
        }
        Ok(())
    }

    /// Claims every complete file of an entity, oldest first.
    pub(super) fn claim(&self, entity: Entity, settled: Option<Timestamp>) -> io::Result<()> {
        self.prepare()?;
        let mut complete = self.complete(entity, SystemTime::now())?;
        if complete.is_empty() {
            return Ok(());
        }
        complete.sort();
        let path = self.path.join(CLAIMED).join(LAST);
        let mut last = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
        // Free again when the file is closed, however that happens.
        last.lock()?;
        let mut newest = self.newest_claim(&mut last)?.max(settled);
        for (_, name) in complete {
            let claim = next_claim(newest);
            // First the note, then the file: a claim that is noted and not used costs nothing.
            last.set_len(0)?;
            last.rewind()?;
            last.write_all(claim.to_string().as_bytes())?;
            last.sync_data()?;
            let claimed = format!("{}{BETWEEN}{name}", claim.strftime(FORMAT));
            match fs::rename(self.path.join(&name), self.path.join(CLAIMED).join(claimed)) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue, // taken away meanwhile
                renamed => renamed?,
            }
            newest = Some(claim);
            if let Some(marker) = &self.marker {
                remove(self.path.join(format!("{name}{marker}")))?;
            }
        }
        Ok(())
    }

    fn newest_claim(&self, last: &mut File) -> io::Result<Option<Timestamp>> {
        let mut text = String::new();
        last.read_to_string(&mut text)?;
        if let Ok(noted) = text.trim().parse() {
            return Ok(Some(noted));
        }
        // The first claim of all, or one whose note was cut short: the files themselves say it.
        let mut newest = None;
        for entity in Entity::ALL {
            for name in [CLAIMED, DONE] {
                newest = self.files(name, entity)?.into_iter().map(|file| file.claimed_at).max().max(newest);
            }
        }
        Ok(newest)
    }

    /// Complete files of an entity, with the time of their last change. Complete is what has its marker; or, where no
    /// marker is agreed on, what nobody has changed for a while by this worker's clock.
    fn complete(&self, entity: Entity, now: SystemTime) -> io::Result<Vec<(SystemTime, String)>> {
        let mut complete = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            // A name that is no UTF-8 is no export's.
            let Ok(name) = entry.file_name().into_string() else { continue };
            if !is_of(entity, &name) || !entry.file_type()?.is_file() {
                continue;
            }
            let changed = match entry.metadata().and_then(|about| about.modified()) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue, // taken away meanwhile
                changed => changed?,
            };
            let is_complete = match &self.marker {
                Some(marker) => self.path.join(format!("{name}{marker}")).is_file(),
                None => match now.duration_since(changed) {
                    Ok(age) => age >= self.quiet,
                    Err(_) if self.quiet.is_zero() => true,
                    Err(_) => {
                        tracing::warn!(
                            file = name,
                            "changed in the future by this worker's clock: left for now"
                        );
                        false
                    }
                },
            };
            if is_complete {
                complete.push((changed, name));
            }
        }
        Ok(complete)
    }

    /// Moves what was claimed up to a moment to `done/`: the shop has it.
    pub(super) fn put_away(&self, entity: Entity, settled: Timestamp) -> io::Result<()> {
        for file in self.claimed(entity)?.into_iter().filter(|file| file.claimed_at <= settled) {
            self.move_to(DONE, &file)?;
        }
        Ok(())
    }

    /// Moves a file out of the way.
    pub(super) fn fail(&self, file: &Claimed) -> io::Result<()> {
        self.move_to(FAILED, file)
    }

    fn move_to(&self, folder: &str, file: &Claimed) -> io::Result<()> {
        match fs::rename(&file.path, self.path.join(folder).join(&file.name)) {
            // By another attempt.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            moved => moved,
        }
    }

    /// The claimed files of an entity, oldest claim first.
    pub(super) fn claimed(&self, entity: Entity) -> io::Result<Vec<Claimed>> {
        self.files(CLAIMED, entity)
    }

    /// The files of an entity that were put away, oldest claim first.
    pub(super) fn done(&self, entity: Entity) -> io::Result<Vec<Claimed>> {
        self.files(DONE, entity)
    }

    fn files(&self, folder: &str, entity: Entity) -> io::Result<Vec<Claimed>> {
        let mut files = Vec::new();
        let entries = match fs::read_dir(self.path.join(folder)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(files),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let Some((claim, own)) = name.split_once(BETWEEN) else { continue };
            let Some(claimed_at) = read_claim(claim).filter(|_| is_of(entity, own)) else { continue };
            files.push(Claimed { path: entry.path(), claimed_at, name });
        }
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(files)
    }
}

fn remove(path: PathBuf) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Now, or a millisecond after the newest, whichever is later. Whole milliseconds: a shop may keep no more of a
/// watermark.
fn next_claim(newest: Option<Timestamp>) -> Timestamp {
    let whole = |moment: Timestamp| {
        Timestamp::from_millisecond(moment.as_millisecond()).unwrap_or(Timestamp::UNIX_EPOCH)
    };
    let now = whole(Timestamp::now());
    let step = SignedDuration::from_millis(1);
    newest.and_then(|newest| whole(newest).checked_add(step).ok()).map_or(now, |after| after.max(now))
}

fn read_claim(text: &str) -> Option<Timestamp> {
    let civil = DateTime::strptime(FORMAT, text).ok()?;
    civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// Whether a file is of an entity: `products.csv`, `products-2026-11-23T0300.csv`, not `products.csv.part`.
fn is_of(entity: Entity, name: &str) -> bool {
    let Some(rest) = name.strip_prefix(entity.name()) else { return false };
    !rest.starts_with(|c: char| c.is_alphanumeric()) && ENDINGS.iter().any(|ending| rest.ends_with(ending))
}
