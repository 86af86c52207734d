//! Pages that no good ERP would send (E3): each comes to its end, or is told in words.

use std::time::{Duration, Instant};

use contracts::erp::Entity;
use serde_json::{Value, json};
use tests::erp::ErpWorld;
use tests::erp::mock::{Asked, MockErp, Said};

fn product(n: u32) -> Value {
    json!({ "id": n, "sku": format!("PAGE-{n}"), "name": format!("Product {n}"), "price": 1_000,
        "updated_at": format!("2026-01-01T00:{:02}:00Z", n % 60) })
}

/// Identity mapping.
fn config(erp: &MockErp) -> Value {
    let mut config = erp.config(&["products"]);
    config["mapping_rules"] = json!({});
    config
}

async fn read(answers: impl Fn(&Asked) -> Said + Send + Sync + 'static) -> anyhow::Result<(u64, u32)> {
    let erp = ErpWorld::new().await?;
    let mock = MockErp::start(&erp, answers).await?;
    let result = erp.sync(config(&mock)).await?.completed()?;
    Ok((result.report.summary.entities[&Entity::Products].read, mock.asked()))
}

#[tokio::test]
async fn an_empty_cursor_is_the_end() -> anyhow::Result<()> {
    assert_eq!(read(|_| Said::page(&[product(1)], &json!(""))).await?, (1, 1));
    Ok(())
}

#[tokio::test]
async fn ids_and_cursors_that_are_numbers_are_taken_as_text() -> anyhow::Result<()> {
    let read = read(|asked| match asked.cursor.as_deref() {
        None => Said::page(&[product(1)], &json!(17)),
        Some("17") => Said::page(&[product(2)], &Value::Null),
        Some(_) => Said::failure(400, None),
    });
    assert_eq!(read.await?, (2, 2));
    Ok(())
}

/// A list that does not go on would be read for ever, under the lease.
#[tokio::test]
async fn a_list_that_does_not_go_on_is_told() -> anyhow::Result<()> {
    type Answers = Box<dyn Fn(&Asked) -> Said + Send + Sync>;
    let again = |_: &Asked| Said::page(&[product(1)], &json!("A"));
    let round = |asked: &Asked| {
        let next = if asked.cursor.as_deref() == Some("A") { "B" } else { "A" };
        Said::page(&[product(1)], &json!(next))
    };
    let empty = |asked: &Asked| {
        let number = asked.cursor.as_deref().and_then(|cursor| cursor.parse::<u32>().ok()).unwrap_or(0);
        Said::page(&[], &json!(number + 1))
    };
    let erp = ErpWorld::new().await?;
    let lists: [(Answers, &str, u32); 3] = [
        (Box::new(again), "a page ends where one before it did", 2),
        (Box::new(round), "a page ends where one before it did", 3),
        (Box::new(empty), "10 pages without a record", 10),
    ];
    for (answers, wanted, most) in lists {
        let mock = MockErp::start(&erp, answers).await?;
        let (message, _) = erp.sync(config(&mock)).await?.failed_as("StepFailed")?;
        assert!(message.contains(wanted), "{message}");
        assert!(mock.asked() <= most, "asked {} times", mock.asked());
    }
    Ok(())
}

/// Twenty pages are one part; the third failed twice, and the others are not read anew for it.
#[tokio::test]
async fn a_page_that_fails_is_asked_for_alone() -> anyhow::Result<()> {
    let read = read(|asked| {
        let number: u32 = asked.cursor.as_deref().and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
        let next = if number < 6 { json!((number + 1).to_string()) } else { Value::Null };
        match (number, asked.times) {
            (3, 1 | 2) => Said::failure(503, None),
            _ => Said::page(&[product(number)], &next),
        }
    });
    assert_eq!(read.await?, (7, 9));
    Ok(())
}

/// A date, and with 503 as well as with 429.
#[tokio::test]
async fn an_erp_is_asked_again_when_it_says_so() -> anyhow::Result<()> {
    let begun = Instant::now();
    let read = read(|asked| {
        let in_two_seconds = jiff::Timestamp::now() + Duration::from_secs(3);
        let date = in_two_seconds.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        match asked.times {
            1 => Said::failure(503, Some("2")),
            2 => Said::failure(429, Some(&date)),
            _ => Said::page(&[product(1)], &Value::Null),
        }
    });
    assert_eq!(read.await?, (1, 3));
    assert!(begun.elapsed() >= Duration::from_secs(4), "{:?}", begun.elapsed());
    Ok(())
}
