//! The week of follow-up mails, on a server that skips time: the real durations.

use std::time::Duration;

use contracts::customers::KeptBack;
use contracts::values::CustomerId;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use temporalio_client::{
    Client, UntypedSignal, UntypedUpdate, WorkflowExecuteUpdateOptions, WorkflowSignalOptions,
};
use temporalio_common::data_converters::RawValue;
use temporalio_common::protos::temporal::api::common::v1::Payload;
use temporalio_common::protos::temporal::api::testservice::v1::GetCurrentTimeResponse;
use tests::customers;
use tests::follow_up::FollowUp;
use tests::servers::TimeSkipping;
use tests::world::World;
use tonic::IntoRequest as _;
use workflows::follow_up_emails::{Fate, FollowUpEmails, FollowUpResult};

const DAY: i64 = 24;
/// Retries and requests take real time; the server's clock runs on with them.
const SLACK: SignedDuration = SignedDuration::from_mins(2);

/// A time-skipping server with a worker, a shop, and a customer who has just registered.
struct Week {
    server: TimeSkipping,
    world: World,
    registration: Value,
    customer_id: CustomerId,
    registered_at: Timestamp,
}

async fn now(client: &Client) -> anyhow::Result<Timestamp> {
    let mut time = client.connection().test_service();
    let GetCurrentTimeResponse { time } = time.get_current_time(().into_request()).await?.into_inner();
    let time = time.unwrap_or_default();
    Ok(Timestamp::new(time.seconds, time.nanos)?)
}

impl Week {
    async fn begin(settings: &[&str]) -> anyhow::Result<Self> {
        let server = TimeSkipping::start()?;
        let world = World::on(&server.address, settings).await?;
        let registration = customers::registration();
        let customer_id = world.open_account(&registration).await?;
        let registered_at = now(&world.client).await?;
        Ok(Self { server, world, registration, customer_id, registered_at })
    }

    async fn series(&self) -> anyhow::Result<FollowUp<'_>> {
        let series = self.world.follow_up(&self.registration, &self.customer_id, self.registered_at).await?;
        series.until("waits", |p| p.current_step.as_deref() == Some("send-onboarding-tips")).await?;
        Ok(series)
    }

    async fn knows(&self, change: Value) -> anyhow::Result<()> {
        let path = format!("customers/{}", self.customer_id);
        self.world.shop.put(&path, change).await.map(drop)
    }

    async fn skip_to_end(&self, series: &FollowUp<'_>) -> anyhow::Result<FollowUpResult> {
        self.server.skipping(&self.world.client, series.ended()).await??.completed()
    }

    /// Lets time pass up to this many hours after the registration.
    async fn skip_to(&self, hours: i64) -> anyhow::Result<()> {
        let until = self.registered_at + SignedDuration::from_hours(hours);
        let rest = until.duration_since(now(&self.world.client).await?);
        self.server.sleep(&self.world.client, Duration::try_from(rest)?).await
    }

    fn hours(&self, result: &FollowUpResult, mail: usize) -> SignedDuration {
        result.mails[mail].at.duration_since(self.registered_at)
    }
}

fn about(found: SignedDuration, hours: i64) -> bool {
    let hours = SignedDuration::from_hours(hours);
    found >= hours && found < hours + SLACK
}

fn kept_back(result: &FollowUpResult) -> Vec<Option<KeptBack>> {
    let reason = |fate: &Fate| match fate {
        Fate::KeptBack { reason } => Some(*reason),
        _ => None,
    };
    result.mails.iter().map(|mail| reason(&mail.fate)).collect()
}

#[tokio::test]
async fn both_mails_leave_at_their_instants() -> anyhow::Result<()> {
    let week = Week::begin(&["--unsubscribe-url=https://shop.example.com/bye"]).await?;
    let series = week.series().await?;
    // The recommendations are asked for when the mail is sent: this product comes on sale on day 3.
    week.skip_to(3 * DAY).await?;
    let new = json!([{ "sku": "CAMERA-001", "variant_id": "CAMERA-001", "price": 9_000_000, "stock": 3 }]);
    week.world.shop.put("products", new).await?;
    let result = week.skip_to_end(&series).await?;
    assert_eq!(result.mails.len(), 2);
    assert!(result.mails.iter().all(|mail| mail.fate == Fate::Sent), "{:?}", result.mails);
    assert!(about(week.hours(&result, 0), DAY), "{:?}", result.mails);
    assert!(about(week.hours(&result, 1), 7 * DAY), "{:?}", result.mails);
    assert_eq!(week.world.mailed().await?, ["onboarding_tips", "product_recommendations"]);
    let outbox = week.world.shop.get("outbox").await?;
    let products = outbox[1]["message"]["data"]["recommendations"].as_array().cloned().unwrap_or_default();
    assert!(products.len() <= 6, "{products:?}");
    assert!(products.iter().any(|product| product["product_id"] == "CAMERA-001"), "{products:?}");
    for sent in outbox.as_array().into_iter().flatten() {
        let headers = &sent["message"]["headers"];
        assert_eq!(headers["List-Unsubscribe-Post"], json!("List-Unsubscribe=One-Click"));
        let link = headers["List-Unsubscribe"].as_str().unwrap_or_default();
        let start = format!("<https://shop.example.com/bye/{}/", result.customer_ref);
        assert!(link.starts_with(&start) && link.ends_with('>'), "{link}");
    }
    week.world.shop.clean().await?;
    Ok(())
}

#[tokio::test]
async fn an_unsubscription_on_day_2_stops_the_second_mail_and_reaches_the_platform() -> anyhow::Result<()> {
    let week = Week::begin(&[]).await?;
    let series = week.series().await?;
    week.skip_to(2 * DAY).await?;
    assert_eq!(series.unsubscribe().await, Ok("ended".to_owned()));
    // It ends at once: no time is skipped any more.
    let result = series.ended().await?.completed()?;
    assert_eq!(result.mails[0].fate, Fate::Sent);
    assert_eq!(kept_back(&result), [None, Some(KeptBack::Unsubscribed)]);
    assert!(about(week.hours(&result, 1), 2 * DAY), "{:?}", result.mails);
    assert_eq!(result.ended_by, Some(KeptBack::Unsubscribed));
    assert_eq!(week.world.mailed().await?, ["onboarding_tips"]);
    assert_eq!(week.world.only_customer().await?["mail"]["unsubscribed"], json!(true));
    Ok(())
}

#[tokio::test]
async fn without_consent_neither_mail_leaves_and_the_platform_is_asked_each_time() -> anyhow::Result<()> {
    let week = Week::begin(&[]).await?;
    week.knows(json!({ "marketing_consent": false })).await?;
    let series = week.series().await?;
    let result = week.skip_to_end(&series).await?;
    assert_eq!(kept_back(&result), [Some(KeptBack::NoConsent); 2]);
    assert_eq!(result.ended_by, None, "consent may come back");
    assert!(week.world.mailed().await?.is_empty());
    assert_eq!(week.world.shop.requests("customers.permission").await?, 2);
    Ok(())
}

#[tokio::test]
async fn consent_that_comes_or_goes_counts_when_the_mail_is_due() -> anyhow::Result<()> {
    let week = Week::begin(&[]).await?;
    week.knows(json!({ "marketing_consent": false })).await?;
    let series = week.series().await?;
    week.skip_to(DAY + 1).await?;
    week.knows(json!({ "marketing_consent": true })).await?;
    let result = week.skip_to_end(&series).await?;
    assert_eq!(kept_back(&result), [Some(KeptBack::NoConsent), None]);
    assert_eq!(week.world.mailed().await?, ["product_recommendations"]);

    // Withdrawn here, while the platform does not know it yet; and given again.
    for (is_given_again, sent) in [(false, 0), (true, 1)] {
        let week = Week::begin(&[]).await?;
        let series = week.series().await?;
        assert_eq!(series.consent_changed(false).await, Ok("taken".to_owned()));
        week.skip_to(DAY + 1).await?;
        if is_given_again {
            assert_eq!(series.consent_changed(true).await, Ok("taken".to_owned()));
        }
        let result = week.skip_to_end(&series).await?;
        assert_eq!(kept_back(&result)[0], Some(KeptBack::NoConsent));
        assert_eq!(week.world.mailed().await?.len(), sent, "given again: {is_given_again}");
    }
    Ok(())
}

#[tokio::test]
async fn quiet_hours_shift_a_mail_to_their_end() -> anyhow::Result<()> {
    let week = Week::begin(&[]).await?;
    // Both mails are due at the minute of the registration: the hour around it is quiet, and four more.
    let due = week.registered_at.to_zoned(jiff::tz::TimeZone::UTC).time();
    let from = due.saturating_sub(SignedDuration::from_mins(30));
    let until = due.wrapping_add(SignedDuration::from_hours(4));
    let quiet =
        json!({ "from": from.strftime("%H:%M").to_string(), "until": until.strftime("%H:%M").to_string() });
    week.knows(json!({ "time_zone": "Etc/UTC", "quiet_hours": quiet })).await?;
    let series = week.series().await?;
    let result = week.skip_to_end(&series).await?;
    assert!(result.mails.iter().all(|mail| mail.fate == Fate::Sent), "{:?}", result.mails);
    for (mail, day) in [(0, DAY), (1, 7 * DAY)] {
        let shifted = week.hours(&result, mail) - SignedDuration::from_hours(day);
        // The end of the quiet hours is a whole minute.
        assert!(
            shifted > SignedDuration::from_mins(4 * 60 - 2)
                && shifted < SignedDuration::from_mins(4 * 60 + 2),
            "mail {mail} was shifted by {shifted:?}; quiet {quiet}"
        );
    }
    // Asked again at the end of the quiet hours.
    assert_eq!(week.world.shop.requests("customers.permission").await?, 4);
    Ok(())
}

#[tokio::test]
async fn a_first_order_ends_the_series() -> anyhow::Result<()> {
    let week = Week::begin(&[]).await?;
    let series = week.series().await?;
    week.skip_to(DAY + 2).await?;
    assert_eq!(series.first_order_placed().await, Ok("ended".to_owned()));
    let result = series.ended().await?.completed()?;
    assert_eq!(kept_back(&result), [None, Some(KeptBack::Ordered)]);

    // Or the platform knows it, and nobody said so here.
    let week = Week::begin(&[]).await?;
    let series = week.series().await?;
    week.knows(json!({ "orders_placed": 1 })).await?;
    let result = week.skip_to_end(&series).await?;
    assert_eq!(kept_back(&result), [Some(KeptBack::Ordered); 2]);
    assert!(about(week.hours(&result, 1), DAY), "the second mail was not waited for: {:?}", result.mails);
    assert!(week.world.mailed().await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn what_the_platform_knows_of_the_address_holds_mails_back() -> anyhow::Result<()> {
    let cases = [
        (json!({ "suppressed": "bounce" }), KeptBack::Bounced),
        (json!({ "suppressed": "complaint" }), KeptBack::Complained),
        (json!({ "unsubscribed": true }), KeptBack::Unsubscribed),
    ];
    for (change, reason) in cases {
        let week = Week::begin(&[]).await?;
        let series = week.series().await?;
        week.knows(change).await?;
        let result = week.skip_to_end(&series).await?;
        assert_eq!(kept_back(&result), [Some(reason); 2]);
        assert_eq!(result.ended_by, Some(reason));
        assert!(week.world.mailed().await?.is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn an_erasure_ends_the_series_and_the_result_says_nothing_of_the_person() -> anyhow::Result<()> {
    let week = Week::begin(&[]).await?;
    let series = week.series().await?;
    assert_eq!(series.erase().await, Ok("ended".to_owned()));
    let result = series.ended().await?.completed()?;
    assert_eq!(kept_back(&result), [Some(KeptBack::Erased); 2]);
    let shown = serde_json::to_string(&result)?;
    assert!(!shown.contains('@') && !shown.contains("Nguyen"), "{shown}");
    assert_eq!(week.world.shop.requests("customers.permission").await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_mail_whose_reply_is_lost_is_sent_once_and_an_outage_is_waited_out() -> anyhow::Result<()> {
    for fault in [
        json!({ "operation": "notifications.email", "kind": "reply_lost", "count": 1 }),
        json!({ "operation": "customers.permission", "kind": "status", "status": 503, "count": 4 }),
        json!({ "operation": "products.recommend", "kind": "malformed", "count": 4 }),
        json!({ "operation": "notifications.email", "kind": "status", "status": 503, "count": 4 }),
    ] {
        let week = Week::begin(&[]).await?;
        let series = week.series().await?;
        week.world.shop.faults(json!([fault])).await?;
        let result = week.skip_to_end(&series).await?;
        assert!(result.mails.iter().all(|mail| mail.fate == Fate::Sent), "{fault}: {:?}", result.mails);
        assert_eq!(week.world.mailed().await?, ["onboarding_tips", "product_recommendations"], "{fault}");
        week.world.shop.clean().await?;
    }
    Ok(())
}

/// A platform that gives no usable answer for longer than an hour costs no mail; the rounds grow. The mail goes to the
/// address that the platform has by then.
#[tokio::test]
async fn a_mail_waits_for_the_platform_and_goes_to_the_address_that_it_has_then() -> anyhow::Result<()> {
    let week = Week::begin(&[]).await?;
    let series = week.series().await?;
    let refusal =
        json!([{ "operation": "customers.permission", "kind": "status", "status": 400, "count": 14 }]);
    week.world.shop.faults(refusal).await?;
    week.knows(json!({ "email": "corrected@example.com" })).await?;
    let result = week.skip_to_end(&series).await?;
    assert!(result.mails.iter().all(|mail| mail.fate == Fate::Sent), "{:?}", result.mails);
    let late = week.hours(&result, 0) - SignedDuration::from_hours(DAY);
    assert!(late > SignedDuration::from_hours(1) && late < SignedDuration::from_hours(8), "{late:?}");
    let outbox = week.world.shop.get("outbox").await?;
    for sent in outbox.as_array().into_iter().flatten() {
        assert_eq!(sent["message"]["to"], json!("corrected@example.com"), "{sent}");
    }
    Ok(())
}

/// A mail is tried until the next one is due, the last one for a patience of its own.
#[tokio::test]
async fn a_mail_is_given_up_when_the_next_one_is_due() -> anyhow::Result<()> {
    let week = Week::begin(&[]).await?;
    let series = week.series().await?;
    let refusal = json!([{ "operation": "customers.permission", "kind": "status", "status": 400 }]);
    week.world.shop.faults(refusal).await?;
    let result = week.skip_to_end(&series).await?;
    assert!(result.mails.iter().all(|mail| mail.fate == Fate::GivenUp), "{:?}", result.mails);
    assert!(about(week.hours(&result, 0), 7 * DAY), "{:?}", result.mails);
    assert!(about(week.hours(&result, 1), 7 * DAY), "{:?}", result.mails);
    Ok(())
}

/// A signal cannot be refused, and one that was sent by hand may hold anything: it ends nothing, and stops nothing. An
/// update is refused.
#[tokio::test]
async fn what_cannot_be_read_ends_no_series_and_stops_none() -> anyhow::Result<()> {
    let world = World::new().await?;
    let registration = customers::registration();
    let customer_id = world.open_account(&registration).await?;
    let series = world.follow_up(&registration, &customer_id, Timestamp::now()).await?;
    let handle = world.client.get_workflow_handle::<FollowUpEmails>(series.workflow_id.clone());
    for json in ["7", "\"tired\"", "{"] {
        let raw = || {
            let metadata = [("encoding".to_owned(), b"json/plain".to_vec())].into();
            let data = json.as_bytes().to_vec();
            RawValue::new(vec![Payload { metadata, data, external_payloads: Vec::new() }])
        };
        handle.signal(UntypedSignal::new("end_series"), raw(), WorkflowSignalOptions::default()).await?;
        let news = UntypedUpdate::new("consent_changed");
        let refused = handle.execute_update(news, raw(), WorkflowExecuteUpdateOptions::default()).await;
        assert!(refused.is_err(), "{json}");
        series.until("waits still", |p| p.current_step.is_some()).await?;
    }
    assert_eq!(series.unsubscribe().await, Ok("ended".to_owned()));
    let result = series.ended().await?.completed()?;
    assert_eq!(result.ended_by, Some(KeptBack::Unsubscribed));
    let notes: Vec<_> = result.report.notes.iter().filter(|note| note.contains("end_series")).collect();
    assert_eq!(notes.len(), 1, "{:?}", result.report.notes);
    Ok(())
}
