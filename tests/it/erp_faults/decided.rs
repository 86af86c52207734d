//! Decisions of the process by itself: whether enough records are valid, and whether a person is asked.

use std::fmt;

use serde_json::{Value, json};
use tests::erp::{ErpWorld, Sync};
use tests::matrix::{Opened, Worker, each};

use super::books::{FAST, books_of, config, fill, goes_on, product};
use super::table::{Cells, Decision, Expected, ROWS};

impl Decision {
    /// The record that makes the process decide.
    fn record(self) -> Value {
        match self {
            Self::Unmapped | Self::UnmappedAllowed => product("P9", 5, "NEW-009", &json!("cheap")),
            Self::Invalid | Self::InvalidAllowed => product("P9", 5, "NEW 009", &json!(9_000)),
            _ => product("P9", 5, "NEW-009", &json!(0)),
        }
    }

    fn is_invalid(self) -> bool {
        matches!(self, Self::Unmapped | Self::UnmappedAllowed | Self::Invalid | Self::InvalidAllowed)
    }

    fn config(self) -> Value {
        match self {
            Self::UnmappedAllowed | Self::InvalidAllowed => json!({ "max_invalid": 1 }),
            Self::Unanswered => json!({ "approval_deadline": "1s" }),
            _ => json!({}),
        }
    }

    /// Answers the brake, if it is to be answered.
    async fn answer(self, run: &Sync<'_>) -> anyhow::Result<()> {
        match self {
            Self::Approved | Self::KilledAsking => decide(run, true).await,
            Self::Rejected => decide(run, false).await,
            Self::CancelledAsking => {
                run.asks().await?;
                run.temporal_cancel().await
            }
            Self::Unanswered => run.asks().await.map(drop),
            Self::Unmapped | Self::UnmappedAllowed | Self::Invalid | Self::InvalidAllowed => Ok(()),
        }
    }
}

async fn decide(run: &Sync<'_>, is_approved: bool) -> anyhow::Result<()> {
    run.asks().await?;
    run.decide(is_approved, "looked at").await.map(drop).map_err(anyhow::Error::msg)
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

#[tokio::test]
async fn each_decision() -> anyhow::Result<()> {
    let decisions = ROWS.iter().flat_map(|row| match row.cells {
        Cells::Decided(cells) => cells,
        Cells::Lease | Cells::Call(_) => &[],
    });
    let decisions = decisions.map(|(decision, expected)| Cell(*decision, *expected));
    each(decisions, Worker::Apart(FAST), async |Cell(decision, expected), opened: &mut Opened<ErpWorld>| {
        let (erp, worker) = (&opened.place, &mut opened.worker);
        fill(erp).await?;
        erp.erp(json!([decision.record()])).await?;
        let run = erp.start(config(&decision.config())).await?;
        if *decision == Decision::KilledAsking {
            run.asks().await?;
            worker.process()?.kill()?;
            worker.start_again(erp)?;
        }
        decision.answer(&run).await?;
        books_of(erp, &run, *expected).await?;
        if decision.is_invalid() {
            erp.erp(json!([product("P9", 6, "NEW-009", &json!(9_000))])).await?;
        }
        goes_on(erp, *expected, &json!({ "limits": { "prices_to_zero": 1 } })).await
    })
    .await
}

struct Cell(Decision, Expected);

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
