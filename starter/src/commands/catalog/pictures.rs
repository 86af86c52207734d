//! Pictures of a folder: found by the paths that the input names, and put into the object store by their hashes.

use std::fs;
use std::path::{Path, PathBuf};

use contracts::catalog::PICTURE_BYTES_MAX;
use contracts::catalog::paths::{Found, Paths, file_parts, is_web};
use contracts::objects::ObjectRef;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use store::{INPUTS, Store};
use text::composed;

use crate::terminal::exit::{Exit, Failure};
use crate::terminal::input::InputText;

/// A file to put into the store.
pub(super) struct Picture {
    file: PathBuf,
    content: ObjectRef,
}

/// The input whose pictures say where in the store they will lie, or why they will not.
pub(super) fn attach(text: InputText, folder: &Path) -> Result<(InputText, Vec<Picture>), Failure> {
    let InputText { name, json } = text;
    let files = files(folder)?;
    let known = Paths::new(files.iter().map(|file| parts_below(folder, file)).collect());
    let mut pictures = Vec::new();
    let images = text::json::fields(&json).and_then(|fields| {
        fields
            .into_iter()
            .find(|(name, _)| name == "images")
            .map(|(_, field)| (field.at, field.value.get().len()))
    });
    let Some((at, length)) = images else { return Ok((InputText { name, json }, pictures)) };
    let Some(entries) = text::json::entries(&json[at..at + length]) else {
        return Ok((InputText { name, json }, pictures));
    };
    let mut list = Vec::with_capacity(entries.len());
    for entry in entries {
        list.push(attached(entry, &known, &files, &mut pictures)?);
    }
    let json = format!("{}[{}]{}", &json[..at], list.join(","), &json[at + length..]);
    Ok((InputText { name, json }, pictures))
}

/// An entry with its content; one that is not as expected stays as it is, for the check to name it.
fn attached(
    entry: &RawValue,
    known: &Paths,
    files: &[PathBuf],
    pictures: &mut Vec<Picture>,
) -> Result<String, Failure> {
    let written = entry.get();
    let fields: Option<Value> = serde_json::from_str(written).ok();
    let path = fields.as_ref().filter(|fields| fields.get("content").is_none());
    let path = path.and_then(|fields| fields["file_path"].as_str()).filter(|path| !is_web(path));
    let (Some(path), Some(end)) = (path, written.rfind('}')) else { return Ok(written.to_owned()) };
    let found = match find(path, known) {
        Ok(place) => read(&files[place])?,
        Err(problem) => Err(problem),
    };
    let (field, value) = match found {
        Ok(picture) => {
            let value = json!(picture.content);
            pictures.push(picture);
            ("content", value)
        }
        Err(problem) => ("content_problem", json!(problem)),
    };
    Ok(format!("{},\"{field}\":{value}{}", &written[..end], &written[end..]))
}

/// The file that a path means: the path may begin above the folder, as the paths of a web server do.
fn find(path: &str, known: &Paths) -> Result<usize, String> {
    let parts = file_parts(&composed(path));
    for begin in 0..parts.len() {
        match known.find(&parts[begin..]) {
            Found::One(place) => return Ok(place),
            Found::None => {}
            Found::Several(places) => {
                let paths: Vec<String> = places.iter().map(|place| known.at(*place).join("/")).collect();
                return Err(format!("could be {}", paths.join(" or ")));
            }
        }
    }
    Err("is not in the folder of --images".to_owned())
}

/// A picture; or why no shop takes it, of a file that nobody has to read for that.
fn read(file: &Path) -> Result<Result<Picture, String>, Failure> {
    let bytes = fs::metadata(file).map_err(|error| cannot_read(file, error))?.len();
    if bytes > PICTURE_BYTES_MAX {
        return Ok(Err(format!("has {bytes} bytes; at most {PICTURE_BYTES_MAX} are taken")));
    }
    let bytes = fs::read(file).map_err(|error| cannot_read(file, error))?;
    let sha256: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let content = ObjectRef { key: format!("{INPUTS}/{sha256}"), bytes: bytes.len() as u64, sha256 };
    Ok(Ok(Picture { file: file.to_owned(), content }))
}

/// Every file below a folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let (mut found, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).map_err(|error| cannot_read(&folder, error))? {
            let path = entry.map_err(|error| cannot_read(&folder, error))?.path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn parts_below(folder: &Path, file: &Path) -> Vec<String> {
    let below = file.strip_prefix(folder).unwrap_or(file).to_string_lossy();
    file_parts(&composed(&below))
}

fn cannot_read(path: &Path, error: std::io::Error) -> Failure {
    Failure::because(Exit::Usage, error, format!("cannot read {}", path.display()))
        .fix("give the folder of the pictures as --images; nothing was started")
}

/// Puts the pictures into the store, each content once.
pub(super) async fn put(store: &Store, pictures: &[Picture]) -> Result<(), Failure> {
    for Picture { file, content } in pictures {
        let bytes = fs::read(file).map_err(|error| cannot_read(file, error))?;
        let sha256: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        if sha256 != content.sha256 {
            return Err(Failure::new(Exit::Failed, format!("{} was changed meanwhile", file.display()))
                .fix("start it again; nothing was started"));
        }
        store.keep_input(content, bytes).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// C2
    #[test]
    fn pictures_are_found_by_whole_parts_of_their_paths() -> Result<(), Box<dyn std::error::Error>> {
        let folder = std::env::temp_dir().join(format!("sunflow-pictures-{}", std::process::id()));
        for file in ["mug/01.jpg", "cup/01.jpg", "1.jpg", "11.jpg", "BANNER.JPG", "A\u{301}o.jpg"] {
            let file = folder.join(file);
            fs::create_dir_all(file.parent().ok_or("no parent")?)?;
            fs::write(&file, file.display().to_string())?;
        }
        // Two gigabytes, none of which is on a disk, or in memory.
        fs::File::create(folder.join("huge.jpg"))?.set_len(2 << 30)?;
        let paths = [
            "01.jpg",
            "cup/01.jpg",
            "/uploads/1.jpg",
            "banner.jpg",
            "Áo.jpg",
            "2.jpg",
            "https://x/1.jpg",
            "huge.jpg",
        ];
        let images: Vec<Value> = paths.iter().map(|path| json!({ "file_path": path })).collect();
        let json = json!({ "catalog_id": "a", "images": images }).to_string();
        let attached = attach(InputText { name: String::new(), json }, &folder);
        fs::remove_dir_all(&folder)?;
        let (text, pictures) = attached.map_err(|failure| format!("{failure:?}"))?;
        let read: Value = serde_json::from_str(&text.json)?;
        let problems: Vec<Option<&str>> =
            (0..paths.len()).map(|place| read["images"][place]["content_problem"].as_str()).collect();
        let twice = Some("could be cup/01.jpg or mug/01.jpg");
        let missing = Some("is not in the folder of --images");
        let huge = Some("has 2147483648 bytes; at most 10485760 are taken");
        assert_eq!(problems, [twice, None, None, None, None, missing, None, huge]);
        assert_eq!(pictures.len(), 4);
        assert_eq!(pictures[1].file, folder.join("1.jpg"));
        assert!(read["images"][6]["content"].is_null());
        Ok(())
    }
}
