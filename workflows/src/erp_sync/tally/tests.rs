use super::*;

/// Bytes that the details may have: one payload's worth, less room for the rest of a result.
const DETAILS_BYTES_MAX: usize = 200 * 1024;
/// Reads of one run at most (`batches_per_run`).
const BATCHES_MAX: u64 = 400;

fn list(number: u64) -> ObjectRef {
    let sha256 = format!("{number:064x}");
    let run = format!("erp/{}-2026-11-23T03:00:00Z/{}", "i".repeat(64), "r".repeat(36));
    ObjectRef { key: format!("runs/{run}/{sha256}.jsonl"), bytes: 10_000_000, sha256 }
}

/// A history must take the report of the longest run there is, whether it wrote or would.
#[test]
fn the_report_of_the_longest_run_fits_into_a_payload() {
    let mut work = Work::default();
    let (products, levels) = (Entity::Products, Entity::Inventory);
    for number in 0..BATCHES_MAX {
        let entity = if number % 2 == 0 { products } else { levels };
        let counts = StageCounts { read: 10_000, to_create: 10_000, ..StageCounts::default() };
        let staged = Staged { batch: Some(list(number)), counts, ..Staged::default() };
        work.staged.entry(entity).or_default().add(staged);
        let applied = Applied { created: 10_000, lists: vec![list(number)], ..Applied::default() };
        work.applied.entry(entity).or_default().add(applied);
    }
    for is_dry in [false, true] {
        let details = work.details(is_dry);
        let Rows::Listed { count, refs } = &details.products else { panic!("many rows are listed") };
        assert_eq!((*count, refs.len()), (2_000_000, 200));
        let bytes = serde_json::to_vec(&details).expect("JSON").len();
        assert!(bytes < DETAILS_BYTES_MAX, "{bytes} bytes");
    }
}

/// One record that has a field is enough, and records of no pages say nothing.
#[test]
fn a_field_that_no_record_has_is_told_where_all_were_read() {
    let pages = |read, unseen: &[&str]| Staged {
        counts: StageCounts { read, ..StageCounts::default() },
        unseen_fields: unseen.iter().map(|&words| words.to_owned()).collect(),
        ..Staged::default()
    };
    let mut staged = StagedEntity { is_full: true, ..StagedEntity::default() };
    staged.add(pages(0, &[]));
    staged.add(pages(2, &["a", "b"]));
    staged.add(pages(0, &[]));
    assert_eq!(staged.never_seen(), ["a", "b"]);
    staged.add(pages(1, &["b", "c"]));
    assert_eq!(staged.never_seen(), ["b"]);
    assert_eq!(StagedEntity { is_full: false, ..staged.clone() }.never_seen(), [""; 0]);
    staged.add(pages(1, &[]));
    assert_eq!(staged.never_seen(), [""; 0]);
}

/// Records that the runs before have left out are not forgotten where another run goes on.
#[test]
fn a_run_that_reads_on_is_told_what_was_left_out_until_then() {
    let mut work = Work::default();
    assert_eq!(work.resume(), None);
    let earlier_runs = EarlierRuns { failed: 1, quarantined: 10 };
    let resume = Resume {
        entity: Entity::Products,
        cursor: "page-2".to_owned(),
        since: None,
        read: 40,
        newest: None,
        earlier_runs,
    };
    work.resume = Some(resume.clone());
    let counts = StageCounts { read: 40, invalid: 3, ..StageCounts::default() };
    work.staged.entry(Entity::Products).or_default().add(Staged { counts, ..Staged::default() });
    for entity in [Entity::Products, Entity::Inventory] {
        work.applied.entry(entity).or_default().add(Applied { failed: 2, ..Applied::default() });
    }
    let earlier_runs = EarlierRuns { failed: 5, quarantined: 13 };
    assert_eq!(work.resume(), Some(Resume { earlier_runs, ..resume }));
}
