//! Lists that are too long for an input lie in the object store; the input says how many rows they have, and where.

use contracts::catalog::{List, WrongRow};
use contracts::objects::ObjectRef;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, json};
use sha2::{Digest as _, Sha256};
use store::{INPUTS, Store};
use workflows::catalog_setup::{CatalogSetupData, INLINE_MAX};
use workflows::input::INPUT_BYTES_MAX;

use crate::terminal::exit::{Exit, Failure};
use crate::terminal::input::{self, InputText, check};

/// A list to put into the store.
pub(super) struct LongList {
    object: ObjectRef,
    content: Vec<u8>,
}

/// Checks a whole catalogue. One that is too long for an input is divided: its rows as they were checked go into lists.
pub(super) fn split(text: InputText) -> Result<(InputText, Vec<LongList>), Failure> {
    let InputText { name, json } = text;
    let data: CatalogSetupData = check(&json).map_err(|error| input::refused(&name, &error))?;
    let is_long = |count: u64| count > INLINE_MAX as u64;
    if json.len() <= INPUT_BYTES_MAX && !is_long(data.products.count()) && !is_long(data.images.count()) {
        return Ok((InputText { name, json }, Vec::new()));
    }
    let mut fields: Map<String, serde_json::Value> = Map::new();
    let mut lists = Vec::new();
    let products = listed(&data.products, &mut lists)?;
    let images = listed(&data.images, &mut lists)?;
    fields.extend(products.map(|list| ("products".to_owned(), list)));
    fields.extend(images.map(|list| ("images".to_owned(), list)));
    fields.insert("left_out".to_owned(), json!(data.wrong.iter().map(told).collect::<Vec<_>>()));
    let json =
        replaced(&json, &fields).ok_or_else(|| Failure::new(Exit::Failed, "the input cannot be divided"))?;
    if json.len() > INPUT_BYTES_MAX {
        let problem =
            format!("the categories and rules of {name} alone are larger than {INPUT_BYTES_MAX} bytes");
        return Err(Failure::new(Exit::Usage, problem)
            .fix("divide the file into several catalogues; nothing was started"));
    }
    Ok((InputText { name, json }, lists))
}

/// A list of rows in the store; `None`: it is there already.
pub(super) fn listed<R: Serialize>(
    rows: &List<R>,
    lists: &mut Vec<LongList>,
) -> Result<Option<serde_json::Value>, Failure> {
    let List::Inline(rows) = rows else { return Ok(None) };
    if rows.is_empty() {
        return Ok(Some(json!([])));
    }
    let mut content = Vec::new();
    for row in rows {
        let written = serde_json::to_writer(&mut content, row);
        written.map_err(|error| Failure::because(Exit::Failed, error, "a row cannot be written"))?;
        content.push(b'\n');
    }
    let sha256: String = Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
    let object = ObjectRef { key: format!("{INPUTS}/{sha256}"), bytes: content.len() as u64, sha256 };
    let list = json!({ "count": rows.len(), "ref": object });
    lists.push(LongList { object, content });
    Ok(Some(list))
}

/// A wrong row as an input takes it: what it calls itself is left out where that is not plain text.
pub(super) fn told(row: &WrongRow) -> WrongRow {
    let key = row.key.as_deref().and_then(|key| text::line(key, 100).ok());
    let plain = |problem: &String| -> String {
        problem.chars().filter(|sign| !sign.is_control()).take(1_000).collect()
    };
    WrongRow { key, problems: row.problems.iter().map(plain).take(10).collect(), ..row.clone() }
}

/// An object with some fields replaced or added; the others keep their text.
pub(super) fn replaced(json: &str, fields: &Map<String, serde_json::Value>) -> Option<String> {
    let own = text::json::fields(json)?;
    let kept = own.iter().filter(|(name, _)| !fields.contains_key(name));
    let kept = kept.map(|(name, field)| (name.clone(), field.value.get().to_owned()));
    let added = fields.iter().map(|(name, value)| (name.clone(), value.to_string()));
    let all: Vec<String> = kept
        .chain(added)
        .map(|(name, value)| Some(format!("{}:{value}", serde_json::to_string(&name).ok()?)))
        .collect::<Option<_>>()?;
    let json = format!("{{{}}}", all.join(","));
    serde_json::from_str::<&RawValue>(&json).ok().map(|json| json.get().to_owned())
}

/// Puts the lists into the store.
pub(super) async fn put(store: &Store, lists: Vec<LongList>) -> Result<(), Failure> {
    for LongList { object, content } in lists {
        store.keep_input(&object, content).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_long_catalogue_is_divided_and_says_the_same() -> Result<(), Box<dyn std::error::Error>> {
        let products: Vec<Value> = (0..600)
            .map(|row| match row {
                7 => json!({ "sku": "S-7", "price": "dear" }),
                row => json!({ "sku": format!("S-{row}"), "price": row }),
            })
            .collect();
        let json =
            json!({ "catalog_id": "a", "products": products, "categories": [{ "name": "A" }] }).to_string();
        let whole: CatalogSetupData = check(&json).map_err(|error| format!("{error:?}"))?;
        let (text, lists) =
            split(InputText { name: String::new(), json }).map_err(|failure| format!("{failure:?}"))?;
        let divided: CatalogSetupData = check(&text.json).map_err(|error| format!("{error:?}"))?;
        assert!(text.json.len() < 2_000, "{}", text.json.len());
        assert_eq!((divided.products.count(), lists.len()), (599, 1));
        assert_eq!((divided.wrong, divided.categories), (whole.wrong, whole.categories));
        let List::Inline(rows) = whole.products else { return Err("inline".into()) };
        let lines: Result<Vec<contracts::catalog::Product>, _> =
            String::from_utf8(lists[0].content.clone())?.lines().map(serde_json::from_str).collect();
        assert_eq!(lines?, rows);
        Ok(())
    }
}
