//! The way of a request through the sandbox: counted, struck by faults, carried out once, answered.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::answer::{Answer, Refusal, Stop};
use crate::call::Call;
use crate::faults::{self, Afterwards, Instead, Strike};
use crate::shop::Shop;
use crate::shutdown::Shutdown;
use crate::store::Store;
use crate::{effects, handlers};

/// The parts that all requests share.
pub(crate) struct Service {
    store: Store,
    /// The bearer token the shop's endpoints ask for.
    pub(crate) token: Option<String>,
    /// Counts clearings of the faults; withheld replies wait for the next one.
    clearings: watch::Sender<u64>,
    shutdown: Shutdown,
}

/// A request that has been counted, with what the faults do to it.
struct Arrival {
    strike: Strike,
    /// Its line in the effects log.
    line: Option<i64>,
}

impl Service {
    pub(crate) fn new(store: Store, token: Option<String>, shutdown: Shutdown) -> Self {
        Self { store, token, clearings: watch::Sender::new(0), shutdown }
    }

    /// Runs `work` in one transaction on a thread that may block.
    pub(crate) async fn transact<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Shop<'_>) -> Result<T, Stop> + Send + 'static,
    ) -> Result<T, Stop> {
        let service = Arc::clone(self);
        tokio::task::spawn_blocking(move || service.store.transact(work)).await?
    }

    /// Lets withheld replies go.
    pub(crate) fn let_go(&self) {
        self.clearings.send_modify(|count| *count += 1);
    }

    /// Carries out a call and answers it.
    ///
    /// The call runs in a task of its own: a caller that hangs up must not stop an effect half-way.
    pub(crate) async fn answer(self: &Arc<Self>, call: Call) -> Answer {
        let service = Arc::clone(self);
        match tokio::spawn(async move { service.carry_out(call).await }).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(stop)) => stop.answer(),
            Err(panicked) => Stop::from(panicked).answer(),
        }
    }

    async fn carry_out(self: &Arc<Self>, call: Call) -> Result<Answer, Stop> {
        // Subscribed before the effect, so that a clearing right after it is not missed.
        let clearings = self.clearings.subscribe();
        let call = Arc::new(call);
        let arriving = Arc::clone(&call);
        let Arrival { strike, line } = self.transact(move |shop| arrive(shop, &arriving)).await?;
        if !strike.delay.is_zero() && !self.wait(strike.delay).await {
            return Ok(hang_up());
        }
        let answer = match strike.instead {
            Some(instead) => self.transact(move |shop| answer_instead(shop, &call, instead)).await?,
            None => self.transact(move |shop| perform(shop, &call, line)).await?,
        };
        Ok(self.send_off(answer, strike.afterwards, clearings).await)
    }

    async fn send_off(
        &self,
        mut answer: Answer,
        afterwards: Option<Afterwards>,
        mut clearings: watch::Receiver<u64>,
    ) -> Answer {
        match afterwards {
            None => answer,
            Some(Afterwards::LoseReply) => hang_up(),
            Some(Afterwards::Malform) => {
                answer.status = 200;
                answer.body = r#"{"success":true,"data":{"#.to_owned();
                answer
            }
            Some(Afterwards::Hold(latency)) => {
                let let_go = tokio::select! {
                    cleared = clearings.changed() => cleared.is_ok(),
                    waited = self.wait(latency.unwrap_or(Duration::MAX)) => waited,
                };
                // A stopping sandbox takes the reply with it.
                if let_go { answer } else { hang_up() }
            }
        }
    }

    /// Waits; false when the sandbox stops in the meantime.
    async fn wait(&self, duration: Duration) -> bool {
        tokio::select! {
            () = tokio::time::sleep(duration) => true,
            () = self.shutdown.requested() => false,
        }
    }
}

fn hang_up() -> Answer {
    let mut answer = Answer::raw(500, String::new());
    answer.hang_up = true;
    answer
}

fn arrive(shop: &Shop<'_>, call: &Call) -> Result<Arrival, Stop> {
    let order_id = call.order_id(shop)?;
    let line = effects::arrived(shop, call, order_id.as_deref())?;
    let strike = faults::strike(shop, call, order_id.as_deref())?;
    Ok(Arrival { strike, line })
}

fn answer_instead(shop: &Shop<'_>, call: &Call, instead: Instead) -> Result<Answer, Stop> {
    let (status, code) = match instead {
        Instead::RateLimit => (429, "RATE_LIMIT_EXCEEDED"),
        Instead::Status(status) => (status, code_of(status)),
    };
    let mut answer = Refusal::new(status, code, "the fault dial answered instead of the shop").answer();
    answer.retry_after_seconds = (status == 429).then_some(1);
    // A provider that replays its own errors has stored this one; other statuses were never begun.
    if status >= 500 {
        shop.store_answer(call, &answer)?;
    }
    Ok(answer)
}

/// The documented code of a status.
fn code_of(status: u16) -> &'static str {
    match status {
        400 => "INVALID_REQUEST",
        401 => "AUTH_FAILED",
        402 => "PAYMENT_REQUIRED",
        403 => "AUTH_FORBIDDEN",
        404 => "RESOURCE_NOT_FOUND",
        409 => "CONFLICT",
        422 => "UNPROCESSABLE",
        429 => "RATE_LIMIT_EXCEEDED",
        500.. => "SERVER_ERROR",
        _ => "REQUEST_REFUSED",
    }
}

/// The effect, its idempotency record and its line in the log: one transaction.
fn perform(shop: &Shop<'_>, call: &Call, line: Option<i64>) -> Result<Answer, Stop> {
    if call.operation.keeps_answers()
        && let Some(key) = call.key.as_deref().filter(|_| shop.switches.keys_count())
    {
        let stored = replay(shop, call, key);
        match stored {
            Ok(None) => {}
            Ok(Some(answer)) => return Ok(answer),
            Err(Stop::Refused(refusal)) => return Ok(refusal.answer()),
            Err(broken) => return Err(broken),
        }
    }
    // A refusal takes back what the handler wrote before it, but is itself recorded.
    shop.batch("SAVEPOINT handler")?;
    let answer = match handlers::handle(shop, call) {
        Ok(answer) => answer,
        Err(Stop::Refused(refusal)) => {
            shop.batch("ROLLBACK TO handler")?;
            refusal.answer()
        }
        Err(broken) => return Err(broken),
    };
    shop.batch("RELEASE handler")?;
    shop.store_answer(call, &answer)?;
    if let (Some(line), Some(effect)) = (line, &answer.effect) {
        effects::happened(shop, call, line, effect)?;
    }
    Ok(answer)
}

/// The answer a key already has. An undone key is refused before its record is replayed.
fn replay(shop: &Shop<'_>, call: &Call, key: &str) -> Result<Option<Answer>, Stop> {
    if shop.switches.keys_barred() && shop.is_barred(call.operation, key, "")? {
        return Err(Refusal::key_undone(&format!("the idempotency key {key}")).into());
    }
    shop.stored_answer(call, key)
}
