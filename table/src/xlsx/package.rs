//! The parts of a workbook: a zip's directory, and each part as a stream of checked bytes.
//!
//! The directory is believed in nothing: a part ends where its data end or where the directory says, and where the two
//! differ, or the checksum does, the file is damaged. So the sizes that were added up beforehand are what is unpacked.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::Crc;
use flate2::read::DeflateDecoder;

use super::SAVE_AS_CSV;
use crate::{Flaw, unfit};

/// The largest workbook, in bytes.
pub(crate) const PACKED_BYTES_MAX: u64 = 50_000_000;
/// The most that its parts may be together, unpacked, in bytes.
pub(crate) const UNPACKED_BYTES_MAX: u64 = 500_000_000;
/// The largest directory, in bytes. A workbook has some dozens of parts.
const DIRECTORY_BYTES_MAX: u64 = 4_000_000;

const END_OF_DIRECTORY: &[u8; 4] = b"PK\x05\x06";
const DIRECTORY_ENTRY: &[u8; 4] = b"PK\x01\x02";
const PART: &[u8; 4] = b"PK\x03\x04";
/// How long the end of a directory is, without the remark that may follow.
const END_BYTES: usize = 22;
const ENTRY_BYTES: usize = 46;
const PART_BYTES: usize = 30;
/// The extra field with sizes that do not fit into 32 bits; careful writers always add it.
const LONG_SIZES: u16 = 1;

/// A file that several parts are read from.
type Shared<R> = Arc<Mutex<R>>;

/// A workbook's parts by their names, in small letters.
pub(crate) struct Package<R> {
    file: Shared<R>,
    entries: BTreeMap<String, Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    begins: u64,
    packed: u64,
    unpacked: u64,
    checksum: u32,
    is_deflated: bool,
}

/// A part whose bytes are not the promised ones; travels through readers as an I/O error.
#[derive(Debug)]
pub(crate) struct Damaged;

impl std::fmt::Display for Damaged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the workbook is damaged")
    }
}

impl std::error::Error for Damaged {}

/// Refuses a file that is cut short or changed.
pub(crate) fn damaged<T>() -> Result<T, Flaw> {
    unfit("is damaged: its parts are not what its directory says", "export it anew, or save it as CSV")
}

impl<R: Read + Seek> Package<R> {
    /// Reads the directory.
    pub(crate) fn open(mut file: R) -> Result<Self, Flaw> {
        let length = file.seek(SeekFrom::End(0))?;
        if length > PACKED_BYTES_MAX {
            return unfit(format!("is a workbook of more than {PACKED_BYTES_MAX} bytes"), SAVE_AS_CSV);
        }
        let directory = directory(&mut file, length)?;
        let entries = entries(&directory)?;
        // No sum of these can overflow: each size was compared with the limit.
        if entries.values().map(|entry| entry.unpacked).sum::<u64>() > UNPACKED_BYTES_MAX {
            return too_much();
        }
        Ok(Self { file: Arc::new(Mutex::new(file)), entries })
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.entries.contains_key(&name.to_lowercase())
    }

    /// A part from its beginning; `None`: there is none of that name.
    pub(crate) fn part(&self, name: &str) -> Result<Option<Part<R>>, Flaw> {
        let Some(entry) = self.entries.get(&name.to_lowercase()).copied() else { return Ok(None) };
        let mut header = [0; PART_BYTES];
        let mut begin = Section { file: self.file.clone(), at: entry.begins, ends: u64::MAX };
        begin.read_exact(&mut header).or_else(cut)?;
        if !header.starts_with(PART) {
            return damaged();
        }
        let at = begin.at + u64::from(short(&header, 26)) + u64::from(short(&header, 28));
        let section = Section { file: self.file.clone(), at, ends: at.saturating_add(entry.packed) };
        let bytes = match entry.is_deflated {
            true => Bytes::Deflated(DeflateDecoder::new(section)),
            false => Bytes::Stored(section),
        };
        Ok(Some(Part { bytes, entry, checksum: Crc::new() }))
    }
}

fn too_much<T>() -> Result<T, Flaw> {
    unfit(format!("is a workbook of more than {UNPACKED_BYTES_MAX} bytes when it is unpacked"), SAVE_AS_CSV)
}

/// A file that ends too early is damaged; anything else is an error of the disk.
fn cut<T>(error: io::Error) -> Result<T, Flaw> {
    if error.kind() == io::ErrorKind::UnexpectedEof { damaged() } else { Err(error.into()) }
}

fn short(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).and_then(|bytes| bytes.try_into().ok()).map_or(0, u16::from_le_bytes)
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes)
}

/// The bytes of the directory. Its end stands at the end of the file, before a remark of at most 64 KiB.
fn directory(file: &mut (impl Read + Seek), length: u64) -> Result<Vec<u8>, Flaw> {
    let tail_bytes = length.min(END_BYTES as u64 + u64::from(u16::MAX));
    file.seek(SeekFrom::Start(length - tail_bytes))?;
    let mut tail = Vec::new();
    file.by_ref().take(tail_bytes).read_to_end(&mut tail)?;
    let ends = tail.windows(4).rposition(|window| window == END_OF_DIRECTORY);
    let Some(end) = ends.and_then(|at| tail.get(at..at + END_BYTES)) else {
        return unfit("is not a workbook, or is cut short", "is it .xlsx? export it anew, or save it as CSV");
    };
    let (bytes, begins) = (u64::from(word(end, 12)), u64::from(word(end, 16)));
    // A directory that needs 64 bits is one of a much larger file.
    if bytes > DIRECTORY_BYTES_MAX || begins + bytes > length {
        return damaged();
    }
    file.seek(SeekFrom::Start(begins))?;
    let mut directory = Vec::new();
    file.by_ref().take(bytes).read_to_end(&mut directory)?;
    Ok(directory)
}

fn entries(directory: &[u8]) -> Result<BTreeMap<String, Entry>, Flaw> {
    let mut entries = BTreeMap::new();
    let mut rest = directory;
    while !rest.is_empty() {
        let name_bytes = usize::from(short(rest, 28));
        let extra_bytes = usize::from(short(rest, 30));
        let ends = ENTRY_BYTES + name_bytes + extra_bytes + usize::from(short(rest, 32));
        if !rest.starts_with(DIRECTORY_ENTRY) || rest.len() < ends {
            return damaged();
        }
        let name = String::from_utf8_lossy(&rest[ENTRY_BYTES..ENTRY_BYTES + name_bytes]);
        let name = name.replace('\\', "/").to_lowercase();
        let entry = entry(rest, &rest[ENTRY_BYTES + name_bytes..][..extra_bytes])?;
        // Of two parts of one name, one program reads the first and another the last.
        if entries.insert(name, entry).is_some() {
            return damaged();
        }
        rest = &rest[ends..];
    }
    Ok(entries)
}

fn entry(bytes: &[u8], extra: &[u8]) -> Result<Entry, Flaw> {
    if short(bytes, 8) & 1 != 0 {
        return unfit("is encrypted", "save it without a password, or save it as CSV");
    }
    let mut longs = long_sizes(extra);
    let mut size = |at| match word(bytes, at) {
        u32::MAX => longs.next().unwrap_or(u64::from(u32::MAX)),
        size => u64::from(size),
    };
    let (unpacked, packed, begins) = (size(24), size(20), size(42));
    if unpacked > UNPACKED_BYTES_MAX {
        return too_much();
    }
    let is_deflated = match short(bytes, 10) {
        0 => false,
        8 => true,
        _ => return unfit("is packed in a way that workbooks are not", SAVE_AS_CSV),
    };
    Ok(Entry { begins, packed, unpacked, checksum: word(bytes, 16), is_deflated })
}

/// The sizes of the extra field for long ones, in their order.
fn long_sizes(extra: &[u8]) -> impl Iterator<Item = u64> {
    let mut rest = extra;
    let mut found: &[u8] = &[];
    while rest.len() >= 4 {
        let ends = 4 + usize::from(short(rest, 2));
        if short(rest, 0) == LONG_SIZES {
            found = rest.get(4..ends).unwrap_or_default();
        }
        rest = rest.get(ends..).unwrap_or_default();
    }
    (0..).map_while(move |nth| long(found, nth * 8))
}

/// A stretch of the file.
struct Section<R> {
    file: Shared<R>,
    at: u64,
    ends: u64,
}

impl<R: Read + Seek> Read for Section<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.ends.saturating_sub(self.at)).unwrap_or(usize::MAX).min(into.len());
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.at))?;
        let read = file.read(&mut into[..most])?;
        self.at += read as u64;
        Ok(read)
    }
}

enum Bytes<R> {
    Deflated(DeflateDecoder<Section<R>>),
    Stored(Section<R>),
}

/// One part, unpacked while it is read. Its end is only given when length and checksum are right.
pub(crate) struct Part<R> {
    bytes: Bytes<R>,
    entry: Entry,
    checksum: Crc,
}

impl<R: Read + Seek> Read for Part<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        let read = match &mut self.bytes {
            Bytes::Deflated(decoder) => decoder.read(into),
            Bytes::Stored(section) => section.read(into),
        };
        let read = read.map_err(|error| match error.kind() {
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                io::Error::other(Damaged)
            }
            _ => error,
        })?;
        self.checksum.update(&into[..read]);
        let is_right = match read {
            0 => self.total() == self.entry.unpacked && self.checksum.sum() == self.entry.checksum,
            _ => self.total() <= self.entry.unpacked,
        };
        if is_right { Ok(read) } else { Err(io::Error::other(Damaged)) }
    }
}

impl<R> Part<R> {
    /// No part is as long as the checksum's counter.
    fn total(&self) -> u64 {
        u64::from(self.checksum.amount())
    }
}
