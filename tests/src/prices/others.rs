//! Reverts and exports, which a test starts, stops and follows.

use std::marker::PhantomData;

use anyhow::Context as _;
use contracts::bulk::Rate;
use contracts::objects::ListPart;
use contracts::values::PriceBatchId;
use serde_json::Value;
use store::Lines;
use temporalio_client::{
    Client, WorkflowCancelOptions, WorkflowGetResultOptions, WorkflowHandle, WorkflowStartOptions,
};
use temporalio_common::HasWorkflowDefinition;
use workflows::input::Unchecked;
use workflows::price_export::{self, PriceExport, PriceExportData, PriceExportResult};
use workflows::price_revert::{self, PriceRevert, PriceRevertData};

use super::{PriceWorld, unique};
use crate::customers::{Ended, ended};
use crate::matrix::Run;
use crate::matrix::calls::Cancellable;
use crate::world::LIMIT;

/// A run of one of them.
pub struct Other<'w, W> {
    world: &'w PriceWorld,
    /// Its workflow id.
    pub workflow_id: String,
    workflow: PhantomData<W>,
}

/// A run that takes another one back.
pub type Revert<'w> = Other<'w, PriceRevert>;
/// A run that lists the shop's prices.
pub type Export<'w> = Other<'w, PriceExport>;

impl PriceWorld {
    /// Starts to take a run back; `max_per_second`: prices a second.
    ///
    /// # Errors
    /// When Temporal refuses.
    pub async fn start_revert(
        &self,
        batch: &PriceBatchId,
        dry_run: bool,
        max_per_second: Option<u32>,
    ) -> anyhow::Result<Revert<'_>> {
        let rate = max_per_second.map(Rate::try_from).transpose()?;
        let data = PriceRevertData { batch_id: batch.clone(), dry_run, rate };
        let id = if dry_run { price_revert::dry_run_id(batch) } else { price_revert::workflow_id(batch) };
        let options = WorkflowStartOptions::new(self.erp.world.task_queue.clone(), id.clone()).build();
        let client = &self.erp.world.client;
        client.start_workflow(PriceRevert::run, Unchecked::of(&data)?, options).await?;
        Ok(Other { world: self, workflow_id: id, workflow: PhantomData })
    }

    /// Starts to list the shop's prices.
    ///
    /// # Errors
    /// When Temporal refuses.
    pub async fn start_export(&self) -> anyhow::Result<Export<'_>> {
        let id = price_export::workflow_id(&unique());
        let options = WorkflowStartOptions::new(self.erp.world.task_queue.clone(), id.clone()).build();
        let input = Unchecked::of(&PriceExportData::default())?;
        self.erp.world.client.start_workflow(PriceExport::run, input, options).await?;
        Ok(Other { world: self, workflow_id: id, workflow: PhantomData })
    }

    /// The lines of an export.
    ///
    /// # Errors
    /// When they are not there.
    pub async fn exported(&self, result: &PriceExportResult) -> anyhow::Result<Vec<Value>> {
        let mut lines = Vec::new();
        let list = result.list.as_ref().context("nothing was listed")?;
        for part in Lines::get(&self.erp.store, list).await?.records::<ListPart>()? {
            lines.extend(Lines::get(&self.erp.store, &part.list).await?.records::<Value>()?);
        }
        Ok(lines)
    }
}

impl<W: HasWorkflowDefinition> Other<'_, W> {
    fn handle(&self) -> WorkflowHandle<Client, W> {
        self.world.erp.world.client.get_workflow_handle::<W>(self.workflow_id.clone())
    }

    /// Temporal's own cancel.
    ///
    /// # Errors
    /// When Temporal refuses.
    pub async fn temporal_cancel(&self) -> anyhow::Result<()> {
        Ok(self.handle().cancel(WorkflowCancelOptions::builder().reason("operator").build()).await?)
    }

    /// The changes of prices that it has made.
    ///
    /// # Errors
    /// When the sandbox refuses.
    pub async fn ledger(&self) -> anyhow::Result<Value> {
        let path = format!("prices/summary?key_prefix={}/", self.workflow_id);
        self.world.erp.world.shop.get(&path).await
    }
}

macro_rules! ends {
    ($($run:ident with $result:ty),+) => {$(
        impl $run<'_> {
            /// How it ended.
            ///
            /// # Errors
            /// When it does not end in time.
            pub async fn ended(&self) -> anyhow::Result<Ended<$result>> {
                let handle = self.handle();
                let result = handle.get_result(WorkflowGetResultOptions::default());
                let result = tokio::time::timeout(LIMIT, result).await;
                ended(result.with_context(|| format!("{} did not end", self.workflow_id))?)
            }
        }

        impl Run for $run<'_> {
            async fn is_over(&self) -> anyhow::Result<()> {
                self.ended().await.map(drop)
            }
        }

        impl Cancellable for $run<'_> {
            async fn cancel(&self) -> anyhow::Result<()> {
                self.temporal_cancel().await
            }
        }
    )+};
}

ends!(Revert with price_revert::PriceRevertResult, Export with PriceExportResult);
