//! The pictures of a file. A file that nobody put into the object store is a start without the starter: refused. Web
//! addresses are fetched by the worker.

use contracts::catalog::paths::{file_parts, is_web};
use contracts::catalog::{Image, Kind, List, WrongRow};

use super::{object, sorted_out, stored};
use crate::input::people::words;
use crate::input::{Fields, Problem, title};

/// Reads the list, or where it is stored; wrong entries go to the others.
pub(super) fn read(fields: &Fields<'_>, wrong: &mut Vec<WrongRow>) -> Option<List<Image>> {
    if let Some(stored) = stored(fields, "images") {
        return Some(List::Stored(stored));
    }
    let mut nowhere = Vec::new();
    let mut read = Vec::new();
    for entry in fields.rows("images", "file_path", one) {
        match entry {
            Ok(Ok(image)) => read.push(Ok(image)),
            Ok(Err(problem)) => nowhere.push(problem),
            Err(wrong) => read.push(Err(wrong)),
        }
    }
    if !nowhere.is_empty() {
        fields.problems(nowhere);
        return None;
    }
    // Two ways to write one path are one picture.
    let key_of = |image: &Image| (image.row, file_parts(&image.file_path).join("/"));
    Some(List::Inline(sorted_out(Kind::Image, read, key_of, wrong)))
}

/// An entry, or the problem that its picture is nowhere.
fn one(row: u32, fields: &Fields<'_>) -> Option<Result<Image, Problem>> {
    let file_path = fields.required("file_path", title(1_000));
    let alt_text = fields.given("alt_text", title(500));
    let tags = fields.given_list("tags", words(50, 100));
    let is_stored = fields.says("content");
    let content = fields.maybe_nested("content", object);
    // The starter has looked for it and says why it is not there: a row that costs itself.
    let missing = fields.optional("content_problem", title(500));
    let file_path = file_path?;
    if let Some(missing) = missing {
        fields.problem("file_path", missing, "correct the path, or put the picture there");
        return None;
    }
    if !is_stored && !is_web(&file_path) {
        let problem = "is a file that no worker can read";
        let fix =
            "start it with 'starter catalog setup --images FOLDER', which puts the pictures into the store";
        return Some(Err(Problem::new(format!("images[{}].file_path", row - 1), problem, fix)));
    }
    if is_stored && content.is_none() {
        return None;
    }
    Some(Ok(Image { row, file_path, alt_text, tags, content, url: None }))
}
