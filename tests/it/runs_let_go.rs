//! A run that has ended, or was put away in the middle of what it awaits, leaves nothing in the worker's memory.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use contracts::shipping::{ShipmentRef, Shipping};
use contracts::values::{IdempotencyKey, OrderId};
use jiff::Timestamp;
use serde::Serialize;
use temporalio_client::{WorkflowGetResultOptions, WorkflowStartOptions};
use temporalio_workflow::workflow_interceptors::{WorkflowInterceptor, WorkflowInterceptorConstructor};
use temporalio_workflow::{WorkflowContext, WorkflowResult, workflow};
use tests::own_worker::OwnWorker;
use tests::servers;
use tests::world::{LIMIT, World};
use workflows::input::{Checked, Fields, Problem, Unchecked, text};
use workflows::report::StepSpec;
use workflows::saga::{About, Process, Saga, SagaState};
use workflows::{face, policy};

/// Runs of each kind.
const RUNS: usize = 10;
/// So many the worker may hold.
const HELD: usize = 2;
/// Workflow, first task, and what is awaited.
const EVENTS_WHEN_IT_WAITS: i64 = 5;

static IN_MEMORY: AtomicUsize = AtomicUsize::new(0);

/// Part of what the SDK holds of a run, counted.
struct Counted;

impl Counted {
    fn new() -> Self {
        IN_MEMORY.fetch_add(1, Ordering::SeqCst);
        Self
    }
}

impl WorkflowInterceptor for Counted {}

impl Drop for Counted {
    fn drop(&mut self) {
        IN_MEMORY.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The thing that a run awaits.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(tag = "awaits")]
enum Awaits {
    /// Nothing: it ends before its deadline.
    Nothing,
    /// A state that does not come, with a deadline.
    State,
    /// A moment.
    Moment,
    /// A step that nobody does.
    Step,
}

#[workflow]
#[derive(Default)]
struct Awaiting {
    saga: SagaState,
}

const STEP: &str = "look";
/// A moment that does not come.
const YEAR_2100: Timestamp = Timestamp::constant(4_102_444_800, 0);

impl Process for Awaiting {
    const NAME: &'static str = "Awaiting";
    const INVALID: &'static str = "AwaitingInvalid";
    const STEPS: &'static [StepSpec] = &[StepSpec::compensable(STEP, "look for what is not there")];
    type Input = Awaits;

    fn named(_workflow_id: &str, _input: &Awaits) -> Result<About, Problem> {
        Ok(None)
    }
}

impl Checked for Awaits {
    fn read(fields: &Fields<'_>) -> Option<Self> {
        match fields.required("awaits", text(20))?.as_str() {
            "Nothing" => Some(Self::Nothing),
            "State" => Some(Self::State),
            "Moment" => Some(Self::Moment),
            "Step" => Some(Self::Step),
            _ => None,
        }
    }
}

face! {
impl Awaiting {
    #[run(name = "Awaiting")]
    async fn run(ctx: &mut WorkflowContext<Self>, input: Unchecked<Awaits>) -> WorkflowResult<()> {
        let (awaits, saga) = Saga::open(ctx, &input)?;
        let body = async {
            match awaits {
                Awaits::Nothing => Ok(()),
                Awaits::State => saga.wait_for(|_| false).await,
                Awaits::Moment => saga.wait_until(YEAR_2100, "the year 2100", |_| false).await,
                Awaits::Step => {
                    let question = ShipmentRef {
                        key: IdempotencyKey::new("awaiting", STEP),
                        order_id: OrderId::new("ORDER-1").unwrap_or_else(|_| unreachable!()),
                        shipment_id: None,
                    };
                    // The queue of bulk work, which nobody polls here.
                    let step = saga.step(STEP, Shipping::find_shipment, question, policy::erp());
                    step.nothing_to_undo("only looks").await.map(drop)
                }
            }
        };
        let _halted = saga.within(Duration::from_secs(3_600), "deadline", "too late", body).await;
        Ok(())
    }
}
}

#[tokio::test]
async fn runs_that_ended_or_were_put_away_are_let_go() -> anyhow::Result<()> {
    let world = World::without_worker(&servers::dev_server()?).await?;
    let _worker = OwnWorker::start(world.address(), &world.task_queue, |options| {
        options.max_cached_workflows = HELD;
        let counted = WorkflowInterceptorConstructor::new(|_| Counted::new());
        options.register_workflow_interceptors(vec![counted]);
        options.register_workflow::<Awaiting>()?;
        Ok(())
    })?;
    for awaits in [Awaits::Nothing, Awaits::State, Awaits::Moment, Awaits::Step] {
        for i in 0..RUNS {
            let id = format!("awaiting/{}/{awaits:?}/{i}", world.task_queue);
            let options = WorkflowStartOptions::new(world.task_queue.clone(), id.clone()).build();
            let run = world.client.start_workflow(Awaiting::run, Unchecked::of(&awaits)?, options).await?;
            if matches!(awaits, Awaits::Nothing) {
                run.get_result(WorkflowGetResultOptions::default()).await?;
                continue;
            }
            let (run, until) = (world.attach_run(&id), Instant::now() + LIMIT);
            while run.cost().await?.0 < EVENTS_WHEN_IT_WAITS {
                anyhow::ensure!(Instant::now() < until, "a run never waited for {awaits:?}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        let until = Instant::now() + Duration::from_secs(5);
        while IN_MEMORY.load(Ordering::SeqCst) > HELD {
            let held = IN_MEMORY.load(Ordering::SeqCst);
            anyhow::ensure!(Instant::now() < until, "after {awaits:?}, {held} runs are in memory");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    Ok(())
}
