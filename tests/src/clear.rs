//! Histories in clear, to be searched for what must not be in them.

use serde_json::Value;
use temporalio_common::protos::temporal::api::history::v1::HistoryEvent;

/// An event as text, its payloads in clear. `hidden` fields are left out.
pub fn text(event: &HistoryEvent, hidden: &[&str]) -> anyhow::Result<String> {
    let mut event = serde_json::to_value(event)?;
    clear(&mut event, hidden);
    Ok(event.to_string())
}

/// Bytes of the largest payload in an event; 0 when there is none.
pub fn largest_payload(event: &HistoryEvent) -> anyhow::Result<usize> {
    Ok(largest(&serde_json::to_value(event)?))
}

fn largest(json: &Value) -> usize {
    match json {
        Value::Object(fields) => {
            let data = fields.get("data").filter(|_| fields.contains_key("metadata"));
            let own = data.and_then(Value::as_str).and_then(from_base64).map_or(0, |data| data.len());
            fields.values().map(largest).max().unwrap_or(0).max(own)
        }
        Value::Array(entries) => entries.iter().map(largest).max().unwrap_or(0),
        _ => 0,
    }
}

fn clear(json: &mut Value, hidden: &[&str]) {
    match json {
        Value::Object(fields) => {
            fields.retain(|name, _| !hidden.contains(&name.as_str()));
            if fields.contains_key("metadata")
                && let Some(data) = fields.get("data").and_then(Value::as_str).and_then(from_base64)
            {
                fields.insert("data".to_owned(), Value::String(String::from_utf8_lossy(&data).into_owned()));
            }
            fields.values_mut().for_each(|value| clear(value, hidden));
        }
        Value::Array(entries) => entries.iter_mut().for_each(|entry| clear(entry, hidden)),
        _ => {}
    }
}

/// Bytes from base64, as which the SDK's JSON writes them.
fn from_base64(text: &str) -> Option<Vec<u8>> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for digit in text.trim_end_matches('=').bytes() {
        let value = DIGITS.iter().position(|known| *known == digit)?;
        bits = (bits << 6) | u32::try_from(value).ok()?;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xff).ok()?);
        }
    }
    Some(bytes)
}
