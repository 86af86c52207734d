//! Each recorded scenario is played anew: what its activities are asked for must be what was recorded. A replay
//! compares kinds and order of commands, not what they carry.

use std::path::Path;

use anyhow::Context as _;
use serde_json::Value;
use tests::scenarios;
use tests::world::World;

/// The activities that a run asked for: their types, and their inputs with ids and times taken out.
fn asked_for(history: &[u8]) -> anyhow::Result<Vec<String>> {
    let history: Value = serde_json::from_slice(history)?;
    let events = history["events"].as_array().context("a history without events")?;
    let scheduled = events.iter().map(|event| &event["activityTaskScheduledEventAttributes"]);
    let mut asked = Vec::new();
    for activity in scheduled.filter(|attributes| !attributes.is_null()) {
        let kind = activity["activityType"]["name"].as_str().context("an activity without a type")?;
        for payload in activity["input"]["payloads"].as_array().into_iter().flatten() {
            let data = payload["data"].as_str().context("a payload without data")?;
            let mut input: Value = serde_json::from_slice(&base64(data)?)?;
            forget_ids(&mut input);
            asked.push(format!("{kind} {input}"));
        }
    }
    // Activities side by side are scheduled in either order.
    asked.sort();
    Ok(asked)
}

fn base64(text: &str) -> anyhow::Result<Vec<u8>> {
    use base64::Engine as _;
    Ok(base64::engine::general_purpose::STANDARD.decode(text)?)
}

/// Takes out what differs from one play to the next: numbers in texts (ids, keys, times, addresses) and names made of
/// hexadecimal digits.
fn forget_ids(value: &mut Value) {
    match value {
        Value::String(text) => *text = without_ids(text),
        Value::Array(items) => items.iter_mut().for_each(forget_ids),
        Value::Object(fields) => {
            *fields = std::mem::take(fields)
                .into_iter()
                .map(|(name, mut value)| {
                    forget_ids(&mut value);
                    (without_ids(&name), value)
                })
                .collect();
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn without_ids(text: &str) -> String {
    let word = |word: &str| {
        let is_hex = word.len() >= 6 && word.chars().all(|c| c.is_ascii_hexdigit());
        let is_mixed = word.chars().any(|c| c.is_ascii_digit()) && word.len() >= 8;
        if is_hex || is_mixed { "#".to_owned() } else { word.replace(|c: char| c.is_ascii_digit(), "#") }
    };
    let mut out = String::new();
    for piece in text.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let (body, end) = match piece.char_indices().next_back() {
            Some((at, c)) if !c.is_ascii_alphanumeric() => piece.split_at(at),
            _ => (piece, ""),
        };
        out.push_str(&word(body));
        out.push_str(end);
    }
    // The number of digits does not matter either, nor whether a moment has a fraction of a second.
    while out.contains("##") {
        out = out.replace("##", "#");
    }
    out.replace(".#Z", "Z")
}

#[tokio::test]
async fn every_scenario_played_anew_asks_for_what_was_recorded() -> anyhow::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("histories");
    let mut differences = Vec::new();
    for scenario in scenarios::all() {
        let world = World::new().await?;
        let workflow_id = (scenario.play)(&world).await.with_context(|| scenario.name)?;
        let played = asked_for(&world.attach_run(&workflow_id).history_json().await?)?;
        let recorded = asked_for(&std::fs::read(folder.join(format!("{}.json", scenario.name)))?)?;
        let missing: Vec<_> = recorded.iter().filter(|asked| !played.contains(asked)).collect();
        let new: Vec<_> = played.iter().filter(|asked| !recorded.contains(asked)).collect();
        if !missing.is_empty() || !new.is_empty() {
            differences.push(format!("{}\n  recorded: {missing:#?}\n  played: {new:#?}", scenario.name));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    Ok(())
}

#[test]
fn what_differs_in_more_than_ids_is_seen() {
    let same = |a: &str, b: &str| assert_eq!(without_ids(a), without_ids(b));
    same("order/ORDER-17-3/process-payment", "order/ORDER-204-11/process-payment");
    same("2026-11-30T10:44:52.123Z", "2025-01-01T00:00:00Z");
    same("onboarding/0123456789abcdef/follow-up", "onboarding/fedcba9876543210/follow-up");
    assert_ne!(without_ids("order/ORDER-1/pay"), without_ids("order/ORDER-1/refund"));
    assert_ne!(without_ids("the order expired"), without_ids("the order was cancelled"));
}
