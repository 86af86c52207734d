//! The command line as a script sees it: exit codes, stdout, stderr.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::json;
use tests::orders;
use tests::processes::free_port;
use tests::servers;
use tests::starter::{at, starter};
use tests::world::{LIMIT, World};

const START: [&str; 6] = ["order", "start", "--input", "-", "--wait", "-ojson"];

#[tokio::test]
async fn a_fulfilled_order_is_0_and_prints_the_seeds_result() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = orders::order();
    let started = starter(&world, &START, Some(&order)).await?;
    assert_eq!(started.code, Some(0), "{}", started.err);
    let result = started.json()?;
    for field in ["payment_id", "tracking_number", "estimated_delivery", "workflow_id"] {
        assert!(result[field].is_string(), "{field} is not in {result}");
    }
    assert_eq!((&result["success"], &result["order_id"]), (&json!(true), &order["order_id"]));
    assert!(started.err.contains("[8/8] update-analytics completed"), "{}", started.err);

    // A second start attaches: the same result, nothing new.
    let again = starter(&world, &START, Some(&order)).await?;
    assert_eq!((again.code, again.json()?), (Some(0), result.clone()));
    assert_eq!(world.shop.clean().await?["charges"], json!(1));

    // So does the same order written otherwise.
    let mut otherwise = order.clone();
    otherwise["items"][0]["price"] = json!(order["items"][0]["price"].to_string());
    otherwise["discount"] = json!(null);
    otherwise["reservation_minutes"] = json!(30);
    otherwise["shipping_address"]["city"] = json!("\u{feff}Ho Chi Minh City \u{a0}");
    let again = starter(&world, &START, Some(&otherwise)).await?;
    assert_eq!((again.code, again.json()?), (Some(0), result), "{}", again.err);

    // News of its payment: a run reads whether it was paid twice, because the starter cannot.
    let id = orders::id(&order);
    let news = ["order", "settle-payment", &id, "--event-id", "e1", "-ojson"];
    let told = starter(&world, &news, None).await?;
    assert_eq!(told.code, Some(0), "{}", told.err);
    let run = format!("order/{id}/late");
    assert_eq!(told.json()?["late_payment"], json!(run));
    assert_eq!(starter(&world, &["order", "result", &run], None).await?.code, Some(0));
    assert_eq!(world.shop.clean().await?["refunds"], json!(0));

    // With other data it is not the same order.
    let mut other = order.clone();
    other["items"][0]["quantity"] = json!(2);
    other["total_amount"] = json!(50_000_000);
    let refused = starter(&world, &START, Some(&other)).await?;
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    assert_eq!(refused.json()?["error"]["type"], json!("Usage"), "{}", refused.out);
    assert!(refused.err.contains("was started with other data (items, total_amount)"), "{}", refused.err);
    Ok(())
}

#[tokio::test]
async fn what_the_business_decided_is_5_with_wait_and_with_result() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = orders::paid_with("card_declined");
    let started = starter(&world, &START, Some(&order)).await?;
    assert_eq!(started.code, Some(5), "{}", started.err);
    let document = started.json()?;
    assert_eq!(document["error"]["type"], json!("PaymentDeclined"));
    let undone = ["process-payment", "reserve-inventory", "update-order"]
        .map(|step| json!({ "step": step, "outcome": "undone" }));
    assert_eq!(document["report"]["undone"], json!(undone));
    for verb in ["result", "watch"] {
        let asked = starter(&world, &["order", verb, &orders::id(&order), "-ojson"], None).await?;
        assert_eq!((asked.code, asked.json()?), (Some(5), document.clone()), "{verb}");
    }
    Ok(())
}

#[tokio::test]
async fn a_stuck_undo_is_6_at_once_and_the_command_it_prints_closes_it() -> anyhow::Result<()> {
    let world = World::new().await?;
    world.shop.undo_sticks_at("payments.refund").await?;
    let order = orders::order();
    let id = orders::id(&order);
    let started = starter(&world, &START, Some(&order)).await?;
    assert_eq!(started.code, Some(6), "{}", started.err);
    let answer = format!("starter answer order/{id} process-payment --action retry --reason '…'");
    assert!(started.err.contains(&answer), "{}", started.err);
    for list in [&["order", "list"][..], &["list"]] {
        let listed = starter(&world, &[list, &["--needs-human", "-ojson"]].concat(), None).await?;
        assert!(listed.out.contains(&id), "{}", listed.out);
    }
    let status = starter(&world, &["order", "status", &id], None).await?;
    assert!(status.out.contains("the carrier refused"), "why it is undone is not in {}", status.out);

    world.shop.mend().await?;
    let answer: Vec<&str> = answer.split(' ').skip(1).map(|word| word.trim_matches('\'')).collect();
    assert_eq!(starter(&world, &answer, None).await?.code, Some(0));
    assert_eq!(starter(&world, &["order", "result", &id], None).await?.code, Some(5));
    world.shop.clean().await?;
    Ok(())
}

/// "Everything undone" is not so when a person left something standing.
#[tokio::test]
async fn what_was_left_standing_is_1() -> anyhow::Result<()> {
    let world = World::new().await?;
    world
        .shop
        .faults(json!([
            { "operation": "shipments.create", "kind": "status", "status": 422 },
            { "operation": "inventory.restock", "kind": "status", "status": 503 }
        ]))
        .await?;
    let order = orders::order();
    let id = orders::id(&order);
    assert_eq!(starter(&world, &START, Some(&order)).await?.code, Some(6));
    let answer =
        ["order", "resolve-undo", &id, "--step", "confirm-inventory", "--action", "skip", "--reason", "lost"];
    assert_eq!(starter(&world, &answer, None).await?.code, Some(0));
    let result = starter(&world, &["order", "result", &id], None).await?;
    assert_eq!(result.code, Some(1), "{}", result.out);
    assert!(result.out.contains("left standing: confirm-inventory (left standing: lost)"), "{}", result.out);
    Ok(())
}

#[tokio::test]
async fn a_cancel_says_what_will_be_undone_and_a_late_one_is_1() -> anyhow::Result<()> {
    let world = World::new().await?;
    let order = orders::paid_by("e_wallet");
    let id = orders::id(&order);
    starter(&world, &["order", "start", "--input", "-"], Some(&order)).await?;
    world.attach(&order).reaches("process-payment").await?;
    let cancelled =
        starter(&world, &["order", "cancel", &id, "--reason", "changed mind", "-ojson"], None).await?;
    assert_eq!(cancelled.code, Some(0), "{}", cancelled.err);
    assert_eq!(cancelled.json()?["will_undo"], json!(["process-payment", "reserve-inventory"]));
    assert_eq!(starter(&world, &["order", "result", &id], None).await?.code, Some(5));
    let late = starter(&world, &["order", "cancel", &id, "--reason", "again"], None).await?;
    assert_eq!(late.code, Some(1), "{}", late.err);

    // News of its payment after the end starts the refund, which is looked at like the order.
    let unnamed = starter(&world, &["order", "settle-payment", &id, "-ojson"], None).await?;
    assert_eq!(unnamed.code, Some(0), "{}", unnamed.err);
    let late = starter(&world, &["order", "settle-payment", &id, "--event-id", "e1", "-ojson"], None).await?;
    assert_eq!(late.code, Some(0), "{}", late.err);
    let run = format!("order/{id}/late");
    assert_eq!(late.json()?["late_payment"], json!(run));
    assert_eq!(starter(&world, &["order", "result", &run], None).await?.code, Some(0));
    assert_eq!(starter(&world, &["order", "status", &run], None).await?.code, Some(0));
    Ok(())
}

#[tokio::test]
async fn wrong_input_is_2_and_starts_nothing_unknown_is_4_unreachable_is_3() -> anyhow::Result<()> {
    let world = World::new().await?;
    let mut order = orders::order();
    order["total_amount"] = json!(1);
    let refused = starter(&world, &START, Some(&order)).await?;
    assert_eq!(refused.code, Some(2));
    assert!(refused.err.contains("total_amount is 1 VND"), "{}", refused.err);
    assert_eq!(refused.json()?["error"]["problems"][0]["field"], json!("total_amount"), "{}", refused.out);
    let status = starter(&world, &["order", "status", &orders::id(&order)], None).await?;
    assert_eq!(status.code, Some(4), "{}", status.err);

    let nobody = format!("127.0.0.1:{}", free_port()?);
    let unreachable = at(&nobody, "none", &START, Some(&orders::order())).await?;
    assert_eq!(unreachable.code, Some(3));
    assert!(unreachable.err.contains(&nobody), "{}", unreachable.err);
    Ok(())
}

/// A server on which nobody has registered search attributes yet takes orders all the same.
#[tokio::test]
async fn an_order_can_be_placed_before_the_first_worker_ever_ran() -> anyhow::Result<()> {
    let server = servers::bare_dev_server()?;
    let world = World::without_worker(&server.address).await?;
    let order = orders::order();
    let placed = starter(&world, &["order", "start", "--input", "-"], Some(&order)).await?;
    assert_eq!(placed.code, Some(0), "{}", placed.err);
    let _worker = world.spawn_worker(&[])?;
    let result = starter(&world, &["order", "result", &orders::id(&order), "-ojson"], None).await?;
    assert_eq!(result.code, Some(0), "{}", result.err);
    let show = starter(&world, &["list", "--query", &format!("SunOrderId = '{}'", orders::id(&order))], None)
        .await?;
    assert!(show.out.contains(&orders::id(&order)), "{} {}", show.out, show.err);
    Ok(())
}

/// A dev server keeps closed runs for a day. After that a number counts as new, whatever was shipped under it.
#[tokio::test]
async fn the_doctor_wants_closed_runs_kept_for_30_days() -> anyhow::Result<()> {
    let server = servers::bare_dev_server()?;
    let client = servers::client(&server.address).await?;
    let namespace = async || {
        let asked = at(&server.address, "sunflow", &["doctor", "-ojson", "--without-store"], None).await?;
        let checks = asked.json()?["checks"].as_array().cloned().unwrap_or_default();
        let found = checks.into_iter().find(|check| check["name"] == "namespace");
        found
            .with_context(|| format!("no check of the namespace: {}", asked.out))
            .map(|check| (asked.code, check))
    };
    let until = Instant::now() + LIMIT;
    // The namespace is there a moment after the port.
    while !namespace().await?.1["detail"].as_str().is_some_and(|detail| detail.contains("keeps closed runs"))
    {
        anyhow::ensure!(Instant::now() < until, "there is no namespace");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let short = [(None, "24 h"), (Some(servers::MONTH - Duration::from_secs(3_600)), "719 h")];
    for (retention, found) in short {
        if let Some(retention) = retention {
            servers::keep_closed_runs(&client, retention).await?;
        }
        let (code, check) = namespace().await?;
        assert_eq!((code, &check["ok"]), (Some(1), &json!(false)), "{check}");
        let detail = check["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(found) && detail.contains("started a second time"), "{detail}");
        assert_eq!(check["fix"], "temporal operator namespace update --namespace default --retention 30d");
    }
    servers::keep_closed_runs(&client, servers::MONTH).await?;
    let (_, check) = namespace().await?;
    assert_eq!(
        check,
        json!({ "name": "namespace", "ok": true, "detail": "default, keeps closed runs for 720 h" })
    );
    Ok(())
}
