//! Two steps that do not need each other, side by side.

use std::cell::RefCell;
use std::future::Future;

use temporalio_workflow::join;

use super::{Halt, Process, Saga};

impl<W: Process> Saga<W> {
    /// Runs two steps side by side, each with its own undo. When one fails, that is how the run ends: it turns back,
    /// and the other step is asked to end as by a cancel. An attempt under way is awaited; between two attempts it ends
    /// at once, and is not looked up: its undo goes by its key, whatever became of it.
    ///
    /// # Errors
    /// Why the first one to fail did. Whatever the other did by then is undone like everything before.
    pub async fn both<A, B>(
        &self,
        one: impl Future<Output = Result<A, Halt>>,
        other: impl Future<Output = Result<B, Halt>>,
    ) -> Result<(A, B), Halt> {
        let first = RefCell::new(None);
        let fail = |halt: Halt| {
            let mut first = first.borrow_mut();
            if first.is_none() {
                self.turn_back(&halt);
                self.forward.cancel_with_reason(halt.ending().reason);
                *first = Some(halt);
            }
        };
        let (one, other) =
            join!(async { one.await.map_err(fail).ok() }, async { other.await.map_err(fail).ok() });
        match (one, other, first.take()) {
            (Some(one), Some(other), None) => Ok((one, other)),
            (.., halt) => Err(halt.unwrap_or_else(|| self.stopped())),
        }
    }
}
