//! The folder of exports, and the ones below it: `claimed/`, `done/`, `failed/`.
//!
//! A file is in one of them at a time, moved by renaming ([`Place`]). Its name gets the moment of its claim in front,
//! so that an ERP may use one name for ever.

use std::io;
use std::time::{Duration, SystemTime};

use contracts::erp::Entity;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::place::{Content, Found, Moved, Place};
use table::Kind;
use text::Refusal;

const CLAIMED: &str = "claimed";
const DONE: &str = "done";
const FAILED: &str = "failed";
/// Held while files are claimed; its content is the newest claim of all, so that none is ever older than another
/// worker's, whatever their clocks say.
const LAST: &str = ".last-claim";
const FORMAT: &str = "%Y%m%dT%H%M%S%.3fZ";
/// Between the claim and the file's own name.
const BETWEEN: &str = "--";

pub(super) struct Folder {
    place: Box<dyn Place>,
    /// How long a file must not have changed.
    quiet: Duration,
    /// The ending of a file's companion that says that it is complete.
    marker: Option<String>,
}

/// A file that is ours.
#[derive(Clone, Debug)]
pub(super) struct Claimed {
    /// Its name, the moment of the claim in front.
    pub(super) name: String,
    folder: &'static str,
    pub(super) claimed_at: Timestamp,
    pub(super) kind: Kind,
}

impl Claimed {
    fn path(&self) -> String {
        match self.folder {
            "" => self.name.clone(),
            folder => format!("{folder}/{}", self.name),
        }
    }
}

impl Folder {
    pub(super) fn new(place: Box<dyn Place>, quiet: Duration, marker: Option<String>) -> Self {
        Self { place, quiet, marker }
    }

    /// Makes the folders below.
    pub(super) fn prepare(&self) -> io::Result<()> {
        self.place.prepare(&[CLAIMED, DONE, FAILED])
    }

    /// The content of a file, from its beginning.
    pub(super) fn open(&self, file: &Claimed) -> io::Result<Box<dyn Content>> {
        self.place.open(&file.path())
    }

    /// Claims every complete file of an entity, oldest first.
    pub(super) fn claim(&self, entity: Entity, settled: Option<Timestamp>) -> io::Result<()> {
        self.prepare()?;
        let mut complete = self.complete(entity, SystemTime::now())?;
        if complete.is_empty() {
            return Ok(());
        }
        complete.sort_by(|a, b| (a.changed, &a.name).cmp(&(b.changed, &b.name)));
        let mut last = self.place.note(&format!("{CLAIMED}/{LAST}"))?;
        let mut newest = self.newest_claim(&last.read()?)?.max(settled);
        for found in complete {
            let claim = next_claim(newest);
            // First the note, then the file: a claim that is noted and not used costs nothing.
            last.write(&claim.to_string())?;
            let claimed = format!("{CLAIMED}/{}{BETWEEN}{}", claim.strftime(FORMAT), own_name(&found.name));
            let moved = self.place.rename(&found.name, Some(&found), &claimed)?;
            if moved == Moved::Missing {
                continue; // taken away meanwhile
            }
            newest = Some(claim);
            // The marker may already be that of what was written after it.
            if let (Moved::Yes, Some(marker)) = (moved, &self.marker) {
                self.place.remove(&format!("{}{marker}", found.name))?;
            }
        }
        Ok(())
    }

    /// The complete files of an entity that nobody has claimed yet, oldest first, to be read where they are.
    pub(super) fn unclaimed(&self, entity: Entity) -> io::Result<Vec<Claimed>> {
        let mut complete = self.complete(entity, SystemTime::now())?;
        complete.sort_by(|a, b| (a.changed, &a.name).cmp(&(b.changed, &b.name)));
        let claimed_at = Timestamp::now();
        let read = |found: Found| {
            let kind = kind_of(entity, own_name(&found.name))?;
            Some(Claimed { name: found.name, folder: "", claimed_at, kind })
        };
        Ok(complete.into_iter().filter_map(read).collect())
    }

    /// Files that were meant for an entity, by their names, and are not read; each with what to do.
    pub(super) fn left_lying(&self, entity: Entity) -> io::Result<Vec<(String, String)>> {
        let companion = self.marker.as_deref();
        let left = self.place.list("")?.into_iter().filter_map(|Found { name, .. }| {
            let is_companion = companion.is_some_and(|ending| name.ends_with(ending));
            let why = why_left(entity, own_name(&name)).filter(|_| !is_companion)?;
            Some((name, why))
        });
        Ok(left.collect())
    }

    fn newest_claim(&self, noted: &str) -> io::Result<Option<Timestamp>> {
        if let Ok(noted) = noted.trim().parse() {
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

    /// Complete files of an entity. Complete is what has its marker; or, where no marker is agreed on, what nobody has
    /// changed for a while by this worker's clock.
    fn complete(&self, entity: Entity, now: SystemTime) -> io::Result<Vec<Found>> {
        let mut complete = Vec::new();
        let files = self.place.list("")?.into_iter();
        for found in files.filter(|found| kind_of(entity, own_name(&found.name)).is_some()) {
            let is_complete = match &self.marker {
                Some(marker) => self.place.is_there(&format!("{}{marker}", found.name))?,
                None => match now.duration_since(found.changed) {
                    Ok(age) => age >= self.quiet,
                    Err(_) if self.quiet.is_zero() => true,
                    Err(_) => {
                        tracing::warn!(
                            file = found.name,
                            "changed in the future by this worker's clock: left for now"
                        );
                        false
                    }
                },
            };
            if is_complete {
                complete.push(found);
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

    /// When it is not there any more, another attempt has moved it.
    fn move_to(&self, folder: &str, file: &Claimed) -> io::Result<()> {
        self.place.rename(&file.path(), None, &format!("{folder}/{}", file.name)).map(drop)
    }

    /// The claimed files of an entity, oldest claim first.
    pub(super) fn claimed(&self, entity: Entity) -> io::Result<Vec<Claimed>> {
        self.files(CLAIMED, entity)
    }

    /// The files of an entity that were put away, oldest claim first.
    pub(super) fn done(&self, entity: Entity) -> io::Result<Vec<Claimed>> {
        self.files(DONE, entity)
    }

    fn files(&self, folder: &'static str, entity: Entity) -> io::Result<Vec<Claimed>> {
        let named = self.place.list(folder)?.into_iter().filter_map(|Found { name, .. }| {
            let (claim, own) = name.split_once(BETWEEN)?;
            let (claimed_at, kind) = (read_claim(claim)?, kind_of(entity, own)?);
            Some(Claimed { folder, claimed_at, kind, name })
        });
        let mut files: Vec<Claimed> = named.collect();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(files)
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

/// A file's name without the claim that it got here: one that was corrected may be put back as it was found.
fn own_name(name: &str) -> &str {
    match name.split_once(BETWEEN) {
        Some((claim, own)) if read_claim(claim).is_some() => own,
        _ => name,
    }
}

/// The format of a file of an entity: `products.csv`, `PRODUCTS-2026-11-23T0300.CSV`, not `products.csv.part`. `None`:
/// it is not one of the entity's.
fn kind_of(entity: Entity, name: &str) -> Option<Kind> {
    named_after(name, entity.name()).then(|| Kind::of_name(name)).flatten()
}

/// Whether a name begins with a word, however that is spelt.
fn named_after(name: &str, word: &str) -> bool {
    let begins = name.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    begins && !name[word.len()..].starts_with(|c: char| c.is_alphanumeric())
}

/// The reason why a file that somebody meant for an entity is not read, and what to do about it.
fn why_left(entity: Entity, name: &str) -> Option<String> {
    let singular = entity.name().trim_end_matches('s');
    let not_read = || Kind::why_not(name).map(|Refusal { problem, fix }| format!("it {problem}: {fix}"));
    if named_after(name, entity.name()) {
        return if Kind::of_name(name).is_some() { None } else { not_read() };
    }
    let is_of_one = singular != entity.name() && named_after(name, singular);
    let is_a_table = Kind::of_name(name).is_some() || Kind::why_not(name).is_some();
    (is_of_one && is_a_table).then(|| {
        let of_one =
            "its name begins with one thing, and files are called after many: products, customers, orders";
        not_read().map_or_else(|| of_one.to_owned(), |also| format!("{of_one}; and {also}"))
    })
}
