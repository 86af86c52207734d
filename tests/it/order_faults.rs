//! The fault matrix of order processing: each step under each fault, each undo under each fault. [`table`] says what
//! each cell leads to; here is how an order comes to it, and how its end and the shop's books are compared.

mod table;

use serde_json::Value;
use tests::matrix::{
    Cell, HERE, PATIENT, Process, SLOW_THIRD, Worker, cancel_is_answered, down_twice, is, killed, reply_lost,
    slow, struck, struck_without_keys, tells, under_way,
};
use tests::world::{Order, World, in_words};
use workflows::report::StepStatus;
use workflows::saga::Action;

use table::{CANCELLED_BECAUSE, Ends, Expected, FULFILLED, Way, backward, forward, held_shortly, refused};

/// The stock that the lines of an order take: variant, pieces before, pieces taken.
const STOCK: [(&str, i64, i64); 2] = [("LAPTOP-001-16GB-512GB", 50, 1), ("MOUSE-001-BLACK", 200, 2)];
/// The shop has to hear of a paid order with a label: a person is asked when it refuses.
const ASKED: &str = "update-order-status";
/// A call may take longer than the stock is held.
const SLOW_WORKER: Worker = Worker::Here(&["--ecommerce-api-timeout=10000"]);

struct Orders;

impl Process for Orders {
    type Place = World;
    type Run<'w> = Order<'w>;
    type Way = Way;
    type Expected = Expected;

    async fn meet<'w>(world: &'w World, cell: &Cell<Self>, faults: Value) -> anyhow::Result<Order<'w>> {
        world.shop.faults(faults).await?;
        let order = world.start(&cell.way.order()).await?;
        match cell.way {
            Way::HoldSwept => {
                world.shop.requested("payments.create").await?;
                world.shop.holds_run_out().await?;
                world.shop.laptops(0).await?;
            }
            Way::CancelledInWait => {
                order.has_invited().await?;
                order.cancel_order(CANCELLED_BECAUSE).await.map_err(anyhow::Error::msg)?;
            }
            Way::Refused(_) if cell.step == ASKED => {
                order.until("asks", |p| p.needs_human == [cell.step]).await?;
                let left = order.answer(cell.step, Action::Leave, "told by telephone").await;
                left.map_err(anyhow::Error::msg)?;
            }
            _ => {}
        }
        Ok(order)
    }

    async fn ends(world: &World, cell: &Cell<Self>, order: &Order<'_>) -> anyhow::Result<()> {
        let report = cell.expected.ends.report(order.ended().await?)?;
        if let Way::Refused(_) = cell.way {
            let left = if cell.step == ASKED { StepStatus::LeftStanding } else { StepStatus::Failed };
            tells(&report, cell.step, left)?;
        }
        if matches!(cell.way, Way::Refused(_)) && cell.step == ASKED {
            booked_by_hand(world, &order.order_id).await?;
        }
        is("undone", &in_words(&report.undone), &cell.expected.undone)?;
        if cell.way == Way::HoldSwept {
            // The laptops that others bought come back, for the books to compare.
            world.shop.laptops(50).await?;
        }
        books(world, cell).await
    }
}

/// A shop that was told nothing waits for an order that is paid and labelled, until somebody books it.
async fn booked_by_hand(world: &World, order_id: &str) -> anyhow::Result<()> {
    let violations = world.shop.violations().await?;
    let kinds: Vec<&str> = violations.iter().filter_map(|violation| violation.split(':').next()).collect();
    is("violations", &kinds, &["paid and labelled, unheard"])?;
    world.shop.mend().await?;
    world.shop.book(order_id, "confirmed").await
}

/// The confirmation; or how the order ended, and that money went back. The customer of an order that had begun nothing
/// hears nothing, and the one of an order that waited was told what to do.
fn mails(Cell { way, expected, .. }: &Cell<Orders>) -> i64 {
    match expected.ends {
        Ends::Fulfilled => i64::from(expected.missing != Some("mails")),
        _ if expected.undone.len() == 1 => 0,
        Ends::Stopped(..) | Ends::Failed("PaymentDeclined") => {
            1 + expected.charges + i64::from(*way == Way::CancelledInWait)
        }
        Ends::Failed(_) => expected.charges,
    }
}

async fn books(world: &World, cell: &Cell<Orders>) -> anyhow::Result<()> {
    let expected = cell.expected;
    is("mails", &world.shop.get("audit").await?["totals"]["mails"], &mails(cell))?;
    let totals = world.shop.clean().await?;
    let fulfilled = i64::from(expected.ends == Ends::Fulfilled);
    let refunds = expected.charges * (1 - fulfilled);
    let told = |figure| (figure, if expected.missing == Some(figure) { 0 } else { fulfilled });
    let money = [("charges", expected.charges), ("refunds", refunds), ("holds", 0)];
    for (figure, wanted) in money.into_iter().chain(["sms", "pushes", "events"].map(told)) {
        is(figure, &totals[figure], &wanted)?;
    }
    let labels = |figure: &str| totals[figure].as_i64().unwrap_or(-1);
    is("standing labels", &(labels("shipments") - labels("voided_shipments")), &fulfilled)?;
    is("net money", &totals["net_money"]["VND"].as_i64().unwrap_or(0), &(26_000_000 * fulfilled))?;
    for (variant, before, taken) in STOCK {
        is(variant, &world.shop.stock(variant).await?, &(before - taken * fulfilled, 0))?;
    }
    Ok(())
}

tests::columns! {
    each_step_refused: struck(refused(), HERE, &[]);
    each_step_down_twice: struck(forward(|_| FULFILLED), HERE, &[down_twice]);
    each_step_with_its_reply_lost: struck(forward(|_| FULFILLED), HERE, &[reply_lost]);
    /// Where the provider can be asked, the look-up alone keeps it at one effect.
    each_step_with_its_reply_lost_and_its_key_ignored:
        struck_without_keys(forward(|_| FULFILLED).filter(|cell| cell.is_looked_up), HERE, &[reply_lost]);
    each_step_with_its_worker_killed: killed(forward(|_| FULFILLED), &[]);
    each_step_while_the_hold_ends: struck(held_shortly(), SLOW_WORKER, &[|operation| slow(operation, 4_000)]);
    each_undo_down_twice: struck(backward(), Worker::Apart(PATIENT), &[down_twice]);
    each_undo_with_its_reply_lost: struck(backward(), Worker::Apart(PATIENT), &[reply_lost]);
    each_undo_with_its_worker_killed: killed(backward(), PATIENT);
}

#[tokio::test]
async fn each_step_cancelled_under_way() -> anyhow::Result<()> {
    under_way(forward(|row| row.cancelled), HERE, &SLOW_THIRD, async |world, cell, order| {
        // Telling the shop comes last and is not the undo of any step.
        let undone = cell.expected.undone.split_last().map(|(_, undone)| undone);
        let answer = order.cancel_order(CANCELLED_BECAUSE).await;
        cancel_is_answered(answer, undone.ok_or("has a shipping label"))?;
        Orders::ends(world, cell, order).await
    })
    .await
}
