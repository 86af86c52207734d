//! The fault dial: faults per operation, by count or by seeded probability.
//!
//! Faults live in the database with their hits, so that a restarted sandbox goes on where it stopped.

use std::time::Duration;

use rusqlite::params;
use serde::{Deserialize, Serialize};

use crate::answer::{Refusal, Stop};
use crate::call::Call;
use crate::operation::Operation;
use crate::random::SplitMix64;
use crate::shop::Shop;

/// One fault as it is set on the control interface.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dial {
    operation: Target,
    kind: Kind,
    /// The status to answer with (`status` only).
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// How many times the fault fires; absent: always.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u32>,
    /// How likely each matching request is hit; absent: 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    probability: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_ms: Option<u64>,
    /// The matching requests of a second of the sandbox clock that go through (`rate_limit` only).
    #[serde(skip_serializing_if = "Option::is_none")]
    per_second: Option<u32>,
    /// Start of the fault's own random sequence.
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    /// Only requests of that order.
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<String>,
    /// Only requests about the row of that id, SKU, name, slug or file name.
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Status,
    Latency,
    RateLimit,
    ReplyLost,
    Malformed,
    HoldReply,
}

/// Which operations a fault is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
enum Target {
    Any,
    One(Operation),
}

impl TryFrom<String> for Target {
    type Error = String;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        if name == "*" {
            return Ok(Self::Any);
        }
        Operation::from_name(&name).map(Self::One).ok_or_else(|| {
            let known: Vec<_> = Operation::all().map(Operation::name).collect();
            format!("unknown operation `{name}`, expected * or one of {}", known.join(", "))
        })
    }
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        match target {
            Target::Any => "*".to_owned(),
            Target::One(operation) => operation.name().to_owned(),
        }
    }
}

/// The effect of the faults on one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Strike {
    /// Waited before anything else.
    pub(crate) delay: Duration,
    /// Answered instead of doing anything.
    pub(crate) instead: Option<Instead>,
    /// Done to the answer once the effect has happened.
    pub(crate) afterwards: Option<Afterwards>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Instead {
    Status(u16),
    RateLimit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Afterwards {
    LoseReply,
    Malform,
    /// Withheld for that long, or until the faults are cleared.
    Hold(Option<Duration>),
}

/// A fault with its state.
struct Fault {
    position: i64,
    dial: Dial,
    hits: u32,
    random: SplitMix64,
}

/// A fault as it is shown.
#[derive(Debug, Serialize)]
pub(crate) struct ShownFault {
    #[serde(flatten)]
    dial: Dial,
    hits: u32,
}

impl Dial {
    fn check(&self, index: usize) -> Result<(), Refusal> {
        let refuse =
            |field: &str, message: &str| Err(Refusal::invalid(&format!("[{index}].{field}"), message));
        if self.status.is_some_and(|status| !(400..=599).contains(&status)) {
            return refuse("status", "must be from 400 to 599");
        }
        if self.status.is_some() && self.kind != Kind::Status {
            return refuse("status", "is for kind status only");
        }
        if self.probability.is_some_and(|probability| !(0.0..=1.0).contains(&probability)) {
            return refuse("probability", "must be from 0 to 1");
        }
        if self.per_second.is_some() && self.kind != Kind::RateLimit {
            return refuse("per_second", "is for kind rate_limit only");
        }
        if self.per_second.is_some() && self.probability.is_some() {
            return refuse("per_second", "goes without a probability");
        }
        match (self.kind, self.latency_ms) {
            (Kind::Latency, None) => refuse("latency_ms", "is needed for kind latency"),
            (Kind::Latency | Kind::HoldReply, _) | (_, None) => Ok(()),
            _ => refuse("latency_ms", "is for the kinds latency and hold_reply only"),
        }
    }

    fn matches(&self, call: &Call, order_id: Option<&str>) -> bool {
        self.target_is(call.operation)
            && self.order_id.as_deref().is_none_or(|wanted| order_id == Some(wanted))
            && self.about.as_deref().is_none_or(|wanted| call.is_about(wanted))
    }

    fn target_is(&self, operation: Operation) -> bool {
        self.operation == Target::Any || self.operation == Target::One(operation)
    }
}

/// Replaces the list.
pub(crate) fn replace(shop: &Shop<'_>, dials: &[Dial]) -> Result<(), Stop> {
    for (index, dial) in dials.iter().enumerate() {
        dial.check(index)?;
    }
    shop.run("DELETE FROM faults", [])?;
    for dial in dials {
        shop.run(
            "INSERT INTO faults (dial, hits, random_state) VALUES (?1, 0, ?2)",
            params![serde_json::to_string(dial)?, dial.seed.unwrap_or(0)],
        )?;
    }
    Ok(())
}

/// The list with its hits so far.
pub(crate) fn show(shop: &Shop<'_>) -> Result<Vec<ShownFault>, Stop> {
    let faults = load(shop)?;
    Ok(faults.into_iter().map(|fault| ShownFault { dial: fault.dial, hits: fault.hits }).collect())
}

/// Decides what happens to a request, and uses up budgets accordingly.
pub(crate) fn strike(shop: &Shop<'_>, call: &Call, order_id: Option<&str>) -> Result<Strike, Stop> {
    let mut faults = load(shop)?;
    faults.retain(|fault| fault.dial.matches(call, order_id));
    let mut strike = Strike::default();
    for fault in faults.iter_mut().filter(|fault| fault.dial.kind == Kind::Latency) {
        if fault.fires(shop)? {
            strike.delay += Duration::from_millis(fault.dial.latency_ms.unwrap_or(0));
        }
    }
    for fault in &mut faults {
        let instead = match fault.dial.kind {
            Kind::Status => Instead::Status(fault.dial.status.unwrap_or(call.operation.outage())),
            Kind::RateLimit => Instead::RateLimit,
            _ => continue,
        };
        if fault.fires(shop)? {
            // A request answered here has no effect, so the faults after the effect keep their budget.
            strike.instead = Some(instead);
            return Ok(strike);
        }
    }
    for fault in &mut faults {
        let afterwards = match fault.dial.kind {
            Kind::ReplyLost => Afterwards::LoseReply,
            Kind::Malformed => Afterwards::Malform,
            Kind::HoldReply => Afterwards::Hold(fault.dial.latency_ms.map(Duration::from_millis)),
            _ => continue,
        };
        if fault.fires(shop)? {
            strike.afterwards = Some(afterwards);
            return Ok(strike);
        }
    }
    Ok(strike)
}

fn load(shop: &Shop<'_>) -> Result<Vec<Fault>, Stop> {
    let rows =
        shop.list("SELECT position, dial, hits, random_state FROM faults ORDER BY position", [], |row| {
            Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?, row.get::<_, i64>(3)?))
        })?;
    rows.into_iter()
        .map(|(position, dial, hits, state)| {
            let random = SplitMix64(state.cast_unsigned());
            Ok(Fault { position, dial: serde_json::from_str(&dial)?, hits, random })
        })
        .collect()
}

impl Fault {
    fn fires(&mut self, shop: &Shop<'_>) -> rusqlite::Result<bool> {
        if self.dial.count.is_some_and(|count| self.hits >= count) {
            return Ok(false);
        }
        let hit = match self.dial.per_second {
            Some(limit) => self.is_over(limit, shop.now),
            None => self.dial.probability.is_none_or(|probability| self.random.unit() < probability),
        };
        self.hits += u32::from(hit);
        shop.run(
            "UPDATE faults SET hits = ?2, random_state = ?3 WHERE position = ?1",
            params![self.position, self.hits, self.random.0.cast_signed()],
        )?;
        Ok(hit)
    }

    /// Counts a request of this second; those of a rate need no random sequence, and count in its place.
    fn is_over(&mut self, limit: u32, now: i64) -> bool {
        let second = now.div_euclid(1000).cast_unsigned() & 0xFFFF_FFFF;
        let counted = if self.random.0 >> 32 == second { self.random.0 & 0xFFFF_FFFF } else { 0 };
        self.random.0 = (second << 32) | (counted + 1);
        counted >= u64::from(limit)
    }
}
