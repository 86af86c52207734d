//! Schedules through the starter: files of a test's own, and what Temporal made of them.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use temporalio_client::UntypedWorkflow;
use temporalio_client::schedules::{CreateScheduleOptions, ScheduleAction, ScheduleSpec};
use temporalio_common::data_converters::RawValue;
use temporalio_common::error::ApplicationFailure;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    DescribeScheduleRequest, DescribeScheduleResponse,
};
use temporalio_workflow::{WorkflowContext, WorkflowResult, workflow, workflow_methods};
use tokio::process::Command;
use tonic::IntoRequest as _;

use crate::customers::REF_KEY;
use crate::own_worker::OwnWorker;
use crate::processes::binary;
use crate::world::{LIMIT, World};

/// The outcome of a call of the starter.
#[derive(Debug)]
pub struct Called {
    /// The exit code.
    pub code: Option<i32>,
    /// Its stdout.
    pub out: String,
    /// Its stderr.
    pub err: String,
}

impl Called {
    /// stdout as JSON, of a call that did what it was asked to.
    pub fn ok(&self) -> anyhow::Result<Value> {
        if self.code != Some(0) {
            bail!("exit code {:?}: {}", self.code, self.err);
        }
        Ok(serde_json::from_str(&self.out)?)
    }
}

/// The process that schedules of these tests start in place of a sync: it completes, or fails if the integration is
/// called so.
#[workflow]
#[derive(Default)]
struct Once;

#[workflow_methods]
impl Once {
    #[run(name = "ErpSync")]
    async fn run(ctx: &mut WorkflowContext<Self>, config: Value) -> WorkflowResult<()> {
        ctx.timer(Duration::from_millis(100)).await;
        match config["integration_id"].as_str() {
            Some(id) if id.starts_with("fails") => {
                Err(ApplicationFailure::builder(anyhow::anyhow!("the ERP is away"))
                    .type_name("Taken".to_owned())
                    .build()
                    .into())
            }
            _ => Ok(()),
        }
    }
}

/// A worker on a world's task queue for what the schedules of these tests start.
pub fn once_worker(world: &World) -> anyhow::Result<OwnWorker> {
    OwnWorker::start(world.address(), &world.task_queue, |options| {
        options.register_workflow::<Once>()?;
        Ok(())
    })
}

/// A folder with a file of schedules, and a world to apply it to.
pub struct Desk<'w> {
    pub world: &'w World,
    folder: PathBuf,
    number: u32,
}

impl<'w> Desk<'w> {
    /// An empty desk.
    pub fn of(world: &'w World) -> anyhow::Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("sunflow-schedules-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        Ok(Self { world, folder, number })
    }

    /// A schedule's id that no other test uses.
    #[must_use]
    pub fn id(&self, name: &str) -> String {
        format!("test-{}-{}-{name}", std::process::id(), self.number)
    }

    /// An entry of the file: a sync of an integration of its own, with these lines; of one named `fails…` the runs
    /// fail. Two schedules of one integration would start one run for the two, where their times meet.
    pub fn entry(&self, name: &str, lines: &str) -> anyhow::Result<String> {
        let (id, input) = (self.id(name), self.folder.join(format!("{name}.json")));
        if !input.exists() {
            let mut config: Value = serde_json::from_str(crate::erp::SAMPLE)?;
            config["integration_id"] = json!(format!("{name}-{}-{}", std::process::id(), self.number));
            std::fs::write(input, config.to_string())?;
        }
        Ok(format!("[[schedule]]\nid = \"{id}\"\nprocess = \"erp\"\ninput = \"{name}.json\"\n{lines}\n\n"))
    }

    /// `schedule apply` of a file with this text.
    pub async fn apply(&self, file: &str, flags: &[&str]) -> anyhow::Result<Called> {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let path = self.folder.join(format!("{}.toml", NEXT.fetch_add(1, Ordering::Relaxed)));
        std::fs::write(&path, file)?;
        let path = path.display().to_string();
        self.call(&[&["apply", "-f", &path][..], flags].concat()).await
    }

    /// The verdict on each schedule of the file, in its order, and what changes.
    pub async fn verdicts(&self, file: &str, flags: &[&str]) -> anyhow::Result<Vec<(String, Vec<String>)>> {
        let lines = self.apply(file, flags).await?.ok()?;
        let words = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let settings = |line: &Value| {
            line["changes"].as_array().into_iter().flatten().map(|change| words(&change["setting"])).collect()
        };
        Ok(lines
            .as_array()
            .into_iter()
            .flatten()
            .map(|line| (words(&line["verdict"]), settings(line)))
            .collect())
    }

    /// `starter schedule …`, with JSON.
    pub async fn call(&self, args: &[&str]) -> anyhow::Result<Called> {
        let child = Command::new(binary("starter")?)
            .arg("schedule")
            .args(args)
            .args(["-ojson", "--address", self.world.address(), "--task-queue", &self.world.task_queue])
            .env_remove("SUN_WEB_UI_URL")
            .env_remove("SUN_REF_KEY_FILE")
            .env("SUN_REF_KEY", REF_KEY)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let output = tokio::time::timeout(LIMIT, child.wait_with_output()).await??;
        Ok(Called {
            code: output.status.code(),
            out: String::from_utf8(output.stdout)?,
            err: String::from_utf8(output.stderr)?,
        })
    }

    /// `schedule show`.
    pub async fn show(&self, name: &str) -> anyhow::Result<Value> {
        self.call(&["show", &self.id(name)]).await?.ok()
    }

    /// `schedule show`, as soon as it is as wanted.
    pub async fn until(
        &self,
        name: &str,
        what: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> anyhow::Result<Value> {
        let until = Instant::now() + LIMIT;
        loop {
            let shown = self.show(name).await?;
            if wanted(&shown) {
                return Ok(shown);
            }
            if Instant::now() > until {
                bail!("{name}: never {what}; last seen {shown:#}");
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }

    /// The schedule as Temporal itself describes it.
    pub async fn raw(&self, name: &str) -> anyhow::Result<DescribeScheduleResponse> {
        let request = DescribeScheduleRequest { namespace: "default".to_owned(), schedule_id: self.id(name) };
        let mut service = self.world.client.connection().workflow_service();
        let described = service.describe_schedule(request.into_request()).await;
        Ok(described.with_context(|| format!("schedule {name}"))?.into_inner())
    }

    /// A schedule of that name which the starter did not make.
    pub async fn somebody_elses(&self, name: &str) -> anyhow::Result<()> {
        let run = ScheduleAction::start_workflow(
            UntypedWorkflow::new("Theirs"),
            RawValue::empty(),
            &self.world.task_queue,
            "theirs",
        );
        let spec = ScheduleSpec::from_interval(Duration::from_secs(3_600));
        let options = CreateScheduleOptions::builder().action(run).spec(spec).build();
        self.world.client.create_schedule(self.id(name), options).await?;
        Ok(())
    }

    /// The conflict token and the time of the last update: they move with every write.
    pub async fn writes(&self, name: &str) -> anyhow::Result<Value> {
        let raw = self.raw(name).await?;
        let updated = raw.info.and_then(|info| info.update_time).map(|time| (time.seconds, time.nanos));
        Ok(json!({ "token": raw.conflict_token, "updated": updated }))
    }
}

impl Drop for Desk<'_> {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            eprintln!("{} is left behind: {error}", self.folder.display());
        }
    }
}
