//! Orders that are paid through Stripe: a real worker, the sandbox for everything but the money, and localstripe
//! for the money. It ignores idempotency keys, so that what happens once here is the look-up's doing.

use std::time::{Duration, Instant, SystemTime};

use activities::http::Credential;
use activities::payment::stripe::webhook::verify_and_read;
use activities::webhook::WebhookError;
use serde_json::{Value, json};
use tests::orders;
use tests::stripe::wire::{Search, Trouble, Wire};
use tests::stripe::{CAUTIOUS_CARD, DECLINED_CARD, GOOD_CARD, Listener, Localstripe};
use tests::world::{WorkerProcess, World};

const CREATE: &str = "POST /v1/payment_intents";
const REFUND: &str = "POST /v1/refunds";
const LIST: &str = "GET /v1/payment_intents";
const SEARCH: &str = "GET /v1/payment_intents/search";

/// Stripe, the wire to it, and a shop that is paid through it.
struct Paid {
    stripe: Localstripe,
    wire: Wire,
    world: World,
    _worker: Option<WorkerProcess>,
}

impl Paid {
    async fn through_stripe() -> anyhow::Result<Self> {
        let stripe = Localstripe::start().await?;
        let wire = Wire::to(stripe.url()).await?;
        let settings = wire.settings();
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        Ok(Self { world: World::with(&settings).await?, stripe, wire, _worker: None })
    }

    /// With a worker process of its own, for settings that the workers of one process share.
    async fn apart(more: &[&str]) -> anyhow::Result<Self> {
        let stripe = Localstripe::start().await?;
        let wire = Wire::to(stripe.url()).await?;
        let settings = wire.settings();
        let settings: Vec<&str> = settings.iter().map(String::as_str).chain(more.iter().copied()).collect();
        let (world, worker) = World::apart(&settings).await?;
        Ok(Self { world, stripe, wire, _worker: Some(worker) })
    }

    /// Nothing was paid at the sandbox, and nothing of the order is left there.
    async fn nothing_stands(&self, shipments: u64) -> anyhow::Result<()> {
        let totals = self.world.shop.clean().await?;
        assert_eq!((&totals["charges"], &totals["holds"]), (&json!(0), &json!(0)), "{totals}");
        assert_eq!(
            (&totals["shipments"], &totals["voided_shipments"]),
            (&json!(shipments), &json!(shipments))
        );
        Ok(())
    }
}

fn charged(intent: &Value) -> (&Value, &Value, &Value, &Value) {
    let charge = &intent["latest_charge"];
    (&intent["status"], &intent["currency"], &charge["amount"], &charge["amount_refunded"])
}

#[tokio::test]
async fn dong_and_dollars_are_paid_in_their_smallest_unit() -> anyhow::Result<()> {
    let Paid { stripe, wire, world, .. } = &Paid::through_stripe().await?;
    let cases = [
        (stripe.order(GOOD_CARD).await?, ("vnd", 25_000_000)),
        (stripe.order_in_dollars().await?, ("usd", 1_999)),
    ];
    for (order, (currency, amount)) in cases {
        let result = world.run(&order).await?.fulfilled()?;
        let intent = stripe.intent(&orders::id(&order)).await?;
        assert_eq!(
            charged(&intent),
            (&json!("succeeded"), &json!(currency), &json!(amount), &json!(0)),
            "{intent}"
        );
        assert_eq!(result.payment_id.as_deref(), intent["id"].as_str());
        let key = format!("order/{}/process-payment", orders::id(&order));
        assert_eq!(intent["metadata"]["idempotency_key"], json!(key));
        let sent = wire.sent();
        let Some(last) = sent.last() else { anyhow::bail!("nothing was sent") };
        assert_eq!((last.what.as_str(), last.key.as_str()), (CREATE, key.as_str()));
        assert_eq!(last.authorization, "Bearer sk_test_12345");
        assert!(!last.version.is_empty());
    }
    // Where nothing went wrong, one request is all it takes.
    assert_eq!(wire.sent().len(), 2, "{:?}", wire.sent());
    Ok(())
}

#[tokio::test]
async fn a_declined_card_ends_the_order_and_its_payment() -> anyhow::Result<()> {
    let paid = Paid::through_stripe().await?;
    let order = paid.stripe.order(DECLINED_CARD).await?;
    let (message, report) = paid.world.run(&order).await?.failed_as("PaymentDeclined")?;
    assert_eq!(message, "Workflow step 'process-payment' failed: payment declined: card_declined");
    assert_eq!(
        tests::world::in_words(&report.undone),
        ["process-payment", "reserve-inventory", "update-order"]
    );
    // Else the checkout could pay it with another card, for an order that no longer exists.
    assert_eq!(paid.stripe.intent(&orders::id(&order)).await?["status"], json!("canceled"));
    paid.nothing_stands(0).await
}

#[tokio::test]
async fn a_wallet_is_declined_without_a_call() -> anyhow::Result<()> {
    let paid = Paid::through_stripe().await?;
    let (message, _) = paid.world.run(&orders::paid_by("e_wallet")).await?.failed_as("PaymentDeclined")?;
    assert_eq!(
        message,
        "Workflow step 'process-payment' failed: payment declined: payment_method_unsupported"
    );
    assert!(paid.wire.sent_as(CREATE).is_empty());
    paid.nothing_stands(0).await
}

/// Without the look-up before the second attempt there would be two: localstripe ignores the key.
#[tokio::test]
async fn a_charge_whose_reply_is_lost_is_found_again() -> anyhow::Result<()> {
    for trouble in [Trouble::ReplyLost, Trouble::DoneThenAnswered(500), Trouble::Late(Duration::from_secs(3))]
    {
        let Paid { stripe, wire, world, .. } = &Paid::through_stripe().await?;
        let order = stripe.order(GOOD_CARD).await?;
        wire.trouble(CREATE, trouble.clone());
        // A late one has to have arrived before the second attempt looks.
        if matches!(trouble, Trouble::Late(_)) {
            wire.trouble(SEARCH, Trouble::Late(Duration::from_millis(1_500)));
        }
        let result = world.run(&order).await?.fulfilled()?;
        let intent = stripe.intent(&orders::id(&order)).await?;
        assert_eq!(intent["status"], json!("succeeded"), "{trouble:?}");
        assert_eq!(result.payment_id.as_deref(), intent["id"].as_str(), "{trouble:?}");
        assert_eq!(wire.sent_as(CREATE).len(), 1, "{trouble:?}");
    }
    Ok(())
}

/// localstripe lists oldest first: ours is behind two pages of others.
#[tokio::test]
async fn a_payment_is_found_behind_many_others() -> anyhow::Result<()> {
    let Paid { stripe, wire, world, .. } = &Paid::through_stripe().await?;
    for _ in 0..205 {
        stripe.post("/v1/payment_intents", &[("amount", "1000"), ("currency", "usd")]).await?;
    }
    let order = stripe.order(GOOD_CARD).await?;
    wire.trouble(CREATE, Trouble::ReplyLost);
    world.run(&order).await?.fulfilled()?;
    stripe.intent(&orders::id(&order)).await?;
    assert_eq!((wire.sent_as(CREATE).len(), wire.sent_as(LIST).len()), (1, 3));
    Ok(())
}

#[tokio::test]
async fn a_search_that_finds_saves_the_listing_and_one_that_lags_does_not() -> anyhow::Result<()> {
    for (search, lists) in [(Search::Current, 0), (Search::Lagging, 1)] {
        let Paid { stripe, wire, world, .. } = &Paid::through_stripe().await?;
        wire.search(search);
        wire.trouble(CREATE, Trouble::ReplyLost);
        let order = stripe.order(GOOD_CARD).await?;
        world.run(&order).await?.fulfilled()?;
        stripe.intent(&orders::id(&order)).await?;
        let asked = (wire.sent_as(CREATE).len(), wire.sent_as(SEARCH).len(), wire.sent_as(LIST).len());
        assert_eq!(asked, (1, 1, lists), "{search:?}");
    }
    Ok(())
}

#[tokio::test]
async fn what_was_paid_goes_back_once_when_the_carrier_refuses() -> anyhow::Result<()> {
    for trouble in [None, Some(Trouble::ReplyLost), Some(Trouble::Answered(429, &[("retry-after", "1")]))] {
        let paid = Paid::through_stripe().await?;
        let Paid { stripe, wire, world, .. } = &paid;
        let fault = json!([{ "operation": "shipments.create", "kind": "status", "status": 422 }]);
        world.shop.faults(fault).await?;
        if let Some(trouble) = trouble.clone() {
            wire.trouble(REFUND, trouble);
        }
        let order = stripe.order(GOOD_CARD).await?;
        let (_, report) = world.run(&order).await?.failed_as("ShippingFailed")?;
        assert!(report.undone.iter().any(|undo| undo.step == "process-payment"), "{:?}", report.undone);
        let intent = stripe.intent(&orders::id(&order)).await?;
        // localstripe would take a second refund of the whole.
        let back = (&json!("succeeded"), &json!("vnd"), &json!(25_000_000), &json!(25_000_000));
        assert_eq!(charged(&intent), back, "{trouble:?}: {intent}");
        let key = format!(
            "order/{}/process-payment/refund/{}/0/0",
            orders::id(&order),
            intent["id"].as_str().unwrap_or_default()
        );
        assert!(wire.sent_as(REFUND).iter().all(|sent| sent.key == key), "{:?}", wire.sent_as(REFUND));
        paid.nothing_stands(0).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_payment_that_waits_for_the_customer_is_cancelled_with_the_order() -> anyhow::Result<()> {
    let paid = Paid::through_stripe().await?;
    let order = paid.stripe.order(CAUTIOUS_CARD).await?;
    let run = paid.world.start(&order).await?;
    let progress = run.waits().await?;
    let detail = progress.steps.iter().find_map(|step| step.detail.clone()).unwrap_or_default();
    assert!(detail.contains("three_d_secure") && detail.contains("pi_"), "{detail}");
    assert!(!detail.contains("_secret_"), "the client secret is in the history: {detail}");
    run.cancel_order("the customer called").await.map_err(anyhow::Error::msg)?;
    let result = run.ended().await?.stopped_as("cancelled")?;
    assert_eq!(
        tests::world::in_words(&result.report.undone),
        ["process-payment", "reserve-inventory", "update-order"]
    );
    let intent = paid.stripe.intent(&run.order_id).await?;
    assert_eq!((&intent["status"], &intent["latest_charge"]), (&json!("canceled"), &Value::Null));
    paid.nothing_stands(0).await
}

#[tokio::test]
async fn the_customers_confirmation_arrives_as_a_signed_event() -> anyhow::Result<()> {
    let Paid { stripe, world, .. } = &Paid::through_stripe().await?;
    let mut listener = Listener::open().await?;
    stripe.deliver(&listener, "whsec_test", &["payment_intent.succeeded"]).await?;
    let run = world.start(&stripe.order(CAUTIOUS_CARD).await?).await?;
    run.waits().await?;
    stripe.authenticate(&stripe.intent(&run.order_id).await?).await?;

    let delivered = listener.next().await?;
    let (now, secret) = (SystemTime::now(), Credential::new("whsec_test"));
    let read =
        |body: &[u8], secret: &Credential, now| verify_and_read(&delivered.signature, body, secret, now);
    let event = read(&delivered.body, &secret, now)?;
    assert_eq!(event.kind, "payment_intent.succeeded");
    assert_eq!(event.order_id.as_ref().map(|id| id.as_str()), Some(run.order_id.as_str()));
    let intent = stripe.intent(&run.order_id).await?;
    assert_eq!(event.payment_id.as_deref(), intent["id"].as_str());
    let other = Credential::new("whsec_other");
    assert_eq!(read(&delivered.body, &other, now), Err(WebhookError::Signature));
    let late = now + Duration::from_secs(302);
    assert_eq!(read(&delivered.body, &secret, late), Err(WebhookError::Time));
    let mut changed = delivered.body.clone();
    changed.push(b' ');
    assert_eq!(read(&changed, &secret, now), Err(WebhookError::Signature));

    assert_eq!(run.payment_settled(event.event_id.as_str()).await, Ok("taken".to_owned()));
    run.ended().await?.fulfilled()?;
    assert_eq!(stripe.intent(&run.order_id).await?["status"], json!("succeeded"));
    Ok(())
}

/// Stripe repeats its 500 for as long as it keeps the key: asking again is in vain.
#[tokio::test]
async fn a_repeated_500_is_looked_up_and_undone() -> anyhow::Result<()> {
    let paid = Paid::through_stripe().await?;
    paid.wire.trouble(CREATE, Trouble::Answered(500, &[]));
    paid.wire.trouble(CREATE, Trouble::Answered(500, &[("idempotent-replayed", "true")]));
    let order = paid.stripe.order(GOOD_CARD).await?;
    let (message, report) = paid.world.run(&order).await?.failed_as("StepFailed")?;
    assert!(message.contains("repeats it: HTTP 500"), "{message}");
    assert_eq!(
        tests::world::in_words(&report.undone),
        ["process-payment", "reserve-inventory", "update-order"]
    );
    assert_eq!(paid.wire.sent_as(CREATE).len(), 2);
    assert!(paid.stripe.intents(&orders::id(&order)).await?.is_empty());
    paid.nothing_stands(0).await
}

#[tokio::test]
async fn a_stripe_that_asks_to_slow_down_is_asked_when_it_says() -> anyhow::Result<()> {
    let Paid { stripe, wire, world, .. } = &Paid::through_stripe().await?;
    let order = stripe.order(GOOD_CARD).await?;
    wire.trouble(CREATE, Trouble::Answered(429, &[("retry-after", "2")]));
    world.run(&order).await?.fulfilled()?;
    stripe.intent(&orders::id(&order)).await?;
    let asked: Vec<Instant> = wire.sent_as(CREATE).iter().map(|sent| sent.at).collect();
    let [first, second] = asked[..] else { anyhow::bail!("asked {} times", asked.len()) };
    assert!(second - first >= Duration::from_secs(2), "asked again after {:?}", second - first);
    Ok(())
}

/// Stripe cannot bar a key: the undo that found nothing looks a second time.
#[tokio::test]
async fn a_charge_that_lands_after_its_undo_does_not_stand() -> anyhow::Result<()> {
    let paid = Paid::apart(&[
        "--ecommerce-api-retries=1",
        "--ecommerce-api-timeout=500",
        "--second-look=1500ms",
        "--undo-patience=10s",
    ])
    .await?;
    paid.wire.trouble(CREATE, Trouble::Late(Duration::from_millis(1_200)));
    let order = paid.stripe.order(GOOD_CARD).await?;
    let (_, report) = paid.world.run(&order).await?.failed_as("StepFailed")?;
    assert_eq!(
        tests::world::in_words(&report.undone),
        ["process-payment", "reserve-inventory", "update-order"]
    );
    let intent = paid.stripe.intent(&orders::id(&order)).await?;
    let charge = &intent["latest_charge"];
    assert_eq!(charge["amount_refunded"], charge["amount"], "{intent}");
    paid.nothing_stands(0).await
}

#[tokio::test]
async fn readiness_asks_stripe_with_our_key() -> anyhow::Result<()> {
    let stripe = Localstripe::start().await?;
    // localstripe takes no restricted keys.
    for (key, is_taken) in [("sk_test_12345", true), ("rk_test_12345", false)] {
        let world = World::without_worker(&tests::servers::dev_server()?).await?;
        let port = tests::processes::free_port()?;
        let settings = [
            format!("--listen=127.0.0.1:{port}"),
            "--payment-provider=stripe".to_owned(),
            format!("--stripe-secret-key={key}"),
            format!("--stripe-api-url={}", stripe.url()),
        ];
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        let _worker = world.spawn_worker(&settings)?;
        let until = Instant::now() + tests::world::LIMIT;
        let checks = loop {
            anyhow::ensure!(Instant::now() < until, "the worker never became ready");
            match reqwest::get(format!("http://127.0.0.1:{port}/readyz")).await {
                Ok(answer) if answer.status() == 200 => {
                    break serde_json::from_str::<Value>(&answer.text().await?)?["checks"].clone();
                }
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        };
        let payment = checks.as_array().into_iter().flatten().find(|check| check["name"] == "payment");
        let payment = payment.cloned().unwrap_or_default();
        assert_eq!(payment["ok"], json!(is_taken), "{key}: {payment}");
        assert!(!payment.to_string().contains("12345"), "the key is shown: {payment}");
    }
    Ok(())
}
