//! Orders whose money is not what is due: a person decides about less, and about other money, while the stock is held.

use std::time::Duration;

use serde_json::json;
use tests::orders;
use tests::servers::TimeSkipping;
use tests::world::{Order, World, in_words};
use workflows::report::{Progress, StepStatus};
use workflows::saga::{Action, AnswerOutcome, Question, SubjectKind};

const PAY: &str = "process-payment";
const LAPTOP: &str = "LAPTOP-001-16GB-512GB";
const MINUTE: Duration = Duration::from_secs(60);
/// The undos of an order that ends while its money is asked about.
const BACK: [&str; 3] = ["process-payment", "reserve-inventory", "update-order"];

/// An order of 25,000,000 dong for which so much has come by transfer; it asks.
async fn asking<'w>(world: &'w World, amount: u32, currency: &str) -> anyhow::Result<(Order<'w>, Question)> {
    let order = world.start(&orders::paid_by("bank_transfer")).await?;
    order.waits().await?;
    let question = comes(world, &order, amount, currency).await?;
    Ok((order, question))
}

/// So much has come in all, which is not what is due.
async fn comes(world: &World, order: &Order<'_>, amount: u32, currency: &str) -> anyhow::Result<Question> {
    let event = world.shop.settle_with(&order.order_id, json!(amount), currency).await?;
    assert_eq!(order.payment_settled(&event).await.as_deref(), Ok("taken"));
    let came = format!("{amount}");
    let asks = |p: &Progress| p.questions.iter().any(|question| question.reason.starts_with(&came));
    let progress = order.until("asks about the money", asks).await?;
    progress.questions.into_iter().next().ok_or_else(|| anyhow::anyhow!("no question"))
}

async fn stock_is_held(world: &World) -> anyhow::Result<()> {
    assert_eq!(world.shop.stock(LAPTOP).await?, (50, 1), "the stock is held while somebody decides");
    Ok(())
}

async fn nothing_stands(world: &World) -> anyhow::Result<()> {
    let totals = world.shop.clean().await?;
    assert_eq!((&totals["charges"], &totals["refunds"], &totals["holds"]), (&json!(1), &json!(1), &json!(0)));
    for (currency, net) in totals["net_money"].as_object().into_iter().flatten() {
        assert_eq!(net, &json!(0), "{currency}");
    }
    assert_eq!(world.shop.stock(LAPTOP).await?, (50, 0));
    Ok(())
}

#[tokio::test]
async fn a_transfer_that_is_short_is_asked_about_with_both_amounts() -> anyhow::Result<()> {
    let world = World::new().await?;
    let (order, question) = asking(&world, 24_000_000, "VND").await?;
    assert_eq!((question.about.kind, question.about.step.as_str()), (SubjectKind::Decision, PAY));
    assert_eq!(question.reason, "24000000 VND came, and 25000000 VND are due");
    let fact =
        |name: &str| question.facts.iter().find(|fact| fact.name == name).map(|fact| fact.value.as_str());
    assert_eq!((fact("received"), fact("due")), (Some("24000000 VND"), Some("25000000 VND")));
    assert!(fact("payment_id").is_some(), "{question:?}");
    let answers: Vec<Action> = question.answers.iter().map(|choice| choice.action).collect();
    assert_eq!(answers, [Action::Approve, Action::Reject, Action::Wait]);
    let deadline =
        question.deadline.zip(question.since).map(|(deadline, since)| deadline.duration_since(since));
    let minutes = deadline.map(|left| left.as_mins());
    assert!(
        minutes.is_some_and(|minutes| (28..=30).contains(&minutes)),
        "as long as the stock is held: {minutes:?}"
    );
    assert_eq!(order.asked().await?, ["process-payment: short"]);
    assert!(order.needs_human().await?);
    stock_is_held(&world).await?;
    assert_eq!(world.shop.requests("inventory.confirm").await?, 0, "nothing is sold before the answer");
    order.cancel_order("the customer called").await.map_err(anyhow::Error::msg)?;
    let result = order.ended().await?.stopped_as("cancelled")?;
    assert_eq!(in_words(&result.report.undone), BACK);
    assert!(!order.needs_human().await?);
    nothing_stands(&world).await
}

/// The look behind the answer gets none: the answer stands, nobody is asked anew, and it is tried on.
#[tokio::test]
async fn what_was_accepted_stays_so_while_nobody_can_look() -> anyhow::Result<()> {
    let world = World::new().await?;
    let (order, question) = asking(&world, 24_000_000, "VND").await?;
    world.shop.faults(json!([{ "operation": "payments.get", "kind": "status", "status": 503 }])).await?;
    let answer = order.answer(&question.id, Action::Approve, "a regular customer").await;
    assert_eq!(answer, Ok(AnswerOutcome::Approved));
    let progress = order.until_step(PAY, StepStatus::Waiting).await?;
    let detail = progress.step(PAY).and_then(|step| step.detail.clone()).unwrap_or_default();
    assert!(detail.starts_with("approved: a regular customer; the payment is read once more"), "{detail}");
    assert!(progress.questions.is_empty() && !order.needs_human().await?, "{:?}", progress.questions);
    world.shop.mend().await?;
    assert_eq!(order.payment_settled("evt-of-something-else").await.as_deref(), Ok("taken"));
    let result = order.ended().await?.fulfilled()?;
    let detail = result.report.step(PAY).and_then(|step| step.detail.clone()).unwrap_or_default();
    assert_eq!(detail, "24000000 VND came, and 25000000 VND are due; approved: a regular customer");
    Ok(())
}

/// A person has decided: the reservation that is over meanwhile takes nothing of that back.
#[tokio::test]
async fn what_was_accepted_stays_so_behind_the_deadline() -> anyhow::Result<()> {
    let server = TimeSkipping::start()?;
    let world = World::on(&server.address, &[]).await?;
    let (order, question) = asking(&world, 24_000_000, "VND").await?;
    world.shop.faults(json!([{ "operation": "payments.get", "kind": "status", "status": 503 }])).await?;
    let answer = order.answer(&question.id, Action::Approve, "a regular customer").await;
    assert_eq!(answer, Ok(AnswerOutcome::Approved));
    server.sleep(&world.client, 45 * MINUTE).await?;
    world.shop.mend().await?;
    let result = server.skipping(&world.client, order.ended()).await??.fulfilled()?;
    assert!(result.execution_time >= 45 * 60 * 1_000, "{}", result.execution_time);
    Ok(())
}

/// It may have gone back meanwhile: then it is not what was accepted.
#[tokio::test]
async fn what_was_accepted_and_is_another_amount_by_then_is_asked_about_again() -> anyhow::Result<()> {
    let world = World::new().await?;
    let (order, question) = asking(&world, 24_000_000, "VND").await?;
    world.shop.faults(json!([{ "operation": "payments.get", "kind": "status", "status": 503 }])).await?;
    let answer = order.answer(&question.id, Action::Approve, "a regular customer").await;
    assert_eq!(answer, Ok(AnswerOutcome::Approved));
    order.until_step(PAY, StepStatus::Waiting).await?;
    world.shop.mend().await?;
    let again = comes(&world, &order, 23_000_000, "VND").await?;
    assert_eq!(again.id, "process-payment.2");
    let answer = order.answer(&again.id, Action::Reject, "that is too little").await;
    assert_eq!(answer, Ok(AnswerOutcome::Rejected));
    order.ended().await?.stopped_as("cancelled")?;
    nothing_stands(&world).await
}

/// The shop's books show it: that a person took less is known to the run alone.
#[tokio::test]
async fn what_came_can_be_accepted() -> anyhow::Result<()> {
    let world = World::new().await?;
    let (order, question) = asking(&world, 24_000_000, "VND").await?;
    let answer = order.answer(&question.id, Action::Approve, "a regular customer").await;
    assert_eq!(answer, Ok(AnswerOutcome::Approved));
    let result = order.ended().await?.fulfilled()?;
    let detail = result.report.step(PAY).and_then(|step| step.detail.clone()).unwrap_or_default();
    assert_eq!(detail, "24000000 VND came, and 25000000 VND are due; approved: a regular customer");
    assert!(!order.needs_human().await?);
    let violations = world.shop.violations().await?;
    let kinds: Vec<&str> = violations.iter().filter_map(|violation| violation.split(':').next()).collect();
    assert_eq!(kinds, ["confirmed without its money", "shipped without money"]);
    let totals = &world.shop.get("audit").await?["totals"];
    assert_eq!((&totals["net_money"]["VND"], &totals["refunds"]), (&json!(24_000_000), &json!(0)));
    Ok(())
}

#[tokio::test]
async fn what_came_can_be_given_back() -> anyhow::Result<()> {
    let world = World::new().await?;
    let (order, question) = asking(&world, 24_000_000, "VND").await?;
    let answer = order.answer(&question.id, Action::Reject, "the customer wants it back").await;
    assert_eq!(answer, Ok(AnswerOutcome::Rejected));
    let result = order.ended().await?.stopped_as("cancelled")?;
    assert_eq!(result.reason.as_deref(), Some("rejected: the customer wants it back"));
    assert_eq!(in_words(&result.report.undone), BACK);
    nothing_stands(&world).await
}

/// Somebody waits for the rest: nobody is asked again about the same amount, and the order goes on when it has come.
#[tokio::test]
async fn the_rest_can_be_waited_for() -> anyhow::Result<()> {
    let world = World::new().await?;
    let (order, question) = asking(&world, 24_000_000, "VND").await?;
    let answer = order.answer(&question.id, Action::Wait, "it is on its way").await;
    assert_eq!(answer, Ok(AnswerOutcome::Waits));
    let progress = order.until_step(PAY, StepStatus::Waiting).await?;
    assert!(progress.questions.is_empty() && !order.needs_human().await?, "{:?}", progress.questions);
    let looks = world.shop.requests("payments.get").await?;
    assert_eq!(order.payment_settled("evt-of-something-else").await.as_deref(), Ok("taken"));
    world.shop.requested_again("payments.get", looks).await?;
    stock_is_held(&world).await?;
    assert!(order.progress().await?.questions.is_empty(), "it asks again about the same amount");
    // Another amount, and still too little: that is news for a person.
    let again = comes(&world, &order, 24_500_000, "VND").await?;
    assert_eq!(again.id, "process-payment.2");
    // The rest comes while the question is open, and closes it.
    let event = world.shop.settle_with(&order.order_id, json!(25_000_000), "VND").await?;
    assert_eq!(order.payment_settled(&event).await.as_deref(), Ok("taken"));
    let result = order.ended().await?.fulfilled()?;
    assert_eq!(result.report.step(PAY).and_then(|step| step.detail.as_deref()), Some("settled"));
    assert!(!order.needs_human().await?);
    assert_eq!(world.shop.clean().await?["net_money"]["VND"], json!(25_000_000));
    Ok(())
}

/// The customer sends the rest as a payment of its own: a person adds them up.
#[tokio::test]
async fn the_rest_that_comes_as_another_payment_is_asked_about() -> anyhow::Result<()> {
    for (action, refunds) in [(Action::Approve, 0), (Action::Reject, 2)] {
        let world = World::new().await?;
        let (order, _) = asking(&world, 24_000_000, "VND").await?;
        let second = world.shop.post(&format!("payments/{}/again", order.order_id), json!({})).await?;
        let event = second["event_id"].as_str().unwrap_or_default();
        assert_eq!(order.payment_settled(event).await.as_deref(), Ok("taken"));
        let asks = |p: &Progress| p.questions.iter().any(|question| question.id == "process-payment.2");
        let progress = order.until("asks about both", asks).await?;
        let reasons: Vec<_> = progress.questions.iter().map(|question| question.reason.as_str()).collect();
        let said = "24000000 VND came, and 25000000 VND are due; another payment came beside it: two payments under \
                    one key hold money (24000000 VND) (24000000 VND)";
        assert_eq!(reasons, [said]);
        stock_is_held(&world).await?;
        order.answer("process-payment.2", action, "added up").await.map_err(anyhow::Error::msg)?;
        match action {
            Action::Approve => drop(order.ended().await?.fulfilled()?),
            _ => {
                order.ended().await?.stopped_as("cancelled")?;
                assert_eq!(world.shop.clean().await?["net_money"]["VND"], json!(0));
            }
        }
        assert_eq!(world.shop.get("audit").await?["totals"]["refunds"], json!(refunds), "{action:?}");
    }
    Ok(())
}

/// Nobody answers, or the rest never comes: the stock is held until the reservation is over, and what came goes back.
#[tokio::test]
async fn what_came_goes_back_when_the_time_is_over() -> anyhow::Result<()> {
    let server = TimeSkipping::start()?;
    let world = World::on(&server.address, &[]).await?;
    for (says_to_wait, why) in [
        (
            false,
            "24000000 VND came, and 25000000 VND are due, and nobody decided about it while the stock was held",
        ),
        (
            true,
            "24000000 VND came, and 25000000 VND are due, and the rest did not come while the stock was held",
        ),
    ] {
        let (order, question) = asking(&world, 24_000_000, "VND").await?;
        if says_to_wait {
            let answer = order.answer(&question.id, Action::Wait, "it is on its way").await;
            assert_eq!(answer, Ok(AnswerOutcome::Waits));
        }
        let result = server.skipping(&world.client, order.ended()).await??.stopped_as("expired")?;
        assert_eq!(result.reason.as_deref(), Some(why));
        assert_eq!(in_words(&result.report.undone), BACK);
        let took = Duration::from_millis(result.execution_time.try_into()?);
        assert!((30 * MINUTE..31 * MINUTE).contains(&took), "{took:?}");
    }
    let totals = world.shop.clean().await?;
    assert_eq!(
        (&totals["charges"], &totals["refunds"], &totals["shipments"]),
        (&json!(2), &json!(2), &json!(0))
    );
    assert_eq!(totals["net_money"]["VND"], json!(0));
    Ok(())
}

/// Nobody here knows what other money is worth, however much it is; all of it goes back in its own currency.
#[tokio::test]
async fn other_money_is_for_a_person_too() -> anyhow::Result<()> {
    let world = World::new().await?;
    let (order, question) = asking(&world, 25_000_000, "USD").await?;
    assert_eq!(question.cause, "other_currency");
    let reason = "25000000.00 USD came, in another currency than the 25000000 VND that are due";
    assert_eq!(question.reason, reason);
    let answer = order.answer(&question.id, Action::Reject, "not our currency").await;
    assert_eq!(answer, Ok(AnswerOutcome::Rejected));
    order.ended().await?.stopped_as("cancelled")?;
    nothing_stands(&world).await
}

/// More than is due is enough, and the report says so.
#[tokio::test]
async fn too_much_money_is_an_order_all_the_same() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = world.start(&orders::paid_by("bank_transfer")).await?;
    order.waits().await?;
    let event = world.shop.settle_with(&order.order_id, json!(26_000_000), "VND").await?;
    assert_eq!(order.payment_settled(&event).await.as_deref(), Ok("taken"));
    let result = order.ended().await?.fulfilled()?;
    let detail = result.report.step(PAY).and_then(|step| step.detail.as_deref());
    assert_eq!(detail, Some("26000000 VND came, more than the 25000000 VND that are due"));
    assert_eq!(world.shop.clean().await?["net_money"]["VND"], json!(26_000_000));
    Ok(())
}
