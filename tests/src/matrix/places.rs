//! Where a cell happens: a world of a process and its worker, and the end of a run there.

use anyhow::Context as _;

use super::calls::Cancellable;

use crate::catalog::{CatalogWorld, Setup};
use crate::customers::Onboarding;
use crate::erp::{ErpWorld, Sync};
use crate::follow_up::FollowUp;
use crate::prices::{PriceRun, PriceWorld};
use crate::servers;
use crate::world::{Order, WorkerProcess, World};

/// The worker of a cell, with settings beside the usual ones.
#[derive(Clone, Copy)]
pub enum Worker {
    /// In this process.
    Here(&'static [&'static str]),
    /// In a process of its own: to be killed, or with policies, which the workers in one process share.
    Apart(&'static [&'static str]),
}

impl Worker {
    /// Cells of a column at once. Processes cost more.
    pub(super) fn at_once(self) -> usize {
        match self {
            Self::Here(_) => 4,
            Self::Apart(_) => 2,
        }
    }
}

/// The world of a process: a shop, a task queue, and what its runs need beside them.
#[expect(async_fn_in_trait, reason = "a column polls its cells on its own thread: they need not be `Send`")]
pub trait Place: Sized {
    /// A new one, without a worker.
    async fn open() -> anyhow::Result<Self>;

    /// Makes it new for another cell, while its worker stays. `false`: it serves one cell only.
    async fn renew(&mut self) -> anyhow::Result<bool> {
        Ok(false)
    }

    /// The shop and the task queue.
    fn world(&self) -> &World;

    /// Starts a worker in this process.
    fn start_worker(&mut self, settings: &[&str]) -> anyhow::Result<()>;

    /// Starts a worker in a process of its own.
    fn spawn_worker(&self, settings: &[&str]) -> anyhow::Result<WorkerProcess>;
}

/// A place and its worker.
pub struct Opened<P> {
    pub place: P,
    pub worker: WorkerOfCell,
}

/// A worker that can be killed, if it is a process of its own.
pub struct WorkerOfCell {
    process: Option<WorkerProcess>,
    settings: &'static [&'static str],
}

impl<P: Place> Opened<P> {
    /// Opens a place, and starts its worker.
    pub async fn new(worker: Worker) -> anyhow::Result<Self> {
        let mut place = P::open().await?;
        let worker = match worker {
            Worker::Here(settings) => {
                place.start_worker(settings)?;
                WorkerOfCell { process: None, settings }
            }
            Worker::Apart(settings) => {
                WorkerOfCell { process: Some(place.spawn_worker(settings)?), settings }
            }
        };
        Ok(Self { place, worker })
    }

    /// The last cell's place, if it can be made new; otherwise another one.
    pub(super) async fn for_next(last: Option<Self>, worker: Worker) -> anyhow::Result<Self> {
        if let Some(mut last) = last
            && last.place.renew().await?
        {
            return Ok(last);
        }
        Self::new(worker).await
    }
}

impl WorkerOfCell {
    /// The worker's process.
    pub fn process(&mut self) -> anyhow::Result<&mut WorkerProcess> {
        self.process.as_mut().context("the worker is not a process of its own")
    }

    /// Starts another worker in its stead, with the same settings.
    pub fn start_again(&mut self, place: &impl Place) -> anyhow::Result<()> {
        self.process = Some(place.spawn_worker(self.settings)?);
        Ok(())
    }
}

impl Place for World {
    async fn open() -> anyhow::Result<Self> {
        Self::without_worker(&servers::dev_server()?).await
    }

    fn world(&self) -> &World {
        self
    }

    fn start_worker(&mut self, settings: &[&str]) -> anyhow::Result<()> {
        Self::start_worker(self, settings)
    }

    fn spawn_worker(&self, settings: &[&str]) -> anyhow::Result<WorkerProcess> {
        Self::spawn_worker(self, settings)
    }
}

impl Place for ErpWorld {
    async fn open() -> anyhow::Result<Self> {
        Self::without_worker().await
    }

    async fn renew(&mut self) -> anyhow::Result<bool> {
        Self::renew(self).await.map(|()| true)
    }

    fn world(&self) -> &World {
        &self.world
    }

    fn start_worker(&mut self, settings: &[&str]) -> anyhow::Result<()> {
        Self::start_worker(self, settings)
    }

    fn spawn_worker(&self, settings: &[&str]) -> anyhow::Result<WorkerProcess> {
        Self::spawn_worker(self, settings)
    }
}

impl Place for PriceWorld {
    async fn open() -> anyhow::Result<Self> {
        Self::without_worker().await
    }

    fn world(&self) -> &World {
        &self.erp.world
    }

    fn start_worker(&mut self, settings: &[&str]) -> anyhow::Result<()> {
        self.erp.start_worker(settings)
    }

    fn spawn_worker(&self, settings: &[&str]) -> anyhow::Result<WorkerProcess> {
        Self::spawn_worker(self, settings)
    }
}

impl Place for CatalogWorld {
    async fn open() -> anyhow::Result<Self> {
        Self::without_worker("empty").await
    }

    async fn renew(&mut self) -> anyhow::Result<bool> {
        Self::renew(self, "empty").await.map(|()| true)
    }

    fn world(&self) -> &World {
        &self.world
    }

    fn start_worker(&mut self, settings: &[&str]) -> anyhow::Result<()> {
        Self::start_worker(self, settings)
    }

    fn spawn_worker(&self, settings: &[&str]) -> anyhow::Result<WorkerProcess> {
        Self::spawn_worker(self, settings)
    }
}

/// A run in a place.
#[expect(async_fn_in_trait, reason = "a column polls its cells on its own thread: they need not be `Send`")]
pub trait Run {
    /// Waits for its end, whatever it is.
    async fn is_over(&self) -> anyhow::Result<()>;
}

impl Run for Order<'_> {
    async fn is_over(&self) -> anyhow::Result<()> {
        self.ended().await.map(drop)
    }
}

impl Run for Onboarding<'_> {
    async fn is_over(&self) -> anyhow::Result<()> {
        self.ended().await.map(drop)
    }
}

impl Run for FollowUp<'_> {
    async fn is_over(&self) -> anyhow::Result<()> {
        self.ended().await.map(drop)
    }
}

impl Run for Sync<'_> {
    async fn is_over(&self) -> anyhow::Result<()> {
        self.ended().await.map(drop)
    }
}

impl Run for Setup<'_> {
    async fn is_over(&self) -> anyhow::Result<()> {
        self.ended().await.map(drop)
    }
}

impl Run for PriceRun<'_> {
    async fn is_over(&self) -> anyhow::Result<()> {
        self.ended().await.map(drop)
    }
}

impl Cancellable for PriceRun<'_> {
    async fn cancel(&self) -> anyhow::Result<()> {
        self.temporal_cancel().await
    }
}
