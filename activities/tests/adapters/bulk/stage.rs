//! Pages become a batch.

use std::fs;

use activities::bulk::BATCH_MAX;
use contracts::failure::UNAVAILABLE;
use store::Lines;

use super::till::{Row, Staged, Till, TillActivities, name};
use crate::TestResult;
use crate::temporal::{FIRST, SECOND, Temporal};

fn row(name: &str, price: i64) -> Row {
    (name.to_owned(), price)
}

/// Three pages: `a` twice, `b` as it is, `c` without a price, `d` unknown.
fn filled() -> TestResult<Till> {
    let till = Till::open()?;
    let mut books = till.books();
    books.prices = ["a", "b", "c", "e"].map(|name| (name.to_owned(), 1)).into();
    books.pages =
        vec![vec![row("a", 5), row("b", 1)], vec![row("c", 0), row("d", 5)], vec![row("a", 7), row("e", 3)]];
    drop(books);
    Ok(till)
}

async fn staged(till: &Till) -> TestResult<Staged> {
    let temporal = Temporal::with(TillActivities(till.clone())).await?;
    Ok(temporal.run(TillActivities::stage, FIRST, &9).await?.map_err(|failed| format!("{failed:?}"))?)
}

#[tokio::test]
async fn pages_become_one_row_for_each_key_and_the_unfit_are_named() -> TestResult {
    let till = filled()?;
    let staged = staged(&till).await?;
    let rows: Vec<Row> = Lines::get(&till.store, &staged.batch.ok_or("no batch")?).await?.records()?;
    assert_eq!(rows, [row("a", 7), row("e", 3)]);
    let unfit: Vec<String> =
        Lines::get(&till.store, &staged.quarantined.ok_or("no quarantine")?).await?.records()?;
    assert_eq!(unfit, ["c", "d"]);
    assert_eq!(staged.causes, ["no price", "no such name"].map(|cause| (cause.to_owned(), 1)).into());
    assert_eq!((staged.superseded, staged.next), (1, None));
    Ok(())
}

#[tokio::test]
async fn where_the_pages_are_enough_the_next_part_goes_on() -> TestResult {
    let till = filled()?;
    let temporal = Temporal::with(TillActivities(till.clone())).await?;
    let staged = temporal.run(TillActivities::stage, FIRST, &2).await?;
    let staged = staged.map_err(|failed| format!("{failed:?}"))?;
    assert_eq!((staged.superseded, staged.next.as_deref()), (0, Some("2")));
    Ok(())
}

/// A store that takes the batch and not the quarantine, or neither: nothing is lost, and the next attempt comes to what
/// an undisturbed one does.
#[tokio::test]
async fn a_store_that_is_away_in_the_middle_is_tried_again() -> TestResult {
    let undisturbed = staged(&filled()?).await?;
    for folder in ["staged", "quarantine"] {
        let till = filled()?;
        // A file where the folder should be.
        fs::write(till.file(folder), "")?;
        let temporal = Temporal::with(TillActivities(till.clone())).await?;
        let failed = temporal.run(TillActivities::stage, FIRST, &9).await?.expect_err("the store is away");
        assert_eq!((failed.kind.as_str(), failed.is_final), (UNAVAILABLE, false), "{failed:?}");
        assert!(failed.message.contains(folder), "{failed:?}");
        fs::remove_file(till.file(folder))?;
        assert_eq!(temporal.run(TillActivities::stage, SECOND, &9).await?, Ok(undisturbed.clone()));
    }
    Ok(())
}

/// Nobody is asked about a batch that could not be written.
#[tokio::test]
async fn more_rows_than_a_batch_takes_are_refused_before_anybody_is_asked() -> TestResult {
    let till = Till::open()?;
    till.batch(BATCH_MAX + 1).await?;
    let page = (0..=BATCH_MAX).map(|number| (name(number), 2)).collect();
    till.books().pages = vec![page];
    let temporal = Temporal::with(TillActivities(till.clone())).await?;
    let failed = temporal.run(TillActivities::stage, FIRST, &9).await?.expect_err("too many rows");
    assert!(failed.is_final && failed.message.contains("100001 rows are to be written"), "{failed:?}");
    Ok(())
}
