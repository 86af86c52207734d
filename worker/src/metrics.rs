//! Counters and durations in the SDK's own registry: the SDK's metrics and ours come out of one door.
//!
//! Ours: `sunflow_process_started_total{process}`, `sunflow_process_ended_total{process, outcome, compensated}`,
//! `sunflow_process_duration_seconds{process, outcome}`, `sunflow_step_duration_seconds{process, step, status}`
//! (retries and waits included) and `sunflow_undo_failures_total{process, step}`; every question to a
//! person in `sunflow_questions_total{process, kind, step, cause}`. Of syncs, by integration and entity:
//! `sunflow_erp_synced_seconds` and `sunflow_erp_watermark_seconds` (Unix times), and `sunflow_erp_refused`.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use jiff::Timestamp;
use temporalio_common::telemetry::metrics::{
    CoreMeter, Counter, Gauge, HistogramDuration, MetricAttributes, MetricKeyValue, MetricParameters,
    NewAttributes, TemporalMeter,
};
use temporalio_common::telemetry::{
    HistogramBucketOverrides, PrometheusExporterOptions, TaskQueueLabelStrategy, TelemetryOptions,
    start_prometheus_metric_exporter,
};
use temporalio_sdk::Runtime;
use temporalio_sdk::runtime::RuntimeOptions;
use workflows::observe::{self, Observer, Synced};
use workflows::report::{Progress, StepStatus};
use workflows::saga::{Question, SubjectKind};

use crate::webhook::Webhook;

const PROCESS_DURATION: &str = "sunflow_process_duration";
const STEP_DURATION: &str = "sunflow_step_duration";

/// The SDK's metrics exporter, on a loopback port of its own.
pub(crate) struct Exporter {
    meter: Arc<dyn CoreMeter>,
    address: SocketAddr,
}

impl Exporter {
    pub(crate) fn start() -> anyhow::Result<Self> {
        let started = start_prometheus_metric_exporter(
            PrometheusExporterOptions::builder()
                .socket_addr((Ipv4Addr::LOCALHOST, 0).into())
                .counters_total_suffix(true)
                .unit_suffix(true)
                .use_seconds_for_durations(true)
                .histogram_bucket_overrides(buckets())
                .build(),
        )?;
        Ok(Self { meter: started.meter, address: started.bound_addr })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The SDK's runtime on this tokio runtime, with the exporter's meter.
    pub(crate) fn runtime(&self) -> anyhow::Result<Runtime> {
        let telemetry = TelemetryOptions::builder().metrics(self.meter.clone()).build();
        let options =
            RuntimeOptions::builder().telemetry_options(telemetry).build().map_err(|e| anyhow!(e))?;
        Ok(Runtime::from_current_tokio(options)?)
    }

    /// The meter for the client's own requests.
    pub(crate) fn temporal_meter(&self) -> TemporalMeter {
        TemporalMeter::new(self.meter.clone(), NewAttributes::default(), TaskQueueLabelStrategy::UseNormal)
    }
}

/// Steps take milliseconds when all is well, and hours when somebody's system is down.
fn buckets() -> HistogramBucketOverrides {
    let seconds =
        vec![0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0, 300.0, 1_800.0, 3_600.0, 21_600.0, 86_400.0];
    let names = [PROCESS_DURATION, STEP_DURATION].map(|name| (name.to_owned(), seconds.clone()));
    HistogramBucketOverrides { overrides: names.into() }
}

/// Counts what processes do from now on, and sends it to the webhook, if there is one.
pub(crate) fn observe(exporter: &Exporter, webhook: Option<Webhook>) {
    observe::install(Box::new(Figures::new(exporter.meter.clone(), webhook)));
}

struct Figures {
    meter: Arc<dyn CoreMeter>,
    started: Counter,
    ended: Counter,
    duration: HistogramDuration,
    step_duration: HistogramDuration,
    undo_failures: Counter,
    questions: Counter,
    erp_synced: Gauge,
    erp_watermark: Gauge,
    erp_refused: Gauge,
    webhook: Option<Webhook>,
}

impl Figures {
    fn new(meter: Arc<dyn CoreMeter>, webhook: Option<Webhook>) -> Self {
        let named = |name: &'static str, description: &'static str| {
            MetricParameters::builder().name(name).description(description).build()
        };
        Self {
            started: meter.counter(named("sunflow_process_started", "Runs of a process that began")),
            ended: meter.counter(named("sunflow_process_ended", "Runs of a process that ended")),
            duration: meter.histogram_duration(named(PROCESS_DURATION, "From start to end of a run")),
            step_duration: meter.histogram_duration(named(STEP_DURATION, "From start to end of a step")),
            undo_failures: meter.counter(named("sunflow_undo_failures", "Undos that needed a person")),
            questions: meter.counter(named("sunflow_questions", "Questions that were asked a person")),
            erp_synced: meter
                .gauge(named("sunflow_erp_synced_seconds", "Unix time of the last sync of an entity")),
            erp_watermark: meter.gauge(named(
                "sunflow_erp_watermark_seconds",
                "Unix time, by the ERP's clock, of the newest change in the shop",
            )),
            erp_refused: meter.gauge(named("sunflow_erp_refused", "Records that the shop refuses for now")),
            meter,
            webhook,
        }
    }

    fn labels<const N: usize>(&self, labels: [(&'static str, &str); N]) -> MetricAttributes {
        let labels = labels.map(|(name, value)| MetricKeyValue::new(name, value.to_owned()));
        self.meter.new_attributes(NewAttributes::from(labels.to_vec()))
    }

    fn tell(&self, progress: &Progress) {
        if let Some(webhook) = &self.webhook {
            webhook.tell(progress);
        }
    }
}

impl Observer for Figures {
    fn process_started(&self, progress: &Progress) {
        self.started.add(1, &self.labels([("process", &progress.workflow_type)]));
        self.tell(progress);
    }

    fn process_ended(&self, progress: &Progress) {
        let process = progress.workflow_type.as_str();
        let outcome = progress.outcome.as_deref().unwrap_or("unknown");
        let compensated = if progress.has(StepStatus::LeftStanding) {
            "partly"
        } else if progress.has(StepStatus::Undone) || progress.has(StepStatus::Resolved) {
            "true"
        } else {
            "false"
        };
        let labels = [("process", process), ("outcome", outcome), ("compensated", compensated)];
        self.ended.add(1, &self.labels(labels));
        let took = Duration::from_millis(progress.duration.unwrap_or(0).try_into().unwrap_or(0));
        self.duration.record(took, &self.labels([("process", process), ("outcome", outcome)]));
        self.tell(progress);
    }

    fn step_ended(&self, process: &str, step: &str, status: StepStatus, took: Duration) {
        let labels = [("process", process), ("step", step), ("status", status.name())];
        self.step_duration.record(took, &self.labels(labels));
    }

    fn asked(&self, process: &str, workflow_id: &str, question: &Question) {
        let Question { about, cause, reason, .. } = question;
        let kind = match about.kind {
            SubjectKind::Undo => "undo",
            SubjectKind::Step => "step",
            SubjectKind::Decision => "decision",
        };
        tracing::error!(workflow_id, kind, step = about.step, cause, reason, "a person is asked");
        let labels = [("process", process), ("kind", kind), ("step", about.step.as_str()), ("cause", cause)];
        self.questions.add(1, &self.labels(labels));
    }

    fn undo_failed(&self, process: &str, workflow_id: &str, step: &str, reason: &str) {
        // The reason is an adapter's own words: system, status and code.
        tracing::error!(workflow_id, step, reason, "an undo is stuck: a person is asked");
        self.undo_failures.add(1, &self.labels([("process", process), ("step", step)]));
    }

    fn synced(&self, synced: &Synced<'_>) {
        let labels = self.labels([("integration", synced.integration), ("entity", synced.entity)]);
        let unix = |moment: Timestamp| u64::try_from(moment.as_second()).unwrap_or_default();
        self.erp_synced.record(unix(synced.at), &labels);
        if let Some(watermark) = synced.watermark {
            self.erp_watermark.record(unix(watermark), &labels);
        }
        self.erp_refused.record(synced.refused, &labels);
    }
}
