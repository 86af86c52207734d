//! The platform's memory of its syncs with other systems: how far each came, and its report.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::params;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;

use crate::answer::{Answer, Refusal, Stop};
use crate::body::{self, Object, Text};
use crate::call::Call;
use crate::shop::Shop;

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum SyncStatus {
    Success,
    Failed,
}

impl SyncStatus {
    fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failed => "failed",
        }
    }
}

/// Absent fields stay.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Update {
    last_sync_timestamp: Option<Timestamp>,
    last_sync_status: Option<SyncStatus>,
    #[serde(default, deserialize_with = "body::present")]
    last_error: Option<Option<String>>,
    watermarks: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Report {
    sync_id: Text,
    integration_id: Text,
    timestamp: Timestamp,
    /// In milliseconds.
    duration: u32,
    summary: Object,
    details: Object,
}

#[derive(Debug, Serialize)]
struct Config {
    integration_id: String,
    last_sync_timestamp: Option<String>,
    last_sync_status: Option<String>,
    last_error: Option<String>,
    watermarks: BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
struct ShownReport {
    report_id: String,
    sync_id: String,
    integration_id: String,
    timestamp: String,
    duration: i64,
    summary: Box<RawValue>,
    details: Box<RawValue>,
}

fn existing(shop: &Shop<'_>, integration_id: &str) -> Result<Config, Stop> {
    let found = shop.find(
        "SELECT last_sync_timestamp, last_sync_status, last_error, watermarks
         FROM integrations WHERE integration_id = ?1",
        [integration_id],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get::<_, String>(3)?)),
    )?;
    let Some((last_sync_timestamp, last_sync_status, last_error, watermarks)) = found else {
        let message = format!("nothing was ever written about {integration_id}");
        return Err(Refusal::new(404, "INTEGRATION_NOT_FOUND", message).into());
    };
    Ok(Config {
        integration_id: integration_id.to_owned(),
        last_sync_timestamp,
        last_sync_status,
        last_error,
        watermarks: serde_json::from_str(&watermarks)?,
    })
}

pub(super) fn get(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    Answer::success(200, &existing(shop, call.path_id()?)?)
}

/// The first word about an integration makes it known.
pub(super) fn update(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let integration_id = call.path_id()?;
    let request: Update = body::parse(&call.body)?;
    let watermarks = request.watermarks.as_ref().map(serde_json::to_string).transpose()?;
    shop.run(
        "INSERT INTO integrations (integration_id) VALUES (?1) ON CONFLICT DO NOTHING",
        [integration_id],
    )?;
    shop.run(
        "UPDATE integrations SET
             last_sync_timestamp = coalesce(?2, last_sync_timestamp),
             last_sync_status = coalesce(?3, last_sync_status),
             last_error = CASE WHEN ?4 THEN ?5 ELSE last_error END,
             watermarks = coalesce(?6, watermarks)
         WHERE integration_id = ?1",
        params![
            integration_id,
            request.last_sync_timestamp.map(|time| time.to_string()),
            request.last_sync_status.map(SyncStatus::name),
            request.last_error.is_some(),
            request.last_error.flatten(),
            watermarks,
        ],
    )?;
    let answer = Answer::success(200, &existing(shop, integration_id)?)?;
    Ok(answer.with_effect(format!("wrote the state of integration {integration_id}")))
}

/// One report per run: a second one under another key is a mistake of the caller's.
pub(super) fn report(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let request: Report = body::parse(&call.body)?;
    let sync_id = &*request.sync_id;
    let known = shop.find("SELECT 1 FROM sync_reports WHERE sync_id = ?1", [sync_id], |_| Ok(()))?;
    if known.is_some() {
        let message = format!("there is a report of {sync_id} already");
        return Err(Refusal::new(409, "REPORT_EXISTS", message).into());
    }
    let report_id = shop.next_id("rep")?;
    shop.run(
        "INSERT INTO sync_reports
             (report_id, sync_id, integration_id, timestamp, duration, summary, details)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            report_id,
            sync_id,
            &*request.integration_id,
            request.timestamp.to_string(),
            request.duration,
            request.summary.text(),
            request.details.text(),
        ],
    )?;
    let answer = Answer::success(201, &json!({ "report_id": report_id }))?;
    Ok(answer.with_effect(format!("filed the report of {sync_id}")))
}

pub(super) fn reports(shop: &Shop<'_>, call: &Call) -> Result<Answer, Stop> {
    let (_, integration_id) = call.lookup(&["integration_id"])?;
    let rows = shop.list(
        "SELECT report_id, sync_id, integration_id, timestamp, duration, summary, details
         FROM sync_reports WHERE integration_id = ?1 ORDER BY id",
        [integration_id],
        |row| {
            let (summary, details): (String, String) = (row.get(5)?, row.get(6)?);
            let (report_id, sync_id) = (row.get(0)?, row.get(1)?);
            Ok((report_id, sync_id, row.get(2)?, row.get(3)?, row.get(4)?, summary, details))
        },
    )?;
    let mut reports = Vec::with_capacity(rows.len());
    for (report_id, sync_id, integration_id, timestamp, duration, summary, details) in rows {
        let (summary, details) = (RawValue::from_string(summary)?, RawValue::from_string(details)?);
        let report =
            ShownReport { report_id, sync_id, integration_id, timestamp, duration, summary, details };
        reports.push(report);
    }
    Answer::list(&reports)
}
