//! A part's XML, node by node. Memory holds one node: what is longer than any writer makes one is refused.

use std::borrow::Cow;
use std::io::{self, BufReader, Read, Seek};

use quick_xml::Reader;
use quick_xml::events::{BytesEnd, BytesRef, BytesStart, Event};

use super::SAVE_AS_CSV;
use super::package::{Damaged, Part, damaged};
use crate::{Flaw, unfit};

/// The longest node, in bytes: a cell holds 32,767 signs, and a comment is of no use.
const NODE_BYTES_MAX: usize = 1 << 20;
/// The most elements inside one another: each of them takes memory until it ends.
const DEPTH_MAX: u32 = 100;
const BUFFER_BYTES: usize = 32 * 1024;

/// A part as a stream of nodes.
pub(crate) struct Xml<R: Read + Seek> {
    reader: Reader<BufReader<Measured<R>>>,
    buffer: Vec<u8>,
    depth: u32,
}

/// One node; an element that is empty has its end all the same.
pub(crate) enum Node<'x> {
    Start(Tag<'x>),
    End(EndTag<'x>),
    Text(String),
    /// A comment or the like.
    Nothing,
    /// The end of the part, whose checksum is right.
    Done,
}

/// The end of an element.
pub(crate) struct EndTag<'x>(BytesEnd<'x>);

impl EndTag<'_> {
    /// Its name, without what says whose it is.
    pub(crate) fn name(&self) -> &str {
        local(self.0.name().into_inner())
    }
}

/// The beginning of an element.
pub(crate) struct Tag<'x>(BytesStart<'x>);

impl Tag<'_> {
    /// Its name, without what says whose it is.
    pub(crate) fn name(&self) -> &str {
        local(self.0.name().into_inner())
    }

    /// The value of an attribute, by its name alone.
    pub(crate) fn get(&self, name: &str) -> Result<Option<String>, Flaw> {
        for attribute in self.0.attributes().with_checks(false) {
            let Ok(attribute) = attribute else { return not_xml() };
            if local(attribute.key.into_inner()) == name {
                let version = quick_xml::XmlVersion::Implicit1_0;
                let value = attribute.decoded_and_normalized_value(version, self.0.decoder());
                return value.map(|value| Some(value.into_owned())).or_else(|_| not_xml());
            }
        }
        Ok(None)
    }
}

fn local(name: &[u8]) -> &str {
    let name = std::str::from_utf8(name).unwrap_or_default();
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

pub(crate) fn not_xml<T>() -> Result<T, Flaw> {
    unfit("holds a part that is not the XML of a workbook", "save it anew as .xlsx, or save it as CSV")
}

impl<R: Read + Seek> Xml<R> {
    pub(crate) fn new(part: Part<R>) -> Self {
        let measured = Measured { part, since: 0 };
        let mut reader = Reader::from_reader(BufReader::with_capacity(BUFFER_BYTES, measured));
        reader.config_mut().expand_empty_elements = true;
        Self { reader, buffer: Vec::new(), depth: 0 }
    }

    pub(crate) fn next(&mut self) -> Result<Node<'_>, Flaw> {
        self.buffer.clear();
        self.reader.get_mut().get_mut().since = 0;
        let event = match self.reader.read_event_into(&mut self.buffer) {
            Ok(event) => event,
            Err(error) => return flaw(error),
        };
        let text = |text: Option<String>| text.map_or_else(not_xml, |text| Ok(Node::Text(text)));
        match event {
            Event::Start(_) if self.depth == DEPTH_MAX => not_xml(),
            Event::Start(tag) => {
                self.depth += 1;
                Ok(Node::Start(Tag(tag)))
            }
            Event::End(tag) => {
                self.depth = self.depth.saturating_sub(1);
                Ok(Node::End(EndTag(tag)))
            }
            Event::Text(read) => text(read.xml10_content().ok().map(Cow::into_owned)),
            Event::CData(read) => text(read.xml10_content().ok().map(Cow::into_owned)),
            Event::GeneralRef(read) => text(referred(&read).map(String::from)),
            // Entities that a file defines for itself are how a small one becomes a large one.
            Event::DocType(_) => not_xml(),
            Event::Eof => Ok(Node::Done),
            _ => Ok(Node::Nothing),
        }
    }
}

fn flaw<T>(error: quick_xml::Error) -> Result<T, Flaw> {
    let quick_xml::Error::Io(error) = error else { return not_xml() };
    let inner = error.get_ref();
    if inner.is_some_and(|inner| inner.is::<Damaged>()) {
        damaged()
    } else if inner.is_some_and(|inner| inner.is::<TooLong>()) {
        unfit(format!("holds a text longer than {NODE_BYTES_MAX} bytes"), SAVE_AS_CSV)
    } else {
        Err(Flaw::Io(io::Error::new(error.kind(), error.to_string())))
    }
}

fn referred(reference: &BytesRef<'_>) -> Option<char> {
    if let Ok(Some(sign)) = reference.resolve_char_ref() {
        return Some(sign);
    }
    match &**reference {
        b"lt" => Some('<'),
        b"gt" => Some('>'),
        b"amp" => Some('&'),
        b"quot" => Some('"'),
        b"apos" => Some('\''),
        _ => None,
    }
}

#[derive(Debug)]
struct TooLong;

impl std::fmt::Display for TooLong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a node is too long")
    }
}

impl std::error::Error for TooLong {}

/// Counts what is read for one node.
struct Measured<R> {
    part: Part<R>,
    since: usize,
}

impl<R: Read + Seek> Read for Measured<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.part.read(into)?;
        self.since += read;
        if self.since > NODE_BYTES_MAX + BUFFER_BYTES { Err(io::Error::other(TooLong)) } else { Ok(read) }
    }
}
