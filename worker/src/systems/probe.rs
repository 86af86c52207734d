//! Asks an outside system whether it is there, and whether it lets us in.
//!
//! `/health` of a system answers everybody, so it says nothing of a token. A read does; it is of a thing that nobody
//! has, so that the answer holds nothing.

use std::sync::Arc;

use activities::http::{Api, CallError};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::Value;

type Ask = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// An outside system that can be asked.
#[derive(Clone)]
pub(crate) struct Probe {
    pub(crate) system: &'static str,
    ask: Ask,
    reads: Reads,
}

/// How a system is asked whether it lets us in.
#[derive(Clone)]
pub(super) enum Reads {
    /// It cannot be: nothing can be read there.
    Nothing,
    /// Asking whether it is there logs in already.
    LogsIn,
    /// By a read of its own.
    Own(Ask),
}

impl Reads {
    /// `ask` says what is wrong, in words.
    pub(super) fn own<A>(ask: impl Fn() -> A + Send + Sync + 'static) -> Self
    where
        A: Future<Output = Result<(), String>> + Send + 'static,
    {
        Self::Own(Arc::new(move || ask().boxed()))
    }
}

impl Probe {
    /// `ask` says what is wrong, in words.
    pub(super) fn new<A>(system: &'static str, ask: impl Fn() -> A + Send + Sync + 'static) -> Self
    where
        A: Future<Output = Result<(), String>> + Send + 'static,
    {
        Self { system, ask: Arc::new(move || ask().boxed()), reads: Reads::Nothing }
    }

    pub(super) fn of(system: &'static str, api: &Api) -> Self {
        let api = api.clone();
        Self::new(system, move || {
            let api = api.clone();
            async move { api.health().await.map_err(|error| error.to_string()) }
        })
    }

    pub(super) fn by(self, reads: Reads) -> Self {
        Self { reads, ..self }
    }

    /// Lets it read at this path. That there is no such thing is an answer: whoever gives it has let us in.
    pub(super) fn reading(
        self,
        api: &Api,
        path: &'static [&'static str],
        query: &'static [(&'static str, &'static str)],
    ) -> Self {
        let api = api.clone();
        self.by(Reads::own(move || {
            let api = api.clone();
            async move {
                match api.get::<Value>(path, query).await {
                    Ok(_) => Ok(()),
                    Err(CallError::Refused { refusal, .. }) if refusal.status == 404 => Ok(()),
                    Err(error) => Err(error.to_string()),
                }
            }
        }))
    }

    /// Whether it is there; says in words what is wrong.
    pub(crate) async fn health(&self) -> Result<String, String> {
        (self.ask)().await.map(|()| "answers".to_owned())
    }

    /// Whether it is there and lets us in; says in words what is wrong.
    pub(crate) async fn lets_us_in(&self) -> Result<String, String> {
        (self.ask)().await?;
        match &self.reads {
            Reads::Nothing => Ok("answers; credentials not checked, nothing can be read there".to_owned()),
            Reads::LogsIn => Ok("answers, and lets us in".to_owned()),
            Reads::Own(read) => read().await.map(|()| "answers, and lets us read".to_owned()),
        }
    }
}

/// Things that nobody has.
pub(super) mod nothing {
    use contracts::payment::FindPayment;
    use contracts::shipping::ShipmentRef;
    use contracts::values::{IdempotencyKey, OrderId};

    /// A number that nothing has.
    pub(in super::super) const ID: &str = "sunflow-doctor";

    fn order() -> Result<OrderId, String> {
        OrderId::new(ID).map_err(|error| format!("{ID} is not an order number: {error}"))
    }

    pub(in super::super) fn payment() -> Result<FindPayment, String> {
        Ok(FindPayment {
            key: IdempotencyKey::new(ID, "read"),
            order_id: order()?,
            payment_id: None,
            other_ids: std::collections::BTreeSet::new(),
            until_one: false,
        })
    }

    pub(in super::super) fn label() -> Result<ShipmentRef, String> {
        Ok(ShipmentRef { key: IdempotencyKey::new(ID, "read"), order_id: order()?, shipment_id: None })
    }
}
