//! Uploads: a form with the picture's own bytes, whose first decide its kind.

use rusqlite::params;
use serde_json::json;

use super::read::existing;
use crate::answer::{Answer, Refusal, Stop};
use crate::call::Call;
use crate::multipart::{self, Part};
use crate::shop::Shop;

/// Beyond it a picture is refused.
const FILE_BYTES_MAX: usize = 10 * 1024 * 1024;
const FIELDS: &str = "file, filename, mimeType, alt, title, description, tags[]";

/// A form whose fields are known.
#[derive(Default)]
struct Upload<'a> {
    file: Option<Part<'a>>,
    filename: Option<String>,
    mime_type: Option<String>,
    alt: Option<String>,
    title: Option<String>,
    description: Option<String>,
    tags: Vec<String>,
}

impl<'a> Upload<'a> {
    fn read(call: &'a Call) -> Result<Self, Refusal> {
        let mut upload = Self::default();
        for part in multipart::parts(call.content_type.as_deref(), &call.body)? {
            upload.take(part)?;
        }
        Ok(upload)
    }

    fn take(&mut self, part: Part<'a>) -> Result<(), Refusal> {
        if part.name == "file" {
            return match self.file.replace(part) {
                None => Ok(()),
                Some(_) => Err(Refusal::invalid("file", "is given twice")),
            };
        }
        let text = std::str::from_utf8(part.bytes);
        let text = text.map_err(|_| Refusal::invalid(&part.name, "is not UTF-8"))?.to_owned();
        let field = match part.name.as_str() {
            "tags[]" => {
                self.tags.push(text);
                return Ok(());
            }
            "filename" => &mut self.filename,
            "mimeType" => &mut self.mime_type,
            "alt" => &mut self.alt,
            "title" => &mut self.title,
            "description" => &mut self.description,
            unknown => {
                let message = format!("unknown field, expected one of {FIELDS}");
                return Err(Refusal::invalid(unknown, message));
            }
        };
        match field.replace(text) {
            None => Ok(()),
            Some(_) => Err(Refusal::invalid(&part.name, "is given twice")),
        }
    }
}

/// A kind of picture, by its signature.
fn kind(bytes: &[u8]) -> Option<&'static str> {
    let is_riff = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    match bytes {
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        _ if bytes.starts_with(b"\x89PNG\r\n\x1a\n") => Some("image/png"),
        _ if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") => Some("image/gif"),
        _ if is_riff => Some("image/webp"),
        _ => None,
    }
}

/// The kind of the picture, which must be the one that the caller says.
fn checked(file: &Part<'_>, said: Option<&str>) -> Result<&'static str, Refusal> {
    if file.bytes.is_empty() {
        return Err(Refusal::invalid("file", "is empty"));
    }
    if file.bytes.len() > FILE_BYTES_MAX {
        let message = format!("a picture has at most {FILE_BYTES_MAX} bytes, this one {}", file.bytes.len());
        return Err(Refusal::new(413, "MEDIA_TOO_LARGE", message));
    }
    let Some(found) = kind(file.bytes) else {
        let message = "the file begins as none of JPEG, PNG, GIF and WebP do";
        return Err(Refusal::new(415, "MEDIA_TYPE_UNSUPPORTED", message));
    };
    let said = said.or(file.content_type.as_deref());
    let said = said.ok_or_else(|| Refusal::invalid("mimeType", "missing field `mimeType`"))?;
    if said != found {
        let refusal = Refusal::new(422, "MEDIA_TYPE_MISMATCH", format!("the file is {found}, not {said}"));
        return Err(refusal.with_details(json!({ "mimeType": said, "found": found })));
    }
    Ok(found)
}

pub(crate) fn upload(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let upload = Upload::read(call)?;
    let file = upload.file.as_ref().ok_or_else(|| Refusal::invalid("file", "missing field `file`"))?;
    let mime_type = checked(file, upload.mime_type.as_deref())?;
    let filename = upload.filename.as_deref().or(file.filename.as_deref()).map(str::trim);
    let filename = filename.filter(|name| !name.is_empty());
    let filename = filename.ok_or_else(|| Refusal::invalid("filename", "missing field `filename`"))?;
    if filename.contains(['/', '\\']) || filename.chars().count() > 255 {
        let message = "must be a name of at most 255 characters, without a path";
        return Err(Refusal::invalid("filename", message).into());
    }
    let media_id = shop.next_id("med")?;
    shop.run(
        "INSERT INTO media (media_id, filename, mime_type, alt, title, description, bytes,
                            idempotency_key, changed_by, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9, ?9)",
        params![
            media_id,
            filename,
            mime_type,
            upload.alt,
            upload.title,
            upload.description,
            file.bytes,
            call.key,
            shop.now,
        ],
    )?;
    put_tags(shop, &media_id, &upload.tags)?;
    let answer = Answer::success(201, &existing(shop, &media_id)?)?;
    Ok(answer.with_effect(format!("took {filename} of {} bytes", file.bytes.len())))
}

/// Replaces the tags; says whether they were others.
pub(super) fn put_tags(shop: &Shop<'_>, media_id: &str, tags: &[String]) -> Result<bool, Stop> {
    if tags.iter().any(|tag| tag.trim().is_empty()) {
        return Err(Refusal::invalid("tags[]", "must not be empty").into());
    }
    let mut wanted = tags.to_vec();
    wanted.sort();
    wanted.dedup();
    let sql = "SELECT tag FROM media_tags WHERE media_id = ?1 ORDER BY tag";
    let known: Vec<String> = shop.list(sql, [media_id], |row| row.get(0))?;
    if known == wanted {
        return Ok(false);
    }
    shop.run("DELETE FROM media_tags WHERE media_id = ?1", [media_id])?;
    for tag in &wanted {
        shop.run("INSERT INTO media_tags (media_id, tag) VALUES (?1, ?2)", [media_id, tag])?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::kind;

    #[test]
    fn the_first_bytes_tell_the_kind() {
        assert_eq!(kind(b"\xff\xd8\xff\xe0rest"), Some("image/jpeg"));
        assert_eq!(kind(b"\x89PNG\r\n\x1a\nrest"), Some("image/png"));
        assert_eq!(kind(b"GIF89arest"), Some("image/gif"));
        assert_eq!(kind(b"RIFF\0\0\0\0WEBPVP8 "), Some("image/webp"));
        assert_eq!(kind(b"RIFF\0\0\0\0WAVEfmt "), None);
        assert_eq!(kind(b"<svg xmlns="), None);
        assert_eq!(kind(b"PK\x03\x04"), None);
    }
}
