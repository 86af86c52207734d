//! Lines in, replies out. A line ends with CR LF and nothing else: servers that take less let mails be smuggled.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// RFC 5321: 512 for a command, with room for parameters.
const COMMAND_BYTES_MAX: usize = 1_024;
/// RFC 5321: a line of a mail, its end included.
const LINE_BYTES_MAX: usize = 1_000;
/// A caller that says nothing for so long is hung up on.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// The conversation is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ended;

/// How a mail's bytes ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum DataEnd {
    /// With the dot; dots that were doubled for the way are single again.
    Whole(Vec<u8>),
    /// With the dot, too late.
    TooLarge,
    /// With the dot, after a line that no mail has.
    LineTooLong,
}

pub(super) struct Wire(BufReader<TcpStream>);

impl Wire {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self(BufReader::new(stream))
    }

    pub(super) async fn reply(&mut self, reply: &str) -> Result<(), Ended> {
        let reply = format!("{reply}\r\n");
        self.0.get_mut().write_all(reply.as_bytes()).await.map_err(|_| Ended)
    }

    /// The next command, without its line end.
    pub(super) async fn command(&mut self) -> Result<String, Ended> {
        let line = self.line(COMMAND_BYTES_MAX).await?;
        let text = line.and_then(|line| String::from_utf8(line).ok());
        match text {
            Some(text) => Ok(text),
            None => {
                self.reply("500 5.5.2 the line is too long, or no text").await?;
                Err(Ended)
            }
        }
    }

    /// A mail, up to the line that is a dot.
    pub(super) async fn data(&mut self, bytes_max: usize) -> Result<DataEnd, Ended> {
        let mut bytes = Vec::new();
        let (mut is_too_large, mut has_long_line) = (false, false);
        loop {
            let line = match self.line(LINE_BYTES_MAX).await? {
                Some(line) if line == b"." => break,
                Some(line) => line,
                None => {
                    has_long_line = true;
                    continue;
                }
            };
            let line = line.strip_prefix(b".").unwrap_or(&line);
            is_too_large |= bytes.len() + line.len() + 2 > bytes_max;
            if !is_too_large && !has_long_line {
                bytes.extend_from_slice(line);
                bytes.extend_from_slice(b"\r\n");
            }
        }
        Ok(match (is_too_large, has_long_line) {
            (true, _) => DataEnd::TooLarge,
            (false, true) => DataEnd::LineTooLong,
            (false, false) => DataEnd::Whole(bytes),
        })
    }

    /// A line without its end, or `None` for one that is too long, of which nothing is kept.
    async fn line(&mut self, bytes_max: usize) -> Result<Option<Vec<u8>>, Ended> {
        let (mut line, mut is_too_long) = (Vec::new(), false);
        loop {
            let read = tokio::time::timeout(SILENCE_MAX, self.0.fill_buf()).await;
            let buffer = read.map_err(|_| Ended)?.map_err(|_| Ended)?;
            if buffer.is_empty() {
                return Err(Ended);
            }
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(buffer.len(), |end| end + 1);
            is_too_long |= line.len() + taken > bytes_max;
            if !is_too_long {
                line.extend_from_slice(&buffer[..taken]);
            }
            self.0.consume(taken);
            if end.is_some() {
                break;
            }
        }
        if is_too_long {
            return Ok(None);
        }
        match line.strip_suffix(b"\r\n") {
            Some(line) if !line.contains(&b'\r') => Ok(Some(line.to_vec())),
            _ => {
                self.reply("500 5.5.2 lines end with CR LF").await?;
                Err(Ended)
            }
        }
    }
}
