//! A batch is written, and again, and from its middle.

use std::collections::BTreeSet;
use std::fs;
use std::future::ready;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use activities::bulk::BATCH_MAX;
use contracts::bulk::{Rate, Written};
use contracts::failure::{REFUSED, UNAVAILABLE};
use contracts::objects::{CleanedUp, ObjectRef};
use futures::FutureExt as _;
use serde_json::json;
use store::clean_up::{LeftBehind, RunState, clean_up};
use store::{Lines, StoreError};

use super::till::{Apply, Row, Till, TillActivities, name};
use crate::TestResult;
use crate::temporal::{Attempt, FIRST, Failed, SECOND, Temporal};

/// Two segments and a half.
const ROWS: usize = 600;

struct Place {
    till: Till,
    temporal: Temporal,
    apply: Apply,
}

impl Place {
    async fn of(rows: usize) -> TestResult<Self> {
        let till = Till::open()?;
        let images = Some("before".to_owned());
        let apply = Apply { batch: till.batch(rows).await?, folder: "lists".to_owned(), images, rate: None };
        let temporal = Temporal::with(TillActivities(till.clone())).await?;
        Ok(Self { till, temporal, apply })
    }

    async fn run(&self, attempt: Attempt) -> TestResult<Result<Written<Row>, Failed>> {
        self.temporal.run(TillActivities::apply, attempt, &self.apply).await
    }

    async fn done(&self, attempt: Attempt) -> TestResult<Written<Row>> {
        Ok(self.run(attempt).await?.map_err(|failed| format!("{failed:?}"))?)
    }

    async fn lines(&self, lists: &[ObjectRef]) -> TestResult<usize> {
        let mut count = 0;
        for list in lists {
            count += Lines::get(&self.till.store, list).await?.records::<serde_json::Value>()?.len();
        }
        Ok(count)
    }

    /// Where the name of the first segment's before-images lies.
    fn first_images(&self) -> String {
        format!("before/{}-0.json", self.apply.batch.sha256)
    }
}

fn counts(counts: &[(&str, u64)]) -> std::collections::BTreeMap<String, u64> {
    counts.iter().map(|(action, count)| ((*action).to_owned(), *count)).collect()
}

#[tokio::test]
async fn a_lost_answer_is_found_out_by_the_before_image_and_nothing_is_written_twice() -> TestResult {
    let place = Place::of(ROWS).await?;
    place.till.books().unheard = vec![name(3), name(300)];
    for attempt in [FIRST, SECOND] {
        let failed = place.run(attempt).await?.expect_err("an answer is lost");
        assert_eq!((failed.kind.as_str(), failed.is_final), (UNAVAILABLE, false), "{failed:?}");
    }
    let written = place.done(SECOND).await?;
    assert_eq!(written.counts, counts(&[("updated", ROWS as u64)]));
    let writes = place.till.books().writes.clone();
    assert_eq!((writes.len(), writes.iter().collect::<BTreeSet<_>>().len()), (ROWS, ROWS));
    assert_eq!(
        (place.lines(&written.lists).await?, written.lists.len(), written.rows),
        (ROWS, 1, Vec::new())
    );
    let before: Vec<Option<i64>> = Lines::get(&place.till.store, &written.images[0]).await?.records()?;
    assert_eq!((written.images.len(), before), (1, vec![Some(1); ROWS]));
    Ok(())
}

#[tokio::test]
async fn few_rows_are_inline_and_what_is_right_already_is_not_written() -> TestResult {
    let place = Place::of(4).await?;
    place.till.books().prices.insert(name(1), 2);
    place.till.books().refused.push(name(2));
    let written = place.done(FIRST).await?;
    assert_eq!(written.counts, counts(&[("failed", 1), ("unchanged", 1), ("updated", 2)]));
    assert_eq!(written.rows, (0..4).map(|number| (name(number), 2)).collect::<Vec<_>>());
    assert_eq!(written.causes, counts(&[("refused: NOT_TODAY", 1)]));
    assert_eq!(place.lines(&written.quarantined).await?, 1);
    assert_eq!(place.till.books().writes, [name(0), name(2), name(3)]);
    Ok(())
}

/// Half of what a version told that counted otherwise would be half of the truth.
#[tokio::test]
async fn what_another_version_told_is_no_beginning() -> TestResult {
    for details in [
        json!({ "rows": 2, "created": 2, "updated": 0, "failed": 0, "inline": [], "lists": [] }),
        json!({ "format": 1, "rows": 2, "due": null }),
        json!({ "format": 2, "rows": 2, "written": { "counts": { "updated": 2 } }, "due": null }),
        json!("two"),
    ] {
        let place = Place::of(4).await?;
        place.temporal.told(&details)?;
        assert_eq!(place.done(SECOND).await?.counts, counts(&[("updated", 4)]), "{details}");
    }
    Ok(())
}

#[tokio::test]
async fn a_batch_that_another_attempt_divided_otherwise_goes_on_with_its_before_images() -> TestResult {
    let place = Place::of(4).await?;
    let store = &place.till.store;
    let mut images = store::LinesWriter::default();
    // Of two rows; the first one was written then, and changed by somebody else since.
    for image in [Some(1), Some(1)] {
        images.push(&image)?;
    }
    let list = images.put(store, "before").await?;
    assert!(store.create(&place.first_images(), serde_json::to_vec(&list)?).await?);
    place.till.books().prices.insert(name(1), 2);
    let written = place.done(SECOND).await?;
    assert_eq!(written.counts, counts(&[("updated", 4)]));
    assert_eq!(place.till.books().writes, [name(0), name(2), name(3)]);
    assert_eq!(place.lines(&written.images).await?, 4);
    Ok(())
}

#[tokio::test]
async fn half_a_list_is_named_and_nothing_is_written_by_it() -> TestResult {
    let place = Place::of(4).await?;
    place.till.books().unheard = vec![name(3)];
    assert!(place.run(FIRST).await?.is_err());
    place.till.books().writes.clear();
    let named = place.till.file(&place.first_images());
    let list: ObjectRef = serde_json::from_slice(&fs::read(&named)?)?;
    for file in [place.till.file(&list.key), named, place.till.file(&place.apply.batch.key)] {
        let whole = fs::read(&file)?;
        fs::write(&file, &whole[..whole.len() / 2])?;
        let failed = place.run(SECOND).await?.expect_err("half a list");
        assert_eq!((failed.kind.as_str(), failed.is_final), (REFUSED, true), "{failed:?}");
        assert!(failed.message.contains("is damaged"), "{failed:?}");
        fs::write(&file, whole)?;
    }
    assert_eq!(place.till.books().writes, Vec::<String>::new());
    assert_eq!(place.done(SECOND).await?.counts, counts(&[("updated", 4)]));
    Ok(())
}

#[tokio::test]
async fn a_store_that_takes_no_outcomes_costs_no_second_write() -> TestResult {
    let place = Place::of(4).await?;
    fs::write(place.till.file("lists"), "")?;
    let failed = place.run(FIRST).await?.expect_err("the store is away");
    assert_eq!((failed.kind.as_str(), failed.is_final), (UNAVAILABLE, false), "{failed:?}");
    fs::remove_file(place.till.file("lists"))?;
    assert_eq!(place.done(SECOND).await?.counts, counts(&[("updated", 4)]));
    assert_eq!(place.till.books().writes.len(), 4);
    Ok(())
}

#[tokio::test]
async fn without_a_place_for_before_images_nothing_is_written() -> TestResult {
    let place = Place::of(4).await?;
    fs::write(place.till.file("before"), "")?;
    assert!(place.run(FIRST).await?.is_err());
    assert_eq!(place.till.books().writes, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_stop_comes_between_two_rows_and_the_next_attempt_goes_on() -> TestResult {
    let mut place = Place::of(40).await?;
    place.apply.rate = Some(Rate::try_from(20)?);
    place.temporal.cancel();
    let attempt = Attempt { heartbeat: Duration::from_millis(300), ..FIRST };
    let ended = place.run(attempt).await;
    assert!(!ended.is_ok_and(|ended| ended.is_ok()), "it was written to its end");
    let before = place.till.books().writes.len();
    assert!((1..40).contains(&before), "{before} rows were written");
    let stopped: Written<Row> = place.temporal.told_when_cancelled()?;
    assert_eq!(stopped.counts, counts(&[("updated", before as u64)]));
    assert_eq!((stopped.rows.len(), place.lines(&stopped.lists).await?), (before, before));
    place.temporal.cancel_no_more();
    assert_eq!(place.done(SECOND).await?.counts, counts(&[("updated", 40)]));
    assert_eq!(place.till.books().writes.len(), 40);
    Ok(())
}

/// Each of the others would wait for its timeout, or be one more refused login.
#[tokio::test]
async fn after_the_first_row_without_an_answer_no_further_row_is_sent() -> TestResult {
    let place = Place::of(ROWS).await?;
    place.till.books().down_from = Some(name(3));
    let failed = place.run(FIRST).await?.expect_err("the till is down");
    assert_eq!((failed.message.as_str(), failed.is_final), ("the till is down", false));
    let sent = place.till.books().writes.len();
    assert!((4..=3 + 8).contains(&sent), "{sent} rows were sent");
    place.till.books().down_from = None;
    assert_eq!(place.done(SECOND).await?.counts, counts(&[("updated", ROWS as u64)]));
    Ok(())
}

#[tokio::test]
async fn a_batch_that_is_too_large_for_a_heartbeat_is_refused() -> TestResult {
    let place = Place::of(BATCH_MAX + 1).await?;
    let failed = place.run(FIRST).await?.expect_err("too many rows");
    assert!(failed.is_final && failed.message.contains("100001 rows; divide it"), "{failed:?}");
    assert_eq!(place.till.books().writes, Vec::<String>::new());
    Ok(())
}

/// Images are kept below a run's folder, whose last part is the run's id to those who clean up.
#[tokio::test]
async fn before_images_stay_and_go_with_their_run() -> TestResult {
    const DAY: Duration = Duration::from_secs(24 * 3_600);
    let mut place = Place::of(ROWS).await?;
    place.apply.folder = store::run_folder("till/one", "run-1");
    place.apply.images = Some(place.apply.folder.clone());
    place.done(FIRST).await?;
    let (store, later) = (&place.till.store, SystemTime::now() + 100 * DAY);
    let objects = store.list(&place.apply.folder).await?.len() as u64;
    // Three segments have a name and a list each; the whole list of images, and outcomes likewise.
    assert!(objects >= 7, "{objects} objects");
    for (state, cleaned) in [
        (RunState::Open, CleanedUp { kept: 1, ..CleanedUp::default() }),
        (RunState::Closed(later - 15 * DAY), CleanedUp { runs: 1, objects, ..CleanedUp::default() }),
    ] {
        let asked = Mutex::new(Vec::new());
        let done = clean_up(store, 14 * DAY, later, |run: &LeftBehind| {
            asked.lock().unwrap_or_else(PoisonError::into_inner).push(run.clone());
            ready(Ok::<_, StoreError>(state)).boxed()
        });
        assert_eq!(done.await?, cleaned, "{state:?}");
        let run = LeftBehind { workflow_id: "till/one".to_owned(), run_id: "run-1".to_owned() };
        assert_eq!(asked.into_inner().unwrap_or_else(PoisonError::into_inner), [run], "{state:?}");
    }
    assert_eq!(store.list("runs").await?.len(), 0);
    Ok(())
}

/// A missing image would shift those behind it to other rows.
#[tokio::test]
async fn a_look_that_leaves_a_row_out_is_a_mistake() -> TestResult {
    let place = Place::of(4).await?;
    place.till.books().overlooks = 1;
    let failed = place.run(FIRST).await?.expect_err("a row has no image");
    assert_eq!((failed.message.as_str(), failed.is_final), ("3 images of 4 rows", true));
    assert_eq!(place.till.books().writes, Vec::<String>::new());
    Ok(())
}
