//! Signs of a file in its encoding, with the bytes where they stand.

use std::io::{self, Read, Seek, SeekFrom};

use crate::format::Encoding;
use crate::{Flaw, unfit, wrong};

const BUFFER_BYTES: usize = 64 * 1024;
/// How far a file is read for its true encoding, each time that it is opened.
const SAMPLE_BYTES: u64 = 1 << 20;

/// How the bytes of this file become signs.
enum Decoder {
    Utf8,
    Utf16 {
        is_big: bool,
    },
    /// One byte a sign; these are the upper 128.
    Single(Box<[char; 128]>),
}

/// A file as a stream of signs.
pub(crate) struct Source<R> {
    file: R,
    decoder: Decoder,
    buffer: Box<[u8]>,
    /// The bytes of the buffer that are still to be read.
    unread: std::ops::Range<usize>,
    /// The file's byte after the buffer.
    fetched: u64,
    /// Where the file's first sign is.
    pub(crate) begins: u64,
    /// A sign that was looked at, and where the one after it is.
    ahead: Option<(Option<char>, u64)>,
    /// The kind of text that the file begins as, if it is one that no table begins as.
    pub(crate) foreign: Option<&'static str>,
}

/// How texts begin that are not tables, in small letters.
const FOREIGN: [(&[u8], &str); 8] = [
    (b"<!doctype", "a page of the web"),
    (b"<html", "a page of the web"),
    (b"<?xml", "XML"),
    (b"%pdf-", "PDF"),
    (b"{\\rtf", "RTF"),
    (b"{\"", "JSON"),
    (b"[{", "JSON"),
    (b"[\"", "JSON"),
];

/// The kind of text that begins so.
fn foreign(first: &[u8]) -> Option<&'static str> {
    let first = first.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(first).trim_ascii_start();
    let begins = |mark: &[u8]| first.get(..mark.len()).is_some_and(|first| first.eq_ignore_ascii_case(mark));
    FOREIGN.iter().find(|(mark, _)| begins(mark)).map(|(_, kind)| *kind)
}

/// How files begin that gzip, bzip2, xz and zstd have made.
const PACKED: [&[u8]; 4] = [b"\x1F\x8B", b"BZh", b"\xFD7zX", b"\x28\xB5\x2F\xFD"];

impl<R: Read + Seek> Source<R> {
    pub(crate) fn open(file: R, encoding: Encoding) -> Result<Self, Flaw> {
        let buffer = vec![0; BUFFER_BYTES].into_boxed_slice();
        let mut source = Self {
            file,
            decoder: Decoder::Utf8,
            buffer,
            unread: 0..0,
            fetched: 0,
            begins: 0,
            ahead: None,
            foreign: None,
        };
        source.fetch()?;
        source.foreign = foreign(&source.buffer[..source.unread.end]);
        let first = &source.buffer[..source.unread.end.min(4)];
        if PACKED.iter().any(|mark| first.starts_with(mark)) {
            return unfit("is packed", "unpack it");
        }
        if first == b"PK\x03\x04" || first == b"\xD0\xCF\x11\xE0" {
            return unfit(
                "is a workbook, or packed",
                "call it .xlsx if it is one; else unpack it, or save it as CSV",
            );
        }
        let (decoder, mark) = decoder(first, encoding)?;
        if matches!(decoder, Decoder::Single(_)) && source.is_utf8()? {
            return unfit(
                "is UTF-8, and not in the encoding that is said",
                "set option encoding to \"utf-8\"; if it is not, let it be exported as UTF-8",
            );
        }
        source.decoder = decoder;
        source.begins = mark;
        source.seek(mark)?;
        Ok(source)
    }

    /// Whether the file's beginning holds signs of several bytes, and nothing that UTF-8 would not hold. In an encoding
    /// of one byte a sign they would be read as others, each of them: `Ã¡` for `á`.
    fn is_utf8(&mut self) -> Result<bool, Flaw> {
        let mut has_wide = false;
        self.seek(0)?;
        while self.at() < SAMPLE_BYTES {
            let Some(first) = self.byte()? else { break };
            if first.is_ascii() {
                continue;
            }
            match self.narrow(first, 0) {
                Ok(_) => has_wide = true,
                Err(Flaw::Wrong(_)) => return Ok(false),
                Err(flaw) => return Err(flaw),
            }
        }
        Ok(has_wide)
    }

    /// Goes to a byte where a sign begins.
    pub(crate) fn seek(&mut self, byte: u64) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(byte))?;
        (self.unread, self.fetched, self.ahead) = (0..0, byte, None);
        Ok(())
    }

    /// The byte of the next sign.
    pub(crate) fn at(&self) -> u64 {
        self.fetched - self.unread.len() as u64
    }

    /// Looks at the next sign without taking it.
    pub(crate) fn peek(&mut self) -> Result<Option<char>, Flaw> {
        if let Some((sign, _)) = self.ahead {
            return Ok(sign);
        }
        let at = self.position();
        let sign = self.decode()?;
        self.ahead = Some((sign, at));
        Ok(sign)
    }

    /// Takes the next sign; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<char>, Flaw> {
        match self.ahead.take() {
            Some((sign, _)) => Ok(sign),
            None => self.decode(),
        }
    }

    /// The byte of the next sign, one that was looked at included.
    pub(crate) fn position(&self) -> u64 {
        self.ahead.map_or_else(|| self.at(), |(_, at)| at)
    }

    fn fetch(&mut self) -> io::Result<bool> {
        loop {
            match self.file.read(&mut self.buffer) {
                Ok(count) => {
                    self.unread = 0..count;
                    self.fetched += count as u64;
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn byte(&mut self) -> io::Result<Option<u8>> {
        if self.unread.is_empty() && !self.fetch()? {
            return Ok(None);
        }
        let byte = self.buffer[self.unread.start];
        self.unread.start += 1;
        Ok(Some(byte))
    }

    fn decode(&mut self) -> Result<Option<char>, Flaw> {
        let at = self.at();
        let Some(first) = self.byte()? else { return Ok(None) };
        match &self.decoder {
            Decoder::Utf16 { is_big } => self.wide(first, *is_big, at),
            _ if first.is_ascii() => Ok(Some(char::from(first))),
            Decoder::Single(upper) => Ok(Some(upper[usize::from(first) - 128])),
            Decoder::Utf8 => self.narrow(first, at),
        }
    }

    /// The rest of a sign of several bytes.
    fn narrow(&mut self, first: u8, at: u64) -> Result<Option<char>, Flaw> {
        let length = match first {
            0xC2..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF4 => 4,
            _ => 0,
        };
        let mut bytes = [first, 0, 0, 0];
        for place in bytes.iter_mut().take(length).skip(1) {
            *place = self.byte()?.unwrap_or(0);
        }
        let sign = std::str::from_utf8(&bytes[..length]).ok().and_then(|text| text.chars().next());
        match sign {
            Some(sign) => Ok(Some(sign)),
            None => wrong(
                at,
                "is not UTF-8",
                "let it be exported as UTF-8, or say its encoding (option encoding)",
            ),
        }
    }

    fn wide(&mut self, first: u8, is_big: bool, at: u64) -> Result<Option<char>, Flaw> {
        let high = self.unit(first, is_big)?;
        let mut units = vec![high];
        if (0xD800..0xDC00).contains(&high)
            && let Some(first) = self.byte()?
        {
            units.push(self.unit(first, is_big)?);
        }
        match char::decode_utf16(units).next() {
            Some(Ok(sign)) => Ok(Some(sign)),
            _ => wrong(at, "is not UTF-16", "say its encoding (option encoding)"),
        }
    }

    fn unit(&mut self, first: u8, is_big: bool) -> io::Result<u16> {
        // Half a unit at the end of the file is not a sign; neither is a surrogate alone.
        let Some(second) = self.byte()? else { return Ok(0xDC00) };
        let pair = [first, second];
        Ok(if is_big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) })
    }
}

/// The decoder that the first bytes and the declared encoding call for together, and the length of the mark in bytes.
fn decoder(first: &[u8], encoding: Encoding) -> Result<(Decoder, u64), Flaw> {
    let is_wide = matches!(first, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..])
        || matches!(first, [a, 0, b, 0] | [0, a, 0, b] if *a != 0 && *b != 0);
    let is_marked = first.starts_with(b"\xEF\xBB\xBF");
    if text::json::is_utf32(first) {
        return unfit("is UTF-32", "let it be exported as UTF-8");
    }
    match encoding {
        Encoding::Utf16 if is_marked => {
            unfit("begins with the mark of UTF-8", "set option encoding to \"utf-8\"")
        }
        Encoding::Utf16 => Ok(match first {
            [0xFF, 0xFE, ..] => (Decoder::Utf16 { is_big: false }, 2),
            [0xFE, 0xFF, ..] => (Decoder::Utf16 { is_big: true }, 2),
            [0, ..] => (Decoder::Utf16 { is_big: true }, 0),
            _ => (Decoder::Utf16 { is_big: false }, 0),
        }),
        _ if is_wide => {
            unfit("is UTF-16", "set option encoding to \"utf-16\", or let it be exported as UTF-8")
        }
        Encoding::Utf8 => Ok((Decoder::Utf8, if is_marked { 3 } else { 0 })),
        _ if is_marked => unfit("begins with the mark of UTF-8", "set option encoding to \"utf-8\""),
        Encoding::Windows1252 => Ok((single(encoding_rs::WINDOWS_1252), 0)),
        Encoding::Windows1258 => Ok((single(encoding_rs::WINDOWS_1258), 0)),
    }
}

fn single(encoding: &'static encoding_rs::Encoding) -> Decoder {
    let mut upper = ['\u{fffd}'; 128];
    for (byte, sign) in (128..=255).zip(&mut upper) {
        let bytes = [byte];
        let (decoded, _) = encoding.decode_without_bom_handling(&bytes);
        *sign = decoded.chars().next().unwrap_or('\u{fffd}');
    }
    Decoder::Single(Box::new(upper))
}
