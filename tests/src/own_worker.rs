//! A worker for workflows that only a test knows.

use anyhow::{Context as _, anyhow};
use temporalio_sdk::runtime::RuntimeOptions;
use temporalio_sdk::{Runtime, Worker, WorkerOptions};
use tokio::sync::oneshot;

use crate::servers;

/// A worker in this process, until this value goes.
pub struct OwnWorker {
    _stop: oneshot::Sender<()>,
}

impl OwnWorker {
    /// Starts one for what `register` adds.
    pub fn start(
        address: &str,
        task_queue: &str,
        register: impl FnOnce(&mut WorkerOptions) -> anyhow::Result<()> + Send + 'static,
    ) -> anyhow::Result<Self> {
        let (stop, stopped) = oneshot::channel::<()>();
        let (address, task_queue) = (address.to_owned(), task_queue.to_owned());
        // Made on its thread: a running worker does not change threads.
        let work = async move || {
            let client = servers::client(&address).await?;
            let runtime =
                Runtime::from_current_tokio(RuntimeOptions::builder().build().map_err(|e| anyhow!(e))?)?;
            let mut options = WorkerOptions::new(task_queue).build();
            register(&mut options)?;
            let mut worker = Worker::new(&runtime, client, options)?;
            let shut_down = worker.shutdown_handle();
            tokio::spawn(async move {
                let _dropped = stopped.await.is_err();
                shut_down();
            });
            worker.run().await.context("the worker stopped")
        };
        std::thread::Builder::new().name("own".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            match runtime.map(|runtime| runtime.block_on(work())) {
                Ok(Ok(())) => {}
                Ok(Err(error)) => eprintln!("the worker ended: {error:#}"),
                Err(error) => eprintln!("no runtime for the worker: {error}"),
            }
        })?;
        Ok(Self { _stop: stop })
    }
}
