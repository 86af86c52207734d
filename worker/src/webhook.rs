//! The optional metrics webhook: the seed's `POST /api/workflow-metrics`, at the start and the end of each run.
//!
//! Best effort, beside the work: a slow or missing receiver costs nothing but its own messages.

use std::time::Duration;

use activities::http::proxy;
use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;
use serde::Serialize;
use tokio::sync::mpsc;
use workflows::report::Progress;

const QUEUE_MAX: usize = 1_000;
const LIMIT: Duration = Duration::from_secs(10);

/// Sends metrics, one after the other.
pub(crate) struct Webhook {
    queue: mpsc::Sender<Vec<u8>>,
}

/// The seed's `WorkflowMetrics`.
#[derive(Serialize)]
struct Metrics<'a> {
    workflow_id: &'a str,
    workflow_type: &'a str,
    start_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time: Option<String>,
    status: &'a str,
    steps_completed: usize,
    steps_total: usize,
    progress_percentage: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'a str>,
}

/// Says why a message was not taken, and which setting to look at.
fn flaw(sent: reqwest::Result<reqwest::Response>) -> Option<String> {
    let setting = "is SUN_METRICS_WEBHOOK_URL right, and lets its receiver anybody in?";
    match sent.map(|answer| answer.status()) {
        Ok(status) if status.is_success() => None,
        Ok(status) if status.is_server_error() => Some(format!("HTTP {}", status.as_u16())),
        Ok(status) => Some(format!("HTTP {}: {setting}", status.as_u16())),
        Err(error) => Some(error.without_url().to_string()),
    }
}

impl Webhook {
    pub(crate) fn start(url: Url) -> anyhow::Result<Self> {
        // A redirect is an answer of something else: the message would not arrive where it was meant to.
        let http = proxy::client_for(&url).timeout(LIMIT).redirect(Policy::none()).build()?;
        let way = proxy::on_the_way(&url);
        let (queue, mut waiting) = mpsc::channel::<Vec<u8>>(QUEUE_MAX);
        tokio::spawn(async move {
            while let Some(body) = waiting.recv().await {
                let json = HeaderValue::from_static("application/json");
                let sent = http.post(url.clone()).header(CONTENT_TYPE, json).body(body).send().await;
                if let Some(flaw) = flaw(sent) {
                    tracing::warn!("the metrics webhook did not take a message: {flaw}{way}");
                }
            }
        });
        Ok(Self { queue })
    }

    pub(crate) fn tell(&self, progress: &Progress) {
        let metrics = Metrics {
            workflow_id: &progress.workflow_id,
            workflow_type: &progress.workflow_type,
            start_time: progress.start_time.map(|time| time.to_string()),
            end_time: progress.end_time.map(|time| time.to_string()),
            status: &progress.status,
            steps_completed: progress.steps_completed,
            steps_total: progress.steps_total,
            progress_percentage: progress.progress_percentage,
            duration: progress.duration,
            error_message: progress.error_message.as_deref(),
        };
        let Ok(body) = serde_json::to_vec(&metrics) else { return };
        if self.queue.try_send(body).is_err() {
            tracing::warn!("the metrics webhook is too slow: a message was dropped");
        }
    }
}
