use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};

use super::clean_up::{LeftBehind, RunState, clean_up, clean_up_prices};
use contracts::objects::CleanedUp;

use super::lease::{Attempt, Holder};
use super::*;

struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("sunflow-store-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Self(std::env::temp_dir().join(name))
    }

    fn store(&self) -> Store {
        Store::open(&self.0.display().to_string()).expect("a folder")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("{} stays: {error}", self.0.display());
        }
    }
}

fn runs(_: &Holder) -> BoxFuture<'_, Result<bool, StoreError>> {
    ready(Ok(true)).boxed()
}

fn ended(_: &Holder) -> BoxFuture<'_, Result<bool, StoreError>> {
    ready(Ok(false)).boxed()
}

fn holder(name: &str) -> Holder {
    Holder { workflow_id: format!("erp/{name}"), first_run_id: "first".to_owned() }
}

#[tokio::test]
async fn what_is_put_is_found_by_its_hash_and_put_once() -> Result<(), StoreError> {
    let folder = Folder::new();
    let store = folder.store();
    let run = run_folder("erp/erp-001", "run-1");
    let first = store.put(&run, "jsonl", b"{}\n".to_vec()).await?;
    assert_eq!(store.put(&run, "jsonl", b"{}\n".to_vec()).await?, first);
    assert_eq!(store.get(&first).await?, b"{}\n");
    let listed = store.list("runs").await?;
    assert_eq!(listed.iter().map(|object| object.key.as_str()).collect::<Vec<_>>(), [first.key.as_str()]);
    Ok(())
}

#[tokio::test]
async fn what_was_changed_or_removed_is_told_apart() -> Result<(), StoreError> {
    let folder = Folder::new();
    let store = folder.store();
    let object = store.put("runs/x/y", "txt", b"right".to_vec()).await?;
    std::fs::write(folder.0.join(&object.key), b"wrong").expect("the file is there");
    assert!(matches!(store.get(&object).await, Err(StoreError::Damaged { .. })));
    store.remove(&object.key).await?;
    store.remove(&object.key).await?;
    assert!(matches!(store.get(&object).await, Err(StoreError::Gone { .. })));
    Ok(())
}

#[tokio::test]
async fn lines_come_back_in_order_and_a_broken_one_is_named() -> Result<(), StoreError> {
    let folder = Folder::new();
    let store = folder.store();
    let mut writer = LinesWriter::default();
    for number in 0..3 {
        writer.push(&number).expect("a number is JSON");
    }
    let object = writer.put(&store, "runs/x/y").await?.expect("there are lines");
    assert_eq!(Lines::get(&store, &object).await?.records::<u32>()?, [0, 1, 2]);
    assert_eq!(LinesWriter::default().put(&store, "runs/x/y").await?, None);
    store.create("runs/x/y/broken", b"1\nsecret\n".to_vec()).await?;
    let broken = Lines::read(&store, "runs/x/y/broken").await?.records::<u32>();
    let error = broken.expect_err("the second line is no number").to_string();
    assert!(error.contains("line 2") && !error.contains("secret"), "{error}");
    Ok(())
}

#[tokio::test]
async fn lines_are_read_some_at_a_time_and_a_changed_object_is_told() -> Result<(), StoreError> {
    let folder = Folder::new();
    let store = folder.store();
    // Longer than what is asked for at once, with lines that lie across its end, and no end behind the last one.
    let wanted: Vec<String> =
        (0..3_000).map(|number| format!("{number}-{}", "x".repeat(number % 701))).collect();
    let lines: Vec<String> = wanted.iter().map(|line| format!("\"{line}\"")).collect();
    let object = store.put("runs/x/y", "jsonl", lines.join("\n\n").into_bytes()).await?;
    let mut reader = LinesReader::open(&store, &object);
    let mut read: Vec<String> = Vec::new();
    loop {
        let some = reader.some(256).await?;
        if some.is_empty() {
            break;
        }
        read.extend(some);
    }
    assert_eq!(read, wanted);
    assert!(reader.some::<String>(1).await?.is_empty());
    let empty = store.put("runs/x/y", "jsonl", Vec::new()).await?;
    assert!(LinesReader::open(&store, &empty).some::<String>(1).await?.is_empty());

    let mut changed = lines.join("\n\n").into_bytes();
    let last = changed.len() - 2;
    changed[last] = b'y';
    store.replace(&object.key, changed).await?;
    let mut reader = LinesReader::open(&store, &object);
    let error = reader.some::<String>(5_000).await.expect_err("changed at its end");
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    store.remove(&object.key).await?;
    let error = LinesReader::open(&store, &object).some::<String>(1).await.expect_err("gone");
    assert!(matches!(error, StoreError::Gone { .. }), "{error}");
    Ok(())
}

#[tokio::test]
async fn of_many_who_want_a_lease_one_gets_it_and_the_others_are_told_who() -> Result<(), StoreError> {
    let folder = Folder::new();
    let store = folder.store();
    let wanting = (0..20).map(|n| {
        let store = store.clone();
        async move { lease::take(&store, "erp-001", &holder(&n.to_string()), runs).await }
    });
    let attempts: Vec<Attempt> = futures::future::try_join_all(wanting).await.map_err(|e: StoreError| e)?;
    let winners: Vec<usize> =
        (0..).zip(&attempts).filter(|(_, a)| **a == Attempt::Taken).map(|(n, _)| n).collect();
    assert_eq!(winners.len(), 1, "{attempts:?}");
    let winner = holder(&winners[0].to_string());
    for attempt in attempts.into_iter().filter(|attempt| *attempt != Attempt::Taken) {
        assert_eq!(attempt, Attempt::HeldBy(winner.clone()));
    }
    Ok(())
}

#[tokio::test]
async fn a_lease_is_kept_while_its_holder_runs_and_inherited_when_it_has_ended() -> Result<(), StoreError> {
    let folder = Folder::new();
    let store = folder.store();
    let (a, b) = (holder("a"), holder("b"));
    assert_eq!(lease::take(&store, "x", &a, runs).await?, Attempt::Taken);
    assert_eq!(lease::take(&store, "x", &a, runs).await?, Attempt::Taken);
    assert_eq!(lease::take(&store, "x", &b, runs).await?, Attempt::HeldBy(a.clone()));
    assert_eq!(lease::take(&store, "x", &b, ended).await?, Attempt::Taken);
    assert_eq!(lease::take(&store, "x", &a, runs).await?, Attempt::HeldBy(b.clone()));
    // However often it changes hands, it does not grow.
    for _ in 0..10 {
        assert_eq!(lease::take(&store, "x", &a, ended).await?, Attempt::Taken);
        assert_eq!(lease::take(&store, "x", &b, ended).await?, Attempt::Taken);
    }
    assert!(store.list("leases/x").await?.len() <= 4);
    Ok(())
}

const DAY: Duration = Duration::from_secs(24 * 3600);

fn judged(run: &LeftBehind, now: SystemTime) -> BoxFuture<'_, Result<RunState, StoreError>> {
    assert_eq!(run.workflow_id, "erp/erp-001");
    let state = match run.run_id.as_str() {
        "open" => RunState::Open,
        "closed-yesterday" => RunState::Closed(now - DAY),
        "closed-long-ago" => RunState::Closed(now - 30 * DAY),
        _ => RunState::Forgotten,
    };
    ready(Ok(state)).boxed()
}

#[tokio::test]
async fn objects_go_some_days_after_their_run_closed() -> Result<(), StoreError> {
    let folder = Folder::new();
    let store = folder.store();
    for run in ["open", "closed-yesterday", "closed-long-ago", "forgotten"] {
        store.put(&run_folder("erp/erp-001", run), "txt", run.as_bytes().to_vec()).await?;
    }
    store.create("quarantine/erp-001/x", b"stays".to_vec()).await?;
    let now = SystemTime::now();
    let done = clean_up(&store, 14 * DAY, now, move |run| judged(run, now)).await?;
    // A forgotten run's object is new here, so it stays; a month later it goes.
    assert_eq!(done, CleanedUp { runs: 1, objects: 1, kept: 3, ..CleanedUp::default() });
    let done = clean_up(&store, 14 * DAY, now + 30 * DAY, move |run| judged(run, now)).await?;
    assert_eq!(done, CleanedUp { runs: 2, objects: 2, kept: 1, ..CleanedUp::default() });
    assert_eq!(store.list("quarantine").await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_run_with_before_images_is_asked_about_once_and_goes_when_it_has_closed() -> Result<(), StoreError>
{
    let folder = Folder::new();
    let store = folder.store();
    let run = run_folder("erp/erp-001", "run-1");
    let batch = store.put(&run, "jsonl", b"1\n".to_vec()).await?;
    for first in [0, 250] {
        store.create(&format!("{run}/{}-{first}.json", batch.sha256), b"{}".to_vec()).await?;
    }
    let later = SystemTime::now() + 100 * DAY;
    for (state, cleaned) in [
        (RunState::Open, CleanedUp { kept: 1, ..CleanedUp::default() }),
        (RunState::Closed(later - 15 * DAY), CleanedUp { runs: 1, objects: 3, ..CleanedUp::default() }),
    ] {
        let asked = AtomicU32::new(0);
        let done = clean_up(&store, 14 * DAY, later, |found: &LeftBehind| {
            asked.fetch_add(1, Ordering::Relaxed);
            assert_eq!((found.workflow_id.as_str(), found.run_id.as_str()), ("erp/erp-001", "run-1"));
            ready(Ok::<_, StoreError>(state)).boxed()
        });
        assert_eq!((done.await?, asked.into_inner()), (cleaned, 1), "{state:?}");
    }
    Ok(())
}

/// A run that is a hundred days old may be taken back just now.
#[tokio::test]
async fn what_a_price_run_was_written_over_stays_while_anybody_needs_it() -> Result<(), StoreError> {
    let folder = Folder::new();
    let store = folder.store();
    let now = SystemTime::now() + 100 * DAY;
    for name in ["images/0000/x-0.json", "outcomes/0000/x-0/y.jsonl", "begun/0000/x-0/0-1-0-1"] {
        store.create(&format!("prices/b-1/{name}"), b"{}".to_vec()).await?;
    }
    let forgotten = RunState::Forgotten;
    for (keep, of, is, gone) in [
        (101, "prices/b-1", forgotten, 0),
        (90, "prices/b-1", RunState::Open, 0),
        (90, "prices/b-1", RunState::Closed(now - DAY), 0),
        (90, "prices/b-1/revert", RunState::Open, 0),
        (90, "prices/b-1/dry-run", RunState::Open, 0),
        (90, "prices/b-1/revert/dry-run", RunState::Open, 0),
        (90, "prices/b-1", RunState::Closed(now - 91 * DAY), 1),
    ] {
        let found = clean_up_prices(&store, keep * DAY, now, |run: &LeftBehind| {
            let state = if run.workflow_id == of { is } else { forgotten };
            ready(Ok::<_, StoreError>(state)).boxed()
        });
        let found = found.await?;
        assert_eq!((found, store.list("prices/b-1").await?.is_empty()), (gone, gone == 1), "{of} {is:?}");
    }
    Ok(())
}

#[test]
fn a_place_that_cannot_be_is_refused_with_the_fix() {
    let error = Store::open("ftp://somewhere").expect_err("no such store").to_string();
    assert!(error.contains("s3://bucket/prefix"), "{error}");
}

#[tokio::test]
async fn parts_of_a_list_are_joined_in_their_order_and_stay() -> Result<(), StoreError> {
    let folder = Folder::new();
    let store = folder.store();
    let mut parts = Vec::new();
    for part in ["1\n2\n", "3\n"] {
        parts.push(store.put("runs/a/b", "jsonl", part.as_bytes().to_vec()).await?);
    }
    let whole = join(&store, "runs/a/b", parts.clone()).await?;
    let [whole] = whole.as_slice() else { panic!("one list") };
    assert_eq!(Lines::get(&store, whole).await?.records::<u32>().expect("numbers"), [1, 2, 3]);
    // Joined again, by an attempt after a crash, they are the same.
    assert_eq!(join(&store, "runs/a/b", parts.clone()).await?, std::slice::from_ref(whole));
    assert_eq!(join(&store, "runs/a/b", parts[..1].to_vec()).await?, parts[..1]);
    assert_eq!(join(&store, "runs/a/b", Vec::new()).await?, []);
    Ok(())
}
