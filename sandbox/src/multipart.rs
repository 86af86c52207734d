//! Bodies of `multipart/form-data`, read strictly: a part without a name or an end is refused.

use std::hash::Hasher;

use crate::answer::Refusal;

/// One part of a form.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Part<'a> {
    pub(crate) name: String,
    pub(crate) filename: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) bytes: &'a [u8],
}

fn refuse(message: &str) -> Refusal {
    Refusal::new(400, "INVALID_REQUEST", format!("the form cannot be read: {message}"))
}

/// The parts of a form whose `Content-Type` is given.
pub(crate) fn parts<'a>(content_type: Option<&str>, body: &'a [u8]) -> Result<Vec<Part<'a>>, Refusal> {
    let kind = content_type.unwrap_or_default();
    let is_form = kind.split(';').next().is_some_and(|kind| kind.trim() == "multipart/form-data");
    if !is_form {
        let message = "the body must be multipart/form-data";
        return Err(Refusal::new(415, "UNSUPPORTED_MEDIA_TYPE", message));
    }
    let boundary = parameter(kind, "boundary").ok_or_else(|| refuse("there is no boundary"))?;
    let delimiter = format!("--{boundary}").into_bytes();
    let mut rest =
        body.strip_prefix(delimiter.as_slice()).ok_or_else(|| refuse("it has no first boundary"))?;
    let mut parts = Vec::new();
    let between = [b"\r\n".as_slice(), &delimiter].concat();
    loop {
        if rest.starts_with(b"--") {
            return Ok(parts);
        }
        let start =
            rest.strip_prefix(b"\r\n").ok_or_else(|| refuse("a boundary is not followed by a line end"))?;
        let head_ends = find(start, b"\r\n\r\n").ok_or_else(|| refuse("a part has no end of its headers"))?;
        let (head, content) = (start.get(..head_ends), start.get(head_ends + 4..));
        let (head, content) = (head.unwrap_or_default(), content.unwrap_or_default());
        let ends = find(content, &between).ok_or_else(|| refuse("a part has no end"))?;
        parts.push(part(head, content.get(..ends).unwrap_or_default())?);
        rest = content.get(ends + between.len()..).unwrap_or_default();
    }
}

fn part<'a>(head: &[u8], bytes: &'a [u8]) -> Result<Part<'a>, Refusal> {
    let head = std::str::from_utf8(head).map_err(|_| refuse("the headers of a part are not UTF-8"))?;
    let header = |wanted: &str| {
        let mut lines = head.split("\r\n").filter_map(|line| line.split_once(':'));
        lines.find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
    };
    let disposition = header("content-disposition").unwrap_or_default();
    if !disposition.starts_with("form-data") {
        return Err(refuse("a part is not form-data"));
    }
    let name = parameter(disposition, "name").ok_or_else(|| refuse("a part has no name"))?;
    let filename = parameter(disposition, "filename");
    Ok(Part { name, filename, content_type: header("content-type").map(str::to_owned), bytes })
}

/// A parameter of a header, plain or in the form of RFC 5987 (`filename*=utf-8''…`).
fn parameter(header: &str, wanted: &str) -> Option<String> {
    let mut rest = header.split_once(';')?.1;
    loop {
        let (name, after) = rest.split_once('=')?;
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => {
                let end = quoted.char_indices().find(|(at, letter)| {
                    *letter == '"' && !quoted.get(..*at).is_some_and(|before| before.ends_with('\\'))
                });
                let (end, _) = end?;
                let after = quoted.get(end + 1..).unwrap_or_default();
                (quoted.get(..end)?.replace("\\\"", "\""), after.trim_start_matches(';'))
            }
            None => {
                let (value, after) = after.split_once(';').unwrap_or((after, ""));
                (value.trim().to_owned(), after)
            }
        };
        let name = name.trim();
        if name.eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        if name.strip_suffix('*').is_some_and(|name| name.eq_ignore_ascii_case(wanted)) {
            return decoded(value.to_ascii_lowercase().starts_with("utf-8''").then(|| value.get(7..))??);
        }
        rest = after;
    }
}

/// Text in which bytes are written as `%C3`.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = rest.get(2..)?;
    }
    String::from_utf8(bytes).ok()
}

/// Where `wanted` begins. Looks for its first byte before it compares: pictures are long.
fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut from = 0;
    loop {
        let at = from + bytes.get(from..)?.iter().position(|byte| *byte == first)?;
        if bytes.get(at..)?.starts_with(wanted) {
            return Some(at);
        }
        from = at + 1;
    }
}

/// Adds everything but the boundary, which another try of the same request chooses anew.
pub(crate) fn hash(parts: &[Part<'_>], hasher: &mut impl Hasher) {
    for Part { name, filename, content_type, bytes } in parts {
        for text in [Some(name), filename.as_ref(), content_type.as_ref()] {
            hasher.write(text.map(String::as_bytes).unwrap_or_default());
            hasher.write_u8(0);
        }
        hasher.write_usize(bytes.len());
        hasher.write(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: Option<&str> = Some("multipart/form-data; boundary=\"x y\"");

    fn read(body: &str) -> Result<Vec<Part<'_>>, String> {
        parts(TYPE, body.as_bytes()).map_err(|refusal| refusal.message)
    }

    #[test]
    fn parts_are_read_with_their_bytes() {
        let body = "--x y\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a;\\\"b.jpg\"\r\n\
                    content-type: image/jpeg\r\n\r\n\r\n--x\r\n\r\n--x y\r\n\
                    Content-Disposition: form-data; name=alt\r\n\r\n\r\n--x y--\r\n";
        let (file, alt) = ("\r\n--x\r\n", "");
        let expected = [
            Part {
                name: "file".to_owned(),
                filename: Some("a;\"b.jpg".to_owned()),
                content_type: Some("image/jpeg".to_owned()),
                bytes: file.as_bytes(),
            },
            Part { name: "alt".to_owned(), filename: None, content_type: None, bytes: alt.as_bytes() },
        ];
        assert_eq!(read(body).as_deref(), Ok(expected.as_slice()));
    }

    #[test]
    fn names_beyond_ascii_are_decoded() {
        let header = "form-data; name=\"file\"; filename*=utf-8''%C3%81o%20d%C3%A0i.jpg";
        assert_eq!(parameter(header, "filename").as_deref(), Some("Áo dài.jpg"));
        assert_eq!(parameter("form-data; filename*=utf-8''%C3", "filename"), None);
        assert_eq!(parameter("form-data", "name"), None);
    }

    #[test]
    fn a_form_without_its_parts_is_refused() {
        for (body, expected) in [
            ("", "no first boundary"),
            ("--x y", "not followed by a line end"),
            ("--x y\r\nContent-Disposition: form-data", "no end of its headers"),
            ("--x y\r\nContent-Disposition: form-data; name=a\r\n\r\nhalf", "a part has no end"),
            ("--x y\r\nContent-Disposition: form-data\r\n\r\n\r\n--x y--", "no name"),
            ("--x y\r\nX: y\r\n\r\n\r\n--x y--", "not form-data"),
        ] {
            let said = read(body).expect_err(body);
            assert!(said.contains(expected), "{body}: {said}");
        }
        assert_eq!(parts(Some("application/json"), b"{}").expect_err("refused").status, 415);
        assert_eq!(parts(Some("multipart/form-data"), b"").expect_err("refused").status, 400);
    }
}
