//! Counters and durations in the SDK's own registry: the SDK's metrics and ours come out of one door.
//!
//! Ours: `sunflow_process_started_total{process}`, `sunflow_process_ended_total{process, outcome, compensated}`,
//! `sunflow_process_duration_seconds{process, outcome}`, `sunflow_step_duration_seconds{process, step, status}`
//! (retries and waits included) and `sunflow_undo_failures_total{process, step}`; every question to a person in
//! `sunflow_questions_total{process, kind, step, cause}`. Of messages: `sunflow_messages_lost_total{channel, why}`
//! (`why`: `refused`, `given_up`), `sunflow_mail_relay_refusals_total` and `sunflow_mail_suppressions_held_total`.
//! Of syncs, by integration and entity: `sunflow_erp_synced_seconds` and `sunflow_erp_watermark_seconds` (Unix times),
//! and `sunflow_erp_refused`. Beside them `sunflow_activity_attempts_total{system}` and
//! `sunflow_activity_failures_total{system, failure}` (`failing`), and the gauges `sunflow_runs_asking{process,
//! older_than}`, `sunflow_runs_failing_task{process, older_than}` and `sunflow_runs_counted_at` (`waiting`).
//!
//! A counter that first appears at 1 has not increased, as Prometheus sees it: an alarm would miss the first time. So
//! every counter whose labels are known stands at 0 from the first second. The cause of a question is not known before.

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
use workflows::saga::{Outcome, Process, Question, SubjectKind};

use crate::webhook::Webhook;

const PROCESS_DURATION: &str = "sunflow_process_duration";
const STEP_DURATION: &str = "sunflow_step_duration";

/// How much of an ended run was undone.
const UNTOUCHED: &str = "false";
const UNDONE: &str = "true";
const PARTLY_UNDONE: &str = "partly";

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

    /// The meter of what is ours.
    pub(crate) fn meter(&self) -> Arc<dyn CoreMeter> {
        self.meter.clone()
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

/// A process whose figures stand at 0 before anything has happened.
pub(crate) struct Counted {
    /// The workflow type.
    pub(crate) process: &'static str,
    /// The steps whose undo may stick.
    undos: Vec<&'static str>,
}

impl Counted {
    pub(crate) fn of<W: Process>() -> Self {
        let steps = W::STEPS.iter().chain(W::UNDO_STEPS);
        Self {
            process: W::NAME,
            undos: steps.filter(|step| !step.undo.is_empty()).map(|step| step.name).collect(),
        }
    }
}

/// Counts what processes do from now on, and sends it to the webhook, if there is one.
pub(crate) fn observe(exporter: &Exporter, webhook: Option<Webhook>, counted: &[Counted]) {
    let figures = Figures::new(exporter.meter(), webhook);
    for process in counted {
        figures.begin(process);
    }
    observe::install(Box::new(figures));
    let messages = Messages::new(exporter.meter());
    messages.begin();
    activities::observe::install(Box::new(messages));
}

/// A name, and its meaning.
pub(crate) fn named(name: &'static str, description: &'static str) -> MetricParameters {
    MetricParameters::builder().name(name).description(description).build()
}

/// Labels and their values.
pub(crate) fn labels<const N: usize>(
    meter: &Arc<dyn CoreMeter>,
    labels: [(&'static str, &str); N],
) -> MetricAttributes {
    let labels = labels.map(|(name, value)| MetricKeyValue::new(name, value.to_owned()));
    meter.new_attributes(NewAttributes::from(labels.to_vec()))
}

struct Figures {
    meter: Arc<dyn CoreMeter>,
    started: Counter,
    ended: Counter,
    duration: HistogramDuration,
    step_duration: HistogramDuration,
    undo_failures: Counter,
    questions: Counter,
    messages: Messages,
    erp_synced: Gauge,
    erp_watermark: Gauge,
    erp_refused: Gauge,
    webhook: Option<Webhook>,
}

/// The ways to a customer, as messages are counted by.
const CHANNELS: [&str; 3] = ["email", "sms", "push"];
/// Why a message is lost: its recipient or the server refused it.
const REFUSED: &str = "refused";
/// Why a message is lost: it was tried for its patience.
const GIVEN_UP: &str = "given_up";

/// The fates of messages.
struct Messages {
    meter: Arc<dyn CoreMeter>,
    lost: Counter,
    relay_refusals: Counter,
    suppressions_held: Counter,
}

impl Messages {
    fn new(meter: Arc<dyn CoreMeter>) -> Self {
        let refusals = "Mails that the mail server refused for what is no matter of one recipient";
        let held = "Addresses without a mailbox that were not suppressed because too many were";
        Self {
            lost: meter.counter(named("sunflow_messages_lost", "Messages that nobody will get")),
            relay_refusals: meter.counter(named("sunflow_mail_relay_refusals", refusals)),
            suppressions_held: meter.counter(named("sunflow_mail_suppressions_held", held)),
            meter,
        }
    }

    /// Sets at 0 what is counted of messages.
    fn begin(&self) {
        for channel in CHANNELS {
            for why in [REFUSED, GIVEN_UP] {
                self.lost.add(0, &labels(&self.meter, [("channel", channel), ("why", why)]));
            }
        }
        self.relay_refusals.add(0, &labels(&self.meter, []));
        self.suppressions_held.add(0, &labels(&self.meter, []));
    }

    fn lost(&self, channel: &str, why: &str) {
        self.lost.add(1, &labels(&self.meter, [("channel", channel), ("why", why)]));
    }
}

impl activities::observe::Observer for Messages {
    fn message_refused(&self, channel: &'static str) {
        self.lost(channel, REFUSED);
    }

    fn relay_refused(&self) {
        self.relay_refusals.add(1, &labels(&self.meter, []));
    }

    fn suppression_held(&self) {
        self.suppressions_held.add(1, &labels(&self.meter, []));
    }
}

impl Figures {
    fn new(meter: Arc<dyn CoreMeter>, webhook: Option<Webhook>) -> Self {
        Self {
            started: meter.counter(named("sunflow_process_started", "Runs of a process that began")),
            ended: meter.counter(named("sunflow_process_ended", "Runs of a process that ended")),
            duration: meter.histogram_duration(named(PROCESS_DURATION, "From start to end of a run")),
            step_duration: meter.histogram_duration(named(STEP_DURATION, "From start to end of a step")),
            undo_failures: meter.counter(named("sunflow_undo_failures", "Undos that needed a person")),
            questions: meter.counter(named("sunflow_questions", "Questions that were asked a person")),
            messages: Messages::new(meter.clone()),
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
        self::labels(&self.meter, labels)
    }

    /// Sets at 0 what is counted of a process.
    fn begin(&self, Counted { process, undos }: &Counted) {
        self.started.add(0, &self.labels([("process", process)]));
        for outcome in Outcome::ALL {
            for compensated in [UNTOUCHED, UNDONE, PARTLY_UNDONE] {
                let labels =
                    [("process", *process), ("outcome", outcome.name()), ("compensated", compensated)];
                self.ended.add(0, &self.labels(labels));
            }
        }
        for step in undos {
            self.undo_failures.add(0, &self.labels([("process", process), ("step", step)]));
        }
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
            PARTLY_UNDONE
        } else if progress.has(StepStatus::Undone) || progress.has(StepStatus::Resolved) {
            UNDONE
        } else {
            UNTOUCHED
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

    fn message_lost(&self, workflow_id: &str, step: &str, channel: &str, reason: &str) {
        // The reason is an adapter's own words.
        tracing::warn!(workflow_id, step, channel, reason, "a message is lost: it was given up");
        self.messages.lost(channel, GIVEN_UP);
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
