//! Order confirmations by SMTP: a real worker, the sandbox for everything but the mail, and aiosmtpd for the mail.

use std::time::Instant;

use contracts::customers::KeptBack;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tests::customers;
use tests::mail::{DKIM, FULL, Habits, LISTED, MailServer, NOBODY};
use tests::orders;
use tests::processes::free_port;
use tests::world::{LIMIT, World};
use workflows::follow_up_emails::Fate;
use workflows::report::StepStatus;

async fn world_with(settings: &[String]) -> anyhow::Result<World> {
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    World::with(&settings).await
}

fn right(server: &MailServer) -> Vec<String> {
    server.settings().into_iter().map(|(name, value)| format!("{name}={value}")).collect()
}

#[tokio::test]
async fn a_confirmation_arrives_encrypted_and_in_vietnamese() -> anyhow::Result<()> {
    for is_wrapped in [false, true] {
        let server = MailServer::with(Habits { is_wrapped, ..Habits::default() })?;
        let world = world_with(&right(&server)).await?;
        let order = orders::order();
        let result = world.run(&order).await?.fulfilled()?;
        let (id, tracking) = (orders::id(&order), result.tracking_number.unwrap_or_default());
        let mails = server.mails()?;
        assert_eq!(mails.len(), 1, "{mails:#?}");
        let mail = &mails[0];
        assert_eq!((&mail["encrypted"], &mail["login"]), (&json!(true), &json!(true)));
        assert_eq!(
            (&mail["mail_from"], &mail["rcpt_tos"]),
            (&json!("orders@shop.example.com"), &json!(["customer@example.com"]))
        );
        assert_eq!(mail["subject"], json!(format!("Xác nhận đơn hàng {id}")));
        assert_eq!(mail["from"], "Cửa hàng Mặt Trời <orders@shop.example.com>");
        assert_eq!(mail["dkim"], Value::Null, "off unless configured");
        assert_eq!((&mail["to"], &mail["defects"]), (&json!("customer@example.com"), &json!([])));
        for part in ["text", "html"] {
            let text = mail[part].as_str().unwrap_or_default();
            for words in ["Cảm ơn bạn đã mua hàng.", "25.000.000 VND", "Mã vận đơn", &id, &tracking]
            {
                assert!(text.contains(words), "{words:?} is not in the {part}: {text}");
            }
        }
        // SMS and push still go to the platform, and no mail does.
        let totals = world.shop.clean().await?;
        assert_eq!((&totals["mails"], &totals["sms"], &totals["pushes"]), (&json!(0), &json!(1), &json!(1)));
    }
    Ok(())
}

/// Verified by dkimpy: nobody here wrote it.
#[tokio::test]
async fn a_marketing_mail_is_signed_with_its_link_and_a_changed_one_is_found_out() -> anyhow::Result<()> {
    for knows_key in [true, false] {
        let server = MailServer::with(Habits { knows_key, ..Habits::default() })?;
        let link = "--unsubscribe-url=https://shop.example.com/unsubscribe".to_owned();
        let settings: Vec<String> =
            right(&server).into_iter().chain(DKIM.map(str::to_owned)).chain([link]).collect();
        let world = world_with(&settings).await?;
        let registration = customers::registration();
        let customer_id = world.open_account(&registration).await?;
        let long_ago = Timestamp::now() - SignedDuration::from_hours(24 * 8);
        let series = world.follow_up(&registration, &customer_id, long_ago).await?;
        series.ended().await?.completed()?;
        world.run(&orders::order()).await?.fulfilled()?;
        let mails = server.mails()?;
        assert_eq!(mails.len(), 3, "{mails:#?}");
        for (mail, is_marketing) in mails.iter().zip([true, true, false]) {
            assert_eq!(mail["dkim"], json!(knows_key), "{mail:#}");
            assert_eq!(mail["dkim_when_changed"], json!(knows_key && !is_marketing), "{mail:#}");
            assert_eq!(mail["list_unsubscribe_post"].is_string(), is_marketing, "{mail:#}");
            assert_eq!(mail["list_unsubscribe"].is_string(), is_marketing, "{mail:#}");
            assert_eq!(mail["defects"], json!([]));
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_lost_reply_costs_one_more_message_under_the_same_id() -> anyhow::Result<()> {
    let server = MailServer::with(Habits { lost_replies: 1, ..Habits::default() })?;
    let world = world_with(&right(&server)).await?;
    let result = world.run(&orders::order()).await?.fulfilled()?;
    assert!(
        result.report.steps.iter().all(|step| step.status == StepStatus::Completed),
        "{:?}",
        result.report
    );
    let mails = server.mails()?;
    assert_eq!(mails.len(), 2, "{mails:#?}");
    assert!(
        mails[0]["message_id"].as_str().is_some_and(|id| id.ends_with("@shop.example.com>")),
        "{}",
        mails[0]
    );
    assert_eq!(mails[0]["message_id"], mails[1]["message_id"]);
    Ok(())
}

#[tokio::test]
async fn a_recipient_that_is_refused_is_reported_and_suppressed_and_the_order_is_fulfilled()
-> anyhow::Result<()> {
    const ADDRESS: &str = "--mail-bounces=of-the-address";
    const EVERY: &str = "--mail-bounces=every-refusal";
    for (address, more, suppressed) in [
        (NOBODY, None, json!("bounce")),
        (NOBODY, Some(ADDRESS), json!("bounce")),
        (FULL, None, json!(null)),
        (FULL, Some(ADDRESS), json!(null)),
        (FULL, Some(EVERY), json!("bounce")),
    ] {
        let server = MailServer::start()?;
        let settings: Vec<String> = right(&server).into_iter().chain(more.map(str::to_owned)).collect();
        let world = world_with(&settings).await?;
        let mut registration = customers::registration();
        registration["email"] = json!(address);
        let mut order = orders::order();
        order["customer_email"] = json!(address);
        order["customer_id"] = json!(world.open_account(&registration).await?);
        let result = world.run(&order).await?.fulfilled()?;
        let step = result.report.step("send-notifications").cloned();
        let step = step.ok_or_else(|| anyhow::anyhow!("no step send-notifications"))?;
        let shown = serde_json::to_string(&step)?;
        assert!(shown.contains("refused: 550 5."), "{shown}");
        assert!(!serde_json::to_string(&result.report)?.contains(address), "{:?}", result.report);
        assert_eq!(server.mails()?, Vec::<Value>::new());
        assert_eq!(world.only_customer().await?["mail"]["suppressed"], suppressed, "{address} {more:?}");
        let totals = world.shop.clean().await?;
        let sent = (&totals["sms"], &totals["pushes"], &totals["refunds"]);
        assert_eq!(sent, (&json!(1), &json!(1), &json!(0)), "{address} {more:?}");
    }
    Ok(())
}

/// A full mailbox costs one mail (M3). A refusal of policy costs it later, and no setting suppresses the address.
#[tokio::test]
async fn a_mail_that_is_lost_is_in_the_report_and_a_metric_and_the_series_goes_on() -> anyhow::Result<()> {
    for (address, fate, why) in
        [(FULL, Some(Fate::Refused { code: "550 5.2.2".to_owned() }), "refused"), (LISTED, None, "given_up")]
    {
        let server = MailServer::start()?;
        let port = free_port()?;
        let (listen, patience) = (format!("--listen=127.0.0.1:{port}"), "--notice-patience=3s".to_owned());
        let every = "--mail-bounces=every-refusal".to_owned();
        let mut settings = right(&server);
        settings.extend([listen, patience]);
        settings.extend((address == LISTED).then_some(every));
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        let (world, _worker) = World::apart(&settings).await?;
        let mut registration = customers::registration();
        registration["email"] = json!(address);
        let customer_id = world.open_account(&registration).await?;
        let mut order = orders::order();
        order["customer_email"] = json!(address);
        if let Some(fate) = fate {
            let long_ago = Timestamp::now() - SignedDuration::from_hours(24 * 8);
            let series = world.follow_up(&registration, &customer_id, long_ago).await?.ended().await?;
            let fates: Vec<_> = series.completed()?.mails.into_iter().map(|mail| mail.fate).collect();
            assert_eq!(fates, [fate.clone(), fate]);
        }
        let result = world.run(&order).await?.fulfilled()?;
        let shown = serde_json::to_string(&result.report)?;
        let words = if why == "refused" { "refused: 550 5.2.2" } else { "permission or policy (550 5.7.1)" };
        assert!(shown.contains(words) && !shown.contains(address), "{shown}");
        assert_eq!(world.only_customer().await?["mail"]["suppressed"], json!(null), "{address}");
        let metrics = reqwest::get(format!("http://127.0.0.1:{port}/metrics")).await?.text().await?;
        let counted: Vec<&str> = metrics
            .lines()
            .filter(|line| line.starts_with("sunflow_messages_lost_total") && !line.ends_with(" 0"))
            .collect();
        let [line] = counted[..] else { anyhow::bail!("not one kind of lost messages: {counted:?}") };
        assert!(line.contains("channel=\"email\"") && line.contains(&format!("why=\"{why}\"")), "{line}");
    }
    Ok(())
}

/// A bounce of the welcome mail is known to the follow-up mails, which ask; a bounce of a follow-up mail ends the
/// series.
#[tokio::test]
async fn an_address_that_bounces_is_suppressed_and_gets_no_more_mails() -> anyhow::Result<()> {
    let mut registration = customers::registration();
    registration["email"] = json!(NOBODY);
    for is_welcomed in [true, false] {
        let server = MailServer::start()?;
        let world = world_with(&right(&server)).await?;
        let customer_id = if is_welcomed {
            let run = world.register(&registration).await?;
            let result = run.ended().await?.completed()?;
            let step = result.report.step("send-welcome-emails").cloned();
            let step = step.ok_or_else(|| anyhow::anyhow!("no step send-welcome-emails"))?;
            assert_eq!(step.status, StepStatus::Failed);
            let shown = serde_json::to_string(&result.report)?;
            assert!(shown.contains("refused: 550") && !shown.contains(NOBODY), "{shown}");
            run.follow_up().unsubscribe().await.map_err(anyhow::Error::msg)?;
            run.follow_up().ended().await?.completed()?;
            result.customer.ok_or_else(|| anyhow::anyhow!("no customer"))?.customer_id
        } else {
            world.open_account(&registration).await?
        };
        let long_ago = Timestamp::now() - SignedDuration::from_hours(24 * 8);
        let series = world.follow_up(&registration, &customer_id, long_ago).await?;
        let result = series.ended().await?.completed()?;
        let kept_back = Fate::KeptBack { reason: KeptBack::Bounced };
        let first =
            if is_welcomed { kept_back.clone() } else { Fate::Refused { code: "550 5.1.1".to_owned() } };
        let fates: Vec<_> = result.mails.into_iter().map(|mail| mail.fate).collect();
        assert_eq!((fates, result.ended_by), (vec![first, kept_back], Some(KeptBack::Bounced)));
        assert_eq!(world.only_customer().await?["mail"]["suppressed"], json!("bounce"), "{is_welcomed}");
        assert_eq!(server.mails()?, Vec::<Value>::new());
        world.shop.clean().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_wrong_password_is_an_outage_and_the_mail_is_not_lost() -> anyhow::Result<()> {
    let server = MailServer::start()?;
    let wrong = server.settings_but("--mail-password", "not the password");
    let fix = "it does not accept the login: correct SUN_MAIL_USER and SUN_MAIL_PASSWORD";
    is_an_outage_until_corrected(&server, wrong, fix).await
}

#[tokio::test]
async fn a_certificate_of_a_stranger_is_an_outage_and_the_mail_is_not_lost() -> anyhow::Result<()> {
    let server = MailServer::start()?;
    let wrong = server.settings_but("--mail-ca-file", &server.stranger().display().to_string());
    let fix = "is of an authority that is not trusted here: set SUN_MAIL_CA_FILE";
    is_an_outage_until_corrected(&server, wrong, fix).await
}

#[tokio::test]
async fn a_certificate_for_another_host_is_an_outage_and_the_mail_is_not_lost() -> anyhow::Result<()> {
    let server = MailServer::start()?;
    let wrong = server.settings_but("--mail-url", &format!("smtp://127.0.0.1:{}", server.port()));
    let fix = "is for another host: write the host in SUN_MAIL_URL as the certificate has it";
    is_an_outage_until_corrected(&server, wrong, fix).await
}

/// An order whose worker has a wrong setting waits with its mail; /readyz and Temporal say why; a worker that has it
/// right sends it.
async fn is_an_outage_until_corrected(
    server: &MailServer,
    wrong: Vec<String>,
    fix: &str,
) -> anyhow::Result<()> {
    let port = free_port()?;
    let listen = format!("--listen=127.0.0.1:{port}");
    let wrong: Vec<&str> = wrong.iter().map(String::as_str).chain([listen.as_str()]).collect();
    let (world, mut worker) = World::apart(&wrong).await?;
    let order = world.start(&orders::order()).await?;
    let until = Instant::now() + LIMIT;
    let failure = loop {
        if let Some(failure) = order.pending_failures().await?.into_iter().find(|text| text.contains("mail"))
        {
            break failure;
        }
        anyhow::ensure!(Instant::now() < until, "no mail is waiting");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    assert!(failure.contains(fix), "{failure}");
    assert!(!failure.contains("customer@example.com") && !failure.contains("password of"), "{failure}");
    let ready: Value =
        reqwest::get(format!("http://127.0.0.1:{port}/readyz")).await?.text().await?.parse()?;
    let check = ready["checks"].as_array().into_iter().flatten().find(|check| check["name"] == "mail");
    let check = check.ok_or_else(|| anyhow::anyhow!("no check of the mail server: {ready}"))?;
    assert_eq!((&check["ok"], &check["required"]), (&json!(false), &json!(false)));
    assert!(check["detail"].as_str().is_some_and(|detail| detail.contains(fix)), "{check}");
    assert_eq!(server.mails()?, Vec::<Value>::new());

    worker.kill()?;
    let right = right(server);
    let right: Vec<&str> = right.iter().map(String::as_str).collect();
    let _worker = world.spawn_worker(&right)?;
    let result = order.ended().await?.fulfilled()?;
    assert!(
        result.report.steps.iter().all(|step| step.status == StepStatus::Completed),
        "{:?}",
        result.report
    );
    assert_eq!(server.mails()?.len(), 1);
    Ok(())
}
